"""How a client asks a service that answers by itself: once, and never twice."""

import json
from typing import Any

import msgspec
import pytest

from antiphon.codecs import events
from antiphon.codecs.config import (
    AudioFormat,
    ResponseOptions,
    SessionConfig,
    ToolDefinition,
    TurnDetection,
)
from antiphon.codecs.events import ClientEvent
from antiphon.codecs.gemini import DIALECT, Client
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
from antiphon.codecs.wire import Unsayable, WireError

Json = dict[str, Any]

PCM = b"\1\0\2\0"
RESPOND = events.ResponseCreate()
MANUAL = events.SessionUpdate(config=SessionConfig(turn_detection=None))
AUTOMATIC = events.SessionUpdate(config=SessionConfig())
COMPLETE = {"clientContent": {"turnComplete": True}}


def say(client: Client, *said: ClientEvent) -> list[Json]:
    return [json.loads(message) for event in said for message in client.encode(event)]


def create(item: Item) -> events.ConversationItemCreate:
    return events.ConversationItemCreate(item=item)


def told(role: str, *parts: Json) -> Json:
    turns = [{"role": role, "parts": list(parts)}]
    return {"clientContent": {"turns": turns, "turnComplete": False}}


def ready(*updates: events.SessionUpdate, model: str = "gemini-3.8-live") -> Client:
    client = Client(model)
    say(client, *updates)
    assert list(client.decode('{"setupComplete":{}}'))
    return client


# Answers.


def test_text_alone_is_answered_once() -> None:
    assert say(Client(), create(text_message("hi")), RESPOND) == [{"realtimeInput": {"text": "hi"}}]


def test_a_text_of_several_parts_is_answered_once_when_asked() -> None:
    item = Message(role="user", content=(TextPart(text="a"), TextPart(text="b")))

    assert say(Client(), create(item), RESPOND) == [
        told("user", {"text": "a"}, {"text": "b"}),
        COMPLETE,
    ]


def test_a_seeded_history_is_answered_once_when_asked() -> None:
    history = [
        create(text_message("Be kind.", role="system")),
        create(text_message("Hi!", role="assistant")),
        create(text_message("Who are you?")),
    ]

    assert say(Client(), *history, RESPOND, RESPOND) == [
        told("user", {"text": "Be kind."}),
        told("model", {"text": "Hi!"}),
        told("user", {"text": "Who are you?"}),
        COMPLETE,
    ]


def test_a_text_that_was_said_before_is_not_answered() -> None:
    item = msgspec.structs.replace(text_message("hi"), status="completed")

    assert say(Client(), create(item)) == [told("user", {"text": "hi"})]


def test_after_an_answer_was_asked_for_a_text_stands_alone_again() -> None:
    client = Client()
    say(client, create(text_message("x", role="system")), RESPOND)

    assert say(client, create(text_message("hi"))) == [{"realtimeInput": {"text": "hi"}}]


def test_a_tools_output_is_answered_by_itself_with_what_waits() -> None:
    client = Client()
    say(client, create(text_message("x", role="system")))

    said = say(client, create(FunctionCallOutput(call_id="c", output="1")), RESPOND)

    assert [list(one) for one in said] == [["toolResponse"]]


def test_a_picture_alone_interrupts_nobody() -> None:
    picture = create(Message(role="user", content=(ImagePart(data=b"\xff\xd8"),)))
    shown = {"realtimeInput": {"video": {"mimeType": "image/jpeg", "data": "/9g="}}}

    assert say(Client(), picture) == [shown]
    assert say(Client(), picture, RESPOND) == [shown, COMPLETE]
    assert say(Client(), picture, create(text_message("What is it?")), RESPOND) == [
        shown,
        {"realtimeInput": {"text": "What is it?"}},
    ]


def test_a_picture_beside_text_is_a_content() -> None:
    picture = ImagePart(data=b"\xff\xd8", media_type="image/png")
    item = Message(role="user", content=(TextPart(text="What is it?"), picture))

    assert say(Client(), create(item), RESPOND) == [
        told(
            "user",
            {"text": "What is it?"},
            {"inlineData": {"mimeType": "image/png", "data": "/9g="}},
        ),
        COMPLETE,
    ]


def test_a_picture_that_is_elsewhere_is_refused() -> None:
    item = Message(role="user", content=(ImagePart(url="https://example.org/x.png"),))

    with pytest.raises(Unsayable, match="does not fetch"):
        say(Client(), create(item))


def test_speech_as_an_item_is_told_as_what_is_known_of_it() -> None:
    client = Client()
    spoken = AudioPart(audio=PCM, transcript="hi")

    by_user = say(client, create(Message(role="user", content=(spoken,))))
    by_model = say(client, create(Message(role="assistant", content=(spoken,))))
    heard_of = say(
        client, create(Message(role="user", content=(AudioPart(transcript="hi"), AudioPart())))
    )

    data = {"mimeType": "audio/pcm;rate=16000", "data": "AQACAA=="}
    assert by_user == [told("user", {"inlineData": data})]
    assert by_model == [told("model", {"text": "hi"})]
    assert heard_of == [told("user", {"text": "hi"})]


def test_of_nothing_nothing_is_said() -> None:
    nothing = Message(role="user", content=())

    assert say(Client(), create(nothing), create(CustomItem(raw_type="x"))) == []


def test_instructions_for_a_response_are_a_turn_where_nothing_else_is() -> None:
    greet = events.ResponseCreate(options=ResponseOptions(instructions="Greet."))
    turn = [{"role": "user", "parts": [{"text": "Greet."}]}]
    asked = {"clientContent": {"turns": turn, "turnComplete": True}}

    assert say(Client(), greet) == [asked]
    assert say(Client(), create(text_message("hi")), greet) == [{"realtimeInput": {"text": "hi"}}]
    assert say(Client(), create(text_message("x", role="system")), greet)[1:] == [asked]


def test_instructions_for_a_response_are_a_turn_again_after_an_answer() -> None:
    client = Client()
    greet = events.ResponseCreate(options=ResponseOptions(instructions="Greet."))
    say(client, create(text_message("hi")))

    assert list(client.decode('{"serverContent":{"turnComplete":true}}'))

    assert len(say(client, greet)) == 1


@pytest.mark.parametrize(
    "options", [ResponseOptions(conversation="none"), ResponseOptions(input=())]
)
def test_a_response_beside_the_conversation_is_refused(options: ResponseOptions) -> None:
    with pytest.raises(Unsayable, match="beside the conversation"):
        say(Client(), events.ResponseCreate(options=options))


@pytest.mark.parametrize(
    "event",
    [
        events.ResponseCancel(),
        events.InputAudioClear(),
        events.ConversationItemTruncate(item_id="x", audio_end=1),
        events.Custom(raw_type="x", dialect="openai", raw=msgspec.Raw(b"{}")),
        events.Custom(raw_type="x", raw=msgspec.Raw(b"{}")),
    ],
)
def test_for_some_events_there_is_no_message(event: ClientEvent) -> None:
    assert say(Client(), event) == []
    assert DIALECT.repertoire_of_client.how(type(event)) is None or isinstance(event, events.Custom)


# Tools.


def test_a_tools_name_goes_with_its_output() -> None:
    client = Client()
    call: Json = {"functionCalls": [{"id": "c", "name": "weather", "args": {}}]}
    assert list(client.decode(json.dumps({"toolCall": call})))

    [said] = say(client, create(FunctionCallOutput(call_id="c", output='{"a": 1}')))

    [response] = said["toolResponse"]["functionResponses"]
    assert response == {"id": "c", "name": "weather", "response": {"a": 1}}


@pytest.mark.parametrize(
    ("output", "response"),
    [
        ("too late", {"error": "too late"}),
        ('{"code": 5}', {"error": {"code": 5}}),
    ],
)
def test_the_failure_of_a_tool_is_told(output: str, response: Json) -> None:
    failed = FunctionCallOutput(call_id="c", name="f", output=output, failed=True)

    [said] = say(Client(), create(failed))

    assert said["toolResponse"]["functionResponses"][0]["response"] == response


def test_when_an_output_shall_be_heard_can_be_said() -> None:
    options: Json = {"scheduling": "SILENT", "willContinue": True, "other": 1}
    output = FunctionCallOutput(call_id="c", name="f", output="1", provider_options=options)

    [said] = say(Client(), create(output))

    assert said["toolResponse"]["functionResponses"] == [
        {
            "id": "c",
            "name": "f",
            "response": {"output": 1},
            "scheduling": "SILENT",
            "willContinue": True,
        }
    ]


@pytest.mark.parametrize(
    ("arguments", "args"),
    [
        ('{"x":1}', {"x": 1}),
        ("", {}),
        ("null", {}),
        ("[1]", {"arguments": [1]}),
        ("{broken", {"arguments": "{broken"}),
        ("[" * 5000, {"arguments": "[" * 5000}),
    ],
)
def test_a_call_and_its_output_can_be_history(arguments: str, args: Json) -> None:
    call = FunctionCall(call_id="c", name="f", arguments=arguments)

    said = say(Client(), create(call), create(FunctionCallOutput(call_id="c", output="1")))

    response = {"id": "c", "name": "f", "response": {"output": 1}}
    assert said == [
        told("model", {"functionCall": {"id": "c", "name": "f", "args": args}}),
        told("user", {"functionResponse": response}),
    ]


# Speech.


def test_speech_has_the_rate_that_was_agreed() -> None:
    client = Client()
    update = SessionConfig(input_audio_format=AudioFormat(type="audio/pcmu"))

    say(client, events.SessionUpdate(config=update))
    [said] = say(client, events.InputAudioAppend(audio=PCM))

    assert client.input_rate == 8000
    assert said["realtimeInput"]["audio"]["mimeType"] == "audio/pcm;rate=8000"


def test_the_end_of_speech_is_flushed_where_the_service_detects_turns() -> None:
    said = say(Client(), AUTOMATIC, events.InputActivityStart(), events.InputAudioCommit())

    assert said[1:] == [{"realtimeInput": {"audioStreamEnd": True}}]


def test_where_it_does_not_the_users_activity_is_marked() -> None:
    speech = events.InputAudioAppend(audio=PCM)
    commit = events.InputAudioCommit()

    said = say(Client(), MANUAL, speech, speech, commit, RESPOND, commit)[1:]

    assert [list(one["realtimeInput"]) for one in said] == [
        ["activityStart"],
        ["audio"],
        ["audio"],
        ["activityEnd"],
    ]


def test_activity_that_the_client_marks_is_marked_once() -> None:
    start = events.InputActivityStart()

    said = say(Client(), MANUAL, start, start, events.InputAudioAppend(audio=PCM))[1:]

    assert [list(one["realtimeInput"]) for one in said] == [["activityStart"], ["audio"]]


# The session.


def test_before_it_is_ready_a_session_is_set_up_anew() -> None:
    said = say(Client(), AUTOMATIC, MANUAL)

    assert [list(one) for one in said] == [["setup"], ["setup"]]


def test_a_session_that_is_ready_takes_new_instructions_and_tools() -> None:
    client = ready(events.SessionUpdate(config=SessionConfig(voice="Puck", instructions="a")))
    tool = ToolDefinition(name="f", parameters={"type": "object"})

    same = events.SessionUpdate(config=SessionConfig(voice="Puck", instructions="a"))
    first = events.SessionUpdate(config=SessionConfig(instructions="b", tools=(tool,)))
    second = events.SessionUpdate(config=SessionConfig(tools=()))

    declared = {"name": "f", "parametersJsonSchema": {"type": "object"}}
    assert say(client, same, first, first, second) == [
        {
            "contextUpdate": {
                "systemInstruction": {"parts": [{"text": "b"}]},
                "tools": {"tools": [{"functionDeclarations": [declared]}]},
            }
        },
        {"contextUpdate": {"tools": {"tools": []}}},
    ]


def test_what_cannot_change_is_refused_and_nothing_has_changed() -> None:
    client = ready(AUTOMATIC)
    patch = SessionConfig(voice="Kore", temperature=0.5, instructions="b")

    with pytest.raises(Unsayable, match="cannot change generationConfig"):
        say(client, events.SessionUpdate(config=patch))

    said = say(client, events.SessionUpdate(config=SessionConfig(instructions="b")))
    assert [list(one["contextUpdate"]) for one in said] == [["systemInstruction"]]


@pytest.mark.parametrize(
    ("model", "can"),
    [
        ("gemini-3.8-live", True),
        ("models/gemini-3.10-live", True),
        ("gemini-4.0-live", True),
        ("gemini-3.1-flash-live-preview", False),
        ("gemini-2.5-flash-native-audio-x", False),
        ("tunedModels/mine", True),
        ("", True),
    ],
)
def test_older_models_take_no_new_instructions(model: str, *, can: bool) -> None:
    client = ready(AUTOMATIC, model=model)
    update = events.SessionUpdate(config=SessionConfig(instructions="b"))

    if can:
        assert len(say(client, update)) == 1
    else:
        with pytest.raises(Unsayable, match=model):
            say(client, update)


def test_the_users_rate_can_change_at_any_time() -> None:
    client = ready(AUTOMATIC)
    audio = SessionConfig(input_audio_format=AudioFormat(type="audio/pcm", rate=24_000))

    assert say(client, events.SessionUpdate(config=audio)) == []
    assert client.input_rate == 24_000


def test_a_session_that_is_ready_before_it_was_set_up_is_set_up() -> None:
    client = ready()

    assert [list(one) for one in say(client, AUTOMATIC)] == [["setup"]]


def test_automatic_answers_cannot_be_had_without_their_detection() -> None:
    turns = TurnDetection(type="server-vad", create_response=False)

    with pytest.raises(Unsayable, match="answers each turn"):
        say(Client(), events.SessionUpdate(config=SessionConfig(turn_detection=turns)))


def test_contents_that_were_passed_on_whole_are_known() -> None:
    whole = json.dumps(COMPLETE)
    custom = events.Custom(
        raw_type="clientContent", dialect="gemini", raw=msgspec.Raw(whole.encode())
    )
    part = json.dumps(told("user", {"fileData": {}}))
    waits = events.Custom(
        raw_type="clientContent", dialect="gemini", raw=msgspec.Raw(part.encode())
    )
    system = create(text_message("x", role="system"))

    assert say(Client(), system, custom, RESPOND)[1:] == [COMPLETE]
    assert say(Client(), waits, RESPOND)[1:] == [COMPLETE]


def test_what_is_no_text_cannot_be_passed_on() -> None:
    custom = events.Custom(raw_type="x", dialect="gemini", raw=msgspec.Raw(b'"\xff"'))

    with pytest.raises(WireError, match="UTF-8"):
        say(Client(), custom)
