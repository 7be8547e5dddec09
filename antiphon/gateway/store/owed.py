"""Amounts that were spent and that the store has not confirmed yet."""

from collections.abc import Iterator, Mapping

import msgspec

from antiphon.gateway.store.store import MONEY


class Batch(msgspec.Struct, frozen=True):
    """Amounts that are counted all at once; *number* rises from one to the next."""

    number: int
    amounts: Mapping[str, int]


class Owed:
    """One batch a key on its way, and what came after it, merged: it does not grow with time.

    A batch stays as it is until it is confirmed: it may have been counted though nobody said so,
    and only its number tells.
    """

    def __init__(self) -> None:
        self._number = 0
        self._sent: dict[str, Batch] = {}
        self._later: dict[str, dict[str, int]] = {}

    def __bool__(self) -> bool:
        return bool(self._sent or self._later)

    def __contains__(self, key: str) -> bool:
        return key in self._sent or key in self._later

    def __iter__(self) -> Iterator[str]:
        """The keys, as they are now."""
        return iter(list(self._sent | self._later))

    def add(self, key: str, model: str, amounts: Mapping[str, int]) -> None:
        for name, amount in amounts.items():
            later = self._later.setdefault(key, {})
            field = field_of(model, name)
            later[field] = later.get(field, 0) + amount
            if name == MONEY:
                later[MONEY] = later.get(MONEY, 0) + amount

    def next(self, key: str) -> Batch | None:
        """What is to be sent for *key*: the same until it is confirmed."""
        batch = self._sent.get(key)
        if batch is None and (later := self._later.pop(key, None)):
            self._number += 1
            batch = self._sent[key] = Batch(self._number, later)
        return batch

    def confirm(self, key: str) -> None:
        """The batch of *key* has been counted."""
        del self._sent[key]

    def all(self, key: str) -> dict[str, int]:
        """What is owed to *key*, by field."""
        batch = self._sent.get(key)
        amounts = dict(batch.amounts) if batch else {}
        for field, amount in self._later.get(key, {}).items():
            amounts[field] = amounts.get(field, 0) + amount
        return amounts


def field_of(model: str, name: str) -> str:
    """What a counter is called; the total has no model and is called MONEY."""
    return msgspec.json.encode((model, name)).decode()


def by_model(fields: Mapping[bytes, bytes]) -> dict[str, dict[str, int]]:
    """The counters as they were spent."""
    usage: dict[str, dict[str, int]] = {}
    for field, amount in fields.items():
        if field != MONEY.encode():
            model, name = msgspec.json.decode(field, type=tuple[str, str])
            usage.setdefault(model, {})[name] = int(amount)
    return usage
