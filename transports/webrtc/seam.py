"""All that reaches into private parts of aiortc 1.16 and aioice 0.13.

`tests/transports/webrtc/test_seam.py` says of each of them whether it is still there.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable
from typing import Any

from antiphon.transports.webrtc.errors import NoPort
from antiphon.transports.webrtc.ice import Network

Hear = Callable[[int, int, int, bytes], None]
"""Is given the SSRC, sequence number, RTP time and payload of a packet."""

CONSENT = 0.5
"""Seconds between two questions whether the other side is still there."""

REPORTS = 1.0
"""Seconds between two RTCP reports of what was received."""


class Receiver:
    """Stands in for aiortc's receiver: it hands packets on as they come.

    aiortc's own decodes in a thread and waits for four packets always, for sixteen after a
    loss; neither can be set.
    """

    def __init__(self, transport: Any, hear: Hear, ssrc: int) -> None:
        self.transport: Any = transport
        self._hear = hear
        self._ssrc = ssrc
        self._enabled = True
        self._track: Any = None
        self._types: frozenset[int] = frozenset()
        self._streams: dict[int, Any] = {}
        self._reports: asyncio.Task[None] | None = None

    @property
    def track(self) -> Any:
        return self._track

    def setTransport(self, transport: Any) -> None:
        self.transport = transport

    async def receive(self, parameters: Any) -> None:
        if self._reports is None:
            self._types = frozenset(
                codec.payloadType for codec in parameters.codecs if codec.name.lower() == "opus"
            )
            self.transport._register_rtp_receiver(self, parameters)
            self._reports = asyncio.create_task(self._report())

    async def stop(self) -> None:
        if self._reports is not None:
            self.transport._unregister_rtp_receiver(self)
            self._reports.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reports

    def _handle_disconnect(self) -> None:
        pass

    async def _handle_rtcp_packet(self, packet: Any) -> None:
        pass

    async def _handle_rtp_packet(self, packet: Any, arrival_time_ms: int) -> None:
        if not self._enabled or packet.payload_type not in self._types:
            return
        stream = self._streams.get(packet.ssrc)
        if stream is None:
            from aiortc.rtcrtpreceiver import StreamStatistics

            # Nobody changes the source twice; whoever makes them up gets no memory for it.
            if len(self._streams) > 8:
                self._streams.clear()
            stream = self._streams[packet.ssrc] = StreamStatistics(48_000)
        stream.add(packet)
        self._hear(packet.ssrc, packet.sequence_number, packet.timestamp, packet.payload)

    async def _report(self) -> None:
        """Tells the other side what was lost, by which some choose how they send."""
        from aiortc.rtp import RtcpReceiverInfo, RtcpRrPacket

        while True:
            await asyncio.sleep(REPORTS * (0.5 + random.random()))
            reports = [
                RtcpReceiverInfo(
                    ssrc=ssrc,
                    fraction_lost=stream.fraction_lost,
                    packets_lost=stream.packets_lost,
                    highest_sequence=stream.max_seq & 0xFFFF,
                    jitter=stream.jitter,
                    lsr=0,
                    dlsr=0,
                )
                for ssrc, stream in self._streams.items()
            ]
            if reports:
                packet = bytes(RtcpRrPacket(ssrc=self._ssrc, reports=reports))
                with contextlib.suppress(ConnectionError):
                    await self.transport._send_rtp(packet)


def hear(transceiver: Any, listener: Hear) -> None:
    """Packets of *transceiver* go to *listener*."""
    transceiver._RTCRtpTransceiver__receiver = Receiver(
        transceiver.receiver.transport, listener, transceiver.sender._ssrc
    )


def connecting(connection: Any) -> set[Any]:
    """The tasks in which aiortc's *connection* will be connecting; it forgets them itself."""
    tasks: set[Any] = set()
    connect = connection._RTCPeerConnection__connect

    async def remembered() -> None:
        task = asyncio.current_task()
        tasks.add(task)
        try:
            await connect()
        finally:
            tasks.discard(task)

    connection._RTCPeerConnection__connect = remembered
    return tasks


def ice_of(transport: Any) -> Any:
    """aioice's connection under a DTLS transport."""
    return transport.transport._connection


def use(connection: Any, network: Network) -> None:
    """Lets aioice's *connection* take candidates from *network* only.

    aioice itself takes all addresses, and any ports.
    """
    of_library = connection.get_component_candidates

    async def gather(component: int, addresses: list[str], timeout: int = 5) -> list[Any]:
        wanted = list(network.addresses) or addresses
        if network.ports is None:
            return await of_library(component, wanted, timeout)
        hosts = [await _bound(connection, component, one, network.ports) for one in wanted]
        found = [protocol.local_candidate for protocol in hosts if protocol is not None]
        if wanted and not found:
            first, last = network.ports
            raise NoPort(f"none of the ports {first} to {last} is free")
        connection._protocols += [protocol for protocol in hosts if protocol is not None]
        found += await of_library(component, [], timeout)  # of the TURN server
        found += await _reflexive(connection, hosts, timeout)
        return found

    connection.get_component_candidates = gather


async def _bound(connection: Any, component: int, address: str, ports: tuple[int, int]) -> Any:
    from aioice.candidate import Candidate, candidate_foundation, candidate_priority
    from aioice.ice import StunProtocol

    loop = asyncio.get_running_loop()
    candidates = list(range(ports[0], ports[1] + 1))
    random.shuffle(candidates)
    for port in candidates:
        try:
            _, protocol = await loop.create_datagram_endpoint(
                lambda: StunProtocol(connection), local_addr=(address, port)
            )
        except OSError:
            continue
        protocol.local_candidate = Candidate(
            foundation=candidate_foundation("host", "udp", address),
            component=component,
            transport="udp",
            priority=candidate_priority(component, "host"),
            host=address,
            port=port,
            type="host",
        )
        return protocol
    return None


async def _reflexive(connection: Any, hosts: list[Any], timeout: int) -> list[Any]:
    if connection.stun_server is None:
        return []
    from aioice.ice import server_reflexive_candidate

    asked = [
        asyncio.create_task(server_reflexive_candidate(protocol, connection.stun_server))
        for protocol in hosts
        if protocol is not None and ":" not in protocol.local_candidate.host
    ]
    if not asked:
        return []
    try:
        done, _ = await asyncio.wait(asked, timeout=timeout)
    finally:
        for task in asked:
            task.cancel()
    return [task.result()[0] for task in done if task.exception() is None]


async def watch(connection: Any, timeout: float) -> None:
    """Returns when the other side has not answered for *timeout* seconds.

    aioice itself asks every five seconds, and gives up after the sixth question.
    """
    from aioice.stun import TransactionError

    loop = asyncio.get_running_loop()
    await _stop_asking(connection)
    heard = loop.time()
    while loop.time() - heard < timeout:
        asked = loop.time()
        for pair in list(connection._nominated.values()):
            request = connection.build_request(pair, nominate=False)
            key = connection.remote_password.encode()
            try:
                async with asyncio.timeout(timeout - (asked - heard)):
                    await pair.protocol.request(
                        request, pair.remote_addr, integrity_key=key, retransmissions=0
                    )
                heard = loop.time()
            except (TransactionError, TimeoutError):
                continue
        again = min(asked + CONSENT * (0.8 + 0.4 * random.random()), heard + timeout)
        await asyncio.sleep(max(0.0, again - loop.time()))


async def _stop_asking(connection: Any) -> None:
    task = connection._query_consent_task
    connection._query_consent_task = None
    if task is not None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def unread(sctp: Any) -> int:
    """Bytes of messages that have begun to come beyond what was allowed."""
    return max(0, -sctp._advertised_rwnd)


def longest_message(sctp: Any) -> int:
    """Bytes that the other side takes in one message; 0: any."""
    size: int = sctp._remote_max_message_size or 0
    return size


def unsent(sctp: Any) -> bool:
    """Whether messages have not arrived at the other side yet, as far as it has said."""
    return bool(sctp._data_channel_queue or sctp._outbound_queue or sctp._sent_queue)
