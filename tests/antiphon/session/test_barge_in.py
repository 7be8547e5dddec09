"""The user speaks while the model does: what was heard, what is told of it, what comes late."""

import anyio

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig, TurnDetection
from antiphon.pipeline import Speech
from antiphon.pipeline.testing import play, run_virtual
from antiphon.processors import PacedSink
from antiphon.session.desk import Desk
from tests.antiphon.session.line import (
    SPEECH,
    Line,
    audio,
    connected,
    created,
    done,
    settle,
    truncation,
)


def test_the_item_that_was_heard_is_truncated_and_so_is_each_that_was_not() -> None:
    async def main() -> None:
        line = Line()
        async with connected(line) as session:
            await line.tell(created(), audio("i1", 400), audio("i2", 1000), audio("i3", 500))
            await anyio.sleep(0.6)
            await line.tell(SPEECH)

            assert line.said == [truncation("i2", 200), truncation("i3", 0)]
            assert not session.is_playing

    run_virtual(main)


def test_late_audio_of_an_interrupted_response_is_dropped() -> None:
    async def main() -> None:
        line = Line()
        async with connected(line) as session:
            await line.tell(created(), audio("i1", 1000))
            await anyio.sleep(0.3)
            await line.tell(SPEECH, audio("i1", 500), audio("i2", 500))

            assert line.said == [truncation("i1", 300)]
            assert not session.is_playing

            await line.tell(done("r1", "cancelled"), created("r2"), audio("i3", 500, "r2"))

            assert session.is_playing

    run_virtual(main)


def test_a_response_that_is_not_yet_heard_is_interrupted_too() -> None:
    async def main() -> None:
        line = Line()
        async with connected(line) as session:
            await line.tell(created(), SPEECH, audio("i1", 500))

            assert not session.is_playing
            assert line.said == []

    run_virtual(main)


def test_a_response_that_has_no_id_is_told_from_the_next_by_its_end() -> None:
    async def main() -> None:
        line = Line()
        async with connected(line) as session:
            await line.tell(audio("i1", 500, ""), SPEECH, audio("i1", 500, ""))
            assert not session.is_playing

            await line.tell(done(""), audio("i2", 500, ""))
            assert session.is_playing

            await line.tell(SPEECH, created(""), audio("i3", 500, ""))
            assert session.is_playing

    run_virtual(main)


def test_what_was_played_to_its_end_is_not_truncated() -> None:
    async def main() -> None:
        line = Line()
        async with connected(line) as session:
            finished = {"type": "audio-done", "responseId": "r1", "itemId": "i1"}
            await line.tell(created(), audio("i1", 200), finished, audio("i2", 200))
            await anyio.sleep(0.3)
            await line.tell(SPEECH)
            assert line.said == [truncation("i2", 100)]

            line.said.clear()
            await line.tell(done(), created("r2"), audio("i3", 200, "r2"))
            await anyio.sleep(0.2)
            await settle()
            assert not session.is_playing
            await line.tell(SPEECH)
            assert line.said == []

    run_virtual(main)


def test_a_model_that_shall_not_be_interrupted_is_not() -> None:
    async def main() -> None:
        line = Line()
        detection = TurnDetection(type="server-vad", interrupt_response=False)
        async with connected(line, config=SessionConfig(turn_detection=detection)) as session:
            await line.tell(created(), audio("i1", 500), SPEECH)

            assert session.is_playing
            assert line.said == []

    run_virtual(main)


def test_a_playback_that_the_program_stops_is_no_business_of_the_model() -> None:
    async def main() -> None:
        line = Line()
        async with connected(line) as session:
            await line.tell(created(), audio("i1", 500))
            await anyio.sleep(0.1)
            await session.stop_playback()
            await settle()
            assert not session.is_playing
            assert line.said == []

            await line.tell(audio("i1", 1000))
            assert session.is_playing
            await anyio.sleep(0.25)
            await line.tell(SPEECH)
            assert line.said == [truncation("i1", 750)]

    run_virtual(main)


def test_an_interruption_can_be_taken_back() -> None:
    async def main() -> None:
        line = Line()
        async with connected(line) as session:
            await line.tell(created(), audio("i1", 500), SPEECH)
            await session.resume_playback()
            await line.tell(audio("i1", 500))

            assert session.is_playing

    run_virtual(main)


def test_what_a_loudspeaker_has_played_is_what_counts() -> None:
    played: list[int] = []

    async def main() -> None:
        line = Line()
        sink = PacedSink(lambda pcm, at: played.append(len(pcm)), rate=48_000, silence=False)
        async with connected(line, sink=sink):
            await line.tell(created(), audio("i1", 1000))
            await anyio.sleep(0.305)
            await line.tell(SPEECH)
            await settle()

            [truncated] = line.said
            assert truncated["itemId"] == "i1"
            assert truncated["audioEndMs"] == sum(played) // 96

    run_virtual(main)
    assert 280 <= sum(played) // 96 <= 320


def test_nothing_is_heard_beyond_the_end_of_what_came() -> None:
    """A loudspeaker at another rate may count a sample more."""
    desk = Desk(24_000, playing=lambda plays: None, heard=lambda event: None)
    delta = events.AudioDelta(response_id="r1", item_id="i1", delta=bytes(4800))
    report = events.OutputPlaybackCleared(response_id="0/r1", item_id="i1", played=100_042)

    played = play(desk, [delta], returned=[report])

    assert played.back == [events.ConversationItemTruncate(item_id="i1", audio_end=100_000)]


def test_the_loudspeaker_knows_when_all_of_an_item_has_come() -> None:
    desk = Desk(24_000, playing=lambda plays: None, heard=lambda event: None)
    delta = events.AudioDelta(response_id="r1", item_id="i1", delta=bytes(4800))
    finished = events.AudioDone(response_id="r1", item_id="i1")

    speech, end = play(desk, [delta, finished])

    assert isinstance(speech, Speech) and isinstance(end, events.AudioDone)
    assert (speech.response_id, speech.item_id) == (end.response_id, end.item_id)
