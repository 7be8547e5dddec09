"""What the AI SDK and OpenAI's agents library put on the wire, and where we do otherwise."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET

from antiphon.codecs import events
from antiphon.codecs.config import (
    AudioFormat,
    ResponseOptions,
    SessionConfig,
    ToolDefinition,
    Transcription,
    TurnDetection,
)
from antiphon.codecs.connection import HttpResponse, Upgrade
from antiphon.codecs.items import AudioPart, FunctionCallOutput, Message, text_message
from antiphon.codecs.openai import Client, Server
from antiphon.codecs.openai.reach import accept, connect, mint, minted
from antiphon.codecs.wire import Unsayable, WireError
from tests.codecs.openai import strict

Json = dict[str, Any]

DATA = Path(__file__).parents[2] / "data"
SDK: Json = json.loads((DATA / "aisdk" / "openai.json").read_text())
AGENTS: Json = json.loads((DATA / "agents.json").read_text())


def vectors(source: Json, section: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "vector", [pytest.param(one, id=one["name"]) for one in source[section]]
    )


# Their normalized JSON as our events.


def config_of(given: Json, vector: Json) -> SessionConfig:
    transcription = given.get("inputAudioTranscription")
    options: Json = dict(given.get("providerOptions", {}))
    if vector.get("options", {}).get("intent") == "transcription":
        options["type"] = "transcription"
    tools = given.get("tools")
    return SessionConfig(
        instructions=given.get("instructions"),
        voice=given.get("voice"),
        output_modalities=tuple(given["outputModalities"]) if "outputModalities" in given else None,
        input_audio_format=format_of(given.get("inputAudioFormat")),
        output_audio_format=format_of(given.get("outputAudioFormat")),
        input_audio_transcription=UNSET
        if transcription is None
        else Transcription(
            model=transcription.get("model"),
            language=transcription.get("language"),
            prompt=transcription.get("prompt"),
        ),
        turn_detection=detection_of(given.get("turnDetection")),
        tools=None
        if tools is None
        else tuple(
            ToolDefinition(
                name=tool["name"],
                description=tool.get("description"),
                parameters=tool["parameters"],
            )
            for tool in tools
        ),
        provider_options=options or None,
    )


def format_of(given: Json | None) -> AudioFormat | None:
    return None if given is None else AudioFormat(type=given["type"], rate=given.get("rate"))


def detection_of(given: Json | None) -> Any:
    """Null says nothing there, whatever their documentation says."""
    if given is None:
        return UNSET

    def micros(name: str) -> int | None:
        return None if given.get(name) is None else given[name] * 1000

    return TurnDetection(
        type=given["type"],
        threshold=given.get("threshold"),
        silence_duration=micros("silenceDurationMs"),
        prefix_padding=micros("prefixPaddingMs"),
    )


def event_of(given: Json, vector: Json) -> events.ClientEvent | None:
    event_id = given.get("eventId")
    match given["type"]:
        case "session-update":
            config = config_of(given["config"], vector)
            return events.SessionUpdate(config=config, event_id=event_id)
        case "session-start":
            return events.SessionStart(config=config_of(given["config"], vector))
        case "session-close":
            return events.SessionClose()
        case "input-audio-mute":
            return events.InputAudioMute(event_id=event_id)
        case "input-audio-unmute":
            return events.InputAudioUnmute(event_id=event_id)
        case "context-append":
            return events.ContextAppend(
                content=given["content"], delegation_id=given["delegationId"]
            )
        case "input-audio-append":
            return events.InputAudioAppend(audio=b64decode(given["audio"]), event_id=event_id)
        case "input-audio-commit":
            return events.InputAudioCommit()
        case "input-audio-clear":
            return events.InputAudioClear()
        case "conversation-item-create":
            return events.ConversationItemCreate(item=item_of(given["item"]))
        case "conversation-item-truncate":
            return events.ConversationItemTruncate(
                item_id=given["itemId"],
                content_index=given["contentIndex"],
                audio_end=given["audioEndMs"] * 1000,
            )
        case "response-create":
            return events.ResponseCreate(options=options_of(given.get("options")))
        case "response-cancel":
            return events.ResponseCancel()
        case _:
            return None


def item_of(given: Json) -> Any:
    match given["type"]:
        case "text-message":
            return text_message(given["text"])
        case "audio-message":
            return Message(role="user", content=(AudioPart(audio=b64decode(given["audio"])),))
        case _:
            return FunctionCallOutput(
                call_id=given["callId"], output=given["output"], name=given.get("name")
            )


def options_of(given: Json | None) -> ResponseOptions | None:
    if given is None:
        return None
    modalities = given.get("modalities")
    return ResponseOptions(
        modalities=None if modalities is None else tuple(modalities),
        instructions=given.get("instructions"),
        metadata=given.get("metadata"),
    )


# The AI SDK.


@vectors(SDK, "serialize")
def test_the_client_says_what_the_ai_sdk_says(vector: Json) -> None:
    client = Client(SDK["modelId"])

    for given, expected in zip(vector["events"], vector["expected"], strict=True):
        event = event_of(given, vector)
        said = [] if event is None else [json.loads(one) for one in client.encode(event)]
        assert said == ([] if expected is None else [expected])


@vectors(SDK, "sessionConfig")
def test_a_session_is_configured_as_by_the_ai_sdk(vector: Json) -> None:
    client = Client(SDK["modelId"])
    update = events.SessionUpdate(config=config_of(vector["config"], vector))

    if "$error" in vector["expected"]:
        with pytest.raises(Unsayable):
            list(client.encode(update))
        return

    [said] = client.encode(update)

    assert json.loads(said)["session"] == vector["expected"]


OTHERWISE = {
    "http baseURL still returns wss": "ws://127.0.0.1:8080/v1/realtime?model=gpt-realtime",
    "path prefix is dropped from ws url": (
        "wss://proxy.example/openai/v1/realtime?model=gpt%20realtime%2F2"
    ),
}
"""There the SDK's address is of no use: the base's scheme and path are kept."""

OTHER_DIALECT = {"live refuses"}
"""It speaks another protocol, and has an end of its own."""


@vectors(SDK, "token")
def test_tickets_are_minted_as_by_the_ai_sdk(vector: Json) -> None:
    if vector["name"] in OTHER_DIALECT:
        assert "$error" in vector["expected"]
        return
    asked = vector["getTokenOptions"]
    config = asked.get("sessionConfig")
    request = mint(
        asked["model"],
        key="sk-test",
        now=0,
        config=None if config is None else config_of(config, {}),
        lifetime=asked.get("expiresAfterSeconds"),
        base_url=vector["baseURL"],
    )

    [expected] = vector["request"]
    assert (request.method, request.url) == (expected["method"], expected["url"])
    assert json.loads(request.body) == expected["body"]
    assert {key.lower(): value for key, value in request.headers.items()} == {
        key.lower(): value for key, value in expected["headers"].items()
    }

    reply = vector["httpReply"]
    response = HttpResponse(status=reply["status"], body=json.dumps(reply["body"]).encode())
    if "$error" in vector["expected"]:
        with pytest.raises(WireError, match=str(reply["status"])):
            minted(asked["model"], response, base_url=vector["baseURL"])
        return
    ticket = minted(asked["model"], response, base_url=vector["baseURL"])
    opened = connect(asked["model"], ticket=ticket.token, base_url=vector["baseURL"])

    token, socket = vector["expected"]["token"], vector["expected"]["webSocketConfig"]
    assert ticket.token == token["token"]
    assert ticket.expires_at == token.get("expiresAt")
    assert ticket.url == opened.url == OTHERWISE.get(vector["name"], socket["url"])
    assert (ticket.url == token["url"]) is (vector["name"] not in OTHERWISE)
    assert list(opened.subprotocols) == socket["protocols"]


def test_every_deviation_is_of_a_vector_that_there_is() -> None:
    names = {one["name"] for one in SDK["token"]}

    assert OTHERWISE.keys() | OTHER_DIALECT <= names


@pytest.mark.parametrize(
    "vector", [one for one in SDK["serverWebSocket"] if "$error" not in one["expected"]]
)
def test_servers_connect_as_the_ai_sdk_does(vector: Json) -> None:
    options: Json = vector["options"] or {}
    opened = connect(SDK["modelId"], key="sk-test", **options)

    assert opened.url == vector["expected"]["url"]
    assert {key.lower(): value for key, value in opened.headers.items()} == (
        vector["expected"]["headers"]
    )
    assert opened.subprotocols == ()
    admission = accept(Upgrade(target="/" + opened.url.split("/", 3)[3]))
    assert admission is not None


# OpenAI's agents library.


def sampled(wire: Json) -> Json:
    """With audio where a vector only says how much."""
    if str(wire.get("delta")).startswith("$pcm16ms:"):
        return wire | {"delta": ""}
    return wire


@vectors(AGENTS, "frames")
def test_what_that_library_does_not_understand_is_not_agreeable(vector: Json) -> None:
    wire = vector["wire"]
    if vector["schemaValid"] or "type" not in wire:
        return
    if wire["type"] in (
        "vendor.event",
        "conversation.created",
        "conversation.item.created",
        "response.audio.delta",
    ):
        return  # our server says none of these
    if any(one["type"] == "input_image" for one in wire.get("item", {}).get("content", ())):
        return  # OpenAI's own server does so

    with pytest.raises((AssertionError, KeyError)):
        strict.agreeable(wire)


@vectors(AGENTS, "frames")
def test_whatever_that_library_understands_we_do_and_can_say_so_that_it_does(
    vector: Json,
) -> None:
    wire = sampled(vector["wire"])
    if not vector["schemaValid"]:
        return

    for event in Client().decode(json.dumps(wire)):
        for message in Server().encode(event):
            if not isinstance(event, events.Custom):
                strict.from_server(message)


@vectors(AGENTS, "configs")
def test_that_library_is_shown_all_of_what_it_asked_for(vector: Json) -> None:
    [asked] = vector["sent"]
    server = Server()
    [update] = server.decode(json.dumps(asked))
    list(server.encode(events.SessionCreated()))
    assert isinstance(update, events.SessionUpdate)

    [shown] = server.encode(events.SessionUpdated(config=update.config))
    said = json.loads(shown)
    strict.agreeable(said)
    session = said["session"]

    wanted = asked["session"]
    assert session["audio"]["output"] == wanted["audio"]["output"]
    detection = session["audio"]["input"].pop("turn_detection")
    asked_detection = wanted["audio"]["input"].pop("turn_detection")
    assert session["audio"]["input"] == wanted["audio"]["input"]
    if asked_detection is None:
        assert detection is None
    else:
        assert detection.items() >= asked_detection.items()
        assert detection["interrupt_response"] is asked_detection.get("interrupt_response", True)
    for key in wanted.keys() - {"audio", "tools", "object"}:
        assert session[key] == wanted[key]


def test_a_patch_of_that_library_takes_nothing_from_the_session() -> None:
    server = Server()
    list(server.encode(events.SessionCreated()))
    [full] = server.decode(json.dumps(AGENTS["configs"][-1]["sent"][0]))
    [patch] = server.decode(
        '{"type":"session.update","session":{"type":"realtime","tracing":"auto"}}'
    )
    assert isinstance(full, events.SessionUpdate)
    assert isinstance(patch, events.SessionUpdate)

    [before] = server.encode(events.SessionUpdated(config=full.config))
    [after] = server.encode(events.SessionUpdated(config=patch.config))

    assert json.loads(after)["session"] == json.loads(before)["session"] | {"tracing": "auto"}
