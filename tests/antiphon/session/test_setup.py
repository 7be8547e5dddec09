"""Where a session gets its ticket from, and how it shows it."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from antiphon.codecs.config import SessionConfig, ToolDefinition
from antiphon.codecs.connection import Connect, Ticket
from antiphon.codecs.vercel import Setup
from antiphon.pipeline.testing import run_virtual
from antiphon.session import Session, SetupFailed
from antiphon.tokens import RealtimeToken
from tests.antiphon.session.line import (
    MODEL,
    TICKET,
    Json,
    Line,
    ignored,
    session_on,
    settle,
)

LOOK = ToolDefinition(name="look", parameters={"type": "object"})

Answer = Callable[[httpx2.Request], httpx2.Response]


def answering(answer: Answer) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.MockTransport(answer))


def failure_of(**options: Any) -> Exception | None:
    async def main() -> Exception | None:
        async with session_on(Line(), on_error=ignored, **options) as session:
            await session.connect()
            assert session.status == "error"
            return session.error

    return run_virtual(main)


@pytest.mark.parametrize(
    "given",
    [
        TICKET,
        Ticket(token="tok", url="ws://127.0.0.1/rt"),
        Setup(ticket=Ticket(token="tok", url="ws://127.0.0.1/rt", expires_at=4_000_000_000)),
        RealtimeToken(provider="vercel", token="tok", url="ws://127.0.0.1/rt"),
    ],
    ids=["json", "ticket", "setup", "token"],
)
@pytest.mark.parametrize("waits", [True, False])
def test_a_function_gives_it_at_once_or_later(given: object, waits: bool) -> None:
    async def later() -> object:
        return given

    async def main() -> None:
        line = Line()
        async with session_on(line, token=later if waits else lambda: given) as session:
            await session.connect(wait=False)
            await settle()
            await line.tell({"type": "session-updated"})
            assert session.status == "connected"
        [way] = line.ways
        assert way.url == "ws://127.0.0.1/rt"
        assert way.subprotocols == ("ai-gateway-realtime.v1", "ai-gateway-auth.tok")

    run_virtual(main)


def test_tools_of_the_answer_take_the_place_of_the_configurations() -> None:
    async def main() -> None:
        line = Line()
        given: Json = {**TICKET, "tools": [{"type": "function", "name": "see", "parameters": {}}]}
        config = SessionConfig(voice="alloy", tools=(LOOK,))
        async with session_on(line, token=lambda: given, config=config) as session:
            await session.connect(wait=False)
            await settle()
            [update] = line.said
            assert update["config"]["voice"] == "alloy"
            assert [tool["name"] for tool in update["config"]["tools"]] == ["see"]

    run_virtual(main)


@pytest.mark.parametrize(
    "given",
    [
        None,
        {"token": "tok"},
        {"token": " ", "url": "ws://host"},
        {"token": "tok", "url": "http://host"},
        {"token": "tok", "url": "ws://host#there"},
        {"token": "tok", "url": "ws://host", "tools": [{"type": "function", "name": ""}]},
        {"token": "tok", "url": "ws://host", "expiresAt": -1},
        {"token": "tok", "url": object()},
    ],
)
def test_an_answer_that_opens_nothing_is_refused(given: object) -> None:
    error = failure_of(token=lambda: given)

    assert isinstance(error, SetupFailed)
    assert "tok" not in str(error).replace("token", "")


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (httpx2.Response(403), "403"),
        (httpx2.Response(200, text="<html>"), "not as it must be"),
        (httpx2.Response(200, content=bytes(2_000_000)), "more than 1048576"),
    ],
)
def test_an_address_that_gives_nothing_is_an_error(answer: httpx2.Response, problem: str) -> None:
    error = failure_of(token="http://app/setup", http=answering(lambda request: answer))

    assert isinstance(error, SetupFailed)
    assert problem in str(error)


def test_an_address_that_cannot_be_reached_is_an_error_that_does_not_repeat_it() -> None:
    def unreachable(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("no way to http://app/setup?secret", request=request)

    error = failure_of(token="http://app/setup?secret", http=answering(unreachable))

    assert isinstance(error, SetupFailed)
    assert str(error) == "the token source cannot be reached: ConnectError"


def test_a_function_that_fails_is_the_error() -> None:
    error = failure_of(token=lambda: 1 / 0)

    assert isinstance(error, ZeroDivisionError)


def test_without_a_source_the_key_is_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AI_GATEWAY_API_KEY", "key")
    line = Line()

    async def main() -> None:
        async with session_on(line, token=None) as session:
            await session.connect(wait=False)
            await settle()

    run_virtual(main)
    [way] = line.ways
    assert way.headers["Authorization"] == "Bearer key"

    monkeypatch.delenv("AI_GATEWAY_API_KEY")
    assert "AI_GATEWAY_API_KEY" in str(failure_of(token=None))


@pytest.mark.parametrize(
    ("model", "url", "subprotocols"),
    [
        (MODEL, "wss://host/x", ("ai-gateway-realtime.v1", "ai-gateway-auth.a+b")),
        ("openai/gpt-realtime", "wss://host/x", ("realtime", "openai-insecure-api-key.a+b")),
        ("gemini/gemini-3.8-live", "wss://host/x?access_token=a%2Bb", ()),
    ],
)
def test_the_ticket_is_shown_as_its_dialect_does_at_the_address_of_the_answer(
    model: str, url: str, subprotocols: tuple[str, ...]
) -> None:
    line = Line(listens=False)

    async def main() -> None:
        given = {"token": "a+b", "url": "wss://host/x"}
        async with session_on(line, model=model, token=lambda: given) as session:
            await session.connect(wait=False)
            await settle()

    run_virtual(main)
    assert line.ways == [Connect(url=url, subprotocols=subprotocols)]


def test_the_configuration_is_posted() -> None:
    posted: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        posted.append(request)
        return httpx2.Response(200, json=TICKET)

    async def main() -> None:
        config = SessionConfig(instructions="Be brief.")
        async with session_on(
            Line(), token="http://app/setup", http=answering(answer), config=config
        ) as session:
            await session.connect(wait=False)
            await settle()

    run_virtual(main)
    [request] = posted
    assert (request.method, str(request.url)) == ("POST", "http://app/setup")
    assert request.content == b'{"sessionConfig":{"instructions":"Be brief."}}'
    assert request.headers["content-type"] == "application/json"


def test_a_session_keeps_at_least_one_event() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Session(MODEL, max_events=0)
