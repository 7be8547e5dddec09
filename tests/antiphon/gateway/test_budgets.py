"""What sessions cost, who is told, and what happens when the money is spent."""

from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest

from antiphon.codecs import events
from antiphon.codecs.dialects import DIALECTS, find_dialect
from antiphon.gateway.gateway import Gateway
from antiphon.gateway.settings import Limits, Settings
from antiphon.transports import Refused
from tests.antiphon.gateway.knocking import get, knock
from tests.antiphon.gateway.test_gateway import KEY, begin, held, keyed, last_words, way

DOLLAR_A_MINUTE = '{"models": {"local/echo": {"minute": 1}}}'


@pytest.fixture
def priced(tmp_path: Path) -> Path:
    path = tmp_path / "prices.json"
    path.write_text(DOLLAR_A_MINUTE)
    return path


def costly(priced: Path, **more: Any) -> Settings:
    limits = Limits(idle=None, session=None)
    return msgspec.structs.replace(keyed(limits=limits, **more), prices=priced)


@pytest.mark.parametrize("name", DIALECTS)
def test_a_session_ends_when_its_budget_is_spent(name: str, priced: Path) -> None:
    dialect = find_dialect(name)

    async def main() -> tuple[float, list[Any], int]:
        gateway = Gateway(costly(priced, session_budget=0.5))
        async with knock(gateway, way(dialect, key=KEY)) as socket:
            began = anyio.current_time()
            await begin(dialect, socket)
            heard = await last_words(dialect, socket)
            assert socket.closed is not None
            return anyio.current_time() - began, heard, socket.closed.code

    seconds, heard, code = held(main)

    assert 30 <= seconds <= 46  # what time alone costs is reckoned every 15 s
    assert code == 1008
    if name in ("openai", "xai", "opper", "vercel"):
        told = [one for one in heard if isinstance(one, events.Error)]
        assert [one.code for one in told][:1] == ["insufficient_quota"]


def test_sessions_of_a_key_share_its_budget(priced: Path) -> None:
    dialect = find_dialect("openai")

    async def main() -> list[float]:
        gateway = Gateway(costly(priced, budget=1.0))
        lasted: list[float] = []

        async def talk() -> None:
            async with knock(gateway, way(dialect, key=KEY)) as socket:
                began = anyio.current_time()
                await begin(dialect, socket)
                await last_words(dialect, socket)
                lasted.append(anyio.current_time() - began)

        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(talk)
        return lasted

    # Four of them would spend it in 15 s; each learns of the others every 15 s.
    assert all(15 <= seconds <= 46 for seconds in held(main))


@pytest.mark.parametrize(("name", "status"), [("openai", 402), ("opper", 402), ("gemini", 429)])
def test_who_has_spent_everything_is_not_let_in(name: str, status: int, priced: Path) -> None:
    dialect = find_dialect(name)

    async def main() -> int:
        gateway = Gateway(costly(priced, budget=0.25))
        async with knock(gateway, way(dialect, key=KEY)) as socket:
            await begin(dialect, socket)
            await last_words(dialect, socket)
        with pytest.raises(Refused) as refusal:
            async with knock(gateway, way(dialect, key=KEY)):
                pass
        return refusal.value.status

    assert held(main) == status


def test_a_key_can_ask_what_it_has_spent_and_nobody_else(priced: Path) -> None:
    dialect = find_dialect("openai")

    async def main() -> list[tuple[int, Any]]:
        gateway = Gateway(costly(priced, budget=5.0))
        async with knock(gateway, way(dialect, key=KEY)) as socket:
            await begin(dialect, socket)
            await anyio.sleep(30)
        return [
            await get(gateway, "/v1/usage", authorization=f"Bearer {KEY}"),
            await get(gateway, "/v1/usage", authorization="Bearer sk-wrong"),
        ]

    (status, usage), (refused, _) = held(main)

    assert (status, refused) == (200, 401)
    assert usage["key"] == "alice"
    assert usage["budget"] == 5.0
    assert usage["dollars"] == pytest.approx(0.5, abs=0.01)
    assert usage["models"]["local/echo"]["milliseconds"] == pytest.approx(30_000, abs=200)
