"""Decides when each packet of a stream of audio is heard, and when a missing one is concealed.

It opens no socket, reads no clock and knows no codec: packets and times come in. All times
are integer microseconds; a packet's own are counted in samples of the RTP clock.
"""

from collections import deque
from typing import NamedTuple

RTP_RATE = 48_000
"""Ticks a second of the RTP clock of Opus, whatever the audio's rate (RFC 7587)."""

WINDOW = 100
"""Packets of which the jitter is measured: two seconds."""

NEEDED = 0.95
"""The share of packets for which the delay must suffice; the rest may use the patience."""

RESTART = 5_000_000
"""A jump of the stream's clock of more is a new stream."""

LARGEST_GAP = 3000
"""Sequence numbers; a larger step is a new stream (RFC 3550, A.1)."""

CLOSE = 2_500
"""Gaps of less are rounding."""


class Packet(NamedTuple):
    sequence: int
    timestamp: int
    samples: int
    """Its length in ticks of the RTP clock."""
    payload: bytes


class Gap(NamedTuple):
    """Nothing came: *duration* is to be concealed, *before* was already, without a pause."""

    duration: int
    before: int


class JitterBuffer:
    """Holds packets back only as long as the network's jitter needs it.

    The first packet is heard at once. A packet that is late by up to *patience* is still heard
    at once, later than planned; after that its time is filled with a Gap, and the delay grows
    by it unless the packet turns out to be lost. `excess` tells how much longer packets wait
    than the jitter of the last two seconds needs: whoever plays them leaves out that much of
    the sound, where it is not heard, and says so to `catch_up`. Never more than *longest* is
    held: beyond that the oldest is forgotten.
    """

    def __init__(
        self, *, patience: int = 8_000, longest: int = 400_000, capacity: int = 256
    ) -> None:
        self._patience = patience
        self._longest = longest
        self._capacity = capacity
        self._waiting: dict[int, Packet] = {}
        self._transits: deque[int] = deque(maxlen=WINDOW)
        self._needed: int | None = None
        self._started = False
        self._sequence = 0
        """Of the packet that is next, counted on beyond 16 bits."""
        self._newest = 0
        self._timestamp = 0
        """Of the newest packet, counted on beyond 32 bits."""
        self._media = 0
        """Where in the stream the next sound begins."""
        self._offset = 0
        """From a place in the stream to when it is heard."""
        self._ahead = 0
        """What was filled in while nothing came: either for lost packets, or more delay."""
        self._growth = 0
        """More delay that is needed, and is filled in before the next packet."""
        self._concealed = 0
        self._step = 20_000
        self.late = 0
        """Packets that came when their time had been filled already, or came again."""
        self.skipped = 0
        """Microseconds that were forgotten because too much was waiting."""

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def deadline(self) -> int | None:
        """When `take` will have something, unless a packet comes before."""
        return self._due(self._first()) if self._started else None

    @property
    def excess(self) -> int:
        """Microseconds that packets wait for longer than they need."""
        needed = self._enough()
        return 0 if needed is None else max(0, self._offset - needed)

    def put(self, packet: Packet, at: int) -> None:
        """Takes in what arrived at *at*."""
        sequence, timestamp = self._unwrapped(packet)
        media = _microseconds(timestamp)
        transit = at - media
        if not self._continues(sequence, transit):
            self._begin(packet, at)
            return
        self._note(transit)
        if sequence < self._sequence or media < self._media - self._step // 2:
            self._missed(transit)
            return
        self._waiting[sequence] = packet._replace(sequence=sequence, timestamp=timestamp)
        if sequence > self._newest:
            self._newest, self._timestamp = sequence, timestamp
        self._bound(at)

    def take(self, at: int) -> Packet | Gap | None:
        """What is to be heard at *at*; None: nothing before `deadline`."""
        if not self._started:
            return None
        first = self._first()
        if first is not None and self._ahead:
            self._settle(first)
        due = self._due(first)
        if at < due:
            return None
        if growth := self._growth:
            self._growth = 0
            self._offset += growth
            return self._gap(growth)
        if first is None:
            self._ahead += self._step
            self._offset += self._step
            return self._gap(self._step)
        gap = _microseconds(first.timestamp) - self._media
        if gap >= CLOSE:
            duration = min(gap, self._step)
            self._media += duration
            return self._gap(duration)
        del self._waiting[first.sequence]
        self._step = _microseconds(first.samples) or self._step
        self._sequence = first.sequence + 1
        self._media = _microseconds(first.timestamp) + self._step
        self._concealed = 0
        late = at - due
        # So the plan follows the sender's clock, and small jitter settles before it.
        self._offset += late if late > self._patience else late // 8
        return first

    def restart(self) -> None:
        """What comes next is another stream."""
        self._started = False

    def catch_up(self, duration: int) -> None:
        """Microseconds of the packet just taken that will not be heard."""
        self._offset -= duration

    def _first(self) -> Packet | None:
        if not self._waiting:
            return None
        if packet := self._waiting.get(self._sequence):
            return packet
        return self._waiting[min(self._waiting)]

    def _due(self, first: Packet | None) -> int:
        expected = self._media + self._offset
        if first is None:
            return expected + self._patience
        planned = _microseconds(first.timestamp) + self._offset
        if planned - expected < CLOSE:
            return planned
        # One before it is missing, or the sender has paused.
        return min(expected + self._patience, planned)

    def _settle(self, first: Packet) -> None:
        """Now it shows which of the filled time was for lost packets."""
        for_lost = min(self._ahead, max(0, _microseconds(first.timestamp) - self._media))
        self._media += for_lost
        self._offset -= for_lost
        self._ahead = 0

    def _gap(self, duration: int) -> Gap:
        gap = Gap(duration, self._concealed)
        self._concealed += duration
        return gap

    def _missed(self, transit: int) -> None:
        self.late += 1
        needed = self._enough()
        if needed is not None and needed > self._offset:
            behind = min(transit - self._patience, needed) - self._offset
            if behind > 0:
                self._growth = min(max(behind, CLOSE), self._step)

    def _bound(self, at: int) -> None:
        """Forgets the oldest where too much is waiting."""
        newest = _microseconds(self._timestamp)
        if newest + self._offset - at <= self._longest and len(self._waiting) <= self._capacity:
            return
        if first := self._first():
            self._settle(first)
        latest = newest + self._offset - at - self._longest + self._media
        for sequence in sorted(self._waiting):
            packet = self._waiting[sequence]
            enough = len(self._waiting) <= self._capacity
            if sequence == self._newest or (enough and _microseconds(packet.timestamp) >= latest):
                break
            del self._waiting[sequence]
        first = self._waiting[min(self._waiting)]
        skipped = max(0, _microseconds(first.timestamp) - self._media)
        self.skipped += skipped
        self._offset -= skipped
        self._media += skipped
        self._sequence = first.sequence

    def _note(self, transit: int) -> None:
        self._transits.append(transit)
        self._needed = None

    def _enough(self) -> int | None:
        if self._needed is None and self._transits:
            ordered = sorted(self._transits)
            self._needed = ordered[int(NEEDED * (len(ordered) - 1))]
        return self._needed

    def _unwrapped(self, packet: Packet) -> tuple[int, int]:
        sequence = self._newest + _signed(packet.sequence - self._newest, 16)
        return sequence, self._timestamp + _signed(packet.timestamp - self._timestamp, 32)

    def _continues(self, sequence: int, transit: int) -> bool:
        return (
            self._started
            and abs(sequence - self._newest) <= LARGEST_GAP
            and abs(transit - self._offset) <= RESTART
        )

    def _begin(self, packet: Packet, at: int) -> None:
        media = _microseconds(packet.timestamp)
        self._started = True
        self._waiting = {packet.sequence: packet}
        self._transits.clear()
        self._note(at - media)
        self._sequence = self._newest = packet.sequence
        self._timestamp = packet.timestamp
        self._media = media
        self._offset = at - media
        self._ahead = self._growth = self._concealed = 0


def _microseconds(ticks: int) -> int:
    return ticks * 1_000_000 // RTP_RATE


def _signed(difference: int, bits: int) -> int:
    """The shortest way between two numbers of so many bits."""
    half = 1 << (bits - 1)
    return (difference + half) % (1 << bits) - half
