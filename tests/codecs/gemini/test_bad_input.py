"""Whatever comes in, it is understood, passed on, or a WireError that says where."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.codecs.gemini import Client, Server
from antiphon.codecs.wire import WireError
from tests.codecs.strategies import json_values

End = type[Client] | type[Server]

BOTH: list[End] = [Client, Server]

ODD = [
    "",
    "null",
    "[]",
    "1",
    '"x"',
    "{",
    "\x00",
    '{"serverContent":',
    '{"a":"\\ud800"}',
    '{"serverContent":{"a_b":1e999}}',
    '{"server_content":' + "[" * 100_000,
    '{"server_content":' + "[" * 900 + "]" * 900 + "}",
    '{"clientContent":' + "[" * 100_000,
    '{"client_content":' + "[" * 900 + "]" * 900 + "}",
    '{"toolCall":{"functionCalls":[{"args":' + '{"a":' * 5000 + "1" + "}" * 5000 + "}]}}",
    '{"usageMetadata":{"promptTokenCount":' + "9" * 100 + "}}",
    '{"usageMetadata":{"promptTokenCount":' + "9" * 10_000 + "}}",
    b"\xff\xfe",
    b"{\xff}",
    b"_" * 1000,
    b"x" * 1000,
]


@pytest.mark.parametrize("end", BOTH)
@pytest.mark.parametrize("message", ODD, ids=range(len(ODD)))
def test_odd_messages_are_wire_errors_or_passed_on(end: End, message: str | bytes) -> None:
    try:
        assert list(end().decode(message)) is not None
    except WireError as error:
        assert error.dialect == "gemini"
        assert error.path.startswith("$")


@pytest.mark.parametrize("end", BOTH)
@given(message=st.text() | st.binary())
def test_noise_is_a_wire_error(end: End, message: str | bytes) -> None:
    with suppress(WireError):
        assert list(end().decode(message))


CLIENT_FIELDS = {
    "setup": [
        "model",
        "generationConfig",
        "systemInstruction",
        "tools",
        "realtimeInputConfig",
        "sessionResumption",
        "inputAudioTranscription",
    ],
    "realtimeInput": ["audio", "video", "text", "activityStart", "activityEnd", "mediaChunks"],
    "client_content": ["turns", "turnComplete", "turn_complete"],
    "toolResponse": ["functionResponses"],
    "contextUpdate": ["systemInstruction", "tools"],
}
SERVER_FIELDS = {
    "setupComplete": ["sessionId"],
    "serverContent": [
        "modelTurn",
        "outputTranscription",
        "inputTranscription",
        "interimInputTranscription",
        "turnComplete",
        "turnCompleteReason",
        "interrupted",
        "groundingMetadata",
        "interaction_status",
    ],
    "toolCall": ["functionCalls"],
    "tool_call_cancellation": ["ids"],
    "usageMetadata": ["promptTokenCount", "promptTokensDetails"],
    "goAway": ["timeLeft"],
    "sessionResumptionUpdate": ["newHandle", "resumable", "lastConsumedClientMessageIndex"],
    "voiceActivity": ["voiceActivityType", "audioOffset"],
    "voiceActivityDetectionSignal": ["vadSignalType"],
    "inputTranscription": ["text", "finished"],
}


def messages_of(fields: dict[str, list[str]]) -> st.SearchStrategy[str]:
    def with_values(name: str) -> st.SearchStrategy[dict[str, Any]]:
        known = {field: json_values for field in fields[name]}
        inner = st.fixed_dictionaries({}, optional=known) | json_values
        return inner.map(lambda value: {name: value})

    return st.sampled_from(sorted(fields)).flatmap(with_values).map(json.dumps)


@given(st.lists(messages_of(CLIENT_FIELDS), max_size=4))
def test_a_server_survives_any_value_in_any_field(messages: list[str]) -> None:
    server = Server()
    for message in messages:
        try:
            assert list(server.decode(message)) is not None
        except WireError as error:
            assert error.path.startswith("$")


@given(st.lists(messages_of(SERVER_FIELDS), max_size=4))
def test_a_client_survives_any_value_in_any_field(messages: list[str]) -> None:
    client = Client()
    for message in messages:
        try:
            assert list(client.decode(message)) is not None
        except WireError as error:
            assert error.path.startswith("$")


@pytest.mark.parametrize(
    ("message", "path"),
    [
        ('{"serverContent":5}', "$.serverContent"),
        ('{"server_content":5}', "$.serverContent"),
        (
            '{"serverContent":{"modelTurn":{"parts":[{"inlineData":{"data":"?"}}]}}}',
            "$.serverContent.modelTurn.parts[0].inlineData.data",
        ),
        (
            '{"serverContent":{"modelTurn":{"parts":[{"inlineData":'
            '{"mimeType":"audio/pcm;rate=24000","data":"' + "?" * 500 + '"}}]}}}',
            "$.serverContent.modelTurn.parts[0].inlineData.data",
        ),
        ('{"goAway":{"timeLeft":"soon"}}', "$.goAway.timeLeft"),
        ('{"goAway":{"timeLeft":"9999999999s"}}', "$.goAway.timeLeft"),
        ('{"goAway":{"timeLeft":60}}', "$.goAway.timeLeft"),
        ('{"voiceActivity":{"audioOffset":"1"}}', "$.voiceActivity.audioOffset"),
        (
            '{"sessionResumptionUpdate":{"lastConsumedClientMessageIndex":"x"}}',
            "$.sessionResumptionUpdate.lastConsumedClientMessageIndex",
        ),
        ('{"tool_call":{"function_calls":[{"args":[]}]}}', "$.toolCall.functionCalls[0].args"),
        ("[]", "$"),
        ("_", "$"),
    ],
)
def test_a_client_names_the_place_of_a_mistake(message: str, path: str) -> None:
    with pytest.raises(WireError) as error:
        Client().decode(message)

    assert error.value.path == path


@pytest.mark.parametrize(
    ("message", "path"),
    [
        ('{"realtimeInput":{"audio":{"data":"?"}}}', "$.realtimeInput.audio.data"),
        (
            '{"realtimeInput":{"audio":{"mimeType":"audio/pcm;rate=16000","data":"'
            + "?" * 500
            + '"}}}',
            "$.realtimeInput.audio.data",
        ),
        ('{"realtime_input":{"video":{"data":"?"}}}', "$.realtimeInput.video.data"),
        ('{"clientContent":{"turns":{}}}', "$.clientContent.turns"),
        (
            '{"toolResponse":{"functionResponses":[{"response":3}]}}',
            "$.toolResponse.functionResponses[0].response",
        ),
        ('{"contextUpdate":{"systemInstruction":"x"}}', "$.contextUpdate.systemInstruction"),
        (
            '{"contextUpdate":{"systemInstruction":{"parts":1}}}',
            "$.contextUpdate.systemInstruction.parts",
        ),
    ],
)
def test_a_server_names_the_place_of_a_mistake(message: str, path: str) -> None:
    with pytest.raises(WireError) as error:
        Server().decode(message)

    assert error.value.path == path


def test_long_speech_among_other_things_is_read_as_everything_is() -> None:
    data = "AAAA" * 200
    for message in (
        '{"realtimeInput":{"audio":{"data":"' + data + '"},"text":"x"}}',
        '{"somethingElse":"' + data + '"}',
    ):
        assert list(Server().decode(message))
        assert list(Client().decode(message))
    assert list(Server().decode("{" + " " * 500 + "}"))
