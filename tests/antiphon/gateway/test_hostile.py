"""The gateway goes on for everybody else, whatever somebody sends it."""

import struct
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager

import anyio
import pytest

from antiphon.codecs.dialects import DIALECTS, find_dialect
from antiphon.transports import webrtc
from benchmarks.peers.attacks import (
    ATTACKS,
    BINARY,
    CLOSE,
    CONTINUES,
    PATH,
    SDPS,
    TEXT,
    UPGRADE,
    Door,
    attack,
    frame,
    post,
)
from tests.antiphon.gateway.served import KEY, OTHER, PATIENCE, UPSTREAM, Served, served

pytestmark = pytest.mark.anyio

SECONDS = 0.7
"""Of each attack."""

GROWTH = 120
"""Megabytes, at most, of what is needed for all that these tests do, and for what they leave."""

ATTACKERS = 100

UNTOLD = (KEY, OTHER, UPSTREAM, "Traceback", 'File "', ".py", "site-packages", "/home", "antiphon/")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Generator[Served]:
    """None of all this is worth more than a line in its log."""
    with served(tmp_path_factory.mktemp("hostile")) as running:
        yield running
        failures = [line for line in running.log().splitlines() if '"level":"error"' in line]
    assert not [line for line in failures if '"uvicorn.error"' in line or '"asyncio"' in line]


@pytest.fixture(scope="module")
def memory(gateway: Served) -> Generator[float]:
    """Of the gateway when everything has been used once."""
    yield gateway.memory()


@pytest.fixture
def door(gateway: Served) -> Generator[Door]:
    """Where nothing is told that is nobody's business."""
    door = Door(gateway.port, key=KEY)
    yield door
    told = bytes(door.told).decode("utf-8", "replace")
    assert not [one for one in UNTOLD if one in told]


@asynccontextmanager
async def undisturbed(gateway: Served) -> AsyncGenerator[None]:
    """A session that goes on meanwhile, and afterwards."""
    async with gateway.talking() as talk, anyio.create_task_group() as group:
        turns, more = 0, anyio.Event()

        async def go_on() -> None:
            nonlocal turns, more
            while True:
                await talk.turn()
                turns += 1
                more.set()
                more = anyio.Event()

        group.start_soon(go_on)
        yield
        for _ in range(2):  # the first may have begun before the end
            with anyio.fail_after(PATIENCE):
                await more.wait()
        group.cancel_scope.cancel()
    assert gateway.process.poll() is None


# All at once.


@pytest.mark.parametrize("name", ATTACKS)
async def test_others_go_on_while_it_is_attacked(
    name: str, gateway: Served, door: Door, memory: float
) -> None:
    what, attackers = ATTACKS[name]

    async with undisturbed(gateway):
        begun = await attack(door, what, attackers=min(attackers, ATTACKERS), seconds=SECONDS)

    assert begun >= min(attackers, ATTACKERS)
    assert gateway.memory() < memory + GROWTH


async def test_who_takes_too_long_is_put_out(gateway: Served, door: Door) -> None:
    lasted: dict[str, float] = {}
    began = time.monotonic()

    async def says_nothing() -> None:
        async with door.knock() as line:
            await line.rest()

    async def is_slow() -> None:
        async with door.knock() as line, anyio.create_task_group() as group:

            async def drip() -> None:
                while True:
                    await line.say("a")
                    await anyio.sleep(0.2)

            group.start_soon(drip)
            await line.rest()
            group.cancel_scope.cancel()

    async def asks_once() -> None:
        async with door.knock() as line:
            await line.say("GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n")
            await line.rest()

    async def never_ends_a_body() -> None:
        async with door.knock() as line:
            await line.say(
                "POST /v1/realtime/client_secrets HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n"
            )
            assert b" 400 " in await line.until(b"\r\n")
            await line.rest()

    async def never_reads() -> None:
        sessions = await _sessions(gateway)
        async with door.session() as line:
            with anyio.move_on_after(3):
                while True:
                    await line.say(frame(TEXT, "{}") * 500)
            while await _sessions(gateway) > sessions:
                await anyio.sleep(0.2)

    async def measured(name: str) -> None:
        with anyio.fail_after(40):
            await steps[name]()
        lasted[name] = time.monotonic() - began

    steps = {
        "says nothing": says_nothing,
        "is slow": is_slow,
        "asks once": asks_once,
        "never ends a body": never_ends_a_body,
        "never reads": never_reads,
    }
    async with undisturbed(gateway), anyio.create_task_group() as group:
        for name in steps:
            group.start_soon(measured, name)

    assert 9 < lasted["says nothing"] < 14
    assert 9 < lasted["is slow"] < 14
    assert lasted["asks once"] < 9
    assert 9 < lasted["never ends a body"] < 17


async def _sessions(gateway: Served) -> int:
    """How many there are."""
    _, text = await gateway.get("/metrics")
    lines = [line for line in text.splitlines() if line.startswith("antiphon_gateway_sessions{")]
    return sum(int(float(line.rpartition(" ")[2])) for line in lines)


# Requests.


def _from_page(origin: str) -> str:
    head = f"GET {PATH} HTTP/1.1\r\nhost: a\r\norigin: {origin}\r\n{UPGRADE}"
    return f"{head}authorization: Bearer {KEY}\r\n\r\n"


REQUESTS = {
    "ten thousand headers": ("GET / HTTP/1.1\r\n" + "a: b\r\n" * 10_000 + "\r\n", 431),
    "two hundred headers": ("GET / HTTP/1.1\r\n" + "a: b\r\n" * 200 + "\r\n", 431),
    "a long header": ("GET / HTTP/1.1\r\nhost: a\r\na: " + "b" * 20_000 + "\r\n\r\n", 431),
    "a long query": (f"GET /?{'a' * 20_000} HTTP/1.1\r\nhost: a\r\n\r\n", 431),
    "a long query for a WebSocket": (
        f"GET {PATH}&a={'b' * 9_000} HTTP/1.1\r\nhost: a\r\n{UPGRADE}\r\n",
        414,
    ),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00", 400),
    "a broken request line": ("GET\r\n\r\n", 400),
    "a broken header": ("GET / HTTP/1.1\r\nhost: a\r\n: b\r\n\r\n", 400),
    "two lengths": (
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        400,
    ),
    "a large body": (post("/v1/realtime/client_secrets", "a" * 1_100_000, key=KEY), 413),
    "deep JSON": (post("/v1/realtime/client_secrets", '{"session":' * 50_000, key=KEY), 400),
    "no UTF-8": (post("/v1/realtime/client_secrets", b'{"session":"\xff"}', key=KEY), 400),
    "a NUL": ("POST /v1/%00 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", 404),
    "dots": (post("/v1/../../etc/passwd", "", key=KEY), 404),
    "dots in disguise": (post("/%2e%2e/%2e%2e/etc/passwd", "", key=KEY), 404),
    "CRLF in a query": (f"GET {PATH}%0d%0aa:b HTTP/1.1\r\nhost: a\r\n{UPGRADE}\r\n", 401),
    "somebody else's page": (_from_page("http://b"), 403),
    "a page of nowhere": (_from_page("null"), 403),
    "a page that looks like ours": (_from_page("http://a@b"), 403),
    "a call that is not there": (post("/v1/realtime/calls/rtc_1/hangup", "", key=KEY), 404),
    **{
        f"an offer: {name}": (
            post("/v1/realtime/calls", offer, key=KEY, kind="application/sdp"),
            413,
        )
        for name, offer in SDPS.items()
    },
    "an offer of nothing": (
        post("/v1/realtime/calls", "v=0\r\n", key=KEY, kind="application/sdp"),
        400,
    ),
}


@pytest.mark.parametrize("name", REQUESTS)
async def test_a_request_that_is_not_one_is_refused(name: str, door: Door) -> None:
    said, status = REQUESTS[name]

    with anyio.fail_after(PATIENCE):
        answer = await door.ask(said)

    assert answer.startswith(b"HTTP/1.1 %d " % status)


async def test_a_request_before_the_answer_to_another_is_not_read(door: Door) -> None:
    answer = await door.ask("GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n" * 3)

    assert not answer


async def test_one_address_holds_no_more_than_its_share_of_the_entrance(
    gateway: Served, door: Door
) -> None:
    """The oldest give way."""
    async with door.knock() as first, anyio.create_task_group() as group:
        for _ in range(256):
            group.start_soon(_wait_a_little, door)
        with anyio.fail_after(8):
            assert await first.rest() == b""

        assert await gateway.get("/healthz") == (200, '{"alive":true}')


async def _wait_a_little(door: Door) -> None:
    async with door.knock() as line:
        with anyio.move_on_after(3):
            await line.rest()


# Messages.

STAY = {
    "300 KB": frame(TEXT, '{"type":"' + "a" * 300_000 + '"}'),
    "no JSON": frame(TEXT, "{"),
    "nothing": frame(TEXT, ""),
    "a list": frame(TEXT, "[]"),
    "deep": frame(TEXT, "[" * 100_000),
    "deep, in a message": frame(TEXT, '{"type":"session.update","session":' * 7_000),
    "a huge number": frame(
        TEXT, '{"type":"session.update","session":{"max_output_tokens":' + "9" * 100_000 + "}}"
    ),
    "a huge exponent": frame(TEXT, '{"type":"session.update","session":{"speed":1e999999999}}'),
    "binary": frame(BINARY, b"\x00\xff" * 100),
    "half a surrogate": frame(TEXT, '{"type":"\\ud800"}'),
    "an item of another": frame(
        TEXT, '{"type":"conversation.item.delete","item_id":"item_of_another"}'
    ),
    "an answer to another": frame(TEXT, '{"type":"response.cancel","response_id":"resp_2"}'),
}

END = {
    "beyond a megabyte": (frame(TEXT, "a" * 1_100_000), 1009),
    "beyond a megabyte, says its head": (bytes([129, 255]) + struct.pack("!Q", 1 << 40), 1009),
    "fragments beyond a megabyte": (
        frame(TEXT, "a", fin=False) + frame(CONTINUES, "a" * 60_000, fin=False) * 20,
        1009,
    ),
    "no UTF-8": (frame(TEXT, b"\xff\xfe"), 1007),
    "compressed, though that was not agreed": (frame(TEXT, "a", rsv=0x40), 1002),
    "an opcode of nothing": (frame(3, "a"), 1002),
    "a control frame of nothing": (frame(11, "a"), 1002),
    "a long ping": (frame(9, "a" * 126), 1002),
    "a ping in pieces": (frame(9, "a", fin=False), 1002),
    "the middle of nothing": (frame(CONTINUES, "a"), 1002),
    "a message within another": (frame(TEXT, "a", fin=False) + frame(TEXT, "a"), 1002),
    "no mask": (b"\x81\x01a", 1002),
    "half a code to close with": (frame(CLOSE, b"\x03"), 1002),
    "a code that is none": (frame(CLOSE, struct.pack("!H", 1)), 1002),
}


@pytest.mark.parametrize("name", STAY)
async def test_a_message_that_means_nothing_is_answered_with_an_error(
    name: str, door: Door
) -> None:
    async with door.session() as line:
        await line.frame()  # session.created
        await line.say(STAY[name])
        with anyio.fail_after(PATIENCE):
            answer = await line.frame()

            await line.say(frame(TEXT, '{"type":"input_audio_buffer.clear"}'))
            then = await line.frame()

    assert b'"type":"error"' in answer[1]
    assert b'"input_audio_buffer.cleared"' in then[1]


async def test_a_message_in_pieces_is_one(door: Door) -> None:
    async with door.session() as line:
        await line.frame()
        await line.say(frame(TEXT, '{"type":"input_', fin=False))
        await line.say(frame(CONTINUES, "audio_buffer", fin=False))
        await line.say(frame(CONTINUES, '.clear"}'))
        with anyio.fail_after(PATIENCE):
            _, answer = await line.frame()

    assert b'"input_audio_buffer.cleared"' in answer


@pytest.mark.parametrize("name", END)
async def test_what_is_no_websocket_ends_it(name: str, gateway: Served, door: Door) -> None:
    said, code = END[name]

    async with undisturbed(gateway), door.session() as line:
        await line.frame()
        await line.say(said)
        with anyio.fail_after(PATIENCE):
            closed = await line.close_code()

    assert closed == code


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("first", [frame(TEXT, "[]"), frame(TEXT, "{"), frame(BINARY, b"\xff")])
async def test_a_wrong_first_message_is_told_in_any_dialect(
    name: str, first: bytes, door: Door
) -> None:
    dialect = find_dialect(name)
    path = dialect.base_url.partition("://")[2].partition("/")[2]
    way = dialect.connect("any-model", base_url=f"http://h/{path}".rstrip("/"), key=KEY)
    more = "".join(f"{one}: {value}\r\n" for one, value in way.headers.items())
    if way.subprotocols:
        more += f"sec-websocket-protocol: {', '.join(way.subprotocols)}\r\n"

    async with door.session(way.url.removeprefix("ws://h"), more=more) as line:
        await line.say(first * 2 + frame(CLOSE, struct.pack("!H", 1000)))
        with anyio.fail_after(PATIENCE):
            code = await line.close_code()

    assert code in {1000, 1002, 1003, 1007, 1008, 4000, 4001, 3000}


# What is another's.


async def test_a_session_knows_nothing_of_anothers_items(gateway: Served) -> None:
    async with gateway.talking() as one, gateway.talking(key=OTHER) as other:
        said = [{"type": "input_text", "text": "mine"}]
        item = {"id": "mine", "type": "message", "role": "user", "content": said}
        await one.say(type="conversation.item.create", item=item)
        await one.until("conversation.item.added")

        result = {"type": "function_call_output", "call_id": "mine", "output": "not yours"}
        await other.say(type="conversation.item.create", item=result)
        await other.say(type="conversation.item.delete", item_id="mine")
        error = await other.until("error")
        await one.say(type="conversation.item.retrieve", item_id="mine")
        found = await one.until("conversation.item.retrieved")

    assert error["error"]["code"] == "item_not_found"
    assert found["item"]["content"][0]["text"] == "mine"


async def test_a_call_is_nobody_elses(
    gateway: Served, door: Door, need: Callable[[str], None]
) -> None:
    """Neither to listen in on nor to hang up; it is refused as what is not there."""
    need("aiortc")
    seen: list[str] = []

    async def exchange(offer: str) -> str:
        headers = {"authorization": f"Bearer {KEY}", "content-type": "application/sdp"}
        url = f"{gateway.url}/v1/realtime/calls?model=local/echo"
        answer = await webrtc.post(url, headers=headers, content=offer)
        seen.append(answer.headers["location"].rpartition("/")[2])
        return answer.body.decode()

    async with webrtc.connect(exchange, addresses=["127.0.0.1"]) as peer:
        refused = await gateway.post(f"/v1/realtime/calls/{seen[0]}/hangup", key=OTHER)
        unknown = await gateway.post("/v1/realtime/calls/rtc_1/hangup", key=OTHER)
        door.key = OTHER
        with pytest.raises(AssertionError, match="404"):
            async with door.session(f"/v1/realtime?call_id={seen[0]}"):
                pass
        assert peer.closed is None
        owners = await gateway.post(f"/v1/realtime/calls/{seen[0]}/hangup")

    assert refused == unknown
    assert refused[0] == 404
    assert owners[0] == 200
