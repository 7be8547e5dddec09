"""What is served for the page, and under which rules; and whether it can be read."""

import re
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette

from antiphon.gateway.page import FILES, page_routes

pytestmark = pytest.mark.anyio

WEB = Path(__file__).parents[4] / "antiphon" / "gateway" / "web"

BASE = "http://gateway.test"

READABLE = 4.5
"""The contrast of text that WCAG's AA asks for."""

PAIRS = (
    *((text, paper) for text in ("ink", "soft") for paper in ("paper", "raised", "user-tint")),
    *((text, "bot-tint") for text in ("ink", "soft")),
    ("user", "paper"),
    ("user", "user-tint"),
    ("bot", "raised"),
    ("bad", "bad-tint"),
    ("bad", "raised"),
    ("ink", "bad-tint"),
    ("on-voice", "user"),
    ("on-voice", "bot"),
    ("paper", "ink"),
)
"""What is written in which colour, on which."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def client() -> httpx2.AsyncClient:
    app = Starlette(routes=page_routes())
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=BASE)


async def test_the_page_and_its_files_are_served_with_strict_rules() -> None:
    async with client() as asking:
        for name in FILES:
            found = await asking.get("/" if name == "index.html" else f"/{name}")

            assert found.status_code == 200
            assert found.content == (WEB / name).read_bytes()
            kind = {
                "html": "text/html",
                "css": "text/css",
                "js": "text/javascript",
                "ts": "text/plain",
            }
            assert found.headers["content-type"].startswith(kind[name.rpartition(".")[2]])
            policy = found.headers["content-security-policy"].split("; ")
            assert "default-src 'none'" in policy and "script-src 'self'" in policy
            assert "unsafe" not in found.headers["content-security-policy"]
            assert found.headers["cache-control"] == "no-cache"
            assert found.headers["x-content-type-options"] == "nosniff"
            assert found.headers["referrer-policy"] == "no-referrer"
            assert "microphone=(self)" in found.headers["permissions-policy"]


async def test_what_the_browser_has_is_not_sent_again() -> None:
    async with client() as asking:
        tag = (await asking.get("/")).headers["etag"]
        again = await asking.get("/", headers={"if-none-match": f'"old", W/{tag}'})
        other = await asking.get("/", headers={"if-none-match": '"old"'})

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["content-security-policy"]
    assert other.status_code == 200


async def test_nothing_else_of_the_directory_is_served() -> None:
    async with client() as asking:
        for path in ("/nothing.js", "/index.html", "/../page.py", "/%2e%2e/page.py"):
            assert (await asking.get(path)).status_code == 404


def test_whatever_a_file_asks_for_is_among_those_served() -> None:
    asked = re.compile(
        r"""(?:from|import) '\./([\w.-]+\.js)'|(?:href|src)="([\w.-]+\.(?:css|js))\""""
    )
    for name in FILES:
        text = (WEB / name).read_text()
        for one in asked.findall(re.sub(r"import\('\./antiphon\.d\.ts'\)", "", text)):
            assert (one[0] or one[1]) in FILES, name


def test_nothing_is_inline_and_nothing_is_of_others() -> None:
    page = (WEB / "index.html").read_text()

    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page)
    for name in FILES:
        text = (WEB / name).read_text()
        found = set(re.findall(r"\b(?:https?|wss?)://[\w.-]+", text)) - {"http://www.w3.org"}
        assert not found, name
        if name not in ("antiphon.js", "antiphon-worklet.js"):
            assert not re.search(r"\beval\(|new Function|\binnerHTML\b|insertAdjacentHTML", text)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_on_what_it_stands_on(scheme: str) -> None:
    blocks = re.findall(r":root \{(.*?)\}", (WEB / "page.css").read_text(), re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#\w{6});", blocks[0]))
    if scheme == "dark":
        colours |= dict(re.findall(r"--([\w-]+): (#\w{6});", blocks[1]))

    faint = {
        f"{text} on {paper}": round(_contrast(colours[text], colours[paper]), 2)
        for text, paper in PAIRS
    }

    assert {pair: ratio for pair, ratio in faint.items() if ratio < READABLE} == {}


def _contrast(one: str, other: str) -> float:
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
