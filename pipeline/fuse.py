"""Fuses processors: nested calls, made once, before the first frame.

Every member becomes a node. A node is given the port behind it and answers with its
own, so that linking goes from the sink to the source; the way back is linked the
other way round. A processor's port is a call.
"""

from collections.abc import Callable, Iterator, Sequence
from types import CodeType
from typing import Any

from antiphon.pipeline.errors import PipelineError, ProcessorError
from antiphon.pipeline.frames import Back, Forth, Frame
from antiphon.pipeline.lane import Lane
from antiphon.pipeline.members import Function, Processor, hears_of, takes_of, work_of
from antiphon.pipeline.observe import Hooks

Push = Callable[[Frame], None]

forward_types: set[type] = set()
"""The types met so far that simply go on: one look-up a frame tells them from all else."""


class Port:
    """Where frames go: a push that does not wait, what then to wait for, and an end."""

    __slots__ = ("close", "lanes", "push")

    def __init__(self, push: Push, close: Callable[[], None], lanes: Sequence[Lane]) -> None:
        self.push = push
        self.close = close
        self.lanes = lanes


class _Accepts(dict[type, bool]):
    """Which types of frames a member gets, found out once a type."""

    def __init__(self, types: tuple[type[Frame], ...]) -> None:
        super().__init__()
        self._types = types

    def __missing__(self, frame_type: type) -> bool:
        answer = self[frame_type] = issubclass(frame_type, self._types)
        return answer


class Node:
    """A member in its place: what it needs of its neighbours."""

    def __init__(self, member: object, name: str, hooks: Hooks) -> None:
        self.member = member
        self.name = name
        self.hooks = hooks
        self.before: Push = lost
        """Where frames go that travel towards the source."""

    def bind(self, after: Port) -> Port:
        raise NotImplementedError

    def back(self, frame: Frame) -> None:
        """Take *frame*, which travels towards the source."""
        self.before(frame)

    @property
    def hears_back(self) -> bool:
        return False

    def nodes(self) -> Iterator["Node"]:
        """This node and those inside it, in order."""
        yield self

    def _send_back(self, frame: Frame) -> None:
        if self.hooks.returned:
            self.hooks.returned(self.name, frame)
        self.before(frame)

    def _watched(self, push: Push) -> Push:
        """*push*, seen by the observers if there are any."""
        passed, name = self.hooks.passed, self.name
        if passed is None:
            return push

        def watched(frame: Frame) -> None:
            passed(name, frame)
            push(frame)

        return watched


class ProcessorNode(Node):
    """A processor: its port is a call."""

    member: Processor | Function

    def __init__(self, member: Processor | Function, name: str, hooks: Hooks) -> None:
        super().__init__(member, name, hooks)
        self.timed = hasattr(member, "expire")
        self.rearmed: Callable[[], None] | None = None
        self._push: Push = lost
        self._finished = False
        hears = hears_of(member)
        self._hears = _Accepts((Frame,) if hears is None else hears)
        self._hears_back = hears != ()

    def bind(self, after: Port) -> Port:
        self._push = push = self._watched(after.push)
        self._after = after
        step = self._timed(self._step(push)) if self.timed else self._step(push)
        takes = takes_of(self.member)
        if takes is not None:
            step = _only(_Accepts(takes), step, after.push)
        return Port(step, self._close, after.lanes)

    @property
    def deadline(self) -> int | None:
        """None also once it has finished."""
        if self._finished:
            return None
        try:
            return self.member.deadline  # pyright: ignore[reportAttributeAccessIssue, reportFunctionMemberAccess, reportUnknownMemberType, reportUnknownVariableType]
        except Exception as error:
            raise self._failure(error, ()) from error

    def start(self) -> None:
        self._run("start", self._push)

    async def room(self) -> None:
        """Wait until there is room behind."""
        for lane in self._after.lanes:
            await lane.room()

    def expire(self, at: int) -> None:
        due = self.deadline
        self._run("expire", self._push, at)
        if self.deadline == due:
            raise ProcessorError(self.name, "expire() left its deadline as it was", at)

    @property
    def hears_back(self) -> bool:
        return self._hears_back

    def back(self, frame: Frame) -> None:
        if self._hears[frame.__class__]:
            self._run("process_back", self._send_back, frame)
            if self.rearmed:
                self.rearmed()
        else:
            self.before(frame)

    def _close(self) -> None:
        self._run("finish", self._push)
        self._finished = True
        self._after.close()

    def _run(self, method: str, plain: Push, *arguments: Any) -> None:
        """Send what an optional method yields; what it yields as it is goes to *plain*."""
        work = getattr(self.member, method, None)
        if work is None:
            return
        try:
            for out in work(*arguments) or ():
                if out.__class__ in forward_types:
                    plain(out)
                else:
                    self._divert(out, plain)
        except PipelineError:
            raise
        except Exception as error:
            raise self._failure(error, arguments) from error

    def _step(self, push: Push) -> Push:
        work, divert, forward = work_of(self.member), self._divert, forward_types

        def step(frame: Frame) -> None:
            try:
                for out in work(frame):
                    if out.__class__ in forward:
                        push(out)
                    else:
                        divert(out, push)
            except PipelineError:  # from further down the line, and named there
                raise
            except Exception as error:
                raise self._failure(error, (frame,)) from error

        def call(frame: Frame) -> None:
            try:
                out = work(frame)
                if out.__class__ in forward:
                    push(out)
                elif out is not None:
                    for one in (out,) if isinstance(out, Frame) else out:
                        divert(one, push)
            except PipelineError:
                raise
            except Exception as error:
                raise self._failure(error, (frame,)) from error

        return step if hasattr(self.member, "process") else call

    def _timed(self, step: Push) -> Push:
        def timed(frame: Frame) -> None:
            step(frame)
            if self.rearmed:
                self.rearmed()

        return timed

    def _divert(self, out: object, plain: Push) -> None:
        """What is not simply sent on: the other direction, a new type, a mistake."""
        if not isinstance(out.frame if isinstance(out, (Back, Forth)) else out, Frame):
            raise TypeError(f"it yielded {out!r:.80}, which is not a Frame")
        if isinstance(out, Back):
            self._send_back(out.frame)
        elif isinstance(out, Forth):
            self._push(out.frame)
        elif isinstance(out, Frame):
            forward_types.add(type(out))
            plain(out)

    def _failure(self, error: Exception, arguments: Sequence[object]) -> ProcessorError:
        at = getattr(arguments[0], "at", arguments[0]) if arguments else None
        when = at if isinstance(at, int) else None
        return ProcessorError(self.name, f"{type(error).__name__}: {error}", when)


_constants = ProcessorNode._step.__code__.co_consts  # pyright: ignore[reportPrivateUsage]

STEPS = frozenset(code for code in _constants if isinstance(code, CodeType))
"""The code of one frame's step through one processor, by which a stack shows who is at work."""


def _only(accepts: _Accepts, step: Push, past: Push) -> Push:
    def filtered(frame: Frame) -> None:
        if accepts[frame.__class__]:
            step(frame)
        else:
            past(frame)

    return filtered


def lost(frame: Frame) -> None:
    """The end of the line: there is nobody further on."""


def nothing() -> None:
    """There is nothing behind to be closed."""
