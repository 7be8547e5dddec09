"""What models cost, by their names: a table with sources and dates, to which one's own is added."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import msgspec

from antiphon.codecs.usage import Usage

DOLLAR = 1_000_000
"""Money is in integer micro-dollars: sums are exact, in whatever order they are made."""

EXACT = 60_000_000
"""Of a micro-dollar: small enough that one token, and one microsecond of a minute, is whole."""

MOST = Decimal(1_000_000)
"""Dollars; a price above is a mistake."""

GATEWAYS = frozenset({"opper", "vercel"})
"""They sell other providers' models, named as in `opper/openai/gpt-realtime-2`, at their prices."""

ALSO_CALLED = {"google": "gemini"}

_SUFFIXES = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{2}-\d{4}|\d{8})$"), re.compile("-(preview|latest)$")


class PricesError(ValueError):
    """A table of prices is not as it should be: the message says in which file, where and why."""


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """What one model costs; 0 is what nothing is asked for, or what is not known.

    In micro-dollars: per million tokens of a modality (*cached* is as dear as the rest where it
    is None), per minute of the session, of the user's audio and of the model's, per text message
    of the user. To estimate by, *in_per_second* and *out_per_second* are the tokens of a second
    of audio.
    """

    text_in: int = 0
    text_cached: int | None = None
    text_out: int = 0
    audio_in: int = 0
    audio_cached: int | None = None
    audio_out: int = 0
    image_in: int = 0
    image_cached: int | None = None
    minute: int = 0
    minute_in: int = 0
    minute_out: int = 0
    text_message: int = 0
    in_per_second: int = 10
    out_per_second: int = 20
    source: str = ""
    date: str = ""

    @property
    def by_tokens(self) -> bool:
        return any((self.text_in, self.text_out, self.audio_in, self.audio_out, self.image_in))

    def of_tokens(self, usage: Usage) -> int:
        """What the tokens of *usage*, all of a modality, cost in EXACT parts of a micro-dollar."""
        return 60 * (
            _input(
                usage.input_text_tokens,
                usage.cached_input_text_tokens,
                self.text_in,
                self.text_cached,
            )
            + _input(
                usage.input_audio_tokens,
                usage.cached_input_audio_tokens,
                self.audio_in,
                self.audio_cached,
            )
            + _input(
                usage.input_image_tokens,
                usage.cached_input_image_tokens,
                self.image_in,
                self.image_cached,
            )
            + (usage.output_text_tokens or 0) * self.text_out
            + (usage.output_audio_tokens or 0) * self.audio_out
        )


class Prices:
    """Prices by the names of models.

    A row is of one model, or of all of a provider that have none (`cartesia/*`). A dated
    snapshot, a preview and what is called latest have the price of their model unless a row is
    theirs; a model that is reached through another provider that of its own.
    """

    def __init__(self, rows: Mapping[str, Price]) -> None:
        self._rows = {_plain(name): price for name, price in rows.items()}

    @classmethod
    def standard(cls) -> "Prices":
        """Those that are shipped; each says where it comes from, and since when."""
        return _standard()

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """The rows of a file, in the form of prices.json, and the standard ones for the rest.

        A row of the file takes the place of a standard one as a whole. Raises PricesError, and
        OSError where there is no file to read.
        """
        return cls(_standard()._rows | _read(Path(path)))

    def of(self, model: str) -> Price | None:
        """The price of a model such as "openai/gpt-realtime-2"; None if it is not known."""
        for name in _names(model):
            if (price := self._rows.get(name)) is not None:
                return price
        return None


def _input(count: int | None, cached: int | None, price: int, cached_price: int | None) -> int:
    dear, cheap = (count or 0) - (cached or 0), cached or 0
    return dear * price + cheap * (price if cached_price is None else cached_price)


def _plain(name: str) -> str:
    return name.partition("?")[0].lower().replace("_", "-")


def _names(model: str) -> Iterator[str]:
    """By which rows *model* may be found, the closest first."""
    provider, slash, rest = _plain(model).partition("/")
    provider = ALSO_CALLED.get(provider, provider)
    rest = rest.removeprefix("models/")
    if not slash:
        return
    yield f"{provider}/{rest}"
    shorter = rest
    for suffix in _SUFFIXES:
        shorter = suffix.sub("", shorter)
        yield f"{provider}/{shorter}"
    yield f"{provider}/*"
    if provider in GATEWAYS:
        yield from _names(rest)


# The file.

_PerSecond = Annotated[int, msgspec.Meta(ge=0, le=10_000)]


class _Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row as it is written, in dollars."""

    text_in: Decimal = Decimal(0)
    text_cached: Decimal | None = None
    text_out: Decimal = Decimal(0)
    audio_in: Decimal = Decimal(0)
    audio_cached: Decimal | None = None
    audio_out: Decimal = Decimal(0)
    image_in: Decimal = Decimal(0)
    image_cached: Decimal | None = None
    minute: Decimal = Decimal(0)
    minute_in: Decimal = Decimal(0)
    minute_out: Decimal = Decimal(0)
    text_message: Decimal = Decimal(0)
    in_per_second: _PerSecond = 10
    out_per_second: _PerSecond = 20
    source: str | None = None
    date: str | None = None


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    currency: Literal["USD"] = "USD"
    units: str = ""
    source: str = ""
    date: str = ""
    models: dict[str, msgspec.Raw]


@cache
def _standard() -> Prices:
    return Prices(_read(Path(__file__).with_name("prices.json")))


def _read(path: Path) -> dict[str, Price]:
    try:
        table = msgspec.json.decode(path.read_bytes(), type=_Table)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise PricesError(f"{path}: {error}") from error
    rows: dict[str, Price] = {}
    for name, raw in table.models.items():
        try:
            rows[_plain(name)] = _price(name, msgspec.json.decode(raw, type=_Row), table)
        except (ValueError, msgspec.MsgspecError) as error:
            raise PricesError(f"{path}: models[{name!r}]: {error}") from error
    return rows


def _price(name: str, row: _Row, table: _Table) -> Price:
    if "/" not in name:
        raise ValueError("a model is named as provider/model")
    written: dict[str, Any] = {}
    for field in _Row.__struct_fields__:
        value = getattr(row, field)
        if isinstance(value, Decimal):
            written[field] = _micro(field, value)
        elif isinstance(value, int):
            written[field] = value
    return Price(
        source=table.source if row.source is None else row.source,
        date=table.date if row.date is None else row.date,
        **written,
    )


def _micro(field: str, dollars: Decimal) -> int:
    if not 0 <= dollars <= MOST:
        raise ValueError(f"{field} is {dollars}, not from 0 to {MOST} dollars")
    micro = dollars * DOLLAR
    if micro != int(micro):
        raise ValueError(f"{field} is {dollars}: finer than a millionth of a dollar")
    return int(micro)
