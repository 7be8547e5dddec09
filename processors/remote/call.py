"""A connection on which both sides can be heard: a call, as over WebRTC."""

from collections.abc import Iterator
from math import inf

from antiphon.codecs import events
from antiphon.codecs.dialect import ClientEnd
from antiphon.pipeline import Audio, now
from antiphon.pipeline.frames import SAMPLE_WIDTH
from antiphon.processors.remote.connection import Connection
from antiphon.processors.remote.voice import Voice, is_quiet
from antiphon.transports import Transport, Voiced

BEHIND = 100_000
"""Microseconds of the user's audio that may wait to be said; beyond, pauses are left out."""

LONGEST = 3_000_000
"""Beyond so many, words are left out too: nobody waits for an answer that long."""

QUIET = 500
"""The amplitude up to which it is quiet."""

PAUSE = 200_000
"""Microseconds of quiet after which it is a pause."""


class Call(Connection):
    """Says the user's audio aloud instead of as events, and hears the model's speech."""

    def __init__(
        self,
        end: ClientEnd,
        transport: Voiced,
        *,
        input_rate: int,
        output_rate: int,
        continuous: bool = False,
    ) -> None:
        super().__init__(end, transport, input_rate=input_rate, output_rate=output_rate)
        self._line = transport
        self._voice = Voice(output_rate, continuous=continuous)
        self._quiet = 0

    async def say(self, event: events.ClientEvent) -> bool:
        if isinstance(event, events.InputAudioAppend):
            if not self._too_late(event.audio):
                await self._line.play(Audio(pcm=event.audio, rate=self._input.own, at=event.at))
            return True
        if isinstance(event, events.InputAudioCommit):
            await self._line.left(inf)  # what is committed has to be there
        spoken = False
        for said in self._voice.said(event):
            spoken = await super().say(said) or spoken
        return spoken

    @property
    def behind(self) -> int:
        """Microseconds of the user's audio that wait to be said."""
        return self._line.queued

    def _too_late(self, pcm: bytes) -> bool:
        """Whether *pcm* is left out, since what was said while nobody listened still waits."""
        duration = len(pcm) // SAMPLE_WIDTH * 1_000_000 // self._input.own
        self._quiet = self._quiet + duration if is_quiet(pcm, QUIET) else 0
        return self.behind > LONGEST or (self.behind > BEHIND and self._quiet > PAUSE)

    async def receive(self) -> Iterator[events.ServerEvent]:
        heard = await self._line.hear()
        return self._sound(heard) if isinstance(heard, Audio) else self.hear(heard)

    def _sound(self, frame: Audio) -> Iterator[events.ServerEvent]:
        pcm = self._output.change(frame.pcm, frame.rate, self._output.own)
        return self._voice.sound(pcm, now())

    def _whole(self, heard: tuple[events.ServerEvent, ...]) -> Iterator[events.ServerEvent]:
        for event in super()._whole(heard):
            yield from self._voice.heard(event)


def connected(
    end: ClientEnd,
    transport: Transport,
    *,
    input_rate: int,
    output_rate: int,
    continuous: bool = False,
) -> Connection:
    """What fits *transport*."""
    if isinstance(transport, Voiced):
        return Call(
            end,
            transport,
            input_rate=input_rate,
            output_rate=output_rate,
            continuous=continuous,
        )
    return Connection(end, transport, input_rate=input_rate, output_rate=output_rate)
