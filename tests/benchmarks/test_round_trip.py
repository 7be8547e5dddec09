"""Where the time of a turn goes."""

import pytest

from antiphon.codecs import events
from antiphon.pipeline.virtual import run_virtual
from benchmarks.peers.answering import PAUSE, SPEECH, TURN, USER_RATE, Ears, Notes, user_pcm
from benchmarks.peers.packets import Packets
from benchmarks.peers.stamps import Moment
from benchmarks.round_trip import (
    Hop,
    Shares,
    call_shares,
    cut,
    follow,
    in_process,
    shares,
    uncut,
)


def at(time: float, waited: float = 0.0) -> Moment:
    return Moment(time, waited)


def one_turn(*, number: int = SPEECH - 1 + PAUSE) -> Notes:
    """The second of two, which counts: its last word is spoken at 100.0."""
    due = [100.0 + (frame - TURN - SPEECH + 1) * 0.02 for frame in range(2 * TURN)]
    return Notes(
        due=due,
        sent=[at(time + 0.001, 5.0) for time in due],
        ended=[(number, at(99.563, 5.0)), (TURN + number, at(100.063, 5.0))],
        spoke=[at(99.663), at(100.163)],
        heard=[at(99.666), at(100.166, 0.001)],
    )


def test_the_shares_of_a_turn_are_told_apart_and_are_the_whole() -> None:
    (turn,) = shares(one_turn(), uncut, uncut)

    assert turn._asdict() == pytest.approx(
        {
            "whole": 166.0,
            "voice_activity": 60.0,
            "source": 1.0,
            "think": 100.0,
            "packets": 0.0,
            "network": 0.0,
            "other_guests": 1.0,
            "own": 4.0,
        }
    )
    assert turn.whole == pytest.approx(sum(turn) - turn.whole)


def test_the_network_has_what_is_between_the_last_write_and_the_last_read() -> None:
    wrote = [at(1.0), at(2.1, 0.5), at(2.2, 0.5), at(2.9)]
    read = [at(1.5), at(2.6, 7.0), at(3.1)]

    parts = cut(wrote, read, at(2.0), at(3.0))

    assert parts == [(at(2.0), at(2.2, 0.5)), (at(2.6, 7.0), at(3.0))]


def test_a_turn_that_ended_elsewhere_is_no_turn() -> None:
    with pytest.raises(RuntimeError, match="should"):
        shares(one_turn(number=SPEECH + PAUSE), uncut, uncut)


def test_ears_hear_each_turn_begin_and_end_once_with_the_frame_that_completes_the_pause() -> None:
    ears = Ears(USER_RATE)

    heard = [ears.hear(user_pcm(number)) for number in range(2 * TURN)]

    told = {number: type(event) for number, event in enumerate(heard) if event is not None}
    assert told == {
        0: events.SpeechStarted,
        SPEECH - 1 + PAUSE: events.SpeechStopped,
        TURN: events.SpeechStarted,
        TURN + SPEECH - 1 + PAUSE: events.SpeechStopped,
    }


def test_where_work_takes_no_time_a_turn_is_waiting_and_thinking() -> None:
    turns = run_virtual(in_process, 3)

    assert len(turns) == 2
    for turn in turns:
        assert turn.whole == pytest.approx(160.0)
        assert turn._replace(whole=0.0, other_guests=0.0, own=turn.own + turn.other_guests) == (
            pytest.approx(Shares(0.0, 60.0, 0.0, 100.0, 0.0, 0.0, 0.0, 0.0), abs=1e-6)
        )


def hop(end: Moment) -> Hop:
    """0.1 ms a step, but 20 ms in the sender's queue and 10 in the jitter buffer."""
    steps = (0.0, 0.02, 0.0201, 0.0202, 0.0203, 0.0303)
    return Hop(*(at(end.at - 0.0304 + step) for step in steps))


def test_on_a_call_packets_are_waited_for_and_the_shares_are_the_whole_too() -> None:
    notes = one_turn()
    notes.sent = [at(sent.at) for sent in notes.sent]
    notes.ended = [(0, at(99.5916)), (0, at(100.0916))]
    notes.spoke = [at(99.6999), at(100.1999)]
    notes.heard = [at(99.7304), at(100.2304)]

    (turn,) = call_shares(notes, hop, hop)

    assert turn._asdict() == pytest.approx(
        {
            "whole": 230.4,
            "voice_activity": 60.0,
            "source": 1.0,
            "think": 108.3,
            "packets": 60.0,
            "network": 0.2,
            "other_guests": 0.0,
            "own": 0.9,
        },
        abs=1e-6,
    )
    assert turn.whole == pytest.approx(sum(turn) - turn.whole)


def test_a_packet_is_traced_back_to_where_it_was_given() -> None:
    sender = Packets(given=[at(0.9), at(1.0), at(1.5)], encoded=[at(0.91), at(1.02), at(1.52)])
    receiver = Packets(heard=[(at(0.95), at(0.96)), (at(1.05), at(1.06)), (at(1.55), at(1.56))])

    hop = follow(
        sender, [at(0.92), at(1.03), at(1.53)], [at(0.94), at(1.04), at(1.54)], receiver, at(1.07)
    )

    assert [moment.at for moment in hop] == [1.0, 1.02, 1.03, 1.04, 1.05, 1.06]
