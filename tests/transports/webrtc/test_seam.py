"""What we reach into is where it was: if not, this says which, and `seam.py` must follow."""

import inspect
from importlib import metadata
from typing import Any

import pytest
from aioice import ice
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, rtcrtpreceiver
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcrtpreceiver import RTCRtpReceiver
from aiortc.rtp import RtpPacket

from antiphon.transports.webrtc import seam

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def test_the_versions_are_those_that_were_looked_into() -> None:
    assert metadata.version("aiortc").startswith("1.16."), "look through seam.py, then set this"
    assert metadata.version("aioice").startswith("0.13."), "look through seam.py, then set this"


async def test_the_private_parts_of_a_connection_are_there() -> None:
    connection: Any = RTCPeerConnection(
        RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
    )
    transceiver: Any = connection.addTransceiver("audio")
    connection.createDataChannel("x")
    dtls, sctp = transceiver.receiver.transport, connection.sctp

    assert isinstance(transceiver._RTCRtpTransceiver__receiver, RTCRtpReceiver)
    assert isinstance(transceiver.sender._ssrc, int)
    assert inspect.iscoroutinefunction(connection._RTCPeerConnection__connect)
    assert sctp.transport is dtls
    assert sctp._advertised_rwnd == 1024 * 1024
    assert len(sctp._data_channel_queue) == 1  # what opens the channel
    assert not (sctp._outbound_queue or sctp._sent_queue)
    under = seam.ice_of(dtls)
    assert isinstance(under, ice.Connection)
    inner: Any = under
    assert (inner._protocols, inner._nominated) == ([], {})
    assert inner._query_consent_task is None
    await connection.close()


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (ice.Connection.get_component_candidates, ["self", "component", "addresses", "timeout"]),
        (ice.Connection.build_request, ["self", "pair", "nominate"]),
        (
            ice.StunProtocol.request,
            ["self", "request", "addr", "integrity_key", "retransmissions"],
        ),
        (ice.StunProtocol.__init__, ["self", "receiver"]),
        (ice.server_reflexive_candidate, ["protocol", "stun_server"]),
        (RTCRtpReceiver._handle_rtp_packet, ["self", "packet", "arrival_time_ms"]),  # pyright: ignore[reportPrivateUsage]
        (RTCRtpReceiver._handle_rtcp_packet, ["self", "packet"]),  # pyright: ignore[reportPrivateUsage]
        (RTCRtpReceiver._handle_disconnect, ["self"]),  # pyright: ignore[reportPrivateUsage]
        (RTCRtpReceiver.receive, ["self", "parameters"]),
        (RTCRtpReceiver.setTransport, ["self", "transport"]),
        (RTCDtlsTransport._register_rtp_receiver, ["self", "receiver", "parameters"]),  # pyright: ignore[reportPrivateUsage]
        (RTCDtlsTransport._unregister_rtp_receiver, ["self", "receiver"]),  # pyright: ignore[reportPrivateUsage]
        (RTCDtlsTransport._send_rtp, ["self", "data"]),  # pyright: ignore[reportPrivateUsage]
        (rtcrtpreceiver.StreamStatistics.add, ["self", "packet"]),
    ],
)
def test_what_is_called_or_replaced_takes_what_it_took(
    function: Any, parameters: list[str]
) -> None:
    assert list(inspect.signature(function).parameters) == parameters


def test_the_connection_uses_nothing_of_a_receiver_that_ours_lacks() -> None:
    source = inspect.getsource(inspect.getmodule(RTCPeerConnection) or RTCPeerConnection)
    used = {
        part.split("(")[0].split()[0].strip(".,)=:")
        for part in source.replace("\n", " ").split("receiver.")[1:]
    }

    of_ours = {name.partition(".")[0] for name in used}
    own = set(dir(seam.Receiver)) | {"transport", "_track"}
    assert of_ours <= own | {"_set_rtcp_ssrc", "getStats"}, "at creation, and for statistics"


async def test_while_nothing_is_to_be_received_packets_are_not_heard() -> None:
    heard: list[bytes] = []

    def hear(_source: int, _sequence: int, _timestamp: int, payload: bytes) -> None:
        heard.append(payload)

    receiver: Any = seam.Receiver(None, hear, 1)
    receiver._types = frozenset({96})

    for enabled, payload_type in ((True, 96), (False, 96), (True, 97)):
        receiver._enabled = enabled
        packet = RtpPacket(payload_type=payload_type, sequence_number=1, timestamp=2)
        packet.payload = b"%d" % payload_type
        await receiver._handle_rtp_packet(packet, arrival_time_ms=0)

    assert heard == [b"96"]
