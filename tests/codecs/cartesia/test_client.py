"""What a caller of an agent says and hears, turn by turn."""

import json
from typing import Any

import msgspec
import pytest

from antiphon.codecs import events
from antiphon.codecs.cartesia import Client
from antiphon.codecs.config import AudioFormat, SessionConfig, TurnDetection
from antiphon.codecs.items import FunctionCallOutput, text_message
from antiphon.codecs.wire import Unsayable, WireError

AUDIO = {"type": "audio_output", "audio": "AAECAw=="}
CLEAR = {"type": "audio_output_clear"}


def started(turn: int, role: str = "assistant") -> dict[str, Any]:
    return {"type": "turn_started", "turn": turn, "role": role, "start_time": 1.5}


def words(turn: int, text: str, role: str = "assistant") -> dict[str, Any]:
    return {"type": "turn_output_text_delta", "turn": turn, "role": role, "text": text}


def ended(turn: int, text: str = "", role: str = "assistant", **more: object) -> dict[str, Any]:
    return {"type": "turn_ended", "turn": turn, "role": role, "text": text, **more}


def call(call_id: str = "c", **more: object) -> dict[str, Any]:
    return {"type": "client_tool_call", "tool_call_id": call_id, "tool_name": "f", **more}


def heard(*messages: object, client: Client | None = None) -> list[events.ServerEvent]:
    client = client or Client()
    return [event for message in messages for event in client.decode(json.dumps(message))]


def said(*spoken: events.ClientEvent, client: Client | None = None) -> list[dict[str, Any]]:
    client = client or Client()
    return [json.loads(message) for event in spoken for message in client.encode(event)]


def test_a_turn_of_the_agent_is_a_response_with_one_item() -> None:
    assert heard(started(3), words(3, "It is "), AUDIO, ended(3, "It is three")) == [
        events.ResponseCreated(response_id="turn_3"),
        events.AudioTranscriptDelta(response_id="turn_3", item_id="assistant_3", delta="It is "),
        events.AudioDelta(response_id="turn_3", item_id="assistant_3", delta=b"\0\1\2\3"),
        events.AudioDone(response_id="turn_3", item_id="assistant_3"),
        events.AudioTranscriptDone(
            response_id="turn_3", item_id="assistant_3", transcript="It is three"
        ),
        events.ResponseDone(response_id="turn_3", status="completed"),
    ]


def test_a_turn_of_the_user_is_speech_and_then_its_words() -> None:
    assert heard(started(2, "user"), words(2, "We", "user"), ended(2, "Weather?", "user")) == [
        events.SpeechStarted(item_id="user_2"),
        events.InputTranscriptionDelta(item_id="user_2", delta="We"),
        events.SpeechStopped(item_id="user_2"),
        events.InputTranscriptionCompleted(item_id="user_2", transcript="Weather?"),
    ]


def test_an_interrupted_response_ends_cancelled_once_its_turn_does() -> None:
    assert heard(started(3), AUDIO, started(4, "user"), CLEAR, ended(3, "It", interrupted=True))[
        2:
    ] == [
        events.SpeechStarted(item_id="user_4"),
        events.ResponseInterrupted(response_id="turn_3", item_id="assistant_3"),
        events.AudioDone(response_id="turn_3", item_id="assistant_3"),
        events.AudioTranscriptDone(response_id="turn_3", item_id="assistant_3", transcript="It"),
        events.ResponseDone(response_id="turn_3", status="cancelled", reason="turn_detected"),
    ]


def test_a_clearance_between_responses_names_none() -> None:
    assert heard(CLEAR) == [events.ResponseInterrupted()]
    assert heard(started(1), ended(1), CLEAR)[-1] == events.ResponseInterrupted()


def test_speech_before_its_turn_belongs_to_the_turn_that_is_announced_next() -> None:
    assert heard(started(2, "user"), AUDIO, started(7), AUDIO, ended(7, "x"))[1:] == [
        events.ResponseCreated(response_id="turn_3"),
        events.AudioDelta(response_id="turn_3", item_id="assistant_3", delta=b"\0\1\2\3"),
        events.AudioDelta(response_id="turn_3", item_id="assistant_3", delta=b"\0\1\2\3"),
        events.AudioDone(response_id="turn_3", item_id="assistant_3"),
        events.AudioTranscriptDone(response_id="turn_3", item_id="assistant_3", transcript="x"),
        events.ResponseDone(response_id="turn_3", status="completed"),
    ]


def test_a_turn_begins_once_and_ends_once() -> None:
    said = heard(started(1), started(1), ended(1), ended(1), started(1))

    assert [type(event) for event in said] == [events.ResponseCreated, events.ResponseDone]


def test_a_turn_that_was_never_announced_begins_with_its_words_or_its_end() -> None:
    assert heard(words(5, "a"))[0] == events.ResponseCreated(response_id="turn_5")
    assert heard(ended(5))[0] == events.ResponseCreated(response_id="turn_5")


def test_words_that_come_late_belong_to_the_response_that_is_over() -> None:
    [delta] = heard(started(1), AUDIO, ended(1), words(1, "late"))[4:]

    assert delta == events.AudioTranscriptDelta(
        response_id="turn_1", item_id="assistant_1", delta="late"
    )


def test_half_a_sample_is_not_carried_into_the_next_turn() -> None:
    odd = {"type": "audio_output", "audio": "AAEC"}

    messages = heard(odd, odd, odd, ended(1), AUDIO)

    assert [event.delta for event in messages if isinstance(event, events.AudioDelta)] == [
        b"\0\1",
        b"\2\0\1\2",
        b"\0\1",
        b"\0\1\2\3",
    ]


def test_a_message_that_is_no_text_is_not_passed_on() -> None:
    noise = events.Custom(dialect="cartesia", raw_type="new", raw=msgspec.Raw(b"\xff"))

    with pytest.raises(WireError):
        said(noise)


def test_a_tool_call_is_part_of_the_agents_turn() -> None:
    assert heard(started(3), call(parameters={"city": "Oslo"}))[1:] == [
        events.FunctionCallArgumentsDelta(
            response_id="turn_3", item_id="c", call_id="c", delta='{"city": "Oslo"}'
        ),
        events.FunctionCallArgumentsDone(
            response_id="turn_3", item_id="c", call_id="c", name="f", arguments='{"city": "Oslo"}'
        ),
    ]


def test_a_tool_call_before_the_turn_begins_it() -> None:
    said = heard(started(2, "user"), ended(2, "?", "user"), call(), started(3), ended(3, "Ok"))

    assert [getattr(event, "response_id", None) for event in said[3:]] == ["turn_3"] * 5
    assert isinstance(said[3], events.ResponseCreated)
    assert isinstance(said[-1], events.ResponseDone)


@pytest.mark.parametrize(
    ("more", "arguments", "expects"),
    [
        ({}, "{}", True),
        ({"parameters": None, "expects_response": None}, "{}", True),
        ({"parameters": "finalize", "expects_response": False}, '"finalize"', False),
    ],
)
def test_a_call_may_lack_parameters_and_expect_no_response(
    more: dict[str, Any], arguments: str, expects: bool
) -> None:
    *_, done = heard(call(**more))

    assert isinstance(done, events.FunctionCallArgumentsDone)
    assert (done.arguments, done.expects_output) == (arguments, expects)


def test_the_session_settles_rates_by_what_the_server_says() -> None:
    client = Client("agent_1")
    before = client.input_rate, client.output_rate
    [ready] = heard(
        {
            "type": "session_ready",
            "call_id": "ac_1",
            "agent_version_id": "av_1",
            "audio": {"input_format": "mulaw_8000", "output_delivery": "speaking_pace"},
        },
        client=client,
    )

    spoken = AudioFormat(type="audio/pcmu", rate=8_000)
    assert before == (24_000, 24_000)
    assert (client.input_rate, client.output_rate) == (8_000, 8_000)
    assert ready == events.SessionCreated(
        session_id="ac_1",
        config=SessionConfig(
            model="agent_1",
            input_audio_format=spoken,
            output_audio_format=spoken,
            provider_options={"agent_version_id": "av_1"},
        ),
    )


def test_a_session_that_says_nothing_is_as_it_was_asked_for() -> None:
    client = Client()
    said(
        events.SessionUpdate(
            config=SessionConfig(input_audio_format=AudioFormat(type="audio/pcm", rate=44_100))
        ),
        client=client,
    )

    assert heard({"type": "session_ready"}, client=client) == [
        events.SessionCreated(config=SessionConfig())
    ]
    assert client.output_rate == 44_100


def test_errors_and_keys_are_heard() -> None:
    assert heard(
        {"type": "error", "code": "c", "message": "m", "fatal": True},
        {"type": "error"},
        {"type": "dtmf_output", "digit": "#"},
    ) == [
        events.Error(message="m", code="c", fatal=True),
        events.Error(message=""),
        events.OutputDtmf(digit="#"),
    ]


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ({"type": "error", "message": "m", "request_id": "r"}, "error"),
        ({"type": "error", "code": 400, "status_code": 400}, "error"),
        ({"event": "media_output", "media": {}}, "media_output"),
        ({"context_id": "c", "cancel": True}, "cancel"),
        ({"transcript": "Hi"}, "generation"),
        ({"type": "turn.end", "transcript": "Hi"}, "turn.end"),
    ],
)
def test_messages_of_other_surfaces_are_carried_whole(message: dict[str, Any], kind: str) -> None:
    raw = json.dumps(message)

    assert heard(message) == [
        events.Custom(dialect="cartesia", raw_type=kind, raw=msgspec.Raw(raw.encode()))
    ]


@pytest.mark.parametrize(
    ("message", "path"),
    [
        ("", "$"),
        ("finalize", "$"),
        ("null", "$"),
        ("[]", "$"),
        ("{}", "$"),
        ('{"type":1}', "$.type"),
        ('{"event":1}', "$"),
        ('{"type":"audio_output"}', "$"),
        ('{"type":"audio_output","audio":"?"}', "$.audio"),
        ('{"type":"audio_output","audio":1}', "$.audio"),
        ('{"type":"session_ready","call_id":1}', "$.call_id"),
        ('{"type":"session_ready","audio":{"input_format":"opus"}}', "$.audio.input_format"),
        ('{"type":"session_ready","audio":{"input_format":"pcm_0000"}}', "$.audio.input_format"),
        ('{"type":"session_ready","audio":{"input_format":"pcm_999999"}}', "$.audio.input_format"),
        ('{"type":"client_tool_call","tool_call_id":"c"}', "$"),
        ('{"type":"turn_started","turn":-1,"role":"user"}', "$.turn"),
        ('{"type":"turn_started","turn":1e80,"role":"user"}', "$.turn"),
        ('{"type":"turn_output_text_delta","turn":1,"role":"user","text":null}', "$.text"),
        ('{"type":"turn_ended","turn":"1","role":"user"}', "$.turn"),
        ('{"type":"turn_ended","turn":1,"role":"user","tool_calls":{}}', "$.tool_calls"),
        ('{"type":"error","fatal":1}', "$.fatal"),
        ('{"type":"dtmf_output","digit":5}', "$.digit"),
    ],
)
def test_a_malformed_message_is_a_wire_error_that_says_where(message: str, path: str) -> None:
    with pytest.raises(WireError) as error:
        list(Client().decode(message))

    assert error.value.path == path


def test_a_malformed_message_changes_nothing() -> None:
    client = Client()

    for bad in (
        {"type": "audio_output", "audio": "?"},
        {"type": "session_ready", "audio": {"input_format": "opus"}},
    ):
        with pytest.raises(WireError):
            heard(bad, client=client)

    assert client.output_rate == 24_000
    assert heard(AUDIO, client=client)[0] == events.ResponseCreated(response_id="turn_1")


def test_arguments_that_are_no_text_are_a_wire_error_and_begin_nothing() -> None:
    client = Client()
    message = b'{"type":"client_tool_call","tool_call_id":"c","tool_name":"f","parameters":"\xff"}'

    with pytest.raises(WireError):
        list(client.decode(message))

    assert heard(call(), client=client)[0] == events.ResponseCreated(response_id="turn_1")


def test_the_session_is_created_once() -> None:
    update = events.SessionUpdate(config=SessionConfig(instructions="said to the ticket"))

    assert said(update, update) == [
        {
            "type": "session_create",
            "audio": {"input_format": "pcm_24000", "output_delivery": "speaking_pace"},
        }
    ]


@pytest.mark.parametrize(
    "config",
    [
        SessionConfig(turn_detection=None),
        SessionConfig(turn_detection=TurnDetection(type="disabled")),
        SessionConfig(output_modalities=("text",)),
        SessionConfig(input_audio_format=AudioFormat(type="audio/pcm", rate=48_000)),
        SessionConfig(input_audio_format=AudioFormat(type="audio/pcma")),
        SessionConfig(
            input_audio_format=AudioFormat(type="audio/pcm", rate=16_000),
            output_audio_format=AudioFormat(type="audio/pcm", rate=24_000),
        ),
        SessionConfig(provider_options={"dynamic_variables": [1]}),
        SessionConfig(provider_options={"output_delivery": 1}),
    ],
    ids=str,
)
def test_what_the_agent_would_do_otherwise_is_refused(config: SessionConfig) -> None:
    client = Client()

    with pytest.raises(Unsayable):
        said(events.SessionUpdate(config=config), client=client)

    assert len(said(events.SessionUpdate(config=SessionConfig()), client=client)) == 1


def test_turn_detection_cannot_be_switched_off_later_either() -> None:
    with pytest.raises(Unsayable):
        said(
            events.SessionUpdate(config=SessionConfig()),
            events.SessionUpdate(config=SessionConfig(turn_detection=None)),
        )


@pytest.mark.parametrize(
    "event",
    [
        events.ConversationItemCreate(item=text_message("Hello")),
        events.ConversationItemCreate(item=text_message("Be kind", role="system")),
        events.InputAudioMute(),
        events.ContextAppend(content="c", delegation_id=None),
        events.SessionStart(config=SessionConfig()),
    ],
    ids=str,
)
def test_what_would_be_lost_in_silence_is_refused(event: events.ClientEvent) -> None:
    with pytest.raises(Unsayable):
        said(event)


@pytest.mark.parametrize(
    "event",
    [
        events.ResponseCreate(),
        events.ResponseCancel(),
        events.InputAudioCommit(),
        events.InputAudioClear(),
        events.OutputAudioClear(),
        events.ConversationItemTruncate(item_id="assistant_1", audio_end=0),
        events.OutputPlaybackCleared(response_id="turn_1"),
        events.Custom(raw_type="x", raw=msgspec.Raw(b"{}"), dialect="openai"),
    ],
    ids=str,
)
def test_what_the_agent_decides_itself_is_not_said(event: events.ClientEvent) -> None:
    assert said(event) == []


def test_a_tools_result_is_text_and_says_whether_it_failed() -> None:
    outputs = (
        FunctionCallOutput(call_id="a", output='{"sun": true}', name="f"),
        FunctionCallOutput(call_id="b", output="timeout", failed=True),
    )

    assert said(*(events.ConversationItemCreate(item=item) for item in outputs)) == [
        {
            "type": "client_tool_result",
            "tool_call_id": "a",
            "result": '{"sun": true}',
            "is_error": False,
        },
        {
            "type": "client_tool_result",
            "tool_call_id": "b",
            "result": "timeout",
            "is_error": True,
        },
    ]
