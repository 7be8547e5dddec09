"""How a client settles a conversation, what it can say in it, and what it hears."""

import json
from typing import Any

import msgspec
import pytest

from antiphon.codecs import events
from antiphon.codecs.config import (
    AudioFormat,
    SessionConfig,
    ToolDefinition,
    Transcription,
    TurnDetection,
)
from antiphon.codecs.elevenlabs import Client
from antiphon.codecs.elevenlabs.client import MOST_PONGS
from antiphon.codecs.items import (
    CustomItem,
    FunctionCall,
    FunctionCallOutput,
    ImagePart,
    Item,
    Message,
    TextPart,
    text_message,
)
from antiphon.codecs.usage import Usage
from antiphon.codecs.wire import Unsayable, WireError, to_base64


def said(client: Client, *spoken: events.ClientEvent) -> list[Any]:
    return [json.loads(message) for event in spoken for message in client.encode(event)]


def settled(config: SessionConfig) -> dict[str, Any]:
    [message] = said(Client("agent_1"), events.SessionUpdate(config=config))
    assert message.pop("type") == "conversation_initiation_client_data"
    return message


# The beginning.


def test_the_first_settings_are_said_in_the_agents_words() -> None:
    config = SessionConfig(
        model="agent_1",
        instructions="Be brief.",
        first_message="Hello!",
        output_language="pl",
        voice="v1",
        speed=1.1,
        output_modalities=("text",),
        input_audio_transcription=Transcription(keywords=("Oslo",)),
    )

    assert settled(config) == {
        "conversation_config_override": {
            "agent": {
                "prompt": {"prompt": "Be brief."},
                "first_message": "Hello!",
                "language": "pl",
            },
            "tts": {"voice_id": "v1", "speed": 1.1},
            "asr": {"keywords": ["Oslo"]},
            "conversation": {"text_only": True},
        }
    }


def test_nothing_is_said_of_what_is_not_chosen() -> None:
    tool = ToolDefinition(name="t", parameters={"type": "object"})

    assert settled(SessionConfig()) == {}
    assert settled(SessionConfig(output_modalities=("audio",), tools=(tool,))) == {}
    assert settled(SessionConfig(turn_detection=TurnDetection(type="server-vad"))) == {}


@pytest.mark.parametrize(
    ("config", "language"),
    [
        (SessionConfig(output_language="en-US"), "en"),
        (SessionConfig(output_language="pt-BR"), "pt-br"),
        (SessionConfig(output_language="pt_PT"), "pt"),
        (SessionConfig(input_languages=("de-CH", "fr")), "de"),
        (SessionConfig(input_audio_transcription=Transcription(language="sv")), "sv"),
    ],
)
def test_an_agent_has_one_language_and_few_regions(config: SessionConfig, language: str) -> None:
    assert settled(config)["conversation_config_override"]["agent"] == {"language": language}


def test_the_providers_own_options_are_laid_over_object_by_object() -> None:
    config = SessionConfig(
        instructions="Be brief.",
        voice="v1",
        provider_options={
            "type": "something_else",
            "user_id": "u",
            "dynamic_variables": {"name": "Ada"},
            "conversation_config_override": {
                "agent": {"prompt": {"llm": "small"}},
                "tts": {"voice_id": "v2", "stability": 0.5},
            },
        },
    )

    assert settled(config) == {
        "user_id": "u",
        "dynamic_variables": {"name": "Ada"},
        "conversation_config_override": {
            "agent": {"prompt": {"prompt": "Be brief.", "llm": "small"}},
            "tts": {"voice_id": "v2", "stability": 0.5},
        },
    }


def test_options_that_only_the_provider_can_read_decide_what_the_answers_are() -> None:
    client = Client()
    options = {"conversation_config_override": {"conversation": {"text_only": True}}}

    said(client, events.SessionUpdate(config=SessionConfig(provider_options=options)))

    event = {"agent_response": "Hi.", "event_id": 1}
    heard = client.decode(json.dumps({"type": "agent_response", "agent_response_event": event}))
    assert any(isinstance(one, events.TextDone) for one in heard)


@pytest.mark.parametrize("detection", [None, TurnDetection(type="disabled")])
def test_turn_detection_cannot_be_switched_off(detection: TurnDetection | None) -> None:
    with pytest.raises(Unsayable, match="detects turns"):
        said(Client(), events.SessionUpdate(config=SessionConfig(turn_detection=detection)))


def test_settings_cannot_be_changed_once_they_are_said() -> None:
    client = Client()
    said(client, events.SessionUpdate(config=SessionConfig(instructions="a", voice="v")))

    same = SessionConfig(instructions="a", tools=())
    assert said(client, events.SessionUpdate(config=same)) == []
    with pytest.raises(Unsayable, match="as it begins"):
        said(client, events.SessionUpdate(config=SessionConfig(instructions="b")))
    with pytest.raises(Unsayable, match="as it begins"):
        said(client, events.SessionUpdate(config=SessionConfig(speed=1.2)))
    assert said(client, events.SessionUpdate(config=SessionConfig(voice="v"))) == []


def test_settings_that_cannot_be_written_are_not_settled() -> None:
    client = Client()

    with pytest.raises(WireError):
        said(client, events.SessionUpdate(config=SessionConfig(provider_options={"a": "\ud800"})))

    assert said(client, events.SessionUpdate(config=SessionConfig())) != []


def test_a_continuous_session_is_refused() -> None:
    with pytest.raises(Unsayable, match="continuous"):
        said(Client(), events.SessionStart(config=SessionConfig()))


# What is said.


def test_typed_text_is_answered_without_a_further_word() -> None:
    typed = events.ConversationItemCreate(item=text_message("Hello?"))

    assert said(Client(), typed, events.ResponseCreate()) == [
        {"type": "user_message", "text": "Hello?"}
    ]


def test_what_the_system_says_is_told_in_passing() -> None:
    told = text_message("The cart has 2 items.", role="system")
    named = text_message("The cart has 3 items.", role="system", id="cart")

    assert said(
        Client(),
        events.ConversationItemCreate(item=told),
        events.ConversationItemCreate(item=named),
    ) == [
        {"type": "contextual_update", "text": "The cart has 2 items."},
        {"type": "contextual_update", "text": "The cart has 3 items.", "context_id": "cart"},
    ]


def test_a_tools_result_is_text_and_says_if_it_failed() -> None:
    done = FunctionCallOutput(call_id="c1", output='{"temp": 3}')
    failed = FunctionCallOutput(call_id="c2", output="boom", failed=True)

    assert said(
        Client(),
        events.ConversationItemCreate(item=done),
        events.ConversationItemCreate(item=failed),
        events.ResponseCreate(),
    ) == [
        {
            "type": "client_tool_result",
            "tool_call_id": "c1",
            "result": '{"temp": 3}',
            "is_error": False,
        },
        {"type": "client_tool_result", "tool_call_id": "c2", "result": "boom", "is_error": True},
    ]


@pytest.mark.parametrize(
    "item",
    [
        text_message("I said so.", role="assistant"),
        Message(role="user", content=(ImagePart(url="https://example.com/a.png"),)),
        FunctionCall(call_id="c", name="t", arguments="{}"),
        CustomItem(raw_type="x"),
    ],
)
def test_of_other_items_nothing_is_said(item: Item) -> None:
    assert said(Client(), events.ConversationItemCreate(item=item)) == []


def test_of_a_message_with_a_picture_the_words_are_said() -> None:
    item = Message(role="user", content=(TextPart(text="See?"), ImagePart(data=b"png")))

    assert said(Client(), events.ConversationItemCreate(item=item)) == [
        {"type": "user_message", "text": "See?"}
    ]


def test_a_turn_that_the_client_detects_is_a_hint() -> None:
    assert said(Client(), events.InputActivityStart()) == [{"type": "user_activity"}]


def test_what_there_are_no_words_for_is_not_said() -> None:
    assert (
        said(
            Client(),
            events.InputAudioCommit(),
            events.InputAudioClear(),
            events.ResponseCancel(),
            events.ConversationItemTruncate(item_id="i", audio_end=5),
            events.OutputAudioClear(),
        )
        == []
    )


def test_a_providers_own_message_is_sent_as_it_is() -> None:
    raw = msgspec.Raw(b'{"type": "feedback",  "event_id":5, "score":"like"}')
    event = events.Custom(dialect="elevenlabs", raw_type="feedback", raw=raw)

    assert list(Client().encode(event)) == ['{"type": "feedback",  "event_id":5, "score":"like"}']
    with pytest.raises(WireError):
        list(
            Client().encode(
                events.Custom(dialect="elevenlabs", raw_type="x", raw=msgspec.Raw(b"\xff"))
            )
        )


# What is heard.


def metadata(spoken: str | None, heard: str | None) -> str:
    event = {
        "conversation_id": "conv_1",
        "agent_output_audio_format": spoken,
        "user_input_audio_format": heard,
    }
    return json.dumps(
        {
            "type": "conversation_initiation_metadata",
            "conversation_initiation_metadata_event": event,
        }
    )


def test_the_formats_are_what_the_agent_says() -> None:
    client = Client()
    assert (client.input_rate, client.output_rate) == (16_000, 16_000)

    [created] = client.decode(metadata("pcm_44100", "ulaw_8000"), 5)

    assert created == events.SessionCreated(
        session_id="conv_1",
        config=SessionConfig(
            input_audio_format=AudioFormat(type="audio/pcmu", rate=8_000),
            output_audio_format=AudioFormat(type="audio/pcm", rate=44_100),
        ),
        at=5,
    )
    assert (client.input_rate, client.output_rate) == (8_000, 44_100)


def test_speech_is_coded_as_the_agent_wants_it() -> None:
    client = Client()
    list(client.decode(metadata("ulaw_8000", "ulaw_8000")))

    assert said(client, events.InputAudioAppend(audio=bytes(6))) == [{"user_audio_chunk": "////"}]
    audio = {"type": "audio", "audio_event": {"audio_base_64": "////", "event_id": 1}}
    *_, sound = client.decode(json.dumps(audio))
    assert isinstance(sound, events.AudioDelta) and sound.delta == bytes(6)


def test_formats_that_are_not_said_are_the_usual() -> None:
    client = Client()

    list(client.decode(metadata(None, None)))

    assert (client.input_rate, client.output_rate) == (16_000, 16_000)


@pytest.mark.parametrize("name", ["mp3_44100", "pcm", "pcm_1000", "pcm_96000", "ulaw_16000", ""])
def test_formats_that_cannot_be_heard_are_refused_and_change_nothing(name: str) -> None:
    client = Client()
    list(client.decode(metadata("pcm_8000", "pcm_8000")))

    with pytest.raises(WireError, match="agent_output_audio_format"):
        list(client.decode(metadata(name, "pcm_48000")))

    assert (client.input_rate, client.output_rate) == (8_000, 8_000)


def test_half_a_sample_waits_for_the_next_message_of_its_response() -> None:
    client = Client()
    whole = b"\x01\x02\x03\x04"

    def audio(pcm: bytes, number: int) -> bytes:
        event = {"audio_base_64": to_base64(pcm), "event_id": number}
        *_, sound = client.decode(json.dumps({"type": "audio", "audio_event": event}))
        assert isinstance(sound, events.AudioDelta)
        return sound.delta

    assert audio(whole[:3], 1) + audio(whole[3:], 1) == whole
    assert audio(whole[:3], 1) == whole[:2]
    assert audio(whole, 2) == whole


def test_a_ping_is_answered_once_and_is_no_event() -> None:
    client = Client()

    assert list(client.decode('{"type":"ping","ping_event":{"event_id":7,"ping_ms":null}}')) == []

    assert list(client.due()) == ['{"type":"pong","event_id":7}']
    assert list(client.due()) == []


def test_pongs_that_nobody_sends_do_not_pile_up() -> None:
    client = Client()

    for number in range(100):
        list(client.decode(json.dumps({"type": "ping", "ping_event": {"event_id": number}})))

    waiting = [json.loads(message)["event_id"] for message in client.due()]
    assert waiting == list(range(100 - MOST_PONGS, 100))


def test_a_ping_without_a_number_cannot_be_answered() -> None:
    client = Client()

    assert list(client.decode('{"type":"ping","ping_event":{}}')) == []
    assert list(client.due()) == []


def tentative(client: Client, *texts: str) -> list[tuple[str, str, bool]]:
    heard: list[tuple[str, str, bool]] = []
    for text in texts:
        event = {"user_transcript": text, "event_id": 4}
        message = {
            "type": "tentative_user_transcript",
            "tentative_user_transcription_event": event,
        }
        for one in client.decode(json.dumps(message)):
            assert isinstance(one, events.InputTranscriptionDelta)
            heard.append((one.item_id, one.delta, one.restart))
    return heard


def finally_(client: Client, text: str | None) -> tuple[str, str]:
    event = {"user_transcript": text, "event_id": 4}
    message = {"type": "user_transcript", "user_transcription_event": event}
    *_, done = client.decode(json.dumps(message))
    assert isinstance(done, events.InputTranscriptionCompleted)
    return done.item_id, done.transcript


def test_of_what_is_understood_so_far_only_the_new_is_told() -> None:
    client = Client()

    assert tentative(client, "What", "What's the", "What's the", "Watch the") == [
        ("elevenlabs-user-1", "What", False),
        ("elevenlabs-user-1", "'s the", False),
        ("elevenlabs-user-1", "Watch the", True),
    ]


def test_turns_of_the_user_are_counted_and_end_with_their_transcript() -> None:
    client = Client()

    tentative(client, "What")
    assert finally_(client, "What?") == ("elevenlabs-user-1", "What?")
    assert finally_(client, "Hello?") == ("elevenlabs-user-2", "Hello?")
    assert tentative(client, "What") == [("elevenlabs-user-3", "What", False)]
    assert finally_(client, None) == ("elevenlabs-user-3", "")


@pytest.mark.parametrize("code", [1000, 1002, 1008, 1011])
def test_an_error_with_a_code_that_closes_is_the_end(code: int) -> None:
    event = {"code": code, "message": "m", "error_type": "llm_timeout", "reason": "r"}

    [error] = Client().decode(json.dumps({"type": "error", "error_event": event}), 3)

    assert error == events.Error(
        message="m", code=str(code), error_type="llm_timeout", fatal=True, at=3
    )


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({}, events.Error(message="")),
        ({"code": 4000, "reason": "r"}, events.Error(message="r", code="4000")),
        (
            {"code": 1011, "message": "m", "details": {"fatal": False}},
            events.Error(message="m", code="1011"),
        ),
        (
            {"code": 1011, "message": "m", "details": {"fatal": "no"}},
            events.Error(message="m", code="1011", fatal=True),
        ),
    ],
)
def test_other_errors_leave_the_session_open(event: Any, expected: events.Error) -> None:
    assert list(Client().decode(json.dumps({"type": "error", "error_event": event}))) == [expected]


@pytest.mark.parametrize(("tokens", "usage"), [(812, Usage(input_tokens=812)), (None, None)])
def test_the_use_of_the_context_is_a_snapshot_beside_the_message(
    tokens: int | None, usage: Usage | None
) -> None:
    event = {"event_id": 1, "model": "m", "context_tokens": tokens, "context_limit_tokens": 9000}
    message = json.dumps({"type": "context_usage", "context_usage_event": event})

    [heard] = Client().decode(message)

    assert isinstance(heard, events.Custom)
    assert (heard.raw_type, heard.usage) == ("context_usage", usage)
    assert bytes(heard.raw).decode() == message


@pytest.mark.parametrize("kind", ["vad_score", "guardrail_triggered", "of_next_year"])
def test_what_has_no_word_is_carried_whole(kind: str) -> None:
    message = json.dumps({"type": kind, "some": {"thing": [1, None]}})

    for form in (message, message.encode()):
        [heard] = Client().decode(form, 9)

        assert isinstance(heard, events.Custom)
        assert (heard.dialect, heard.raw_type, heard.at) == ("elevenlabs", kind, 9)
        assert bytes(heard.raw).decode() == message


def test_arguments_of_a_call_are_told_as_they_were_written() -> None:
    message = (
        '{"type":"client_tool_call","client_tool_call":{"tool_name":"t","tool_call_id":"c",'
        '"parameters":{"big": 123456789012345678901234567890, "text": "\\u00e9"}}}'
    )

    *_, call = Client().decode(message)

    assert isinstance(call, events.FunctionCallArgumentsDone)
    assert call.arguments == '{"big": 123456789012345678901234567890, "text": "\\u00e9"}'


@pytest.mark.parametrize("parameters", ["null", "{}"])
def test_a_call_without_arguments_has_an_empty_object(parameters: str) -> None:
    message = (
        '{"type":"client_tool_call","client_tool_call":{"tool_name":"t","tool_call_id":"c",'
        f'"parameters":{parameters}}}}}'
    )

    *_, call = Client().decode(message)

    assert isinstance(call, events.FunctionCallArgumentsDone) and call.arguments == "{}"
