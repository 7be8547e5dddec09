"""The endpoint of an application that the AI SDK's hook asks before it opens a session."""

import json
from typing import Any

import pytest

from antiphon.codecs.config import SessionConfig, ToolDefinition, TurnDetection
from antiphon.codecs.connection import HttpResponse, Ticket
from antiphon.codecs.vercel import (
    Setup,
    read_setup_request,
    read_setup_response,
    setup_request,
    setup_response,
)
from antiphon.codecs.wire import Unsayable, WireError

TICKET = Ticket(token="t", url="ws://127.0.0.1/rt", expires_at=1_900_000_000)
CLOCK = ToolDefinition(name="clock", description="Tells the time.", parameters={"type": "object"})


def test_a_browser_says_how_the_session_is_to_be() -> None:
    turns = TurnDetection(type="server-vad", silence_duration=400_000)
    config = SessionConfig(voice="alloy", turn_detection=turns)

    body = setup_request(config)

    assert json.loads(body) == {
        "sessionConfig": {
            "voice": "alloy",
            "turnDetection": {"type": "server-vad", "silenceDurationMs": 400},
        }
    }
    assert read_setup_request(body) == config


def test_a_browser_need_not_say_it() -> None:
    assert setup_request() == b"{}"
    assert read_setup_request(b"{}") == SessionConfig()


@pytest.mark.parametrize(
    ("body", "model"),
    [
        (b'{"model": "a/b"}', "a/b"),
        (b'{"model": "a/b", "sessionConfig": {}}', "a/b"),
        (b'{"model": "a/b", "sessionConfig": {"model": "c/d"}}', "c/d"),
    ],
)
def test_a_page_may_say_which_model_it_is_about(body: bytes, model: str) -> None:
    assert read_setup_request(body).model == model


@pytest.mark.parametrize(
    ("body", "path"), [(b"", "$"), (b'{"sessionConfig":{"voice":1}}', "$.sessionConfig.voice")]
)
def test_a_bad_request_is_refused(body: bytes, path: str) -> None:
    with pytest.raises(WireError) as mistake:
        read_setup_request(body)

    assert mistake.value.path == path


def test_an_application_tells_ticket_and_tools() -> None:
    response = setup_response(TICKET, [CLOCK])

    assert json.loads(response.body) == {
        "token": "t",
        "url": "ws://127.0.0.1/rt",
        "expiresAt": 1_900_000_000,
        "tools": [
            {
                "type": "function",
                "name": "clock",
                "description": "Tells the time.",
                "parameters": {"type": "object"},
            }
        ],
    }
    assert read_setup_response(response) == Setup(ticket=TICKET, tools=(CLOCK,))


def test_no_tools_differs_from_nothing_said_of_them() -> None:
    ticket = Ticket(token="t", url="wss://host/rt")

    assert json.loads(setup_response(ticket).body) == {"token": "t", "url": "wss://host/rt"}
    assert read_setup_response(setup_response(ticket)).tools is None
    assert read_setup_response(setup_response(ticket, ())).tools == ()


@pytest.mark.parametrize(
    ("ticket", "tools"),
    [
        (Ticket(token=" ", url="ws://host"), ()),
        (Ticket(token="t", url="http://host"), ()),
        (Ticket(token="t", url="ws://host#x"), ()),
        (Ticket(token="t", url="ws://host", expires_at=0), ()),
        (TICKET, (ToolDefinition(name="", parameters={}),)),
    ],
)
def test_an_answer_that_no_browser_would_take_is_not_given(
    ticket: Ticket, tools: tuple[ToolDefinition, ...]
) -> None:
    with pytest.raises(Unsayable):
        setup_response(ticket, tools)


TOOL: dict[str, Any] = {"type": "function", "name": "f", "parameters": {}}


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"token": 5}, "$.token"),
    ({"token": "\n"}, "$.token"),
    ({"url": None}, "$.url"),
    ({"url": "http://host/rt"}, "$.url"),
    ({"url": "ws://"}, "$.url"),
    ({"url": "ws://[host"}, "$.url"),
    ({"url": "rt"}, "$.url"),
    ({"expiresAt": None}, "$.expiresAt"),
    ({"expiresAt": -1}, "$.expiresAt"),
    ({"expiresAt": 2**53}, "$.expiresAt"),
    ({"tools": {}}, "$.tools"),
    ({"tools": [{**TOOL, "type": "provider"}]}, "$.tools[0].type"),
    ({"tools": [{**TOOL, "name": ""}]}, "$.tools[0].name"),
    ({"tools": [{**TOOL, "description": 5}]}, "$.tools[0].description"),
    ({"tools": [{**TOOL, "parameters": []}]}, "$.tools[0].parameters"),
    ({"tools": [{"name": "f", "parameters": {}}]}, "$.tools[0]"),
]


@pytest.mark.parametrize(("changed", "path"), REFUSED)
def test_a_browser_checks_what_it_is_told(changed: dict[str, Any], path: str) -> None:
    told = {"token": "t", "url": "ws://host/rt", "tools": [TOOL], **changed}

    with pytest.raises(WireError) as mistake:
        read_setup_response(HttpResponse(body=json.dumps(told).encode()))

    assert mistake.value.path == path


def test_what_is_unknown_does_no_harm() -> None:
    body = b'{"token":"t","url":"ws://host","expiresAt":1.5,"more":1}'

    assert read_setup_response(HttpResponse(body=body)) == Setup(
        ticket=Ticket(token="t", url="ws://host", expires_at=1)
    )


def test_a_refusal_is_told_by_its_status() -> None:
    with pytest.raises(WireError, match="no setup: 503"):
        read_setup_response(HttpResponse(status=503, body=b"{}"))
