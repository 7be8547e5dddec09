"""Messages as Opper's documentation and its clients have them, through both ends."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from antiphon.codecs import events
from antiphon.codecs.connection import HttpRequest, HttpResponse
from antiphon.codecs.opper import DIALECT, Client, Server
from antiphon.codecs.wire import WireError

WIRE = Path(__file__).parents[2] / "data" / "wire"


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (WIRE / f"opper.{name}.jsonl").read_text().splitlines()]


def said(line: dict[str, Any]) -> str:
    return line["wire_text"] if "wire_text" in line else json.dumps(line["wire"])


def named(line: dict[str, Any]) -> str:
    return f"{line['n']}-{line['event']}-{line['scenario']}"


def bare(event: events.Event) -> events.Event:
    return msgspec.structs.replace(event, at=0)


@pytest.mark.parametrize("line", lines("client"), ids=named)
def test_what_a_client_says_survives_both_ends(line: dict[str, Any]) -> None:
    heard = list(Server().decode(said(line), at=7))

    again = Client()
    messages = [m for event in heard for m in again.encode(event)]
    server = Server()
    twice = [bare(event) for message in messages for event in server.decode(message)]

    assert heard and not any(isinstance(event, events.Custom) for event in heard)
    assert all(event.at == 7 for event in heard)
    assert [event for event in twice if event in [bare(e) for e in heard]] == [
        bare(event) for event in heard
    ]
    assert len(twice) <= len(heard) + 1


@pytest.mark.parametrize("line", lines("server"), ids=named)
def test_what_a_server_says_survives_both_ends(line: dict[str, Any]) -> None:
    heard = list(Client().decode(said(line), at=7))

    again, client = Server(), Client()
    messages = [m for event in heard for m in again.encode(event)]
    twice = [bare(event) for message in messages for event in client.decode(message)]

    assert heard and not any(isinstance(event, events.Custom) for event in heard)
    assert all(event.at == 7 for event in heard)
    assert twice == [bare(event) for event in heard]


def test_all_that_a_client_says_is_written_as_it_was() -> None:
    for line in lines("client"):
        if line["wire"]["type"] == "session.update":
            continue  # a fresh client begins with session.start
        wire, client = line["wire"], Client()
        if wire["type"] == "image.input":
            wire.pop("text", None)  # is told behind the picture
        written = [
            json.loads(message)
            for event in Server().decode(said(line))
            for message in client.encode(event)
        ]

        assert wire in written


def test_all_recorded_messages_go_through_one_end_in_a_row() -> None:
    client, server = Client(), Server()

    heard = [event for line in lines("server") for event in client.decode(said(line))]
    asked = [event for line in lines("client") for event in server.decode(said(line))]

    started = [e.response_id for e in heard if isinstance(e, events.ResponseCreated)]
    ended = [e.response_id for e in heard if isinstance(e, events.ResponseDone)]
    assert len(set(started)) == len(started) and set(ended) <= set(started)
    assert any(isinstance(event, events.ConversationItemCreate) for event in asked)


@pytest.mark.parametrize("line", lines("mint"), ids=named)
def test_a_recorded_request_for_a_ticket_is_understood(line: dict[str, Any]) -> None:
    request, response = line["request"], line["response"]
    minting = DIALECT.minting
    assert minting is not None

    http = HttpRequest(
        method=request["method"],
        url=request["path"],
        headers={name.lower(): value for name, value in request["headers"].items()},
        body=json.dumps(request["json"]).encode(),
    )
    answered = HttpResponse(status=response["status"], body=json.dumps(response["json"]).encode())

    try:
        order = minting.order(http)
    except WireError:
        assert response["status"] == 400
        return
    assert order is not None
    config: dict[str, Any] = request["json"].get("config") or {}
    assert order.model == config.get("model")
    assert list(order.locked or ()) == (request["json"].get("locked_fields") or [])
    again = minting.order(minting.mint("", key="k", now=0, config=order.config))
    assert again is not None and again.config == order.config
    if response["status"] != 200:
        with pytest.raises(WireError, match=str(response["status"])):
            minting.minted("", answered)
        return
    ticket = minting.minted("", answered)
    body = response["json"]
    assert ticket.token == body.get("client_secret", body.get("ticket"))
    assert ticket.token not in ticket.url
    assert minting.minted("", minting.answer(order, ticket)) == ticket
