"""What one end of a Live session says, the other hears; and nonsense harms neither."""

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.codecs import events
from antiphon.codecs.openai_live import DIALECT, Client, Server
from antiphon.codecs.wire import Unsayable, WireError
from tests.codecs.strategies import client_events, json_values, of, server_events, swapped

TO_SERVER = sorted(DIALECT.repertoire_of_client.native - {events.Custom}, key=str)
TO_CLIENT = sorted(
    DIALECT.repertoire_of_server.native - {events.Custom, events.CommandAcknowledged}, key=str
)


def at_the_server(event: events.ClientEvent) -> list[events.ClientEvent]:
    server = Server()
    return [heard for message in Client().encode(event) for heard in server.decode(message)]


def at_the_client(event: events.ServerEvent) -> list[events.ServerEvent]:
    client = Client()
    return [heard for message in Server().encode(event) for heard in client.decode(message)]


@pytest.mark.parametrize("kind", TO_SERVER, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_the_server_hears_what_the_client_says(kind: Any, data: st.DataObject) -> None:
    event = data.draw(of(kind))

    try:
        [heard] = at_the_server(event)
    except Unsayable:
        return

    assert type(heard) is kind
    assert at_the_server(heard) == [heard]


@pytest.mark.parametrize("kind", TO_CLIENT, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_the_client_hears_what_the_server_says(kind: Any, data: st.DataObject) -> None:
    event = data.draw(of(kind))

    [heard] = at_the_client(event)

    assert type(heard) is kind
    assert at_the_client(heard) == [heard]


@given(client_events)
def test_whatever_a_client_is_told_to_say_it_says_or_refuses(event: events.ClientEvent) -> None:
    try:
        for message in Client().encode(event):
            list(Server().decode(message))
    except (Unsayable, WireError):
        pass


@given(server_events)
def test_whatever_a_server_says_is_acceptable_to_a_strict_client(event: events.ServerEvent) -> None:
    if isinstance(event, events.Custom):
        return

    for heard in at_the_client(event):
        assert getattr(heard, "code", None) != "invalid_server_event" or heard == event


KNOWN = [
    '{"type":"session.start","session":{"model":"m","audio":{"format":{"type":"audio/pcm"}}}}',
    '{"type":"session.input_audio.append","audio":"AAE="}',
    '{"type":"session.thinking.append","content":"c","delegation_id":null}',
    '{"type":"session.started","session":{"id":"s","delegation":{"type":"client"}}}',
    '{"type":"session.closed","session":{"id":"s"},"usage":{"seconds":1},"reason":"r"}',
    '{"type":"session.usage.updated","usage":{"seconds":1},"context_window":{"usage_ratio":1}}',
    '{"type":"session.output_audio.delta","delta":"AAE=","start_ms":0,"end_ms":1}',
    '{"type":"session.input_transcript.delta","delta":"a","start_ms":0,"end_ms":1}',
    '{"type":"session.delegation.created","delegation":{"id":"d","target":"client"}}',
    '{"type":"session.updated","session":{"id":"s"},"client_event_id":"c"}',
    '{"type":"session.thinking.appended","start_ms":0,"end_ms":1}',
    '{"type":"error","error":{"message":"m","code":"c","client_event_id":"x"}}',
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
def test_noise_is_a_wire_error(message: bytes | str) -> None:
    for end in (Client(), Server()):
        with contextlib.suppress(WireError):
            list(end.decode(message))


@pytest.mark.parametrize("message", KNOWN)
def test_a_deep_or_huge_value_beside_is_no_harm(message: str) -> None:
    for beside in ("[" * 5000 + "]" * 5000, "9" * 5000, "1e999"):
        for end in (Client(), Server()):
            with contextlib.suppress(WireError):
                list(end.decode(message[:-1] + f',"x":{beside}}}'))


def test_the_custom_words_of_the_dialect_make_the_trip() -> None:
    event = events.Custom(
        dialect="openai_live", raw_type="new", raw=msgspec.Raw(b'{"type":"new","a":[1, 2]}')
    )

    assert at_the_client(event) == at_the_server(event) == [event]
