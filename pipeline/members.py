"""What a pipeline is assembled from.

A processor works at once, a stage may wait. Neither has a base class: any object
with the right method is one, and the optional methods are looked up when the
pipeline is bound.
"""

import inspect
import types
import typing
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any, Protocol, TypeGuard, runtime_checkable

import anyio

from antiphon.pipeline.errors import FitError
from antiphon.pipeline.frames import Back, Forth, Frame


@runtime_checkable
class Processor(Protocol):
    """Works on one frame at a time, at once.

    `process` yields what goes on; what it does not yield is gone. The annotation of
    its parameter says which frames it gets, all others pass by it. A plain function
    of a frame is a processor too. Optional, each a generator like `process`:

    - `start()` before the first frame, `finish()` after the last;
    - `process_back(frame)` for frames on their way to the source, of the types annotated;
    - `deadline`, in microseconds of session time or None, with `expire(at)`, which is
      called once that time has come, so that it can act in silence.

    All of them may yield Back(frame) and Forth(frame) to choose the direction.
    `takes_rates`, a set of Hz, and `gives_rate` declare which audio fits.
    """

    def process(self, frame: Any, /) -> Iterable[Frame]: ...


class Emit(Protocol):
    """How a stage sends frames."""

    async def __call__(self, frame: Frame, /) -> None:
        """Send *frame* on and wait until there is room for more."""
        ...

    def nowait(self, frame: Frame, /) -> None:
        """Send *frame* on without waiting; for what is small or rare."""
        ...

    def back(self, frame: Frame, /) -> None:
        """Send *frame* towards the source, to the nearest member that takes it."""
        ...


class Frames(Protocol):
    """How a stage gets frames: `async for frame in frames`, until the input ends."""

    def __aiter__(self) -> AsyncIterator[Frame]: ...

    async def __anext__(self) -> Frame: ...

    async def returned(self) -> Frame:
        """The next frame that was sent back, also after the input has ended."""
        ...


@runtime_checkable
class Stage(Protocol):
    """Waits, connects, talks to itself: a task of its own.

    It reads *frames* until they end and emits what goes on. A source ignores
    *frames*, a sink emits nothing. Optional attributes:

    - `takes_back`, the types of frames sent back by later members that it wants among
      its frames;
    - `on_interrupt`: "told" (the Interrupt comes among the frames, before all that
      waits) or "restart" (`run` is cancelled and called anew);
    - `takes`, `gives` (types), `takes_rates`, `gives_rate` (Hz): what fits.
    """

    async def run(self, frames: Frames, emit: Emit, /) -> None: ...


@runtime_checkable
class Composite(Protocol):
    """Stands for several members in a row."""

    @property
    def members(self) -> Sequence["Member"]: ...


class Tee:
    """Sends every frame into each of several branches and joins what they give.

    A branch is a member or a sequence of members; an empty one lets frames by.
    """

    def __init__(self, *branches: "Member | Sequence[Member]") -> None:
        if not branches:
            raise FitError(f"a {type(self).__name__} needs a branch")
        self.branches = tuple(as_line(branch) for branch in branches)


class Merge(Tee):
    """Lets frames by and joins what branches of their own source give to them."""


Function = Callable[[Any], Frame | Iterable[Frame] | None]
Member = Processor | Stage | Composite | Function | Tee


class Boundary:
    """A stage that does nothing, so that what stands around it is not fused."""

    async def run(self, frames: Frames, emit: Emit) -> None:
        async for frame in frames:
            await emit(frame)


class Alone:
    """Keeps one processor from being fused with its neighbours; see `alone`."""

    def __init__(self, processor: Processor | Function) -> None:
        self.members: tuple[Member, ...] = (Boundary(), processor, Boundary())


class Threaded:
    """Runs a processor that computes for longer than a millisecond in a worker thread.

    Frames stay in order, one at a time; it sees neither deadlines nor frames sent back.
    """

    def __init__(self, processor: Processor) -> None:
        self._processor = processor
        self.name = f"Threaded({name_of(processor)})"
        self.takes = takes_of(processor)
        self.takes_rates: frozenset[int] | None = getattr(processor, "takes_rates", None)
        self.gives_rate: int | None = getattr(processor, "gives_rate", None)

    async def run(self, frames: Frames, emit: Emit) -> None:
        await self._work("start", emit)
        async for frame in frames:
            if self.takes is None or isinstance(frame, self.takes):
                await self._work("process", emit, frame)
            else:
                await emit(frame)
        await self._work("finish", emit)

    async def _work(self, method: str, emit: Emit, *frame: Frame) -> None:
        work: Callable[..., Iterable[Any] | None] | None = getattr(self._processor, method, None)
        if work is None:
            return
        for out in await anyio.to_thread.run_sync(lambda: list(work(*frame) or ())):
            if isinstance(out, Back):
                emit.back(out.frame)
            else:
                await emit(out.frame if isinstance(out, Forth) else out)


def alone(processor: Processor | Function) -> Alone:
    """Give *processor* a task of its own, with a lane on either side."""
    return Alone(processor)


def is_stage(member: object) -> TypeGuard[Stage]:
    return hasattr(member, "run") and not hasattr(member, "process")


def as_line(members: Member | Sequence[Member]) -> tuple[Member, ...]:
    return tuple(members) if isinstance(members, (list, tuple)) else (members,)  # pyright: ignore[reportReturnType, reportUnknownVariableType, reportUnknownArgumentType]


def name_of(member: object) -> str:
    """How plans and errors call *member*: its `name`, or that of its function or class."""
    name = getattr(member, "name", None) or getattr(member, "__name__", None)
    return name if isinstance(name, str) else type(member).__name__


def work_of(member: Processor | Function) -> Callable[[Any], Any]:
    """The function that does a processor's work."""
    return getattr(member, "process", member)  # pyright: ignore[reportReturnType]


def _types_in(hint: object) -> tuple[type[Frame], ...] | None:
    """The frame types that an annotation names; None where it allows any."""
    origin = typing.get_origin(hint)
    if origin is typing.Union or origin is types.UnionType or isinstance(hint, types.UnionType):
        found = [_types_in(arg) for arg in typing.get_args(hint) if arg is not type(None)]
        if any(one is None for one in found):
            return None
        return tuple(t for one in found for t in one or ())
    if origin is not None:  # Iterator[X], Iterable[X], Generator[X, None, None], list[X]
        arguments = typing.get_args(hint)
        return _types_in(arguments[0]) if arguments else None
    if isinstance(hint, type) and issubclass(hint, Frame) and hint is not Frame:
        return (hint,)
    return None


def takes_of(member: Member) -> tuple[type[Frame], ...] | None:
    """The types of frames that *member* gets; None for all."""
    return _declared(member, "takes", 0)


def gives_of(member: Member) -> tuple[type[Frame], ...] | None:
    """The types of frames that *member* adds to what passes it; None where it may be any."""
    return _declared(member, "gives", -1)


def _declared(member: Member, attribute: str, hint: int) -> tuple[type[Frame], ...] | None:
    if hasattr(member, attribute):
        return getattr(member, attribute)
    if is_stage(member):
        return None
    return _hinted(work_of(member), hint)  # pyright: ignore[reportArgumentType]


def hears_of(member: Processor | Function) -> tuple[type[Frame], ...] | None:
    """The types of frames sent back that *member* gets; None for all, empty for none."""
    work = getattr(member, "process_back", None)
    return () if work is None else _hinted(work, 0)


def _hinted(work: Callable[..., Any], hint: int) -> tuple[type[Frame], ...] | None:
    """The frame types of the first parameter (0) or of the result (-1)."""
    try:
        hints = typing.get_type_hints(work)
    except (NameError, TypeError):  # names of a function's own scope; builtins
        return None
    if hint == -1:
        return _types_in(hints.get("return"))
    parameters = [p for p in inspect.signature(work).parameters if p != "self"]
    return _types_in(hints.get(parameters[0])) if parameters else None
