"""One run of a pipeline: its tasks, its beginning and its end."""

import math
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Self

import anyio
from anyio import CancelScope, EndOfStream, Event
from anyio.abc import TaskGroup
from anyio.lowlevel import checkpoint

from antiphon.pipeline import clock
from antiphon.pipeline.bind import bind, make
from antiphon.pipeline.errors import DrainTimeout, NotRunning, PipelineError, ProcessorError
from antiphon.pipeline.frames import Frame, Interrupt
from antiphon.pipeline.fuse import Port, ProcessorNode, lost
from antiphon.pipeline.lane import TURN, Lane
from antiphon.pipeline.members import Member, name_of
from antiphon.pipeline.observe import Hooks
from antiphon.pipeline.stage import StageNode
from antiphon.pipeline.timer import Timer


class Run(AbstractAsyncContextManager["Run"]):
    """One run of a pipeline: `async with pipeline.open() as run`.

    Frames go in by `send`, come out by `async for frame in run`. Leaving the block
    ends the input and waits for what is under way; leaving it with an exception
    cancels. The first member that fails ends the run, with a ProcessorError. The run is
    over when its last member has ended; what then still runs before it is cancelled.
    """

    def __init__(
        self,
        members: Sequence[Member],
        hooks: Hooks,
        *,
        lane: int,
        output: bool,
        drain: float,
        claim: Callable[[], None],
        release: Callable[[], None],
    ) -> None:
        self._hooks = hooks
        self._drain = drain
        self._claim = claim
        self._release = release
        self._output = Lane("the output", lane) if output else None
        self._nodes = make(members, _unique_names(), hooks, lane)
        inner = [node for line in self._nodes for node in line.nodes()]
        self._names = [node.name for node in inner]
        self._stages = [node for node in inner if isinstance(node, StageNode)]
        self._processors = [node for node in inner if isinstance(node, ProcessorNode)]
        self._scopes: list[CancelScope] = []
        self._failure: Exception | None = None
        self._ended = False
        self._over = Event()
        self._entry: Port
        self._group: TaskGroup
        self._epoch = 0.0
        self._turn = TURN
        self._reader: int | None = None
        """The task that reads the output."""

    def now(self) -> int:
        """Session time of this run in microseconds."""
        return round((anyio.current_time() - self._epoch) * 1_000_000)

    async def send(self, frame: Frame) -> None:
        """Put *frame* in at the beginning and wait until there is room for more."""
        self.send_nowait(frame)
        for lane in self._entry.lanes:
            await lane.room()
        self._turn -= 1
        if self._turn <= 0:
            self._turn = TURN
            await checkpoint()

    def send_nowait(self, frame: Frame) -> None:
        """Put *frame* in at the beginning without waiting."""
        if self._ended or self._over.is_set():
            raise NotRunning("the input of this run has ended")
        try:
            self._entry.push(frame)
        except ProcessorError as error:
            self._fail(error)
            raise

    def end(self) -> None:
        """End the input; what was sent still comes out."""
        if not self._ended:
            self._ended = True
            try:
                self._entry.close()
            except ProcessorError as error:
                self._fail(error)
                raise

    def cancel(self) -> None:
        """End the run at once; what is under way is lost."""
        self._ended = True
        self._finish()
        if self._output is not None:
            self._output.abandon()

    def __aiter__(self) -> AsyncIterator[Frame]:
        self._reader = anyio.get_current_task().id
        return self

    async def __anext__(self) -> Frame:
        if self._output is None:
            raise NotRunning("this run was opened without output")
        try:
            return await self._output.receive()
        except EndOfStream:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Self:
        if self._over.is_set():
            raise NotRunning("this run is over; open another one")
        self._claim()
        self._epoch = clock.epoch()
        self._entry = bind(self._nodes, self._exit(), lost)
        self._group = anyio.create_task_group()
        await self._group.__aenter__()
        try:
            if self._hooks.started:
                self._hooks.started(self._names, self.now())
            for node in reversed(self._processors):  # each before it gets what others say first
                node.start()
        except BaseException as error:
            await self.__aexit__(type(error), error, error.__traceback__)
            raise
        for stage in self._stages:
            self._group.start_soon(self._run_stage, stage, name=f"antiphon: {stage.name}")
        timed = [node for node in self._processors if node.timed]
        if timed:
            self._group.start_soon(self._run_timer, Timer(timed), name="antiphon: deadlines")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        if error is None:
            try:
                await self._drained()
            except BaseException as late:
                error = late
        swallowed = False
        try:
            swallowed = await self._leave(error)
        finally:
            self._ended = True
            self._scopes.clear()
            self._finish()
            self._release()
            if self._hooks.ended:
                self._hooks.ended(self._failure or error)
        consequence = swallowed or error is None or isinstance(error, NotRunning)
        if self._failure is not None and consequence:
            raise self._failure
        if error is not None and not swallowed and kind is None:
            raise error  # it came up here, so the caller does not raise it
        return swallowed

    async def _leave(self, error: BaseException | None) -> bool:
        """Wait for all tasks; true if *error* is the cancellation that ended them."""
        if error is not None:
            self._group.cancel_scope.cancel()
        if isinstance(error, anyio.get_cancelled_exc_class()):
            # Only the group that cancelled may take its cancellation back.
            return bool(await self._group.__aexit__(type(error), error, error.__traceback__))
        # Any other exception is the caller's: the group would wrap it.
        await self._group.__aexit__(None, None, None)
        return False

    async def _drained(self) -> None:
        self.end()
        with anyio.move_on_after(self._drain if self._drain < math.inf else None):
            if self._output is not None:
                if self._reader == anyio.get_current_task().id:
                    async for _ in self:
                        pass
                else:  # another task reads, or is about to: nothing is lost, nothing waits for it
                    self._output.lift()
            await self._over.wait()
        if not self._over.is_set():
            left = [stage.name for stage in self._stages if not stage.done]
            raise DrainTimeout(left, self._drain)

    def _exit(self) -> Port:
        """Where the line ends: in the output, or nowhere."""
        output = self._output
        if output is None:
            return Port(lost, self._finish, ())
        output.writers = 1

        def push(frame: Frame) -> None:
            if isinstance(frame, Interrupt):
                output.forget()
            if frame.control:
                output.overtake(frame)
            else:
                output.push(frame)

        return Port(push, self._finish, (output,))

    def _finish(self) -> None:
        """The last member has ended, and so has everything before it."""
        if not self._over.is_set():
            self._over.set()
            if self._output is not None:
                self._output.close()
            for scope in self._scopes:
                scope.cancel()

    def _scope(self) -> CancelScope:
        """Of one task; cancelled when the run is over, which it may already be."""
        scope = CancelScope()
        self._scopes.append(scope)
        if self._over.is_set():
            scope.cancel()
        return scope

    def _fail(self, error: Exception) -> None:
        if self._failure is None:
            self._failure = error
        self._group.cancel_scope.cancel()

    async def _run_stage(self, node: StageNode) -> None:
        clock.begin(self._epoch)
        with self._scope():
            try:
                await node.run()
                node.after.close()
            except Exception as error:
                self._fail(error)

    async def _run_timer(self, timer: Timer) -> None:
        clock.begin(self._epoch)
        with self._scope():
            try:
                await timer.run()
            except PipelineError as error:
                self._fail(error)


def _unique_names() -> Callable[[object], str]:
    """Names members; a second one of the same name is told apart by a number."""
    met = Counter[str]()

    def unique(member: object) -> str:
        name = name_of(member)
        met[name] += 1
        return name if met[name] == 1 else f"{name} {met[name]}"

    return unique
