"""The same round trips by other WebSocket libraries."""

# pyright: basic, reportMissingImports=false
# The packages are no dependencies: where they are missing, all that comes from them is unknown.

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from benchmarks.peers.sockets import HOST, Trip


@asynccontextmanager
async def aiohttp() -> AsyncGenerator[Trip, None]:
    from aiohttp import ClientSession, web

    async def repeat(request: web.Request) -> web.WebSocketResponse:
        response = web.WebSocketResponse(compress=False)
        await response.prepare(request)
        async for message in response:
            await response.send_str(message.data)
        return response

    app = web.Application()
    app.router.add_get("/", repeat)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, 0).start()
        url = f"ws://{HOST}:{runner.addresses[0][1]}/"
        async with ClientSession() as session, session.ws_connect(url, compress=0) as connection:

            async def trip(text: str) -> object:
                await connection.send_str(text)
                return await connection.receive()

            yield trip
    finally:
        await runner.cleanup()


@asynccontextmanager
async def picows() -> AsyncGenerator[Trip, None]:
    from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect, ws_create_server

    class Repeats(WSListener):
        def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
            if frame.msg_type == WSMsgType.TEXT:
                transport.send(WSMsgType.TEXT, frame.get_payload_as_bytes())
            elif frame.msg_type == WSMsgType.CLOSE:
                transport.send_close(frame.get_close_code())
                transport.disconnect()

    class Waits(WSListener):
        heard: asyncio.Future[str]

        def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
            if frame.msg_type == WSMsgType.TEXT:
                self.heard.set_result(frame.get_payload_as_utf8_text())

    loop = asyncio.get_running_loop()
    async with await ws_create_server(lambda request: Repeats(), HOST, 0) as serving:
        url = f"ws://{HOST}:{serving.sockets[0].getsockname()[1]}/"
        transport, waits = await ws_connect(Waits, url)

        async def trip(text: str) -> object:
            waits.heard = loop.create_future()
            transport.send(WSMsgType.TEXT, text.encode())
            return await waits.heard

        try:
            yield trip
        finally:
            transport.send_close()
            transport.disconnect()
            await transport.wait_disconnected()
