"""A call: sound on tracks beside the messages, and whoever listens in on these."""

import anyio

from antiphon.codecs.dialect import ServerEnd
from antiphon.codecs.wire import Message
from antiphon.gateway.wire import Wire
from antiphon.pipeline import Audio, now
from antiphon.transports import Closed, Transport
from antiphon.transports.webrtc import Peer

BEHIND = 256
"""Messages that somebody who listens in may be behind; then he hears no more."""


class VoicedWire(Wire):
    """A Wire around a WebRTC peer, which is heard and spoken to."""

    def __init__(self, peer: Peer, end: ServerEnd, *, largest: int | None) -> None:
        super().__init__(peer, end, largest=largest)
        self._peer = peer
        self._beside: dict[Listener, None] = {}
        self._began: Message | None = None
        """What the client was told first, which is how the session began."""

    @property
    def sent(self) -> int:
        return self._peer.sent

    @property
    def queued(self) -> int:
        return self._peer.queued

    async def play(self, frame: Audio) -> None:
        self.went(len(frame.pcm))
        await self._peer.play(frame)

    async def left(self, position: float) -> None:
        await self._peer.left(position)

    def clear(self) -> int:
        return self._peer.clear()

    async def hear(self) -> Message | Audio:
        while not self._unread:
            heard = await self._peer.hear()
            if isinstance(heard, Audio):
                self.came(len(heard.pcm))
                self.heard_anything = True
                self.touched = now()
                return heard
            message = await self._taken(heard)
            if message is not None:
                return message
        return self._unread.pop()

    async def send(self, message: Message) -> None:
        await super().send(message)
        self._began = self._began or message
        for listener in tuple(self._beside):
            listener.put(message)

    async def listen_in(self, transport: Transport) -> None:
        """Let *transport* hear the messages of this call, and say some; until either is over."""
        listener = Listener(transport)
        if self._began is not None:
            listener.put(self._began)
        self._beside[listener] = None
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(listener.tell, group.cancel_scope)
                try:
                    async for message in transport:
                        self._peer.put(message)
                except Closed:
                    pass
                group.cancel_scope.cancel()
        finally:
            del self._beside[listener]
            listener.close()

    async def aclose(self, code: int = 1000, reason: str = "") -> None:
        await super().aclose(code, reason)
        for listener in tuple(self._beside):
            listener.end()


class Listener:
    """Somebody beside a call, who may be slower than the call."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._send, self._receive = anyio.create_memory_object_stream[Message](BEHIND)

    def put(self, message: Message) -> None:
        try:
            self._send.send_nowait(message)
        except (anyio.WouldBlock, anyio.ClosedResourceError):
            self.end()

    def end(self) -> None:
        """What was put is still told."""
        self._send.close()

    def close(self) -> None:
        self._send.close()
        self._receive.close()

    async def tell(self, scope: anyio.CancelScope) -> None:
        try:
            async for message in self._receive:
                await self._transport.send(message)
            await self._transport.aclose()
        except Closed:
            pass
        scope.cancel()
