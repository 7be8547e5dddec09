"""Looks for messages that break an end of a dialect, with Atheris, which pytest does not run.

    pip install atheris
    python -m tests.codecs.fuzz openai client -max_total_time=300

Arguments: a dialect or `all`, an end (`client`, `server` or `both`), and those of libFuzzer.
Anything but a WireError stops it, and leaves the input in a file `crash-...`; with that file in
the place of a time it is played again.
"""

import contextlib
import importlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

from antiphon.codecs.wire import Message, Unsayable, WireError

RECORDED = Path(__file__).parents[1] / "data" / "wire"

LIFE = 256
"""Messages that one end is fed before it is made anew."""


def seeds(dialect: str, side: str) -> list[Any]:
    """What a *side* of the dialect was recorded to say."""
    path = RECORDED / f"{dialect}.{side}.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    rows: list[Any] = [json.loads(line) for line in lines]
    return [row["wire"] for row in rows if "wire" in row] or [{}]


class Target:
    """One end, and the other end of its dialect, which says what it understood."""

    def __init__(self, name: str, side: str, atheris: Any) -> None:
        from antiphon.codecs.dialects import find_dialect

        dialect = find_dialect(name)
        server = side == "server"
        self._atheris = atheris
        self._end = dialect.server if server else dialect.client
        self._other = dialect.client if server else dialect.server
        self._seeds = seeds(name, "client" if server else "server")
        self._age = LIFE

    def feed(self, data: bytes) -> None:
        if self._age >= LIFE:
            self._hears: Any = self._end("")
            self._says: Any = self._other("")
            self._age = 0
        self._age += 1
        for message in self._messages(self._atheris.FuzzedDataProvider(data)):
            with contextlib.suppress(WireError):
                for event in list(self._hears.decode(message, self._age)):
                    with contextlib.suppress(Unsayable, WireError):
                        list(self._says.encode(event))
            list(self._hears.due())

    def _messages(self, dice: Any) -> Iterator[Message]:
        match dice.ConsumeIntInRange(0, 3):
            case 0:
                yield dice.ConsumeBytes(sys.maxsize)
            case 1:
                yield dice.ConsumeUnicode(sys.maxsize)
            case _:
                for _ in range(dice.ConsumeIntInRange(1, 4)):
                    seed = self._seeds[dice.ConsumeIntInRange(0, len(self._seeds) - 1)]
                    changed = json.dumps(self._changed(seed, dice))
                    yield changed.encode() if dice.ConsumeBool() else changed

    def _changed(self, value: Any, dice: Any) -> Any:
        """*value* with some of what is in it replaced, or gone."""
        if dice.ConsumeIntInRange(0, 15) == 0:
            return self._anything(dice)
        if isinstance(value, dict):
            fields = cast("dict[str, Any]", value)
            return {
                key: self._changed(one, dice)
                for key, one in fields.items()
                if dice.ConsumeIntInRange(0, 15)
            }
        if isinstance(value, list):
            return [self._changed(one, dice) for one in cast("list[Any]", value)]
        return value

    def _anything(self, dice: Any) -> Any:
        kinds: list[Callable[[], Any]] = [
            lambda: None,
            dice.ConsumeBool,
            lambda: dice.ConsumeInt(8),
            lambda: dice.ConsumeInt(8) << dice.ConsumeIntInRange(0, 512),
            dice.ConsumeFloat,
            lambda: dice.ConsumeUnicode(32),
            lambda: [self._anything(dice) for _ in range(dice.ConsumeIntInRange(0, 3))],
            lambda: {dice.ConsumeUnicode(8): self._anything(dice)},
        ]
        number: int = dice.ConsumeIntInRange(0, len(kinds) - 1)
        return kinds[number]()


def main() -> None:
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    _, names, sides, *rest = sys.argv
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["antiphon.codecs"]):
        from antiphon.codecs.dialects import DIALECTS

        targets = [
            Target(name, side, atheris)
            for name in (DIALECTS if names == "all" else [names])
            for side in (("client", "server") if sides == "both" else [sides])
        ]

    def feed(data: bytes) -> None:
        chosen = data[0] % len(targets) if data else 0
        targets[chosen].feed(data[1:])

    atheris.Setup([sys.argv[0], *rest], feed)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
