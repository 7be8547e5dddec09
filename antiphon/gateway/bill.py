"""What a page is told of what its session costs."""

from collections.abc import Iterator

import msgspec

from antiphon.codecs import events
from antiphon.gateway.account import COSTS
from antiphon.pipeline import Frame
from antiphon.processors.meter import Meter

NAME = "antiphon.cost"


class Cost(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """So far. Dollars are text, as they have more digits than a float is good for."""

    dollars: str
    estimated: bool = False
    unpriced: tuple[str, ...] = ()
    """Models used whose price is not known, so that they are not in it."""


class Bill:
    """Behind a model: says after whatever costs something how much it is by now.

    As an event of our own, which the AI SDK passes to its page as `custom` and nothing else does.
    With *free* the model has no price because it costs nothing.
    """

    def __init__(self, meter: Meter, *, free: bool) -> None:
        self._meter = meter
        self._free = free
        self._told: Cost | None = None

    def process(self, frame: Frame) -> Iterator[Frame]:
        yield frame
        if not isinstance(frame, COSTS):
            return
        spent = self._meter.total
        unpriced = () if self._free else tuple(sorted(spent.unpriced))
        cost = Cost(
            dollars=str(spent.dollars),
            estimated=spent.estimated and not self._free,
            unpriced=unpriced,
        )
        if cost != self._told:
            self._told = cost
            yield events.Custom(
                raw_type=NAME, raw=msgspec.Raw(msgspec.json.encode(cost)), at=frame.at
            )
