"""Tokens for clients that must not know the key, asked of providers that a test plays."""

import json
import logging
from collections.abc import Callable

import httpx2
import pytest

from antiphon import tokens
from antiphon.codecs.config import SessionConfig
from antiphon.tokens import ProviderToken, TokenError, realtime_token

pytestmark = pytest.mark.anyio

KEY = "sk-the-long-lived-key"
CONFIG = SessionConfig(instructions="Be brief.", voice="marin")
LATER = 4_000_000_000

Answer = Callable[[httpx2.Request], httpx2.Response]


def answering(answer: Answer) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.MockTransport(answer))


def saying(body: object, status: int = 200) -> Answer:
    return lambda request: httpx2.Response(status, json=body)


async def test_a_token_opens_the_providers_sessions_and_says_until_when() -> None:
    asked: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(200, json={"value": "ek_1", "expires_at": LATER})

    async with answering(answer) as client:
        token = await realtime_token(
            tokens.openai_token(model="m", key=KEY, config=CONFIG, lifetime=60, client=client)
        )

    assert (token.provider, token.token, token.expires_at) == ("openai", "ek_1", LATER)
    assert token.url == "wss://api.openai.com/v1/realtime?model=m"
    assert token.config == CONFIG
    (request,) = asked
    assert request.headers["authorization"] == f"Bearer {KEY}"
    body = json.loads(request.content)
    assert body["session"]["instructions"] == "Be brief."
    assert body["expires_after"] == {"anchor": "created_at", "seconds": 60}


ANSWERS: dict[str, tuple[ProviderToken, object]] = {
    "openai": (tokens.openai_token(model="m", key=KEY), {"value": "t-1", "expires_at": LATER}),
    "xai": (tokens.xai_token(model="m", key=KEY), {"value": "t-1", "expires_at": LATER}),
    "gemini": (
        tokens.gemini_token(model="m", key=KEY),
        {"name": "t-1", "expireTime": "2090-01-01T00:00:00Z"},
    ),
    "elevenlabs": (
        tokens.elevenlabs_token(model="agent", key=KEY),
        {"signed_url": "wss://host/v1/convai/conversation?conversation_signature=t-1"},
    ),
    "elevenlabs_realtime": (
        tokens.elevenlabs_realtime_token(model="m", key=KEY),
        {"value": "t-1", "expires_at": LATER},
    ),
    "cartesia": (tokens.cartesia_token(model="agent", key=KEY), {"token": "t-1"}),
    "opper": (
        tokens.opper_token(model="openai/m", key=KEY),
        {"client_secret": "t-1", "expires_at": "2090-01-01T00:00:00Z"},
    ),
    "vercel": (tokens.vercel_token(model="openai/m", key=KEY), {"token": "t-1"}),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_every_provider_that_mints_is_asked_in_its_own_way(name: str) -> None:
    adapter, body = ANSWERS[name]
    asked: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(200, json=body)

    async with answering(answer) as client:
        token = await realtime_token(with_client(adapter, client))

    assert token.provider == name
    assert "t-1" in token.token
    assert token.url.startswith("wss://")
    assert KEY not in str(asked[0].url)  # URLs are logged
    assert KEY in str(asked[0].headers.raw)
    assert KEY not in f"{token!r}{token.public()}{adapter!r}"


def with_client(adapter: ProviderToken, client: httpx2.AsyncClient) -> ProviderToken:
    return ProviderToken(
        dialect=adapter.dialect, model=adapter.model, key=adapter.key, client=client
    )


async def test_the_key_is_found_in_the_providers_environment_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    seen: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers["authorization"])
        return httpx2.Response(200, json={"value": "ek_1"})

    async with answering(answer) as client:
        await realtime_token(tokens.openai_token(model="m", client=client))

    assert seen == [f"Bearer {KEY}"]


async def test_without_a_key_it_says_which_variable_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("XAI_API_KEY", raising=False)

    with pytest.raises(TokenError, match="XAI_API_KEY"):
        await realtime_token(tokens.xai_token(model="m"))


async def test_a_provider_without_tickets_says_so() -> None:
    with pytest.raises(TokenError, match="no tickets"):
        await realtime_token(tokens.provider_token("openai_live", model="gpt-live-1", key=KEY))


@pytest.mark.parametrize("status", [400, 401, 429, 500])
async def test_a_refusal_tells_its_status_and_never_the_key(status: int) -> None:
    refusal = saying({"error": {"message": f"Incorrect API key provided: {KEY}"}}, status)
    async with answering(refusal) as client:
        with pytest.raises(TokenError, match=str(status)) as raised:
            await realtime_token(tokens.openai_token(model="m", key=KEY, client=client))

    assert raised.value.status == status
    assert KEY not in f"{raised.value!r} {raised.value}"


@pytest.mark.parametrize("body", [{}, [], {"value": 5}, {"value": "x", "expires_at": "soon"}])
async def test_an_answer_that_is_no_ticket_is_an_error(body: object) -> None:
    async with answering(saying(body)) as client:
        with pytest.raises(TokenError):
            await realtime_token(tokens.openai_token(model="m", key=KEY, client=client))


async def test_a_ticket_that_has_expired_is_none() -> None:
    async with answering(saying({"value": "ek_1", "expires_at": 1_000})) as client:
        with pytest.raises(TokenError, match="expired"):
            await realtime_token(tokens.openai_token(model="m", key=KEY, client=client))


async def test_a_provider_that_cannot_be_reached_is_an_error_without_the_url() -> None:
    def unreachable(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError(f"cannot connect to {request.url}?key={KEY}")

    async with answering(unreachable) as client:
        with pytest.raises(TokenError, match="cannot be reached") as raised:
            await realtime_token(tokens.openai_token(model="m", key=KEY, client=client))

    assert KEY not in str(raised.value)


async def test_an_endless_answer_is_cut_off() -> None:
    def flood(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=b"x" * (2 << 20))

    async with answering(flood) as client:
        with pytest.raises(TokenError, match="more than"):
            await realtime_token(tokens.openai_token(model="m", key=KEY, client=client))


async def test_nothing_of_it_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with answering(saying({"name": "t-1", "expireTime": "2090-01-01T00:00:00Z"})) as client:
        await realtime_token(tokens.gemini_token(model="m", key=KEY, client=client))

    assert KEY not in caplog.text
    assert "t-1" not in caplog.text


def test_a_browser_gets_the_shape_that_the_hook_reads() -> None:
    token = tokens.RealtimeToken(provider="openai", token="ek", url="wss://h", expires_at=5)

    assert token.public() == {"token": "ek", "url": "wss://h", "expiresAt": 5}
