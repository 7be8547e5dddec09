"""A loudspeaker without sound."""

from anyio import move_on_after, sleep_forever

from antiphon.pipeline.clock import now
from antiphon.pipeline.frames import Frame
from antiphon.pipeline.members import Emit, Frames
from antiphon.processors.player import LIMIT, Player
from antiphon.processors.playout import Playout


class Silent:
    """Plays in the time that it takes, to the sample, and nobody hears it.

    For sessions whose audio goes elsewhere or nowhere: what a user would have heard is known all
    the same. It has no blocks, and no timer while nothing is played.
    """

    def __init__(self, *, rate: int = 24_000) -> None:
        self.rate = rate
        self.takes_rates = frozenset({rate})

    async def run(self, frames: Frames, emit: Emit) -> None:
        playing = _Playing(self.rate)
        playout = playing.playout
        player = Player(playout, frames, emit, lambda position: now() - playout.heard + position)
        while not (player.ended and playout.idle):
            frame: Frame | None = None
            with move_on_after(playing.left):
                if player.ended or playout.full:
                    await sleep_forever()
                try:
                    frame = await frames.__anext__()
                except StopAsyncIteration:
                    player.end()
            playing.advance()
            player.report()
            if frame is not None:
                player.accept(frame)


class _Playing:
    """What of a playout has been played, by the clock."""

    def __init__(self, rate: int) -> None:
        self.playout = Playout(rate, limit=LIMIT)
        self._rate = rate
        self._began = now()
        """When the stretch began that plays without a gap."""
        self._taken = 0

    @property
    def left(self) -> float | None:
        """Seconds until all that waits is played; None if nothing does."""
        if not self.playout.waiting:
            return None
        end = -((self._taken + self.playout.waiting) * 1_000_000 // -self._rate)
        return (self._began + end - now()) / 1_000_000

    def advance(self) -> None:
        due = (now() - self._began) * self._rate // 1_000_000 - self._taken
        samples = min(due, self.playout.waiting)
        self.playout.take(samples)
        self._taken += samples
        if not self.playout.waiting:
            self._began, self._taken = now(), 0
