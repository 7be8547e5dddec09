"""How a server hears a client, whose every word may ask for a response."""

import base64
import json
from typing import Any

import pytest

from antiphon.codecs import events
from antiphon.codecs.events import ClientEvent
from antiphon.codecs.gemini import Client, Server, sound
from antiphon.codecs.items import (
    AudioPart,
    FunctionCall,
    FunctionCallOutput,
    ImagePart,
    Message,
    TextPart,
    text_message,
)
from antiphon.codecs.wire import WireError

Json = dict[str, Any]

RESPOND = events.ResponseCreate()
MANUAL = {"setup": {"realtimeInputConfig": {"automaticActivityDetection": {"disabled": True}}}}


def hear(server: Server, message: Json, at: int = 0) -> list[ClientEvent]:
    return list(server.decode(json.dumps(message), at))


def audio(pcm: bytes = b"\1\0\2\0", mime: str | None = "audio/pcm;rate=16000") -> Json:
    data = base64.b64encode(pcm).decode()
    return {"realtimeInput": {"audio": {"mimeType": mime, "data": data}}}


def said(text: str, role: str | None = None) -> Json:
    return {"role": role, "parts": [{"text": text}]}


def created(*items: Any) -> list[ClientEvent]:
    return [events.ConversationItemCreate(item=item) for item in items]


def call(server: Server, *call_ids: str, response_id: str = "r", expects: bool = True) -> None:
    for call_id in call_ids:
        done = events.FunctionCallArgumentsDone(
            response_id=response_id,
            item_id=call_id,
            call_id=call_id,
            name=f"name_{call_id}",
            arguments="{}",
            expects_output=expects,
        )
        assert list(server.encode(done))


def respond(*responses: Json) -> Json:
    return {"toolResponse": {"functionResponses": list(responses)}}


# Speech.


def test_events_have_the_time_that_is_given() -> None:
    server = Server()

    for message in (audio(), audio(bytes(2000)), MANUAL, {"realtimeInput": {"text": "x"}}):
        assert {event.at for event in hear(server, message, at=7)} == {7}


@pytest.mark.parametrize("length", [4, 2000])
def test_speech_is_at_the_rate_it_says(length: int) -> None:
    server = Server()
    pcm = bytes(length)
    assert server.input_rate == 16_000

    [heard] = hear(server, audio(pcm, "audio/pcm;rate=48000"))

    assert heard == events.InputAudioAppend(audio=pcm)
    assert server.input_rate == 48_000
    assert server.output_rate == 24_000


def test_speech_that_says_no_rate_is_at_the_last_one() -> None:
    server = Server()
    hear(server, audio(mime="audio/pcm; rate=24000"))

    for mime in ("audio/pcm", "AUDIO/PCM", None):
        [heard] = hear(server, audio(mime=mime))
        assert heard == events.InputAudioAppend(audio=b"\1\0\2\0")

    assert server.input_rate == 24_000


@pytest.mark.parametrize("mime", ["audio/opus", "audio/pcm;rate=1000", "audio/pcm;rate=999999"])
def test_speech_in_another_format_is_passed_on(mime: str) -> None:
    server = Server()

    [custom] = hear(server, audio(mime=mime))

    assert isinstance(custom, events.Custom)
    assert custom.raw_type == "realtimeInput"
    assert json.loads(bytes(custom.raw)) == audio(mime=mime)
    assert server.input_rate == 16_000


@pytest.mark.parametrize("length", [4, 2000])
def test_half_a_sample_waits_for_the_rest(length: int) -> None:
    server = Server()
    pcm = bytes(range(1, 5)) * (length // 4)

    heard = [*hear(server, audio(pcm[:-1])), *hear(server, audio(pcm[-1:]))]

    assert b"".join(e.audio for e in heard if isinstance(e, events.InputAudioAppend)) == pcm


@pytest.mark.parametrize("length", [8, 2000])
def test_the_package_for_python_is_understood(length: int) -> None:
    pcm = (b"\xff\xfb\xef\xbe" * length)[:length]
    data = base64.urlsafe_b64encode(pcm).decode()
    sent: Json = {"realtime_input": {"audio": {"data": data, "mime_type": "audio/pcm;rate=16000"}}}
    assert "_" in data or "-" in data

    assert hear(Server(), sent) == [events.InputAudioAppend(audio=pcm)]


@pytest.mark.parametrize("fields", ["realtimeInput mimeType", "realtime_input mime_type"])
def test_speech_alone_takes_the_short_way_in_either_spelling(fields: str) -> None:
    message, mime = fields.split()
    sent = {message: {"audio": {"data": "AAAA" * 100, mime: "audio/pcm;rate=16000"}}}

    assert sound.user_sound(json.dumps(sent)) == ("audio/pcm;rate=16000", "AAAA" * 100)
    assert sound.user_sound(json.dumps(sent | {"x": 1})) is None


def test_chunks_are_speech_or_pictures() -> None:
    chunks = [
        {"mime_type": "audio/pcm;rate=16000", "data": "AQA="},
        {"mime_type": "image/jpeg", "data": "/9g="},
    ]

    assert hear(Server(), {"realtime_input": {"media_chunks": chunks}}) == [
        events.InputAudioAppend(audio=b"\1\0"),
        *created(Message(role="user", content=(image(),))),
    ]


def image() -> ImagePart:
    return ImagePart(data=b"\xff\xd8", media_type="image/jpeg")


def test_a_picture_asks_for_nothing() -> None:
    video = {"mimeType": "image/jpeg", "data": "/9g="}

    assert hear(Server(), {"realtimeInput": {"video": video}}) == created(
        Message(role="user", content=(image(),))
    )


def test_the_end_of_speech_asks_where_the_client_detects_turns() -> None:
    server = Server()
    end: Json = {"realtimeInput": {"activityEnd": {}}}
    flush: Json = {"realtimeInput": {"audioStreamEnd": True}}
    assert hear(server, end) == hear(server, flush) == [events.InputAudioCommit()]

    hear(server, MANUAL)

    assert hear(server, {"realtimeInput": {"activityStart": {}}}) == [events.InputActivityStart()]
    assert hear(server, end) == [events.InputAudioCommit(), RESPOND]


def test_text_asks() -> None:
    assert hear(Server(), {"realtimeInput": {"text": "hi"}}) == [
        *created(text_message("hi")),
        RESPOND,
    ]


# The conversation.


def test_contents_ask_with_the_end_of_the_turn() -> None:
    turns: list[Json] = [
        said("Hi!", "model"),
        said("Who?"),
        said("Be kind.", "system"),
        {"parts": []},
    ]
    heard = created(
        text_message("Hi!", role="assistant"),
        text_message("Who?"),
        text_message("Be kind.", role="system"),
        Message(role="user", content=()),
    )

    assert hear(Server(), {"clientContent": {"turns": turns}}) == heard
    assert hear(Server(), {"clientContent": {"turns": turns, "turnComplete": True}}) == [
        *heard,
        RESPOND,
    ]


def test_a_content_may_be_several_items() -> None:
    parts: list[Json] = [
        {"text": "Let me see."},
        {"functionCall": {"id": "c", "name": "f", "args": {"x": 1}}},
        {"functionResponse": {"id": "c", "name": "f", "response": {"error": "no"}}},
        {"functionCall": {"name": "g"}},
        {"text": "It fails."},
    ]

    assert hear(Server(), {"clientContent": {"turns": [{"role": "model", "parts": parts}]}}) == (
        created(
            text_message("Let me see.", role="assistant"),
            FunctionCall(call_id="c", name="f", arguments='{"x":1}'),
            FunctionCallOutput(call_id="c", name="f", output="no", failed=True),
            FunctionCall(call_id="g", name="g", arguments="{}"),
            text_message("It fails.", role="assistant"),
        )
    )


def test_speech_and_pictures_can_be_contents() -> None:
    server = Server()
    parts = [
        {"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": "AQACAAM="}},
        {"inlineData": {"mimeType": "image/jpeg", "data": "/9g="}},
    ]

    heard = hear(server, {"clientContent": {"turns": [{"parts": parts}]}})

    spoken = AudioPart(audio=b"\1\0\2\0")
    assert heard == created(Message(role="user", content=(spoken, image())))
    assert server.input_rate == 24_000


@pytest.mark.parametrize(
    "part",
    [
        {"fileData": {"fileUri": "x"}},
        {"text": "Hm.", "thought": True},
        {"inlineData": {"mimeType": "audio/wav", "data": ""}},
        {"inlineData": {"data": ""}},
        {},
    ],
)
def test_contents_without_a_word_are_passed_on_whole(part: Json) -> None:
    turns = [said("a"), {"parts": [part]}]
    message = {"clientContent": {"turns": turns, "turnComplete": True}}

    custom, respond = hear(Server(), message)

    assert isinstance(custom, events.Custom)
    assert json.loads(bytes(custom.raw)) == message
    assert respond == RESPOND
    assert [json.loads(one) for one in Client().encode(custom)] == [message]


def test_new_input_ends_the_response_that_runs() -> None:
    server = Server()
    turn: Json = {"clientContent": {"turns": [said("stop")], "turnComplete": True}}
    text: Json = {"realtimeInput": {"text": "stop"}}
    assert list(server.encode(events.ResponseCreated(response_id="r"))) == []

    assert hear(server, turn)[0] == events.ResponseCancel()
    assert hear(server, text)[0] == events.ResponseCancel()

    assert list(server.encode(events.ResponseDone(response_id="r", status="cancelled")))
    assert hear(server, turn)[0] == created(text_message("stop"))[0]


def test_new_input_waits_where_nothing_interrupts() -> None:
    server = Server()
    hear(server, {"setup": {"realtimeInputConfig": {"activityHandling": "NO_INTERRUPTION"}}})
    assert list(server.encode(events.ResponseCreated(response_id="r"))) == []

    heard = hear(server, {"realtimeInput": {"text": "hi"}})

    assert heard == [*created(text_message("hi")), RESPOND]


# Tools.


def test_the_last_of_the_outputs_asks_once() -> None:
    server = Server()
    call(server, "a", "b", "c")

    first = hear(server, respond({"id": "a", "response": {"output": 3}}))
    rest = hear(server, respond({"id": "c", "response": {}}, {"id": "b", "response": {"x": 1}}))

    assert first == created(FunctionCallOutput(call_id="a", output="3"))
    assert rest == [
        *created(
            FunctionCallOutput(call_id="c", output="{}"),
            FunctionCallOutput(call_id="b", output='{"x":1}'),
        ),
        RESPOND,
    ]


def test_outputs_of_unknown_calls_ask() -> None:
    assert hear(Server(), respond({"id": "x", "response": {}}))[-1] == RESPOND


def test_an_output_without_an_id_is_found_by_its_name() -> None:
    server = Server()
    call(server, "a", "b")

    named = hear(server, respond({"name": "name_b", "response": {}}))
    unknown = hear(server, respond({"name": "other", "response": None}, {}))

    assert named == created(FunctionCallOutput(call_id="b", name="name_b", output="{}"))
    assert unknown == created(
        FunctionCallOutput(call_id="other", name="other", output="{}"),
        FunctionCallOutput(call_id="", output="{}"),
    )


@pytest.mark.parametrize("over", ["cancelled", "answered", "no output", "response cancelled"])
def test_what_nobody_waits_for_does_not_ask(over: str) -> None:
    server = Server()
    call(server, "a", expects=over != "no output")
    if over == "cancelled":
        assert list(server.encode(events.FunctionCallCancelled(call_ids=("a",))))
    elif over == "answered":
        assert hear(server, respond({"id": "a", "response": {}}))[-1] == RESPOND
    elif over == "response cancelled":
        assert list(server.encode(events.ResponseDone(response_id="r", status="cancelled")))

    assert hear(server, respond({"id": "a", "response": {}})) == created(
        FunctionCallOutput(call_id="a", output="{}")
    )


def test_a_silent_output_does_not_ask() -> None:
    server = Server()
    call(server, "a")

    heard = hear(server, respond({"id": "a", "response": {}, "scheduling": "SILENT"}))

    assert heard == created(
        FunctionCallOutput(call_id="a", output="{}", provider_options={"scheduling": "SILENT"})
    )


def test_an_output_that_continues_leaves_the_call_pending() -> None:
    server = Server()
    call(server, "a")

    first = hear(server, respond({"id": "a", "response": {}, "willContinue": True}))
    last = hear(server, respond({"id": "a", "response": {}, "willContinue": False}))

    assert [type(one) for one in first] == [events.ConversationItemCreate]
    assert last[-1] == RESPOND


@pytest.mark.parametrize(
    ("response", "output"),
    [
        ({"output": "sunny"}, "sunny"),
        ({"output": "5"}, '"5"'),
        ({"output": 5}, "5"),
        ({"output": None}, "null"),
        ({"output": {"a": 1}}, '{"a":1}'),
        ({"output": {"error": 1}}, '{"output":{"error":1}}'),
        ({"output": 1, "more": 2}, '{"output":1,"more":2}'),
    ],
)
def test_an_output_is_taken_out_of_its_wrapping(response: Json, output: str) -> None:
    [created, _] = hear(Server(), respond({"id": "a", "response": response}))
    assert isinstance(created, events.ConversationItemCreate)
    item = created.item
    assert isinstance(item, FunctionCallOutput)

    [said, *_] = Client().encode(created)

    assert (item.output, item.failed) == (output, False)
    assert next(iter(Server().decode(said))) == created


# All else.


def test_an_unknown_message_is_passed_on() -> None:
    unknown: list[Json] = [{"somethingNew": {}}, {}, {"realtimeInput": {}}]
    for message in unknown:
        [custom] = hear(Server(), message)

        assert isinstance(custom, events.Custom)
        assert json.loads(bytes(custom.raw)) == message


def test_the_models_name_may_be_in_the_setup() -> None:
    [heard] = hear(Server("other"), {"setup": {"model": "tunedModels/mine"}})

    assert isinstance(heard, events.SessionUpdate)
    assert heard.config.model == "tunedModels/mine"


def test_nothing_of_a_bad_message_has_happened() -> None:
    server = Server()
    call(server, "a")

    with pytest.raises(WireError, match=r"mediaChunks\[1\]\.data"):
        chunks = [
            {"mimeType": "audio/pcm;rate=8000", "data": "AQ=="},
            {"mimeType": "audio/pcm", "data": "?"},
        ]
        hear(server, {"realtimeInput": {"mediaChunks": chunks}})
    with pytest.raises(WireError, match=r"turns\[0\]\.parts\[1\]\.inlineData\.data"):
        parts = [
            {"inlineData": {"mimeType": "audio/pcm;rate=8000", "data": "AQ=="}},
            {"inlineData": {"mimeType": "image/png", "data": "?"}},
        ]
        hear(server, {"clientContent": {"turns": [{"parts": parts}]}})

    assert server.input_rate == 16_000
    assert hear(server, audio()) == [events.InputAudioAppend(audio=b"\1\0\2\0")]


def test_text_parts_are_kept_apart() -> None:
    parts = [{"text": "a"}, {"text": "b"}]

    [heard] = hear(Server(), {"clientContent": {"turns": [{"parts": parts}]}})

    item = Message(role="user", content=(TextPart(text="a"), TextPart(text="b")))
    assert heard == events.ConversationItemCreate(item=item)
