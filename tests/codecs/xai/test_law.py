"""For each event of the repertoire the other end hears the same; nonsense harms neither."""

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.codecs import events
from antiphon.codecs.config import AudioFormat
from antiphon.codecs.items import AudioPart, Message
from antiphon.codecs.wire import Unsayable, WireError
from antiphon.codecs.xai import DIALECT, Client, Server
from tests.codecs.strategies import client_events, json_values, of, server_events, swapped

FORMATS = st.sampled_from(
    [
        None,
        AudioFormat(type="audio/pcm", rate=16_000),
        AudioFormat(type="audio/pcmu"),
        AudioFormat(type="audio/pcma", rate=8_000),
    ]
)

REFUSED = (events.SessionUpdate, events.ResponseCreate, events.ConversationItemCreate)
"""For what is in them."""

SETTLING = (events.SessionUpdate, events.SessionCreated, events.SessionUpdated)


def sayable(kind: type[Any]) -> st.SearchStrategy[Any]:
    """Events of a *kind*, with formats that there are, and words of its own."""
    if kind is events.Custom:
        raw = msgspec.Raw(b'{"type":"new","a":[1, 2]}')
        return st.just(events.Custom(dialect="xai", raw_type="new", raw=raw))
    if kind is events.ConversationItemCreate:
        return of(kind).filter(says_something)
    if kind not in SETTLING:
        return of(kind).filter(in_the_session)

    def with_formats(drawn: tuple[Any, Any, Any]) -> Any:
        event, heard, spoken = drawn
        if event.config is None:
            return event
        config = msgspec.structs.replace(
            event.config, input_audio_format=heard, output_audio_format=spoken
        )
        return msgspec.structs.replace(event, config=config)

    return st.tuples(of(kind), FORMATS, FORMATS).map(with_formats)


def in_the_session(event: Any) -> bool:
    times = ("at", "audio_start", "audio_end", "received")
    return all((getattr(event, name, None) or 0) >= 0 for name in times)


def says_something(event: events.ConversationItemCreate) -> bool:
    """No audio is as good as an empty text, which is what is said then."""
    content = event.item.content if isinstance(event.item, Message) else ()
    return not any(isinstance(part, AudioPart) and part.audio == b"" for part in content)


def across(event: Any, said: Any, heard: Any, kind: type[Any]) -> list[Any]:
    """What is heard of the same *kind*, nameless: a server names what has no name."""
    return [
        msgspec.structs.replace(one, event_id=None)
        for message in said.encode(event)
        for one in heard.decode(message)
        if type(one) is kind
    ]


def named(kind: type[Any]) -> str:
    return kind.__name__


TO_SERVER = sorted(DIALECT.repertoire_of_client.native, key=named)
TO_CLIENT = sorted(DIALECT.repertoire_of_server.native, key=named)


@pytest.mark.parametrize("kind", TO_SERVER, ids=named)
@given(data=st.data())
def test_the_server_hears_what_the_client_says(kind: Any, data: st.DataObject) -> None:
    event = data.draw(sayable(kind))

    try:
        heard = across(event, Client(), Server(), kind)
    except Unsayable:
        assert kind in REFUSED
        return

    assert len(heard) == 1
    assert across(heard[0], Client(), Server(), kind) == heard


@pytest.mark.parametrize("kind", TO_CLIENT, ids=named)
@given(data=st.data())
def test_the_client_hears_what_the_server_says(kind: Any, data: st.DataObject) -> None:
    event = data.draw(sayable(kind))

    heard = across(event, Server(), Client(), kind)

    assert len(heard) == 1
    assert across(heard[0], Server(), Client(), kind) == heard


@given(client_events)
def test_whatever_a_client_is_told_to_say_it_says_or_refuses(event: events.ClientEvent) -> None:
    with contextlib.suppress(Unsayable, WireError):
        for message in Client().encode(event):
            list(Server().decode(message))


@given(server_events)
def test_whatever_a_server_is_told_to_say_it_says_or_refuses(event: events.ServerEvent) -> None:
    with contextlib.suppress(Unsayable, WireError):
        for message in Server().encode(event):
            list(Client().decode(message))


KNOWN = [
    '{"type":"session.update","session":{"voice":"v","audio":{"input":{"transport":"binary"}}}}',
    '{"type":"input_audio_buffer.append","audio":"AAE="}',
    '{"type":"conversation.item.create","item":{"type":"force_message","content":[]}}',
    '{"type":"response.create","response":{"modalities":["text"]}}',
    '{"type":"session.created","session":{"id":"s","resumption":{"enabled":true}}}',
    '{"type":"conversation.created","conversation":{"id":"c"}}',
    '{"type":"conversation.item.input_audio_transcription.updated","transcript":"a"}',
    '{"type":"response.created","response":{"id":"r","status":"in_progress"}}',
    '{"type":"response.text.delta","delta":"a"}',
    '{"type":"response.output_audio.delta","delta":"AAE=","item_id":"i","output_index":0}',
    '{"type":"response.function_call_arguments.done","call_id":"c","name":"n","arguments":"{}"}',
    '{"type":"response.done","response":{"id":"r"},"usage":{"input_tokens":1}}',
    '{"type":"input_audio_buffer.dtmf_event_received","digit":"5"}',
    '{"type":"ping","timestamp":1}',
]


@given(st.sampled_from(KNOWN), st.integers(0, 8), json_values)
def test_any_value_in_any_place_is_heard_or_a_wire_error(
    known: str, place: int, other: Any
) -> None:
    message = json.dumps(swapped(json.loads(known), place, other))

    for end in (Client(), Server()):
        with contextlib.suppress(WireError):
            list(end.decode(message))


@given(st.binary() | st.text() | st.sampled_from(KNOWN).map(lambda known: known[:-3]))
def test_noise_is_audio_or_a_wire_error(message: bytes | str) -> None:
    for end in (Client(), Server()):
        with contextlib.suppress(WireError):
            heard = list(end.decode(message))
            if isinstance(message, str):
                assert all(isinstance(event, events.Custom) for event in heard)


@pytest.mark.parametrize("message", KNOWN)
def test_a_deep_or_huge_value_beside_is_no_harm(message: str) -> None:
    for beside in ("[" * 5000 + "]" * 5000, "9" * 5000, "1e999", '"\\ud800"'):
        for end in (Client(), Server()):
            with contextlib.suppress(WireError):
                list(end.decode(message[:-1] + f',"x":{beside}}}'))
