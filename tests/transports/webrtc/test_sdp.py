"""What is changed in session descriptions."""

import pytest

from antiphon.transports.webrtc import BadSdp
from antiphon.transports.webrtc.ice import IceServer, Network
from antiphon.transports.webrtc.sdp import checked, described, fragments, has, offered

OFFER = """v=0
o=- 1 2 IN IP4 127.0.0.1
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=ice-ufrag:abcd
a=candidate:1 1 udp 2113937151 0b9b4e8d-ab1c.local 50000 typ host
a=candidate:2 1 udp 2113937150 192.0.2.7 50001 typ host
a=end-of-candidates
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
a=ice-ufrag:abcd
a=max-message-size:65536
"""


def test_names_for_addresses_and_the_end_of_candidates_are_left_out() -> None:
    lines = offered(OFFER).split("\r\n")

    assert not [line for line in lines if ".local" in line or "end-of" in line]
    assert [line for line in lines if "192.0.2.7" in line]
    assert lines[-1] == ""


def test_all_else_stays() -> None:
    assert len(offered(OFFER).splitlines()) == len(OFFER.splitlines()) - 2


def test_sections_are_found() -> None:
    assert has(OFFER, "audio")
    assert has(OFFER, "application")
    assert not has(OFFER, "video")


def test_our_own_says_how_long_messages_may_be() -> None:
    assert "a=max-message-size:262144" in described(OFFER, max_size=262_144)


def test_a_connection_is_known_by_its_fragments() -> None:
    assert fragments(OFFER) == fragments(checked(OFFER)) == {"abcd"}


@pytest.mark.parametrize("nonsense", ["", "{}", "v=0" + "x" * 600_000])
def test_what_is_no_description_is_refused(nonsense: str) -> None:
    with pytest.raises(BadSdp):
        checked(nonsense)


def test_the_credential_of_a_server_is_not_shown() -> None:
    server = IceServer(url="turn:turn.example.org", username="u", credential="hidden")

    assert "hidden" not in repr(Network((server,)))


@pytest.mark.parametrize("ports", [(0, 5), (10, 5), (1, 70_000)])
def test_ports_that_are_none_are_refused(ports: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="65535"):
        Network(ports=ports)
