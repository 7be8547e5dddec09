"""`antiphon emulate`."""

import contextlib
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import anyio
import msgspec

from antiphon.emulation.certificate import Certificate
from antiphon.emulation.emulator import Emulator
from antiphon.emulation.faults import FaultError, Faults
from antiphon.emulation.places import PLACES, UnknownProvider, base_url, place, variables
from antiphon.emulation.port import Port
from antiphon.pipeline.errors import leaf
from antiphon.processors.local.script import ScriptError, read
from antiphon.signals import interruptible


def emulate(
    providers: Sequence[str],
    *,
    host: str = "127.0.0.1",
    port: int = 8090,
    script: Path | None = None,
    think: float = 0.3,
    fault: str = "",
    seed: int = 0,
    as_json: bool = False,
) -> int:
    """Stand in for *providers*, or all, until Ctrl-C; 2 if something has to be mended first.

    Where one of them needs TLS, it is at the next port.
    """
    named = tuple(providers) or tuple(PLACES)
    try:
        needs_tls = any(place(name).tls is not None for name in named)
        if think < 0:
            raise ScriptError(f"think is a number of seconds, not {think:g}")
        emulator = Emulator(
            None if script is None else read(script),
            faults=Faults(fault),
            think=think,
            seed=seed,
        )
    except (UnknownProvider, FaultError, ScriptError) as error:
        print(f"antiphon: {error}", file=sys.stderr)
        return 2

    async def run() -> None:
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(_close, emulator)
            plain = Port(emulator, host=host, port=port)
            stack.push_async_callback(plain.aclose)
            await plain.open()
            tls = trust = None
            if needs_tls:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="antiphon-")))
                certificate = Certificate(folder, host)
                secure = Port(emulator, host=host, port=port and port + 1, tls=certificate.serving)
                stack.push_async_callback(secure.aclose)
                await secure.open()
                tls, trust = _address("https", host, secure.number), str(certificate.path)
            where = _address("http", host, plain.number)
            told = _as_json if as_json else _as_text
            print(told(named, plain=where, tls=tls, trust=trust), flush=True)
            await anyio.sleep_forever()

    async def main() -> None:
        await interruptible(run)

    try:
        anyio.run(main)
    except ExceptionGroup as group:
        raise leaf(group) from None
    return 0


async def _close(emulator: Emulator) -> None:
    with anyio.CancelScope(shield=True):
        await emulator.house.aclose()


def _as_text(providers: Sequence[str], *, plain: str, tls: str | None, trust: str | None) -> str:
    lines = [f"An emulator at {plain}{'' if tls is None else f', with TLS at {tls}'}. Set:"]
    for provider in providers:
        lines.append(f"# {provider}")
        found = variables([provider], plain=plain, tls=tls, trust=trust)
        lines += (f"export {name}={value}" for name, value in found.items())
    return "\n".join([*lines, "Ctrl-C ends it."])


def _as_json(providers: Sequence[str], *, plain: str, tls: str | None, trust: str | None) -> str:
    """One line."""
    told = {
        "url": plain,
        "tls_url": tls,
        "certificate": trust,
        "providers": {name: base_url(name, plain=plain, tls=tls) for name in providers},
        "env": variables(providers, plain=plain, tls=tls, trust=trust),
    }
    return msgspec.json.encode(told).decode()


def _address(scheme: str, host: str, port: int) -> str:
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
