import json
from typing import Any

import msgspec
import pytest

from antiphon.codecs import events
from antiphon.codecs.config import AudioFormat, SessionConfig
from antiphon.codecs.items import FunctionCallOutput, ImagePart, Message, text_message
from antiphon.codecs.opper import Server
from antiphon.codecs.wire import WireError

CALL = events.FunctionCallArgumentsDone(
    response_id="r1", item_id="i1", call_id="c1", name="get_weather", arguments='{"city":"Oslo"}'
)
OTHER_CALL = msgspec.structs.replace(CALL, item_id="i2", call_id="c2")
WHERE: dict[str, Any] = {"response_id": "r1", "item_id": "i1"}


def a(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, **fields}


def hear(server: Server, *messages: dict[str, Any]) -> list[events.ClientEvent]:
    return [event for m in messages for event in server.decode(json.dumps(m))]


def say(server: Server, *said: events.ServerEvent) -> list[dict[str, Any]]:
    return [json.loads(m) for event in said for m in server.encode(event)]


def result(call_id: str, value: object = "ok") -> dict[str, Any]:
    return a("tool.result", tool_call_id=call_id, tool_result=value)


def output(call_id: str, name: str | None = "get_weather") -> events.ConversationItemCreate:
    return events.ConversationItemCreate(
        item=FunctionCallOutput(call_id=call_id, output="ok", name=name)
    )


# The session.


def test_the_start_of_a_session_is_its_configuration() -> None:
    said = hear(
        Server(),
        a("session.start", config={"model": "openai/x", "voice": "marin"}),
        a("session.start"),
    )

    assert said == [
        events.SessionUpdate(config=SessionConfig(model="openai/x", voice="marin")),
        events.SessionUpdate(config=SessionConfig()),
    ]


def test_the_first_word_that_the_model_is_there_starts_the_session() -> None:
    server = Server("openai/x")

    said = say(server, events.SessionCreated(session_id="sess_9"), events.SessionUpdated())

    assert said == [
        a(
            "session.started",
            session_id="sess_9",
            input_sample_rate=24000,
            output_sample_rate=24000,
            audio_format="pcm16",
        )
    ]


@pytest.mark.parametrize(
    "event",
    [events.SessionUpdated(), events.SessionCreated(), events.SessionStarted(session_id="")],
)
def test_a_session_without_a_name_gets_one(event: events.ServerEvent) -> None:
    [said] = say(Server(), event)

    assert said["session_id"] == "sess_1"


def test_names_can_come_from_elsewhere() -> None:
    [said] = say(Server("", lambda kind: f"{kind}_abc"), events.SessionCreated())

    assert said["session_id"] == "sess_abc"


@pytest.mark.parametrize(
    ("own", "asked", "rate"),
    [
        ("", "gemini/x", 16_000),
        ("gemini/x", None, 16_000),
        ("gemini/x", "openai/x", 24_000),
        ("openai/x", None, 24_000),
        ("function/concierge", None, 24_000),
    ],
)
def test_the_model_decides_the_rates(own: str, asked: str | None, rate: int) -> None:
    server = Server(own)

    hear(server, a("session.start", config={"model": asked}))
    [started] = say(server, events.SessionCreated())

    assert (server.input_rate, server.output_rate) == (rate, 24_000)
    assert (started["input_sample_rate"], started["output_sample_rate"]) == (rate, 24_000)


def pcm(rate: int | None, kind: str = "audio/pcm") -> AudioFormat:
    return AudioFormat(type=kind, rate=rate)


@pytest.mark.parametrize(
    ("model", "heard", "rates"),
    [
        ("", pcm(16_000), (16_000, 48_000)),
        ("openai/x", pcm(16_000), (24_000, 24_000)),
        ("", pcm(None), (24_000, 48_000)),
        ("", pcm(8_000, "audio/pcmu"), (24_000, 48_000)),
        ("", pcm(10**9), (24_000, 48_000)),
        ("", None, (24_000, 48_000)),
    ],
)
def test_where_no_model_is_known_the_rates_are_those_of_whoever_is_there(
    model: str, heard: AudioFormat | None, rates: tuple[int, int]
) -> None:
    server = Server(model)
    config = SessionConfig(input_audio_format=heard, output_audio_format=pcm(48_000))

    say(server, events.SessionCreated(config=config))

    assert (server.input_rate, server.output_rate) == rates


def test_the_end_of_a_session_is_announced_and_told() -> None:
    said = say(
        Server(),
        events.GoAway(code="idle_timeout", message="Session idle"),
        events.GoAway(time_left=1_000_000),
        events.SessionClosed(),
    )

    assert said == [
        a("session.terminating", error={"code": "idle_timeout", "message": "Session idle"}),
        a("session.terminating"),
        a("session.ended"),
    ]


def test_an_error_has_its_words_where_every_client_looks() -> None:
    said = say(Server(), events.Error(message="no", code="bad"))

    assert said == [a("error", message="no", error={"code": "bad", "message": "no"})]


def test_after_a_fatal_error_the_session_terminates() -> None:
    said = say(Server(), events.Error(message="no", code="bad", fatal=True))

    assert [m["type"] for m in said] == ["error", "session.terminating"]
    assert said[1]["error"] == {"code": "bad", "message": "no"}


# Responses.


def test_a_response_is_started_told_and_completed() -> None:
    said = say(
        Server(),
        events.ResponseCreated(response_id="r1"),
        events.AudioDelta(**WHERE, delta=b"\0\0\1\0"),
        events.AudioTranscriptDelta(**WHERE, delta="Hi"),
        events.AudioDone(**WHERE),
        events.AudioTranscriptDone(**WHERE, transcript="Hi"),
        events.ResponseDone(response_id="r1", status="completed"),
    )

    assert said == [
        a("response.started"),
        a("audio.delta", audio="AAABAA=="),
        a("text.delta", delta="Hi"),
        a("response.completed"),
    ]


def test_text_is_told_like_a_transcript() -> None:
    said = say(
        Server(), events.TextDelta(**WHERE, delta="Hi"), events.TextDone(**WHERE, text="Hi there")
    )

    assert said == [a("text.delta", delta="Hi")]


@pytest.mark.parametrize(
    "whole",
    [
        events.AudioTranscriptDone(**WHERE, transcript="Hi"),
        events.TextDone(**WHERE, text="Hi"),
    ],
)
def test_words_that_come_only_as_a_whole_are_told_once(whole: events.ServerEvent) -> None:
    assert say(Server(), whole, whole) == [a("text.delta", delta="Hi")]


@pytest.mark.parametrize(
    "nothing",
    [
        events.AudioTranscriptDone(**WHERE),
        events.TextDone(**WHERE, text=""),
        events.OutputItemAdded(**WHERE),
        events.AudioCommitted(),
        events.TranscriptFragment(speaker="user", delta="Hi", start=0, end=1),
    ],
)
def test_what_has_no_message_says_nothing(nothing: events.ServerEvent) -> None:
    assert say(Server(), nothing) == []


def test_a_continuous_model_is_heard_too() -> None:
    said = say(
        Server(),
        events.AudioChunk(delta=b"\0\0"),
        events.TranscriptFragment(speaker="assistant", delta="Hi", start=0, end=1),
    )

    assert said == [a("audio.delta", audio="AAA="), a("text.delta", delta="Hi")]


def test_why_a_response_failed_is_told_before_its_end() -> None:
    error = events.ErrorDetail(message="too many", code="rate_limit")

    said = say(Server(), events.ResponseDone(response_id="r1", status="failed", error=error))

    assert said == [
        a("error", message="too many", error={"code": "rate_limit", "message": "too many"}),
        a("response.completed"),
    ]


def test_the_user_is_heard_and_understood() -> None:
    said = say(
        Server(),
        events.SpeechStarted(item_id="u1", audio_start=5),
        events.SpeechStopped(item_id="u1", audio_end=9),
        events.InputTranscriptionCompleted(item_id="u1", transcript="Hello"),
    )

    assert said == [
        a("speech.started"),
        a("speech.stopped"),
        a("transcript.committed", transcript="Hello"),
    ]


def test_an_interruption_is_told_once() -> None:
    server = Server()
    interrupted = events.ResponseInterrupted(response_id="r1")
    speech = events.AudioDelta(**WHERE, delta=b"\0\0")

    said = say(server, speech, events.SpeechStarted(), interrupted, interrupted)
    again = say(server, speech, interrupted)
    anew = say(server, events.ResponseCreated(response_id="r2"), interrupted)

    assert [m["type"] for m in said] == ["audio.delta", "speech.started"]
    assert [m["type"] for m in again] == ["audio.delta", "speech.started"]
    assert [m["type"] for m in anew] == ["response.started", "speech.started"]


def test_a_call_has_its_arguments_as_text() -> None:
    assert say(Server(), CALL) == [
        a(
            "tool.call",
            tool_call_id="c1",
            tool_name="get_weather",
            tool_arguments='{"city":"Oslo"}',
        )
    ]


# What clients say.


def test_commands_are_heard() -> None:
    said = hear(
        Server(),
        a("audio.append", audio="AAABAA=="),
        a("audio.commit"),
        a("audio.clear"),
        a("text.input", text="hello"),
        a("response.create"),
        a("response.cancel"),
        a("session.update", config={"tools": []}),
    )

    assert said == [
        events.InputAudioAppend(audio=b"\0\0\1\0"),
        events.InputAudioCommit(),
        events.InputAudioClear(),
        events.ConversationItemCreate(item=text_message("hello")),
        events.ResponseCreate(),
        events.ResponseCancel(),
        events.SessionUpdate(config=SessionConfig(tools=())),
    ]


@pytest.mark.parametrize(
    ("url", "part"),
    [
        (
            "data:image/png;base64,iVBORw0KGgo=",
            ImagePart(data=b"\x89PNG\r\n\x1a\n", media_type="image/png", detail="low"),
        ),
        ("data:;base64,AAA=", ImagePart(data=b"\0\0", detail="low")),
        ("https://example.com/cat.png", ImagePart(url="https://example.com/cat.png", detail="low")),
        ("data:text/plain,hi", ImagePart(url="data:text/plain,hi", detail="low")),
    ],
)
def test_a_picture_is_seen(url: str, part: ImagePart) -> None:
    assert hear(Server(), a("image.input", image_url=url, image_detail="low")) == [
        events.ConversationItemCreate(item=Message(role="user", content=(part,)))
    ]


def test_words_that_come_with_a_picture_are_heard_after_it() -> None:
    said = hear(Server(), a("image.input", image_url="data:;base64,", text="Look."))

    assert said[1:] == [events.ConversationItemCreate(item=text_message("Look."))]


@pytest.mark.parametrize(
    ("value", "text", "failed"),
    [
        ({"temp_c": 3}, '{"temp_c":3}', False),
        ("three", "three", False),
        (3, "3", False),
        (None, "null", False),
        ({"error": "timeout"}, "timeout", True),
        ({"error": {"code": 1}}, '{"code":1}', True),
        ({"error": "timeout", "code": 1}, '{"error":"timeout","code":1}', True),
        ({"error": None, "temp_c": 3}, '{"error":null,"temp_c":3}', False),
        ({"error": "", "temp_c": 3}, '{"error":"","temp_c":3}', False),
        ({"error": False}, '{"error":false}', False),
    ],
)
def test_a_result_is_any_json_and_an_error_in_it_a_failure(
    value: object, text: str, failed: bool
) -> None:
    message = json.dumps(result("c1", value), separators=(",", ":"))

    assert list(Server().decode(message)) == [
        events.ConversationItemCreate(
            item=FunctionCallOutput(call_id="c1", output=text, failed=failed)
        )
    ]


def test_unknown_messages_are_carried_whole_and_own_words_written_back() -> None:
    server = Server()
    message = '{"type":"new.thing","x":1}'

    [heard] = server.decode(message, at=3)

    assert isinstance(heard, events.Custom)
    assert (heard.raw_type, heard.dialect, heard.at) == ("new.thing", "opper", 3)
    assert list(server.encode(heard)) == [message]
    assert say(server, msgspec.structs.replace(heard, dialect="xai")) == []


# Who asks for the answer to a tool's result.


def test_with_the_last_result_that_is_waited_for_a_response_is_asked_for() -> None:
    server = Server()
    say(server, CALL, OTHER_CALL)

    assert hear(server, result("c2")) == [output("c2")]
    assert hear(server, result("c1")) == [output("c1"), events.ResponseCreate()]
    assert hear(server, result("c1")) == [output("c1")]


def test_a_result_that_nobody_waits_for_is_not_answered() -> None:
    server = Server()
    say(server, msgspec.structs.replace(CALL, expects_output=False))

    assert hear(server, result("c1")) == [output("c1")]
    assert hear(server, result("c7")) == [output("c7", None)]


@pytest.mark.parametrize(
    "ended",
    [
        events.ResponseDone(response_id="r1", status="cancelled"),
        events.FunctionCallCancelled(call_ids=("c1", "c9")),
    ],
)
def test_after_an_interruption_results_are_not_answered(ended: events.ServerEvent) -> None:
    server = Server()
    say(server, CALL, ended)

    assert hear(server, result("c1")) == [output("c1")]


def test_calls_of_another_response_outlive_a_cancelled_one() -> None:
    server = Server()
    say(server, CALL, events.ResponseDone(response_id="r0", status="cancelled"))

    assert hear(server, result("c1"))[1:] == [events.ResponseCreate()]


def test_a_client_that_asks_for_the_answer_too_is_not_answered_twice() -> None:
    server = Server()
    say(server, CALL)
    hear(server, result("c1"))

    assert hear(server, a("response.create")) == []
    assert hear(server, a("response.create")) == [events.ResponseCreate()]


def test_it_may_ask_once_the_response_of_the_call_is_over_or_the_answer_has_begun() -> None:
    server = Server()
    say(server, CALL)
    hear(server, result("c1"))

    say(
        server,
        events.ResponseDone(response_id="r1", status="completed"),
        events.ResponseCreated(response_id="r2"),
    )

    assert hear(server, a("response.create")) == []


def test_a_response_asked_for_after_the_answer_is_another() -> None:
    server = Server()
    say(server, CALL)
    hear(server, result("c1"))

    say(
        server,
        events.ResponseCreated(response_id="r2"),
        events.ResponseCreated(response_id="r3"),
        events.ResponseDone(response_id="r2", status="completed"),
    )

    assert hear(server, a("response.create")) == [events.ResponseCreate()]


@pytest.mark.parametrize(
    "more",
    [
        a("text.input", text="and?"),
        a("audio.commit"),
        a("image.input", image_url="data:;base64,"),
    ],
)
def test_a_response_asked_for_after_more_was_said_is_another(more: dict[str, Any]) -> None:
    server = Server()
    say(server, CALL)

    assert hear(server, result("c1"), more, a("response.create"))[-1] == events.ResponseCreate()


def test_a_response_asked_for_after_the_user_spoke_is_another() -> None:
    server = Server()
    say(server, CALL)
    hear(server, result("c1"))

    say(server, events.SpeechStarted())

    assert hear(server, a("response.create")) == [events.ResponseCreate()]


def test_calls_are_not_remembered_without_end() -> None:
    server = Server()

    for number in range(1000):
        say(server, msgspec.structs.replace(CALL, call_id=f"c{number}"))

    assert hear(server, result("c0")) == [output("c0", None)]


def test_text_that_utf8_cannot_carry_is_a_wire_error_and_forgets_the_call() -> None:
    server = Server()

    with pytest.raises(WireError):
        say(server, msgspec.structs.replace(CALL, arguments="\ud800"))

    assert hear(server, result("c1")) == [output("c1", None)]
