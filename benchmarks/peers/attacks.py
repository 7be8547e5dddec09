"""What somebody does to a gateway who means it ill, on plain sockets.

Each attack goes on for as long as it is let, and begins again where it was shut out.
"""

import asyncio
import os
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress

PATH = "/v1/realtime?model=local/echo"

TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9
CONTINUES = 0

UPGRADE = (
    "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


class Door:
    """Where to attack, and what was said there: `told`, its last 64 KB."""

    def __init__(self, port: int, *, key: str) -> None:
        self.port = port
        self.key = key
        self.told = bytearray()

    def note(self, said: bytes) -> None:
        self.told += said
        del self.told[:-65_536]

    @asynccontextmanager
    async def knock(self) -> AsyncGenerator["Line"]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield Line(self, reader, writer)
        finally:
            writer.transport.abort()

    @asynccontextmanager
    async def session(self, path: str = PATH, *, more: str = "") -> AsyncGenerator["Line"]:
        """Somebody who was let in, with a key."""
        async with self.knock() as line:
            await line.say(
                f"GET {path} HTTP/1.1\r\nhost: localhost\r\n{UPGRADE}"
                f"authorization: Bearer {self.key}\r\n{more}\r\n"
            )
            head = await line.until(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 101"), head
            yield line

    async def ask(self, said: bytes | str) -> bytes:
        """All that is answered until it is closed."""
        async with self.knock() as line:
            await line.say(said)
            return await line.rest()


class Line:
    """A connection; what it hears is noted."""

    def __init__(
        self, door: Door, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._door = door
        self._reader = reader
        self._writer = writer

    async def say(self, said: bytes | str) -> None:
        """Raises ConnectionError."""
        self._writer.write(said.encode() if isinstance(said, str) else said)
        await self._writer.drain()

    async def until(self, mark: bytes) -> bytes:
        heard = await self._reader.readuntil(mark)
        self._door.note(heard)
        return heard

    async def rest(self) -> bytes:
        """Until it is closed."""
        heard = bytearray()
        with suppress(ConnectionError):
            while piece := await self._reader.read(65_536):
                self._door.note(piece)
                heard += piece
        return bytes(heard)

    async def frame(self) -> tuple[int, bytes]:
        """The next one that is no ping: opcode and payload."""
        while True:
            head, size = await self._reader.readexactly(2)
            if size == 126:
                (size,) = struct.unpack("!H", await self._reader.readexactly(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", await self._reader.readexactly(8))
            payload = await self._reader.readexactly(size)
            self._door.note(payload)
            if head & 15 != PING:
                return head & 15, payload

    async def close_code(self) -> int:
        """With which it is closed, after whatever is said before; 1006 without one."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                opcode, payload = await self.frame()
                if opcode == CLOSE:
                    return struct.unpack("!H", payload[:2])[0] if payload else 1005
        return 1006


def frame(opcode: int, payload: bytes | str = b"", *, fin: bool = True, rsv: int = 0) -> bytes:
    """Masked with zeros, which is as good as any."""
    payload = payload.encode() if isinstance(payload, str) else payload
    size = len(payload)
    head = bytes([(fin << 7) | rsv | opcode])
    if size < 126:
        head += bytes([128 | size])
    elif size < 65_536:
        head += bytes([254]) + struct.pack("!H", size)
    else:
        head += bytes([255]) + struct.pack("!Q", size)
    return head + bytes(4) + payload


def post(path: str, body: bytes | str, *, key: str, kind: str = "application/json") -> bytes:
    body = body.encode() if isinstance(body, str) else body
    return (
        f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {kind}\r\n"
        f"authorization: Bearer {key}\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode() + body


Attack = Callable[[Door], Awaitable[None]]


async def slow_heads(door: Door) -> None:
    """Heads that come a byte at a time."""
    async with door.knock() as line:
        for byte in b"GET /v1/realtime HTTP/1.1\r\nhost: " + b"a" * 10_000:
            await line.say(bytes([byte]))
            await asyncio.sleep(0.05)


async def endless_heads(door: Door) -> None:
    """Headers that do not end."""
    async with door.knock() as line:
        await line.say("GET / HTTP/1.1\r\n")
        while True:
            await line.say("x-a: b\r\n" * 64)


async def many_headers(door: Door) -> None:
    """Heads of ten thousand headers."""
    await door.ask("GET / HTTP/1.1\r\n" + "a:\r\n" * 10_000 + "\r\n")


async def endless_bodies(door: Door) -> None:
    """Bodies in chunks of a byte that do not end."""
    async with door.knock() as line:
        await line.say(
            "POST /v1/realtime/client_secrets HTTP/1.1\r\nhost: a\r\n"
            "transfer-encoding: chunked\r\n\r\n"
        )
        while True:
            await line.say("1\r\na\r\n" * 1000)


async def unread_bodies(door: Door) -> None:
    """Bodies that do not end, for somebody who does not read them."""
    async with door.knock() as line:
        await line.say("GET /healthz HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            await line.say("400\r\n" + "a" * 1024 + "\r\n")


async def pipelined(door: Door) -> None:
    """Requests that do not wait for answers, and are not read."""
    async with door.knock() as line:
        while True:
            await line.say("GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n" * 100)


async def garbage(door: Door) -> None:
    """Messages of two bytes that mean nothing, as fast as can be, and answers that are read."""
    async with door.session() as line:

        async def read() -> None:
            await line.rest()

        reading = asyncio.create_task(read())
        try:
            while True:
                await line.say(frame(TEXT, "{}") * 500)
        finally:
            reading.cancel()


async def unread(door: Door) -> None:
    """The same, and nothing is read."""
    async with door.session() as line:
        while True:
            await line.say(frame(TEXT, "{}") * 500)


async def pings(door: Door) -> None:
    """Pings as fast as can be, whose answers are not read."""
    async with door.session() as line:
        while True:
            await line.say(frame(PING, b"a" * 125) * 100)


async def fragments(door: Door) -> None:
    """A message of the smallest fragments without end."""
    async with door.session() as line:
        await line.say(frame(TEXT, "[", fin=False))
        while True:
            await line.say(frame(CONTINUES, " ", fin=False) * 500)


async def large_messages(door: Door) -> None:
    """Messages that are refused for their size."""
    async with door.session() as line:
        for _ in range(20):
            await line.say(frame(TEXT, '{"type":"' + "a" * 300_000 + '"}'))
            await line.frame()


async def deep_messages(door: Door) -> None:
    """A hundred thousand brackets."""
    async with door.session() as line:
        await line.frame()
        for _ in range(20):
            await line.say(frame(TEXT, '{"type":"session.update","session":' + "[" * 100_000))
            await line.frame()


def sdp(*, candidates: int = 0, sections: int = 1, filling: int = 0) -> str:
    """An offer with too much in it."""
    lines = ["v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0"]
    for index in range(sections):
        lines += [
            "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
            "c=IN IP4 0.0.0.0",
            f"a=mid:{index}",
            "a=ice-ufrag:abcd",
            "a=ice-pwd:" + "p" * 24,
            "a=fingerprint:sha-256 " + ":".join(["AB"] * 32),
            "a=setup:actpass",
            "a=sctp-port:5000",
        ]
    lines += [f"a=candidate:1 1 UDP 1 10.0.0.1 {1 + i} typ host" for i in range(candidates)]
    lines += ["a=x:" + "y" * filling] if filling else []
    return "\r\n".join(lines) + "\r\n"


SDPS: Mapping[str, str] = {
    "a megabyte": sdp(filling=1_000_000),
    "candidates": sdp(candidates=10_000),
    "sections": sdp(sections=10_000),
    "candidates that fit": sdp(candidates=2_500),
    "sections that fit": sdp(sections=500),
    "a hundred bare sections": "v=0\r\n" + "m=audio 9 A 0\r\n" * 100,
    "a hundred sections without newlines": "v=0\r" + "m=audio 9 A 0\r" * 100,
    "bare sections": "v=0\r\n" + "m=audio 9 A 0\r\n" * 8_000,
}


async def sdp_bombs(door: Door) -> None:
    """Offers with thousands of everything."""
    for offer in SDPS.values():
        await door.ask(post("/v1/realtime/calls", offer, key=door.key, kind="application/sdp"))


async def forged_tickets(door: Door) -> None:
    """Tickets that nobody has sold, one after the other."""
    async with door.knock() as line:
        await line.say(
            f"GET {PATH} HTTP/1.1\r\nhost: localhost\r\n{UPGRADE}"
            f"authorization: Bearer ek_{os.urandom(32).hex()}\r\n\r\n"
        )
        await line.rest()


async def idle(door: Door) -> None:
    """A connection that says nothing."""
    async with door.knock() as line:
        await line.rest()


async def idle_sessions(door: Door) -> None:
    """A session that says nothing."""
    async with door.session() as line:
        await line.rest()


ATTACKS: Mapping[str, tuple[Attack, int]] = {
    "slow heads": (slow_heads, 100),
    "endless heads": (endless_heads, 10),
    "10,000 headers": (many_headers, 10),
    "endless bodies": (endless_bodies, 10),
    "bodies nobody reads": (unread_bodies, 10),
    "pipelined requests": (pipelined, 10),
    "2,000 idle connections": (idle, 2000),
    "500 idle sessions": (idle_sessions, 500),
    "garbage": (garbage, 4),
    "garbage, not read": (unread, 10),
    "pings, not read": (pings, 10),
    "fragments": (fragments, 10),
    "messages of 300 KB": (large_messages, 10),
    "100,000 brackets": (deep_messages, 10),
    "offers of thousands": (sdp_bombs, 4),
    "forged tickets": (forged_tickets, 10),
}
"""Each with so many attackers at a time."""


async def attack(door: Door, what: Attack, *, attackers: int, seconds: float) -> int:
    """How often it was begun."""
    begun = 0

    async def again() -> None:
        nonlocal begun
        while True:
            begun += 1
            with suppress(OSError, asyncio.IncompleteReadError, AssertionError):
                await what(door)
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(again()) for _ in range(attackers)]
        await asyncio.sleep(seconds)
        for task in tasks:
            task.cancel()
    return begun
