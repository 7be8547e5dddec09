"""What a page is told of what its session costs."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from antiphon.codecs import events
from antiphon.codecs.dialects import find_dialect
from antiphon.codecs.usage import Usage
from antiphon.gateway.bill import NAME, Bill
from antiphon.gateway.gateway import Gateway
from antiphon.gateway.settings import Limits, Settings
from antiphon.processors.meter import Meter
from antiphon.processors.prices import Prices
from antiphon.transports import Closed, Refused
from tests.antiphon.gateway.knocking import knock
from tests.antiphon.gateway.test_gateway import begin, ended, held

DONE = events.ResponseDone(
    response_id="r", status="completed", usage=Usage(input_text_tokens=1000, output_text_tokens=100)
)


@pytest.fixture
def prices(tmp_path: Path) -> Prices:
    path = tmp_path / "prices.json"
    path.write_text('{"models": {"openai/m": {"text_in": 4, "text_out": 20}}}')
    return Prices.read(path)


def told(bill: Bill, meter: Meter, event: events.ServerEvent) -> list[Any]:
    meter.heard(event)
    return [
        msgspec.json.decode(one.raw)
        for one in bill.process(event)
        if isinstance(one, events.Custom) and one.raw_type == NAME
    ]


def test_after_what_costs_something_it_is_told_how_much_it_is_by_now(prices: Prices) -> None:
    meter = Meter("openai/m", prices=prices)
    bill = Bill(meter, free=False)

    assert told(bill, meter, events.SpeechStarted()) == []
    assert told(bill, meter, DONE) == [{"dollars": "0.006"}]
    assert told(bill, meter, DONE) == [{"dollars": "0.012"}]


def test_a_model_without_a_price_is_named_unless_it_is_free(prices: Prices) -> None:
    meter = Meter("openai/other", prices=prices)

    (cost,) = told(Bill(meter, free=False), meter, DONE)
    assert cost["unpriced"] == ["openai/other"]
    (free,) = told(Bill(meter, free=True), meter, DONE)
    assert free == {"dollars": "0"}


def test_a_page_that_finds_no_room_hears_so_as_its_connection_is_closed() -> None:
    dialect = find_dialect("vercel")

    async def main() -> tuple[Closed, int]:
        settings = Settings(default="local/echo", limits=Limits(concurrent=1))
        gateway = Gateway(settings)
        headers = {"host": "127.0.0.1:8080", "origin": "http://127.0.0.1:8080"}
        opened = dialect.connect("m", key="k", base_url="http://x/v4/ai")
        async with knock(gateway, opened, headers=headers) as first:
            await begin(dialect, first)
            async with knock(gateway, opened, headers=headers) as second:
                closed = await ended(second)
            with pytest.raises(Refused) as refusal:
                forged = dialect.connect("m", ticket="vcst_1", base_url="http://x/v4/ai")
                async with knock(gateway, forged, headers=headers):
                    pass
        return closed, refusal.value.status

    closed, status = held(main)

    assert (closed.code, status) == (4429, 401)
