"""What an agent hears and says, whatever model is behind it."""

import json
from typing import Any

import msgspec
import pytest

from antiphon.codecs import events
from antiphon.codecs.cartesia import Client, Server
from antiphon.codecs.config import AudioFormat, SessionConfig
from antiphon.codecs.items import FunctionCallOutput
from antiphon.codecs.wire import WireError

SECOND = 1_000_000
SPEECH = bytes(2 * 24_000)  # a second of it


def said(*spoken: events.ServerEvent, server: Server | None = None) -> list[dict[str, Any]]:
    server = server or Server()
    return [json.loads(message) for event in spoken for message in server.encode(event)]


def heard(*messages: object, server: Server | None = None) -> list[events.ClientEvent]:
    server = server or Server()
    return [event for message in messages for event in server.decode(json.dumps(message))]


def kinds(messages: list[dict[str, Any]]) -> list[tuple[str, int | None]]:
    return [(message["type"], message.get("turn")) for message in messages]


def speech(response_id: str, at: int = 0) -> events.AudioDelta:
    return events.AudioDelta(response_id=response_id, item_id="i", delta=SPEECH, at=at)


def done(response_id: str, at: int = 0, status: str = "completed") -> events.ResponseDone:
    return events.ResponseDone(response_id=response_id, status=status, at=at)


def call(
    call_id: str, response_id: str = "r", *, arguments: str = "{}", expects_output: bool = True
) -> events.FunctionCallArgumentsDone:
    return events.FunctionCallArgumentsDone(
        response_id=response_id,
        item_id=call_id,
        call_id=call_id,
        name="f",
        arguments=arguments,
        expects_output=expects_output,
    )


def result(call_id: str, output: object = "ok") -> dict[str, Any]:
    return {"type": "client_tool_result", "tool_call_id": call_id, "result": output}


def test_turns_of_both_sides_are_counted_together_and_timed_in_seconds() -> None:
    messages = said(
        events.ResponseCreated(response_id="r", at=SECOND // 2),
        events.AudioTranscriptDelta(response_id="r", item_id="i", delta="Hel"),
        events.AudioTranscriptDelta(response_id="r", item_id="i", delta="lo"),
        done("r", at=2 * SECOND),
        events.SpeechStarted(item_id="u", at=3 * SECOND),
        events.SpeechStopped(item_id="u", at=4 * SECOND),
        events.InputTranscriptionCompleted(item_id="u", transcript="Hi", at=5 * SECOND),
    )

    assert messages == [
        {"type": "turn_started", "turn": 1, "role": "assistant", "start_time": 0.5},
        {"type": "turn_output_text_delta", "turn": 1, "role": "assistant", "text": "Hel"},
        {"type": "turn_output_text_delta", "turn": 1, "role": "assistant", "text": "lo"},
        {
            "type": "turn_ended",
            "turn": 1,
            "role": "assistant",
            "text": "Hello",
            "interrupted": False,
            "start_time": 0.5,
            "end_time": 2.0,
            "tool_calls": [],
        },
        {"type": "turn_started", "turn": 2, "role": "user", "start_time": 3.0},
        {
            "type": "turn_ended",
            "turn": 2,
            "role": "user",
            "text": "Hi",
            "interrupted": False,
            "start_time": 3.0,
            "end_time": 4.0,
            "tool_calls": [],
        },
    ]


def test_speech_begins_a_turn_that_was_not_announced() -> None:
    assert kinds(said(speech("r"), speech("r"))) == [
        ("turn_started", 1),
        ("audio_output", None),
        ("audio_output", None),
    ]


def test_the_words_of_a_turn_are_those_that_were_confirmed() -> None:
    [*_, ended] = said(
        events.AudioTranscriptDelta(response_id="r", item_id="i", delta="Twenty"),
        events.AudioTranscriptDone(response_id="r", item_id="i", transcript="20"),
        events.AudioTranscriptDone(response_id="r", item_id="i", transcript=None),
        events.TextDelta(response_id="r", item_id="j", delta=" degrees"),
        events.TextDone(response_id="r", item_id="k", text="."),
        done("r"),
    )

    assert ended["text"] == "20 degrees."


def test_a_response_ends_once() -> None:
    assert kinds(said(done("r"), done("r"), speech("r"))) == [
        ("turn_started", 1),
        ("turn_ended", 1),
        ("audio_output", None),
    ]


def test_speech_that_may_still_be_heard_is_cleared_when_the_user_speaks_and_only_once() -> None:
    messages = said(
        speech("r"),
        done("r"),  # sent much faster than it is heard
        events.SpeechStarted(item_id="u", at=SECOND - 1),
        events.ResponseInterrupted(response_id="r"),
        events.ResponseInterrupted(response_id="r"),
        speech("s", at=2 * SECOND),
        events.SpeechStarted(item_id="v", at=3 * SECOND),
    )

    assert [kind for kind, _ in kinds(messages)] == [
        "turn_started",
        "audio_output",
        "turn_ended",
        "audio_output_clear",
        "turn_started",
        "turn_started",
        "audio_output",
        "turn_ended",
        "turn_started",
    ]


def test_how_long_speech_is_heard_is_counted_from_when_it_was_sent_or_cleared() -> None:
    def cleared(*spoken: events.ServerEvent) -> int:
        return [kind for kind, _ in kinds(said(*spoken))].count("audio_output_clear")

    waited = speech("r"), speech("s", at=5 * SECOND)
    anew = speech("r"), events.ResponseInterrupted(), speech("s", at=SECOND // 2)

    assert cleared(*waited, events.SpeechStarted(at=6 * SECOND - 1)) == 1
    assert cleared(*waited, events.SpeechStarted(at=6 * SECOND)) == 0
    assert cleared(*anew, events.SpeechStarted(at=SECOND * 3 // 2 - 1)) == 2
    assert cleared(*anew, events.SpeechStarted(at=SECOND * 3 // 2)) == 1
    assert cleared(speech("r"), events.SpeechStarted(), events.SpeechStarted()) == 1


def test_an_interrupted_response_is_cleared_and_ends_interrupted() -> None:
    messages = said(speech("r"), done("r", at=SECOND // 2, status="cancelled"))

    assert [kind for kind, _ in kinds(messages)][2:] == ["audio_output_clear", "turn_ended"]
    assert messages[-1]["interrupted"] is True


def test_a_cancelled_response_that_was_heard_to_its_end_is_not_cleared() -> None:
    messages = said(speech("r"), done("r", at=SECOND, status="cancelled"))

    assert [kind for kind, _ in kinds(messages)][2:] == ["turn_ended"]


def test_a_failed_response_says_why_before_it_ends() -> None:
    failed = events.ResponseDone(
        response_id="r",
        status="failed",
        error=events.ErrorDetail(message="m", code="c"),
    )

    [_, error, ended] = said(failed)

    assert error == {"type": "error", "code": "c", "message": "m", "fatal": False}
    assert ended["interrupted"] is False


def test_words_that_come_after_the_answer_began_end_the_turn_they_belong_to() -> None:
    messages = said(
        events.SpeechStarted(item_id="u"),
        events.SpeechStopped(item_id="u"),
        events.ResponseCreated(response_id="r"),
        events.InputTranscriptionDelta(item_id="u", delta="Hi"),
        events.InputTranscriptionCompleted(item_id="u", transcript="Hi"),
    )

    assert kinds(messages) == [
        ("turn_started", 1),
        ("turn_started", 2),
        ("turn_output_text_delta", 1),
        ("turn_ended", 1),
    ]


def test_a_turn_without_words_ends_when_the_next_begins_or_they_fail() -> None:
    failure = events.ErrorDetail(message="inaudible")

    messages = said(
        events.SpeechStarted(item_id="u"),
        events.InputTranscriptionDelta(item_id="u", delta="Er"),
        events.SpeechStarted(item_id="v", at=SECOND),
        events.InputTranscriptionFailed(item_id="v", error=failure),
    )

    assert kinds(messages) == [
        ("turn_started", 1),
        ("turn_output_text_delta", 1),
        ("turn_ended", 1),
        ("turn_started", 2),
        ("turn_ended", 2),
    ]
    assert (messages[2]["text"], messages[4]["text"]) == ("Er", "")


def test_a_turn_without_a_name_is_that_of_the_words_that_follow() -> None:
    messages = said(
        events.SpeechStopped(),
        events.SpeechStarted(),
        events.InputTranscriptionCompleted(item_id="u", transcript="Hi"),
        events.SpeechStarted(),
        events.InputTranscriptionCompleted(item_id="v", transcript="Ho"),
        events.InputTranscriptionCompleted(item_id="w", transcript="typed"),
    )

    assert kinds(messages) == [
        ("turn_started", 1),
        ("turn_ended", 1),
        ("turn_started", 2),
        ("turn_ended", 2),
        ("turn_ended", 3),
    ]


def test_a_turn_without_a_name_belongs_to_the_first_words_alone() -> None:
    messages = said(
        events.SpeechStarted(),
        events.InputTranscriptionDelta(item_id="u", delta="Hi"),
        events.InputTranscriptionCompleted(item_id="v", transcript="typed"),
        events.InputTranscriptionCompleted(item_id="u", transcript="Hi"),
    )

    assert [turn for _, turn in kinds(messages)] == [1, 1, 2, 1]


def test_words_of_another_item_are_another_turn() -> None:
    messages = said(
        events.SpeechStarted(item_id="u"),
        events.InputTranscriptionCompleted(item_id="x", transcript="late words of before"),
        events.InputTranscriptionCompleted(item_id="u", transcript="Hi"),
    )

    assert kinds(messages) == [("turn_started", 1), ("turn_ended", 2), ("turn_ended", 1)]


def test_numbers_in_names_are_kept_unless_they_run_backwards() -> None:
    messages = said(
        events.SpeechStarted(item_id="user_4"),
        events.ResponseCreated(response_id="turn_9"),
        events.ResponseCreated(response_id="turn_2"),
        events.ResponseCreated(response_id="turn_99999999999999999999"),
    )

    assert [turn for _, turn in kinds(messages)] == [4, 9, 10, 11]


def test_a_model_is_asked_to_go_on_once_all_its_calls_have_results() -> None:
    server = Server()
    said(call("a"), call("b"), call("c", expects_output=False), server=server)

    first = heard(result("b"), server=server)
    second = heard(result("a"), server=server)

    assert [type(event) for event in first] == [events.ConversationItemCreate]
    assert [type(event) for event in second] == [
        events.ConversationItemCreate,
        events.ResponseCreate,
    ]


def test_a_result_that_nobody_waits_for_asks_for_no_answer() -> None:
    server = Server()
    said(
        call("a", "r"),
        call("b", "s"),
        call("c", "s"),
        events.ResponseDone(response_id="r", status="cancelled"),
        events.FunctionCallCancelled(call_ids=("b", "z")),
        server=server,
    )

    said_back = heard(result("a"), result("b"), result("c"), result("z"), server=server)

    assert [type(event) for event in said_back] == [
        events.ConversationItemCreate,
        events.ConversationItemCreate,
        events.ConversationItemCreate,
        events.ResponseCreate,
        events.ConversationItemCreate,
        events.ResponseCreate,
    ]


@pytest.mark.parametrize(
    ("arguments", "parameters"),
    [
        ('{"city": "Oslo"}', {"city": "Oslo"}),
        ("", {}),
        ("5", {"arguments": "5"}),
        ('{"city": ', {"arguments": '{"city": '}),
        ('{"a":' + "[" * 5000, {"arguments": '{"a":' + "[" * 5000}),
    ],
    ids=range(5),
)
def test_parameters_are_an_object_and_lose_nothing(
    arguments: str, parameters: dict[str, Any]
) -> None:
    [_, message] = said(call("a", arguments=arguments))

    assert message == {
        "type": "client_tool_call",
        "tool_call_id": "a",
        "tool_name": "f",
        "parameters": parameters,
        "expects_response": True,
    }


@pytest.mark.parametrize(
    ("given", "output"),
    [("sunny", "sunny"), ({"sun": True}, '{"sun":true}'), (None, "null"), (5, "5")],
)
def test_a_result_of_any_kind_is_heard(given: object, output: str) -> None:
    [item, _] = heard({**result("a", given), "is_error": True})

    assert item == events.ConversationItemCreate(
        item=FunctionCallOutput(call_id="a", output=output, failed=True)
    )


def test_the_session_is_ready_once_and_as_it_was_asked_for() -> None:
    server = Server("agent_1")
    [update] = heard(
        {
            "type": "session_create",
            "audio": {"input_format": "mulaw_8000", "output_delivery": "as_available"},
            "dynamic_variables": {"name": "Ada"},
        },
        server=server,
    )
    pcm = AudioFormat(type="audio/pcm", rate=24_000)

    messages = said(
        events.SessionCreated(session_id="s", config=SessionConfig(input_audio_format=pcm)),
        events.SessionUpdated(),
        events.SessionStarted(session_id="t"),
        server=server,
    )

    mulaw = AudioFormat(type="audio/pcmu", rate=8_000)
    assert update == events.SessionUpdate(
        config=SessionConfig(
            model="agent_1",
            input_audio_format=mulaw,
            output_audio_format=mulaw,
            provider_options={
                "output_delivery": "as_available",
                "dynamic_variables": {"name": "Ada"},
            },
        )
    )
    assert messages == [
        {
            "type": "session_ready",
            "call_id": "s",
            "agent_id": "agent_1",
            "agent_version_id": "version_1",
            "audio": {"input_format": "mulaw_8000", "output_delivery": "as_available"},
        }
    ]
    assert (server.input_rate, server.output_rate) == (8_000, 8_000)


@pytest.mark.parametrize(
    ("config", "name", "rate"),
    [
        (SessionConfig(), "pcm_24000", 24_000),
        (
            SessionConfig(output_audio_format=AudioFormat(type="audio/pcm", rate=16_000)),
            "pcm_16000",
            16_000,
        ),
        (SessionConfig(input_audio_format=AudioFormat(type="audio/opus")), "pcm_24000", 24_000),
    ],
    ids=str,
)
def test_who_was_asked_for_nothing_says_what_it_has(
    config: SessionConfig, name: str, rate: int
) -> None:
    server = Server()

    [ready] = said(events.SessionCreated(config=config), server=server)

    assert ready["audio"] == {"input_format": name, "output_delivery": "speaking_pace"}
    assert (ready["call_id"], ready["agent_id"]) == ("call_1", "agent_1")
    assert server.output_rate == rate


def test_formats_that_are_not_documented_are_understood() -> None:
    server = Server()

    heard({"type": "session_create", "audio": {"input_format": "pcm_48000"}}, server=server)

    assert server.input_rate == 48_000
    assert heard({"type": "session_create"}) == [
        events.SessionUpdate(
            config=SessionConfig(
                input_audio_format=AudioFormat(type="audio/pcm", rate=24_000),
                output_audio_format=AudioFormat(type="audio/pcm", rate=24_000),
            )
        )
    ]


def test_errors_and_keys_are_said() -> None:
    assert said(events.Error(message="m", fatal=True), events.OutputDtmf(digit="1")) == [
        {"type": "error", "code": "error", "message": "m", "fatal": True},
        {"type": "dtmf_output", "digit": "1"},
    ]


@pytest.mark.parametrize(
    "event",
    [
        events.AudioDone(response_id="r", item_id="i"),
        events.FunctionCallArgumentsDelta(response_id="r", item_id="i", call_id="c", delta="{"),
        events.OutputItemAdded(response_id="r", item_id="i"),
        events.SpeechStopped(),
        events.Custom(raw_type="x", raw=msgspec.Raw(b"{}"), dialect="opper"),
    ],
    ids=str,
)
def test_what_the_wire_has_no_word_for_is_not_said(event: events.ServerEvent) -> None:
    assert said(event) == []


def test_a_result_that_json_cannot_say_again_is_a_wire_error() -> None:
    with pytest.raises(WireError):
        list(Server().encode(call("a", arguments="\ud800")))


@pytest.mark.parametrize("command", ["finalize", "close"])
def test_plain_commands_are_carried_as_they_are(command: str) -> None:
    [event] = Server().decode(command)

    assert event == events.Custom(
        dialect="cartesia", raw_type=command, raw=msgspec.Raw(f'"{command}"'.encode())
    )
    assert isinstance(event, events.Custom)
    assert list(Client().encode(event)) == [command]


def test_half_a_sample_of_a_binary_frame_waits() -> None:
    server = Server()

    chunks = [event for frame in (b"abc", b"d") for event in server.decode(frame)]

    assert chunks == [events.InputAudioAppend(audio=b"ab"), events.InputAudioAppend(audio=b"cd")]


@pytest.mark.parametrize(
    ("message", "path"),
    [
        ("", "$"),
        ("stop", "$"),
        ('"finalize"', "$"),
        ("{}", "$"),
        ('{"type":"session_create","audio":5}', "$.audio"),
        ('{"type":"session_create","audio":{"input_format":"opus"}}', "$.audio.input_format"),
        ('{"type":"session_create","dynamic_variables":[]}', "$.dynamic_variables"),
        ('{"type":"audio_input","audio":"?"}', "$.audio"),
        ('{"type":"audio_input"}', "$"),
        ('{"type":"dtmf_input","digit":1}', "$.digit"),
        ('{"type":"client_tool_result"}', "$"),
        ('{"type":"client_tool_result","tool_call_id":"c","is_error":"no"}', "$.is_error"),
    ],
)
def test_a_malformed_message_is_a_wire_error_that_says_where(message: str, path: str) -> None:
    server = Server()

    with pytest.raises(WireError) as error:
        list(server.decode(message))

    assert error.value.path == path
    assert server.input_rate == 24_000


def test_a_turns_words_are_bounded() -> None:
    words = "x" * (1 << 19)
    delta = events.AudioTranscriptDelta(response_id="r", item_id="i", delta=words)

    [*_, ended] = said(*[delta] * 5, done("r"))

    assert len(ended["text"]) == 1 << 20
