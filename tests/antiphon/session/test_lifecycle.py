"""How a session begins and ends, and what it bears meanwhile."""

import json
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import pytest
import trio.testing

from antiphon.codecs import events
from antiphon.codecs.config import AudioFormat, SessionConfig
from antiphon.codecs.connection import Connect
from antiphon.codecs.usage import Usage
from antiphon.codecs.wire import Unsayable
from antiphon.pipeline import Emit, Frames
from antiphon.pipeline.testing import run_virtual
from antiphon.processors.models import ModelError
from antiphon.session import (
    AlreadyConnected,
    Changed,
    Ended,
    Malformed,
    NotConnected,
    Overflow,
    Session,
    StartupTimeout,
)
from antiphon.transports import Closed, Refused, Transport
from tests.antiphon.session.line import (
    MODEL,
    TICKET,
    Json,
    Line,
    audio,
    connected,
    created,
    done,
    ignored,
    session_on,
    settle,
    texts,
    token,
)

READY = {"type": "session-created"}


def test_connecting_waits_until_the_model_is_ready() -> None:
    async def main() -> None:
        line = Line()
        async with session_on(line) as session, anyio.create_task_group() as group:
            group.start_soon(session.connect)
            await anyio.sleep(3)
            assert session.status == "connecting"
            await line.tell(READY)
        assert line.types()[0] == "session-update"
        assert line.open_now == 0

    run_virtual(main)


def test_a_model_that_is_never_ready_is_given_up_after_half_a_minute() -> None:
    async def main() -> None:
        line = Line()
        async with session_on(line) as session:
            began = anyio.current_time()
            await session.connect()

            assert anyio.current_time() - began == 30
            assert session.status == "error"
            assert isinstance(session.error, StartupTimeout)
            await settle()
            assert line.open_now == 0

    run_virtual(main)


def test_a_token_source_that_never_answers_is_given_up_too() -> None:
    async def main() -> None:
        async with session_on(Line(), token=anyio.sleep_forever, startup_timeout=5) as session:
            await session.connect()

            assert anyio.current_time() == 5
            assert isinstance(session.error, StartupTimeout)

    run_virtual(main)


def test_what_opens_the_connection_fails_with_an_error_of_its_own() -> None:
    refused = Refused("ws://127.0.0.1/rt", 401, {}, b"")

    async def main() -> None:
        errors = list[Exception]()

        def open(way: object) -> Any:
            raise refused

        async with session_on(Line(), open=open, on_error=errors.append) as session:
            await session.connect()

            assert session.status == "error"
            assert session.error is refused
            assert errors == [refused]

    run_virtual(main)


@pytest.mark.parametrize("method", ["disconnect", "close"])
def test_leaving_ends_the_connection_at_once(method: str) -> None:
    async def main() -> None:
        line = Line()
        async with connected(line) as session:
            await line.tell(audio("i1", 500))
            await getattr(session, method)()

            assert session.status == "disconnected"
            assert not session.is_playing
            with pytest.raises(NotConnected, match="disconnected"):
                await session.send_text_message("Hello?")
            await settle()
            assert line.open_now == 0

    run_virtual(main)


def test_a_server_that_closes_properly_has_ended_the_session() -> None:
    async def main() -> None:
        line, errors = Line(), list[Exception]()
        async with connected(line, on_error=errors.append) as session:
            await line.transport.aclose(1000, "goodbye")
            await settle()

            assert session.status == "disconnected"
            assert errors == []

    run_virtual(main)


@pytest.mark.parametrize(("code", "reason"), [(1006, ""), (1011, "worn out"), (1001, "going")])
def test_any_other_end_is_an_error(code: int, reason: str) -> None:
    async def main() -> None:
        line, errors, states = Line(), list[Exception](), list[str]()

        def on_change(what: Changed) -> None:
            if what == "status":
                states.append(session.status)

        async with connected(line, on_error=errors.append, on_change=on_change) as session:
            states.clear()
            await line.transport.aclose(code, reason)
            await settle()

            assert states == ["closing", "error"]
            [error] = errors
            assert isinstance(error, Ended)
            assert (error.code, error.reason) == (code, reason)

    run_virtual(main)


def test_what_came_before_the_connection_broke_is_heard() -> None:
    async def main() -> None:
        line = Line()
        async with connected(line, on_error=ignored) as session:
            for number in range(50):
                delta = {"type": "text-delta", "itemId": "i", "delta": f"{number} "}
                await line.transport.send(json.dumps(delta))
            await line.transport.aclose(1011)
            await settle()

            assert texts(session)[0].split() == [str(n) for n in range(50)]

    run_virtual(main)


def test_but_not_for_longer_than_a_second() -> None:
    class Stuck:
        async def run(self, frames: Frames, emit: Emit) -> None:
            await anyio.sleep_forever()

    async def main() -> None:
        line = Line()
        async with connected(line, sink=Stuck(), on_error=ignored) as session:
            for _ in range(100):
                await line.transport.send(json.dumps(audio("i1", 10)))
            await settle()
            await line.transport.aclose(1011)
            await settle()
            assert session.status == "closing"
            await anyio.sleep(1)
            await settle()
            assert session.status == "error"
            assert isinstance(session.error, Ended)

    run_virtual(main)


def test_a_session_that_is_ready_is_not_hurried() -> None:
    async def main() -> None:
        async with connected(Line()) as session:
            await anyio.sleep(100)
            assert session.status == "connected"

    run_virtual(main)


def test_a_configuration_that_the_model_cannot_be_told_is_an_error() -> None:
    async def main() -> None:
        config = SessionConfig(input_audio_format=AudioFormat(type="audio/opus"))
        async with session_on(
            Line(), model="openai/gpt-realtime", config=config, on_error=ignored
        ) as session:
            await session.connect()
            assert session.status == "error"
            assert isinstance(session.error, Unsayable)

    run_virtual(main)


def test_the_next_connection_waits_until_nothing_is_left_of_the_last() -> None:
    line = Line()

    @asynccontextmanager
    async def open(way: Connect) -> AsyncGenerator[Transport]:
        async with line.open(way) as transport:
            assert line.open_now == 1
            try:
                yield transport
            finally:
                with anyio.CancelScope(shield=True):
                    await anyio.sleep(2)

    async def main() -> None:
        async with connected(line, open=open) as session:
            await session.disconnect()
            began = anyio.current_time()
            await session.connect(wait=False)
            while len(line.ways) < 2:
                await anyio.sleep(0.1)
            assert anyio.current_time() - began >= 2
            assert session.error is None
        assert session.status == "disconnected"

    run_virtual(main)


def test_a_session_connects_again_and_keeps_its_conversation() -> None:
    async def main() -> None:
        line = Line()
        async with connected(line) as session:
            await line.tell(created(), {"type": "text-delta", "itemId": "i1", "delta": "One."})
            with pytest.raises(AlreadyConnected):
                await session.connect()
            await session.disconnect()
            await session.connect(wait=False)
            await settle()
            await line.tell(READY, {"type": "text-delta", "itemId": "i1", "delta": "Two."})

            assert texts(session) == ["One.", "Two."]

    run_virtual(main)


def test_it_connects_again_after_an_error() -> None:
    async def main() -> None:
        line = Line()
        async with connected(line, on_error=ignored) as session:
            await line.transport.aclose(1011)
            await settle()
            assert session.error is not None
            await session.connect(wait=False)
            await settle()
            await line.tell(READY)

            assert session.status == "connected"
            assert session.error is None

    run_virtual(main)


@pytest.mark.parametrize(
    ("message", "path"),
    [
        ({"type": "text-delta", "itemId": 5, "delta": "x"}, "$.itemId"),
        ({"type": "audio-delta", "responseId": "r1", "itemId": "i1"}, "$"),
        ({"type": "audio-delta", "itemId": "i1", "delta": "%%%"}, "$.delta"),
    ],
)
def test_a_message_with_a_wrong_field_is_an_error_and_the_session_goes_on(
    message: Json, path: str
) -> None:
    async def main() -> None:
        line, errors = Line(), list[Exception]()
        async with connected(line, on_error=errors.append) as session:
            await line.tell(message, audio("i1", 100))

            [error] = errors
            assert isinstance(error, Malformed)
            assert error.path == path
            assert session.is_playing

    run_virtual(main)


@pytest.mark.parametrize("message", ["{bad", "null", "7", "[null]"])
def test_a_message_that_is_no_event_at_all_ends_the_session(message: str) -> None:
    async def main() -> None:
        line = Line()
        async with connected(line, on_error=ignored) as session:
            await line.tell(message)

            assert session.status == "error"
            assert isinstance(session.error, Malformed)

    run_virtual(main)


def test_messages_that_nobody_takes_in_time_end_the_session() -> None:
    async def slow(event: events.ServerEvent) -> None:
        await anyio.sleep(1)

    async def main() -> None:
        line = Line()
        async with connected(line, on_event=slow) as session:
            with suppress(Closed):
                for _ in range(600):
                    await line.transport.send('{"type": "custom", "rawType": "x"}')
            await settle()

            assert session.status == "error"
            assert isinstance(session.error, Overflow)
            await settle()
            assert line.open_now == 0

    run_virtual(main)


@pytest.mark.parametrize(("count", "size"), [(700, 10), (80, 150_000)])
def test_what_a_loudspeaker_does_not_take_is_bounded_too(count: int, size: int) -> None:
    class Stuck:
        async def run(self, frames: Frames, emit: Emit) -> None:
            await anyio.sleep_forever()

    async def main() -> None:
        line = Line()
        async with connected(line, sink=Stuck(), on_error=ignored) as session:
            delta = audio("i1", size // 48)
            with suppress(Closed):
                for _ in range(count + 64):
                    await line.transport.send(json.dumps(delta))
            await settle()

            assert isinstance(session.error, Overflow)
            assert "512 messages or 8 MiB" in str(session.error)

    run_virtual(main)


def test_nor_may_more_wait_to_be_sent_than_512_events() -> None:
    async def main() -> None:
        line = Line(room=0, listens=False)
        async with session_on(line, on_error=ignored) as session:
            await session.connect(wait=False)
            await settle()
            await line.transport.receive()
            await line.tell(READY)
            for _ in range(512):
                await session.send_audio(bytes(2))
            with pytest.raises(Overflow, match="send no faster"):
                await session.send_audio(bytes(2))

            assert session.status == "connected"

    run_virtual(main)


def test_only_the_last_events_are_kept() -> None:
    async def main() -> None:
        line = Line()
        async with connected(line, max_events=2) as session:
            await line.tell(created(), done(), {"type": "speech-stopped"})

            assert [type(event) for event in session.events] == [
                events.ResponseDone,
                events.SpeechStopped,
            ]

    run_virtual(main)


def test_what_responses_cost_is_added_up() -> None:
    async def main() -> None:
        line = Line()
        async with connected(line) as session:
            for inputs in (3, 4):
                await line.tell(done(usage={"inputTokens": inputs, "outputTokens": 1}))

            assert session.usage == Usage(input_tokens=7, output_tokens=2)

    run_virtual(main)


def test_handlers_that_wait_are_called_in_order_and_may_disconnect() -> None:
    async def main() -> None:
        line, seen = Line(), list[str]()

        async def on_event(event: events.ServerEvent) -> None:
            await anyio.sleep(1)
            seen.append(type(event).__name__)
            if isinstance(event, events.ResponseDone):
                await session.disconnect()
                seen.append("left")

        async with connected(line, on_event=on_event) as session:
            await line.tell(created(), done())
            await anyio.sleep(10)

            assert seen == ["SessionUpdated", "ResponseCreated", "ResponseDone", "left"]

    run_virtual(main)


def test_a_handler_that_fails_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def on_event(event: events.ServerEvent) -> None:
        raise ZeroDivisionError

    async def main() -> None:
        line = Line()
        async with connected(line, on_event=on_event) as session:
            await line.tell(created())
            assert session.status == "connected"

    with caplog.at_level(logging.ERROR, "antiphon.session"):
        run_virtual(main)
    assert "a handler of the session failed" in caplog.text


def test_without_a_handler_errors_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with session_on(Line(), token=anyio.sleep_forever) as session:
            await session.connect(wait=False)
            await session.send_text_message("too early")

    run_virtual(main)
    assert "conversation-item-create is lost" in caplog.text


def test_what_the_body_raises_comes_out_as_it_is_and_nothing_is_left() -> None:
    line = Line()

    async def main() -> None:
        async with connected(line):
            raise KeyError("mine")

    with pytest.raises((KeyError, ExceptionGroup)) as raised:
        run_virtual(main)
    assert line.open_now == 0
    assert isinstance(raised.value, ExceptionGroup)  # of the test's own task group
    assert isinstance(raised.value.exceptions[0], KeyError)


def test_cancelling_the_program_ends_the_session() -> None:
    async def main() -> None:
        line = Line()
        with anyio.move_on_after(1):
            async with connected(line):
                await line.tell(audio("i1", 5000))
                await anyio.sleep_forever()
        assert line.open_now == 0

    run_virtual(main)


def test_a_session_is_used_within_async_with() -> None:
    async def main() -> None:
        with pytest.raises(NotConnected, match="async with"):
            await Session(MODEL, token=token).connect()

    run_virtual(main)


def test_a_model_that_there_is_not_is_named_when_the_session_is_made() -> None:
    with pytest.raises(ModelError, match="nobody/model"):
        Session("nobody/model")


def test_it_runs_on_trio() -> None:
    async def main() -> None:
        line = Line()
        async with connected(line) as session:
            await line.tell(audio("i1", 1000))
            await anyio.sleep(0.25)
            await line.tell({"type": "speech-started"})
            [truncated] = line.said
            assert truncated["audioEndMs"] == 250
            assert not session.is_playing

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def test_a_ticket_does_not_show() -> None:
    async def secret() -> dict[str, Any]:
        return TICKET | {"token": "very-secret", "url": "http://very-secret"}

    async def main() -> None:
        async with session_on(Line(), token=secret, on_error=ignored) as session:
            await session.connect()
            assert "very-secret" not in f"{session!r} {session.error!r}"

    run_virtual(main)
