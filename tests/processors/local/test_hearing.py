"""Listening: a buffer of the user's audio, cut into turns where they begin and end."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.codecs.config import SessionConfig, TurnDetection
from antiphon.processors.local.hearing import LONGEST, RATE, Hearing, TurnBegan, TurnEnded
from antiphon.processors.turns import THRESHOLD
from antiphon.processors.vad import Started
from tests.processors.local.parts import MANUAL, detected, duration, microphone, silence, speech

QUESTION = silence(0.5) + speech("What time is it?") + silence(1.0)
TWO = QUESTION + speech("Set a timer for five minutes.") + silence(1.0)


def detecting(
    *, silence_duration: int | None = None, prefix_padding: int | None = None
) -> SessionConfig:
    detection = TurnDetection(
        type="server-vad", silence_duration=silence_duration, prefix_padding=prefix_padding
    )
    return SessionConfig(turn_detection=detection)


def listened(hearing: Hearing, *pcm: bytes) -> list[tuple[int, TurnBegan | TurnEnded]]:
    """What *hearing* tells, and how much it had heard by then."""
    return [
        (hearing.position, fact)
        for frame in microphone(*pcm)
        for fact in hearing.append(frame.audio)
    ]


def ended(facts: list[tuple[int, TurnBegan | TurnEnded]]) -> list[TurnEnded]:
    return [fact for _, fact in facts if isinstance(fact, TurnEnded)]


def cut(pcm: bytes, start: int, end: int) -> bytes:
    return pcm[round(start * RATE / 1e6) * 2 : round(end * RATE / 1e6) * 2]


def test_turns_are_told_when_and_where_a_detector_hears_them() -> None:
    told = listened(Hearing(), TWO)

    assert [(at, isinstance(fact, TurnBegan), fact.at) for at, fact in told] == [
        (at, isinstance(fact, Started), fact.at) for at, fact in detected(TWO)
    ]
    assert len(told) == 4


def test_a_turn_has_the_samples_between_its_beginning_and_its_end() -> None:
    (_, began), (_, turn) = listened(Hearing(), QUESTION)

    assert isinstance(turn, TurnEnded)
    assert turn.pcm == cut(QUESTION, began.at, turn.at)


@settings(max_examples=15, deadline=None)
@given(sizes=st.lists(st.integers(101, 9_001), min_size=1, max_size=8))
def test_however_the_audio_is_cut_the_turns_are_the_same(sizes: list[int]) -> None:
    """Even in the middle of samples."""
    hearing = Hearing()
    facts: list[TurnBegan | TurnEnded] = []

    place = 0
    for size in itertools.cycle(sizes):
        facts += hearing.append(TWO[place : place + size])
        place += size
        if place >= len(TWO):
            break

    assert facts == [fact for _, fact in listened(Hearing(), TWO)]


def test_much_audio_at_once_gives_all_turns_in_it() -> None:
    assert list(Hearing().append(TWO)) == [fact for _, fact in listened(Hearing(), TWO)]


def test_a_wanted_silence_decides_when_a_turn_is_over() -> None:
    hearing = Hearing()
    hearing.configure(detecting(silence_duration=800_000))

    told = listened(hearing, QUESTION)

    assert [at for at, _ in told] == [at for at, _ in detected(QUESTION, silence=800_000)]
    assert told[1][0] > listened(Hearing(), QUESTION)[1][0]


def test_a_wanted_prefix_belongs_to_the_turn() -> None:
    hearing = Hearing()
    hearing.configure(detecting(prefix_padding=2_000_000))
    pcm = silence(3.0) + QUESTION

    (_, began), (_, turn) = listened(hearing, pcm)

    (_, started), (_, stopped) = detected(pcm, prefix=2_000_000)
    assert began.at == started.at
    assert isinstance(turn, TurnEnded)
    assert turn.pcm == cut(pcm, started.at, stopped.at)


def test_what_is_left_open_is_settled() -> None:
    hearing = Hearing()
    hearing.configure(detecting(silence_duration=1))

    assert hearing.detection == TurnDetection(
        type="server-vad",
        threshold=THRESHOLD,
        silence_duration=1,
        prefix_padding=300_000,
        create_response=True,
        interrupt_response=True,
    )


def test_a_change_in_the_middle_of_a_turn_waits_for_its_end() -> None:
    began = detected(QUESTION)[0][0]
    middle = began * RATE // 1_000_000 * 2
    hearing = Hearing()

    first = listened(hearing, QUESTION[:middle])
    hearing.configure(detecting(silence_duration=900_000))
    rest = listened(hearing, QUESTION[middle:], QUESTION)

    turns = ended(first + rest)
    assert turns[0] == ended(listened(Hearing(), QUESTION))[0]
    assert rest[-1][0] - turns[1].at > 900_000


def test_saying_the_same_again_changes_nothing() -> None:
    hearing = Hearing()
    told: list[tuple[int, TurnBegan | TurnEnded]] = []

    for frame in microphone(TWO):
        hearing.configure(detecting(silence_duration=500_000))
        told += [(hearing.position, fact) for fact in hearing.append(frame.audio)]

    assert told == listened(Hearing(), TWO)


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (TurnDetection(type="server-vad", threshold=1.5), "threshold"),
        (TurnDetection(type="server-vad", silence_duration=-1), "below 0"),
        (TurnDetection(type="server-vad", idle_timeout=0), "idle timeout"),
    ],
)
def test_detection_that_cannot_be_is_refused_and_changes_nothing(
    wrong: TurnDetection, problem: str
) -> None:
    hearing = Hearing()
    before = hearing.detection

    with pytest.raises(ValueError, match=problem):
        hearing.configure(SessionConfig(turn_detection=wrong))

    assert hearing.detection == before
    assert len(listened(hearing, QUESTION)) == 2


@pytest.mark.parametrize("off", [MANUAL, SessionConfig(turn_detection=None)])
def test_without_detection_audio_gathers_until_it_is_committed(off: SessionConfig) -> None:
    hearing = Hearing()
    hearing.configure(off)

    assert listened(hearing, QUESTION) == []
    assert hearing.gathered == duration(QUESTION)
    assert hearing.commit() == QUESTION
    assert (hearing.gathered, hearing.position) == (0, duration(QUESTION))


def test_a_commit_takes_whole_samples_and_leaves_the_half_one() -> None:
    hearing = Hearing()
    hearing.configure(MANUAL)

    list(hearing.append(QUESTION[:1_001]))
    first = hearing.commit()
    list(hearing.append(QUESTION[1_001:]))

    assert first == QUESTION[:1_000]
    assert hearing.commit() == QUESTION[1_000:]


def test_when_the_user_is_said_to_begin_what_came_long_before_is_forgotten() -> None:
    hearing = Hearing()
    hearing.configure(MANUAL)
    list(hearing.append(silence(10)))

    hearing.begin()
    list(hearing.append(QUESTION))

    assert hearing.commit() == silence(1.3) + QUESTION


def test_detection_switched_off_in_a_turn_leaves_its_audio_to_be_committed() -> None:
    hearing = Hearing()
    (_, began), *_ = detected(QUESTION)
    middle = len(QUESTION) // 2
    listened(hearing, QUESTION[:middle])

    hearing.configure(MANUAL)
    listened(hearing, QUESTION[middle:])

    assert list(hearing.end()) == []
    assert hearing.commit() == QUESTION[began.at * RATE // 1_000_000 * 2 :]


@pytest.mark.parametrize("take", [Hearing.commit, Hearing.clear])
def test_who_speaks_on_after_a_commit_begins_another_turn(take: object) -> None:
    assert callable(take)
    pcm = silence(0.5) + speech("Tell me a very long story about a dragon.") + silence(1.0)
    middle = len(pcm) // 4 * 2
    hearing = Hearing()

    before = listened(hearing, pcm[:middle])
    take(hearing)
    after = listened(hearing, pcm[middle:])

    assert [type(fact) for _, fact in before + after] == [TurnBegan, TurnBegan, TurnEnded]
    (_, again), (_, turn) = after
    assert isinstance(turn, TurnEnded)
    assert again.at >= duration(pcm[:middle])
    assert turn.pcm == cut(pcm, again.at, turn.at)


def test_at_the_end_an_open_turn_is_over() -> None:
    pcm = silence(0.5) + speech("What time is it?")
    hearing = Hearing()
    ((_, began),) = listened(hearing, pcm)

    (turn,) = hearing.end()

    assert turn.pcm == cut(pcm, began.at, turn.at)
    assert list(hearing.end()) == []


@pytest.mark.parametrize("config", [MANUAL, detecting(silence_duration=10_000_000)])
def test_audio_without_an_end_is_kept_up_to_a_bound(config: SessionConfig) -> None:
    hearing = Hearing()
    hearing.configure(config)
    hour = 3_600
    words = (speech("Tell me a story.") + silence(0.2)) * 2
    minute = (words * 40)[: 60 * RATE * 2]
    list(hearing.append(silence(0.5) + words))
    speaking = hearing.speaking

    for _ in range(3):
        list(hearing.append(minute))
    if config is MANUAL:
        for _ in range(hour // 60):
            list(hearing.append(minute))

    assert hearing.gathered == LONGEST
    assert hearing.commit() == (minute * 2)[-LONGEST * RATE // 1_000_000 * 2 :]
    assert speaking is (config is not MANUAL)


def test_silence_is_not_kept() -> None:
    hearing = Hearing()

    for _ in range(60):
        list(hearing.append(silence(1)))

    assert hearing.gathered == 1_300_000
    assert hearing.position == 60_000_000
