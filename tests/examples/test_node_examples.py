"""The scripts in Node, against a gateway."""

import os
import re
import wave
from array import array
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from antiphon.processors.local.voice import Voice
from antiphon.processors.resampler import resample
from tests.antiphon.gateway.clients.running import KEY, free_port, gateway, running
from tests.examples.browsing import browsing
from tests.examples.installing import EXAMPLES, copied, installed, run

SCRIPTS = {"node-vercel": "AI_GATEWAY", "node-opper": "OPPER"}
"""What their variables begin with."""

each_script = pytest.mark.parametrize("name", SCRIPTS)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def tools(need: Callable[[str], None]) -> None:
    need("npm")


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("examples")
    return {name: installed(name, folder) for name in SCRIPTS}


@pytest.fixture(scope="module")
def port() -> int:
    """Where the page with a ticket is."""
    return free_port()


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory, port: int) -> Generator[str]:
    """A gateway that has been told of the page as its README says."""
    settings = (EXAMPLES / "node-ticket" / "gateway.toml").read_text().replace("3000", str(port))
    with gateway(tmp_path_factory.mktemp("gateway"), settings=settings) as url:
        yield url


@pytest.fixture
def ask(scripts: dict[str, Path], name: str, behind: str) -> Callable[..., tuple[int, str, str]]:
    """The script's status, and what it printed and complained of."""

    def ask(*arguments: str, key: str = KEY) -> tuple[int, str, str]:
        variables = {f"{SCRIPTS[name]}_URL": behind, f"{SCRIPTS[name]}_API_KEY": key}
        done = run(scripts[name], "node", "ask.mjs", *arguments, **variables)
        return done.returncode, done.stdout, done.stderr

    return ask


def say(path: Path, words: str, rate: int) -> str:
    """A file with these words, and with silence after them, in which a turn could end."""
    voice = Voice("en-us")
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(resample(voice.speak(words), voice.rate, rate) + bytes(4 * rate))
    return str(path)


def heard(path: Path) -> float:
    """Seconds of a voice that a player would play."""
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 24_000)
        samples = array("h", file.readframes(file.getnframes()))
    # The length that is told, in the head, is the length of the file.
    assert path.stat().st_size == 44 + 2 * len(samples)
    assert max(map(abs, samples)) > 3000
    return len(samples) / 24_000


@each_script
def test_a_written_question_is_answered_and_the_answer_can_be_played(
    ask: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    reply = tmp_path / "reply.wav"

    status, told, complaints = ask("What is 3 plus 4?", str(reply))

    assert (status, complaints) == (0, "")
    assert re.fullmatch(rf"it:  .*\b(7|seven)\b.*\nheard in {reply}\n", told)
    assert 0.5 < heard(reply) < 5


@each_script
def test_a_spoken_question_is_understood_and_answered(
    ask: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    question = say(tmp_path / "question.wav", "What can you do?", 24_000)
    reply = tmp_path / "reply.wav"

    status, told, complaints = ask(question, str(reply))

    assert (status, complaints) == (0, "")
    assert told.startswith("you: what can you do\nit:  You can ask me ")
    assert heard(reply) > 1


@pytest.mark.parametrize("name", ["node-vercel"])
def test_a_question_may_have_any_rate_that_can_be_told(
    ask: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    question = say(tmp_path / "question.wav", "What can you do?", 48_000)

    status, told, _ = ask(question, str(tmp_path / "reply.wav"))

    assert status == 0
    assert told.startswith("you: what can you do\n")


@pytest.mark.parametrize("name", ["node-opper"])
def test_a_question_at_another_rate_than_the_sessions_is_not_sent(
    ask: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    question = say(tmp_path / "question.wav", "What can you do?", 16_000)

    status, _, complaints = ask(question, str(tmp_path / "reply.wav"))

    assert status == 1
    assert "the session takes 24000 Hz" in complaints


@each_script
def test_a_key_that_is_not_good_buys_no_ticket(
    ask: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    status, told, complaints = ask("Hello", str(tmp_path / "reply.wav"), key="wrong")

    assert (status, told) == (1, "")
    assert "no ticket: 401" in complaints
    assert not list(tmp_path.iterdir())


def test_both_have_the_same_way_with_files(scripts: dict[str, Path]) -> None:
    assert len({(where / "wav.mjs").read_text() for where in scripts.values()}) == 1


@contextmanager
def served(folder: Path, url: str, port: int, *, key: str = KEY) -> Generator[str]:
    """The page with a ticket."""
    script = copied("node-ticket", folder) / "server.mjs"
    environment = {"OPPER_URL": url, "OPPER_API_KEY": key, "PORT": str(port)}
    with (
        (folder / "server.log").open("w") as log,
        running(
            ["node", str(script)], port, log=log.fileno(), environment={**os.environ, **environment}
        ),
    ):
        yield f"http://127.0.0.1:{port}/"


@pytest.mark.anyio
async def test_a_page_talks_with_a_ticket_and_never_sees_the_key(
    need: Callable[[str], None], behind: str, port: int, tmp_path: Path
) -> None:
    need("chromium")
    need("playwright")
    with served(tmp_path, behind, port) as url:
        async with browsing(url) as seen:
            button = seen.page.get_by_role("button", name="Ask")
            for number, question in enumerate(["What can you do?", "What is 3 plus 4?"]):
                await seen.page.get_by_label("Message").fill(question)
                await button.click()
                await seen.page.locator(".assistant").nth(number).wait_for()
                await seen.page.locator("button:enabled").wait_for()

            first, second = await seen.page.locator(".assistant").all_inner_texts()
            assert first.startswith("You can ask me ")
            assert re.search(r"\b(7|seven)\b", second)
            assert seen.types().count("session.started") == 1
            assert sum(event["type"] == "audio.delta" for event in seen.received) > 10
            assert seen.sent[0] == {"type": "session.start", "config": {}}
            assert KEY not in await seen.page.content()
            assert not seen.complaints


@pytest.mark.anyio
async def test_a_page_without_a_ticket_says_so(
    need: Callable[[str], None], behind: str, port: int, tmp_path: Path
) -> None:
    need("chromium")
    need("playwright")
    with served(tmp_path, behind, port, key="wrong") as url:
        async with browsing(url) as seen:
            await seen.page.get_by_role("button", name="Ask").click()
            await seen.page.locator(".error").wait_for()

            assert await seen.page.locator(".error").inner_text() == "There is no ticket to be had."
            assert not seen.sent
