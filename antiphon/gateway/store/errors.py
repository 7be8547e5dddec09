"""What can go wrong with a store.

StoreError
├── StoreAway    it cannot be reached, or cannot do its work
└── StoreFull    there is no room for more
"""


class StoreError(Exception):
    """The store did not do what it was asked; *retryable* if it may do so later."""

    retryable: bool = True


class StoreAway(StoreError):
    """The store at *where* cannot be reached, or is there and refuses (*answered*).

    *where* is its address without name and password.
    """

    def __init__(self, where: str, problem: str, *, answered: bool = False) -> None:
        super().__init__(
            f"the store at {where} refuses: {problem}"
            if answered
            else f"the store at {where} cannot be reached: {problem};"
            " see that it runs and that the address is right"
        )
        self.where = where
        self.problem = problem
        self.answered = answered

    def again(self) -> "StoreAway":
        """The same, for somebody else to raise."""
        return StoreAway(self.where, self.problem, answered=self.answered)


class StoreFull(StoreError):
    """The process remembers as many *what* as it may, *room*: those there have to expire first."""

    def __init__(self, what: str, room: int) -> None:
        super().__init__(
            f"there is no room for more than {room} {what} in this process;"
            " let them expire sooner, or keep them in Valkey"
        )
        self.room = room
