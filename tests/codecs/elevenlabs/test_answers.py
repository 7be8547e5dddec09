"""Where a client takes an agent's answers to begin and end, and what an interruption silences."""

import json
from typing import Any

import pytest

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.elevenlabs import Client
from antiphon.codecs.elevenlabs.answers import CALL_GRACE, GRACE, LONGEST, PATIENCE
from antiphon.codecs.events import ServerEvent
from antiphon.codecs.items import FunctionCallOutput
from antiphon.codecs.wire import to_base64

TENTH = 100_000
SOUND = bytes(3200)
"""A tenth of a second."""


def audio(number: int | None, pcm: bytes = SOUND) -> str:
    return json.dumps(
        {"type": "audio", "audio_event": {"audio_base_64": to_base64(pcm), "event_id": number}}
    )


def words(text: str, number: int | None) -> str:
    event = {"agent_response": text, "event_id": number}
    return json.dumps({"type": "agent_response", "agent_response_event": event})


def part(kind: str, text: str, number: int | None) -> str:
    event = {"type": kind, "text": text, "event_id": number}
    return json.dumps({"type": "agent_chat_response_part", "text_response_part": event})


def user(text: str, number: int | None) -> str:
    event = {"user_transcript": text, "event_id": number}
    return json.dumps({"type": "user_transcript", "user_transcription_event": event})


def interruption(number: int | None) -> str:
    return json.dumps({"type": "interruption", "interruption_event": {"event_id": number}})


def correction(text: str | None, number: int | None) -> str:
    event = {"corrected_agent_response": text, "event_id": number}
    return json.dumps(
        {"type": "agent_response_correction", "agent_response_correction_event": event}
    )


def call(call_id: str, number: int | None) -> str:
    event: dict[str, Any] = {"tool_name": "t", "tool_call_id": call_id, "event_id": number}
    return json.dumps({"type": "client_tool_call", "client_tool_call": event})


def complete(number: int | None) -> str:
    event = {"event_id": number}
    return json.dumps({"type": "agent_response_complete", "agent_response_complete_event": event})


def text_session() -> Client:
    client = Client()
    config = SessionConfig(output_modalities=("text",))
    list(client.encode(events.SessionUpdate(config=config)))
    return client


def short(event: ServerEvent) -> Any:
    """What matters of an event here; of a response, the number in its name."""
    match event:
        case events.ResponseCreated():
            return "created", _number(event.response_id)
        case events.ResponseDone():
            return event.status, _number(event.response_id)
        case events.AudioDelta():
            return "audio", _number(event.response_id)
        case events.AudioDone():
            return "audio done", _number(event.response_id)
        case events.AudioTranscriptDelta() | events.TextDelta():
            return type(event).__name__, event.delta
        case events.AudioTranscriptDone():
            return "AudioTranscriptDone", event.transcript
        case events.TextDone():
            return "TextDone", event.text
        case events.FunctionCallArgumentsDone():
            return "call", _number(event.response_id), event.output_index
        case events.ResponseInterrupted():
            return "interrupted", event.response_id and _number(event.response_id)
        case events.ConversationItemTruncated():
            return event.item_id, event.transcript
        case events.InputTranscriptionCompleted():
            return "user", event.transcript
        case events.Custom():
            return "custom", event.raw_type
        case _:
            return None


def _number(name: str) -> str:
    return name.removeprefix("elevenlabs-response-")


def heard(client: Client, *messages: str, at: int = 0) -> list[Any]:
    said = [short(event) for message in messages for event in client.decode(message, at)]
    return [one for one in said if one is not None]


def test_a_spoken_answer_has_its_words_before_its_sound() -> None:
    client = Client()

    said = heard(client, words("Hello.", 5), audio(5), audio(5))

    assert said == [
        ("created", "5"),
        ("AudioTranscriptDelta", "Hello."),
        ("AudioTranscriptDone", "Hello."),
        ("audio", "5"),
        ("audio", "5"),
    ]


def test_words_behind_the_sound_belong_to_it() -> None:
    client = Client()

    assert heard(client, audio(5), words("Hello.", 5)) == [
        ("created", "5"),
        ("audio", "5"),
        ("AudioTranscriptDelta", "Hello."),
        ("AudioTranscriptDone", "Hello."),
    ]


def test_sound_and_words_are_of_one_part_of_one_item() -> None:
    client = Client()

    spoken = [*client.decode(words("Hello.", 5)), *client.decode(audio(5))]

    assert {
        (one.item_id, one.output_index, one.content_index)
        for one in spoken
        if isinstance(one, events.ContentEvent)
    } == {("elevenlabs-item-5", 0, 0)}


# The end of a response.


def test_a_response_is_over_a_moment_after_its_speech_was_played() -> None:
    client = Client()
    heard(client, audio(1), at=0)
    heard(client, audio(1), audio(1), at=50_000)

    assert client.deadline == 3 * TENTH + GRACE
    assert list(client.expire(client.deadline - 1)) == []
    assert [short(one) for one in client.expire(client.deadline)] == [
        ("audio done", "1"),
        ("completed", "1"),
    ]
    assert client.deadline is None
    assert list(client.expire(10**9)) == []


def test_speech_after_a_pause_is_played_from_when_it_came() -> None:
    client = Client()

    heard(client, audio(1), at=0)
    heard(client, audio(1), at=900_000)

    assert client.deadline == 900_000 + TENTH + GRACE


def test_words_without_sound_are_waited_upon_longer() -> None:
    client = Client()

    heard(client, words("Hello.", 1), at=7)

    assert client.deadline == 7 + PATIENCE
    assert [short(one) for one in client.expire(7 + PATIENCE)] == [("completed", "1")]


def test_words_that_were_not_complete_are_so_with_the_response() -> None:
    client = Client()
    heard(client, part("start", "", 1), part("delta", "Hel", 1), part("delta", "lo", 1))

    assert [short(one) for one in client.expire(PATIENCE)] == [
        ("TextDone", "Hello"),
        ("completed", "1"),
    ]


def test_the_next_response_ends_the_one_before() -> None:
    client = Client()

    said = heard(client, audio(1), audio(1), audio(2), words("a", 2), words("b", 4))

    assert said == [
        ("created", "1"),
        ("audio", "1"),
        ("audio", "1"),
        ("audio done", "1"),
        ("completed", "1"),
        ("created", "2"),
        ("audio", "2"),
        ("AudioTranscriptDelta", "a"),
        ("AudioTranscriptDone", "a"),
        ("audio done", "2"),
        ("completed", "2"),
        ("created", "4"),
        ("AudioTranscriptDelta", "b"),
        ("AudioTranscriptDone", "b"),
    ]


def test_the_words_of_the_users_next_turn_end_a_response() -> None:
    client = Client()

    said = heard(client, audio(1), user("And now?", 2))

    assert said[-3:] == [("audio done", "1"), ("completed", "1"), ("user", "And now?")]


@pytest.mark.parametrize("number", [1, 2])
def test_the_words_of_the_turn_that_is_answered_may_come_late(number: int) -> None:
    client = Client()

    said = heard(client, audio(2), user("Hello?", number), audio(2))

    assert said[-2:] == [("user", "Hello?"), ("audio", "2")]


def test_a_response_that_goes_on_after_its_end_is_another() -> None:
    client = Client()
    heard(client, audio(3))
    list(client.expire(10**8))

    assert heard(client, audio(3), at=10**8) == [("created", "3-2"), ("audio", "3-2")]


def test_a_provider_that_says_when_it_is_done_is_believed() -> None:
    client = Client()

    said = heard(client, audio(3), complete(2), audio(3), complete(3), complete(3))

    assert said[-3:] == [("audio", "3"), ("audio done", "3"), ("completed", "3")]
    assert heard(Client(), '{"type":"agent_response_complete"}') == []


# Numbers.


def test_messages_that_all_have_numbers_of_their_own_are_one_response_soon() -> None:
    client = Client()

    said = heard(client, *(audio(number) for number in range(1, 9)))

    assert [one for one in said if one[0] == "created"] == [("created", "1"), ("created", "2")]


def test_once_numbers_are_known_to_be_the_messages_a_response_is_never_split() -> None:
    client = Client()
    heard(client, *(audio(number) for number in range(1, 9)), user("And?", 20))

    said = heard(client, words("Yes.", 21), *(audio(number) for number in range(22, 30)))

    assert [one for one in said if one[0] == "created"] == [("created", "21")]
    assert heard(client, interruption(28))[0] == ("interrupted", "21")


def test_words_numbered_above_the_sound_before_them_belong_to_it_then() -> None:
    client = Client()
    heard(client, *(audio(number) for number in range(1, 9)), user("And?", 20))

    said = heard(client, audio(21), words("Yes.", 22), words("And more.", 24))

    assert [one for one in said if one[0] == "created"] == [("created", "21"), ("created", "24")]


def test_numbers_that_repeat_are_the_responses_after_all() -> None:
    client = Client()
    heard(client, *(audio(number) for number in (1, 2, 3, 3)))

    assert ("created", "4") in heard(client, audio(4))


def test_messages_without_numbers_are_of_the_response_that_runs() -> None:
    client = Client()

    said = heard(client, audio(None), words("Hi.", None), audio(None), user("And?", None))

    assert [one for one in said if one[0] in ("created", "completed")] == [
        ("created", "1"),
        ("completed", "1"),
    ]
    assert heard(client, audio(None))[0] == ("created", "2")


def test_sound_of_an_earlier_number_is_not_played_later_than_it_came() -> None:
    client = Client()

    said = heard(client, audio(1), words("More.", 2), audio(1), audio(2))

    assert [one for one in said if one[0] == "audio"] == [
        ("audio", "1"),
        ("audio", "2"),
        ("audio", "2"),
    ]


# Words.


def test_the_same_words_are_not_told_twice() -> None:
    client = Client()

    heard(client, words("Hello.", 1))

    assert heard(client, words("Hello. ", 1)) == []


def test_other_words_of_the_same_number_are_another_response() -> None:
    client = Client()

    said = heard(client, words("Let me see.", 1), words("It is warm.", 1))

    assert [one for one in said if one[0] in ("created", "completed")] == [
        ("created", "1"),
        ("completed", "1"),
        ("created", "1-2"),
    ]


def test_words_of_a_response_before_the_one_that_runs_are_carried() -> None:
    client = Client()

    assert heard(client, audio(2), words("Late.", 1))[-1] == ("custom", "agent_response")


def test_a_written_answer_is_told_as_it_comes_and_ends_where_it_says() -> None:
    client = text_session()

    said = heard(
        client,
        part("start", "", 9),
        part("delta", "It is ", 9),
        part("delta", "sunny.", 9),
        part("stop", "", 9),
        words("It is sunny.", 9),
    )

    assert said == [
        ("created", "9"),
        ("TextDelta", "It is "),
        ("TextDelta", "sunny."),
        ("TextDone", "It is sunny."),
        ("completed", "9"),
    ]


def test_the_whole_text_may_come_before_the_end_of_its_parts() -> None:
    client = text_session()

    said = heard(
        client,
        part("start", "", 9),
        part("delta", "It is ", 9),
        words("It is sunny.", 9),
        part("stop", "", 9),
    )

    assert said == [
        ("created", "9"),
        ("TextDelta", "It is "),
        ("TextDelta", "sunny."),
        ("TextDone", "It is sunny."),
        ("completed", "9"),
    ]


def test_without_parts_the_whole_text_is_the_answer() -> None:
    assert heard(text_session(), words("Hi.", 1)) == [
        ("created", "1"),
        ("TextDelta", "Hi."),
        ("TextDone", "Hi."),
        ("completed", "1"),
    ]


def test_a_text_that_differs_from_its_parts_is_told_as_it_became() -> None:
    said = heard(text_session(), part("delta", "It is sun", 1), words("It is warm.", 1))

    assert said[-2:] == [("TextDone", "It is warm."), ("completed", "1")]


def test_a_text_whose_whole_came_first_still_ends_with_its_last_part() -> None:
    client = Client()

    said = heard(client, part("start", "", 9), part("delta", "Hi.", 9))
    said += heard(client, words("Hi.", 9), part("stop", "", 9))

    assert said[-2:] == [("TextDone", "Hi."), ("completed", "9")]


def test_parts_that_start_anew_are_another_response() -> None:
    client = text_session()

    said = heard(client, part("start", "", 1), part("delta", "a", 1), part("start", "b", 2))

    assert said[2:] == [
        ("TextDone", "a"),
        ("completed", "1"),
        ("created", "2"),
        ("TextDelta", "b"),
    ]


def test_the_last_part_may_have_words_too() -> None:
    said = heard(text_session(), part("delta", "a", 1), part("stop", "b", 1))

    assert said[1:] == [
        ("TextDelta", "a"),
        ("TextDelta", "b"),
        ("TextDone", "ab"),
        ("completed", "1"),
    ]


def test_an_end_of_nothing_is_nothing() -> None:
    client = text_session()

    assert heard(client, part("stop", "", 1)) == []
    heard(client, part("delta", "a", 3))
    assert heard(client, part("stop", "", 2)) == []


def test_parts_of_speech_are_its_words() -> None:
    client = Client()
    heard(client, audio(1), user("And?", 2))

    said = heard(
        client,
        part("start", "", 3),
        part("delta", "It is ", 3),
        audio(3),
        part("delta", "sunny.", 3),
        part("stop", "", 3),
        words("It is sunny.", 3),
        audio(3),
    )

    assert said == [
        ("created", "3"),
        ("AudioTranscriptDelta", "It is "),
        ("audio", "3"),
        ("AudioTranscriptDelta", "sunny."),
        ("AudioTranscriptDone", "It is sunny."),
        ("audio", "3"),
    ]


def test_a_session_that_was_asked_to_speak_has_only_words_of_speech() -> None:
    client = Client()
    list(client.encode(events.SessionUpdate(config=SessionConfig(output_modalities=("audio",)))))

    assert heard(client, part("delta", "Hi", 1))[-1] == ("AudioTranscriptDelta", "Hi")


def test_speech_beside_a_text_is_another_part() -> None:
    client = Client()
    heard(client, part("start", "", 1), part("delta", "Hi", 1))

    [sound] = client.decode(audio(1))

    assert isinstance(sound, events.AudioDelta)
    assert (sound.response_id, sound.content_index) == ("elevenlabs-response-1", 1)
    assert heard(client, part("stop", "", 1)) == [("TextDone", "Hi")]
    assert [short(one) for one in client.expire(10**8)] == [
        ("audio done", "1"),
        ("completed", "1"),
    ]


def test_words_without_end_are_told_but_not_kept_without_end() -> None:
    client = Client()
    much = "a" * (LONGEST // 2 + 1)

    heard(client, *(part("delta", much, 1) for _ in range(4)))
    [done, _] = client.expire(PATIENCE)

    assert isinstance(done, events.TextDone) and done.text is not None
    assert len(done.text) <= LONGEST


# Interruption.


def test_an_interruption_ends_the_response_and_silences_what_is_still_to_come() -> None:
    client = Client()

    said = heard(client, words("Hello.", 7), audio(7), interruption(7), audio(7), audio(6))

    assert said[-2:] == [("interrupted", "7"), ("cancelled", "7")]
    assert client.deadline is None


def test_what_is_numbered_above_an_interruption_is_heard() -> None:
    client = Client()

    said = heard(client, audio(7), interruption(8), audio(8), audio(9))

    assert said[-3:] == [("cancelled", "7"), ("created", "9"), ("audio", "9")]


def test_an_interrupted_response_says_why() -> None:
    client = Client()
    heard(client, audio(7))

    [interrupted, done] = client.decode(interruption(7))

    assert interrupted == events.ResponseInterrupted(
        response_id="elevenlabs-response-7", item_id="elevenlabs-item-7"
    )
    assert isinstance(done, events.ResponseDone) and done.reason == "turn_detected"


def test_a_response_may_be_interrupted_that_is_over_but_still_heard() -> None:
    client = Client()

    said = heard(client, audio(7), complete(7), interruption(7))

    assert said[-1] == ("interrupted", "7")


def test_an_interruption_of_nothing_that_is_known_is_told_all_the_same() -> None:
    assert heard(Client(), interruption(3)) == [("interrupted", None)]
    assert heard(Client(), interruption(None)) == [("interrupted", None)]


def test_an_interruption_without_a_number_is_of_what_runs() -> None:
    client = Client()

    said = heard(client, audio(7), interruption(None), audio(7))

    assert said[-2:] == [("interrupted", "7"), ("cancelled", "7")]


def test_a_late_interruption_of_what_was_before_leaves_what_runs_alone() -> None:
    client = Client()

    said = heard(client, audio(7), user("And?", 8), audio(9), interruption(7), audio(9), audio(7))

    assert said[-2:] == [("custom", "interruption"), ("audio", "9")]


def test_an_earlier_interruption_does_not_undo_a_later_one() -> None:
    client = Client()

    assert heard(client, interruption(7), interruption(3), audio(5))[-1] == ("interrupted", None)


def test_words_of_an_interrupted_response_are_carried_and_open_none() -> None:
    client = Client()

    heard(client, audio(7), interruption(7))

    assert heard(client, words("Late.", 7), part("delta", "Late", 7)) == [
        ("custom", "agent_response"),
        ("custom", "agent_chat_response_part"),
    ]
    assert client.deadline is None


def test_a_correction_names_the_item_and_what_was_heard_of_it() -> None:
    client = Client()

    said = heard(client, words("One two.", 7), audio(7), interruption(7), correction("One...", 7))

    assert said[-1] == ("elevenlabs-item-7", "One...")


def test_a_correction_finds_its_item_by_number_or_else_takes_the_last() -> None:
    client = Client()
    heard(client, audio(3), audio(3), audio(5), audio(5))

    assert heard(client, correction("a", 3)) == [("elevenlabs-item-3", "a")]
    assert heard(client, correction("b", 40)) == [("elevenlabs-item-40", "b")]
    assert heard(client, correction("c", None)) == [("elevenlabs-item-5", "c")]


def test_a_correction_of_nothing_is_carried() -> None:
    assert heard(Client(), correction("a", None), correction(None, 4)) == [
        ("custom", "agent_response_correction"),
        ("custom", "agent_response_correction"),
    ]


# Tool calls.


def test_a_call_is_of_the_response_that_says_so_and_behind_its_message() -> None:
    client = Client()

    said = heard(client, words("Let me see.", 5), audio(5), call("c1", 6), call("c2", 6))

    assert said[-2:] == [("call", "5", 1), ("call", "5", 2)]


def test_a_call_alone_is_a_response() -> None:
    client = Client()

    [created, delta, done] = client.decode(call("c1", 5), 3)

    assert created == events.ResponseCreated(response_id="elevenlabs-response-5", at=3)
    assert isinstance(delta, events.FunctionCallArgumentsDelta) and delta.delta == "{}"
    assert done == events.FunctionCallArgumentsDone(
        response_id="elevenlabs-response-5",
        item_id="c1",
        call_id="c1",
        name="t",
        arguments="{}",
        at=3,
    )


def test_a_response_with_a_call_is_over_soon_though_the_call_waits() -> None:
    """Clients of other dialects run their tools when the response is done."""
    client = Client()

    heard(client, words("Let me see.", 5), audio(5, SOUND * 50), call("c1", 5), at=10)

    assert client.deadline == 10 + CALL_GRACE
    assert [short(one) for one in client.expire(10 + CALL_GRACE)] == [
        ("audio done", "5"),
        ("completed", "5"),
    ]


def test_what_is_still_said_while_a_call_waits_is_of_its_response() -> None:
    client = Client()

    said = heard(client, audio(5), call("c1", 5), audio(5), audio(5))

    assert [one for one in said if one[0] == "created"] == [("created", "5")]


@pytest.mark.parametrize("number", [7, None])
def test_what_follows_the_last_result_is_another_response(number: int | None) -> None:
    client = Client()
    heard(client, call("c1", 5), call("c2", 5))

    answered(client, "c1")
    assert heard(client, audio(5)) == [("audio", "5")]
    answered(client, "c2")

    said = heard(client, audio(5 if number else None), audio(number))
    assert ("created", "7" if number else "6") in said


def test_words_and_parts_and_calls_after_the_last_result_are_another_response() -> None:
    for message in (words("It is warm.", 7), part("delta", "It", 7), call("c2", 7)):
        client = Client()
        heard(client, call("c1", 5))
        answered(client, "c1")

        assert heard(client, message)[:2] == [("completed", "5"), ("created", "7")]


def test_a_result_of_a_call_that_is_over_changes_nothing() -> None:
    client = Client()
    heard(client, call("c1", 5), interruption(5))

    answered(client, "c1")

    assert heard(client, audio(7)) == [("created", "7"), ("audio", "7")]


def answered(client: Client, call_id: str) -> None:
    output = FunctionCallOutput(call_id=call_id, output="ok")
    list(client.encode(events.ConversationItemCreate(item=output)))
