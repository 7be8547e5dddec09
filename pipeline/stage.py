"""Stages in a bound pipeline: a lane in front, a task, and word of interruptions."""

from typing import cast

from anyio import CancelScope, EndOfStream
from anyio.lowlevel import checkpoint, checkpoint_if_cancelled

from antiphon.pipeline.clock import now
from antiphon.pipeline.errors import PipelineError, ProcessorError, leaf
from antiphon.pipeline.frames import Back, Forth, Frame, Interrupt
from antiphon.pipeline.fuse import Node, Port, forward_types, lost, nothing
from antiphon.pipeline.lane import TURN, Lane
from antiphon.pipeline.members import Stage
from antiphon.pipeline.observe import Hooks

REMEMBERED = 16
"""How many Interrupts back a stage may forward one that has already passed it."""


class StageNode(Node):
    """A stage: its port is a lane, and it is told of interruptions."""

    member: Stage

    def __init__(self, member: Stage, name: str, hooks: Hooks, bound: int) -> None:
        super().__init__(member, name, hooks)
        self.lane = Lane(name, bound)
        self.stale = False
        """An Interrupt has passed that the stage has not seen: what it emits is old."""
        self.done = False
        self.last: Interrupt | None = None
        self._passed: list[Interrupt] = []
        self._takes_back: tuple[type[Frame], ...] = getattr(member, "takes_back", ())
        self._restarts = getattr(member, "on_interrupt", "told") == "restart"
        self.lane.rereads = self._restarts
        self._scope: CancelScope | None = None
        self.after = Port(lost, nothing, ())

    def bind(self, after: Port) -> Port:
        self.after = Port(self._watched(after.push), after.close, after.lanes)
        self.lane.writers += 1
        return Port(self._enter, self.lane.close, (self.lane,))

    @property
    def hears_back(self) -> bool:
        return bool(self._takes_back)

    def back(self, frame: Frame) -> None:
        if isinstance(frame, self._takes_back):
            if not self.done:
                self.lane.push_back(frame)
        else:
            self.before(frame)

    async def run(self) -> None:
        """Run the stage until it ends, anew after each interruption if it wants that."""
        try:
            if not self._restarts:
                await self.member.run(_Inbox(self), _Outbox(self))
                return
            while True:
                with CancelScope() as self._scope:
                    await self.member.run(_Inbox(self, self._scope), _Outbox(self))
                    return
                self.stale = False
        except Exception as raised:
            error = leaf(raised)
            if known := _named(error):
                raise known from known.__cause__
            raise ProcessorError(self.name, f"{type(error).__name__}: {error}", now()) from error
        finally:
            self.done = True
            self.lane.abandon()

    def has_passed(self, frame: Frame) -> bool:
        """Whether *frame* is an Interrupt that went by: the stage only forwards it."""
        return any(frame is interrupt for interrupt in self._passed)

    def _enter(self, frame: Frame) -> None:
        if self.done:
            if frame.control:
                self.after.push(frame)
        elif not frame.control:
            self.lane.push(frame)
        elif isinstance(frame, Interrupt):
            self._interrupt(frame)
        else:
            self.lane.overtake(frame)

    def _interrupt(self, interrupt: Interrupt) -> None:
        self.last = interrupt
        self._passed = [*self._passed[1 - REMEMBERED :], interrupt]
        forgotten = self.lane.forget()
        if self.hooks.interrupted:
            self.hooks.interrupted(self.name, forgotten)
        self.after.push(interrupt)  # first, so that who plays is woken before who is in between
        if not self._restarts:
            self.stale = True
            self.lane.overtake(interrupt)
        elif self._scope is not None:  # else it has not begun
            self.stale = True
            self._scope.cancel()


class _Inbox:
    """The frames of one stage."""

    __slots__ = ("_node", "_receive", "_scope")

    def __init__(self, node: StageNode, scope: CancelScope | None = None) -> None:
        self._node = node
        self._receive = node.lane.receive
        self._scope = scope

    def __aiter__(self) -> "_Inbox":
        return self

    async def __anext__(self) -> Frame:
        if self._scope is not None and self._scope.cancel_called:
            await checkpoint_if_cancelled()  # what waits is for the run to come
        try:
            frame = await self._receive()
        except EndOfStream:
            raise StopAsyncIteration from None
        if frame.control and frame is self._node.last:
            self._node.stale = False
        return frame

    async def returned(self) -> Frame:
        return await self._node.lane.receive_returned()


class _Outbox:
    """What one stage emits with."""

    __slots__ = ("_lanes", "_node", "_push", "_turn")

    def __init__(self, node: StageNode) -> None:
        self._node = node
        self._push = node.after.push
        self._lanes = node.after.lanes
        self._turn = TURN

    async def __call__(self, frame: Frame) -> None:
        self.nowait(frame)
        for lane in self._lanes:
            if lane.full:
                self._turn = TURN
                await lane.room()
        self._turn -= 1
        if self._turn <= 0:
            self._turn = TURN
            await checkpoint()

    def nowait(self, frame: Frame) -> None:
        node = self._node
        if frame.__class__ not in forward_types:
            self._check(frame)
        if frame.interruptible:
            if node.stale:
                return
        elif frame.control and node.has_passed(frame):
            return
        self._push(frame)

    def back(self, frame: Frame) -> None:
        node = self._node
        if frame.__class__ not in forward_types:
            self._check(frame)
        if node.hooks.returned:
            node.hooks.returned(node.name, frame)
        node.before(frame)

    def _check(self, frame: object) -> None:
        if not isinstance(frame, Frame) or isinstance(frame, (Back, Forth)):
            raise TypeError(f"it emitted {frame!r:.80}, which is not a Frame that goes on")
        forward_types.add(type(frame))


def _named(error: BaseException) -> PipelineError | None:
    """The error of a member further on, also out of the groups of a stage's own tasks."""
    if isinstance(error, PipelineError):
        return error
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        return next(filter(None, map(_named, group.exceptions)), None)
    return None
