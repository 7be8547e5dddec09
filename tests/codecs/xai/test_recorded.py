"""Messages of xAI's clients and servers, recorded, are understood and can be said again."""

import base64
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from antiphon.codecs import events
from antiphon.codecs.wire import Message
from antiphon.codecs.xai import Client, Server

WIRE = Path(__file__).parents[2] / "data" / "wire"

NEVER_SAID = {"conversation.item.truncate": "xAI's sockets do not listen to it"}


def recorded(role: str) -> list[Any]:
    lines = (WIRE / f"xai.{role}.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    return [pytest.param(row, id=f"{row['n']}-{row['event']}") for row in rows]


def message_of(row: dict[str, Any]) -> Message:
    if "wire_base64" in row:
        return base64.b64decode(row["wire_base64"])
    return json.dumps(row["wire"])


def unnamed(event: Any) -> Any:
    """Without the name that a server gives each of its events, and a client none."""
    return msgspec.structs.replace(event, event_id=None)


@pytest.mark.parametrize("row", recorded("client"))
def test_the_server_hears_what_clients_say_and_our_client_says_it_again(row: Any) -> None:
    heard = [unnamed(event) for event in Server().decode(message_of(row), at=7)]

    client, server = Client(), Server()
    again = [
        one for event in heard for said in client.encode(event) for one in server.decode(said, at=7)
    ]

    assert len(heard) == 1
    assert heard[0].at == 7
    assert not isinstance(heard[0], events.Custom)
    assert again == ([] if row["event"] in NEVER_SAID else heard)


@pytest.mark.parametrize("row", recorded("server"))
def test_the_client_hears_what_servers_say_and_our_server_says_it_again(row: Any) -> None:
    heard = [unnamed(event) for event in Client().decode(message_of(row), at=7)]

    server, client = Server(), Client()
    again = [
        unnamed(one)
        for event in heard
        for said in server.encode(event)
        for one in client.decode(said, at=7)
    ]

    assert len(heard) == 1
    assert heard[0].at == 7
    assert heard[0] in again


def test_only_what_there_is_no_word_for_stays_in_xais_own() -> None:
    lines = (WIRE / "xai.server.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]

    custom = {
        event.raw_type
        for row in rows
        for event in Client().decode(message_of(row))
        if isinstance(event, events.Custom)
    }

    mcp = {kind for kind in custom if "mcp" in kind}
    assert custom - mcp == {"ping", "conversation.created"}


def test_a_recorded_conversation_is_heard_by_one_client_from_beginning_to_end() -> None:
    lines = (WIRE / "xai.server.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    client = Client()

    heard = [event for row in rows for event in client.decode(message_of(row))]

    call = next(e for e in heard if isinstance(e, events.FunctionCallArgumentsDone))
    assert (call.response_id, call.item_id, call.name) == ("resp_3", "item_5", "get_weather")
    spent = [e.usage for e in heard if isinstance(e, events.ResponseDone) and e.usage]
    assert [(usage.input_tokens, usage.output_tokens) for usage in spent] == [(10, 2)]
