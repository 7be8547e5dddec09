"""Brings an offer to a server by HTTP: raw SDP, or a form with the session beside it.

https://platform.openai.com/docs/guides/realtime-webrtc
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from antiphon.transports.errors import ConnectTimeout, Refused, Unreachable
from antiphon.transports.webrtc.errors import BadSdp

LARGEST = 1024 * 1024
"""Bytes of an answer."""

BODY = 4096
"""Bytes of a refusal's body that are kept."""


class Answered(NamedTuple):
    """What a server that takes the offer says to it."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def post(
    url: str, *, headers: Mapping[str, str], timeout: float = 10.0, **body: Any
) -> Answered:
    """Posts *body*, as httpx2 takes it, to *url*.

    Raises Unreachable, ConnectTimeout, Refused with the server's status, or BadSdp for an answer
    that is no SDP for its length.
    """
    import httpx2

    where = url.partition("?")[0]
    try:
        async with (
            httpx2.AsyncClient(timeout=timeout, follow_redirects=False) as client,
            client.stream("POST", url, headers=headers, **body) as response,
        ):
            answer = b""
            async for piece in response.aiter_bytes():
                answer += piece
                if len(answer) > LARGEST:
                    raise BadSdp(f"{where} answered with more than {LARGEST} bytes")
    except httpx2.TimeoutException as error:
        raise ConnectTimeout(f"{where} did not answer for {timeout:g} s") from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise Unreachable(f"{where} cannot be reached: {error}") from error
    if not response.is_success:
        raise Refused(where, response.status_code, response.headers, answer[:BODY])
    return Answered(response.status_code, response.headers, answer)


class Post:
    """An exchange for `connect`: posts the offer to *url*; the body of what comes is the answer.

    With a *session*, JSON, both are sent as a form, as OpenAI has it. Raises what `post` does.
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        session: bytes | None = None,
        timeout: float = 10.0,
    ) -> None:
        self.location: str | None = None
        """Where the server says the call can be found."""
        self._url = url
        self._headers = dict(headers or {})
        self._session = session
        self._timeout = timeout

    @property
    def call_id(self) -> str | None:
        """The last part of the location."""
        return self.location and self.location.partition("?")[0].rstrip("/").rpartition("/")[2]

    def __repr__(self) -> str:
        return f"Post({self._url.partition('?')[0]!r})"

    async def __call__(self, offer: str) -> str:
        body: dict[str, Any] = {"content": offer.encode()}
        headers = {**self._headers, "content-type": "application/sdp"}
        if self._session is not None:
            headers = self._headers
            body = {
                "files": {
                    "sdp": (None, offer.encode(), "application/sdp"),
                    "session": (None, self._session, "application/json"),
                }
            }
        answered = await post(self._url, headers=headers, timeout=self._timeout, **body)
        self.location = answered.headers.get("location")
        return answered.body.decode("utf-8", "replace")
