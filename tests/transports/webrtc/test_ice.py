"""The servers that help to find a way are asked, and their secrets kept.

https://www.rfc-editor.org/rfc/rfc8489 (STUN), https://www.rfc-editor.org/rfc/rfc8656 (TURN)
"""

import asyncio
import logging
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from aioice import stun, turn

from antiphon.transports.webrtc import IceServer, answer, connect
from antiphon.transports.webrtc.ice import Network
from tests.transports.webrtc.parts import HERE, pair

pytestmark = pytest.mark.anyio

PUBLIC = ("203.0.113.7", 41_000)
"""The address that the servers here claim to see: no machine has it."""

RELAYED = ("203.0.113.8", 42_000)

USER, SECRET = "alice", "open-sesame"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Server(asyncio.DatagramProtocol):
    """Says where requests come from, and relays for whoever knows the secret (it relays nothing)."""

    def __init__(self, *, silent: bool = False) -> None:
        self.asked: list[str] = []
        self.users: list[str] = []
        self._silent = silent

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)
        self.port: int = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: Any) -> None:
        request = stun.parse_message(data)
        self.asked.append(request.message_method.name)
        if not self._silent:
            self.transport.sendto(bytes(self._answer(request)), addr)

    def _answer(self, request: stun.Message) -> stun.Message:
        response = stun.Message(
            message_method=request.message_method,
            message_class=stun.Class.RESPONSE,
            transaction_id=request.transaction_id,
        )
        if request.message_method == stun.Method.BINDING:
            response.attributes["XOR-MAPPED-ADDRESS"] = PUBLIC
            return response
        if "USERNAME" not in request.attributes:
            response.message_class = stun.Class.ERROR
            response.attributes |= {"ERROR-CODE": (401, "who?"), "REALM": "here", "NONCE": b"n"}
            return response
        key = turn.make_integrity_key(USER, "here", SECRET)
        assert request.check_message_integrity(key)
        self.users.append(request.attributes["USERNAME"])
        response.attributes |= {
            "XOR-RELAYED-ADDRESS": RELAYED,
            "XOR-MAPPED-ADDRESS": PUBLIC,
            "LIFETIME": 600,
        }
        response.add_message_integrity(key)
        return response


@asynccontextmanager
async def serving(*, silent: bool = False) -> AsyncGenerator[Server]:
    transport, server = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Server(silent=silent), local_addr=("127.0.0.1", 0)
    )
    try:
        yield server
    finally:
        transport.close()


def stun_server(server: Server) -> IceServer:
    return IceServer(url=f"stun:127.0.0.1:{server.port}")


def turn_server(server: Server) -> IceServer:
    return IceServer(url=f"turn:127.0.0.1:{server.port}", username=USER, credential=SECRET)


def candidates(sdp: str, kind: str) -> set[tuple[str, int]]:
    """Addresses and ports of *kind*, as host or srflx."""
    found = re.findall(rf"^a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ {kind}", sdp, re.MULTILINE)
    return {(address, int(port)) for address, port in found}


@pytest.mark.parametrize("ports", [None, (40_300, 40_309)])
async def test_a_stun_server_is_asked_and_its_answer_is_a_candidate(ports: Any) -> None:
    async with (
        serving() as server,
        pair(ports=ports, ice_servers=[stun_server(server)], client={"ice_servers": []}) as (
            client,
            answering,
        ),
    ):
        assert server.asked[0] == "BINDING"
        assert candidates(answering.sdp, "srflx") == {PUBLIC}
        assert candidates(client.sdp, "srflx") == set()
        await client.send("here")
        assert await answering.receive() == "here"


@pytest.mark.parametrize("ports", [None, (40_310, 40_319)])
async def test_whoever_offers_asks_it_before_the_offer_is_brought(ports: Any) -> None:
    async with (
        serving() as server,
        pair(client={"ice_servers": [stun_server(server)], "ports": ports}) as (client, _),
    ):
        assert candidates(client.sdp, "srflx") == {PUBLIC}
        assert {address for address, _ in candidates(client.sdp, "host")} == set(HERE)
        assert re.search(r"typ srflx raddr 127\.0\.0\.1 rport \d+", client.sdp)


async def test_without_servers_nobody_is_asked() -> None:
    async with serving() as server, pair() as (client, answering):
        assert candidates(client.sdp + answering.sdp, "(?:srflx|relay)") == set()
        assert server.asked == []


@pytest.mark.parametrize("ports", [None, (40_320, 40_329)])
async def test_a_turn_server_is_shown_the_credential_and_gives_a_relayed_candidate(
    ports: Any,
) -> None:
    async with serving() as server:
        async with pair(ports=ports, ice_servers=[turn_server(server)]) as (client, answering):
            assert candidates(answering.sdp, "relay") == {RELAYED}
            await client.send("here")
            assert await answering.receive() == "here"

        assert server.asked[:2] == ["ALLOCATE", "ALLOCATE"]
        assert server.asked[-1] == "REFRESH"  # by which it is given back
        assert set(server.users) == {USER}


async def test_a_credential_is_not_shown_elsewhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving() as server:
        trusted = turn_server(server)
        async with pair(ice_servers=[trusted]) as (client, answering):
            said = [trusted, Network((trusted,)), answering, answering.sdp, client.sdp]

        assert not [one for one in said if SECRET in f"{one!r}{one}"]
        assert SECRET not in caplog.text


async def test_a_server_that_does_not_answer_holds_the_call_up_but_does_not_prevent_it() -> None:
    async with serving(silent=True) as server:
        lost = {"ice_servers": [stun_server(server)]}
        began = asyncio.get_running_loop().time()
        async with pair(client=lost) as (client, answering):
            await client.send("here")
            assert await answering.receive() == "here"

        assert server.asked
        assert asyncio.get_running_loop().time() - began < 7


@pytest.mark.parametrize("url", ["stun.example.org", "stun:", "http://example.org"])
async def test_an_address_that_is_none_is_an_error_at_once(url: str) -> None:
    async def never(_: str) -> str:
        raise AssertionError

    wrong = IceServer(url=url, username=USER, credential=SECRET)
    with pytest.raises(ValueError) as raised:
        async with connect(never, addresses=HERE, ice_servers=[wrong]):
            pass

    assert SECRET not in str(raised.value)


@pytest.mark.parametrize("ports", [(0, 10), (20, 10), (1, 65_536)])
async def test_a_range_of_ports_that_is_none_is_an_error(ports: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="ports"):
        async with answer("", ports=ports):
            pass
