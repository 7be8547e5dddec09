"""What was said is written down, by whom, in the order in which it began."""

from typing import Any

from antiphon.codecs import events
from antiphon.codecs.items import AudioPart, FunctionCallOutput, Message, text_message
from antiphon.pipeline import Frame, Pipeline
from antiphon.pipeline.testing import play, run_virtual
from antiphon.processors.realtime import Realtime
from antiphon.processors.transcript import Said, Transcript
from tests.processors.listening import Speaker, says, speaks
from tests.processors.parts import MS, SECOND, ScriptedModel, called, created, of


def written(*frames: Frame, returned: tuple[Frame, ...] = ()) -> list[Said]:
    transcript = Transcript()
    assert play(transcript, frames, returned=returned) == list(frames)
    return transcript.said


def said(who: Any, item: str, text: str, at: int = 0, **rest: Any) -> Said:
    return Said(who=who, item_id=item, at=at, text=text, **rest)


def understood(text: str, *, item: str = "u", at: int = 0) -> Frame:
    return events.InputTranscriptionCompleted(item_id=item, transcript=text, at=at)


def guessed(text: str, *, restart: bool = False, at: int = 0) -> Frame:
    return events.InputTranscriptionDelta(item_id="u", delta=text, restart=restart, at=at)


def spoken(text: str, *, item: str = "a", part: int = 0, at: int = 0) -> Frame:
    return events.AudioTranscriptDelta(
        response_id="r", item_id=item, content_index=part, delta=text, at=at
    )


def spoken_whole(text: str | None, *, part: int = 0) -> Frame:
    return events.AudioTranscriptDone(
        response_id="r", item_id="a", content_index=part, transcript=text
    )


def added(item: Any, item_id: str = "u") -> Frame:
    return events.ConversationItemAdded(item_id=item_id, item=item)


def spoken_item(transcript: str | None = None) -> Message:
    return Message(role="user", content=(AudioPart(transcript=transcript),))


def test_an_utterance_begins_when_the_user_is_heard_to_speak() -> None:
    assert written(speaks(1), understood("Hello.", item="user", at=9)) == [
        said("user", "user", "Hello.", at=1, done=True)
    ]


def test_what_is_understood_grows_and_is_done_at_last() -> None:
    assert written(guessed("What"), guessed(" time")) == [said("user", "u", "What time")]
    assert written(guessed("Watt"), guessed("What", restart=True)) == [said("user", "u", "What")]
    assert written(guessed("What"), understood("What time?")) == [
        said("user", "u", "What time?", done=True)
    ]


def test_what_the_user_types_is_done_at_once_and_speech_is_not() -> None:
    assert written(added(text_message("Hello."))) == [said("user", "u", "Hello.", done=True)]
    assert written(added(spoken_item())) == [said("user", "u", "")]


def test_an_item_that_is_added_late_undoes_nothing() -> None:
    assert written(understood("Hello."), added(spoken_item())) == [
        said("user", "u", "Hello.", done=True)
    ]


def test_speech_that_cannot_be_understood_is_not_waited_for() -> None:
    failed = events.InputTranscriptionFailed(
        item_id="u", error=events.ErrorDetail(message="too quiet")
    )

    assert written(failed) == [said("user", "u", "", done=True, failed=True)]


def test_the_order_is_that_of_the_beginnings() -> None:
    transcript = written(speaks(1), spoken("Hi.", at=2), understood("Hello.", item="user", at=3))

    assert [(one.who, one.text) for one in transcript] == [("user", "Hello."), ("assistant", "Hi.")]


def test_what_the_model_says_grows_and_is_repeated_when_it_is_done() -> None:
    assert written(spoken("It is", at=3), spoken(" noon", at=4)) == [
        said("assistant", "a", "It is noon", at=3)
    ]
    assert written(spoken("It is"), spoken_whole("It is noon.")) == [
        said("assistant", "a", "It is noon.", done=True)
    ]
    assert written(spoken("It is"), spoken_whole(None)) == [
        said("assistant", "a", "It is", done=True)
    ]
    assert written(spoken_whole("It is noon.")) == [
        said("assistant", "a", "It is noon.", done=True)
    ]


def test_written_answers_are_written_down_too() -> None:
    where = {"response_id": "r", "item_id": "a"}

    assert written(
        events.TextDelta(**where, delta="No"),  # pyright: ignore[reportArgumentType]
        events.TextDone(**where, text="Noon."),  # pyright: ignore[reportArgumentType]
    ) == [said("assistant", "a", "Noon.", done=True)]


def test_an_item_says_all_of_its_parts() -> None:
    first, second = spoken("One, "), spoken("two", part=1)

    assert written(first, spoken_whole("One. "), second) == [said("assistant", "a", "One. two")]
    assert written(first, spoken_whole(None), second, spoken_whole("Two.", part=1)) == [
        said("assistant", "a", "One, Two.", done=True)
    ]


def test_two_items_of_one_response_stand_apart() -> None:
    assert [one.text for one in written(spoken("One"), spoken("Two", item="b"), spoken("!"))] == [
        "One!",
        "Two",
    ]


def test_a_tool_call_is_written_down_with_what_came_of_it() -> None:
    call = called("c", "weather", '{"city": "Oslo"}', at=5)
    output = FunctionCallOutput(call_id="c", output="no such city", failed=True)

    assert written(call) == [said("tool", "c", "weather", at=5, arguments='{"city": "Oslo"}')]
    assert written(call, added(output)) == [
        said(
            "tool",
            "c",
            "weather",
            at=5,
            arguments='{"city": "Oslo"}',
            output="no such city",
            failed=True,
            done=True,
        )
    ]
    assert written(added(output)) == []


def test_what_was_interrupted_says_how_much_of_it_was_heard() -> None:
    def cleared(item: str | None, played: int | None) -> Frame:
        return events.OutputPlaybackCleared(response_id="r", item_id=item, played=played)

    assert written(spoken("It is"), returned=(cleared("a", 5),))[0].heard == 5
    assert written(spoken("It is"), returned=(cleared("a", None),))[0].heard == 0
    assert written(spoken("It is"), returned=(cleared("b", 5), cleared(None, 5)))[0].heard is None


def test_reports_go_on_to_the_model() -> None:
    reports = (
        events.OutputPlaybackCleared(response_id="r", item_id="a", played=1),
        events.OutputPlaybackStarted(response_id="r", item_id="a"),
    )

    assert play(Transcript(), [], returned=reports).back == list(reports)


def test_whoever_wants_to_know_is_told_of_each_change() -> None:
    changes: list[tuple[str, bool, int | None]] = []
    transcript = Transcript(lambda said: changes.append((said.text, said.done, said.heard)))

    play(
        transcript,
        [speaks(1), understood("Hello.", item="user"), spoken("Hi"), spoken_whole("Hi.")],
        returned=[events.OutputPlaybackCleared(response_id="r", item_id="a", played=7)],
    )

    assert changes == [
        ("", False, None),
        ("Hello.", True, None),
        ("Hi", False, None),
        ("Hi.", True, None),
        ("Hi.", True, 7),
    ]


def test_a_whole_conversation_is_written_down_behind_realtime() -> None:
    model = ScriptedModel(
        *(speaks(0), created("r1"), *says(1, SECOND, 0)),
        spoken("Once upon a time", item="i1"),
        speaks(500 * MS),
    )
    transcript, speaker = Transcript(), Speaker()

    run_virtual(Pipeline(model, *Realtime(model).members[2:], transcript, speaker.sink).run)

    assert [(one.who, one.text) for one in transcript.said] == [
        ("user", ""),
        ("assistant", "Once upon a time"),
    ]
    assert transcript.said[1].heard == of(events.ConversationItemTruncate, model.told)[0].audio_end
