"""What goes wrong with a connection, told in a line, for clients of any provider."""

import contextlib
from collections.abc import AsyncGenerator
from typing import Any

import anyio
import msgspec
import pytest

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.connection import Connect
from antiphon.codecs.dialects import find_dialect
from antiphon.emulation.breaking import CUT
from antiphon.emulation.emulator import FAREWELL, Emulator
from antiphon.emulation.faults import SHOWN, Fault, FaultError, Faults, parse
from antiphon.emulation.running import RunningEmulator
from antiphon.pipeline.testing import run_virtual
from antiphon.processors.local.casting import Book
from antiphon.processors.local.reply import Reply
from antiphon.transports import Closed, Refused, websocket
from tests.antiphon.gateway.knocking import Socket, knock
from tests.processors.local.parts import text

each_provider = pytest.mark.parametrize("name", ["openai", "gemini"])

LONG = 30.0
"""Seconds after which nothing more is expected of a connection."""


def emulator(faults: str) -> Emulator:
    book = Book([Reply(when="").says("Once upon a time.")], voice="tone")
    return Emulator(book, faults=Faults(faults), think=0.0)


def way(name: str, base: str = "http://gateway.test") -> Connect:
    dialect = find_dialect(name)
    path = dialect.base_url.partition("://")[2].partition("/")[2]
    return dialect.connect("some-model", key="any", base_url=f"{base}/{path}".rstrip("/"))


async def say(name: str, socket: Any) -> Any:
    """Asks for an answer; the client's end."""
    end = find_dialect(name).client("some-model")
    for event in (
        events.SessionUpdate(config=SessionConfig(instructions="Be kind.")),
        text("Hello."),
        events.ResponseCreate(),
    ):
        for message in end.encode(event):
            await socket.send(message)
    return end


class Told:
    """All that a client of *name* hears before the end, or before it has waited long enough."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.last = 0.0
        """When the last of it came, in seconds."""
        self.over: float | None = None
        self.closed: Closed | None = None

    def all(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


async def listened(name: str, socket: Socket, end: Any, start: float) -> Told:
    told = Told()
    with anyio.move_on_after(LONG):
        try:
            while True:
                message = await socket.receive()
                told.last = anyio.current_time() - start
                told.events += end.decode(message)
        except (Closed, anyio.EndOfStream):
            told.over = anyio.current_time() - start
            told.closed = socket.closed
    return told


def talked(name: str, faults: str) -> Told:
    """To an emulator with *faults*, in virtual time."""

    async def main() -> Told:
        async with knock(emulator(faults), way(name)) as socket:
            start = anyio.current_time()
            end = await say(name, socket)
            return await listened(name, socket, end, start)

    return run_virtual(main)


# How they are written.


def test_faults_are_told_in_a_line() -> None:
    assert parse("429*2, drop@3s,stall@250ms,half@0.5,slow=0.2,silent*1,error@1s:overloaded") == (
        Fault(kind="refuse", cause="too_many_requests", times=2),
        Fault(kind="drop", seconds=3.0),
        Fault(kind="stall", seconds=0.25),
        Fault(kind="half", seconds=0.5),
        Fault(kind="slow", seconds=0.2),
        Fault(kind="silent", times=1),
        Fault(kind="error", seconds=1.0, code="overloaded"),
    )
    assert parse("") == ()


@pytest.mark.parametrize(
    "text",
    ["explode", "drop", "drop@soon", "418", "429*0", "slow", "silent@3s", "drop@3s,", "error:x"],
)
def test_an_unknown_fault_is_told_with_all_that_there_are(text: str) -> None:
    with pytest.raises(FaultError) as wrong:
        Faults(text)

    assert all(form in str(wrong.value) for form, _ in SHOWN)


def test_each_connection_takes_what_is_left() -> None:
    faults = Faults("429*2,500*1,drop@3s*1,slow=1")

    kinds = [[fault.kind for fault in faults.next()] for _ in range(5)]

    assert kinds == [["refuse"], ["refuse"], ["refuse"], ["drop", "slow"], ["slow"]]


# What they do.


@each_provider
@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 429, 500, 503])
def test_the_upgrade_is_refused_in_the_providers_own_words(name: str, status: int) -> None:
    async def main() -> Refused:
        with pytest.raises(Refused) as refusal:
            async with knock(emulator(str(status)), way(name)):
                pass
        return refusal.value

    refused = run_virtual(main)

    known = status if (name, status) != ("gemini", 402) else 429
    error = msgspec.json.decode(refused.body)["error"]
    assert refused.status == known
    if name == "openai":
        assert {"message", "type", "code", "param"} <= error.keys()
    else:
        assert error["code"] == known
        assert {"message", "status"} <= error.keys()


@each_provider
def test_only_the_first_connections_are_refused(name: str) -> None:
    async def main() -> list[int]:
        one, found = emulator("429*2"), list[int]()
        for _ in range(3):
            try:
                async with knock(one, way(name)):
                    found.append(101)
            except Refused as refused:
                found.append(refused.status)
        return found

    assert run_virtual(main) == [429, 429, 101]


@each_provider
def test_where_there_is_nothing_nothing_is_refused(name: str) -> None:
    async def main() -> int:
        with pytest.raises(Refused) as refusal:
            async with knock(emulator("429"), Connect(url="ws://gateway.test/nowhere")):
                pass
        return refusal.value.status

    assert run_virtual(main) == 404


@each_provider
def test_without_faults_all_is_well(name: str) -> None:
    told = talked(name, "")

    assert told.all(events.ResponseDone)
    assert told.over is None


@each_provider
def test_a_silent_server_never_says_anything(name: str) -> None:
    told = talked(name, "silent")

    assert told.events == []
    assert told.over is None


@each_provider
def test_a_server_that_stalls_says_nothing_more_and_stays(name: str) -> None:
    told = talked(name, "stall@100ms")

    assert told.all(events.AudioDelta)
    assert not told.all(events.ResponseDone)
    assert told.last <= 0.1
    assert told.over is None


@each_provider
def test_a_slow_server_says_everything_late(name: str) -> None:
    quick, slow = talked(name, ""), talked(name, "slow=0.2")

    assert [type(one) for one in slow.events] == [type(one) for one in quick.events]
    assert slow.last >= 0.2 * 5


@each_provider
def test_who_leaves_says_so_before(name: str) -> None:
    told = talked(name, "goaway@2s")

    assert told.over == 2.0 + FAREWELL
    assert told.closed is not None and told.closed.code == 1001
    if name == "gemini":
        (going,) = told.all(events.GoAway)
        assert going.time_left == FAREWELL * 1_000_000
    else:  # it has no word for it but at the end
        (error,) = told.all(events.Error)
        assert error.code == "going_away"


def test_an_error_is_said_where_there_is_a_word_for_it() -> None:
    told = talked("openai", "error@1s:overloaded")

    (error,) = told.all(events.Error)
    assert (error.code, told.over) == ("overloaded", None)


def test_an_error_ends_the_connection_where_that_is_how_it_is_said() -> None:
    told = talked("gemini", "error@1s:overloaded")

    assert told.over == 1.0
    assert told.closed is not None and told.closed.code == 1011
    assert "overloaded" in told.closed.reason


@each_provider
def test_behind_servers_that_cannot_lose_a_connection_it_is_closed(name: str) -> None:
    told = talked(name, "drop@500ms")

    assert told.over == 0.5
    assert told.closed is not None and told.closed.code == 1011


# On a network.


@contextlib.asynccontextmanager
async def connected(name: str, running: RunningEmulator) -> AsyncGenerator[Any]:
    opened = way(name, running.url)
    async with websocket.connect(opened.url, headers=opened.headers) as transport:
        yield transport


async def lost(transport: Any, heard: list[Any] | None = None) -> Closed:
    """How the connection ends; what comes before that is *heard*."""
    with anyio.fail_after(5), pytest.raises(Closed) as ending:
        while True:
            message = await transport.receive()
            if heard is not None:
                heard.append(message)
    return ending.value


@each_provider
async def test_a_connection_is_lost_without_a_farewell(
    name: str, antiphon_gateway: RunningEmulator
) -> None:
    antiphon_gateway.fault("drop@100ms")

    start = anyio.current_time()
    async with connected(name, antiphon_gateway) as transport:
        ending = await lost(transport)

    assert ending.code == 1006
    assert 0.1 <= anyio.current_time() - start < 2
    await antiphon_gateway.until(lambda: all(one.ended for one in antiphon_gateway.sessions))


@each_provider
async def test_half_a_message_is_sent(name: str, antiphon_gateway: RunningEmulator) -> None:
    antiphon_gateway.fault("half@0s")
    antiphon_gateway.says("Hello.")

    async with connected(name, antiphon_gateway) as transport:
        with contextlib.suppress(Closed):
            await say(name, transport)
        heard: list[Any] = []
        ending = await lost(transport, heard)

    assert ending.code == 1006
    assert heard == []


class Wires:
    def __init__(self) -> None:
        self.done: list[str | bytes | None] = []

    def abort(self) -> None:
        self.done.append(None)

    def half(self, message: str | bytes) -> None:
        self.done.append(message)


@pytest.mark.parametrize(("faults", "done"), [("half@1s", "b"), ("drop@1s", None)])
def test_a_connection_is_lost_once_and_nothing_is_sent_after(faults: str, done: str | None) -> None:
    from antiphon.emulation.breaking import Breaking

    wires, sent = Wires(), list[Any]()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": "a"})
        await anyio.sleep(2)
        for message in "bc":
            await send({"type": "websocket.send", "text": message})
        await send({"type": "websocket.close"})

    async def receive() -> Any:
        await anyio.sleep_forever()

    async def send(event: Any) -> None:
        sent.append(event.get("text", event["type"]))

    async def main() -> None:
        scope: Any = {"extensions": {CUT: wires}}
        await Breaking(parse(faults), scope, receive, send).run(app)

    run_virtual(main)

    assert sent == ["websocket.accept", "a"]
    assert wires.done == [done]


def test_a_mistake_of_the_application_is_not_hidden() -> None:
    from antiphon.emulation.breaking import Breaking

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise LookupError("here")

    async def nothing(*_: Any) -> Any: ...

    async def main() -> None:
        await Breaking(parse("slow=1"), {}, nothing, nothing).run(app)

    with pytest.raises(LookupError):
        run_virtual(main)
