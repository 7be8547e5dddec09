"""What travels through a pipeline."""

from typing import ClassVar

import msgspec

SAMPLE_WIDTH = 2
"""Bytes of one sample: all audio is mono, signed, 16 bits, little-endian."""


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """A fact at a moment of the session.

    *at* is in microseconds of session time. What a frame is allowed to do on its
    way is a property of its type: data waits its turn and for room, a *control*
    frame overtakes the data that waits. An *interruptible* frame is forgotten when
    an Interrupt passes it.
    """

    control: ClassVar[bool] = False
    interruptible: ClassVar[bool] = True

    at: int = 0


class Audio(Frame, frozen=True, kw_only=True, gc=False):
    """Mono signed 16-bit little-endian samples, *rate* of them a second."""

    pcm: bytes
    rate: int = 24_000

    def __post_init__(self) -> None:
        if self.rate <= 0:
            raise ValueError(f"audio needs a rate in Hz above 0, not {self.rate}")
        if len(self.pcm) % SAMPLE_WIDTH:
            raise ValueError(f"audio is whole 16-bit samples, not {len(self.pcm)} bytes")

    @property
    def samples(self) -> int:
        return len(self.pcm) // SAMPLE_WIDTH

    @property
    def duration(self) -> int:
        """In microseconds."""
        return self.samples * 1_000_000 // self.rate


class Speech(Audio, frozen=True, kw_only=True, gc=False):
    """Audio of something that a model says: of one content part of one item."""

    response_id: str
    item_id: str
    content_index: int = 0


class Interrupt(Frame, frozen=True, kw_only=True):
    """What was being said is no longer wanted.

    It acts when it is sent: interruptible frames that wait between the sender and
    the end of the pipeline are forgotten at once, and every stage there is told.
    """

    control: ClassVar[bool] = True
    interruptible: ClassVar[bool] = False

    reason: str = ""


class Back(Frame, frozen=True, kw_only=True):
    """Yielded to send *frame* towards the source instead of onwards."""

    frame: Frame


class Forth(Frame, frozen=True, kw_only=True):
    """Yielded from `process_back` to send *frame* towards the sink."""

    frame: Frame
