"""What waits in front of a stage.

Data stands in order and is bounded: an emitter waits for room. Control, and what
was sent back, stands beside it and is taken first. The stage drains all that waits
without a task switch and sleeps on an event only when nothing does, which costs two
fifths of a memory object stream's send and receive; and what waits can be looked
through, so that an interruption acts on it when it is sent.
"""

import sys
from collections import deque

from anyio import EndOfStream, Event
from anyio.lowlevel import checkpoint, checkpoint_if_cancelled

from antiphon.pipeline.errors import LaneFull
from antiphon.pipeline.frames import Frame

EXCESS = 4096
"""How many frames may stand beside the data, or above its bound, before it is an error."""

TURN = 16
"""After so many frames in a row, others get their turn: a task switch costs 1/16 of itself."""


class Lane:
    """Frames on their way to a reader, from *writers* senders.

    *bound* counts data frames; senders that may wait do so in `room`.
    """

    __slots__ = (
        "_arrived",
        "_beside",
        "_data",
        "_returned",
        "_room",
        "_turn",
        "bound",
        "name",
        "rereads",
        "writers",
    )

    def __init__(self, name: str, bound: int) -> None:
        self.name = name
        self.bound = bound
        self.writers = 0
        self.rereads = False
        """A reader that is cancelled is followed by another."""
        self._data: deque[Frame] = deque()
        # Short and mostly empty: an empty deque alone takes 0.7 KB.
        self._beside: list[Frame] = []
        self._returned: list[Frame] = []
        self._arrived: Event | None = None
        self._room: Event | None = None
        self._turn = TURN

    def __len__(self) -> int:
        return len(self._data)

    @property
    def full(self) -> bool:
        return len(self._data) >= self.bound

    def push(self, frame: Frame) -> None:
        """Put *frame* behind all data that waits."""
        data = self._data
        data.append(frame)
        if len(data) > self.bound + EXCESS:
            raise LaneFull(self.name, len(data))
        if self._arrived is not None:
            self._wake()

    def overtake(self, frame: Frame) -> None:
        """Put the control frame *frame* in front of all data."""
        self._pass_by(self._beside, frame)

    def push_back(self, frame: Frame) -> None:
        """Put *frame*, which came from a later member, in front of all data."""
        self._pass_by(self._returned, frame)

    def forget(self) -> int:
        """Drop the interruptible data; the rest keeps its order. How many were dropped."""
        before = len(self._data)
        self._data = deque(frame for frame in self._data if not frame.interruptible)
        self._make_room()
        return before - len(self._data)

    def close(self) -> None:
        """One of the writers has ended; with the last one, so does the lane."""
        self.writers -= 1
        if self._arrived is not None:
            self._wake()

    def lift(self) -> None:
        """Take the bound away: no sender waits any more."""
        self.bound = sys.maxsize
        self._make_room()

    def abandon(self) -> None:
        """Nobody reads any more: drop all and keep no sender waiting."""
        self._data.clear()
        self._beside.clear()
        self._make_room()

    async def room(self) -> None:
        """Wait until the data is below its bound."""
        while len(self._data) >= self.bound:
            if self._room is None:
                self._room = Event()
            await self._room.wait()

    async def receive(self) -> Frame:
        """The next frame; EndOfStream once all writers have ended and all is read."""
        self._turn -= 1
        if self._turn <= 0:
            self._turn = TURN
            await checkpoint()
        while True:
            if self._beside:
                return self._beside.pop(0)
            if self._returned:
                return self._returned.pop(0)
            if self._data:
                frame = self._data.popleft()
                if self._room is not None:
                    self._make_room()
                return frame
            if self.writers <= 0:
                raise EndOfStream
            self._turn = TURN
            await self._arrival()

    async def receive_returned(self) -> Frame:
        """The next frame that was sent back; also once the writers have ended."""
        while not self._returned:
            await self._arrival()
        return self._returned.pop(0)

    async def _arrival(self) -> None:
        if self._arrived is None:
            self._arrived = Event()
        await self._arrived.wait()
        if self.rereads:  # woken and cancelled at once: what waits is for the next reader
            await checkpoint_if_cancelled()

    def _pass_by(self, side: list[Frame], frame: Frame) -> None:
        side.append(frame)
        if len(side) > EXCESS:
            raise LaneFull(self.name, len(side))
        if self._arrived is not None:
            self._wake()

    def _wake(self) -> None:
        if self._arrived is not None:
            self._arrived.set()
            self._arrived = None

    def _make_room(self) -> None:
        # Half the bound, so that sender and reader change places less often.
        if self._room is not None and len(self._data) <= self.bound // 2:
            self._room.set()
            self._room = None
