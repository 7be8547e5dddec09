"""Who may come in, and what they are told if not."""

from antiphon.codecs.connection import Credential
from antiphon.codecs.dialect import Dialect
from antiphon.codecs.refusing import Cause, Problem
from antiphon.gateway.keys import Key, Keys
from antiphon.gateway.store import Store, StoreAway
from antiphon.gateway.tickets import Grant, is_ticket, redeem


class Refusal(Exception):
    """Somebody is not let in, for this problem."""

    def __init__(
        self, cause: Cause, message: str, *, param: str | None = None, after: float | None = None
    ) -> None:
        super().__init__(message)
        self.problem = Problem(cause=cause, message=message, param=param, retry_after=after)


class Away(Refusal):
    """The store cannot be asked; those who are in may stay."""

    def __init__(self) -> None:
        super().__init__("unavailable", "the gateway cannot admit sessions at the moment", after=5)


class Guest:
    """Somebody who was let in: with a key, or with a ticket that a key's owner bought."""

    def __init__(self, key: Key, grant: Grant | None = None) -> None:
        self.key = key
        self.grant = grant

    def model(self, asked: str | None) -> str | None:
        """Which model it is about: a ticket's own before the one *asked* for."""
        return (self.grant and self.grant.model) or asked


async def admit(front: Dialect, shown: Credential | None, *, keys: Keys, store: Store) -> Guest:
    """Lets in who shows a good credential. Raises Refusal."""
    if shown is not None and (shown.kind == "ticket" or is_ticket(shown.value)):
        try:
            grant = await redeem(store, front.name, shown.value)
        except StoreAway as error:
            raise Away from error
        owner = None if grant is None else keys.named(grant.key)
        if owner is not None:
            return Guest(owner, grant)
    elif (key := keys.check(None if shown is None else shown.value)) is not None:
        return Guest(key)
    raise Refusal("unauthorized", _hint(shown))


def _hint(shown: Credential | None) -> str:
    if shown is None:
        return "no key was shown"
    if shown.kind == "ticket":
        return "the ticket is not good: unknown, used or expired"
    return "the key is not good"
