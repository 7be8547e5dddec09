"""Opus from and to PCM, on PyAV.

https://www.rfc-editor.org/rfc/rfc6716 describes the codec, RFC 7587 its RTP.
"""

from fractions import Fraction
from typing import Any

from antiphon.transports.webrtc.jitter import RTP_RATE

FRAME = 20_000
"""Microseconds of one packet that is sent."""

SILENCE = b"\xf8\xff\xfe"
"""20 ms of silence, in one packet that needs no encoder."""

RATES = frozenset({8_000, 12_000, 16_000, 24_000, 48_000})
"""At which libopus takes audio as it is."""

BIT_RATE = 32_000
EFFORT = 5
"""Of 0 to 10: 110 us a packet where 10 takes 150 and speech sounds no better."""

_SILK = (480, 960, 1920, 2880)
_HYBRID = (480, 960)
_CELT = (120, 240, 480, 960)
_LONGEST = 5760
"""Ticks of the longest packet there may be: 120 ms."""


def length(payload: bytes) -> int:
    """Ticks of the RTP clock in a packet; 0 if it is none (RFC 6716, 3.1)."""
    if not payload:
        return 0
    configuration, count = payload[0] >> 3, payload[0] & 3
    if configuration < 12:
        one = _SILK[configuration & 3]
    elif configuration < 16:
        one = _HYBRID[configuration & 1]
    else:
        one = _CELT[configuration & 3]
    frames = (1, 2, 2, payload[1] & 63 if len(payload) > 1 else 0)[count]
    return one * frames if one * frames <= _LONGEST else 0


class Decoder:
    """PCM at *rate* from one stream's packets."""

    def __init__(self, rate: int) -> None:
        import av

        self._av: Any = av
        self._rate = rate
        # It always decodes at 48 kHz; mono halves the work, and both channels are in it.
        self._codec: Any = av.CodecContext.create("libopus", "r")
        self._codec.layout = "mono"
        self._resampler: Any = av.AudioResampler(format="s16", layout="mono", rate=rate)

    def decode(self, payload: bytes) -> bytes:
        """Of what cannot be decoded, the concealment."""
        try:
            return self._decoded(payload)
        except self._av.FFmpegError:
            return self.conceal(FRAME)

    def conceal(self, duration: int) -> bytes:
        """What was heard last, drawn out for *duration* microseconds; it fades within 100000.

        A packet that is only its first byte is one whose frame was lost: libopus then goes on
        from what it heard, in the mode that had, as it is meant to (RFC 6716, 4.4).
        """
        size = duration * self._rate // 1_000_000 * 2
        pcm = b""
        while len(pcm) < size:
            pcm += self._decoded(SILENCE[:1])
        return pcm[:size]

    def _decoded(self, payload: bytes) -> bytes:
        pcm = b""
        for frame in self._codec.decode(self._av.Packet(payload)):
            frame.pts = None
            for resampled in self._resampler.resample(frame):
                size = 2 * resampled.samples
                pcm += bytes(resampled.planes[0])[:size]
        return pcm


class Encoder:
    """Packets of 20 ms from PCM at *rate*; `size` bytes of it go into one."""

    def __init__(self, rate: int) -> None:
        import av

        self._av: Any = av
        self.rate = rate
        self.size = 2 * rate * FRAME // 1_000_000
        if rate not in RATES:
            raise ValueError(f"Opus takes audio at {sorted(RATES)} Hz, not {rate}")
        codec: Any = av.CodecContext.create("libopus", "w")
        codec.bit_rate = BIT_RATE
        codec.format = "s16"
        codec.layout = "mono"
        codec.sample_rate = rate
        codec.time_base = Fraction(1, rate)
        codec.options = {
            "application": "voip",
            "frame_duration": str(FRAME // 1000),
            "compression_level": str(EFFORT),
        }
        self._codec = codec
        self._position = 0

    def encode(self, pcm: bytes) -> bytes:
        """One packet; *pcm* is `size` bytes."""
        samples = len(pcm) // 2
        frame = self._av.AudioFrame(format="s16", layout="mono", samples=samples)
        frame.planes[0].update(pcm.ljust(frame.planes[0].buffer_size, b"\0"))
        frame.sample_rate = self.rate
        frame.pts = self._position
        frame.time_base = Fraction(1, self.rate)
        self._position += samples
        return b"".join(bytes(packet) for packet in self._codec.encode(frame))


class Resampler:
    """PCM at *rate* from PCM at whatever rate, a millisecond late."""

    def __init__(self, rate: int) -> None:
        import av

        self._av: Any = av
        self._rate = rate
        self._from = rate
        self._resampler: Any = None

    def convert(self, pcm: bytes, rate: int) -> bytes:
        if rate != self._from:
            self._from, self._resampler = rate, None
        if rate == self._rate or not pcm:
            return pcm
        if self._resampler is None:
            self._resampler = self._av.AudioResampler(format="s16", layout="mono", rate=self._rate)
        frame = self._av.AudioFrame(format="s16", layout="mono", samples=len(pcm) // 2)
        frame.planes[0].update(pcm.ljust(frame.planes[0].buffer_size, b"\0"))
        frame.sample_rate = rate
        out = b""
        for resampled in self._resampler.resample(frame):
            out += bytes(resampled.planes[0])[: 2 * resampled.samples]
        return out


def ticks(duration: int) -> int:
    """Of the RTP clock in *duration* microseconds."""
    return duration * RTP_RATE // 1_000_000
