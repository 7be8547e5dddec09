"""What a transport is: messages to somebody and from them, until either is done."""

from typing import Protocol, Self

Message = str | bytes
"""Text or binary; what is in it is not the transport's business."""


class Transport(Protocol):
    """An open connection. Sending and receiving may be done by different tasks.

    Iterating over it gives the messages as they come. It ends when the other side closes
    cleanly, and raises `Closed` when it does not; afterwards `closed` tells how it was.
    """

    @property
    def closed(self) -> "Ending | None":
        """How the connection ended, once it has."""
        ...

    async def send(self, message: Message, /) -> None:
        """Give *message* on its way; waits while the network is behind. Raises Closed."""
        ...

    async def receive(self) -> Message:
        """The next message. Raises EndOfStream when there will be none, or Closed."""
        ...

    def __aiter__(self) -> Self: ...

    async def __anext__(self) -> Message: ...

    async def aclose(self, code: int = 1000, reason: str = "") -> None:
        """End the connection; takes no longer than the transport's close timeout."""
        ...


class Ending(Protocol):
    @property
    def code(self) -> int: ...

    @property
    def reason(self) -> str: ...
