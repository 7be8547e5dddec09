"""What one end says the other hears, whatever it is; and nothing that comes in breaks an end."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.codecs import events
from antiphon.codecs.items import FunctionCallOutput, ImagePart, Message, text_message
from antiphon.codecs.opper import DIALECT, Client, Server
from antiphon.codecs.wire import Unsayable, WireError
from tests.codecs.strategies import client_events, json_values, of, server_events

WIRE = Path(__file__).parents[2] / "data" / "wire"
OWN = events.Custom(
    dialect="opper", raw_type="new.thing", raw=msgspec.Raw(b'{"type":"new.thing","x":[1]}')
)


def by_server(event: events.ClientEvent) -> list[events.ClientEvent]:
    client, server = Client(), Server()
    return [heard for m in client.encode(event) for heard in server.decode(m)]


def by_client(event: events.ServerEvent) -> list[events.ServerEvent]:
    server, client = Server(), Client()
    return [heard for m in server.encode(event) for heard in client.decode(m)]


def only(kind: type[Any], heard: list[Any]) -> Any:
    [event] = [event for event in heard if isinstance(event, kind)]
    return event


@pytest.mark.parametrize("kind", sorted(DIALECT.repertoire_of_server.native, key=str))
@given(data=st.data())
def test_a_client_hears_what_a_server_says(kind: type[Any], data: st.DataObject) -> None:
    event = OWN if kind is events.Custom else data.draw(of(kind))

    once = only(kind, by_client(event))
    twice = only(kind, by_client(once))

    assert once == twice


sayable_items = st.one_of(
    of(FunctionCallOutput),
    st.text(max_size=8).map(text_message),
    of(ImagePart).map(lambda part: Message(role="user", content=(part,))),
)


@pytest.mark.parametrize("kind", sorted(DIALECT.repertoire_of_client.native, key=str))
@given(data=st.data())
def test_a_server_hears_what_a_client_says(kind: type[Any], data: st.DataObject) -> None:
    if kind is events.Custom:
        event = OWN
    elif kind is events.ConversationItemCreate:
        event = events.ConversationItemCreate(item=data.draw(sayable_items))
    elif kind is events.ResponseCreate:
        event = events.ResponseCreate()
    else:
        event = data.draw(of(kind))

    try:
        once = only(kind, by_server(event)[-1:])
    except Unsayable:
        return
    twice = only(kind, by_server(once)[-1:])

    assert once == twice


@given(event=client_events)
def test_whatever_a_client_shall_say_it_says_or_refuses(event: events.ClientEvent) -> None:
    client = Client()
    try:
        messages = [*client.encode(event), *client.due()]
    except (WireError, Unsayable):
        return
    assert all("type" in json.loads(message) for message in messages)


@given(said=st.lists(server_events, max_size=4))
def test_whatever_a_server_shall_say_it_says(said: list[events.ServerEvent]) -> None:
    server, client = Server(), Client()

    heard = [e for event in said for m in server.encode(event) for e in client.decode(m)]

    assert server.due() == () and server.deadline is None and server.expire(0) == ()
    assert not any(isinstance(event, events.Custom) for event in heard)


# Bad input.

ends = pytest.mark.parametrize("end", [Client, Server])


@ends
@given(message=st.binary(max_size=40) | st.text(max_size=40))
def test_noise_is_a_wire_error(end: type[Client] | type[Server], message: str | bytes) -> None:
    with pytest.raises(WireError):
        list(end().decode(message))


@ends
@pytest.mark.parametrize(
    "message",
    [
        "null",
        "[]",
        "{}",
        '{"type":null}',
        '{"type":1}',
        '"text"',
        "[" * 100_000,
        '{"type":"x","a":' + "[" * 100_000,
        b"\xff\xfe",
        '{"type":"\\ud800"}',
        '{"type":"audio.append","audio":"\\ud800"}',
        '{"type":"audio.delta","audio":"\\ud800"}'[:-1],
    ],
)
def test_what_is_no_message_is_a_wire_error(
    end: type[Client] | type[Server], message: str | bytes
) -> None:
    with pytest.raises(WireError):
        list(end().decode(message))


@pytest.mark.parametrize(
    ("message", "path"),
    [
        ({"type": "audio.delta"}, "$"),
        ({"type": "audio.delta", "audio": 1}, "$.audio"),
        ({"type": "audio.delta", "audio": "***"}, "$.audio"),
        ({"type": "text.delta", "delta": []}, "$.delta"),
        ({"type": "transcript.committed", "transcript": 1}, "$.transcript"),
        ({"type": "tool.call"}, "$"),
        ({"type": "tool.call", "tool_name": 1}, "$.tool_name"),
        ({"type": "tool.call", "tool_name": "f", "tool_call_id": 1}, "$.tool_call_id"),
        ({"type": "session.started", "session_id": 1}, "$.session_id"),
        ({"type": "session.started", "input_sample_rate": -1}, "$.input_sample_rate"),
        ({"type": "session.started", "output_sample_rate": 10**30}, "$.output_sample_rate"),
        ({"type": "session.started", "sample_rate": "fast"}, "$.sample_rate"),
        ({"type": "session.terminating", "error": 1}, "$.error"),
        ({"type": "error", "error": {"code": []}}, "$.error.code"),
        ({"type": "error", "message": {}}, "$.message"),
    ],
)
def test_a_wrong_field_from_a_server_is_a_wire_error_that_says_where(
    message: dict[str, Any], path: str
) -> None:
    with pytest.raises(WireError) as caught:
        list(Client().decode(json.dumps(message)))

    assert (caught.value.path, caught.value.dialect) == (path, "opper")


@pytest.mark.parametrize(
    ("message", "path"),
    [
        ({"type": "audio.append"}, "$"),
        ({"type": "audio.append", "audio": None}, "$.audio"),
        ({"type": "audio.append", "audio": "AAA"[:1]}, "$.audio"),
        ({"type": "text.input", "text": 1}, "$.text"),
        ({"type": "tool.result"}, "$"),
        ({"type": "tool.result", "tool_call_id": 1}, "$.tool_call_id"),
        ({"type": "image.input"}, "$"),
        ({"type": "image.input", "image_url": "data:image/png;base64,***"}, "$.image_url"),
        ({"type": "image.input", "image_url": "x", "image_detail": 1}, "$.image_detail"),
        ({"type": "image.input", "image_url": "x", "text": 1}, "$.text"),
        ({"type": "session.start", "config": []}, "$.config"),
        ({"type": "session.update", "config": {"model": 1}}, "$.config.model"),
    ],
)
def test_a_wrong_field_from_a_client_is_a_wire_error_that_says_where(
    message: dict[str, Any], path: str
) -> None:
    with pytest.raises(WireError) as caught:
        list(Server().decode(json.dumps(message)))

    assert (caught.value.path, caught.value.dialect) == (path, "opper")


@pytest.mark.parametrize(
    "message",
    [
        '{"type":"tool.call","tool_name":"f","tool_arguments":"\\ud800"}',
        '{"type":"tool.call","tool_name":"f","tool_arguments":' + "[" * 100_000,
        b'{"type":"tool.call","tool_name":"f","tool_arguments":["\xff"]}',
        b'{"type":"tool.call","tool_name":"f","tool_arguments":"\xff"}',
    ],
)
def test_arguments_that_are_no_json_are_a_wire_error(message: str | bytes) -> None:
    with pytest.raises(WireError):
        list(Client().decode(message))


@pytest.mark.parametrize(
    "message",
    [
        '{"type":"tool.result","tool_call_id":"c","tool_result":"\\ud800"}',
        b'{"type":"tool.result","tool_call_id":"c","tool_result":{"error":"\xff"}}',
        b'{"type":"tool.result","tool_call_id":"c","tool_result":{"\xff":1}}',
    ],
)
def test_results_that_are_no_json_are_a_wire_error(message: str | bytes) -> None:
    with pytest.raises(WireError):
        list(Server().decode(message))


def recorded(name: str) -> list[dict[str, Any]]:
    lines = (WIRE / f"opper.{name}.jsonl").read_text().splitlines()
    return [json.loads(line)["wire"] for line in lines]


@pytest.mark.parametrize(("end", "name"), [(Client, "server"), (Server, "client")])
@given(data=st.data())
def test_a_message_with_anything_in_a_field_is_heard_or_a_wire_error(
    end: type[Client] | type[Server], name: str, data: st.DataObject
) -> None:
    message = data.draw(st.sampled_from(recorded(name)))
    field = data.draw(st.sampled_from(sorted(message)))
    spoilt = {**message, field: data.draw(json_values)}

    try:
        list(end().decode(json.dumps(spoilt)))
    except WireError as error:
        assert error.path.startswith("$")


BAD = [
    '{"type":"audio.delta","audio":"***"}',
    '{"type":"tool.call","tool_name":"f","tool_arguments":"\\ud800"}',
    '{"type":"session.started","sample_rate":8000,"audio_format":"opus"}',
    '{"type":"text.delta","delta":1}',
]


@pytest.mark.parametrize("bad", BAD)
def test_after_a_wire_error_a_client_goes_on_as_if_nothing_had_come(bad: str) -> None:
    script = [json.dumps(message) for message in recorded("server")]
    unspoilt, spoilt = Client(), Client()

    expected = [event for message in script for event in unspoilt.decode(message)]
    heard: list[events.ServerEvent] = []
    for message in script:
        with pytest.raises(WireError):
            list(spoilt.decode(bad))
        heard += spoilt.decode(message)

    assert heard == expected
    assert (spoilt.input_rate, spoilt.output_rate) == (unspoilt.input_rate, unspoilt.output_rate)


def test_after_a_wire_error_a_server_goes_on_as_if_nothing_had_come() -> None:
    bad = '{"type":"session.start","config":{"model":"gemini/x","voice":1}}'
    server = Server("openai/x")

    with pytest.raises(WireError):
        list(server.decode(bad))

    assert server.input_rate == 24_000
