"""Recorded messages of both sides are understood, and can be said again."""

import json
from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from antiphon.codecs.events import Event
from antiphon.codecs.gemini import Client, Server
from antiphon.codecs.wire import Message

Json = dict[str, Any]

WIRE = Path(__file__).parents[2] / "data" / "wire"


def recorded(side: str) -> list[Any]:
    lines = (WIRE / f"gemini.{side}.jsonl").read_text().splitlines()
    return [
        pytest.param(line, id=f"{line['n']}-{line['event']}") for line in map(json.loads, lines)
    ]


def message_of(line: Json) -> Message:
    if "wire_base64" in line:
        return b64decode(line["wire_base64"])
    text = line["wire_text"] if "wire_text" in line else json.dumps(line["wire"])
    return text.encode() if line.get("opcode") == "binary" else text


@pytest.mark.parametrize("line", recorded("client"))
def test_a_recorded_client_is_heard_and_can_be_said_again(line: Json) -> None:
    heard = list(Server().decode(message_of(line)))
    client, server = Client(), Server()

    said = [message for event in heard for message in client.encode(event)]
    again = [event for message in said for event in server.decode(message)]

    assert heard
    assert is_within(heard, again)


@pytest.mark.parametrize("line", recorded("server"))
def test_a_recorded_server_is_heard_and_can_be_said_again(line: Json) -> None:
    heard = list(Client().decode(message_of(line)))
    client, server = Client(), Server()

    said = [message for event in heard for message in server.encode(event)]
    again = [event for message in said for event in client.decode(message)]

    assert heard
    assert is_within(heard, again)


def is_within(heard: Sequence[Event], again: Sequence[Event]) -> bool:
    """Whether all of it is there in order, perhaps with more around: as a client's text asks for
    a response by itself, one is heard with each.
    """
    rest = iter(again)
    return all(event in rest for event in heard)


@pytest.mark.parametrize("line", recorded("server"))
def test_messages_are_read_from_text_and_from_binary_frames(line: Json) -> None:
    message = json.dumps(line["wire"])

    assert list(Client().decode(message)) == list(Client().decode(message.encode()))
    assert all(isinstance(said, bytes) for said in said_again(message))


def said_again(message: str) -> list[Message]:
    server = Server()
    return [said for event in Client().decode(message) for said in server.encode(event)]


@pytest.mark.parametrize("line", recorded("client"))
def test_a_whole_recorded_conversation_goes_through_one_end(line: Json) -> None:
    server = Server()
    for other in recorded("client"):
        assert list(server.decode(message_of(other.values[0])))
    assert list(server.decode(message_of(line)))


def test_a_setup_says_the_same_again() -> None:
    for parameter in recorded("client"):
        wired: Json = parameter.values[0]["wire"]
        if "setup" not in wired:
            continue

        [update] = Server().decode(json.dumps(wired))
        [said] = Client().encode(update)

        setup: Json = json.loads(said)["setup"]
        given = wired["setup"]
        assert setup.pop("generationConfig").items() >= given.pop("generationConfig", {}).items()
        given.get("systemInstruction", {}).pop("role", None)
        if detection := given.get("realtimeInputConfig", {}).get("automaticActivityDetection"):
            detection.pop("disabled")
        assert setup == given
