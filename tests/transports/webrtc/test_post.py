"""An offer goes to a server by HTTP, and its answer comes back."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from email import message_from_bytes, policy

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream

from antiphon.transports import ConnectTimeout, Refused, Unreachable
from antiphon.transports.webrtc import BadSdp, Post, answer, connect
from tests.transports.webrtc.parts import HERE

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Asked:
    """A request as a server reads it."""

    def __init__(self, raw: bytes) -> None:
        head, _, self.body = raw.partition(b"\r\n\r\n")
        line, *lines = head.decode().split("\r\n")
        self.line = line
        self.headers = {
            name.lower(): value for name, _, value in (one.partition(": ") for one in lines)
        }

    @property
    def parts(self) -> dict[str, tuple[str, bytes]]:
        """Of a form: each one's content type and content."""
        kind = self.headers["content-type"].encode()
        message = message_from_bytes(
            b"Content-Type: " + kind + b"\r\n\r\n" + self.body, policy=policy.HTTP
        )
        return {
            str(part.get_param("name", header="content-disposition")): (
                part.get_content_type(),
                bytes(part.get_payload(decode=True) or b""),  # pyright: ignore[reportArgumentType]
            )
            for part in message.iter_parts()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType, reportUnknownMemberType]
        }


Answer = Callable[[Asked], Awaitable[tuple[str, bytes]]]
"""The status line with headers, and the body."""


@asynccontextmanager
async def serving(reply: Answer) -> AsyncGenerator[str]:
    async def handle(stream: SocketStream) -> None:
        async with stream:
            raw = b""
            while b"\r\n\r\n" not in raw:
                raw += await stream.receive()
            length = int(Asked(raw).headers.get("content-length", "0"))
            while len(raw.partition(b"\r\n\r\n")[2]) < length:
                raw += await stream.receive()
            head, body = await reply(Asked(raw))
            answered = (
                f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            )
            await stream.send(answered.encode() + body)

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, handle)
        yield f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}/v1/realtime/calls"
        group.cancel_scope.cancel()


async def test_raw_sdp_is_posted_and_the_location_kept() -> None:
    asked: list[Asked] = []

    async def reply(request: Asked) -> tuple[str, bytes]:
        asked.append(request)
        return "201 Created\r\nLocation: /v1/realtime/calls/rtc_abc?x=1", b"v=0\r\nanswer"

    async with serving(reply) as url:
        post = Post(url + "?model=m", headers={"Authorization": "Bearer k"})
        answered = await post("v=0\r\noffer")

    assert answered == "v=0\r\nanswer"
    assert (post.location, post.call_id) == ("/v1/realtime/calls/rtc_abc?x=1", "rtc_abc")
    assert asked[0].line == "POST /v1/realtime/calls?model=m HTTP/1.1"
    assert asked[0].headers["content-type"] == "application/sdp"
    assert asked[0].headers["authorization"] == "Bearer k"
    assert asked[0].body == b"v=0\r\noffer"


async def test_with_a_session_both_are_parts_of_a_form() -> None:
    asked: list[Asked] = []

    async def reply(request: Asked) -> tuple[str, bytes]:
        asked.append(request)
        return "201 Created", b"v=0\r\n"

    session = json.dumps({"type": "realtime", "model": "m"}).encode()
    async with serving(reply) as url:
        post = Post(url, session=session)
        await post("v=0\r\noffer")

    assert asked[0].headers["content-type"].startswith("multipart/form-data; boundary=")
    assert asked[0].parts == {
        "sdp": ("application/sdp", b"v=0\r\noffer"),
        "session": ("application/json", session),
    }
    assert post.call_id is None


async def test_a_refusal_tells_the_status_and_what_was_said_but_no_key() -> None:
    async def reply(_: Asked) -> tuple[str, bytes]:
        return "401 Unauthorized", b'{"error": "bad key sk-123"}'

    async with serving(reply) as url:
        post = Post(url + "?token=secret", headers={"Authorization": "Bearer sk-123"})
        with pytest.raises(Refused, match="401") as raised:
            await post("v=0\r\n")

    assert raised.value.body == b'{"error": "bad key sk-123"}'
    assert not raised.value.retryable
    for said in (str(raised.value), repr(raised.value), repr(post)):
        assert "sk-123" not in said
        assert "secret" not in said


async def test_a_redirect_is_not_followed_since_it_would_take_the_key_along() -> None:
    async def reply(_: Asked) -> tuple[str, bytes]:
        return "307 Temporary Redirect\r\nLocation: http://elsewhere.invalid/", b""

    async with serving(reply) as url:
        with pytest.raises(Refused, match="307"):
            await Post(url)("v=0\r\n")


async def test_no_server_is_unreachable() -> None:
    with pytest.raises(Unreachable, match="127"):
        await Post("http://127.0.0.1:9/x")("v=0\r\n")


async def test_no_url_is_unreachable() -> None:
    with pytest.raises(Unreachable):
        await Post("nonsense")("v=0\r\n")


async def test_a_server_that_does_not_answer_is_a_timeout() -> None:
    async def reply(_: Asked) -> tuple[str, bytes]:
        await anyio.sleep_forever()
        raise AssertionError

    async with serving(reply) as url:
        with pytest.raises(ConnectTimeout, match=r"0\.2 s"):
            await Post(url, timeout=0.2)("v=0\r\n")


async def test_an_endless_answer_is_cut_off() -> None:
    async def reply(_: Asked) -> tuple[str, bytes]:
        return "201 Created", b"x" * 3_000_000

    async with serving(reply) as url:
        with pytest.raises((BadSdp, Unreachable), match="1048576"):
            await Post(url)("v=0\r\n")


async def test_through_a_server_two_peers_connect() -> None:
    async with anyio.create_task_group() as group:

        async def serve(offer: str, *, task_status: anyio.abc.TaskStatus[str]) -> None:
            async with answer(offer, addresses=HERE) as peer:
                task_status.started(peer.sdp)
                await peer.ready()
                async for message in peer:
                    await peer.send(message)

        async def reply(request: Asked) -> tuple[str, bytes]:
            sdp: str = await group.start(serve, request.body.decode())
            return "201 Created\r\nContent-Type: application/sdp", sdp.encode()

        async with serving(reply) as url, connect(Post(url), addresses=HERE) as peer:
            await peer.send("there and back")
            assert await peer.receive() == "there and back"
