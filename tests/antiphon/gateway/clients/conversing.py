"""Holds conversations of Python clients with a gateway, many at a time, and keeps what was told."""

import os
import subprocess
import time
import wave
from collections.abc import Generator, Iterable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from antiphon.processors.local.voice import Voice
from antiphon.processors.resampler import resample
from tests.antiphon.gateway.clients.authority import certify
from tests.antiphon.gateway.clients.running import gateway

HERE = Path(__file__).parent

CALLING = ("openai_calls",)
"""By WebRTC."""

INSISTING = ("genai",)
"""On TLS."""

PATIENCE = 90.0
"""Seconds for all scripts to end, of which each gives up after less."""

SPEECH = {
    "weather": "What is the weather in Oslo?",
    "story": "Tell me a story.",
    "wellbeing": "How are you?",
}
"""What the user says, by the names that the scripts have for it."""

AGENT = """
[agents.agent_weather]

[[agents.agent_weather.tools]]
name = "get_weather"
description = "What the weather is like."

[agents.agent_weather.tools.parameters]
type = "object"
required = ["city"]

[agents.agent_weather.tools.parameters.properties.city]
type = "string"
"""
"""Clients of agents bring no tools: they are configured where the agent is."""

Line = dict[str, Any]

_line: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A conversation, as the client's script has told it."""

    lines: list[Line]
    status: int
    """That the script ended with."""
    complaints: str
    """What the script wrote beside its lines."""
    log: list[Line]
    """What the gateway has written of it."""

    def all(self, kind: str) -> list[Line]:
        return [line for line in self.lines if line["kind"] == kind]

    def answer(self, number: int) -> Line:
        answers = self.all("answer")
        assert number < len(answers), f"there is no answer {number}: {self.lines}{self.complaints}"
        return answers[number]

    def until_after(self, answer: int) -> list[Line]:
        """What was told between this *answer* and the next one."""
        first = self.lines.index(self.answer(answer))
        return self.lines[first + 1 : self.lines.index(self.answer(answer + 1))]


def hold(python: Path, names: Iterable[str], folder: Path) -> dict[str, Held]:
    """Run the scripts of these clients by the interpreter *python*."""
    names = tuple(names)
    speech = folder / "speech"
    _say_all(speech)
    authority, certificate, key = certify(folder)
    keys = "".join(f'[keys.{name}]\nsecret = "{_key(name)}"\n' for name in names)
    tls = f'[listen]\ntls_cert = "{certificate}"\ntls_key = "{key}"\n'
    secure = folder / "secure"
    secure.mkdir()
    trusting = {**os.environ, "SSL_CERT_FILE": str(authority)}
    ended: dict[str, int] = {}
    with (
        gateway(folder, settings=keys + AGENT) as plain,
        gateway(secure, settings=tls + keys) as secured,
    ):
        # Whoever calls has to be on time with every packet, and so has the machine to itself.
        for together in ([n for n in names if n not in CALLING], *([n] for n in CALLING)):
            with ExitStack() as scripts:
                running: dict[str, subprocess.Popen[bytes]] = {}
                for name in filter(names.__contains__, together):
                    insists = name in INSISTING
                    base = secured.replace("http", "https", 1) if insists else plain
                    command = [str(python), str(HERE / f"{name}_client.py"), base, _key(name)]
                    running[name] = scripts.enter_context(
                        _running(command, speech, folder / name, trusting if insists else None)
                    )
                until = time.monotonic() + PATIENCE
                for name, process in running.items():
                    ended[name] = process.wait(max(0.0, until - time.monotonic()))
    log = [*_lines(folder / "gateway.log"), *_lines(secure / "gateway.log")]
    return {
        name: Held(
            lines=_lines(folder / name / "told"),
            status=status,
            complaints=(folder / name / "complaints").read_text(),
            log=[line for line in log if line.get("key") == name],
        )
        for name, status in ended.items()
    }


def _say_all(speech: Path) -> None:
    """What the user says, at the rates that clients have."""
    voice = Voice("en-us")
    for rate in (16_000, 24_000):
        (speech / str(rate)).mkdir(parents=True)
        for name, words in SPEECH.items():
            with wave.open(str(speech / str(rate) / f"{name}.wav"), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(rate)
                file.writeframes(resample(voice.speak(words), voice.rate, rate))


@contextmanager
def _running(
    command: list[str], speech: Path, folder: Path, environment: dict[str, str] | None
) -> Generator[subprocess.Popen[bytes]]:
    folder.mkdir()
    with (
        (folder / "told").open("wb") as told,
        (folder / "complaints").open("wb") as complaints,
        subprocess.Popen(
            [*command, str(speech), str(folder)], stdout=told, stderr=complaints, env=environment
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def _key(name: str) -> str:
    return f"key-of-{name}"


def _lines(file: Path) -> list[Line]:
    return [_line.decode(line) for line in file.read_bytes().splitlines() if line[:1] == b"{"]
