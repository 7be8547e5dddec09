import json
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import pytest

from antiphon.codecs import events
from antiphon.codecs.config import AudioFormat, ResponseOptions, SessionConfig
from antiphon.codecs.items import (
    AudioPart,
    CustomItem,
    FunctionCall,
    FunctionCallOutput,
    ImagePart,
    Item,
    Message,
    TextPart,
    text_message,
)
from antiphon.codecs.opper import Client, responses
from antiphon.codecs.wire import Unsayable, WireError

STARTED = {
    "type": "session.started",
    "session_id": "sess_1",
    "input_sample_rate": 24000,
    "output_sample_rate": 24000,
    "audio_format": "pcm16",
}
AUDIO = {"type": "audio.delta", "audio": "AAABAAIA"}
CALL = {
    "type": "tool.call",
    "tool_call_id": "c1",
    "tool_name": "get_weather",
    "tool_arguments": '{"city":"Oslo"}',
}

BUSY: dict[str, Any] = {
    "type": "error",
    "error": {"code": "conversation_already_has_active_response", "message": "busy"},
}


def a(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, **fields}


def hear(client: Client, *messages: dict[str, Any]) -> list[events.ServerEvent]:
    return [event for m in messages for event in client.decode(json.dumps(m))]


def say(client: Client, *said: events.ClientEvent) -> list[dict[str, Any]]:
    return [json.loads(m) for event in said for m in (*client.encode(event), *client.due())]


def due(client: Client) -> list[dict[str, Any]]:
    return [json.loads(m) for m in client.due()]


def in_session(own: str = "openai/gpt-realtime-2", **config: Any) -> Client:
    client = Client(own)
    say(client, events.SessionUpdate(config=SessionConfig(**config)))
    hear(client, STARTED)
    return client


def kinds(said: Iterable[events.ServerEvent]) -> list[str]:
    return [type(event).__name__ for event in said]


def item(of: Item) -> events.ConversationItemCreate:
    return events.ConversationItemCreate(item=of)


def output(text: str, call_id: str = "c1", *, failed: bool = False) -> FunctionCallOutput:
    return FunctionCallOutput(call_id=call_id, output=text, failed=failed)


# The session.


def test_a_session_is_started_once_and_updated_in_part_from_then_on() -> None:
    client = Client("openai/gpt-realtime-2")

    first = say(client, events.SessionUpdate(config=SessionConfig(voice="marin")))
    later = say(client, events.SessionUpdate(config=SessionConfig(instructions="Be brief.")))

    assert first == [
        a("session.start", config={"model": "openai/gpt-realtime-2", "voice": "marin"})
    ]
    assert later == [a("session.update", config={"instructions": "Be brief."})]


def test_a_configured_model_goes_before_the_clients_own() -> None:
    client = Client("openai/gpt-realtime-2")

    [start] = say(client, events.SessionUpdate(config=SessionConfig(model="gemini/flash")))

    assert start["config"] == {"model": "gemini/flash"}
    assert client.input_rate == 16_000


@pytest.mark.parametrize("model", ["", "function/concierge"])
def test_a_ticket_or_a_function_leaves_the_model_unsaid(model: str) -> None:
    assert say(Client(model), events.SessionUpdate(config=SessionConfig())) == [
        a("session.start", config={})
    ]


def test_whatever_is_said_first_the_session_is_started_before_it() -> None:
    first: Sequence[tuple[events.ClientEvent, str]] = [
        (events.InputAudioAppend(audio=b"\0\0"), "audio.append"),
        (events.ResponseCreate(), "response.create"),
        (item(text_message("hello")), "text.input"),
    ]
    for event, kind in first:
        said = say(Client("xai/grok-voice-latest"), event, event)

        assert said[0] == a("session.start", config={"model": "xai/grok-voice-latest"})
        assert [m["type"] for m in said[1:]] == [kind, kind]


def test_a_continuous_session_is_started_like_any_other() -> None:
    said = say(Client("gemini/translate"), events.SessionStart(config=SessionConfig()))

    assert said == [a("session.start", config={"model": "gemini/translate"})]


@pytest.mark.parametrize(
    ("model", "heard"),
    [("openai/x", 24_000), ("gemini/x", 16_000), ("", 24_000), ("gemini", 24_000)],
)
def test_until_the_server_says_otherwise_the_model_decides_the_rates(
    model: str, heard: int
) -> None:
    client = Client(model)

    assert (client.input_rate, client.output_rate) == (heard, 24_000)


def test_the_server_settles_the_rates() -> None:
    client = in_session()

    [created] = hear(
        client, a("session.started", input_sample_rate=16000, output_sample_rate=48000)
    )

    assert isinstance(created, events.SessionCreated) and created.config is not None
    assert created.config.input_audio_format == AudioFormat(type="audio/pcm", rate=16_000)
    assert created.config.output_audio_format == AudioFormat(type="audio/pcm", rate=48_000)
    assert (client.input_rate, client.output_rate) == (16_000, 48_000)


def test_an_older_server_has_one_rate_for_both_directions() -> None:
    client = Client()

    hear(client, a("session.started", session_id="sess_1", sample_rate=16000, input_sample_rate=0))

    assert (client.input_rate, client.output_rate) == (16_000, 16_000)


def test_what_the_server_settled_is_not_undone_by_a_late_configuration() -> None:
    client = Client()
    hear(client, a("session.started", sample_rate=48000))

    say(client, events.SessionUpdate(config=SessionConfig(model="gemini/x")))

    assert client.input_rate == 48_000


def test_audio_of_another_format_is_refused_and_changes_nothing() -> None:
    client = Client()

    with pytest.raises(WireError, match=r"\$\.audio_format"):
        hear(client, a("session.started", sample_rate=8000, audio_format="g711_ulaw"))

    assert client.input_rate == 24_000


def test_the_end_of_a_session_is_announced_and_told() -> None:
    told = hear(
        Client(),
        a("session.terminating", error={"code": "idle_timeout", "message": "Session idle"}),
        a("session.terminating"),
        a("session.terminating", error="out of money"),
        a("session.ended"),
    )

    assert told == [
        events.GoAway(time_left=0, code="idle_timeout", message="Session idle"),
        events.GoAway(time_left=0),
        events.GoAway(time_left=0, message="out of money"),
        events.SessionClosed(),
    ]


@pytest.mark.parametrize(
    ("fields", "message", "code"),
    [
        ({"message": "no"}, "no", None),
        ({"error": {"code": "bad", "message": "no"}}, "no", "bad"),
        ({"error": {"code": 400}}, "400", "400"),
        ({"error": "no"}, "no", None),
        ({"message": "outer", "error": {"message": "inner"}}, "inner", None),
        ({}, "an error without words", None),
    ],
)
def test_errors_are_read_in_all_their_shapes(
    fields: dict[str, Any], message: str, code: str | None
) -> None:
    assert hear(Client(), a("error", **fields)) == [events.Error(message=message, code=code)]


# Responses.


def test_a_response_is_named_and_closed_with_what_occurred_in_it() -> None:
    client = in_session()

    said = hear(
        client,
        a("response.started"),
        AUDIO,
        a("text.delta", delta="Three "),
        a("text.delta", delta="degrees."),
        a("response.completed"),
    )

    where: dict[str, Any] = {"response_id": "response_1", "item_id": "item_1"}
    assert said == [
        events.ResponseCreated(response_id="response_1"),
        events.AudioDelta(**where, delta=b"\0\0\1\0\2\0"),
        events.AudioTranscriptDelta(**where, delta="Three "),
        events.AudioTranscriptDelta(**where, delta="degrees."),
        events.AudioDone(**where),
        events.AudioTranscriptDone(**where, transcript="Three degrees."),
        events.ResponseDone(response_id="response_1", status="completed"),
    ]


def test_words_of_a_session_without_speech_are_text() -> None:
    client = in_session(output_modalities=("text",))

    said = hear(client, a("text.delta", delta="Hi"), a("response.done"))

    assert kinds(said) == ["ResponseCreated", "TextDelta", "TextDone", "ResponseDone"]
    assert isinstance(said[2], events.TextDone) and said[2].text == "Hi"


def test_words_of_a_session_with_speech_and_text_are_those_of_the_speech() -> None:
    client = in_session(output_modalities=("audio", "text"))

    assert kinds(hear(client, a("text.delta", delta="Hi")))[-1] == "AudioTranscriptDelta"


@pytest.mark.parametrize("first", [AUDIO, a("text.delta", delta="Hi"), CALL])
def test_whatever_comes_of_a_response_first_opens_it(first: dict[str, Any]) -> None:
    client = in_session()

    said = hear(client, first, a("response.done"), first)

    opened = [e.response_id for e in said if isinstance(e, events.ResponseCreated)]
    assert opened == ["response_1", "response_2"]
    assert kinds(said)[0] == "ResponseCreated" and kinds(said).count("ResponseDone") == 1


@pytest.mark.parametrize(
    ("ends", "done"),
    [
        (["response.completed"], 1),
        (["response.done"], 1),
        (["response.completed", "response.done"], 1),
        (["response.done", "response.completed"], 1),
        (["response.completed", "response.done", "response.completed", "response.done"], 2),
        (["response.completed", "response.completed"], 2),
        (["response.completed", "response.done", "response.done"], 2),
    ],
)
def test_both_ends_may_come_for_one_response(ends: list[str], done: int) -> None:
    client = in_session()

    said = hear(client, AUDIO, *(a(end) for end in ends))

    assert kinds(said).count("ResponseDone") == done
    assert kinds(said).count("ResponseCreated") == done


def test_the_second_end_of_the_response_before_does_not_end_the_next() -> None:
    client = in_session()

    said = hear(
        client, AUDIO, a("response.completed"), a("response.done"), AUDIO, a("response.completed")
    )

    assert [e.response_id for e in said if isinstance(e, events.ResponseDone)] == [
        "response_1",
        "response_2",
    ]


def test_a_response_of_which_nothing_came_is_one_all_the_same() -> None:
    client = in_session()
    asked = say(client, events.ResponseCreate())

    said = hear(client, a("response.completed"))

    assert asked == [a("response.create")]
    assert kinds(said) == ["ResponseCreated", "ResponseDone"]
    assert say(client, events.ResponseCreate()) == [a("response.create")]


def test_a_response_that_begins_ends_the_one_before() -> None:
    client = in_session()

    said = hear(client, AUDIO, a("response.started"), AUDIO)

    assert kinds(said) == [
        "ResponseCreated",
        "AudioDelta",
        "AudioDone",
        "ResponseDone",
        "ResponseCreated",
        "AudioDelta",
    ]


def test_a_call_is_an_item_of_its_own() -> None:
    client = in_session()

    said = hear(client, AUDIO, CALL, {**CALL, "tool_call_id": "c2"}, AUDIO)

    assert said[2:6] == [
        events.FunctionCallArgumentsDelta(
            response_id="response_1",
            item_id="item_2",
            output_index=1,
            call_id="c1",
            delta='{"city":"Oslo"}',
        ),
        events.FunctionCallArgumentsDone(
            response_id="response_1",
            item_id="item_2",
            output_index=1,
            call_id="c1",
            name="get_weather",
            arguments='{"city":"Oslo"}',
        ),
        msgspec.structs.replace(said[2], item_id="item_3", output_index=2, call_id="c2"),
        msgspec.structs.replace(said[3], item_id="item_3", output_index=2, call_id="c2"),
    ]
    assert isinstance(said[6], events.AudioDelta) and said[6].item_id == "item_1"


@pytest.mark.parametrize(
    ("arguments", "read"),
    [
        ('{"a": 1}', '{"a": 1}'),
        ({"a": 1}, '{"a":1}'),
        (None, "{}"),
        ("", ""),
        ("not JSON", "not JSON"),
    ],
)
def test_arguments_are_text_or_an_object(arguments: object, read: str) -> None:
    message = json.dumps({**CALL, "tool_arguments": arguments}, separators=(",", ":"))

    called = list(Client().decode(message))[-1]

    assert isinstance(called, events.FunctionCallArgumentsDone) and called.arguments == read


def test_a_call_without_an_id_gets_one() -> None:
    said = hear(Client(), a("tool.call", tool_name="hang_up"), a("tool.call", tool_name="hang_up"))

    assert [e.call_id for e in said if isinstance(e, events.FunctionCallArgumentsDone)] == [
        "call_1",
        "call_2",
    ]


def test_half_a_sample_waits_for_the_rest_of_its_own_response_only() -> None:
    client = in_session()

    said = hear(
        client,
        a("audio.delta", audio="AQID"),  # 1 2 3
        a("audio.delta", audio="BA=="),  # 4
        a("audio.delta", audio="CQ=="),
        a("response.done"),
        a("audio.delta", audio="BQY="),  # 5 6
    )

    pcm = [event.delta for event in said if isinstance(event, events.AudioDelta)]
    assert pcm == [b"\1\2", b"\3\4", b"", b"\5\6"]


def test_no_words_are_words_that_were_told() -> None:
    client = in_session()

    said = hear(client, a("text.delta"), a("text.delta", delta=""), a("response.done"))

    assert [e.transcript for e in said if isinstance(e, events.AudioTranscriptDone)] == [""]


def test_words_beyond_measure_are_not_kept_to_be_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(responses, "LONGEST", 5)
    client = in_session()

    said = hear(client, *[a("text.delta", delta="abc")] * 3, a("response.done"))

    [done] = [e for e in said if isinstance(e, events.AudioTranscriptDone)]
    assert done.transcript is None


# Interruption.


def test_a_response_that_is_spoken_over_ends_as_cancelled_when_its_end_comes() -> None:
    client = in_session()

    said = hear(client, AUDIO, a("speech.started"), AUDIO, a("response.completed"))

    assert kinds(said) == [
        "ResponseCreated",
        "AudioDelta",
        "SpeechStarted",
        "AudioDelta",
        "AudioDone",
        "ResponseDone",
    ]
    assert said[-1] == events.ResponseDone(
        response_id="response_1", status="cancelled", reason="turn_detected"
    )


def test_a_response_that_is_spoken_over_and_never_ends_gives_way_to_a_call() -> None:
    client = in_session()

    said = hear(client, CALL, a("speech.started"), a("speech.stopped"), CALL)

    called = [e for e in said if isinstance(e, events.FunctionCallArgumentsDone)]
    assert [event.response_id for event in called] == ["response_1", "response_2"]


def test_a_response_that_is_spoken_over_and_never_ends_gives_way_to_the_next() -> None:
    client = in_session()

    said = hear(client, AUDIO, a("speech.started"), a("speech.stopped"), AUDIO)

    assert kinds(said)[4:] == ["AudioDone", "ResponseDone", "ResponseCreated", "AudioDelta"]
    assert isinstance(said[5], events.ResponseDone) and said[5].status == "cancelled"
    assert isinstance(said[-1], events.AudioDelta) and said[-1].response_id == "response_2"


def test_speech_before_an_answer_interrupts_nothing() -> None:
    client = in_session()

    said = hear(client, a("speech.started"), a("speech.stopped"), AUDIO, a("response.done"))

    assert isinstance(said[-1], events.ResponseDone) and said[-1].status == "completed"


def test_a_response_that_the_client_cancelled_ends_so() -> None:
    client = in_session()
    hear(client, AUDIO)

    said = say(client, events.ResponseCancel())
    [*_, done] = hear(client, a("speech.started"), a("response.done"))

    assert said == [a("response.cancel")]
    assert done == events.ResponseDone(
        response_id="response_1", status="cancelled", reason="client_cancelled"
    )


def test_the_users_turns_are_named_and_a_transcript_is_of_the_last_that_ended() -> None:
    client = in_session()

    said = hear(
        client,
        a("speech.started"),
        a("speech.stopped"),
        a("speech.started"),
        a("transcript.committed", transcript="one"),
        a("speech.stopped"),
        a("transcript.committed", transcript="two"),
        a("transcript.committed", transcript="three"),
    )

    assert said == [
        events.SpeechStarted(item_id="user_1"),
        events.SpeechStopped(item_id="user_1"),
        events.SpeechStarted(item_id="user_2"),
        events.InputTranscriptionCompleted(item_id="user_1", transcript="one"),
        events.SpeechStopped(item_id="user_2"),
        events.InputTranscriptionCompleted(item_id="user_2", transcript="two"),
        events.InputTranscriptionCompleted(item_id="user_3", transcript="three"),
    ]


def test_turns_of_which_no_end_is_told_have_names_too() -> None:
    client = in_session("gemini/x")

    said = hear(
        client,
        a("speech.started"),
        a("transcript.committed", transcript="one"),
        a("speech.started"),
        a("speech.started"),
        a("transcript.committed", transcript=None),
        a("speech.stopped"),
        a("speech.stopped"),
    )

    assert [getattr(event, "item_id", None) for event in said] == [
        "user_1", "user_1", "user_2", "user_3", "user_2", "user_3", "user_4",
    ]  # fmt: skip


# What the client says.


def test_text_is_typed_and_asks_for_nothing() -> None:
    client = in_session()

    assert say(client, item(text_message("hello"))) == [a("text.input", text="hello")]


def test_a_picture_goes_by_itself_and_the_words_around_it_too() -> None:
    client = in_session()
    picture = ImagePart(data=b"\x89PNG..", detail="low")
    message = Message(
        role="user",
        content=(
            TextPart(text="Look: "),
            TextPart(text="this"),
            picture,
            AudioPart(transcript="?"),
        ),
    )

    assert say(client, item(message)) == [
        a("text.input", text="Look: this"),
        a("image.input", image_url="data:image/png;base64,iVBORy4u", image_detail="low"),
        a("text.input", text="?"),
    ]


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (b"\x89PNG", "image/png"),
        (b"GIF89a", "image/gif"),
        (b"RIFF....WEBP", "image/webp"),
        (b"\xff\xd8\xff", "image/jpeg"),
    ],
)
def test_a_picture_without_a_type_is_looked_at(data: bytes, media_type: str) -> None:
    [said] = say(in_session(), item(Message(role="user", content=(ImagePart(data=data),))))

    assert said["image_url"].startswith(f"data:{media_type};base64,")


def test_a_picture_elsewhere_is_told_by_its_address() -> None:
    message = Message(role="user", content=(ImagePart(url="https://example.com/cat.png"),))

    assert say(in_session(), item(message)) == [
        a("image.input", image_url="https://example.com/cat.png")
    ]


def test_speech_whose_words_nobody_knows_is_spoken() -> None:
    message = Message(role="user", content=(AudioPart(audio=b"\0\0\1\0"), AudioPart()))

    assert say(in_session(), item(message)) == [
        a("audio.append", audio="AAABAA=="),
        a("audio.commit"),
    ]


@pytest.mark.parametrize(
    "told",
    [
        text_message("You are kind.", role="system"),
        text_message("Hello!", role="assistant"),
        FunctionCall(call_id="c1", name="f", arguments="{}"),
        CustomItem(raw_type="mcp_call"),
    ],
)
def test_what_cannot_be_told_is_refused_and_begins_nothing(told: Item) -> None:
    client = Client("openai/x")

    with pytest.raises(Unsayable, match="opper cannot add"):
        say(client, item(told))

    assert say(client, events.InputAudioClear())[0]["type"] == "session.start"


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ('{"temp_c":3}', {"temp_c": 3}),
        ("[1,2]", [1, 2]),
        (" 3 ", 3),
        ("null", None),
        ('"quoted"', "quoted"),
        ("three degrees", "three degrees"),
        ("", ""),
        ("[" * 5000, "[" * 5000),
    ],
)
def test_a_tools_output_is_json_where_it_is_json(text: str, result: object) -> None:
    assert say(in_session(), item(output(text))) == [
        a("tool.result", tool_call_id="c1", tool_result=result)
    ]


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("timeout", {"error": "timeout"}),
        ('{"code":1}', {"error": {"code": 1}}),
        ('{"error":null}', {"error": {"error": None}}),
        ('{"error":"timeout","code":1}', {"error": "timeout", "code": 1}),
        ('{"error":"timeout"}', {"error": "timeout"}),
    ],
)
def test_that_a_tool_failed_is_told_by_an_error(text: str, result: object) -> None:
    [said] = say(in_session(), item(output(text, failed=True)))

    assert said["tool_result"] == result


def test_numbers_of_a_result_are_passed_on_as_they_are() -> None:
    client = in_session()

    [said] = client.encode(item(output('{"n":123456789012345678901234567890}')))

    assert '"n":123456789012345678901234567890' in str(said)


def test_text_that_utf8_cannot_carry_is_a_wire_error() -> None:
    for told in (output("\ud800"), text_message("\ud800")):
        with pytest.raises(WireError):
            say(in_session(), item(told))


# When a response is asked for.


def test_no_response_is_asked_for_beside_a_running_one() -> None:
    client = in_session()
    hear(client, AUDIO)

    held = say(client, events.ResponseCreate())
    hear(client, a("response.completed"))

    assert held == []
    assert due(client) == [a("response.create")]
    assert due(client) == []


def test_nothing_is_cancelled_when_nothing_runs() -> None:
    client = in_session()

    assert say(client, events.ResponseCancel()) == []


def test_a_response_that_is_over_is_not_cancelled_in_place_of_the_one_that_runs() -> None:
    client = in_session()
    hear(client, AUDIO, a("response.done"), AUDIO)

    assert say(client, events.ResponseCancel(response_id="response_1")) == []
    assert say(client, events.ResponseCancel(response_id="response_2")) == [a("response.cancel")]


@pytest.mark.parametrize("model", ["openai/gpt-realtime-2", "xai/grok-voice-latest", ""])
def test_with_the_last_result_a_response_is_asked_for(model: str) -> None:
    client = in_session(model)
    hear(client, CALL, {**CALL, "tool_call_id": "c2"}, a("response.completed"))

    first = say(client, item(output("1", "c1")), events.ResponseCreate())
    last = say(client, item(output("2", "c2")))

    assert [m["type"] for m in first] == ["tool.result"]
    assert [m["type"] for m in last] == ["tool.result", "response.create"]


@pytest.mark.parametrize(("own", "asked"), [("gemini/flash-live", None), ("", "gemini/x")])
def test_gemini_answers_results_by_itself(own: str, asked: str | None) -> None:
    client = in_session(own, model=asked)
    hear(client, CALL, a("response.completed"))

    said = say(client, item(output("3")), events.ResponseCreate())
    again = say(client, item(output("4", "c4")))
    hear(client, AUDIO)
    late = say(client, events.ResponseCreate())
    hear(client, a("response.completed"))

    assert [m["type"] for m in (*said, *again, *late)] == ["tool.result", "tool.result"]
    assert due(client) == []
    assert say(client, events.ResponseCreate()) == [a("response.create")]


@pytest.mark.parametrize("between", [item(text_message("and?")), events.InputAudioCommit()])
def test_gemini_is_asked_when_more_than_a_result_was_said(between: events.ClientEvent) -> None:
    client = in_session("gemini/flash-live")

    said = say(client, item(output("3")), between, events.ResponseCreate())

    assert said[-1] == a("response.create")


def test_the_end_of_the_response_that_called_is_not_that_of_the_answer() -> None:
    client = in_session("gemini/flash-live")
    hear(client, CALL)
    say(client, item(output("3")))
    hear(client, a("response.completed"))

    assert say(client, events.ResponseCreate()) == []
    assert say(client, events.ResponseCreate()) == [a("response.create")]


def test_gemini_is_not_asked_because_audio_was_dropped() -> None:
    client = in_session("gemini/flash-live")

    said = say(client, item(output("3")), events.InputAudioClear(), events.ResponseCreate())

    assert [m["type"] for m in said] == ["tool.result", "audio.clear"]


@pytest.mark.parametrize(
    "since",
    [
        [a("speech.started")],
        [a("response.started"), a("response.completed")],
        [a("response.started"), a("response.completed"), a("response.started"), a("response.done")],
    ],
)
def test_gemini_is_asked_when_the_conversation_went_on(since: list[dict[str, Any]]) -> None:
    client = in_session("gemini/flash-live")
    say(client, item(output("3")))

    hear(client, *since)

    assert say(client, events.ResponseCreate()) == [a("response.create")]


def test_a_response_that_is_refused_beside_another_is_asked_for_again_after_it() -> None:
    client = in_session()
    say(client, events.ResponseCreate())

    [error] = hear(client, BUSY)
    meanwhile = due(client)
    hear(client, AUDIO, a("response.completed"))

    assert isinstance(error, events.Error) and not error.fatal
    assert meanwhile == [] and due(client) == [a("response.create")]


@pytest.mark.parametrize("heard", [[BUSY, a("response.started")], [a("response.started"), BUSY]])
def test_unless_what_runs_is_the_answer_to_a_tools_result(heard: list[dict[str, Any]]) -> None:
    client = in_session()
    hear(client, CALL, a("response.completed"))
    asked = say(client, item(output("3")), events.ResponseCreate())

    told = hear(client, *heard, AUDIO, a("response.completed"))

    assert [m["type"] for m in asked] == ["tool.result", "response.create"]
    assert any(isinstance(e, events.Error) and e.code == BUSY["error"]["code"] for e in told)
    assert due(client) == []


def test_any_other_error_does_not_hold_up_the_next_response() -> None:
    client = in_session()
    say(client, events.ResponseCreate())

    hear(client, a("error", error={"code": "tool_call_not_found", "message": "no"}))

    assert say(client, events.ResponseCreate()) == [a("response.create")]


def test_a_response_of_which_nothing_more_comes_is_not_waited_for_without_end() -> None:
    client = in_session()
    hear(client, AUDIO)
    assert client.deadline is None

    held = say(client, events.ResponseCreate())

    assert held == [] and client.deadline is not None
    assert client.expire(client.deadline) == ()
    assert due(client) == [a("response.create")]


@pytest.mark.parametrize(
    "options",
    [
        ResponseOptions(),
        ResponseOptions(metadata={"a": 1}),
        ResponseOptions(conversation="auto"),
        ResponseOptions(modalities=("audio", "text")),
    ],
)
def test_a_response_like_any_other_is_asked_for(options: ResponseOptions) -> None:
    assert say(in_session(), events.ResponseCreate(options=options)) == [a("response.create")]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (ResponseOptions(instructions="Greet."), "instructions"),
        (ResponseOptions(conversation="none"), "conversation"),
        (ResponseOptions(modalities=("text",)), "modalities"),
        (ResponseOptions(voice="eve", tools=()), "voice or tools"),
    ],
)
def test_a_response_unlike_the_others_is_refused(options: ResponseOptions, named: str) -> None:
    with pytest.raises(Unsayable, match=f"no {named} for one response"):
        say(in_session(), events.ResponseCreate(options=options))


@pytest.mark.parametrize(
    "event",
    [
        events.ConversationItemTruncate(item_id="item_1", audio_end=5),
        events.ConversationItemDelete(item_id="item_1"),
        events.InputActivityStart(),
        events.InputDtmf(digit="1"),
        events.SessionClose(),
    ],
)
def test_what_has_no_message_says_nothing(event: events.ClientEvent) -> None:
    assert say(Client(), event) == []


# The provider's own words.


def test_own_words_go_out_as_they_are_behind_the_start_of_the_session() -> None:
    client = Client("openai/x")
    raw = msgspec.Raw(b'{"type": "new.thing",  "x": 1}')

    said = list(client.encode(events.Custom(dialect="opper", raw_type="new.thing", raw=raw)))
    other = list(client.encode(events.Custom(dialect="openai", raw_type="new.thing", raw=raw)))

    assert said[1:] == ['{"type": "new.thing",  "x": 1}']
    assert json.loads(said[0])["type"] == "session.start"
    assert other == []


def test_a_session_may_be_started_in_the_providers_own_words() -> None:
    client = Client("openai/x")
    raw = msgspec.Raw(b'{"type":"session.start"}')

    said = say(client, events.Custom(dialect="opper", raw_type="session.start", raw=raw))

    assert said == [a("session.start")]
    assert say(client, events.InputAudioClear()) == [a("audio.clear")]


def test_words_that_are_no_text_are_a_wire_error() -> None:
    with pytest.raises(WireError, match="UTF-8"):
        say(Client(), events.Custom(dialect="opper", raw_type="x", raw=msgspec.Raw(b"\xff")))


def test_unknown_messages_are_carried_whole() -> None:
    message = '{"type":"usage.updated","seconds":3}'

    assert list(Client().decode(message, at=9)) == [
        events.Custom(
            dialect="opper", raw_type="usage.updated", raw=msgspec.Raw(message.encode()), at=9
        )
    ]
