"""The moments of turns, as metrics."""

from antiphon.gateway.observe.metrics import Metrics
from antiphon.gateway.observe.turns import Call, Response
from antiphon.processors.latency import TurnTimes


class TurnMetrics:
    """Watches the turns of one session, whose *front* and *upstream* are the labels."""

    def __init__(self, metrics: Metrics, front: str, upstream: str) -> None:
        self._metrics = metrics
        self._of = front, upstream

    def created(self, response: Response, /) -> None:
        pass

    def sounded(self, response: Response, /) -> None:
        if response.first_audio is not None:
            self._metrics.first_audio(*self._of, _seconds(response.first_audio - response.asked))
        if response.response_time is not None:
            self._metrics.response_time(*self._of, _seconds(response.response_time))
        if response.opens and response.turn.detection is not None:
            self._metrics.detection(*self._of, _seconds(response.turn.detection))

    def ended(self, response: Response, /) -> None:
        if response.first_token is not None:
            self._metrics.first_token(*self._of, _seconds(response.first_token - response.asked))

    def called(self, call: Call, /) -> None:
        pass

    def returned(self, call: Call, /) -> None:
        if call.ended is not None and call.outcome in ("returned", "failed"):
            self._metrics.tool(*self._of, _seconds(call.ended - call.called))

    def played(self, turn: TurnTimes, /) -> None:
        if turn.playout is not None:
            self._metrics.playout(*self._of, _seconds(turn.playout))


def _seconds(microseconds: int) -> float:
    return max(0, microseconds) / 1_000_000
