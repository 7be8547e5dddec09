"""The AI SDK's hook, unmodified, in a browser, with a gateway behind it."""

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest

from tests.antiphon.gateway.clients.running import KEY, free_port, gateway, running
from tests.examples.browsing import Seen, browsing, microphone
from tests.examples.installing import installed, run

pytestmark = pytest.mark.anyio

WEATHER = "In Lisbon it is 12 degrees and rainy."
"""The page's tool makes it up, the same each time."""

GREETINGS = ("Hello! What can I do for you?", "Hi there. How can I help?")

PAYING = '[browser]\nkey = "key-1"\n'
"""Who pays for pages that show no key."""

PRESSED = """(async () => {
  Array.from(document.querySelectorAll('button')).find(b => b.textContent === 'Stop').click();
  await null;
  return document.querySelector('.status').dataset.playing;
})()"""
"""The button to hush it, and whether the hook plays then, before anything else arrives."""


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def tools(need: Callable[[str], None]) -> None:
    need("npm")
    need("chromium")
    need("playwright")


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed("react-hook", tmp_path_factory.mktemp("examples"))


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """A gateway, in which KEY is good."""
    with gateway(tmp_path_factory.mktemp("gateway"), settings=PAYING) as url:
        yield url


@contextmanager
def developing(example: Path, url: str, **environment: str) -> Generator[str]:
    """The example's page, served as its README says, with the gateway at *url*."""
    port = free_port()
    script = str(example / "node_modules" / "vite" / "bin" / "vite.js")
    command = ["node", script, "--host", "127.0.0.1", "--port", str(port), "--strictPort"]
    environment = {**os.environ, "ANTIPHON_URL": url, "AI_GATEWAY_API_KEY": KEY, **environment}
    with (
        (example / f"{port}.log").open("w") as log,
        running([*command, str(example)], port, log=log.fileno(), environment=environment),
    ):
        yield f"http://127.0.0.1:{port}/"


@pytest.fixture(scope="module")
def page(example: Path, behind: str) -> Generator[str]:
    with developing(example, behind) as url:
        yield url


async def connect(seen: Seen) -> None:
    await seen.page.get_by_role("button", name="Connect", exact=True).click()
    await seen.page.locator(".status[data-status=connected]").wait_for()


async def write(seen: Seen, text: str) -> None:
    await seen.page.get_by_label("Message").fill(text)
    await seen.page.keyboard.press("Enter")


async def speaks(seen: Seen, whether: bool = True) -> None:
    await seen.page.locator(f".status[data-playing={str(whether).lower()}]").wait_for()


async def answers(seen: Seen, text: str, *, within: float = 20) -> None:
    answer = seen.page.locator("li[data-role=assistant] p", has_text=text)
    await answer.wait_for(timeout=1000 * within)


async def said(seen: Seen) -> list[tuple[str, str]]:
    """Who has said what, as it can be read."""
    shown = [
        (await line.get_attribute("data-role"), await line.inner_text())
        for line in await seen.page.locator("li").all()
    ]
    return [(who, text) for who, text in shown if text]


def ends(seen: Seen) -> list[str]:
    """How responses have ended."""
    return [event["status"] for event in seen.received if event["type"] == "response-done"]


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(20):
        while not condition():
            await anyio.sleep(0.02)


async def test_what_is_written_is_answered_in_writing_and_in_sound(page: str) -> None:
    async with browsing(page) as seen:
        await connect(seen)
        await write(seen, "Hello")
        await speaks(seen)
        await speaks(seen, False)

        [asked, (who, answer)] = await said(seen)
        assert asked == ("user", "Hello")
        assert who == "assistant" and answer in GREETINGS
        first = seen.sent[0]
        assert first["type"] == "session-update"
        assert [tool["name"] for tool in first["config"]["tools"]] == ["get_weather"]
        assert seen.types()[-1] == "response-done"
        assert not seen.complaints


async def test_a_spoken_question_calls_the_tool_in_the_page_and_is_answered(
    page: str, tmp_path: Path
) -> None:
    # Where a browser that is short of time has garbled it, the user says it again.
    mouth = microphone(tmp_path / "said.wav", (1, 7, 7, 7, 7))
    async with browsing(page, microphone=mouth) as seen:
        await connect(seen)
        await seen.page.get_by_label("Microphone").click()
        await answers(seen, WEATHER, within=50)
        await speaks(seen)

        assert ("user", "what is the weather like in lisbon") in await said(seen)
        [tool] = await seen.page.locator("dl[data-state=output-available]").all_inner_texts()
        assert tool.split("\n")[:2] == ["get_weather", '{"city":"Lisbon"}']
        types = [event["type"] for event in seen.sent]
        assert types.count("response-create") == 1, "one for the result; none for the question"
        assert not seen.complaints


async def test_who_speaks_over_an_answer_interrupts_it(page: str, tmp_path: Path) -> None:
    mouth = microphone(tmp_path / "said.wav", (2.5,))
    async with browsing(page, microphone=mouth) as seen:
        await connect(seen)
        await seen.page.get_by_label("Microphone").click()
        await write(seen, "Tell me a story.")
        # To what was said instead, whatever was understood of it.
        await until(lambda: len(ends(seen)) >= 2)

        [truncated] = [e for e in seen.sent if e["type"] == "conversation-item-truncate"]
        assert 200 < truncated["audioEndMs"] < 5000
        types = seen.types()
        assert types.index("speech-started") < types.index("response-done")
        assert ends(seen)[0] == "cancelled"
        assert [who for who, _ in await said(seen)][:2] == ["user", "assistant"]
        assert not seen.complaints


async def test_an_answer_is_hushed_by_a_button_and_by_who_writes_over_it(page: str) -> None:
    async with browsing(page) as seen:
        await connect(seen)
        await write(seen, "Tell me a story.")
        await speaks(seen)
        assert await seen.page.evaluate(PRESSED) == "false"
        await write(seen, "Tell me a story.")
        await speaks(seen)
        await write(seen, "Hello")
        await write(seen, "What is the weather like in Lisbon?")
        await answers(seen, WEATHER)
        await until(lambda: seen.types()[-1] == "response-done")

        assert ends(seen) == ["cancelled", "cancelled", "cancelled", "completed", "completed"]
        assert not await seen.page.get_by_role("alert").count()
        assert not seen.complaints


async def test_the_gateways_own_setup_endpoint_does_as_well(example: Path, behind: str) -> None:
    with developing(example, behind, SETUP="gateway", AI_GATEWAY_API_KEY="") as url:
        async with browsing(url) as seen:
            await connect(seen)
            await write(seen, "What is the weather like in Lisbon?")
            await answers(seen, WEATHER)

            assert not seen.complaints


async def test_a_ticket_that_is_not_sold_is_told_of_and_can_be_asked_for_again(
    example: Path, behind: str
) -> None:
    with developing(example, behind, AI_GATEWAY_API_KEY="wrong") as url:
        async with browsing(url) as seen:
            for _ in range(2):
                await seen.page.get_by_role("button", name="Connect", exact=True).click()
                await seen.page.locator(".status[data-status=error]").wait_for()

            assert "502" in await seen.page.get_by_role("alert").inner_text()
            assert not seen.sent


def test_its_types_are_right_and_the_key_is_in_nothing_that_a_page_loads(example: Path) -> None:
    built = run(example, "npm", "run", "build", AI_GATEWAY_API_KEY=KEY)

    assert built.returncode == 0, built.stdout + built.stderr
    files = [file for file in (example / "dist").rglob("*") if file.is_file()]
    assert {file.suffix for file in files} == {".html", ".css", ".js"}
    assert not [file for file in files if KEY.encode() in file.read_bytes()]
