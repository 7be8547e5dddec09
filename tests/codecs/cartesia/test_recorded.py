"""Messages recorded of all of Cartesia's surfaces: each is heard, and makes the trip."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from antiphon.codecs import events
from antiphon.codecs.cartesia import Client, Server
from antiphon.codecs.wire import Message

DATA = Path(__file__).parents[2] / "data" / "wire"


def recorded(role: str) -> list[Any]:
    lines = (DATA / f"cartesia.{role}.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    return [pytest.param(row, id=f"{row['n']}-{row['event']}") for row in rows]


def message_of(row: dict[str, Any]) -> Message:
    if "wire_base64" in row:
        return base64.b64decode(row["wire_base64"])
    return row["wire_text"] if "wire_text" in row else json.dumps(row["wire"])


@pytest.mark.parametrize("row", recorded("client"))
def test_what_clients_said_is_heard_and_said_again(row: dict[str, Any]) -> None:
    heard = list(Server().decode(message_of(row), 7))
    assert heard

    client = Client()
    again = [message for event in heard for message in client.encode(event)]

    server = Server()
    assert [event for message in again for event in server.decode(message, 7)] == heard
    if not row["event"].startswith("agents:") and "wire_base64" not in row:
        assert again == [message_of(row)]
        assert isinstance(heard[0], events.Custom)


@pytest.mark.parametrize("row", recorded("server"))
def test_what_servers_said_is_heard_and_said_again(row: dict[str, Any]) -> None:
    heard = list(Client().decode(message_of(row), 7))
    assert heard

    server = Server()
    again = [message for event in heard for message in server.encode(event)]

    client = Client()
    assert [event for message in again for event in client.decode(message, 7)] == heard
    if not row["event"].startswith("agents:"):
        assert again == [message_of(row)]
        assert isinstance(heard[0], events.Custom)


def test_a_whole_call_makes_the_trip_in_its_order() -> None:
    rows = [row.values[0] for row in recorded("server")]
    call = [message_of(row) for row in rows if row["event"].startswith("agents:")]
    client, server, listener = Client(), Server(), Client()

    heard = [event for message in call for event in client.decode(message)]
    again = [message for event in heard for message in server.encode(event)]
    there = [event for message in again for event in listener.decode(message)]

    added = [event for event in there if isinstance(event, events.ResponseInterrupted)]
    assert [event for event in there if event not in added] == [
        event for event in heard if event not in added
    ]


def test_binary_frames_and_base64_carry_the_same_audio() -> None:
    [row] = [row.values[0] for row in recorded("client") if row.values[0]["n"] == 40]

    [heard] = Server().decode(message_of(row))

    assert isinstance(heard, events.InputAudioAppend)
    assert heard.audio == message_of(row)
