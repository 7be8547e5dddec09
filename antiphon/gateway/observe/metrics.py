"""The gateway's metrics, for Prometheus.

With PROMETHEUS_MULTIPROC_DIR set before anything imports prometheus_client, the numbers of all
worker processes are in that folder, and each of them answers a scrape for all.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector

from antiphon.codecs.usage import Usage
from antiphon.gateway.observe.counting import Add, Batch, Buckets, Room, Sum, flush
from antiphon.gateway.observe.workers import FOLDER

Direction = Literal["in", "out"]
"""In: from the client to the model."""

Kind = Literal["audio", "message"]
"""Bytes of sound, and of everything else."""

ADDED = (10e-6, 25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.1, 1.0)
MOMENTS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)
"""Seconds between the moments of a turn: what is talked about is between 0.2 and 2."""
SESSIONS = (1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0, 7_200.0)

MODALITIES = ("text", "audio", "image")


class Metrics:
    """Counts what happens in the gateway; `registry` is what a scrape collects.

    Labels stay few whatever clients send: *upstreams* are the configured ones, of which any number
    fits; of other values each label takes a few dozen, and "other" is the rest. Names of keys are
    a label of the money only with *keys*. In multi-process mode `close` is to be called as the
    process ends.
    """

    def __init__(self, *, upstreams: Iterable[str] = (), keys: bool = False) -> None:
        self.many = FOLDER in os.environ
        """Whether this process is one of several."""
        self._own = CollectorRegistry()
        self.registry = self._own
        if self.many:
            self.registry = CollectorRegistry()
            MultiProcessCollector(self.registry)
        else:
            ProcessCollector(registry=self.registry)
        self._keys = keys
        self._upstreams = Room(upstreams)
        self._rooms: dict[str, Room] = {}
        self._batches: dict[tuple[str, str, str], Batch] = {}
        self._sums: dict[tuple[str, str, str, str], Sum] = {}

        by = ("front", "upstream")
        self._open = Gauge(
            "antiphon_gateway_sessions",
            "Sessions that are open.",
            by,
            registry=self._own,
            multiprocess_mode="livesum",
        )
        self._opened = self._counter("sessions_opened", "Sessions opened.", *by, "transport")
        self._closed = self._counter("sessions_closed", "Sessions closed.", *by, "reason")
        self._lasted = self._histogram("session_duration", "How long sessions last.", SESSIONS)
        self._refused = self._counter("refusals", "Clients turned away.", "front", "reason")
        self._minted = self._counter("tickets_minted", "Tickets minted.", "front")
        self._redeemed = self._counter("tickets_redeemed", "Tickets shown.", "front", "outcome")
        self._response = self._histogram(
            "response_time", "From the end of the user's speech to the first sound.", MOMENTS
        )
        self._detection = self._histogram(
            "detection", "From the end of the user's speech to its being known.", MOMENTS
        )
        self._first_token = self._histogram(
            "first_token", "From a response's being asked for to its first word or sound.", MOMENTS
        )
        self._first_audio = self._histogram(
            "first_audio", "From a response's being asked for to its first sound.", MOMENTS
        )
        self._playout = self._histogram(
            "playout", "From the first sound's arrival to its being heard, where known.", MOMENTS
        )
        self._tool = self._histogram(
            "tool_duration", "From a tool's call to its output, by the client.", MOMENTS
        )
        self._added = self._histogram(
            "added_latency", "What the gateway adds to a message's way.", ADDED, "direction"
        )
        self._bytes = self._counter("bytes", "Bytes carried.", *by, "direction", "kind")
        self._tokens = self._counter("tokens", "Tokens used.", *by, "modality", "direction")
        self._money = self._counter("cost_dollars", "What it has cost.", *by, "key")
        self._errors = self._counter("errors", "What has gone wrong.", *by, "kind")

    def session_opened(self, front: str, upstream: str, transport: str) -> None:
        front, upstream = self._by(front, upstream)
        self._open.labels(front, upstream).inc()
        self._opened.labels(front, upstream, self._fit("transport", transport)).inc()

    def session_closed(self, front: str, upstream: str, seconds: float, reason: str) -> None:
        """To be called once for each session opened, with the same front and upstream."""
        front, upstream = self._by(front, upstream)
        self._open.labels(front, upstream).dec()
        self._closed.labels(front, upstream, self._fit("reason", reason)).inc()
        self._lasted.labels(front, upstream).observe(seconds)
        self._hand_on()

    def refused(self, front: str, reason: str) -> None:
        """*reason* is a word of ours, such as "unauthorized", never what a client sent."""
        self._refused.labels(self._fit("front", front), self._fit("refusal", reason)).inc()

    def minted(self, front: str) -> None:
        self._minted.labels(self._fit("front", front)).inc()

    def redeemed(self, front: str, outcome: str = "ok") -> None:
        self._redeemed.labels(self._fit("front", front), self._fit("outcome", outcome)).inc()

    def response_time(self, front: str, upstream: str, seconds: float) -> None:
        self._response.labels(*self._by(front, upstream)).observe(seconds)

    def detection(self, front: str, upstream: str, seconds: float) -> None:
        self._detection.labels(*self._by(front, upstream)).observe(seconds)

    def first_token(self, front: str, upstream: str, seconds: float) -> None:
        self._first_token.labels(*self._by(front, upstream)).observe(seconds)

    def first_audio(self, front: str, upstream: str, seconds: float) -> None:
        self._first_audio.labels(*self._by(front, upstream)).observe(seconds)

    def playout(self, front: str, upstream: str, seconds: float) -> None:
        self._playout.labels(*self._by(front, upstream)).observe(seconds)

    def tool(self, front: str, upstream: str, seconds: float) -> None:
        self._tool.labels(*self._by(front, upstream)).observe(seconds)

    def added(self, front: str, upstream: str, direction: Direction, seconds: float) -> None:
        self._batch(front, upstream, direction).add(seconds)

    def adding(self, front: str, upstream: str, direction: Direction) -> Add:
        """What `added` does, for a session to hold on to: it is called with each message's time."""
        return self._batch(front, upstream, direction).add

    def bytes(self, front: str, upstream: str, direction: Direction, kind: Kind, n: int) -> None:
        self._sum(front, upstream, direction, kind).add(n)

    def bytes_of(self, front: str, upstream: str, direction: Direction, kind: Kind) -> Add:
        """What `bytes` does, for a session to hold on to."""
        return self._sum(front, upstream, direction, kind).add

    def tokens(self, front: str, upstream: str, modality: str, direction: str, n: int) -> None:
        """*direction* is "input", "output", or "cached", which is a part of the input."""
        labels = self._fit("modality", modality), self._fit("direction", direction)
        self._tokens.labels(*self._by(front, upstream), *labels).inc(n)

    def usage(self, front: str, upstream: str, usage: Usage) -> None:
        """The tokens of a response, by modality, and as "unknown" where it is not told."""
        for direction, known, whole in _counts(usage):
            for modality, n in known:
                self.tokens(front, upstream, modality, direction, n)
            rest = (whole or 0) - sum(n for _, n in known)
            if rest > 0:
                self.tokens(front, upstream, "unknown", direction, rest)

    def money(self, front: str, upstream: str, microdollars: float, *, key: str = "") -> None:
        """*key* is the name of the caller's key, which is shown only where that is configured."""
        name = self._fit("key", key) if self._keys else ""
        self._money.labels(*self._by(front, upstream), name).inc(microdollars / 1_000_000)

    def error(self, front: str, upstream: str, kind: str) -> None:
        """*kind* is a word of ours or the name of an exception's type."""
        self._errors.labels(*self._by(front, upstream), self._fit("kind", kind)).inc()

    def described(self) -> Iterator[Metric]:
        """Name, type and meaning of each metric of ours, whether or not it has a value."""
        yield from (one for one in self._own.collect() if one.name.startswith("antiphon_"))

    def flush(self) -> None:
        """Before a scrape: what is kept back for the sake of speed counts too."""
        self._hand_on()
        if self.many:
            _forget_dead(Path(os.environ[FOLDER]))

    def close(self) -> None:
        """Its sessions are no longer open; what it has counted stays."""
        self._hand_on()
        if self.many:
            _forget(Path(os.environ[FOLDER]), os.getpid())

    def _hand_on(self) -> None:
        flush(self._batches.values())
        flush(self._sums.values())

    def _counter(self, name: str, about: str, *labels: str) -> Counter:
        return Counter(f"antiphon_gateway_{name}", about, labels, registry=self._own)

    def _histogram(self, name: str, about: str, bounds: tuple[float, ...], *labels: str) -> Buckets:
        return Buckets(
            f"antiphon_gateway_{name}_seconds",
            about,
            ("front", "upstream", *labels),
            buckets=bounds,
            registry=self._own,
        )

    def _by(self, front: str, upstream: str) -> tuple[str, str]:
        return self._fit("front", front), self._upstreams.fit(upstream)

    def _fit(self, label: str, value: str) -> str:
        room = self._rooms.get(label)
        if room is None:
            room = self._rooms[label] = Room()
        return room.fit(value)

    def _batch(self, front: str, upstream: str, direction: Direction) -> Batch:
        batch = self._batches.get((front, upstream, direction))
        if batch is None:
            front, upstream = self._by(front, upstream)
            batch = self._batches.get((front, upstream, direction))
        if batch is None:
            batch = Batch(self._added.labels(front, upstream, direction), ADDED)
            self._batches[front, upstream, direction] = batch
        return batch

    def _sum(self, front: str, upstream: str, direction: Direction, kind: Kind) -> Sum:
        found = self._sums.get((front, upstream, direction, kind))
        if found is None:
            front, upstream = self._by(front, upstream)
            found = self._sums.get((front, upstream, direction, kind))
        if found is None:
            found = Sum(self._bytes.labels(front, upstream, direction, kind))
            self._sums[front, upstream, direction, kind] = found
        return found


Counts = tuple[str, list[tuple[str, int]], int | None]


def _counts(usage: Usage) -> Iterator[Counts]:
    """Of each direction: what is known of the modalities, and the sum as the provider has it."""
    cached = (
        usage.cached_input_text_tokens,
        usage.cached_input_audio_tokens,
        usage.cached_input_image_tokens,
    )
    given = (usage.input_text_tokens, usage.input_audio_tokens, usage.input_image_tokens)
    made = (usage.output_text_tokens, usage.output_audio_tokens)
    yield "input", _known(given), usage.input_tokens
    yield "cached", _known(cached), usage.cached_input_tokens
    yield "output", _known(made), usage.output_tokens


def _known(counts: Iterable[int | None]) -> list[tuple[str, int]]:
    return [(name, n) for name, n in zip(MODALITIES, counts, strict=False) if n]


def _forget_dead(folder: Path) -> None:
    """The open sessions of a process that was killed would else stay open for ever."""
    for pid in {int(file.stem.rpartition("_")[2]) for file in folder.glob("gauge_live*_*.db")}:
        if not _alive(pid):
            _forget(folder, pid)


def _forget(folder: Path, pid: int) -> None:
    """As the library's own mark_process_dead."""
    for file in folder.glob(f"gauge_live*_{pid}.db"):
        file.unlink(missing_ok=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
