"""Moments of turns, responses and tool calls are found in what passes through the gateway."""

from hypothesis import given
from hypothesis import strategies as st

from antiphon.codecs import events
from antiphon.codecs.items import Message
from antiphon.gateway.observe.arrivals import KEPT, STEP, Arrivals
from antiphon.gateway.observe.turns import MOST, REMEMBERED, Turns
from tests.antiphon.gateway.observe.passing import (
    CONVERSATION,
    MS,
    SECOND,
    USAGE,
    Notes,
    audio,
    called,
    created,
    done,
    microphone,
    passed,
    pauses,
    plays,
    returns,
    sound,
    speaks,
    words,
)


def test_a_response_that_calls_a_tool_and_the_one_that_answers_are_of_one_turn() -> None:
    notes = passed(*CONVERSATION)

    first, second = notes.responses["r"], notes.responses["s"]
    assert first.turn is second.turn
    assert (first.opens, second.opens) == (False, True)
    assert first.response_time is None
    assert second.response_time == 2_700 * MS - 1_500 * MS
    assert second.turn.detection == 500 * MS
    assert second.turn.tools == 400 * MS


def test_watchers_are_told_in_the_order_of_events() -> None:
    notes = passed(*CONVERSATION)

    assert notes.told == [
        ("created", "r"),
        ("called", "c"),
        ("ended", "r"),
        ("returned", "c"),
        ("created", "s"),
        ("sounded", "s"),
        ("played", "u"),
        ("ended", "s"),
    ]


def test_a_response_has_its_moments_and_what_it_cost() -> None:
    notes = passed(*CONVERSATION)

    first, second = notes.responses["r"], notes.responses["s"]
    assert (first.asked, first.created, first.first_token) == (2_000 * MS, 2_010 * MS, 2_100 * MS)
    assert (first.first_audio, first.ended, first.called) == (None, 2_110 * MS, True)
    assert (second.asked, second.created) == (2_510 * MS, 2_520 * MS)
    assert (second.first_token, second.first_audio) == (2_600 * MS, 2_700 * MS)
    assert (second.ended, second.status, second.usage) == (3_000 * MS, "completed", USAGE)


def test_a_tool_takes_from_its_call_to_its_output() -> None:
    call = passed(*CONVERSATION).calls["c"]

    assert (call.name, call.called, call.ended) == ("weather", 2_100 * MS, 2_500 * MS)
    assert call.outcome == "returned"
    assert call.response is not None
    assert call.response.response_id == "r"


def test_an_output_that_the_server_repeats_counts_once() -> None:
    output = returns(200)
    echo = events.ConversationItemAdded(item_id="o", item=output.item, at=300)

    notes = passed(created(0), called(100), output, echo)

    assert notes.told.count(("returned", "c")) == 1
    assert notes.calls["c"].ended == 200


def test_calls_fail_are_cancelled_or_end_with_the_session() -> None:
    cancelled = events.FunctionCallCancelled(call_ids=("b", "unknown"), at=300)

    notes = passed(
        *(created(0), called(100, "a"), called(100, "b"), called(100, "c")),
        *(returns(200, "a", failed=True), cancelled),
        close=400,
    )

    outcomes = {name: (call.outcome, call.ended) for name, call in notes.calls.items()}
    assert outcomes == {"a": ("failed", 200), "b": ("cancelled", 300), "c": ("closed", 400)}


def test_a_call_that_expects_no_output_is_not_waited_for() -> None:
    notes = passed(created(0), called(100, expects_output=False), close=200)

    assert notes.calls == {}


def test_a_response_that_is_under_way_ends_with_the_session() -> None:
    notes = passed(created(0), sound(100), close=200)

    response = notes.responses["r"]
    assert (response.status, response.ended) == ("closed", 200)


def test_the_end_of_speech_is_when_its_audio_arrived_not_its_position() -> None:
    # Nothing was sent for a minute: positions in the audio are a minute behind.
    late = 60 * SECOND
    said = [audio(0, 20 * MS), *microphone(late, late + SECOND)]

    notes = passed(
        *said,
        speaks(late + 100 * MS, start=20 * MS),
        pauses(late + SECOND, end=520 * MS),
        created(late + SECOND),
        sound(late + 1_200 * MS),
    )

    assert notes.responses["r"].response_time == 700 * MS


def test_audio_sent_faster_than_it_was_spoken_does_not_end_in_the_future() -> None:
    notes = passed(
        *(audio(at, SECOND) for at in range(0, 10 * MS, MS)),
        *(speaks(20 * MS, start=0), pauses(50 * MS, end=9 * SECOND)),
        *(created(60 * MS), sound(250 * MS)),
    )

    response = notes.responses["r"]
    assert response.turn.ended == 8 * MS
    assert response.response_time == 242 * MS


def test_the_button_of_a_client_that_tells_turns_itself_ends_the_speech() -> None:
    commit = events.InputAudioCommit(at=SECOND)

    notes = passed(
        *microphone(0, SECOND),
        *(commit, events.ResponseCreate(at=1_010 * MS), created(1_020 * MS), sound(1_400 * MS)),
    )

    response = notes.responses["r"]
    assert (response.turn.began, response.turn.ended) == (20 * MS, SECOND)
    assert response.response_time == 400 * MS


def test_speech_that_was_cleared_does_not_begin_the_next_turn() -> None:
    notes = passed(
        *(audio(100, 20 * MS), events.InputAudioClear(at=200), audio(5_000, 20 * MS)),
        *(events.InputAudioCommit(at=6_000), created(7_000)),
    )

    assert notes.responses["r"].turn.began == 5_000


def test_a_commit_ends_the_turn_that_a_client_has_begun() -> None:
    notes = passed(
        *(events.InputActivityStart(at=100), events.InputAudioCommit(at=900)),
        *(created(910), sound(1_000)),
    )

    turn = notes.responses["r"].turn
    assert (turn.began, turn.ended, turn.received) == (100, 900, 1_000)


def test_what_is_written_has_no_response_time_but_a_first_token() -> None:
    question = events.ConversationItemCreate(item=Message(role="user", content=()), at=100)
    answer = events.TextDelta(response_id="r", item_id="i", delta="Hi", at=500)

    notes = passed(question, created(200), answer, done(600))

    response = notes.responses["r"]
    assert (response.response_time, response.first_audio) == (None, None)
    assert (response.asked, response.first_token) == (100, 500)


def test_a_wish_from_before_the_user_spoke_does_not_make_the_answer_late() -> None:
    notes = passed(
        events.ResponseCreate(at=0), speaks(50 * SECOND), created(51 * SECOND), done(52 * SECOND)
    )

    assert notes.responses["r"].asked == 51 * SECOND


def test_an_answer_is_measured_once_although_the_model_answers_twice() -> None:
    notes = passed(
        *(speaks(0), pauses(900), created(910), sound(1_000), done(1_100)),
        *(created(1_200, "s"), sound(1_300, "s")),
    )

    assert notes.responses["r"].response_time == 100
    assert notes.responses["s"].response_time is None


def test_a_response_that_has_failed_says_why() -> None:
    error = events.ErrorDetail(message="too much", code="rate_limit_exceeded")

    notes = passed(created(0), done(100, status="failed", error=error))

    assert notes.responses["r"].failure == "rate_limit_exceeded"


def test_reports_of_playback_count_from_whichever_side_they_come() -> None:
    notes = Notes()
    turns = Turns(notes)
    for event in (speaks(0), pauses(900), created(910), sound(1_000)):
        turns.said(event)

    turns.said(plays(1_080))

    assert notes.turns[0].playout == 80


def test_of_what_nothing_is_known_nothing_is_told() -> None:
    notes = passed(sound(0), words(1), done(2), returns(3), plays(4), called(5, "x"), close=6)

    assert [name for name, _ in notes.told] == ["called", "returned"]


def test_hours_of_conversation_are_not_kept() -> None:
    notes = Notes()
    turns = Turns(notes)
    for n in range(5 * REMEMBERED):
        at = n * SECOND
        for event in (speaks(at), pauses(at + 900), created(at + 910, f"r{n}")):
            turns.said(event)
        turns.said(called(at + 950, f"c{n}", f"r{n}"))
        for event in (sound(at + 1_000, f"r{n}"), done(at + 1_100, f"r{n}")):
            turns.said(event)

    kept = turns._latency  # pyright: ignore[reportPrivateUsage] - there is no other view of it
    assert len(kept.turns) <= MOST + 1
    assert len(kept._answering) <= REMEMBERED + 1  # pyright: ignore[reportPrivateUsage]
    assert {notes.responses[f"r{n}"].response_time for n in range(5 * REMEMBERED)} == {100}
    assert sum(kind == "returned" for kind, _ in notes.told) == 5 * REMEMBERED - MOST


def test_responses_that_never_end_are_ended_for_those_that_follow() -> None:
    notes = passed(*(created(n, f"r{n}") for n in range(MOST + 3)), created(MOST + 3, "r5"))

    ended = [of for kind, of in notes.told if kind == "ended"]
    assert ended == ["r0", "r1", "r2", "r5"]


@given(
    pieces=st.lists(st.tuples(st.integers(1, 400), st.integers(0, 400)), min_size=1, max_size=80),
    share=st.floats(0, 1),
)
def test_a_position_is_reached_about_when_its_piece_arrived(
    pieces: list[tuple[int, int]], share: float
) -> None:
    arrivals, at, position = Arrivals(), 0, 0
    ends: list[tuple[int, int]] = []
    for duration, pause in pieces:
        at += pause * MS
        position += duration * MS
        arrivals.add(duration * MS, at)
        ends.append((position, at))
    asked = round(share * position)

    reached = arrivals.reached(asked)

    # Within its piece, if that is long, it was spoken before the piece was there.
    piece = max((end for end, _ in ends if end < asked), default=0)
    earlier = max((at for end, at in ends if end <= piece - STEP), default=ends[0][1])
    later = next((at for end, at in ends if end >= asked + STEP), at)
    assert reached is not None
    assert earlier <= reached <= later


def test_audio_in_long_pieces_was_spoken_before_they_arrive() -> None:
    arrivals = Arrivals()
    arrivals.add(200 * MS, 1_000 * MS)
    arrivals.add(200 * MS, 1_200 * MS)

    assert arrivals.reached(300 * MS) == 1_100 * MS


def test_what_arrived_long_ago_is_forgotten() -> None:
    arrivals = Arrivals()
    for n in range(5 * KEPT):
        arrivals.add(STEP, n)

    assert arrivals.reached(STEP) is None
    assert arrivals.reached(5 * KEPT * STEP) == 5 * KEPT - 1
    assert len(arrivals._marks) < 2 * KEPT  # pyright: ignore[reportPrivateUsage] - what it keeps


def test_before_any_audio_no_position_is_known() -> None:
    assert Arrivals().reached(0) is None
