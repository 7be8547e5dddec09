"""What becomes of a session when the network, or the server, does what it should not."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import anyio
import pytest
from anyio.abc import SocketAttribute

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.dialects import find_dialect
from antiphon.codecs.items import text_message
from antiphon.pipeline import Frame, Pipeline, ProcessorError
from antiphon.processors.remote import LostModel, Remote, Retry
from antiphon.transports import (
    ConnectTimeout,
    NoWebSocket,
    Refused,
    TooLarge,
    Transport,
    TransportError,
    Unreachable,
    Unresponsive,
    websocket,
)
from tests.processors.remote.calls import KEY, Agent, by_itself, of, served
from tests.processors.remote.faults import (
    Fault,
    Proxy,
    answers,
    cuts_at,
    hangs_up,
    opens_and_says_nothing,
    proxied,
    rubbish,
    says_nothing,
    sends,
    stops_reading,
)

pytestmark = pytest.mark.anyio

OPENAI = find_dialect("openai")

ASK = events.ConversationItemCreate(item=text_message("How are you?"))

LIMIT = 0.3
"""Seconds that anything is waited for: to be connected, for a session, for a ping, to send."""

AT_LAST = 10.0
"""Seconds after which a test has hung."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Chat:
    """A session in writing over a network with faults."""

    def __init__(self, proxy: Proxy, heard: list[Frame]) -> None:
        self.proxy = proxy
        self.heard = heard


@asynccontextmanager
async def opened(url: str) -> AsyncGenerator[Transport]:
    way = OPENAI.connect("m", key=KEY, base_url=f"{url}/v1")
    async with websocket.connect(
        way.url,
        headers=way.headers,
        open_timeout=LIMIT,
        close_timeout=LIMIT,
        send_timeout=LIMIT,
        ping_interval=LIMIT,
        ping_timeout=LIMIT,
        max_size=1 << 20,
    ) as transport:
        yield transport


def agent() -> Agent:
    return Agent(OPENAI, "local/assistant?think=0&speed=20&chunk=0.2")


async def chat(*faults: Fault, attempts: int = 3, frames: Sequence[Frame] = ()) -> Chat:
    """Ask one thing, and again if the answer broke off; it ends when there is one, or as it must."""
    with by_itself():
        async with served(agent()) as port:
            return await chat_with(port, *faults, attempts=attempts, frames=frames)


async def chat_with(
    port: int, *faults: Fault, attempts: int = 3, frames: Sequence[Frame] = ()
) -> Chat:
    heard: list[Frame] = []
    with by_itself(), anyio.fail_after(AT_LAST):
        async with proxied(port, *faults) as proxy:
            remote = Remote(
                OPENAI,
                "m",
                lambda handle, wanted: opened(proxy.url),
                retry=Retry(attempts=attempts, first=0.01, longest=0.02),
                ready_timeout=LIMIT,
                linger=0.1,
            )
            async with Pipeline(remote).open() as run:
                await run.send(events.SessionUpdate(config=SessionConfig(instructions="Be brief.")))
                await run.send(ASK)
                for frame in frames:
                    await run.send(frame)
                await run.send(events.ResponseCreate())
                failed = False
                async for frame in run:
                    heard.append(frame)
                    match frame:
                        case events.ResponseDone(status="completed"):
                            break
                        case events.ResponseDone():
                            failed = True
                        case events.Reconnected() if failed:
                            await run.send(ASK)
                            await run.send(events.ResponseCreate())
                        case _:
                            pass
                run.cancel()
    return Chat(proxy, heard)


def words(chat: Chat) -> str:
    done = of(events.AudioTranscriptDone, chat.heard)
    return " ".join(event.transcript or "" for event in done)


RECOVERED: dict[str, tuple[Fault, type[TransportError]]] = {
    "hangs up": (hangs_up, Unreachable),
    "says nothing": (says_nothing, ConnectTimeout),
    "429": (answers(429, "Retry-After: 0", body="slow down"), Refused),
    "500": (answers(500), Refused),
    "503": (answers(503), Refused),
    "opens and says nothing": (opens_and_says_nothing, ConnectTimeout),
    "stops reading": (stops_reading, Unresponsive),
}


@pytest.mark.parametrize("name", RECOVERED)
async def test_a_server_that_fails_once_is_tried_again(name: str) -> None:
    fault, _ = RECOVERED[name]

    held = await chat(fault)

    assert "thank" in words(held)
    assert [event.attempt for event in of(events.Reconnecting, held.heard)] == [1]
    assert len(held.proxy.lines) == 2


@pytest.mark.parametrize("name", RECOVERED)
async def test_one_that_fails_always_is_lost_and_it_is_said_why(name: str) -> None:
    fault, why = RECOVERED[name]

    with pytest.raises(ProcessorError) as raised:
        await chat(fault, fault, attempts=1)

    lost = raised.value.__cause__
    assert isinstance(lost, LostModel)
    assert isinstance(lost.__cause__, why)


async def test_nobody_listens() -> None:
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        port = listener.extra(SocketAttribute.local_port)

    with pytest.raises(ProcessorError) as raised, anyio.fail_after(AT_LAST):
        retry = Retry(attempts=1, first=0.01)
        remote = Remote(
            OPENAI, "m", lambda handle, wanted: opened(f"http://127.0.0.1:{port}"), retry=retry
        )
        await Pipeline(remote).run()

    assert isinstance(raised.value.__cause__, LostModel)
    assert isinstance(raised.value.__cause__.__cause__, Unreachable)


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (answers(401, body=KEY), Refused),
        (answers(302, "Location: /x"), Refused),
        (rubbish, NoWebSocket),
    ],
    ids=["401", "302", "rubbish"],
)
async def test_a_refusal_that_would_come_again_ends_the_session_at_once(
    fault: Fault, why: type[TransportError]
) -> None:
    with pytest.raises(ProcessorError) as raised:
        await chat(fault)

    assert isinstance(raised.value.__cause__, why)
    assert KEY not in f"{raised.value} {raised.value.__cause__!r}"


async def test_a_message_of_100_mb_is_not_taken() -> None:
    with pytest.raises(ProcessorError) as raised:
        await chat(sends(100_000_000))

    assert isinstance(raised.value.__cause__, TooLarge)


async def test_a_server_that_takes_nothing_more_is_left_in_time() -> None:
    second = events.InputAudioAppend(audio=bytes(48_000))

    held = await chat(stops_reading, frames=[second] * 200)

    (again,) = of(events.Reconnecting, held.heard)
    assert "took nothing" in again.reason or "no ping" in again.reason
    assert "thank" in words(held)


MESSAGES = 25
"""Of the server, in a whole turn."""


@pytest.mark.parametrize("within", [False, True], ids=["before", "within"])
async def test_a_turn_that_is_cut_at_any_message_is_made_good(within: bool) -> None:
    outcomes: dict[int, Chat] = {}

    async with served(agent()) as port, anyio.create_task_group() as group:

        async def cut(message: int) -> None:
            outcomes[message] = await chat_with(port, cuts_at(message, within=within))

        for message in range(MESSAGES):
            group.start_soon(cut, message)

    for message, held in outcomes.items():
        done = [event.status for event in of(events.ResponseDone, held.heard)]
        begun = [event.response_id for event in of(events.ResponseCreated, held.heard)]
        assert done in (["completed"], ["failed", "completed"]), message
        assert len(begun) == len(set(begun)) == len(done), message
        assert "thank" in words(held), message
        assert [event.attempt for event in of(events.Reconnecting, held.heard)] == [1], message


async def test_the_last_of_them_is_the_end_of_the_turn() -> None:
    held = await chat(cuts_at(MESSAGES))

    assert [event.status for event in of(events.ResponseDone, held.heard)] == ["completed"]
    assert of(events.Reconnecting, held.heard) == []
