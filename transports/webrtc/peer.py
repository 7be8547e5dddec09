"""One end of a WebRTC connection: messages on a data channel, and audio beside it."""

import asyncio
import importlib
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Self

import anyio
from anyio import to_thread
from anyio.lowlevel import checkpoint_if_cancelled

from antiphon.pipeline.frames import Audio
from antiphon.transports.errors import Closed, ConnectTimeout
from antiphon.transports.transport import Message
from antiphon.transports.webrtc import sdp, seam
from antiphon.transports.webrtc.errors import (
    BadSdp,
    Flooded,
    NoChannel,
    NoHandshake,
    NoPath,
    Vanished,
)
from antiphon.transports.webrtc.hearing import Hearing
from antiphon.transports.webrtc.ice import Network
from antiphon.transports.webrtc.messages import Messages
from antiphon.transports.webrtc.speaking import Speaking

Exchange = Callable[[str], Awaitable[str]]
"""Brings an offer to the other side, and its answer back."""

LIBRARIES = ("numpy", "av", "aiortc")

FLOOD = 4 * 1024 * 1024
"""Bytes of one unfinished message, or of many, that nobody was allowed to send."""


async def load() -> None:
    """Imports the libraries, in a thread: it takes long enough for calls to be heard to stumble."""
    if not all(name in sys.modules for name in LIBRARIES):
        for name in LIBRARIES:
            await to_thread.run_sync(importlib.import_module, name)


class Peer:
    """A transport, with audio. `connect` and `answer` make it.

    What it sends and receives are the data channel's messages. `hearing` gives the other
    side's audio, `speaking` takes what it is to hear.
    """

    def __init__(
        self,
        *,
        network: Network,
        messages: Messages,
        hearing: Hearing,
        speaking: Speaking,
        label: str | None,
        ice_timeout: float,
        dtls_timeout: float,
        channel_timeout: float,
        vanish_timeout: float,
        close_timeout: float,
    ) -> None:
        from aiortc import RTCBundlePolicy, RTCConfiguration, RTCIceServer, RTCPeerConnection

        self.hearing = hearing
        self.speaking = speaking
        self.sdp = ""
        """Our own description, with our candidates: the answer, or the offer."""
        self._messages = messages
        messages.ended = self._stop
        hearing.arrived = messages.arrived  # so that one can wait for whichever is first
        self._network = network
        self._label = label
        self._ice_timeout = ice_timeout
        self._dtls_timeout = dtls_timeout
        self._channel_timeout = channel_timeout
        self._vanish_timeout = vanish_timeout
        self._close_timeout = close_timeout
        self._fragments: set[str] = set()
        self._watch: asyncio.Task[None] | None = None
        self._transceiver: Any = None
        self._closing: asyncio.Task[None] | None = None
        servers = [
            RTCIceServer(urls=one.url, username=one.username, credential=one.credential)
            for one in network.servers
        ]
        self._connection = RTCPeerConnection(
            RTCConfiguration(iceServers=servers, bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        self._connecting = seam.connecting(self._connection)
        on: Any = self._connection.on
        on("connectionstatechange", self._changed)
        on("iceconnectionstatechange", self._changed)
        on("datachannel", self._offered_channel)

    @property
    def closed(self) -> Closed | None:
        return self._messages.closed

    @property
    def rate(self) -> int:
        """Of the audio that is heard."""
        return self.hearing.rate

    @property
    def sent(self) -> int:
        """Microseconds of what was said from here that have left."""
        return self.speaking.sent

    @property
    def queued(self) -> int:
        """Microseconds that wait to leave."""
        return self.speaking.queued

    @property
    def transport(self) -> Any:
        """aiortc's DTLS transport, for whoever wants to know more of it."""
        return self._transports()[0]

    async def send(self, message: Message) -> None:
        """Waits while the network is behind. Raises Closed, or TooLong."""
        await self._messages.send(message)

    async def receive(self) -> Message:
        return await self._messages.receive()

    def put(self, message: Message) -> None:
        """*message* is to be received as if the other side had sent it."""
        self._messages.put(message)

    async def hear(self) -> Message | Audio:
        """The next message, or else the next piece of sound. Raises what `receive` does."""
        while not self._messages.waiting and self.closed is None:
            if self.hearing.waiting:
                return self.hearing.take()
            self._messages.arrived.clear()
            await self._messages.arrived.wait()
        return await self._messages.receive()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        try:
            return await self._messages.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def play(self, frame: Audio) -> None:
        """Says *frame*, after what is queued; waits while there is no room. Raises Closed."""
        if self.closed is not None:
            raise self.closed
        await self.speaking.play(frame)

    async def left(self, position: float) -> None:
        """Waits until *position* microseconds have left, or no more are queued."""
        await self.speaking.left(position)

    def clear(self) -> int:
        """Forgets what is queued to be said, at once; how many microseconds it was."""
        return self.speaking.clear()

    async def ready(self) -> None:
        """Waits until packets, and messages, come through. Raises a ConnectError."""
        connection = self._connection
        seconds = self._ice_timeout
        problem = f"ICE found no way to the other side within {seconds:g} s"
        await self._until(
            lambda: connection.iceConnectionState == "completed",
            lambda: connection.iceConnectionState == "failed",
            seconds,
            NoPath(problem),
        )
        if self._watch is None:
            self._watch = asyncio.create_task(self._notice())
        seconds = self._dtls_timeout
        await self._until(
            lambda: connection.connectionState == "connected",
            lambda: connection.connectionState == "failed",
            seconds,
            NoHandshake(f"DTLS did not succeed with the other side within {seconds:g} s"),
        )
        if self._label is not None:
            seconds = self._channel_timeout
            problem = f"no data channel {self._label!r} was open within {seconds:g} s"
            await self._until(
                lambda: self._messages.open, lambda: False, seconds, NoChannel(problem)
            )

    async def offer(self, exchange: Exchange, *, timeout: float = 10.0) -> None:
        """Offers the connection, or what has changed of it, and takes the answer."""
        await self._describe()
        try:
            async with asyncio.timeout(timeout):
                answered = sdp.checked(await exchange(self.sdp))
        except TimeoutError as error:
            raise ConnectTimeout(f"the offer was not answered for {timeout:g} s") from error
        self._known(answered)
        await self._take(answered, "answer")

    async def accept(self, offered: str) -> str:
        """Our answer to the other side's offer, be it the first or of changes."""
        clean = sdp.offered(offered)
        if not sdp.has(clean, "audio") and not sdp.has(clean, "application"):
            raise BadSdp("the offer has neither audio nor a data channel")
        if self._label is not None and not sdp.has(clean, "application"):
            raise BadSdp("the offer has no data channel (no m=application)")
        self._known(clean)
        if self._transceiver is None and sdp.has(clean, "audio"):
            self.add_audio()
        await self._take(clean, "offer")
        for transceiver in self._connection.getTransceivers():
            if transceiver is not self._transceiver:
                transceiver.direction = "inactive"  # video, or a second voice
        await self._describe()
        return self.sdp

    def add_audio(self) -> None:
        from aiortc import RTCRtpReceiver

        from antiphon.transports.webrtc.track import Track

        transceiver = self._connection.addTransceiver(Track(self.speaking), direction="sendrecv")
        known = RTCRtpReceiver.getCapabilities("audio")
        assert known is not None
        transceiver.setCodecPreferences([one for one in known.codecs if one.name == "opus"])
        seam.hear(transceiver, self.hearing.hear)
        self._transceiver = transceiver

    def add_channel(self, label: str) -> None:
        """Opens the data channel from here."""
        self._messages.attach(self._connection.createDataChannel(label))

    async def aclose(self, code: int = 1000, reason: str = "") -> None:
        """Lets what was sent arrive, and ends the connection; WebRTC carries no code."""
        with anyio.CancelScope(shield=True):
            if self.closed is None:
                with anyio.move_on_after(self._close_timeout):
                    await self._messages.flush()
            self._end(Closed(code, reason, "closed from here"))
            assert self._closing is not None  # whatever ended the messages has begun it
            with anyio.move_on_after(self._close_timeout):
                await asyncio.shield(self._closing)
            if self._watch is not None:
                self._watch.cancel()
                with suppress(asyncio.CancelledError):
                    await self._watch
        await checkpoint_if_cancelled()

    async def _describe(self) -> None:
        """Gathers candidates, and describes what we have."""
        for transport in self._transports():
            connection = seam.ice_of(transport)
            if not connection.local_candidates:
                seam.use(connection, self._network)
        await self._connection.setLocalDescription()
        described = self._connection.localDescription.sdp
        self.sdp = sdp.described(described, max_size=self._messages.max_size)

    def _transports(self) -> list[Any]:
        transports = {one.receiver.transport for one in self._connection.getTransceivers()}
        if self._connection.sctp is not None:
            transports.add(self._connection.sctp.transport)
        return list(transports)

    async def _take(self, described: str, kind: str) -> None:
        from aiortc import RTCSessionDescription

        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(described, kind))
        except Exception as error:  # what the parser says of nonsense is of any type
            raise BadSdp(f"the {kind} cannot be used: {error}") from error

    def _known(self, described: str) -> None:
        fragments = sdp.fragments(described)
        if self._fragments and fragments != self._fragments:
            raise BadSdp("an ICE restart is not possible; open a new connection")
        self._fragments = fragments

    async def _until(
        self,
        done: Callable[[], bool],
        failed: Callable[[], bool],
        seconds: float,
        problem: Exception,
    ) -> None:
        with anyio.move_on_after(seconds):
            while not done():
                if failed():
                    raise problem
                if self.closed is not None:
                    raise problem from self.closed
                self._messages.moved.clear()
                await self._messages.moved.wait()
            return
        raise problem

    def _changed(self) -> None:
        self._messages.moved.set()
        if self._connection.connectionState == "closed":
            self._end(Closed(1000, "", "the other side closed"))
        elif self._watch is not None and self._connection.iceConnectionState == "failed":
            self._end(Vanished(self._vanish_timeout))

    def _offered_channel(self, channel: Any) -> None:
        if channel.label == self._label and not self._messages.open:
            self._messages.attach(channel)

    async def _notice(self) -> None:
        """Ends the connection when the other side is gone, or floods it."""
        flooded = asyncio.create_task(self._flooded())
        try:
            await seam.watch(seam.ice_of(self.transport), self._vanish_timeout)
        finally:
            flooded.cancel()
            with suppress(asyncio.CancelledError):
                await flooded
        self._end(Vanished(self._vanish_timeout))

    async def _flooded(self) -> None:
        sctp = self._connection.sctp
        while sctp is not None:
            await asyncio.sleep(0.2)
            if seam.unread(sctp) > FLOOD:
                self._end(Flooded(FLOOD))

    def _end(self, ending: Closed) -> None:
        self._messages.end(ending)

    def _stop(self) -> None:
        """Whatever the reason: nothing comes through any more."""
        self.hearing.close()
        self.speaking.close()
        self._closing = asyncio.create_task(self._close())

    async def _close(self) -> None:
        connecting = list(self._connecting)
        for task in connecting:
            task.cancel()
        await asyncio.gather(*connecting, return_exceptions=True)
        await self._connection.close()
        await asyncio.sleep(0)  # in which aiortc's own tasks see that it is over
