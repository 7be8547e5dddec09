"""What a transport is: messages to somebody and from them, until either is done."""

from typing import Protocol, Self, runtime_checkable

from antiphon.pipeline.frames import Audio

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


@runtime_checkable
class Voiced(Transport, Protocol):
    """A transport on which both sides can also be heard, beside their messages: a call.

    What is said waits to leave, at the pace at which it is heard.
    """

    @property
    def sent(self) -> int:
        """Microseconds of what was said from here that have left."""
        ...

    @property
    def queued(self) -> int:
        """Microseconds that wait to leave."""
        ...

    async def play(self, frame: Audio, /) -> None:
        """Say *frame* after what is queued; waits while there is no room. Raises Closed."""
        ...

    async def left(self, position: float, /) -> None:
        """Waits until *position* microseconds have left, or no more are queued."""
        ...

    def clear(self) -> int:
        """Forget what is queued, at once; how many microseconds it was."""
        ...

    async def hear(self) -> Message | Audio:
        """The next message, or else the next piece of sound. Raises what `receive` does."""
        ...


class Ending(Protocol):
    @property
    def code(self) -> int: ...

    @property
    def reason(self) -> str: ...
