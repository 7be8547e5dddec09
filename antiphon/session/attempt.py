"""One connection of a session, from asking for a token to its end."""

import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

import anyio
import msgspec
from anyio import CancelScope

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig, ToolDefinition, TurnDetection
from antiphon.codecs.connection import Connect
from antiphon.codecs.dialect import Dialect
from antiphon.pipeline import Interrupt, Pipeline, ProcessorError, Run
from antiphon.pipeline.errors import NotRunning, leaf
from antiphon.pipeline.members import Stage
from antiphon.session.desk import STOPPED, Desk
from antiphon.session.errors import NotConnected, Overflow, StartupTimeout
from antiphon.session.link import MOST, Link
from antiphon.session.setup import Open

Way = tuple[Connect, tuple[ToolDefinition, ...] | None]
"""How to connect, and the tools that take the place of the configuration's."""


class Hearer(Protocol):
    """Who is told what becomes of an attempt, for as long as it is not stopped."""

    def heard(self, event: events.ServerEvent, /) -> None: ...

    def playing(self, plays: bool, /) -> None: ...

    def reported(self, error: Exception, /) -> None:
        """Something failed, and the connection goes on."""
        ...

    def closing(self) -> None:
        """The connection is ending, what came over it is still dealt with."""
        ...

    def ended(self, failure: Exception | None, /) -> None: ...


class Attempt:
    """A pipeline of the connection, the desk and a loudspeaker."""

    def __init__(
        self,
        hearer: Hearer,
        *,
        dialect: Dialect,
        model: str,
        config: SessionConfig,
        way: Callable[[], Awaitable[Way]],
        open: Open,
        sink: Stage,
        rate: int,
        timeout: float,
    ) -> None:
        self._hearer = hearer
        self._dialect = dialect
        self._model = model
        self._config = config
        self._way = way
        self._open = open
        self._sink = sink
        self._rate = rate
        self._timeout = timeout
        self._scope = CancelScope()
        self._startup = CancelScope()
        self._link: Link | None = None
        self._run: Run | None = None
        detection = config.turn_detection
        self._desk = Desk(
            rate,
            playing=self._playing,
            heard=self._heard,
            interrupts=not dialect.continuous
            and not (
                isinstance(detection, TurnDetection) and detection.interrupt_response is False
            ),
        )
        self.active = True

    async def run(self) -> None:
        """Be connected until either side has had enough; raises nothing."""
        failure: Exception | None = None
        with self._scope:
            try:
                with anyio.move_on_after(self._timeout) as self._startup:
                    await self._connect()
                if self._startup.cancelled_caught:
                    failure = StartupTimeout(self._timeout)
            except Exception as error:
                failure = _cause(error)
        if self.active:
            self.active = False
            self._hearer.ended(failure)

    def is_ready(self) -> None:
        """The model has said so."""
        self._startup.deadline = math.inf
        if self._link is not None:
            self._link.ready = True

    def stop(self) -> None:
        """End it at once; nobody is told anything more."""
        self.active = False
        self._scope.cancel()

    def say(self, event: events.ClientEvent) -> None:
        """Raises NotConnected before it is open, and Overflow if too much waits already."""
        if self._link is None or self._run is None or not self.active:
            raise NotConnected(f"{_tag(event)} is lost: the connection is not open yet")
        if self._link.waiting >= MOST:
            raise Overflow(f"{MOST} events wait to be sent: send no faster than the network takes")
        try:
            self._run.send_nowait(event)
        except NotRunning:
            raise NotConnected(f"{_tag(event)} is lost: the connection has ended") from None
        self._link.waiting += 1

    def stop_playback(self) -> None:
        if self._run is not None and self.active:
            with suppress(NotRunning):
                self._run.send_nowait(Interrupt(reason=STOPPED))

    def resume_playback(self) -> None:
        self._desk.resume()

    async def _connect(self) -> None:
        way, tools = await self._way()
        config = self._config
        if tools is not None:
            config = msgspec.structs.replace(config, tools=tools)
        async with self._open(way) as transport:
            link = Link(
                self._dialect.client(self._model),
                transport,
                input_rate=self._rate,
                output_rate=self._rate,
                reported=self._reported,
                closing=self._closing,
            )
            pipeline = Pipeline(link, self._desk, self._sink, fit="auto")
            async with pipeline.open(output=False) as run:
                self._link, self._run = link, run
                started = self._dialect.continuous
                self.say((events.SessionStart if started else events.SessionUpdate)(config=config))
                await link.over.wait()
                run.cancel()

    # What is told nobody once it is stopped.

    def _heard(self, event: events.ServerEvent) -> None:
        if self.active:
            self._hearer.heard(event)

    def _playing(self, plays: bool) -> None:
        if self.active:
            self._hearer.playing(plays)

    def _reported(self, error: Exception) -> None:
        if self.active:
            self._hearer.reported(error)

    def _closing(self) -> None:
        if self.active:
            self._hearer.closing()


def _tag(event: events.ClientEvent) -> str:
    return str(type(event).__struct_config__.tag)


def _cause(error: Exception) -> Exception:
    """What a member of the pipeline, or the opening of a connection, has really raised."""
    error = leaf(error)
    if isinstance(error, ProcessorError) and isinstance(error.__cause__, Exception):
        return leaf(error.__cause__)
    return error
