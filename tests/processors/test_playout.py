"""What is put is played once and in order, and the ledger knows it to the sample."""

import struct
from itertools import count
from threading import Thread

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from antiphon.codecs.events import (
    OutputPlaybackCleared,
    OutputPlaybackStarted,
    OutputPlaybackStopped,
)
from antiphon.pipeline import Audio, Speech
from antiphon.processors.playout import Playout

RATE = 1_000
"""A sample lasts a millisecond, so that times can be read."""

MS = 1_000


def numbered(first: int, samples: int) -> bytes:
    return struct.pack(f"<{samples}h", *((first + i) % 32_000 + 1 for i in range(samples)))


def speech(item: str, samples: int, *, part: int = 0, first: int = 0) -> Speech:
    pcm = numbered(first, samples)
    return Speech(pcm=pcm, rate=RATE, response_id="r", item_id=item, content_index=part)


def started(item: str, at: int) -> OutputPlaybackStarted:
    return OutputPlaybackStarted(response_id="r", item_id=item, at=at)


def stopped(item: str, played: int, at: int, part: int = 0) -> OutputPlaybackStopped:
    return OutputPlaybackStopped(
        response_id="r", item_id=item, content_index=part, played=played, at=at
    )


def cleared(item: str, played: int, at: int, part: int = 0) -> OutputPlaybackCleared:
    return OutputPlaybackCleared(
        response_id="r", item_id=item, content_index=part, played=played, at=at
    )


def test_there_is_silence_where_nothing_waits() -> None:
    playout = Playout(RATE)
    playout.put(Audio(pcm=numbered(0, 3), rate=RATE))

    assert playout.take(5) == numbered(0, 3) + bytes(4)
    assert playout.take(2) == bytes(4)
    assert playout.take(0) == b""


def test_an_item_starts_with_its_first_sample_and_stops_with_its_last() -> None:
    playout = Playout(RATE)
    playout.take(7)
    playout.put(speech("a", 10))
    playout.done("r", "a")
    playout.take(4)

    assert list(playout.reports) == [started("a", 7 * MS)]

    playout.take(20)

    assert list(playout.reports) == [started("a", 7 * MS), stopped("a", 10 * MS, 17 * MS)]


def test_an_item_has_not_stopped_while_more_of_it_may_come() -> None:
    playout = Playout(RATE)
    playout.put(speech("a", 10))
    playout.take(30)

    assert list(playout.reports) == [started("a", 0)]

    playout.put(speech("a", 5))
    playout.take(10)
    playout.done("r", "a")

    assert list(playout.reports) == [started("a", 0), stopped("a", 15 * MS, 35 * MS)]


def test_an_item_ends_where_the_next_begins() -> None:
    playout = Playout(RATE)
    playout.put(speech("a", 10))
    playout.put(speech("b", 10))
    playout.take(12)

    assert list(playout.reports) == [
        started("a", 0),
        stopped("a", 10 * MS, 10 * MS),
        started("b", 10 * MS),
    ]


def test_an_item_that_ran_dry_ends_when_the_next_is_put() -> None:
    playout = Playout(RATE)
    playout.put(speech("a", 10))
    playout.take(20)
    playout.put(speech("b", 10))

    assert list(playout.reports) == [started("a", 0), stopped("a", 10 * MS, 10 * MS)]


def test_closing_ends_the_last_item() -> None:
    playout = Playout(RATE)
    playout.put(speech("a", 10))
    playout.take(20)
    playout.close()

    assert list(playout.reports) == [started("a", 0), stopped("a", 10 * MS, 10 * MS)]


def test_the_parts_of_an_item_are_counted_apart_and_start_once() -> None:
    playout = Playout(RATE)
    playout.put(speech("a", 10, part=0))
    playout.put(speech("a", 10, part=1))
    playout.take(13)

    assert list(playout.reports) == [started("a", 0), stopped("a", 10 * MS, 10 * MS)]
    assert playout.clear() == [cleared("a", 3 * MS, 13 * MS, part=1)]


def test_audio_of_no_item_is_played_and_not_reported() -> None:
    playout = Playout(RATE)
    playout.put(speech("a", 2))
    playout.put(Audio(pcm=numbered(50, 3), rate=RATE))
    playout.put(speech("a", 2, first=2))

    assert playout.take(7) == numbered(0, 2) + numbered(50, 3) + numbered(2, 2)
    playout.close()
    assert list(playout.reports) == [started("a", 0), stopped("a", 4 * MS, 7 * MS)]


def test_clearing_names_what_was_cut_off_and_how_far_it_was_heard() -> None:
    playout = Playout(RATE)
    playout.put(speech("a", 10))
    playout.put(speech("b", 10))
    playout.put(speech("c", 10))
    playout.take(14)

    assert playout.clear() == [cleared("b", 4 * MS, 14 * MS), cleared("c", 0, 14 * MS)]
    assert playout.take(30) == bytes(60)


def test_clearing_says_nothing_when_all_was_heard() -> None:
    playout = Playout(RATE)
    playout.put(speech("a", 10))
    playout.done("r", "a")
    playout.take(10)

    assert playout.clear() == []


def test_an_item_that_ran_dry_before_its_end_was_cut_off() -> None:
    playout = Playout(RATE)
    playout.put(speech("a", 10))
    playout.take(20)

    assert playout.clear() == [cleared("a", 10 * MS, 20 * MS)]


def test_audio_of_a_cleared_item_that_comes_late_is_dropped() -> None:
    playout = Playout(RATE)
    playout.put(speech("a", 10))
    playout.take(3)
    playout.clear()
    playout.put(speech("a", 10, first=10))
    playout.put(speech("b", 4))
    playout.done("r", "a")

    assert playout.take(6) == numbered(0, 4) + bytes(4)


def test_what_the_device_still_holds_was_not_heard() -> None:
    playout = Playout(RATE, latency=5 * MS)
    playout.put(speech("a", 10))
    playout.take(4)

    assert not playout.reports

    playout.take(4)

    assert list(playout.reports) == [started("a", 0)]
    assert playout.heard == 3 * MS
    assert playout.clear() == [cleared("a", 3 * MS, 3 * MS)]


def test_what_was_heard_stays_heard_when_the_latency_grows() -> None:
    playout = Playout(RATE)
    playout.put(speech("a", 10))
    playout.take(6)
    playout.latency = 5 * MS
    playout.take(2)

    assert playout.clear() == [cleared("a", 6 * MS, 6 * MS)]


def test_it_is_idle_once_all_was_heard() -> None:
    playout = Playout(RATE, latency=5 * MS)
    assert playout.idle

    playout.put(Audio(pcm=numbered(0, 10), rate=RATE))
    playout.take(14)
    assert not playout.idle

    playout.take(1)
    assert playout.idle


def test_it_is_idle_once_it_was_cleared() -> None:
    playout = Playout(RATE, latency=5 * MS)
    playout.put(speech("a", 10))
    playout.take(7)
    playout.clear()

    assert playout.idle


def test_it_is_full_at_its_limit_and_no_longer_when_some_was_taken() -> None:
    playout = Playout(RATE, limit=10 * MS)
    playout.put(speech("a", 10))
    assert playout.full

    playout.take(1)
    assert not playout.full


def test_an_item_without_a_sample_is_neither_heard_nor_cut_off() -> None:
    playout = Playout(RATE)
    playout.put(speech("a", 4))
    playout.put(speech("b", 0))
    playout.done("r", "b")
    playout.take(2)

    assert playout.clear() == [cleared("a", 2 * MS, 2 * MS)]
    assert list(playout.reports) == [started("a", 0)]


def test_a_thread_may_take_while_another_puts() -> None:
    playout = Playout(RATE)
    played: list[int] = []

    def take() -> None:
        while len(played) < 10_000:
            played.extend(filter(None, struct.unpack("<7h", playout.take(7))))

    thread = Thread(target=take)
    thread.start()
    for n in range(1_000):
        playout.put(speech("a", 10, first=10 * n))
    thread.join()

    assert played == list(range(1, 10_001))


def test_audio_of_another_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="audio of 8000 Hz cannot be played at 1000 Hz"):
        Playout(RATE).put(Audio(pcm=b"", rate=8_000))


class Ledger(RuleBasedStateMachine):
    """Random puts, takes and clears against a list of samples."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[tuple[int, str]] = []
        self.line: list[str] = []
        """Whose sample was taken at each position."""
        self.put: dict[str, int] = {}
        """Of the items that were not cleared."""
        self.ended: set[str] = set()
        self.cleared: dict[str, int] = {}
        """How far items had been heard when they were cleared."""
        self.samples = 0
        self.names = map(str, count())
        self.item = next(self.names)

    @initialize(latency=st.integers(0, 50))
    def begins(self, latency: int) -> None:
        self.latency = latency
        self.playout = Playout(RATE, latency=latency * MS)

    def heard(self, item: str) -> int:
        if item in self.cleared:
            return self.cleared[item]
        return self.line[: max(0, len(self.line) - self.latency)].count(item)

    def stopped(self, item: str) -> bool:
        return item in self.ended and self.heard(item) == self.put[item]

    @rule(count=st.integers(0, 40))
    def puts(self, count: int) -> None:
        self.playout.put(speech(self.item, count, first=self.samples))
        self.ended |= self.put.keys() - {self.item}
        self.put[self.item] = self.put.get(self.item, 0) + count
        self.waiting += [(self.samples + i, self.item) for i in range(count)]
        self.samples += count

    @rule()
    def goes_on_with_another_item(self) -> None:
        self.item = next(self.names)

    @rule()
    def ends_an_item(self) -> None:
        self.playout.done("r", self.item)
        self.ended.add(self.item)
        self.item = next(self.names)

    @rule(count=st.integers(0, 100))
    def takes(self, count: int) -> None:
        played = self.waiting[:count]
        del self.waiting[:count]
        silence = count - len(played)
        self.line += [item for _, item in played] + [""] * silence

        pcm = b"".join(numbered(number, 1) for number, _ in played)
        assert self.playout.take(count) == pcm + bytes(2 * silence)

    @rule()
    def clears(self) -> None:
        expected = [(item, self.heard(item)) for item in self.put if not self.stopped(item)]
        self.cleared |= {item: self.heard(item) for item in self.put}
        self.waiting.clear()
        self.put.clear()
        self.item = next(self.names)

        cut = [(report.item_id, (report.played or 0) // MS) for report in self.playout.clear()]
        assert cut == expected

    @rule()
    def reports(self) -> None:
        times = [report.at for report in self.playout.reports]
        assert times == sorted(times)
        for report in self.playout.reports:
            item = report.item_id or ""
            begin = self.line.index(item)
            assert self.heard(item)
            if isinstance(report, OutputPlaybackStopped):
                assert report.played == self.line.count(item) * MS
                assert report.at == (len(self.line) - self.line[::-1].index(item)) * MS
            else:
                assert report.at == begin * MS
        self.playout.reports.clear()

    @invariant()
    def counts_what_waits(self) -> None:
        assert self.playout.waiting == len(self.waiting)


TestLedger = Ledger.TestCase
TestLedger.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
