"""A sender's packets, what a network does to them, and what a jitter buffer makes of it."""

import heapq
from collections.abc import Iterable
from typing import NamedTuple

from antiphon.transports.webrtc.jitter import Gap, JitterBuffer, Packet

TICKS = 960
STEP = 20_000
PATIENCE = 8_000


class Arrival(NamedTuple):
    at: int
    number: int


class Heard(NamedTuple):
    at: int
    number: int | None
    """None: concealed."""
    duration: int


def packet(number: int, *, sequence: int = 0, timestamp: int = 0) -> Packet:
    return Packet(
        (sequence + number) % 65_536,
        (timestamp + number * TICKS) % 4_294_967_296,
        TICKS,
        number.to_bytes(4),
    )


def on_time(count: int, *, delay: int = 0) -> list[Arrival]:
    return [Arrival(number * STEP + delay, number) for number in range(count)]


def listen(
    buffer: JitterBuffer,
    arrivals: Iterable[Arrival],
    *,
    until: int,
    sequence: int = 0,
    timestamp: int = 0,
    shortens: int = 0,
) -> list[Heard]:
    """Plays what the buffer gives, at the times for which it asks.

    Of each packet up to *shortens* microseconds of excess are left out.
    """
    waiting = [(arrival.at, index, arrival.number) for index, arrival in enumerate(arrivals)]
    heapq.heapify(waiting)
    heard: list[Heard] = []
    now = 0
    while True:
        deadline = buffer.deadline
        coming = waiting[0][0] if waiting else None
        times = [time for time in (deadline, coming) if time is not None]
        if not times or min(times) > until:
            return heard
        now = max(now, min(times))
        while waiting and waiting[0][0] <= now:
            number = heapq.heappop(waiting)[2]
            buffer.put(packet(number, sequence=sequence, timestamp=timestamp), now)
        while (due := buffer.take(now)) is not None:
            if isinstance(due, Gap):
                heard.append(Heard(now, None, due.duration))
                continue
            left_out = min(shortens, buffer.excess)
            buffer.catch_up(left_out)
            heard.append(Heard(now, int.from_bytes(due.payload), STEP - left_out))


def numbers(heard: Iterable[Heard]) -> list[int]:
    return [one.number for one in heard if one.number is not None]


def delays(heard: Iterable[Heard]) -> list[int]:
    """From when a packet was sent to when it is heard."""
    return [one.at - one.number * STEP for one in heard if one.number is not None]
