"""What is remembered of a session for those who look after the gateway."""

import logging
from collections.abc import Mapping

from antiphon.codecs import events
from antiphon.gateway.carried import Carried
from antiphon.gateway.observe.logs import learned
from antiphon.gateway.observe.metrics import Metrics
from antiphon.gateway.observe.traces import Traces
from antiphon.gateway.observe.turn_metrics import TurnMetrics
from antiphon.gateway.observe.turns import Turns
from antiphon.pipeline import Frame, now
from antiphon.processors.spent import Spent

logger = logging.getLogger(__name__)


class Noted:
    """Metrics, a trace and the log of one session, of whose events it is told."""

    def __init__(
        self,
        metrics: Metrics,
        traces: Traces,
        name: str,
        *,
        front: str,
        upstream: str,
        provider: str,
        model: str,
        transport: str,
        key: str,
        headers: Mapping[str, str],
    ) -> None:
        self._metrics = metrics
        self._of = front, upstream
        self.carried = Carried(metrics, front, upstream)
        self._key = key
        self._began = now()
        self._trace = traces.session(
            name,
            front=front,
            upstream=upstream,
            provider=provider,
            model=model,
            transport=transport,
            key=key,
            headers=headers,
            at=self._began,
        )
        self._turns = Turns(TurnMetrics(metrics, front, upstream), self._trace)
        self.reason = "closed"
        learned(upstream=upstream)
        metrics.session_opened(front, upstream, transport)
        logger.info("session opened")

    def at_rate(self, input_rate: int) -> None:
        """Of the user's audio in events, in Hz."""
        self._turns.input_rate = input_rate

    def said(self, event: Frame) -> None:
        if isinstance(event, events.EventFrame):
            self._turns.heard(event)  # pyright: ignore[reportArgumentType]

    def heard(self, event: Frame) -> None:
        if isinstance(event, events.EventFrame):
            self._turns.said(event)  # pyright: ignore[reportArgumentType]

    def close(self, spent: Spent) -> None:
        at = now()
        seconds = (at - self._began) / 1_000_000
        failed = self.reason in ("model_lost", "internal")
        if failed:
            self._metrics.error(*self._of, self.reason)
        self._turns.close(at)
        self._trace.close(at, reason=self.reason, failure=self.reason if failed else None)
        self._metrics.usage(*self._of, spent.usage)
        self._metrics.money(*self._of, spent.money, key=self._key)
        self._metrics.session_closed(*self._of, seconds, self.reason)
        logger.info(
            "session closed",
            extra={
                "reason": self.reason,
                "seconds": round(seconds, 3),
                "dollars": str(spent.dollars),
                "estimated": spent.estimated,
            },
        )
