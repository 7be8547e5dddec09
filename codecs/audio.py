"""Audio of one direction on the wire: samples in events, base64 of some coding in messages."""

from collections.abc import Mapping
from typing import Literal

from antiphon.codecs.config import AudioFormat
from antiphon.codecs.wire import WireError, from_any_base64, to_base64

SAMPLE_WIDTH = 2

Law = Literal["mu", "a"]

LAWS: Mapping[str, Law] = {"audio/pcmu": "mu", "audio/pcma": "a"}

G711_RATE = 8000
"""Hz."""

HIGHEST = 384_000
"""Hz; no more is believed."""


class AudioLine:
    """How one direction's audio is coded, and the half of a sample that a message ended with.

    A message need not end with a whole sample; events always do: the odd byte waits for the
    next message of the same *stream*, an item for instance.
    """

    def __init__(self, dialect: str, rate: int) -> None:
        self._dialect = dialect
        self._default = rate
        self._law: Law | None = None
        self._odd = b""
        self._stream: object = None
        self.rate = rate
        """Hz, of the samples in events."""

    def carry(self, audio: AudioFormat | None) -> None:
        """From now on audio has this format; None is the dialect's own."""
        law, rate = self.check(audio)
        if (law, rate) != (self._law, self.rate):
            self._law, self.rate, self._odd = law, rate, b""

    def check(self, audio: AudioFormat | None) -> tuple[Law | None, int]:
        """What *audio* comes to, or the WireError that `carry` would raise."""
        if audio is None:
            return None, self._default
        if audio.type in LAWS:
            return LAWS[audio.type], G711_RATE
        rate = self._default if audio.rate is None else audio.rate
        if audio.type != "audio/pcm":
            problem = f"Expected audio/pcm, audio/pcmu or audio/pcma, got {audio.type[:40]!r}"
        elif not 0 < rate <= HIGHEST:
            problem = f"Expected a rate of 1 to {HIGHEST} Hz"
        else:
            return None, rate
        raise WireError(self._dialect, "$", problem)

    def to_wire(self, pcm: bytes) -> str:
        return to_base64(self.to_bytes(pcm))

    def to_bytes(self, pcm: bytes) -> bytes:
        """For a binary frame; whole samples only, since half of one is noise to who plays it."""
        if len(pcm) % SAMPLE_WIDTH:
            pcm = pcm[:-1]
        if self._law is None:
            return pcm
        from antiphon.codecs import g711

        return g711.compress(pcm, self._law)

    def from_wire(self, text: str, path: str, stream: object = None) -> bytes:
        return self.from_bytes(from_any_base64(text, self._dialect, path), stream)

    def from_bytes(self, data: bytes, stream: object = None) -> bytes:
        if self._law is not None:
            return self._expanded(data, self._law)
        if self._odd:
            if stream == self._stream:
                data = self._odd + data
            self._odd = b""
        if len(data) % SAMPLE_WIDTH:
            self._odd, self._stream = data[-1:], stream
            data = data[:-1]
        return data

    def whole(self, text: str, path: str) -> bytes:
        """Audio that is complete in itself, such as an item's: no half sample is kept of it."""
        data = from_any_base64(text, self._dialect, path)
        if self._law is not None:
            return self._expanded(data, self._law)
        return data[:-1] if len(data) % SAMPLE_WIDTH else data

    @staticmethod
    def _expanded(data: bytes, law: Law) -> bytes:
        from antiphon.codecs import g711

        return g711.expand(data, law)
