"""The gateway's page in a real browser, with the local model behind it."""

import json
import sys
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest

from antiphon.gateway.settings import Limits, Settings
from antiphon.processors.local.ears import Ears
from antiphon.processors.local.grammar import Grammar
from antiphon.processors.local.understanding import Heard
from antiphon.processors.local.voice import Voice
from antiphon.processors.resampler import resample
from tests.antiphon.gateway.web.pages import (
    HEARD,
    House,
    browser,
    played,
    reach,
    speech,
    texts,
    visit,
)
from tests.antiphon.gateway.web.site import until

pytestmark = pytest.mark.anyio

TOLD = """
[[intent]]
name = "greets"
say = ["hi there how can i help", "hello what can i do for you"]
replies = ["Yes."]

[[intent]]
name = "tells"
say = ["in <city> it is <number> degrees and (sunny | cloudy | rainy | windy | clear)"]
replies = ["Yes."]

[[intent]]
name = "obeys"
say = ["all right", "okay"]
replies = ["Yes."]
"""
"""What the bot may say, among all else that the recogniser knows."""

LINES = (
    (1.2, "hello"),
    (2.7, "what is the weather in lisbon"),
    (3.5, "tell me a story"),
    (2.2, "stop it"),
)

UTTERANCE = 0.5
"""Seconds of silence between two of them."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def tools(need: Callable[[str], None]) -> None:
    for one in ("chromium", "playwright", "aiortc", "pocketsphinx"):
        need(one)


@cache
def ears(path: Path) -> Ears:
    path.write_text(TOLD)
    return Ears(Grammar.load(path))


def recognised(samples: Any, path: Path) -> list[Heard]:
    """What is said in it, between its silences."""
    pcm = np.frombuffer(samples, dtype="<i2")
    loud = np.flatnonzero(np.abs(pcm) > 100)
    if not len(loud):
        return []
    gaps = [
        0,
        *(i + 1 for i, (a, b) in enumerate(pairwise(loud)) if b - a > UTTERANCE * HEARD),
        len(loud),
    ]
    said = [pcm[loud[a] : loud[b - 1] + 1].tobytes() for a, b in pairwise(gaps)]
    return [ears(path).hear(resample(one, HEARD, 16_000)) for one in said]


def place(tail: list[float], text: str) -> float:
    """Up to where *text* was heard, in milliseconds of the bot's speech, if *tail* was its last.

    Samples are not counted: what arrives in a bunch, browsers play faster than it was said.
    """
    voice = Voice("en-us")
    whole = np.frombuffer(resample(voice.speak(text), voice.rate, HEARD), dtype="<i2").astype(float)
    size = len(whole) + len(tail)
    likeness = np.fft.irfft(np.fft.rfft(whole, size) * np.conj(np.fft.rfft(tail, size)), size)
    power = np.concatenate([[0.0], np.cumsum(whole**2)])
    last = len(whole) - len(tail)
    measure = likeness[:last] / np.sqrt(power[len(tail) :][:last] - power[:last] + 1e6)
    return 1000 * (int(measure.argmax()) + len(tail)) / HEARD


@pytest.mark.parametrize("transport", ["websocket", "webrtc"])
async def test_one_says_hello_asks_for_the_weather_and_interrupts_a_story(
    transport: str, tmp_path: Path
) -> None:
    microphone = speech(tmp_path / "said.wav", *LINES)
    house = House()
    async with house.open(), browser(microphone=microphone) as opened:
        page, seen = await visit(opened, house, {"transport": transport})
        await page.click("#talk")
        await until(page, "document.querySelectorAll('.user .said').length >= 1", 15)
        await reach(page, "speaking")
        await until(page, "document.querySelectorAll('.card').length === 1", 15)
        await until(page, "document.querySelectorAll('.cut').length === 1", 20)
        await until(page, "document.body.innerText.includes('stop it')", 10)
        await reach(page, "listening")

        words = [one for one in await texts(page, ".said .words") if one]
        assert [words[at] for at in (0, 2, 4, 6)] == [line for _, line in LINES]
        assert words[1] in ("Hi there. How can I help?", "Hello! What can I do for you?")
        assert words[3] == "In Lisbon it is 9 degrees and sunny."
        card = (await texts(page, ".card"))[0].split()
        assert card[:2] == ["get_weather", "answered"]
        assert " ".join(card).count("Lisbon") == 2 and "sunny" in card

        said = recognised(await played(page), tmp_path / "told.toml")
        assert "greets" in (said[0].intent, said[0].nearest)
        assert said[1].text == "in lisbon it is nine degrees and sunny"
        assert "obeys" in (said[-1].intent, said[-1].nearest)

        told: list[dict[str, Any]] = await page.evaluate("told")
        created = [event["at"] for event in told if event["type"] == "response-created"]
        detected = [event["at"] for event in told if event["type"] == "speech-started"][-1]
        [truncated] = [e for e in told if e.get("rawType") == "conversation.item.truncated"]
        story = await page.evaluate(f"stretch({created[-2]})")
        heard = place(story["tail"], words[5])
        counted = truncated["raw"]["audioEnd"] / 1000
        silent = story["ended"] - detected
        print(
            f"{transport}: silent after {silent:.0f} ms; {heard:.0f} heard, {counted:.0f} counted"
        )
        assert silent < 200
        assert abs(heard - counted) < 60
        mark = f"Interrupted after {counted / 1000:.1f} s"
        assert await texts(page, ".cut") == [mark]
        assert await page.locator(".unheard").count() == 1

        assert await page.locator("#latencies tbody tr").count() == 4
        assert await page.inner_text("#cost") == "$0.00 so far"
        await page.click("#talk")
        await reach(page, "idle")
        assert not await page.evaluate("complaints")
        assert not seen.said and not seen.elsewhere(house.url)
        assert not any("vcst_" in url for url in seen.asked)


async def test_a_gateway_that_dies_and_comes_back_is_told_what_was_said() -> None:
    house = House()
    async with browser() as opened:
        async with house.open():
            page, _ = await visit(opened, house)
            await page.fill("#typed", "hello")
            await page.press("#typed", "Enter")
            await until(page, "document.querySelectorAll('.assistant .said').length === 1")
            await reach(page, "reading")
        await reach(page, "reconnecting")
        assert "connection was lost" in await page.inner_text("#status")
        async with house.open():
            await reach(page, "reading", timeout=10)
            assert await texts(page, ".between") == ["Connected again"]
            await page.fill("#typed", "flip a coin")
            await page.press("#typed", "Enter")
            await until(page, "document.querySelectorAll('.assistant .said').length === 2")
            await reach(page, "reading")
            await page.click("#end")
        await page.click("#talk")
        await until(page, "!document.querySelector('#problem').hidden")
        assert "gateway cannot be reached" in await page.inner_text("#problem")
        async with house.open():
            await page.click("text=Connect again")
            await reach(page, "listening")


async def test_a_ticket_is_good_for_one_session_and_no_other_page_may_use_one() -> None:
    house = House()
    async with house.open(), browser() as opened:
        page, _ = await visit(opened, house)
        outcome = await page.evaluate(
            """async () => {
              const asked = {method: 'POST', body: JSON.stringify({sessionConfig: {}})};
              const {token, url} = await (await fetch('api/realtime/setup', asked)).json();
              const ways = ['ai-gateway-realtime.v1', `ai-gateway-auth.${token}`];
              const enter = () => new Promise(resolve => {
                const socket = new WebSocket(url, ways);
                socket.onopen = () => resolve('open');
                socket.onerror = () => resolve('refused');
              });
              return [await enter(), await enter(), url.includes(token)];
            }"""
        )

        assert outcome == ["open", "refused", False]


async def test_without_a_microphone_it_says_what_to_do_and_one_can_type() -> None:
    house = House()
    async with house.open(), browser(allowed=False) as opened:
        page, _ = await visit(opened, house)
        await page.click("#talk")
        await until(page, "!document.querySelector('#problem').hidden")
        told = await page.inner_text("#problem")
        assert "The microphone is not allowed" in told and "allow it" in told
        await page.click("text=Type instead")
        await reach(page, "reading")
        await page.keyboard.type("flip a coin")
        await page.keyboard.press("Enter")
        await until(page, "document.querySelectorAll('.assistant .said').length === 1")

        assert (await texts(page, ".user .said")) == ["flip a coin"]
        assert await page.inner_text("#talk-name") == "Speak"


async def test_a_limit_is_said_to_be_one() -> None:
    house = House(Settings(limits=Limits(mints_per_minute=1)))
    async with house.open(), browser() as opened:
        page, _ = await visit(opened, house)
        await page.click("#talk")
        await reach(page, "listening")
        await page.click("#talk")
        await reach(page, "idle")
        await page.click("#talk")
        await reach(page, "failed")

        assert "A limit is reached" in await page.inner_text("#problem")


async def test_with_push_to_talk_the_space_bar_is_held(tmp_path: Path) -> None:
    microphone = speech(tmp_path / "said.wav", (1.2, "hello"))
    house = House()
    async with house.open(), browser(microphone=microphone) as opened:
        page, _ = await visit(opened, house, {"turns": "disabled"})
        await page.focus("#talk")
        await page.keyboard.press("Space")
        await reach(page, "waiting")
        assert await page.inner_text("#talk-name") == "Hold to talk"
        await page.keyboard.down("Space")
        await reach(page, "hearing")
        assert await page.get_attribute("#talk", "aria-pressed") == "true"
        await anyio.sleep(2.2)
        await page.keyboard.up("Space")
        await until(page, "document.querySelectorAll('.assistant .said').length === 1")

        assert await texts(page, ".user .said") == ["hello"]
        await until(page, "document.querySelectorAll('#latencies tbody tr').length === 1")
        assert "push to talk" in await page.locator("#latencies tbody").text_content()


async def test_of_a_tool_that_the_page_does_not_have_the_user_gives_the_result() -> None:
    tools = [{"name": "look_up_order", "parameters": {"type": "object"}}]
    house = House()
    async with house.open(), browser() as opened:
        page, _ = await visit(opened, house, {"tools": json.dumps(tools)})
        await page.fill("#typed", 'call look_up_order {"order": "123"}')
        await page.press("#typed", "Enter")
        await page.fill("[aria-label='Result of look_up_order']", '{"status": "on its way"}')
        await page.click("text=Give")
        await until(page, "document.querySelectorAll('.assistant .said').length === 1")

        assert "on its way" in (await texts(page, ".card"))[0]


async def test_what_the_inspector_saves_is_what_translate_reads(tmp_path: Path) -> None:
    house = House()
    async with house.open(), browser() as opened:
        page, _ = await visit(opened, house, permissions=["clipboard-read", "clipboard-write"])
        await page.fill("#typed", "what is the weather in paris")
        await page.press("#typed", "Enter")
        await until(page, "document.querySelectorAll('.assistant .said').length === 1")
        await reach(page, "reading")
        await page.click("#open-inspector")
        await page.fill("#find", "function-call-arguments-done")
        rows = page.locator("#events summary")
        assert await rows.count() == 1
        await rows.first.click()
        await page.click("text=Copy")
        copied = json.loads(await page.evaluate("navigator.clipboard.readText()"))
        assert copied["name"] == "get_weather" and json.loads(copied["arguments"]) == {
            "city": "Paris"
        }

        async with anyio.create_task_group() as group:
            for side in ("server", "client"):
                async with page.expect_download() as download:
                    await page.click(f"#save-{side}")
                saved = tmp_path / f"{side}.jsonl"
                await (await download.value).save_as(saved)
                types = {json.loads(line)["type"] for line in saved.read_text().splitlines()}
                assert ("session-created" in types) == (side == "server")
                assert ("session-update" in types) == (side == "client")
                group.start_soon(_translates, side, saved)


async def _translates(side: str, saved: Path) -> None:
    command = [sys.executable, "-m", "antiphon", "translate", "--from", "vercel", "--to", "openai"]
    with saved.open() as lines:
        ran = await anyio.run_process([*command, "--side", side], stdin=lines, check=False)
    assert ran.returncode == 0, ran.stderr.decode()[-500:]
    assert b"get_weather" in ran.stdout


async def test_every_control_has_a_name_and_is_reached_by_the_tab_key() -> None:
    house = House()
    async with house.open(), browser() as opened:
        page, seen = await visit(opened, house, viewport={"width": 360, "height": 740})
        await page.click("#talk")
        await reach(page, "listening")
        for panel in (None, "settings", "inspector"):
            if panel is not None:
                await page.click(f"#open-{panel}")
                assert await page.evaluate("document.activeElement.id") == f"{panel}-title"
            assert await _unreached(page, panel) == []
            assert await _nameless(page) == []
            assert await page.evaluate("document.documentElement.scrollWidth <= 360")
            if panel is not None:
                await page.keyboard.press("Escape")
                assert await page.evaluate("document.activeElement.id") == f"open-{panel}"
        assert not await page.evaluate("complaints")
        assert not seen.said and not seen.elsewhere(house.url)


async def _nameless(page: Any) -> list[str]:
    """Controls that a screen reader has no name for."""
    session = await page.context.new_cdp_session(page)
    tree = await session.send("Accessibility.getFullAXTree")
    roles = {
        "button",
        "textbox",
        "combobox",
        "checkbox",
        "radio",
        "spinbutton",
        "searchbox",
        "meter",
    }
    return [
        node["role"]["value"]
        for node in tree["nodes"]
        if not node.get("ignored")
        and node["role"]["value"] in roles
        and not node.get("name", {}).get("value", "").strip()
    ]


async def _unreached(page: Any, panel: str | None) -> list[str]:
    """Controls that can be used, and not be come to."""
    within = "body" if panel is None else f"#{panel}"
    await page.evaluate(
        """within => {
          const all = document.querySelectorAll('button, input, select, textarea, summary, a[href]');
          const usable = one => one.checkVisibility() && !one.matches(':disabled')
            && one.closest(within) && !one.closest('#events')
            && !(one.type === 'radio' && !one.checked);
          window.missing = new Set([...all].filter(usable));
          document.activeElement.blur();
        }""",
        within,
    )
    for _ in range(70):
        await page.keyboard.press("Tab")
        left = await page.evaluate("missing.delete(document.activeElement), missing.size")
        if not left:
            break
    return await page.evaluate("[...missing].map(one => one.outerHTML.slice(0, 80))")
