"""What one end of a call says, the other hears; and nonsense harms neither."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.codecs import events
from antiphon.codecs.cartesia import DIALECT, Client, Server
from antiphon.codecs.wire import Unsayable, WireError
from tests.codecs.strategies import client_events, json_values, of, server_events, swapped

TO_SERVER = sorted(DIALECT.repertoire_of_client.native - {events.Custom}, key=str)
TO_CLIENT = sorted(DIALECT.repertoire_of_server.native - {events.Custom}, key=str)


def at_the_server(event: events.ClientEvent) -> list[events.ClientEvent]:
    client, server = Client(), Server()
    return [heard for message in client.encode(event) for heard in server.decode(message)]


def at_the_client(event: events.ServerEvent) -> list[events.ServerEvent]:
    client, server = Client(), Server()
    return [heard for message in server.encode(event) for heard in client.decode(message)]


@pytest.mark.parametrize("kind", TO_SERVER, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_the_server_hears_what_the_client_says(kind: Any, data: st.DataObject) -> None:
    event = data.draw(of(kind))

    try:
        [heard] = [one for one in at_the_server(event) if type(one) is kind]
    except Unsayable:
        return

    assert [one for one in at_the_server(heard) if type(one) is kind] == [heard]


@pytest.mark.parametrize("kind", TO_CLIENT, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_the_client_hears_what_the_server_says(kind: Any, data: st.DataObject) -> None:
    event = data.draw(of(kind))

    [heard] = [one for one in at_the_client(event) if type(one) is kind]

    assert [one for one in at_the_client(heard) if type(one) is kind] == [heard]


@given(st.lists(client_events, max_size=5))
def test_whatever_a_client_is_told_to_say_it_says_or_refuses(
    told: list[events.ClientEvent],
) -> None:
    client, server = Client(), Server()

    for event in told:
        with contextlib.suppress(Unsayable, WireError):
            for message in client.encode(event):
                list(server.decode(message))


@given(st.lists(server_events, max_size=8))
def test_whatever_a_server_says_makes_whole_turns(told: list[events.ServerEvent]) -> None:
    client, server = Client(), Server()
    heard: list[events.ServerEvent] = []

    for event in told:
        if not isinstance(event, events.Custom):
            for message in server.encode(event):
                heard += client.decode(message)

    begun = [event.response_id for event in heard if isinstance(event, events.ResponseCreated)]
    over = [event.response_id for event in heard if isinstance(event, events.ResponseDone)]
    assert len(set(begun)) == len(begun)
    assert len(set(over)) == len(over)
    assert set(over) <= set(begun)


KNOWN = [
    '{"type":"session_create","audio":{"input_format":"pcm_16000","output_delivery":"x"}}',
    '{"type":"audio_input","audio":"AAE="}',
    '{"type":"client_tool_result","tool_call_id":"c","result":"r","is_error":false}',
    '{"type":"session_ready","call_id":"c","agent_id":"a","audio":{"input_format":"pcm_16000"}}',
    '{"type":"audio_output","audio":"AAE="}',
    '{"type":"client_tool_call","tool_call_id":"c","tool_name":"f","parameters":{}}',
    '{"type":"turn_started","turn":1,"role":"user","start_time":1.5}',
    '{"type":"turn_output_text_delta","turn":1,"role":"user","text":"a"}',
    '{"type":"turn_ended","turn":1,"role":"assistant","text":"a","interrupted":true}',
    '{"type":"error","code":"c","message":"m","fatal":false}',
    '{"event":"media_input","stream_id":"s","media":{"payload":"AAE="}}',
    '{"transcript":"a","context_id":"c"}',
]


def ends() -> list[Client | Server]:
    return [Client(), Server()]


@given(st.sampled_from(KNOWN), st.integers(0, 8), json_values)
def test_any_value_in_any_place_is_heard_or_a_wire_error(
    known: str, place: int, other: Any
) -> None:
    message = json.dumps(swapped(json.loads(known), place, other))

    for end in ends():
        with contextlib.suppress(WireError):
            list(end.decode(message))


@given(st.binary() | st.text() | st.sampled_from(KNOWN).map(lambda known: known[:-3]))
def test_noise_is_a_wire_error_or_noise(message: bytes | str) -> None:
    for end in ends():
        with contextlib.suppress(WireError):
            list(end.decode(message))


@pytest.mark.parametrize("message", [*KNOWN, '{"type":"error","message":"\ud800"}'])
def test_a_deep_or_huge_value_beside_is_no_harm(message: str) -> None:
    for beside in ("[" * 5000 + "]" * 5000, "9" * 5000, "1e999", '"\\ud800"'):
        for end in ends():
            with contextlib.suppress(WireError):
                for heard in end.decode(message[:-1] + f',"result":{beside}}}'):
                    assert heard
