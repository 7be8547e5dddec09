"""What can go wrong with a connection, as it is written: `drop@3s,429*2`."""

import re
from collections.abc import Mapping
from typing import Literal

import msgspec

from antiphon.codecs.refusing import Cause

Kind = Literal["refuse", "silent", "drop", "stall", "half", "goaway", "error", "slow"]

REFUSALS: Mapping[str, Cause] = {
    "400": "invalid",
    "401": "unauthorized",
    "402": "no_credit",
    "403": "forbidden",
    "404": "not_found",
    "429": "too_many_requests",
    "500": "internal",
    "503": "unavailable",
}
"""By the status of HTTP, why a provider refuses."""

SHOWN = (
    ("401, 429, 500, ...", f"the upgrade is refused with it; one of {', '.join(REFUSALS)}"),
    ("silent", "the connection is accepted, and nothing is ever said on it"),
    ("drop@3s", "the connection is lost 3 s after it opened, without a farewell"),
    ("stall@2s", "nothing more is sent from 2 s on, though the connection stays"),
    ("half@3s", "the first message after 3 s is sent half, and the connection is lost"),
    ("goaway@5s", "after 5 s the server says that it will leave, and does"),
    ("error@1s:code", "after 1 s the server says that something failed"),
    ("slow=0.2", "each message is 0.2 s late"),
)
"""Each with what it does."""

_TIME = r"(?P<%s>\d+(?:\.\d+)?(?:ms|s)?)"
_FORM = re.compile(
    r"(?:(?P<status>\d{3})|(?P<silent>silent)"
    rf"|slow={_TIME % 'slow'}"
    rf"|(?P<kind>drop|stall|half|goaway)@{_TIME % 'moment'}"
    rf"|error@{_TIME % 'failing'}(?::(?P<code>[\w.-]+))?"
    r")(?:\*(?P<times>[1-9]\d*))?"
)


class FaultError(ValueError):
    """There is no such fault; the message says which there are."""

    def __init__(self, text: str) -> None:
        known = "\n".join(f"  {form:<20}{does}" for form, does in SHOWN)
        super().__init__(
            f"there is no fault {text!r}. There are (several are separated by commas; with *2"
            f" behind it one goes for the first two connections only):\n{known}"
        )


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that goes wrong, *seconds* after the connection opened."""

    kind: Kind
    seconds: float = 0.0
    cause: Cause = "internal"
    """Of a refusal."""
    code: str = "server_error"
    """Of an error."""
    times: int | None = None
    """How many connections it goes for; None is all."""


class Faults:
    """What goes wrong with the connections to come. Raises FaultError."""

    def __init__(self, text: str = "") -> None:
        self._faults = parse(text)
        self._used = [0] * len(self._faults)

    def next(self) -> tuple[Fault, ...]:
        """What goes wrong with the connection that comes now; who is refused has no other fault."""
        left = [
            place
            for place, fault in enumerate(self._faults)
            if fault.times is None or self._used[place] < fault.times
        ]
        refusals = [place for place in left if self._faults[place].kind == "refuse"]
        found = refusals[:1] or left
        for place in found:
            self._used[place] += 1
        return tuple(self._faults[place] for place in found)


def parse(text: str) -> tuple[Fault, ...]:
    """Raises FaultError."""
    return tuple(_fault(one.strip()) for one in text.split(",")) if text.strip() else ()


def _fault(text: str) -> Fault:
    found = _FORM.fullmatch(text)
    if found is None or (found["status"] is not None and found["status"] not in REFUSALS):
        raise FaultError(text)
    times = None if found["times"] is None else int(found["times"])
    if found["status"] is not None:
        return Fault(kind="refuse", cause=REFUSALS[found["status"]], times=times)
    if found["silent"] is not None:
        return Fault(kind="silent", times=times)
    if found["slow"] is not None:
        return Fault(kind="slow", seconds=_seconds(found["slow"]), times=times)
    if found["failing"] is not None:
        code = found["code"] or "server_error"
        return Fault(kind="error", seconds=_seconds(found["failing"]), code=code, times=times)
    kind: Kind = found["kind"]  # pyright: ignore[reportAssignmentType] - the pattern has these only
    return Fault(kind=kind, seconds=_seconds(found["moment"]), times=times)


def _seconds(text: str) -> float:
    if text.endswith("ms"):
        return float(text[:-2]) / 1000
    return float(text.removesuffix("s"))
