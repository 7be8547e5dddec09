"""What our ends write is what the provider's own package for Python would read, to the letter."""

from typing import Any

import msgspec
import pytest
from google.genai import types
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.events import ClientEvent, EventFrame, ServerEvent
from antiphon.codecs.gemini import DIALECT, Client, Server
from antiphon.codecs.items import Message, TextPart
from antiphon.codecs.wire import Unsayable, WireError
from tests.codecs.strategies import client_events, of, pcm, server_events

Json = dict[str, Any]

MODEL = "gemini-3.8-live"


def conforms(
    message: str | bytes, kind: type[types.LiveServerMessage] | type[types.LiveClientMessage]
) -> None:
    """A setup's `realtimeInputConfig` has a class, but is no field of the setup's."""
    said: Json = msgspec.json.decode(message)
    setup = said.get("setup", {})
    if (turns := setup.pop("realtimeInputConfig", None)) is not None:
        types.RealtimeInputConfig.model_validate(turns)
    thinking = setup.get("generationConfig", {}).get("thinkingConfig", {})
    if thinking.get("thinkingLevel") not in (None, "minimal", "low", "medium", "high"):
        del thinking["thinkingLevel"]  # as the application wrote it
    kind.model_validate(said, strict=False)


@given(st.lists(server_events, max_size=12))
@settings(max_examples=300)
def test_a_server_is_understood(said: list[ServerEvent]) -> None:
    server, client = Server(), Client()
    for event in said:
        if isinstance(event, events.Custom):
            continue
        for message in server.encode(event):
            assert isinstance(message, bytes)
            conforms(message, types.LiveServerMessage)
            assert list(client.decode(message))


@given(st.lists(client_events, max_size=12))
@settings(max_examples=300)
def test_a_client_is_understood(said: list[ClientEvent]) -> None:
    client, server = Client(MODEL), Server()
    for event in said:
        if isinstance(event, events.Custom):
            continue
        if isinstance(event, events.SessionUpdate):
            event = events.SessionUpdate(config=without_options(event.config))
        try:
            messages = list(client.encode(event))
        except Unsayable:
            continue
        for message in messages:
            conforms(message, types.LiveClientMessage)
            assert list(server.decode(message))


def without_options(config: SessionConfig) -> SessionConfig:
    tools = config.tools and tuple(
        msgspec.structs.replace(tool, provider_options=None) for tool in config.tools
    )
    return msgspec.structs.replace(config, provider_options=None, tools=tools)


# The law of the two ends.


def is_said(event: Any) -> bool:
    """Nothing is said of nothing, and some things cannot be said."""
    match event:
        case events.TextDelta() | events.AudioTranscriptDelta():
            return event.delta != ""
        case events.InputTranscriptionDelta():
            return event.delta != ""
        case events.InputTranscriptionCompleted():
            return event.transcript != ""
        case events.ConversationItemCreate(item=Message(content=parts)):
            return all(isinstance(part, TextPart) for part in parts) and bool(parts)
        case _:
            return True


def of_kind(kind: type[EventFrame], heard: list[Any]) -> list[Any]:
    return [event for event in heard if type(event) is kind]


NATIVE_TO_SERVER = sorted(
    DIALECT.repertoire_of_client.native - {events.Custom}, key=lambda kind: kind.__name__
)
NATIVE_TO_CLIENT = sorted(
    DIALECT.repertoire_of_server.native - {events.Custom}, key=lambda kind: kind.__name__
)


@pytest.mark.parametrize("kind", NATIVE_TO_SERVER)
@given(data=st.data())
def test_what_a_client_says_is_heard(kind: type[EventFrame], data: st.DataObject) -> None:
    event = data.draw(of(kind).filter(is_said))
    try:
        first = over(Client(MODEL), Server(), event)
    except (Unsayable, WireError):
        return
    if isinstance(event, events.ConversationItemCreate) and not first:
        assert type(event.item).__name__ == "CustomItem"
        return

    [once] = of_kind(kind, first)
    [twice] = of_kind(kind, over(Client(MODEL), Server(), once))

    assert twice == once


@pytest.mark.parametrize("kind", NATIVE_TO_CLIENT)
@given(data=st.data())
def test_what_a_server_says_is_heard(kind: type[EventFrame], data: st.DataObject) -> None:
    event = data.draw(of(kind).filter(is_said))

    [once] = of_kind(kind, over(Server(), Client(MODEL), event))
    [twice] = of_kind(kind, over(Server(), Client(MODEL), once))

    assert twice == once


def over(speaker: Any, listener: Any, event: Any) -> list[Any]:
    return [heard for said in speaker.encode(event) for heard in listener.decode(said)]


@given(pcm)
def test_speech_arrives_as_it_was(audio: bytes) -> None:
    [heard] = over(Client(), Server(), events.InputAudioAppend(audio=audio))
    assert heard.audio == audio

    delta = events.AudioDelta(response_id="r", item_id="i", delta=audio)
    [heard] = over(Server(), Client(), delta)
    assert heard.delta == audio
