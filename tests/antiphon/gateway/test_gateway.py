"""Who comes in, how long they may stay, and what they are told."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import anyio
import msgspec
import pytest

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.connection import Connect
from antiphon.codecs.dialect import Dialect
from antiphon.codecs.dialects import DIALECTS, find_dialect
from antiphon.gateway.gateway import Gateway
from antiphon.gateway.secret import Secret
from antiphon.gateway.settings import Browser, KeySettings, Limits, Settings
from antiphon.pipeline.testing import run_virtual
from antiphon.recording import Recording
from antiphon.transports import Closed, Refused
from tests.antiphon.gateway.knocking import BASE, Socket, ask, get, knock, post

T = TypeVar("T")

KEY = "sk-antiphon-1"
NAMES = list(DIALECTS)
MINTING = [name for name in NAMES if find_dialect(name).minting is not None]

START = SessionConfig(instructions="Be kind.")


def keyed(*, limits: Limits | None = None, **more: Any) -> Settings:
    return Settings(
        default="local/echo",
        keys={"alice": KeySettings(secret=(Secret(KEY),), limits=limits, **more)},
    )


def way(dialect: Dialect, model: str = "any-model", **shown: str) -> Connect:
    """As its clients open a session, but at the gateway."""
    path = dialect.base_url.partition("://")[2].partition("/")[2]
    base = f"{BASE}/{path}".rstrip("/")
    return dialect.connect(model, base_url=base, **shown)  # pyright: ignore[reportArgumentType]


def held(main: Callable[[], Awaitable[T]]) -> T:
    return run_virtual(main)


async def begin(dialect: Dialect, socket: Socket, model: str = "any-model") -> list[Any]:
    """Starts a session as a client does; what the server said to that."""
    end = dialect.client(model)
    event = events.SessionStart if dialect.continuous else events.SessionUpdate
    for message in end.encode(event(config=START)):
        await socket.send(message)
    heard: list[Any] = []
    while not any(
        isinstance(one, events.SessionCreated | events.SessionUpdated | events.SessionStarted)
        for one in heard
    ):
        heard += end.decode(await socket.receive())
    return heard


async def ended(socket: Socket) -> Closed:
    """How the server closes; what it says before is in `said`."""
    try:
        while True:
            await socket.receive()
    except (Closed, anyio.EndOfStream):
        assert socket.closed is not None
        return socket.closed


async def last_words(dialect: Dialect, socket: Socket) -> list[Any]:
    end = dialect.client("any-model")
    heard: list[Any] = []
    try:
        while True:
            heard += end.decode(await socket.receive())
    except (Closed, anyio.EndOfStream):
        return heard


# Coming in.


@pytest.mark.parametrize("name", NAMES)
def test_every_front_lets_in_who_shows_the_key(name: str) -> None:
    dialect = find_dialect(name)

    async def main() -> None:
        gateway = Gateway(keyed())
        async with knock(gateway, way(dialect, key=KEY)) as socket:
            assert await begin(dialect, socket)

    held(main)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shown", [{"key": "sk-wrong"}, {}])
def test_every_front_refuses_who_does_not_in_its_own_words(
    name: str, shown: Mapping[str, str]
) -> None:
    dialect = find_dialect(name)

    async def main() -> Refused:
        with pytest.raises(Refused) as refusal:
            async with knock(Gateway(keyed()), way(dialect, **shown)):
                pass
        return refusal.value

    refused = held(main)

    assert refused.status == 401
    body = msgspec.json.decode(refused.body)
    assert set(body) == {"detail" if name == "elevenlabs" else "error"}
    assert b"sk-wrong" not in refused.body


def test_without_keys_anybody_comes_in() -> None:
    dialect = find_dialect("openai")

    async def main() -> None:
        for shown in ({}, {"key": "whatever"}):
            async with knock(Gateway(Settings(default="local/echo")), way(dialect, **shown)) as one:
                await begin(dialect, one)

    held(main)


@pytest.mark.parametrize("provider", ["openai", "xai", "gemini", "elevenlabs", "opper", "vercel"])
def test_each_front_also_stands_behind_its_providers_name(provider: str) -> None:
    dialect = find_dialect(provider)

    async def main() -> None:
        opened = way(dialect, key=KEY)
        opened = msgspec.structs.replace(
            opened, url=opened.url.replace("gateway.test", f"gateway.test/{provider}")
        )
        async with knock(Gateway(keyed()), opened) as socket:
            await begin(dialect, socket)

    held(main)


@pytest.mark.parametrize("path", ["/", "/v1/realtime/nothing", "/v2/realtime", "/xai/v3/realtime"])
def test_elsewhere_there_is_nothing(path: str) -> None:
    async def main() -> Refused:
        with pytest.raises(Refused) as refusal:
            async with knock(Gateway(keyed()), Connect(url=f"ws://gateway.test{path}")):
                pass
        return refusal.value

    assert held(main).status == 404


def test_pages_of_others_may_not_connect() -> None:
    dialect = find_dialect("openai")
    opened = way(dialect, key=KEY)

    async def knocked(settings: Settings, origin: str) -> int:
        try:
            async with knock(Gateway(settings), opened, headers={"origin": origin}):
                return 101
        except Refused as refused:
            return refused.status

    async def main() -> list[int]:
        allowed = msgspec.structs.replace(keyed(), browser=Browser(origins=("https://a.test",)))
        return [
            await knocked(keyed(), "http://gateway.test"),
            await knocked(keyed(), "https://evil.test"),
            await knocked(keyed(), "null"),
            await knocked(allowed, "https://a.test"),
            await knocked(allowed, "https://b.test"),
        ]

    assert held(main) == [101, 403, 403, 101, 403]


def test_a_page_that_has_made_its_name_lead_here_is_not_the_gateways_own() -> None:
    opened = way(find_dialect("openai"), key=KEY)

    async def knocked(host: str) -> int:
        headers = {"host": host, "origin": f"http://{host}"}
        try:
            async with knock(Gateway(Settings(default="local/echo")), opened, headers=headers):
                return 101
        except Refused as refused:
            return refused.status

    async def main() -> list[int]:
        hosts = "evil.test:8080", "127.0.0.1:8080", "localhost:8080", "[::1]:8080"
        return [await knocked(host) for host in hosts]

    assert held(main) == [403, 101, 101, 101]


# Tickets.


async def bought(gateway: Gateway, dialect: Dialect, model: str = "any-model") -> str:
    assert dialect.minting is not None
    path = dialect.base_url.partition("://")[2].partition("/")[2]
    base = f"{BASE}/{path}".rstrip("/")
    request = dialect.minting.mint(model, key=KEY, now=0, base_url=base)
    answer = await ask(gateway, request)
    return dialect.minting.minted(model, answer, base_url=base).token


@pytest.mark.parametrize("name", MINTING)
def test_a_ticket_that_a_keys_owner_bought_lets_in(name: str) -> None:
    dialect = find_dialect(name)

    async def main() -> None:
        gateway = Gateway(keyed())
        ticket = await bought(gateway, dialect)
        async with knock(gateway, _at_gateway(dialect, ticket)) as socket:
            assert await begin(dialect, socket)

    held(main)


def _at_gateway(dialect: Dialect, ticket: str) -> Connect:
    return way(dialect, ticket=ticket)


@pytest.mark.parametrize("name", MINTING)
def test_a_forged_ticket_does_not(name: str) -> None:
    dialect = find_dialect(name)

    async def main() -> int:
        gateway = Gateway(keyed())
        ticket = await bought(gateway, dialect)
        with pytest.raises(Refused) as refusal:
            async with knock(gateway, _at_gateway(dialect, ticket[:-1] + "x0")):
                pass
        return refusal.value.status

    assert held(main) == 401


@pytest.mark.parametrize("name", ["opper", "vercel", "cartesia"])
def test_what_is_good_once_is_refused_again(name: str) -> None:
    dialect = find_dialect(name)

    async def main() -> int:
        gateway = Gateway(keyed())
        ticket = await bought(gateway, dialect)
        async with knock(gateway, _at_gateway(dialect, ticket)) as socket:
            await begin(dialect, socket)
        with pytest.raises(Refused) as refusal:
            async with knock(gateway, _at_gateway(dialect, ticket)):
                pass
        return refusal.value.status

    assert held(main) == 401


@pytest.mark.parametrize(("name", "life"), [("openai", 600), ("opper", 60), ("vercel", 60)])
def test_a_ticket_expires(name: str, life: int) -> None:
    dialect = find_dialect(name)

    async def main() -> list[int]:
        gateway = Gateway(keyed())
        came: list[int] = []
        for waits in life - 1, life + 1:
            ticket = await bought(gateway, dialect)
            await anyio.sleep(waits)
            try:
                async with knock(gateway, _at_gateway(dialect, ticket)):
                    came.append(101)
            except Refused as refused:
                came.append(refused.status)
        return came

    assert held(main) == [101, 401]


def test_an_expired_ticket_does_not_end_the_session_that_it_opened() -> None:
    dialect = find_dialect("opper")

    async def main() -> list[Any]:
        gateway = Gateway(keyed())
        ticket = await bought(gateway, dialect)
        async with knock(gateway, _at_gateway(dialect, ticket)) as socket:
            await begin(dialect, socket)
            await anyio.sleep(100)
            return list(gateway.sessions)

    assert len(held(main)) == 1


@pytest.mark.parametrize(("uses", "last"), [({}, 401), ({"uses": 0}, 101), ({"uses": 2}, 101)])
def test_gemini_says_how_often_a_ticket_is_good(uses: dict[str, int], last: int) -> None:
    dialect = find_dialect("gemini")

    async def main() -> list[int]:
        gateway = Gateway(keyed())
        _, minted = await post(gateway, "/v1alpha/auth_tokens", uses, **{"x-goog-api-key": KEY})
        came: list[int] = []
        for _ in range(2):
            try:
                async with knock(gateway, way(dialect, ticket=minted["name"])) as socket:
                    await begin(dialect, socket)
                came.append(101)
            except Refused as refused:
                came.append(refused.status)
        return came

    assert held(main) == [101, last]


def test_one_providers_ticket_is_not_anothers() -> None:
    async def main() -> int:
        gateway = Gateway(keyed())
        ticket = await bought(gateway, find_dialect("opper"))
        with pytest.raises(Refused) as refusal:
            async with knock(gateway, way(find_dialect("vercel"), ticket=ticket)):
                pass
        return refusal.value.status

    assert held(main) == 401


def test_a_ticket_buys_no_ticket_and_a_wrong_key_neither() -> None:
    async def main() -> list[tuple[int, Any]]:
        gateway = Gateway(keyed())
        ticket = await bought(gateway, find_dialect("openai"))
        path = "/v1/realtime/client_secrets"
        return [
            await post(gateway, path, {}, authorization=f"Bearer {shown}")
            for shown in (ticket, "sk-wrong")
        ]

    for status, body in held(main):
        assert (status, body["error"]["code"]) == (401, "invalid_api_key")


def test_tickets_a_minute_are_limited() -> None:
    async def main() -> list[int]:
        gateway = Gateway(keyed(limits=Limits(mints_per_minute=2)))

        async def buy() -> int:
            path = "/v1/realtime/client_secrets"
            return (await post(gateway, path, {}, authorization=f"Bearer {KEY}"))[0]

        answers = [await buy() for _ in range(3)]
        await anyio.sleep(61)
        return [*answers, await buy()]

    assert held(main) == [200, 200, 429, 200]


def test_opper_says_which_fields_a_ticket_locks_and_a_client_cannot_change_them() -> None:
    dialect = find_dialect("opper")

    async def main() -> tuple[list[Any], int]:
        gateway = Gateway(keyed())
        bad, _ = await post(
            gateway,
            "/v3/realtime-sessions",
            {"locked_fields": ["nonsense"]},
            authorization=f"Bearer {KEY}",
        )
        _, minted = await post(
            gateway,
            "/v3/realtime-sessions",
            {"config": {"model": "local/echo"}, "locked_fields": ["tools"], "ttl_seconds": 9999},
            authorization=f"Bearer {KEY}",
        )
        assert minted["ws_url"] == "ws://gateway.test/v3/realtime"
        async with knock(gateway, way(dialect, ticket=minted["client_secret"])) as socket:
            return await begin(dialect, socket), bad

    heard, bad = held(main)

    assert bad == 400
    assert heard


def test_nonsense_at_the_desk_is_refused_in_the_fronts_words() -> None:
    async def main() -> tuple[int, Any]:
        return await post(
            Gateway(keyed()),
            "/v1alpha/auth_tokens",
            {"uses": "many"},
            **{"x-goog-api-key": KEY},
        )

    status, body = held(main)

    assert (status, body["error"]["status"]) == (400, "INVALID_ARGUMENT")


# How long, and how much.


@pytest.mark.parametrize("name", NAMES)
def test_a_session_ends_after_its_time(name: str) -> None:
    dialect = find_dialect(name)
    limits = Limits(session=20.0, idle=None, notice=5.0)

    async def main() -> tuple[list[Any], int | None, float]:
        async with knock(Gateway(keyed(limits=limits)), way(dialect, key=KEY)) as socket:
            began = anyio.current_time()
            await begin(dialect, socket)
            heard = await last_words(dialect, socket)
            assert socket.closed is not None
            return heard, socket.closed.code, anyio.current_time() - began

    heard, code, seconds = held(main)

    assert seconds == pytest.approx(20, abs=0.1)
    assert code == 1000
    if name == "gemini":
        assert any(isinstance(one, events.GoAway) for one in heard)


def test_gemini_announces_the_end_in_good_time() -> None:
    dialect = find_dialect("gemini")
    limits = Limits(session=20.0, idle=None, notice=5.0)

    async def main() -> float:
        async with knock(Gateway(keyed(limits=limits)), way(dialect, key=KEY)) as socket:
            began = anyio.current_time()
            await begin(dialect, socket)
            end = dialect.client("m")
            while True:
                for event in end.decode(await socket.receive()):
                    if isinstance(event, events.GoAway):
                        assert event.time_left == 5_000_000
                        return anyio.current_time() - began

    assert held(main) == pytest.approx(15, abs=0.1)


def test_who_says_nothing_at_first_is_sent_away() -> None:
    dialect = find_dialect("openai")

    async def main() -> tuple[int, float]:
        async with knock(Gateway(keyed()), way(dialect, key=KEY)) as socket:
            began = anyio.current_time()
            code = (await ended(socket)).code
            return code, anyio.current_time() - began

    code, seconds = held(main)

    assert code == 1008
    assert seconds == pytest.approx(30, abs=0.1)


@pytest.mark.parametrize("name", ["gemini", "opper", "openai_live"])
def test_so_is_who_never_says_which_model(name: str) -> None:
    dialect = find_dialect(name)

    async def main() -> float:
        async with knock(Gateway(keyed()), way(dialect, key=KEY)) as socket:
            began = anyio.current_time()
            await ended(socket)
            return anyio.current_time() - began

    assert held(main) == pytest.approx(30, abs=0.1)


def test_who_falls_silent_is_sent_away() -> None:
    dialect = find_dialect("openai")

    async def main() -> tuple[list[Any], float]:
        async with knock(Gateway(keyed()), way(dialect, key=KEY)) as socket:
            await begin(dialect, socket)
            await anyio.sleep(200)
            await socket.send('{"type": "input_audio_buffer.clear"}')
            began = anyio.current_time()
            return await last_words(dialect, socket), anyio.current_time() - began

    heard, seconds = held(main)

    assert seconds == pytest.approx(300, abs=0.1)
    assert [one.code for one in heard if isinstance(one, events.Error)] == ["session_idle_timeout"]


def test_a_message_that_is_too_long_is_refused_and_the_session_goes_on() -> None:
    dialect = find_dialect("openai")

    async def main() -> list[str]:
        async with knock(Gateway(keyed()), way(dialect, key=KEY)) as socket:
            await begin(dialect, socket)
            await socket.send('{"type": "session.update", "session": "' + "x" * 262_144 + '"}')
            await socket.send('{"type": "input_audio_buffer.clear"}')
            said: list[str] = []
            while "input_audio_buffer.cleared" not in said:
                message = msgspec.json.decode(await socket.receive())
                said.append(message["type"])
                if message["type"] == "error":
                    assert message["error"]["code"] == "too_large"
            return said

    assert "error" in held(main)


@pytest.mark.parametrize("name", ["openai", "gemini"])
def test_sessions_at_a_time_are_limited(name: str) -> None:
    dialect = find_dialect(name)

    async def main() -> Refused:
        gateway = Gateway(keyed(limits=Limits(concurrent=1)))
        async with knock(gateway, way(dialect, key=KEY)) as socket:
            await begin(dialect, socket)
            with pytest.raises(Refused) as refusal:
                async with knock(gateway, way(dialect, key=KEY)):
                    pass
        async with knock(gateway, way(dialect, key=KEY)) as socket:
            await begin(dialect, socket)
        return refusal.value

    assert held(main).status == 429


def test_models_may_be_kept_from_a_key() -> None:
    dialect = find_dialect("openai")

    async def main() -> Refused:
        with pytest.raises(Refused) as refusal:
            async with knock(Gateway(keyed(models=("openai/*",))), way(dialect, key=KEY)):
                pass
        return refusal.value

    assert held(main).status == 403


@pytest.mark.parametrize("name", ["gemini", "opper"])
def test_so_they_are_where_the_model_is_named_later(name: str) -> None:
    dialect = find_dialect(name)

    async def main() -> int:
        async with knock(Gateway(keyed(models=("openai/*",))), way(dialect, key=KEY)) as socket:
            for message in dialect.client("m").encode(events.SessionUpdate(config=START)):
                await socket.send(message)
            return (await ended(socket)).code

    assert held(main) == 1008


# Leaving.


@pytest.mark.parametrize("name", NAMES)
def test_who_shuts_the_gateway_tells_everybody_and_waits(name: str) -> None:
    dialect = find_dialect(name)

    async def main() -> tuple[Closed, float]:
        gateway = Gateway(keyed())
        closed: Closed | None = None
        async with knock(gateway, way(dialect, key=KEY)) as socket:
            await begin(dialect, socket)
            began = anyio.current_time()
            async with anyio.create_task_group() as group:
                group.start_soon(gateway.drain, 10.0)
                await anyio.sleep(1)
                with pytest.raises(Refused) as refusal:
                    async with knock(gateway, way(dialect, key=KEY)):
                        pass
                assert refusal.value.status == 503
                closed = await ended(socket)
        assert closed is not None
        return closed, anyio.current_time() - began

    closed, seconds = held(main)

    assert closed.code == 1001
    assert seconds == pytest.approx(10, abs=0.1)


def test_a_gateway_that_drains_is_not_ready() -> None:
    async def main() -> list[tuple[int, Any]]:
        gateway = Gateway(keyed())
        before = await get(gateway, "/readyz")
        await gateway.drain(0)
        return [before, await get(gateway, "/readyz"), await get(gateway, "/healthz")]

    before, after, healthy = held(main)

    assert before == (200, {"ready": True, "missing": []})
    assert after == (503, {"ready": False, "missing": ["accepting"]})
    assert healthy[0] == 200


def test_who_has_a_key_may_ask_which_models_there_are() -> None:
    async def main() -> list[tuple[int, Any]]:
        settings = msgspec.structs.replace(
            keyed(), routes={"fast": "local/echo", "lab-*": "local/echo"}
        )
        gateway = Gateway(settings)
        path = "/v3/models?type=realtime"
        return [
            await get(gateway, path, authorization=f"Bearer {KEY}"),
            await get(gateway, path),
        ]

    (status, listed), (refused, _) = held(main)

    assert (status, refused) == (200, 401)
    assert [one["id"] for one in listed["data"]] == ["fast", "local/echo"]


@pytest.mark.parametrize("name", ["openai", "gemini"])
def test_sessions_are_recorded_where_that_is_wanted(name: str, tmp_path: Path) -> None:
    dialect = find_dialect(name)

    async def main() -> None:
        settings = msgspec.structs.replace(keyed(), recordings=tmp_path)
        async with knock(Gateway(settings), way(dialect, key=KEY)) as socket:
            await begin(dialect, socket)

    held(main)

    (file,) = tmp_path.iterdir()
    recording = Recording.open(file)
    assert recording.whole
    assert len(list(recording.records)) > 2
    assert KEY.encode() not in file.read_bytes()
