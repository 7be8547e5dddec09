"""A provider's model as a stage of a pipeline."""

from typing import TypeGuard, get_args

import anyio

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig, merge
from antiphon.codecs.dialect import Dialect
from antiphon.pipeline import Emit, Frame, Frames
from antiphon.processors.remote.retry import Retry
from antiphon.processors.remote.session import Open, Session

CLIENT_EVENTS: tuple[type[Frame], ...] = get_args(events.ClientEvent)


class Remote:
    """A model stage: client events in, also sent back to it, server events out.

    One run is one session, which outlives its connections: a connection that breaks, or that the
    server is about to end, is replaced as *retry* says, and the session resumed or the
    conversation told anew. Meanwhile *held* seconds of the user's audio are kept. A refused
    credential, and a server that ends the session, are not tried again. A server that begins no
    session within *ready_timeout* seconds of being connected is left.

    When the input ends, the user falls silent: the stage waits for what is under way, and until
    *linger* seconds have brought nothing new. *seed* makes the waits of *retry* repeatable.
    """

    takes_back = CLIENT_EVENTS

    def __init__(
        self,
        dialect: Dialect,
        model: str,
        open: Open,
        *,
        retry: Retry = Retry(),  # noqa: B008
        held: float = 10.0,
        ready_timeout: float = 10.0,
        linger: float = 2.0,
        seed: int | None = None,
    ) -> None:
        self.dialect = dialect
        self.model = model
        self._open = open
        self._retry = retry
        self._held = round(held * 1_000_000)
        self._ready_timeout = ready_timeout
        self._linger = round(linger * 1_000_000)
        self._seed = seed
        self.configure(SessionConfig())

    def configure(self, config: SessionConfig) -> None:
        """Says how sessions will be, so that the rates are known before one is open."""
        settled = merge(SessionConfig(model=self.model), config)
        self.input_rate, self.output_rate = self.dialect.rates(settled)

    async def run(self, frames: Frames, emit: Emit) -> None:
        session = Session(
            self.dialect,
            self.model,
            self._open,
            emit,
            rates=(self.input_rate, self.output_rate),
            retry=self._retry,
            held=self._held,
            ready_timeout=self._ready_timeout,
            seed=self._seed,
        )
        async with anyio.create_task_group() as group:
            group.start_soon(session.keep, group)
            closing = False
            async for frame in frames:
                if _is_for_model(frame):
                    await session.say(frame)
                else:
                    await emit(frame)
                if closing := isinstance(frame, events.SessionClose):
                    break
            else:
                if closing := self.dialect.continuous:
                    await session.say(events.SessionClose())
            async with anyio.create_task_group() as listening:
                listening.start_soon(_listen_on, frames, session)
                await (session.closed() if closing else session.settled(self._linger))
                listening.cancel_scope.cancel()
            group.cancel_scope.cancel()


async def _listen_on(frames: Frames, session: Session) -> None:
    """What is still sent back, such as tools' answers, is said after the input's end too."""
    while True:
        frame = await frames.returned()
        if _is_for_model(frame):
            await session.say(frame)


def _is_for_model(frame: Frame) -> TypeGuard[events.ClientEvent]:
    return isinstance(frame, CLIENT_EVENTS)
