"""A telephone line between two pipelines of one process."""

import anyio

from antiphon.pipeline import Audio, Emit, Frames, sleep_until

BOUND = 500
"""Blocks that may be under way; nobody who listens is ten seconds late."""


class Cable:
    """What is written at one end is heard at the other when it has been spoken.

    `write` is for a PacedSink; the cable itself is a source. It ends when it is hung up.
    """

    name = "Cable"
    gives = (Audio,)

    def __init__(self, rate: int) -> None:
        self.gives_rate = rate
        self._ends = anyio.create_memory_object_stream[Audio](BOUND)

    def write(self, pcm: bytes, at: int) -> None:
        send, receive = self._ends
        if not receive.statistics().open_receive_streams:
            return  # nobody listens any more
        send.send_nowait(Audio(pcm=pcm, rate=self.gives_rate, at=at))

    def hang_up(self) -> None:
        self._ends[0].close()

    async def run(self, frames: Frames, emit: Emit) -> None:
        with self._ends[1] as receive:
            async for audio in receive:
                # As with a microphone, a block is there when it is over.
                await sleep_until(audio.at + audio.duration)
                await emit(audio)
