"""The long way: a model behind a policy, whatever dialect the client in front speaks."""

import logging
from collections.abc import Iterator, Sequence
from typing import Protocol, cast

from antiphon.codecs import events
from antiphon.codecs.refusing import Problem
from antiphon.codecs.wire import Unsayable, WireError
from antiphon.gateway.greeting import Greeting
from antiphon.gateway.policy import Policy
from antiphon.gateway.wire import Wire
from antiphon.pipeline import Frame, Member, now
from antiphon.processors.realtime import Model
from antiphon.processors.serving import serve
from antiphon.processors.turning import Turning
from antiphon.transports import TransportError

logger = logging.getLogger(__name__)


class Tap(Protocol):
    """Hears all that is said in a session, and changes nothing."""

    def said(self, event: Frame, /) -> None:
        """By the client, as the model hears it."""
        ...

    def heard(self, event: Frame, /) -> None:
        """From the model, as the client hears it."""
        ...


class Line:
    """A model with a policy before and behind it, and with taps.

    With *turns* it is continuous, and its client is not; *greeting* greets the client in its place.
    *behind* hear what the client hears, and may say more.
    """

    def __init__(
        self,
        model: Model,
        policy: Policy,
        taps: Sequence[Tap],
        *,
        turns: bool,
        greeting: Greeting | None,
        behind: Sequence[Member],
    ) -> None:
        self._model = model
        self._policy = policy
        self._to_said = [tap.said for tap in taps]
        self._to_heard = [tap.heard for tap in taps]
        inner: tuple[Member, ...] = (model,)
        if turns:
            turning = Turning()
            inner = (turning.said, model, turning)
        if greeting is not None:
            inner = (greeting.said, *inner, greeting)
        self.members: tuple[Member, ...] = (self._said, *inner, self._heard, *behind)

    @property
    def input_rate(self) -> int:
        return self._model.input_rate

    @property
    def output_rate(self) -> int:
        return self._model.output_rate

    def _said(self, event: Frame) -> Frame:
        try:
            event = self._policy.said(event)
        except (WireError, Unsayable) as error:  # what comes by the model is for the client
            return events.Error(
                message=str(error),
                code="invalid_value",
                error_type="invalid_request_error",
                client_event_id=getattr(event, "event_id", None),
                at=now(),
            )
        for said in self._to_said:
            said(event)
        return event

    def _heard(self, event: Frame) -> Frame | None:
        shown = self._policy.heard(event)
        if shown is not None:
            for heard in self._to_heard:
                heard(shown)
        return shown


async def converse(
    wire: Wire,
    model: Model,
    policy: Policy,
    taps: Sequence[Tap],
    *,
    turns: bool = False,
    greeting: Greeting | None = None,
    behind: Sequence[Member] = (),
) -> Problem | None:
    """Until one of both has had enough; what went wrong, if the model is to blame."""
    line = Line(model, policy, taps, turns=turns, greeting=greeting, behind=behind)
    try:
        await serve(wire, wire.end, line, config=policy.initial)
    except Exception as error:
        return _problem(error)
    return None


def _problem(error: Exception) -> Problem:
    """What the client may know of it; the log has the rest."""
    causes = list(_causes(error))
    unsayable = next((one for one in causes if isinstance(one, Unsayable)), None)
    if unsayable is not None:
        return Problem(cause="invalid", message=str(unsayable))
    if any(isinstance(one, TransportError) for one in causes):
        logger.warning("the model was lost: %s", causes[-1])
        return Problem(cause="model_lost", message="the model behind cannot be reached")
    logger.error("a session failed", exc_info=error)
    return Problem(cause="internal", message="the session failed")


def _causes(error: BaseException) -> Iterator[BaseException]:
    yield error
    if isinstance(error, ExceptionGroup):
        for one in cast("ExceptionGroup[Exception]", error).exceptions:
            yield from _causes(one)
    elif error.__cause__ is not None:
        yield from _causes(error.__cause__)
