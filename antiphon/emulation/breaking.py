"""Breaks a connection on its way through ASGI, as faults say."""

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Protocol

import anyio

from antiphon.emulation.faults import Fault

CUT = "antiphon.cut"
"""The extension of ASGI by which a connection can be broken as no server would; see `port`."""

LOST = 1011
"""Closes a connection where it can only be closed: behind a server without that extension."""

Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
App = Callable[[Event, Receive, Send], Awaitable[None]]


class Cut(Protocol):
    """The network below a WebSocket."""

    def abort(self) -> None:
        """Lose the connection."""
        ...

    def half(self, message: str | bytes) -> None:
        """Send half of *message*, and lose the connection."""
        ...


class Breaking:
    """Between a server and its application, for one WebSocket."""

    def __init__(self, faults: Sequence[Fault], scope: Event, receive: Receive, send: Send) -> None:
        self._faults = faults
        self._scope = scope
        self._receive = receive
        self._send = send
        self._cut: Cut | None = scope.get("extensions", {}).get(CUT)
        self._slow = sum(fault.seconds for fault in faults if fault.kind == "slow")
        self._silent = False
        """Nothing more is sent, not even a farewell."""
        self._halves = False
        self._opened = anyio.Event()
        self._lost = anyio.Event()

    async def run(self, app: App) -> None:
        """Until *app* is done with it."""
        failed: Exception | None = None
        async with anyio.create_task_group() as group:
            for fault in self._faults:
                group.start_soon(self._happen, fault)
            try:
                await app(self._scope, self._hear, self._say)
            except Exception as error:  # of the application, not of this group
                failed = error
            group.cancel_scope.cancel()
        if failed is not None:
            raise failed

    async def _say(self, event: Event) -> None:
        if event["type"] == "websocket.send" and self._slow:
            await anyio.sleep(self._slow)
        if event["type"] == "websocket.send" and self._halves and not self._silent:
            text = event.get("text")
            await self._lose(event["bytes"] if text is None else text)
        if self._silent:
            return
        await self._send(event)
        if event["type"] == "websocket.accept":
            self._silent = any(fault.kind == "silent" for fault in self._faults)
            self._opened.set()

    async def _hear(self) -> Event:
        """What the client says; that it has gone, once the connection is lost."""
        heard: list[Event] = []
        async with anyio.create_task_group() as group:

            async def give_up() -> None:
                await self._lost.wait()
                group.cancel_scope.cancel()

            group.start_soon(give_up)
            heard.append(await self._receive())
            group.cancel_scope.cancel()
        return heard[0] if heard else {"type": "websocket.disconnect", "code": 1006}

    async def _happen(self, fault: Fault) -> None:
        await self._opened.wait()
        await anyio.sleep(fault.seconds)
        match fault.kind:
            case "drop":
                await self._lose()
            case "stall":
                self._silent = True
            case "half":
                self._halves = True
            case _:
                pass  # of all messages, or of the session

    async def _lose(self, message: str | bytes | None = None) -> None:
        if self._silent:
            return
        self._silent = True
        self._lost.set()
        if self._cut is None:
            await self._send({"type": "websocket.close", "code": LOST, "reason": "dropped"})
        elif message is None:
            self._cut.abort()
        else:
            self._cut.half(message)
