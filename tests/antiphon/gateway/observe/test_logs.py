"""Each line of the log says whose it is, and none has a secret in it."""

import io
import json
import logging
import subprocess
import sys
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import anyio
import anyio.lowlevel
import pytest
import uvicorn
from hypothesis import example, given, settings
from hypothesis import strategies as st

from antiphon.gateway.observe.logs import (
    Json,
    Line,
    Redacting,
    learned,
    log_config,
    session_log,
)
from antiphon.gateway.observe.redact import HIDDEN, LONGEST, READ, hide, redacted
from tests.antiphon.gateway.observe.secrets import ANYWHERE, CARRIED, JWT, NAMED, PREFIXED, WORD


@contextmanager
def logged(
    formatter: logging.Formatter | None = None, name: str = "antiphon.gateway"
) -> Generator[io.StringIO]:
    """What is logged within, to whichever logger below *name*."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter or Json())
    logger = logging.getLogger(name)
    level, propagate = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    try:
        yield stream
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_says_when_how_bad_who_and_what() -> None:
    with logged() as stream:
        logging.getLogger("antiphon.gateway.door").warning("refused %s", "somebody")

    (line,) = lines(stream)
    assert line.pop("time")[10] == "T"
    assert line == {
        "level": "warning",
        "logger": "antiphon.gateway.door",
        "message": "refused somebody",
    }


async def test_every_line_of_a_session_is_known_by_its_id_also_those_of_libraries() -> None:
    async def elsewhere(name: str) -> None:
        await anyio.lowlevel.checkpoint()
        logging.getLogger("library").info("in %s", name)

    async def session(name: str) -> None:
        with session_log(name, front="openai", key="shop") as log:
            async with anyio.create_task_group() as group:
                group.start_soon(elsewhere, name)
            log.info("after")

    with logged(name="library") as of_library, logged() as of_ours:
        async with anyio.create_task_group() as group:
            group.start_soon(session, "one")
            group.start_soon(session, "two")
        logging.getLogger("library").info("outside")

    told = [(line["message"], line.get("session"), line.get("key")) for line in lines(of_library)]
    assert sorted(told, key=str) == [
        ("in one", "one", "shop"),
        ("in two", "two", "shop"),
        ("outside", None, None),
    ]
    sessions = sorted((line["session"], line["front"]) for line in lines(of_ours))
    assert sessions == [("one", "openai"), ("two", "openai")]


def test_what_a_session_learns_of_itself_is_on_its_lines_from_then_on() -> None:
    with logged() as stream, session_log("one") as log:
        log.info("before")
        learned(upstream="gemini")
        log.info("after")

    before, after = lines(stream)
    assert "upstream" not in before
    assert (after["session"], after["upstream"]) == ("one", "gemini")


def test_what_comes_after_a_session_is_not_of_it() -> None:
    with logged() as stream:
        with session_log("one"):
            learned(upstream="gemini")
        logging.getLogger("antiphon.gateway").info("after")

    (line,) = lines(stream)
    assert not {"session", "upstream"} & set(line)


def test_what_is_given_beside_a_message_has_fields_of_its_own() -> None:
    with logged() as stream:
        logging.getLogger("antiphon.gateway").info(
            "closed", extra={"seconds": 4.5, "reason": "idle", "well": True, "bytes_in": 7}
        )

    (line,) = lines(stream)
    assert (line["seconds"], line["reason"], line["well"]) == (4.5, "idle", True)


def test_a_message_with_the_wrong_arguments_is_logged_all_the_same() -> None:
    with logged() as stream:
        arguments = ("one",)
        logging.getLogger("antiphon.gateway").info("%d of %d", *arguments)

    assert lines(stream)[0]["message"] == "%d of %d"


def test_nobody_can_begin_a_line_in_our_name() -> None:
    forged = "x\n12:00:00.000 error   antiphon: all is lost\r\x1b[31m"

    for formatter in (Json(), Line()):
        with logged(formatter) as stream, session_log("a b\nc", front="openai"):
            logging.getLogger("antiphon.gateway").info("said %s", forged, extra={"by": forged})
        assert len(stream.getvalue().splitlines()) == 1
        assert "\x1b" not in stream.getvalue()


def test_on_a_terminal_lines_are_for_people() -> None:
    with logged(Line()) as stream, session_log("one", front="openai"):
        logging.getLogger("antiphon.gateway").info("opened", extra={"reason": "two words"})

    line = stream.getvalue()
    assert line[12:] == (
        " info    antiphon.gateway: opened session=one front=openai reason='two words'\n"
    )


def test_exceptions_are_told_with_where_they_came_from() -> None:
    for formatter in (Json(), Line()):
        with logged(formatter) as stream:
            try:
                raise ValueError("wrong")
            except ValueError:
                logging.getLogger("antiphon.gateway").exception("failed")
        assert "test_logs.py" in stream.getvalue()
        assert "ValueError: wrong" in stream.getvalue()


def _ways(text: str) -> str:
    """All that comes of *text* wherever it is put into a log."""

    class Odd:
        def __repr__(self) -> str:
            return text

    written = ""
    for formatter in (Json(), Line(), logging.Formatter("%(message)s %(beside)s")):
        with logged(formatter) as stream, session_log(text, front=text):
            logger = logging.getLogger("antiphon.gateway")
            if not isinstance(formatter, Json | Line):
                logger.handlers[-1].addFilter(Redacting())
            logger.info(text.replace("%", "%%"), extra={"beside": text})
            logger.info("%s and %r", text, Odd(), extra={"beside": {"a": text}})
            try:
                try:
                    raise ValueError(text)
                except ValueError as error:
                    raise RuntimeError("outer") from error
            except RuntimeError:
                logger.exception("failed", extra={"beside": None}, stack_info=True)
        written += stream.getvalue()
    return written


@pytest.mark.parametrize("form", ANYWHERE)
@settings(max_examples=15)
@given(secret=st.one_of(PREFIXED, JWT))
def test_no_secret_that_is_known_by_its_form_is_logged(form: str, secret: str) -> None:
    written = _ways(ANYWHERE[form](secret))

    assert secret not in written
    assert HIDDEN in written


@pytest.mark.parametrize("form", NAMED | CARRIED)
@settings(max_examples=8)
@given(secret=st.one_of(WORD, PREFIXED, JWT))
def test_no_secret_is_logged_where_what_is_beside_it_tells(form: str, secret: str) -> None:
    written = _ways((NAMED | CARRIED)[form](secret))

    assert secret not in written


@given(
    secret=PREFIXED,
    before=st.text(max_size=30),
    after=st.text(max_size=30),
    form=st.sampled_from(sorted(NAMED)),
)
def test_whatever_is_around_it_a_secret_is_not_logged(
    secret: str, before: str, after: str, form: str
) -> None:
    assert secret not in redacted(f"{before} {NAMED[form](secret)} {after}")


@settings(max_examples=30)
@given(secret=PREFIXED, length=st.integers(READ - 100, READ + 10))
def test_a_secret_at_the_edge_of_what_is_read_is_not_logged_in_part(
    secret: str, length: int
) -> None:
    filler = ("word " * (length // 5)).ljust(length)
    blob = "A" * (READ - 100)

    for text in (f"{filler}{secret}", f"{blob} {'w ' * 40}{secret}{secret}"):
        assert secret[:12] not in redacted(text)


def test_keys_of_the_configuration_are_known_by_their_value() -> None:
    hide("correct horse battery staple", "short")

    assert redacted("it is correct horse battery staple.") == f"it is {HIDDEN}."
    assert redacted("a short word") == "a short word"


def test_innocent_text_stays_as_it_is() -> None:
    for text in (
        "session sess_4bf92f3577b34da6 of openai closed after 42.0 s: client_left",
        "GET /v1/realtime?model=gpt-realtime-2 101",
        "max_output_tokens=4096 tokens: 77 in, 8 out; key_name=shop",
        "the token has expired, a basic error; Expected `str`, got `int` - at `$.session.voice`",
        "/opt/antiphon/lib/python3.11/site-packages/antiphon/gateway/observe/logs.py:42",
    ):
        assert redacted(text) == text


@given(st.binary(min_size=160, max_size=2_000))
def test_audio_is_no_text(pcm: bytes) -> None:
    for data in (b64encode(pcm).decode(), urlsafe_b64encode(pcm).decode()):
        for text in (data, json.dumps({"audio": data}), json.dumps(data).replace("/", "\\/")):
            assert data[:100] not in redacted(text).replace("\\/", "/")


def test_a_text_is_not_longer_than_anybody_reads() -> None:
    assert len(redacted("word " * 100_000)) < LONGEST + 40
    assert len(redacted(repr(bytes(range(256)) * 400))) < LONGEST + 40


@example("half a pair: \ud800", 1 << 70)
@given(st.text(st.characters(exclude_categories=())), st.one_of(st.integers(), st.floats()))
def test_anything_can_be_logged(text: str, number: float) -> None:
    for formatter in (Json(), Line()):
        record = {"name": "x", "msg": text, "args": None, "by": text, "n": number}
        formatter.format(logging.makeLogRecord(record)).encode()


def _served(formatter: str) -> str:
    """What uvicorn writes while a request and a WebSocket with tickets in their queries come."""
    program = f"""
import anyio, httpx2, sys, uvicorn, websockets
from antiphon.gateway.observe.logs import log_config

async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({{"type": "http.response.start", "status": 200, "headers": []}})
        await send({{"type": "http.response.body", "body": b""}})
    elif scope["type"] == "websocket":
        await receive()
        await send({{"type": "websocket.accept"}})
        await send({{"type": "websocket.close"}})

async def main():
    config = uvicorn.Config(
        app, port=0, lifespan="off", log_config=log_config(form={formatter!r}), loop="asyncio"
    )
    server = uvicorn.Server(config)
    async with anyio.create_task_group() as group:
        group.start_soon(server.serve)
        while not server.started:
            await anyio.sleep(0.01)
        host = "127.0.0.1:%d" % server.servers[0].sockets[0].getsockname()[1]
        async with httpx2.AsyncClient(trust_env=False) as client:
            await client.get(f"http://{{host}}/v1/x?model=secretmodel&key=secretkey")
        async with websockets.connect(f"ws://{{host}}/v1/y?ticket=secretticket", proxy=None) as ws:
            await ws.wait_closed()
        server.should_exit = True

anyio.run(main)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_uvicorns_lines_are_like_ours_and_have_no_queries() -> None:
    written = _served("json")

    told = [json.loads(line) for line in written.splitlines()]
    assert "secret" not in written
    messages = [line["message"] for line in told]
    assert any('"GET /v1/x HTTP/1.1" 200' in message for message in messages)
    assert any('"WebSocket /v1/y" [accepted]' in message for message in messages)
    assert len(set(messages)) == len(messages)


def test_uvicorn_takes_the_configuration() -> None:
    config = uvicorn.Config("nowhere:app", log_config=log_config(form="line"))

    assert config.log_config == log_config(form="line")
    logging.getLogger("uvicorn").propagate = True
    for handler in logging.getLogger().handlers[:]:
        if isinstance(handler.formatter, Line):
            logging.getLogger().removeHandler(handler)


def test_lines_are_json_unless_somebody_is_looking(monkeypatch: pytest.MonkeyPatch) -> None:
    def formatter() -> str:
        return log_config()["formatters"]["antiphon"]["()"].rpartition(".")[2]

    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert formatter() == "Json"
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert formatter() == "Line"


def test_logging_needs_nothing_heavy() -> None:
    program = (
        "import antiphon.gateway.observe.logs, sys;"
        "print({'starlette', 'prometheus_client', 'opentelemetry', 'numpy', 'uvicorn'}"
        " & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout == "set()\n"
