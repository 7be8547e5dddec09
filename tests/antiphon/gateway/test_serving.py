"""`antiphon serve`, as a user runs it: what it prints, how it stops, and its workers."""

import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path

import anyio
import pytest

from tests.antiphon.gateway.served import KEY, PATIENCE, SETTINGS, Served, served
from tests.antiphon.gateway.store.certificate import certify
from tests.antiphon.gateway.store.servers import PROGRAMS, Server, found, spoken_to

pytestmark = pytest.mark.anyio

SHORT = "drain = 1\n" + SETTINGS

MINTS = "/v1/realtime/client_secrets"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def store(tmp_path: Path, need: Callable[[str], None]) -> Generator[Server]:
    program = next((path for path in map(found, PROGRAMS) if path), None)
    if program is None:
        need(PROGRAMS[0])
    server = Server(program or "", tmp_path)
    server.start()
    yield server
    server.kill()


def shared(store: Server) -> str:
    return f'{SHORT}\n[store]\nurl = "{store.url}"\n'


def ended(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """A gateway that has something to say, and ends."""
    command = [sys.executable, "-m", "antiphon", "serve", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)


# Beginning.


async def test_it_prints_what_each_sdk_needs_to_know(tmp_path: Path) -> None:
    with served(tmp_path) as gateway:
        for base in ("/v1", "/xai/v1", "/v4/ai"):
            assert f"base{'URL' if base == '/v4/ai' else '_url'}" in gateway.out
            assert f"{gateway.url}{base}\n" in gateway.out
        assert "Keys: alice, bob." in gateway.out
        assert KEY not in gateway.out
        async with gateway.talking() as talk:
            assert await talk.turn()


def test_a_port_that_is_taken_is_said_in_a_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        told = ended("--port", str(port))

    assert told.returncode == 2
    assert told.stdout == ""
    expected = f"nobody can listen at 127.0.0.1, port {port}: Address already in use\n"
    assert told.stderr == expected


def test_a_wrong_configuration_is_said_with_file_line_and_reason(tmp_path: Path) -> None:
    config = tmp_path / "wrong.toml"
    config.write_text("\n[limits]\nidle = -1\n")

    told = ended("--config", str(config))

    assert told.returncode == 2
    assert told.stderr.startswith(f"{config}:3: [limits] idle ")
    assert told.stderr.count("\n") == 1


def test_a_certificate_that_is_none_is_said_in_a_line(tmp_path: Path) -> None:
    file = tmp_path / "cert.pem"
    file.write_text("nonsense")

    told = ended("--port", "0", "--tls-cert", str(file), "--tls-key", str(file))

    assert told.returncode == 2
    assert told.stdout == ""
    assert told.stderr.startswith(f"{file}, {file}: no certificate and its key: ")
    assert told.stderr.count("\n") == 1


async def test_it_speaks_tls(tmp_path: Path) -> None:
    certificate, key = certify(tmp_path)
    trusting = ssl.create_default_context(cafile=str(certificate))
    arguments = ("--tls-cert", str(certificate), "--tls-key", str(key))

    with served(tmp_path, *arguments, tls=trusting) as gateway:
        async with gateway.talking() as talk:
            assert await talk.turn()
        gateway.tell()

        assert await gateway.exited() == 0
    assert f"{gateway.url}/v1" in gateway.out


# Stopping.


async def test_a_session_may_finish_when_it_is_told_to_stop(tmp_path: Path) -> None:
    with served(tmp_path) as gateway:
        async with gateway.talking() as talk:
            gateway.tell()
            await _closed_to_others(gateway)
            assert await talk.turn()
            assert await talk.turn()

        assert await gateway.exited() == 0


async def test_a_session_that_remains_is_told_and_closed(tmp_path: Path) -> None:
    with served(tmp_path, settings=SHORT) as gateway:
        async with gateway.talking() as talk:
            gateway.tell()
            error = await talk.until("error")
            code, reason = await talk.ended()

        assert await gateway.exited() == 0
    assert error["error"]["message"] == "the gateway is shutting down"
    assert (code, reason) == (1001, "the gateway is shutting down")


async def test_a_second_signal_stops_it_at_once(tmp_path: Path) -> None:
    with served(tmp_path) as gateway:
        async with gateway.talking() as talk:
            gateway.tell()
            await _closed_to_others(gateway)
            gateway.tell()
            with anyio.fail_after(10):
                await talk.ended()

                assert await gateway.exited() == 0


async def test_who_does_not_ask_does_not_keep_it_from_stopping(tmp_path: Path) -> None:
    with served(tmp_path, settings=SHORT) as gateway:
        async with await anyio.connect_tcp("127.0.0.1", gateway.port) as line:
            await line.send(b"GET / HTTP/1.1\r\n")
            gateway.tell(signal.SIGINT)
            with anyio.fail_after(10):
                assert await gateway.exited() == 0


async def _closed_to_others(gateway: Served) -> None:
    with anyio.fail_after(PATIENCE):
        while (await gateway.get("/readyz"))[0] != 503:
            await anyio.sleep(0.02)
    status, refused = await gateway.post(MINTS, body={})
    assert status == 503
    assert refused["error"]["message"] == "the gateway is shutting down"


# Workers.


def workers_of(gateway: Served) -> set[int]:
    """Of its children those that serve."""
    pid = gateway.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {int(one) for one in children if b"spawn_main" in _command(int(one))}


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def awake(gateway: Served) -> int:
    return gateway.log().count("Application startup complete")


async def until(true: Callable[[], bool]) -> None:
    with anyio.fail_after(PATIENCE):
        while not true():
            await anyio.sleep(0.05)


async def sessions(gateway: Served) -> int:
    _, text = await gateway.get("/metrics")
    lines = [line for line in text.splitlines() if line.startswith("antiphon_gateway_sessions{")]
    return sum(int(float(line.rpartition(" ")[2])) for line in lines)


async def test_workers_are_one_gateway(tmp_path: Path, store: Server) -> None:
    """A ticket of one is good at all, they count together, and they stop together."""
    with served(tmp_path, "--workers", "2", settings=shared(store)) as gateway:
        await until(lambda: awake(gateway) == 2)
        workers = workers_of(gateway)
        assert len(workers) == 2

        async with anyio.create_task_group() as group:
            leave = anyio.Event()

            async def comes() -> None:
                _, ticket = await gateway.post(MINTS, body={})
                async with gateway.talking(key=ticket["value"]) as talk:
                    await talk.turn()
                    await leave.wait()

            for _ in range(12):
                group.start_soon(comes)
            with anyio.fail_after(PATIENCE):
                while [await sessions(gateway) for _ in range(4)] != [12] * 4:
                    await anyio.sleep(0.1)
            leave.set()

        gateway.tell()
        assert await gateway.exited() == 0
    assert not [pid for pid in workers if _command(pid)]


async def test_a_worker_that_dies_is_replaced_and_its_sessions_are_given_back(
    tmp_path: Path, store: Server
) -> None:
    settings = shared(store) + "[limits]\nconcurrent = 1\n"
    with served(tmp_path, "--workers", "2", settings=settings) as gateway:
        await until(lambda: awake(gateway) == 2)
        before = workers_of(gateway)
        async with gateway.talking():
            for pid in before:
                os.kill(pid, signal.SIGKILL)
        await until(lambda: awake(gateway) == 4)
        assert not workers_of(gateway) & before
        assert await sessions(gateway) == 0

        with pytest.raises(Exception, match="429"):
            async with gateway.talking():
                pass
        await _pass_a_minute(store)
        async with gateway.talking() as talk:
            assert await talk.turn()

        gateway.tell()
        assert await gateway.exited() == 0


async def _pass_a_minute(store: Server) -> None:
    """For the sessions that the store knows of."""
    async with spoken_to(store.url) as server:
        for key in await server.keys("*"):
            if await server.type(key) == b"zset":
                for name, _ in await server.zrange(key, 0, -1, withscores=True):
                    await server.zincrby(key, -60_000, name)


async def test_workers_do_not_outlive_who_started_them(tmp_path: Path, store: Server) -> None:
    with served(tmp_path, "--workers", "2", settings=shared(store)) as gateway:
        await until(lambda: awake(gateway) == 2)
        workers = workers_of(gateway)

        gateway.process.kill()
        await gateway.exited()

        await until(lambda: not [pid for pid in workers if _command(pid)])


# The store.


async def test_without_its_store_sessions_go_on_and_nobody_new_comes_in(
    tmp_path: Path, store: Server
) -> None:
    with served(tmp_path, settings=shared(store)) as gateway:
        async with gateway.talking() as talk:
            store.kill()

            assert await talk.turn()
            assert await gateway.get("/readyz") == (503, '{"ready":false,"missing":["store"]}')
            status, refused = await gateway.post(MINTS, body={})
            assert status == 503
            assert refused["error"]["code"] == "unavailable"
            with pytest.raises(Exception, match="503"):
                async with gateway.talking():
                    pass
            assert await talk.turn()

            store.start()
            with anyio.fail_after(PATIENCE):
                while (await gateway.get("/readyz"))[0] != 200:
                    await anyio.sleep(0.05)
            async with gateway.talking() as another:
                assert await another.turn()
            assert await talk.turn()
