"""What an agent's clients are told, and what is made of what they say."""

import json
from typing import Any

import msgspec
import pytest

from antiphon.codecs import events
from antiphon.codecs.config import AudioFormat, SessionConfig, Transcription
from antiphon.codecs.elevenlabs import Client, Server
from antiphon.codecs.elevenlabs.server import LONGEST_TENTATIVE, PING_EVERY
from antiphon.codecs.items import FunctionCallOutput, text_message
from antiphon.codecs.wire import WireError

SECOND = bytes(32_000)


def said(server: Server, *spoken: events.ServerEvent) -> list[Any]:
    return [json.loads(message) for event in spoken for message in server.encode(event)]


def short(messages: list[Any]) -> list[Any]:
    """Each message's type, number and words."""
    return [_short(message) for message in messages]


def _short(message: dict[str, Any]) -> Any:
    [event] = [value for key, value in message.items() if key != "type"]
    words = (
        "agent_response", "corrected_agent_response", "user_transcript", "tool_call_id", "text",
    )  # fmt: skip
    kind = message["type"] if "text" not in event else event["type"]
    return (kind, event["event_id"], *(event[key] for key in words if event.get(key)))


def speech(response: str = "r1", pcm: bytes = b"\0\0", at: int = 0) -> events.AudioDelta:
    return events.AudioDelta(response_id=response, item_id=f"{response}-m", delta=pcm, at=at)


def words(delta: str, response: str = "r1") -> events.AudioTranscriptDelta:
    return events.AudioTranscriptDelta(response_id=response, item_id=f"{response}-m", delta=delta)


def words_done(whole: str | None = None, response: str = "r1") -> events.AudioTranscriptDone:
    return events.AudioTranscriptDone(
        response_id=response, item_id=f"{response}-m", transcript=whole
    )


def text(delta: str, response: str = "r1") -> events.TextDelta:
    return events.TextDelta(response_id=response, item_id=f"{response}-m", delta=delta)


def text_done(whole: str | None = None, response: str = "r1") -> events.TextDone:
    return events.TextDone(response_id=response, item_id=f"{response}-m", text=whole)


def created(response: str = "r1") -> events.ResponseCreated:
    return events.ResponseCreated(response_id=response)


def done(response: str = "r1", status: str = "completed") -> events.ResponseDone:
    return events.ResponseDone(response_id=response, status=status)


def call(
    call_id: str, response: str = "r1", *, arguments: str = "{}", expects_output: bool = True
) -> events.FunctionCallArgumentsDone:
    return events.FunctionCallArgumentsDone(
        response_id=response,
        item_id=call_id,
        call_id=call_id,
        name="t",
        arguments=arguments,
        expects_output=expects_output,
    )


def started(config: SessionConfig | None = None, at: int = 0) -> events.SessionCreated:
    return events.SessionCreated(session_id="conv_7", config=config, at=at)


def listing(*kinds: str) -> Server:
    """The server of a client that wants no more than this."""
    server = Server()
    override = {"conversation": {"client_events": list(kinds)}}
    start = {
        "type": "conversation_initiation_client_data",
        "conversation_config_override": override,
    }
    list(server.decode(json.dumps(start)))
    return server


# The beginning.


def test_it_is_ready_with_the_first_word_of_the_session_and_only_then() -> None:
    server = Server()

    assert said(server, started()) == [
        {
            "type": "conversation_initiation_metadata",
            "conversation_initiation_metadata_event": {
                "conversation_id": "conv_7",
                "agent_output_audio_format": "pcm_16000",
                "user_input_audio_format": "pcm_16000",
            },
        }
    ]
    assert said(server, started(), events.SessionUpdated()) == []


@pytest.mark.parametrize(
    "event",
    [events.SessionUpdated(), events.SessionStarted(session_id=""), events.SessionCreated()],
)
def test_a_conversation_without_a_name_gets_one(event: events.ServerEvent) -> None:
    [ready] = said(Server(new_id=lambda kind: f"{kind}-x"), event)

    assert ready["conversation_initiation_metadata_event"]["conversation_id"] == "conv-x"


@pytest.mark.parametrize(
    ("given", "name", "rate"),
    [
        (AudioFormat(type="audio/pcm", rate=24_000), "pcm_24000", 24_000),
        (AudioFormat(type="audio/pcm"), "pcm_16000", 16_000),
        (AudioFormat(type="audio/pcm", rate=11_025), "pcm_16000", 16_000),
        (AudioFormat(type="audio/pcmu", rate=8_000), "ulaw_8000", 8_000),
        (AudioFormat(type="audio/pcma"), "pcm_16000", 16_000),
        (AudioFormat(type="audio/opus"), "pcm_16000", 16_000),
        (None, "pcm_16000", 16_000),
    ],
)
def test_the_formats_are_the_sessions_where_there_are_such(
    given: AudioFormat | None, name: str, rate: int
) -> None:
    server = Server()
    other = AudioFormat(type="audio/pcm", rate=48_000)

    [ready] = said(
        server, started(SessionConfig(input_audio_format=other, output_audio_format=given))
    )

    formats = ready["conversation_initiation_metadata_event"]
    assert formats["agent_output_audio_format"] == name
    assert formats["user_input_audio_format"] == "pcm_48000"
    assert (server.input_rate, server.output_rate) == (48_000, rate)


def test_a_clients_settings_are_read_and_the_rest_is_kept_for_its_provider() -> None:
    start = {
        "type": "conversation_initiation_client_data",
        "user_id": "u",
        "custom_llm_extra_body": {},
        "conversation_config_override": {
            "agent": {"prompt": {"prompt": "p", "llm": "small"}, "first_message": "f"},
            "tts": {"voice_id": "v", "speed": None},
            "asr": {"keywords": ["Oslo"]},
            "conversation": {"text_only": False},
        },
    }

    [update] = Server().decode(json.dumps(start), 3)

    assert update == events.SessionUpdate(
        config=SessionConfig(
            instructions="p",
            first_message="f",
            voice="v",
            input_audio_transcription=Transcription(keywords=("Oslo",)),
            provider_options={
                "user_id": "u",
                "custom_llm_extra_body": {},
                "conversation_config_override": {
                    "agent": {"prompt": {"llm": "small"}},
                    "conversation": {"text_only": False},
                },
            },
        ),
        at=3,
    )


@pytest.mark.parametrize("override", [{"conversation": {"text_only": True}}, {"text_only": True}])
def test_a_conversation_without_sound_is_known_in_both_places(override: Any) -> None:
    start = {
        "type": "conversation_initiation_client_data",
        "conversation_config_override": override,
    }

    assert list(Server().decode(json.dumps(start))) == [
        events.SessionUpdate(config=SessionConfig(output_modalities=("text",)))
    ]


@pytest.mark.parametrize("override", [None, {}, {"agent": None, "tts": {}}])
def test_settings_may_be_empty(override: Any) -> None:
    start = {
        "type": "conversation_initiation_client_data",
        "conversation_config_override": override,
    }

    [update] = Server().decode(json.dumps(start))

    assert isinstance(update, events.SessionUpdate)
    assert update.config.instructions is None


# Speech and words.


def test_all_messages_of_a_response_have_its_number_and_numbers_rise() -> None:
    server = Server()

    messages = said(
        server, created("a"), speech("a"), speech("a"), words("Hi.", "a"), words_done(None, "a"),
        done("a"), speech("b"), call("c", "b"), done("b"),
    )  # fmt: skip

    assert short(messages) == [
        ("audio", 1),
        ("audio", 1),
        ("agent_response", 1, "Hi."),
        ("audio", 2),
        ("client_tool_call", 2, "c"),
    ]


def test_numbers_that_our_own_client_has_read_stay_what_they_are() -> None:
    server = Server()
    names = ("elevenlabs-response-5", "elevenlabs-response-9-2", "elevenlabs-response-3", "other")

    messages = said(server, *(speech(name) for name in names))

    assert short(messages) == [("audio", 5), ("audio", 9), ("audio", 10), ("audio", 11)]


def test_words_are_told_as_soon_as_they_are_whole_and_once() -> None:
    server = Server()

    assert said(server, words("It is "), words("warm.")) == []
    assert short(said(server, words_done("It is warm!"))) == [("agent_response", 1, "It is warm!")]
    assert said(server, words_done("It is warm!"), done()) == []


def test_words_that_are_never_said_to_be_whole_are_so_when_the_response_is() -> None:
    assert short(said(Server(), words("It is "), words("warm."), done())) == [
        ("agent_response", 1, "It is warm.")
    ]


def test_a_text_is_told_in_parts_and_as_a_whole() -> None:
    server = Server()

    assert short(said(server, text("It is "), text("warm."), text_done("It is warm."), done())) == [
        ("start", 1),
        ("delta", 1, "It is "),
        ("delta", 1, "warm."),
        ("stop", 1),
        ("agent_response", 1, "It is warm."),
    ]
    assert said(server, text_done("It is warm.")) == []


def test_a_text_that_comes_whole_is_one_part() -> None:
    assert short(said(Server(), text("It"), text_done("It is."))) == [
        ("start", 1),
        ("delta", 1, "It"),
        ("delta", 1, " is."),
        ("stop", 1),
        ("agent_response", 1, "It is."),
    ]


def test_a_text_that_is_never_said_to_be_whole_is_so_when_the_response_is() -> None:
    assert short(said(Server(), text("It is."), done()))[-2:] == [
        ("stop", 1),
        ("agent_response", 1, "It is."),
    ]


def test_clients_hear_of_both_ways_of_telling_a_text_once() -> None:
    client, server = Client(), Server()
    spoken = [text("It is "), text("warm."), text_done(), done()]

    heard = [
        event
        for one in spoken
        for message in server.encode(one)
        for event in client.decode(message)
    ]

    assert [type(event) for event in heard] == [
        events.ResponseCreated,
        events.TextDelta,
        events.TextDelta,
        events.TextDone,
        events.ResponseDone,
    ]


# Interruption.


def test_speaking_over_a_response_interrupts_it_once_and_silences_it() -> None:
    server = Server()
    said(server, created(), speech())

    messages = said(
        server,
        events.SpeechStarted(),
        events.ResponseInterrupted(response_id="r1"),
        events.SpeechStarted(),
        speech(),
        done(status="cancelled"),
    )

    assert short(messages) == [("interruption", 1)]


@pytest.mark.parametrize(
    "event",
    [
        events.ResponseInterrupted(response_id="r1"),
        events.ResponseInterrupted(),
        events.ResponseInterrupted(response_id="unknown"),
        events.SpeechStarted(),
        done(status="cancelled"),
    ],
)
def test_an_interruption_is_told_however_it_is_learnt(event: events.ServerEvent) -> None:
    server = Server()
    said(server, speech("r0"), done("r0"), speech())

    assert short(said(server, event)) == [("interruption", 2)]


def test_what_was_said_before_an_interruption_is_told_before_it() -> None:
    client, server = Client(), Server()
    spoken = [
        speech(), words("It is three degr"), events.SpeechStarted(),
        words_done("It is three degr"), done(status="cancelled"),
        events.ConversationItemTruncated(item_id="r1-m", audio_end=5, transcript="It is"),
    ]  # fmt: skip

    messages = [message for one in spoken for message in server.encode(one)]

    assert short([json.loads(message) for message in messages]) == [
        ("audio", 1),
        ("agent_response", 1, "It is three degr"),
        ("interruption", 1),
        ("agent_response_correction", 1, "It is"),
    ]
    assert not any(
        isinstance(event, events.Custom) for one in messages for event in client.decode(one)
    )


def test_words_that_come_only_after_the_interruption_are_told_if_there_are_any() -> None:
    server = Server()

    messages = said(server, speech(), events.SpeechStarted(), words_done("It"), words_done("It"))
    nothing = said(server, speech("r2"), events.SpeechStarted(), words_done("", "r2"))

    assert short(messages)[2:] == [("agent_response", 1, "It")]
    assert short(nothing)[2:] == []


def test_an_interrupted_text_is_stopped_and_goes_on_no_further() -> None:
    server = Server()

    messages = said(
        server, text("It is"), events.ResponseInterrupted(), text(" warm"), text_done(),
        done(status="cancelled"),
    )  # fmt: skip

    assert short(messages)[2:] == [("interruption", 1), ("stop", 1)]


def test_speech_that_is_complete_but_still_being_played_is_interrupted() -> None:
    server = Server()
    said(server, speech(pcm=SECOND, at=0), speech(pcm=SECOND, at=100_000), done())

    assert said(server, events.SpeechStarted(at=2_000_000)) == []
    assert short(said(server, events.SpeechStarted(at=1_999_999))) == [("interruption", 1)]


def test_the_user_speaks_without_interrupting_when_nothing_is_being_said() -> None:
    server = Server()
    said(server, speech(), done())

    assert said(Server(), events.SpeechStarted()) == []
    assert said(server, events.SpeechStarted(at=1_000_000)) == []


def test_an_interruption_of_nothing_is_told_all_the_same() -> None:
    assert short(said(Server(), events.ResponseInterrupted())) == [("interruption", 0)]


def test_a_correction_of_an_item_that_is_not_known_has_the_latest_number() -> None:
    server = Server()
    said(server, speech(), words("Hi", "r2"))

    [unknown] = said(server, events.ConversationItemTruncated(item_id="i", transcript="H"))
    [known] = said(server, events.ConversationItemTruncated(item_id="r2-m", transcript="H"))

    event = unknown["agent_response_correction_event"]
    assert (event["event_id"], event["original_agent_response"]) == (2, "")
    assert known["agent_response_correction_event"]["original_agent_response"] == "Hi"
    assert said(server, events.ConversationItemTruncated(item_id="i", audio_end=5)) == []


# The user.


def understanding(delta: str, item: str = "u1", **more: Any) -> events.InputTranscriptionDelta:
    return events.InputTranscriptionDelta(item_id=item, delta=delta, **more)


def understood(transcript: str, item: str = "u1") -> events.InputTranscriptionCompleted:
    return events.InputTranscriptionCompleted(item_id=item, transcript=transcript)


def test_what_is_understood_so_far_is_told_as_a_whole() -> None:
    server = Server()

    messages = said(
        server,
        understanding("What"),
        understanding("'s the"),
        understanding("Watch", restart=True),
        understanding(" it", transcript="Watch it"),
        understood("Watch it!"),
        understanding("And", "u2"),
        understood("And", "u2"),
        understanding("then", "u2"),
    )

    assert short(messages) == [
        ("tentative_user_transcript", 1, "What"),
        ("tentative_user_transcript", 1, "What's the"),
        ("tentative_user_transcript", 1, "Watch"),
        ("tentative_user_transcript", 1, "Watch it"),
        ("user_transcript", 1, "Watch it!"),
        ("tentative_user_transcript", 2, "And"),
        ("user_transcript", 2, "And"),
        ("tentative_user_transcript", 2, "then"),
    ]


def test_a_turn_without_end_is_not_repeated_without_end() -> None:
    server = Server()

    messages = said(server, *(understanding("word " * 100) for _ in range(1000)))

    assert len(messages) == LONGEST_TENTATIVE // 500
    assert said(server, understood("all")) != []


def test_a_turn_that_is_understood_while_it_is_answered_does_not_end_the_answer() -> None:
    client, server = Client(), Server()
    spoken = [created(), speech(), understood("Hello?"), speech()]

    heard = [
        event
        for one in spoken
        for message in server.encode(one)
        for event in client.decode(message)
    ]

    assert not any(isinstance(event, events.ResponseDone) for event in heard)


def test_the_turn_after_an_answer_ends_it_for_the_client() -> None:
    client, server = Client(), Server()
    spoken = [speech(), done(), understanding("And"), understood("And?"), speech("r2")]

    heard = [
        event
        for one in spoken
        for message in server.encode(one)
        for event in client.decode(message)
    ]

    assert [type(event) for event in heard][-5:] == [
        events.AudioDone,
        events.ResponseDone,
        events.InputTranscriptionCompleted,
        events.ResponseCreated,
        events.AudioDelta,
    ]


def test_typed_text_is_to_be_answered_and_what_is_told_in_passing_is_not() -> None:
    server = Server()

    assert list(server.decode('{"type":"user_message","text":"Hi"}', 4)) == [
        events.ConversationItemCreate(item=text_message("Hi"), at=4),
        events.ResponseCreate(at=4),
    ]
    assert list(server.decode('{"type":"contextual_update","text":"x","context_id":"c"}', 4)) == [
        events.ConversationItemCreate(item=text_message("x", role="system", id="c"), at=4)
    ]


@pytest.mark.parametrize(
    "message",
    [
        '{"type":"user_message","rich_content_id":"rc"}',
        '{"type":"user_activity"}',
        '{"type":"multimodal_message","file":{"file_id":"f"}}',
        '{"type":"enclave_setup_config","agent_config_dict":{}}',
    ],
)
def test_what_only_the_provider_understands_is_carried(message: str) -> None:
    [heard] = Server().decode(message)

    assert isinstance(heard, events.Custom) and bytes(heard.raw).decode() == message
    assert heard.raw_type == json.loads(message)["type"]


# Tool calls.


def result(call_id: str, value: str = '"ok"', failed: str = "false") -> str:
    return (
        f'{{"type":"client_tool_result","tool_call_id":"{call_id}","result":{value},'
        f'"is_error":{failed}}}'
    )


def asks(server: Server, call_id: str) -> bool:
    """Whether the model shall go on, now that the call is answered."""
    heard = list(server.decode(result(call_id)))
    assert isinstance(heard[0], events.ConversationItemCreate)
    return heard[1:] == [events.ResponseCreate()]


@pytest.mark.parametrize(
    ("arguments", "parameters"),
    [
        ('{"a": [1, null]}', {"a": [1, None]}),
        ("", {}),
        (" ", {}),
        ("[1]", {"arguments": "[1]"}),
        ('{"a": ', {"arguments": '{"a": '}),
    ],
)
def test_a_call_has_an_object_of_arguments_whatever_the_model_wrote(
    arguments: str, parameters: Any
) -> None:
    assert said(Server(), call("c", arguments=arguments)) == [
        {
            "type": "client_tool_call",
            "client_tool_call": {
                "tool_name": "t",
                "tool_call_id": "c",
                "parameters": parameters,
                "event_id": 1,
            },
        }
    ]


def test_the_model_goes_on_with_the_last_result_of_its_response() -> None:
    server = Server()
    said(server, call("old", "r0"), call("a"), call("b"), done())

    assert not asks(server, "a")
    assert asks(server, "b")
    assert not asks(server, "b")
    assert asks(server, "old")


def test_a_result_that_nobody_waits_for_is_told_and_no_more() -> None:
    server = Server()
    said(server, call("a"), events.FunctionCallCancelled(call_ids=("a",)))
    said(server, call("b", "r2"), done("r2", "cancelled"))
    said(server, call("c", "r3", expects_output=False), done("r3"))
    said(server, speech("r4"), events.ResponseInterrupted(), call("d", "r4"))

    assert [asks(server, call_id) for call_id in "abcd"] == [False] * 4


def test_a_result_of_a_call_that_is_not_known_is_answered() -> None:
    assert asks(Server(), "from before")


@pytest.mark.parametrize(
    ("value", "output"),
    [('"a\\n\\u00e9"', "a\né"), ('{"temp": 3}', '{"temp": 3}'), ("5", "5"), ("null", "")],
)
def test_a_result_is_text_or_else_json(value: str, output: str) -> None:
    [made, _] = Server().decode(result("c", value, "null"), 2)

    item = FunctionCallOutput(call_id="c", output=output)
    assert made == events.ConversationItemCreate(item=item, at=2)


def test_a_failed_result_says_so_and_a_missing_one_is_empty() -> None:
    [failed, _] = Server().decode(result("c", failed="true"))
    [missing, _] = Server().decode('{"type":"client_tool_result","tool_call_id":"c"}')

    outputs = [
        one.item for one in (failed, missing) if isinstance(one, events.ConversationItemCreate)
    ]
    assert outputs == [
        FunctionCallOutput(call_id="c", output="ok", failed=True),
        FunctionCallOutput(call_id="c", output=""),
    ]


@pytest.mark.parametrize("value", ['"\\ud800"', '"a'])
def test_a_result_that_is_no_text_is_refused_and_still_waited_for(value: str) -> None:
    server = Server()
    said(server, call("a"))

    with pytest.raises(WireError):
        list(server.decode(result("a", value)))

    assert asks(server, "a")


# What a client has asked to be told.


def test_a_client_is_told_only_what_it_lists() -> None:
    server = listing("audio", "user_transcript")

    messages = said(
        server, started(), speech(), words("Hi."), words_done(), text("Hi"), text_done(),
        call("c"), understanding("a"), understood("a"), events.ResponseInterrupted(),
        events.ConversationItemTruncated(item_id="r1-m", transcript="H"),
        done(), events.Error(message="m"),
    )  # fmt: skip

    assert [message["type"] for message in messages] == [
        "conversation_initiation_metadata",
        "audio",
        "user_transcript",
        "error",
    ]
    assert said(server, speech()) == []


def test_a_client_that_wants_no_sound_gets_none() -> None:
    assert said(listing("agent_response"), speech()) == []


def test_the_end_of_a_response_is_told_to_clients_that_list_it() -> None:
    server = listing("audio", "agent_response_complete")

    assert short(said(server, speech(), done())) == [("audio", 1), ("agent_response_complete", 1)]


# Errors, pings.


@pytest.mark.parametrize(
    ("error", "event"),
    [
        (
            events.Error(message="m", code="1008", error_type="value_error", fatal=True),
            {"code": 1008, "message": "m", "error_type": "value_error"},
        ),
        (
            events.Error(message="m", code="rate_limit", error_type="too_many"),
            {
                "code": 1011,
                "message": "m",
                "error_type": "unknown",
                "reason": "rate_limit",
                "details": {"fatal": False},
            },
        ),
        (
            events.Error(message="m", fatal=True),
            {"code": 1011, "message": "m", "error_type": "unknown"},
        ),
    ],
)
def test_an_error_has_one_of_the_few_codes_and_types(error: events.Error, event: Any) -> None:
    assert said(Server(), error) == [{"type": "error", "error_event": event}]


@pytest.mark.parametrize("fatal", [True, False])
def test_our_own_client_knows_if_an_error_is_the_end(fatal: bool) -> None:
    [message] = Server().encode(events.Error(message="m", fatal=fatal))

    [heard] = Client().decode(message)

    assert isinstance(heard, events.Error) and heard.fatal is fatal


def pings(server: Server) -> list[Any]:
    return [json.loads(message)["ping_event"] for message in server.due()]


def test_a_session_is_pinged_from_its_beginning_on() -> None:
    server = Server()
    assert server.deadline is None
    assert list(server.expire(10**9)) == [] and pings(server) == []

    said(server, started(at=50))

    assert server.deadline == 50 + PING_EVERY
    assert list(server.expire(server.deadline - 1)) == [] and pings(server) == []
    assert list(server.expire(server.deadline)) == []
    assert pings(server) == [{"event_id": 1, "ping_ms": None}]
    assert pings(server) == []
    assert server.deadline == 50 + 2 * PING_EVERY


def test_a_pong_is_no_event_and_measures_the_latency() -> None:
    server = Server()
    said(server, started())
    list(server.expire(PING_EVERY))

    assert list(server.decode('{"type":"pong","event_id":1}', PING_EVERY + 34_500)) == []
    assert list(server.decode('{"type":"pong","event_id":1}', PING_EVERY + 99_000)) == []
    list(server.expire(2 * PING_EVERY))
    assert list(server.decode('{"type":"pong","event_id":1}', 2 * PING_EVERY + 99_000)) == []
    list(server.expire(3 * PING_EVERY))

    assert pings(server) == [{"event_id": 3, "ping_ms": 34}]


def test_pings_that_nobody_sends_do_not_pile_up() -> None:
    server = Server()
    said(server, started())

    for times in range(1, 100):
        list(server.expire(times * PING_EVERY))

    assert len(pings(server)) == 1


def test_a_client_answers_the_pings_of_a_server() -> None:
    client, server = Client(), Server()
    said(server, started())
    list(server.expire(PING_EVERY))

    for ping in server.due():
        assert list(client.decode(ping)) == []
    for pong in client.due():
        assert list(server.decode(pong)) == []

    assert server.deadline == 2 * PING_EVERY


def test_what_there_are_no_words_for_is_not_said() -> None:
    custom = events.Custom(dialect="openai", raw_type="x", raw=msgspec.Raw(b"{}"))
    quiet: list[events.ServerEvent] = [
        created(),
        events.SpeechStopped(),
        events.AudioCommitted(),
        events.AudioDone(response_id="r1", item_id="r1-m"),
        events.GoAway(),
        custom,
    ]

    assert said(Server(), *quiet) == []
