"""WebSockets as cheap as can be, so that who measures costs less than what is measured.

Frames are made once and sent many times, and of long ones only the length is looked at.
RFC 6455; fragments and extensions are not known.
"""

import asyncio
import base64
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import cast

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10

MASK = bytes(4)
"""Of a client's frames: it changes nothing, so that a frame can be made once."""

LONG = 700
"""Bytes from which on a message is audio, once the session is there."""

LARGEST = 1024 * 1024

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def frame(message: str | bytes, *, masked: bool, opcode: int | None = None) -> bytes:
    """*message* as it is on the wire."""
    payload = message.encode() if isinstance(message, str) else message
    kind = opcode or (TEXT if isinstance(message, str) else BINARY)
    mask = 0x80 if masked else 0
    if len(payload) < 126:
        head = bytes((0x80 | kind, mask | len(payload)))
    elif len(payload) < 65_536:
        head = bytes((0x80 | kind, mask | 126)) + len(payload).to_bytes(2, "big")
    else:
        head = bytes((0x80 | kind, mask | 127)) + len(payload).to_bytes(8, "big")
    return head + (MASK if masked else b"") + payload


class Lean(asyncio.Protocol):
    """One end of a WebSocket. *message* hears what is short, or everything before `settled`.

    After that *audio* is called for each long message, with the moment at which it was read.
    """

    def __init__(
        self, *, message: Callable[[str | bytes], None], audio: Callable[[float], None]
    ) -> None:
        self.transport: asyncio.Transport
        self.settled = False
        self.open = False
        self.lost = asyncio.get_running_loop().create_future()
        self._message = message
        self._audio = audio
        self._left: bytes = b""

    # What an end of its own does differently.

    masked = False

    def shaken(self, head: bytes) -> None:
        """The other side's part of the handshake is there."""
        raise NotImplementedError

    # All else.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.lost.done():
            self.lost.set_result(None)

    def say(self, message: str | bytes) -> None:
        self.transport.write(frame(message, masked=self.masked))

    def data_received(self, data: bytes) -> None:
        at = time.perf_counter()
        data = self._left + data if self._left else data
        if not self.open:
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self._left = head
                return
            self.open = True
            self.shaken(head)
        self._left = data[self._read(data, at) :]

    def _read(self, data: bytes, at: float) -> int:
        """How far *data* holds whole frames."""
        position, whole = 0, len(data)
        while whole - position >= 2:
            masked, size = data[position + 1] & 0x80, data[position + 1] & 0x7F
            begin = position + 2
            if size >= 126:
                width = 2 if size == 126 else 8
                size = int.from_bytes(data[begin : begin + width], "big")
                begin += width
            mask, begin = begin, begin + (4 if masked else 0)
            if begin + size > whole:
                break
            if size >= LONG and self.settled:
                self._audio(at)
            else:
                payload = data[begin : begin + size]
                key = data[mask:begin]
                self._heard(data[position] & 0x0F, _unmasked(payload, key) if masked else payload)
            position = begin + size
        return position

    def _heard(self, opcode: int, payload: bytes) -> None:
        if opcode == TEXT:
            self._message(payload.decode())
        elif opcode == BINARY:
            self._message(payload)
        elif opcode == PING:
            self.transport.write(frame(payload, masked=self.masked, opcode=PONG))
        elif opcode == CLOSE:
            self.transport.write(frame(payload, masked=self.masked, opcode=CLOSE))
            self.transport.close()


class LeanClient(Lean):
    """What it asks for is said once the connection is made."""

    masked = True

    def __init__(
        self,
        path: str,
        headers: Mapping[str, str],
        subprotocols: Sequence[str],
        *,
        message: Callable[[str | bytes], None],
        audio: Callable[[float], None],
    ) -> None:
        super().__init__(message=message, audio=audio)
        self.accepted = asyncio.get_running_loop().create_future()
        all_headers = {
            "Host": "127.0.0.1",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode(),
            "Sec-WebSocket-Version": "13",
            **({"Sec-WebSocket-Protocol": ", ".join(subprotocols)} if subprotocols else {}),
            **headers,
        }
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {all_headers[name]}" for name in all_headers)]
        self._request = "\r\n".join([*lines, "", ""]).encode()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if not self.accepted.done():
            self.accepted.set_exception(ConnectionError("the server hung up"))

    def shaken(self, head: bytes) -> None:
        if b" 101 " in head.partition(b"\r\n")[0]:
            self.accepted.set_result(None)
        else:
            said = head.partition(b"\r\n")[0].decode()
            self.accepted.set_exception(ConnectionError(f"no WebSocket: {said}"))


class LeanServer(Lean):
    """Accepts whatever path; *target* is told which it was."""

    def __init__(
        self,
        *,
        target: Callable[[str], None],
        message: Callable[[str | bytes], None],
        audio: Callable[[float], None],
    ) -> None:
        super().__init__(message=message, audio=audio)
        self._target = target

    def shaken(self, head: bytes) -> None:
        request, *lines = head.split(b"\r\n")
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(b":") for line in lines)
        }
        if b"sec-websocket-key" not in headers:  # somebody looks what else there is
            self.transport.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            self.transport.close()
            return
        digest = hashlib.sha1(headers[b"sec-websocket-key"] + _GUID).digest()
        answer = [
            b"HTTP/1.1 101 Switching Protocols",
            b"Upgrade: websocket",
            b"Connection: Upgrade",
            b"Sec-WebSocket-Accept: " + base64.b64encode(digest),
        ]
        if offered := headers.get(b"sec-websocket-protocol"):
            answer.append(b"Sec-WebSocket-Protocol: " + offered.partition(b",")[0].strip())
        self.transport.write(b"\r\n".join([*answer, b"", b""]))
        self._target(request.split(b" ")[1].decode())


def _unmasked(payload: bytes, key: bytes) -> bytes:
    size = len(payload)
    pad = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")).to_bytes(size, "big")
