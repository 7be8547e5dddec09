"""Messages recorded from OpenAI's own types survive the trip through both ends."""

import json
from pathlib import Path
from typing import Any, cast

import pytest

from antiphon.codecs import events
from antiphon.codecs.openai import Client, Server
from tests.codecs.openai import strict

RECORDED = Path(__file__).parents[2] / "data" / "wire"


def recorded(side: str) -> pytest.MarkDecorator:
    lines = (RECORDED / f"openai.{side}.jsonl").read_text().splitlines()
    rows: list[Any] = [json.loads(line) for line in lines]
    return pytest.mark.parametrize(
        "wire", [pytest.param(row["wire"], id=f"{row['event']}-{row['n']}") for row in rows]
    )


@recorded("client")
def test_what_a_client_says_survives_the_trip(wire: Any) -> None:
    heard = list(Server().decode(json.dumps(wire)))

    said = [message for event in heard for message in Client().encode(event)]

    assert [event for message in said for event in Server().decode(message)] == heard
    for message in said:
        strict.from_client(message)


@recorded("server")
def test_what_a_server_says_survives_the_trip(wire: Any) -> None:
    [event] = Client().decode(json.dumps(wire))

    said = list(Server().encode(event))

    heard = [one for message in said for one in Client().decode(message)]
    assert [one for one in heard if type(one) is type(event)] == [event]
    for message in said:
        strict.from_server(message)


@recorded("client")
def test_a_clients_message_says_the_same_as_the_one_it_was_read_from(wire: Any) -> None:
    [event] = Server().decode(json.dumps(wire))

    [said] = Client().encode(event)

    assert pruned(json.loads(said)) == pruned(wire)


def pruned(value: Any) -> Any:
    """Without what is null or empty, and with audio that is coded alike."""
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return {key: pruned(one) for key, one in fields.items() if one is not None}
    return value


def test_all_of_a_conversation_survives_the_trip() -> None:
    lines = (RECORDED / "openai.server.jsonl").read_text().splitlines()
    client, server, again = Client(), Server(), Client()
    heard: list[events.ServerEvent] = []
    relayed: list[events.ServerEvent] = []

    for line in lines:
        for event in client.decode(json.dumps(json.loads(line)["wire"])):
            heard.append(event)
            for message in server.encode(event):
                strict.from_server(message)
                relayed += again.decode(message)

    speech = (events.AudioDelta, events.AudioTranscriptDelta, events.FunctionCallArgumentsDone)
    assert [e for e in relayed if isinstance(e, speech)] == [
        e for e in heard if isinstance(e, speech)
    ]
