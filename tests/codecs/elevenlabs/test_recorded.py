"""Messages as the provider's own types have them, heard by either end and said again."""

import json
from pathlib import Path
from typing import Any

import pytest

from antiphon.codecs.elevenlabs import DIALECT, Client, Server
from antiphon.codecs.events import ClientEvent, ServerEvent
from antiphon.codecs.wire import Message

WIRE = Path(__file__).parents[2] / "data" / "wire"


def recorded(role: str) -> list[Any]:
    lines = (WIRE / f"elevenlabs.{role}.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    return [pytest.param(json.dumps(r["wire"]), id=f"{r['n']}-{r['event']}") for r in rows]


def heard_by_server(message: Message) -> list[ClientEvent]:
    return list(Server().decode(message))


def heard_by_client(message: Message) -> list[ServerEvent]:
    return list(Client().decode(message))


@pytest.mark.parametrize("message", recorded("client"))
def test_what_a_client_says_is_said_again_with_the_same_meaning(message: str) -> None:
    heard = heard_by_server(message)

    client, server = Client(), Server()
    said = [one for event in heard for one in client.encode(event)]

    assert [event for one in said for event in server.decode(one)] == heard


@pytest.mark.parametrize("message", recorded("client"))
def test_nothing_that_a_client_says_is_lost_but_pongs(message: str) -> None:
    heard = heard_by_server(message)

    assert heard or json.loads(message)["type"] == "pong"


@pytest.mark.parametrize("message", recorded("client"))
def test_a_client_message_is_written_as_it_was_recorded(message: str) -> None:
    client = Client()

    said = [json.loads(one) for event in heard_by_server(message) for one in client.encode(event)]

    assert said == [json.loads(message)] or json.loads(message)["type"] == "pong"


@pytest.mark.parametrize("message", recorded("server"))
def test_what_a_server_says_is_said_again_with_the_same_meaning(message: str) -> None:
    heard = heard_by_client(message)

    client, server = Client(), Server()
    said = [one for event in heard for one in server.encode(event)]
    again = [event for one in said for event in client.decode(one)]

    native = DIALECT.repertoire_of_server.native
    assert [e for e in again if type(e) in native] == [e for e in heard if type(e) in native]


@pytest.mark.parametrize("message", recorded("server"))
def test_every_server_message_is_heard_or_answered(message: str) -> None:
    client = Client()

    heard = list(client.decode(message))

    assert bool(heard) != bool(list(client.due()))
