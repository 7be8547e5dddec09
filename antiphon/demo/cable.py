"""A telephone line between two pipelines of one process."""

from anyio import Event

from antiphon.pipeline import Audio, Emit, Frames


class Cable:
    """What is written at one end is heard at the other when it has been spoken.

    `write` is for a PacedSink; the cable itself is a source. As with a microphone, a block
    is there when it is over, which is when the next one is written. It ends when it is
    hung up.
    """

    name = "Cable"
    gives = (Audio,)

    def __init__(self, rate: int) -> None:
        self.gives_rate = rate
        self._spoken: Audio | None = None
        self._emit: Emit | None = None
        self._hung_up = Event()

    def write(self, pcm: bytes, at: int) -> None:
        if self._spoken is not None and self._emit is not None:
            self._emit.nowait(self._spoken)
        self._spoken = Audio(pcm=pcm, rate=self.gives_rate, at=at)

    def hang_up(self) -> None:
        self._hung_up.set()

    async def run(self, frames: Frames, emit: Emit) -> None:
        self._emit = emit
        try:
            await self._hung_up.wait()
        finally:
            self._emit = None
