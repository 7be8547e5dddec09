"""Audio of one direction on the wire: samples in events, base64 of some coding in messages."""

from antiphon.codecs.config import AudioFormat
from antiphon.codecs.wire import WireError, from_any_base64, to_base64

SAMPLE_WIDTH = 2

LAWS = {"audio/pcmu": "mu", "audio/pcma": "a"}


class AudioLine:
    """How one direction's audio is coded, and the half of a sample that a message ended with.

    A message need not end with a whole sample; events always do: the odd byte waits for the
    next message of the same *stream*, an item for instance.
    """

    def __init__(self, dialect: str, rate: int) -> None:
        self._dialect = dialect
        self._default = rate
        self._law: str | None = None
        self._odd = b""
        self._stream: object = None
        self.rate = rate
        """Hz, of the samples in events."""

    def carry(self, audio: AudioFormat | None) -> None:
        """From now on audio has this format; None is the dialect's own."""
        if audio is None:
            self._law, self.rate = None, self._default
        elif audio.type in LAWS:
            self._law, self.rate = LAWS[audio.type], 8000
        elif audio.type == "audio/pcm":
            self._law, self.rate = None, audio.rate or self._default
        else:
            raise WireError(
                self._dialect,
                "$",
                f"Expected audio/pcm, audio/pcmu or audio/pcma, got {audio.type!r}",
            )

    def to_wire(self, pcm: bytes) -> str:
        return to_base64(self.to_bytes(pcm))

    def to_bytes(self, pcm: bytes) -> bytes:
        """For a binary frame."""
        if self._law is None:
            return pcm
        from antiphon.codecs import g711

        return g711.compress(pcm, "mu" if self._law == "mu" else "a")

    def from_wire(self, text: str, path: str, stream: object = None) -> bytes:
        return self.from_bytes(from_any_base64(text, self._dialect, path), stream)

    def from_bytes(self, data: bytes, stream: object = None) -> bytes:
        if self._law is not None:
            from antiphon.codecs import g711

            return g711.expand(data, "mu" if self._law == "mu" else "a")
        if self._odd:
            if stream == self._stream:
                data = self._odd + data
            self._odd = b""
        if len(data) % SAMPLE_WIDTH:
            self._odd, self._stream = data[-1:], stream
            data = data[:-1]
        return data
