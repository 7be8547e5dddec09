"""A session with a provider, which outlives its connections."""

import math
import random
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager

import anyio
import msgspec
from anyio.abc import TaskGroup

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig, merge
from antiphon.codecs.dialect import Dialect
from antiphon.codecs.items import FunctionCallOutput
from antiphon.codecs.wire import Recent, Unsayable
from antiphon.pipeline import Emit, now
from antiphon.processors.remote.call import connected
from antiphon.processors.remote.connection import Connection
from antiphon.processors.remote.held import Held
from antiphon.processors.remote.history import History, Named, same
from antiphon.processors.remote.names import Names
from antiphon.processors.remote.retry import Retry
from antiphon.transports import Closed, ConnectTimeout, Refused, Transport, TransportError

Wanted = Callable[[], Awaitable[SessionConfig]]
"""Waits until it is known how the session is to be."""

Open = Callable[[str | None, Wanted], AbstractAsyncContextManager[Transport]]
"""Opens a connection; the first argument is what to resume, if there is such a thing."""

STEP = 100_000
"""Microseconds of silence that a server is sent at a time, once the user has gone."""

LONGEST = 60_000_000
"""Microseconds without a word from the server after which nothing more is waited for."""

CLOSING = 15.0
"""Seconds for a server to close a session that it was asked to close."""

LONGEST_WISH = 60.0
"""Seconds that a server may ask to be left alone."""

EXPIRED = frozenset({"session_expired"})


class LostModel(TransportError):
    """All attempts to reach the model have failed; the cause is the last failure."""

    retryable = False


class Session:
    """What of a session is the same on every connection."""

    def __init__(
        self,
        dialect: Dialect,
        model: str,
        open: Open,
        emit: Emit,
        *,
        rates: tuple[int, int],
        retry: Retry,
        held: int,
        ready_timeout: float,
        seed: int | None,
    ) -> None:
        self._dialect = dialect
        self._model = model
        self._open = open
        self._emit = emit
        self._rates = rates
        self._retry = retry
        self._chance = random.Random(seed)
        self._ready_timeout = round(ready_timeout * 1_000_000)
        self._connection: Connection | None = None
        self._config: SessionConfig | None = None
        self._known = anyio.Event()
        """Somebody has said how the session is to be."""
        self._ready_by = 0
        self._waiting = anyio.CancelScope()
        """Of the one who listens to the server, until something else is to be done."""
        self._history = History()
        self._held = Held(held, rates[0])
        self._handle: str | None = None
        self._names = Names()
        self._replayed: list[Named] = []
        self._echoes = Recent[str, None](500)
        """What this server calls the items that it was told anew and repeats."""
        self._repeats = events.ConversationItemAdded in dialect.repertoire_of_server.native
        self._again = False
        """This is not the first connection."""
        self._leave: int | None = None
        """When to leave a server that is going away."""
        self._expired = False
        self._over = anyio.Event()
        self._last = now()
        self._spoke = False

    # The client.

    async def say(self, event: events.ClientEvent) -> None:
        """Say *event*, now or when there is somebody to hear it."""
        match event:
            case events.SessionUpdate() | events.SessionStart():
                event = self._configured(event)
            case events.InputAudioAppend():
                self._spoke = True
            case _:
                pass
        connection = self._connection
        starting = isinstance(event, events.SessionUpdate | events.SessionStart)
        if connection is None or not (connection.ready or starting):
            if not starting:  # how the session is to be is told to every server first of all
                self._held.put(event)
        else:
            await self._tell(connection, event)
        if isinstance(event, events.ConversationItemCreate) and not self._repeats:
            await self._repeat(event)

    def _configured(
        self, event: events.SessionUpdate | events.SessionStart
    ) -> events.SessionUpdate | events.SessionStart:
        """*event* as this model wants it: a continuous one is started, not settled."""
        first = self._config is None
        if first and self._dialect.outspoken is not None:
            event = msgspec.structs.replace(event, config=self._dialect.outspoken(event.config))
        self._config = merge(self._config or SessionConfig(), event.config)
        self._known.set()
        if first and self._dialect.continuous and isinstance(event, events.SessionUpdate):
            return events.SessionStart(config=event.config, event_id=event.event_id, at=event.at)
        return event

    async def _tell(
        self, connection: Connection, event: events.ClientEvent, *, again: bool = False
    ) -> None:
        try:
            translated = event if again else self._names.said(event)
            if translated is not None:
                said = await connection.say(translated)
                self._waiting.deadline = self._limit(connection)
                if connection.ready and isinstance(event, events.SessionUpdate):
                    await self._acknowledge(event, said=said)
            if not again:
                self._history.said(event)
        except Unsayable as error:
            settles = isinstance(event, events.SessionUpdate | events.SessionStart)
            if settles and not self._again and not connection.ready:
                raise
            await self._emit(
                events.Error(
                    message=str(error),
                    code="unsayable",
                    client_event_id=event.event_id,
                    at=now(),
                )
            )
        except Closed:
            self._held.put(event)  # for the next; whoever listens notices too

    async def _acknowledge(self, update: events.SessionUpdate, *, said: bool) -> None:
        """Tell what came of a change that this server will say nothing of."""
        if events.SessionUpdated in self._dialect.repertoire_of_server.native:
            return
        if not said:
            title = self._dialect.title
            raise Unsayable(self._dialect.name, f"settles a session only as it begins ({title})")
        await self._emit(events.SessionUpdated(config=self._config, at=now()))

    async def _repeat(self, create: events.ConversationItemCreate) -> None:
        """Tell everybody of an item that this server will not repeat."""
        item = create.item
        item_id = item.id or (item.call_id if isinstance(item, FunctionCallOutput) else "")
        await self._emit(events.ConversationItemAdded(item_id=item_id, item=item, at=now()))

    async def settled(self, linger: int) -> None:
        """Be silent as a user is, until the server has nothing more to say."""
        silence = events.InputAudioAppend(audio=bytes(STEP * self._rates[0] // 1_000_000 * 2))
        while not self._over.is_set():
            quiet = now() - self._last
            busy = self._history.running or self._history.pending or self._history.wanted
            heard = self._connection is not None and self._connection.ready
            if quiet > (LONGEST if busy or not heard else linger):
                return
            if self._spoke and heard:
                await self.say(msgspec.structs.replace(silence, at=now()))
            await anyio.sleep(STEP / 1_000_000)

    async def closed(self) -> None:
        """Wait until the server has closed the session, as it was asked to."""
        with anyio.move_on_after(CLOSING):
            await self._over.wait()

    # The connection.

    async def keep(self, group: TaskGroup) -> None:
        """Be connected until the session is over; then *group* has nothing more to do."""
        waits = self._retry.waits(self._chance)
        attempt = 0
        while True:
            began = now()
            failure: TransportError | None = None
            try:
                async with self._open(self._handle, self._wanted) as transport:
                    await self._attend(transport)
                if self._over.is_set():
                    group.cancel_scope.cancel()
                    return
            except TransportError as error:
                if not error.retryable:
                    raise
                failure = error
            finally:
                self._connection = None
            await self._broken()
            if now() - began > self._retry.proof * 1_000_000:
                waits, attempt = self._retry.waits(self._chance), 0
            wait = next(waits, None)
            if wait is None:
                raise LostModel(
                    f"the model {self._model} cannot be reached: {attempt} further attempts failed"
                ) from failure
            attempt += 1
            if failure is None:  # it was left in good time
                wait = 0.0
            elif isinstance(failure, Refused) and failure.retry_after is not None:
                wait = max(wait, min(failure.retry_after, LONGEST_WISH))
            await self._emit(
                events.Reconnecting(
                    attempt=attempt,
                    delay=round(wait * 1_000_000),
                    reason="the server goes away" if failure is None else str(failure),
                    at=now(),
                )
            )
            await anyio.sleep(wait)
            self._again = True
            if self._handle is None or not self._repeats:
                self._names.begin_anew()
                self._echoes.clear()

    async def _attend(self, transport: Transport) -> None:
        """Use one connection for as long as it is good."""
        end = self._dialect.client(self._model)
        connection = connected(
            end,
            transport,
            input_rate=self._rates[0],
            output_rate=self._rates[1],
            continuous=self._dialect.continuous,
        )
        self._ready_by, self._leave, self._expired = now() + self._ready_timeout, None, False
        self._connection = connection
        if self._config is not None:
            await self._tell(connection, self._start(self._config))
        while not self._over.is_set():
            heard = None
            try:
                with anyio.CancelScope(deadline=self._limit(connection)) as self._waiting:
                    heard = await connection.receive()
            except anyio.EndOfStream:
                await self._ended(transport)
                return
            if heard is not None:
                await self._hear(connection, heard)
            elif not connection.ready:
                raise ConnectTimeout(f"{self._model} was connected, but did not begin a session")
            elif self._leave is not None and now() >= self._leave:
                return
            else:
                await self._hear(connection, connection.expire())
            await connection.answer()
            if self._leave is not None and not self._history.running:
                return

    def _limit(self, connection: Connection) -> float:
        """Until when nothing is to be done but to listen, by the loop's clock."""
        moments = (
            None if connection.ready else self._ready_by,
            connection.end.deadline,
            self._leave,
        )
        earliest = min((moment for moment in moments if moment is not None), default=None)
        if earliest is None:
            return math.inf
        return anyio.current_time() + (earliest - now()) / 1_000_000

    async def _hear(self, connection: Connection, heard: Iterable[events.ServerEvent]) -> None:
        for event in heard:
            if not isinstance(event, events.Custom):
                self._last = now()
            if self._is_echo(event):
                continue
            event = self._names.heard(event)
            self._history.heard(event, self._rates[1])
            await self._emit(event)
            match event:
                case events.SessionCreated() | events.SessionUpdated() | events.SessionStarted():
                    if not connection.ready:
                        await self._begin(connection)
                case events.SessionClosed():
                    self._over.set()
                case events.GoAway():
                    left = (event.time_left or 0) - STEP
                    self._leave = now() + max(0, left)
                case events.ResumptionHandle():
                    if event.resumable and event.handle:
                        self._handle = event.handle
                case events.Error() if event.code in EXPIRED:
                    self._expired = True
                case _:
                    pass

    async def _ended(self, transport: Transport) -> None:
        """The server closed the connection properly: for good, unless it had said otherwise."""
        if self._leave is not None or self._expired:
            return
        self._over.set()
        ending = transport.closed
        reason = ending.reason if ending is not None else ""
        await self._emit(events.SessionClosed(reason=reason or None, at=now()))

    async def _broken(self) -> None:
        """Nothing more comes of what the server was answering."""
        for response_id in self._history.running:
            await self._emit(
                events.ResponseDone(
                    response_id=response_id, status="failed", reason="connection_lost", at=now()
                )
            )
        self._history.forget_running()

    # A new connection.

    async def _wanted(self) -> SessionConfig:
        await self._known.wait()
        return self._start(self._config or SessionConfig()).config

    def _start(self, config: SessionConfig) -> events.SessionUpdate | events.SessionStart:
        """The first word to a server."""
        if self._again and self._handle is not None:
            config = msgspec.structs.replace(config, resumption_handle=self._handle)
        elif self._again and not self._dialect.history and (told := self._history.text()):
            instructions = config.instructions or ""
            config = msgspec.structs.replace(
                config,
                first_message=None,
                instructions=f"{instructions}\n\nThe conversation so far:\n{told}".strip(),
            )
        if self._dialect.continuous:
            return events.SessionStart(config=config, at=now())
        return events.SessionUpdate(config=config, at=now())

    async def _begin(self, connection: Connection) -> None:
        """The session is there: tell what came before, and what has waited."""
        replayed = 0
        wanted = self._again and self._history.wanted
        if self._again and self._handle is None and self._dialect.history:
            self._replayed = list(self._history.items())
            replayed = len(self._replayed)
            for told in tuple(self._replayed):
                create = events.ConversationItemCreate(item=told.item, at=now())
                await self._tell(connection, create, again=True)
        while not connection.ready:
            waiting = list(self._held.take())
            connection.ready = not waiting
            for event in waiting:
                wanted = wanted and not isinstance(event, events.ResponseCreate)
                await self._tell(connection, event)
        if self._again:
            lost = self._held.lost()
            await self._emit(events.Reconnected(replayed=replayed, lost=lost, at=now()))
        if wanted and not self._dialect.continuous:
            await self._tell(connection, events.ResponseCreate(at=now()))

    def _is_echo(self, event: events.ServerEvent) -> bool:
        """Whether the server repeats what everybody knows from an earlier connection."""
        if not isinstance(event, events.ConversationItemAdded | events.ConversationItemDone):
            return False
        if event.item_id in self._echoes:
            return True
        for index, told in enumerate(self._replayed):
            if event.item is not None and same(told.item, event.item):
                del self._replayed[index]
                if told.name is None:  # the server before had not got that far
                    return False
                self._names.bind(event.item_id, told.name)
                self._echoes[event.item_id] = None
                return True
        return False
