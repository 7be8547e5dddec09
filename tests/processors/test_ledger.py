"""What was really said, by the count of what has left."""

from collections.abc import Iterable

from antiphon.codecs import events
from antiphon.pipeline import Speech
from antiphon.processors.ledger import Ledger

MS = 1_000


def speech(response: str, item: str, ms: int) -> Speech:
    return Speech(pcm=bytes(48 * ms), rate=24_000, response_id=response, item_id=item)


def told(reports: Iterable[events.Playback]) -> list[tuple[str, str, str | None, int | None]]:
    """Kind, response, item, and how much of it was played, in milliseconds."""
    found: list[tuple[str, str, str | None, int | None]] = []
    for report in reports:
        played = None
        if not isinstance(report, events.OutputPlaybackStarted) and report.played is not None:
            played = report.played // MS
        kind = type(report).__name__.removeprefix("OutputPlayback")
        found.append((kind, report.response_id, report.item_id, played))
    return found


def test_a_response_starts_with_its_first_sample_and_stops_when_it_is_done_and_said() -> None:
    ledger = Ledger()
    ledger.put(speech("r", "i", 100), 0)
    ledger.put(speech("r", "i", 100), 100 * MS)

    assert ledger.next == 1
    assert told(ledger.passed(0, 0)) == []
    assert told(ledger.passed(20 * MS, 0)) == [
        ("Started", "r", None, None),
        ("Started", "r", "i", None),
    ]
    assert ledger.next is None
    ledger.done("r", "i", 0)
    assert ledger.next == 200 * MS
    assert told(ledger.passed(200 * MS, 0)) == [("Stopped", "r", "i", 200)]
    ledger.over("r")
    assert told(ledger.passed(200 * MS, 0)) == [("Stopped", "r", None, None)]
    assert ledger.next is None


def test_items_follow_each_other_and_responses_too() -> None:
    ledger = Ledger()
    ledger.put(speech("r1", "i1", 100), 0)
    ledger.put(speech("r1", "i2", 100), 100 * MS)
    ledger.over("r1")
    ledger.put(speech("r2", "i3", 100), 200 * MS)

    assert told(ledger.passed(210 * MS, 0)) == [
        ("Started", "r1", None, None),
        ("Started", "r1", "i1", None),
        ("Stopped", "r1", "i1", 100),
        ("Started", "r1", "i2", None),
        ("Stopped", "r1", "i2", 100),
        ("Stopped", "r1", None, None),
        ("Started", "r2", None, None),
        ("Started", "r2", "i3", None),
    ]


def test_what_is_cut_off_is_known_to_the_millisecond_and_what_was_complete_is_not_cut() -> None:
    ledger = Ledger()
    ledger.put(speech("r", "i1", 100), 0)
    ledger.done("r", "i1", 0)
    ledger.put(speech("r", "i2", 100), 100 * MS)
    ledger.put(speech("r", "i3", 100), 200 * MS)
    list(ledger.passed(120 * MS, 0))

    assert told(ledger.clear(133 * MS, 0)) == [
        ("Cleared", "r", None, None),
        ("Cleared", "r", "i2", 33),
        ("Cleared", "r", "i3", 0),
    ]
    assert ledger.next is None
    ledger.over("r")
    assert told(ledger.passed(133 * MS, 0)) == []


def test_where_nothing_was_heard_nothing_stops() -> None:
    ledger = Ledger()

    ledger.over("r")

    assert told(ledger.passed(0, 0)) == []
    assert told(ledger.clear(0, 0)) == []
