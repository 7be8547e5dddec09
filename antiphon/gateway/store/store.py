"""What every store can do."""

from collections.abc import Collection, Mapping
from typing import Protocol

MONEY = "money"
"""The counter of micro-dollars."""

LARGEST = 2**53
"""The largest amount that is spent at once."""


class Store(Protocol):
    """Tickets, sessions that are there, rates and usage, for one process or for many.

    Each operation is atomic. All of them raise StoreAway where the store cannot be reached, except
    `spend` and `ready`.
    """

    async def keep_ticket(self, digest: str, grant: bytes, *, uses: int, lifetime: float) -> None:
        """Remember *grant* for the ticket that hashes to *digest*, for *lifetime* seconds.

        With *uses* 0 it may be redeemed any number of times. Raises StoreFull.
        """
        ...

    async def redeem(self, digest: str) -> bytes | None:
        """The ticket's grant, with one use counted; None if it is good for nothing (more)."""
        ...

    async def drop_ticket(self, digest: str) -> None:
        """Forget a ticket, whether or not there is one."""
        ...

    async def enter(self, key: str, session: str, *, most: int | None) -> bool:
        """Count *session* for *key*; False, and nothing counted, if *most* others are there."""
        ...

    async def stay(self, sessions: Mapping[str, Collection[str]]) -> None:
        """Say which sessions this process still has: by key.

        To be called every 15 to 20 s, also when there are none. What was not told for 60 s is no
        longer counted; what the store had lost is counted again, whatever the limit.
        """
        ...

    async def leave(self, key: str, session: str) -> None:
        """No longer count *session*, whether or not it was."""
        ...

    async def allow(self, name: str, *, most: int, window: float) -> float | None:
        """Count one more of *name*; None, or seconds to wait if it is not allowed, nor counted.

        There are never more than *most* within any *window* seconds. Raises StoreFull.
        """
        ...

    async def spend(self, key: str, model: str, amounts: Mapping[str, int]) -> None:
        """Add *amounts* to the counters of *key* for *model*.

        Never fails because of the store: what it cannot take is kept until it can, and is counted
        once. Raises ValueError for an amount beyond LARGEST, and then adds nothing.
        """
        ...

    async def spent(self, key: str) -> Mapping[str, Mapping[str, int]]:
        """The counters of *key*, by model."""
        ...

    async def money(self, key: str) -> int:
        """Micro-dollars of *key* in all: its counters named MONEY."""
        ...

    async def ready(self) -> bool:
        """Whether the store can be written to; known within 1 s."""
        ...

    async def aclose(self) -> None:
        """Hand over what is still kept, and let go of connections."""
        ...


def check_ticket(uses: int, lifetime: float) -> None:
    if uses < 0 or not lifetime > 0:
        raise ValueError(f"a ticket of {uses} uses for {lifetime:g} s can never be redeemed")


def check_rate(most: int, window: float) -> None:
    if most < 0 or not window > 0:
        raise ValueError(f"{most} in {window:g} s is not a rate")


def check_amounts(amounts: Mapping[str, int]) -> None:
    for name, amount in amounts.items():
        if not -LARGEST <= amount <= LARGEST:
            raise ValueError(f"{name}: nobody spends {amount}")
