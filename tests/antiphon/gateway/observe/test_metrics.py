"""What is counted is in the exposition, under few labels, and none of it is lost."""

import random
from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.codecs.usage import Usage
from antiphon.gateway.observe.counting import BATCH, LONGEST, OTHER, Room
from antiphon.gateway.observe.metrics import ADDED, Metrics
from antiphon.gateway.observe.turn_metrics import TurnMetrics
from tests.antiphon.gateway.observe.passing import (
    CONVERSATION,
    USAGE,
    called,
    created,
    done,
    passed,
)
from tests.antiphon.gateway.observe.scraped import Samples, labels, scraped, total, value

OF = {"front": "openai", "upstream": "gemini"}


def test_a_session_is_open_until_it_is_closed() -> None:
    metrics = Metrics()

    metrics.session_opened("openai", "gemini", "websocket")
    metrics.session_opened("openai", "gemini", "webrtc")
    metrics.session_closed("openai", "gemini", 42.0, "client_left")

    samples = scraped(metrics)
    assert value(samples, "sessions", **OF) == 1
    assert value(samples, "sessions_opened_total", **OF, transport="webrtc") == 1
    assert value(samples, "sessions_closed_total", **OF, reason="client_left") == 1
    assert value(samples, "session_duration_seconds_sum", **OF) == 42
    assert value(samples, "session_duration_seconds_bucket", **OF, le="30.0") == 0
    assert value(samples, "session_duration_seconds_bucket", **OF, le="60.0") == 1


def test_what_happens_at_the_door_is_counted() -> None:
    metrics = Metrics()

    metrics.refused("openai", "unauthorized")
    metrics.minted("xai")
    metrics.redeemed("xai")
    metrics.redeemed("xai", "expired")
    metrics.error("openai", "gemini", "WireError")

    samples = scraped(metrics)
    assert value(samples, "refusals_total", front="openai", reason="unauthorized") == 1
    assert value(samples, "tickets_minted_total", front="xai") == 1
    assert value(samples, "tickets_redeemed_total", front="xai", outcome="ok") == 1
    assert value(samples, "tickets_redeemed_total", front="xai", outcome="expired") == 1
    assert value(samples, "errors_total", **OF, kind="WireError") == 1


def test_the_moments_of_turns_are_histograms() -> None:
    metrics = Metrics()
    watcher = TurnMetrics(metrics, "openai", "gemini")

    passed(*CONVERSATION, watchers=[watcher])

    samples = scraped(metrics)
    sums = {
        name: value(samples, f"{name}_seconds_sum", **OF)
        for name in (
            *("response_time", "detection", "first_token"),
            *("first_audio", "tool_duration", "playout"),
        )
    }
    assert sums == {
        "response_time": 1.2,
        "detection": 0.5,
        "first_token": 0.1 + 0.09,
        "first_audio": 0.19,
        "tool_duration": 0.4,
        "playout": 0.06,
    }
    assert value(samples, "response_time_seconds_count", **OF) == 1
    assert value(samples, "first_token_seconds_count", **OF) == 2


def test_a_tool_without_an_output_has_no_duration() -> None:
    metrics = Metrics()

    passed(created(0), called(1), done(2), watchers=[TurnMetrics(metrics, "a", "b")], close=9)

    assert total(scraped(metrics), "tool_duration_seconds_count") == 0


@settings(max_examples=20)
@given(st.lists(st.floats(0, 2), max_size=3 * BATCH))
def test_added_latencies_are_in_their_buckets_however_many_there_are(times: list[float]) -> None:
    metrics = Metrics()
    add = metrics.adding("openai", "gemini", "in")

    for n, seconds in enumerate(times):
        if n % 2:
            add(seconds)
        else:
            metrics.added("openai", "gemini", "in", seconds)

    samples = scraped(metrics)
    for bound in (*ADDED, float("inf")):
        le = "+Inf" if bound == float("inf") else str(bound)
        counted = total(samples, "added_latency_seconds_bucket", le=le, direction="in")
        assert counted == sum(seconds <= bound for seconds in times)
    assert abs(total(samples, "added_latency_seconds_sum") - sum(times)) < 1e-6


def test_bytes_are_counted_by_direction_and_kind() -> None:
    metrics = Metrics()
    add = metrics.bytes_of("openai", "gemini", "out", "audio")

    for _ in range(BATCH + 1):
        add(10)
    metrics.bytes("openai", "gemini", "in", "message", 7)

    samples = scraped(metrics)
    assert value(samples, "bytes_total", **OF, direction="out", kind="audio") == 10 * (BATCH + 1)
    assert value(samples, "bytes_total", **OF, direction="in", kind="message") == 7


def test_a_second_scrape_counts_nothing_twice() -> None:
    metrics = Metrics()
    metrics.added("openai", "gemini", "in", 0.001)
    metrics.bytes("openai", "gemini", "in", "audio", 7)

    assert scraped(metrics) == scraped(metrics)


def test_a_session_that_closes_leaves_nothing_uncounted() -> None:
    metrics = Metrics()
    metrics.added("openai", "gemini", "in", 0.001)

    metrics.session_closed("openai", "gemini", 1.0, "client_left")

    counted = metrics.registry.get_sample_value(
        "antiphon_gateway_added_latency_seconds_count", OF | {"direction": "in"}
    )
    assert counted == 1


def test_what_was_kept_long_enough_is_there_for_whoever_else_is_scraped() -> None:
    metrics = Metrics()
    count = metrics.adding("openai", "gemini", "in")
    carried = metrics.bytes_of("openai", "gemini", "in", "audio")

    for _ in range(BATCH):
        count(0.001)
        carried(10)

    prefix, value = "antiphon_gateway_", metrics.registry.get_sample_value
    assert value(f"{prefix}added_latency_seconds_count", OF | {"direction": "in"}) == BATCH
    labels = OF | {"direction": "in", "kind": "audio"}
    assert value(f"{prefix}bytes_total", labels) == 10 * BATCH


def test_tokens_are_told_by_modality() -> None:
    metrics = Metrics()

    metrics.usage("openai", "gemini", USAGE)

    counted = {
        (modality, direction): value(
            scraped(metrics), "tokens_total", **OF, modality=modality, direction=direction
        )
        for modality, direction in (
            *(("text", "input"), ("audio", "input"), ("unknown", "cached")),
            *(("text", "output"), ("audio", "output"), ("unknown", "input")),
        )
    }
    assert counted == {
        ("text", "input"): 40,
        ("audio", "input"): 60,
        ("unknown", "input"): None,
        ("unknown", "cached"): 30,
        ("text", "output"): 10,
        ("audio", "output"): 40,
    }


def test_tokens_of_which_only_the_sum_is_told_are_unknown() -> None:
    metrics = Metrics()

    metrics.usage("openai", "gemini", Usage(input_tokens=9, input_audio_tokens=4, output_tokens=2))

    samples = scraped(metrics)
    assert total(samples, "tokens_total", modality="unknown", direction="input") == 5
    assert total(samples, "tokens_total", modality="unknown", direction="output") == 2


def test_money_is_in_dollars_and_by_key_only_where_that_is_configured() -> None:
    private, public = Metrics(), Metrics(keys=True)

    for metrics in (private, public):
        metrics.money("openai", "gemini", 250_000, key="shop")
        metrics.money("openai", "gemini", 500_000)

    assert labels(scraped(private), "cost_dollars_total", "key") == {""}
    assert value(scraped(private), "cost_dollars_total", **OF, key="") == 0.75
    assert value(scraped(public), "cost_dollars_total", **OF, key="shop") == 0.25


def _everything(metrics: Metrics, word: str, other: str) -> None:
    metrics.session_opened(word, other, word)
    metrics.session_closed(word, other, 1.0, word)
    metrics.refused(word, other)
    metrics.minted(word)
    metrics.redeemed(word, other)
    metrics.response_time(word, other, 1.0)
    metrics.added(word, other, "in", 1e-3)
    metrics.bytes(word, other, "out", "audio", 1)
    metrics.tokens(word, other, word, other, 1)
    metrics.money(word, other, 1.0, key=word)
    metrics.error(word, other, word)


def _values(samples: Samples) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for _, has in samples:
        for label, of in has:
            found.setdefault(label, set()).add(of)
    return found


def test_labels_stay_few_whatever_clients_send() -> None:
    metrics = Metrics(upstreams=["gemini"], keys=True)

    for n in range(200):
        _everything(metrics, f"word{n}", f"word{n}")
    metrics.response_time("word0", "gemini", 1.0)

    found = _values(scraped(metrics))
    del found["le"]
    assert all(len(of) <= 67 for of in found.values()), {k: len(of) for k, of in found.items()}
    assert all(OTHER in found[label] for label in ("front", "upstream", "reason", "key", "kind"))
    assert "gemini" in found["upstream"]
    assert total(scraped(metrics), "bytes_total") == 200
    assert total(scraped(metrics), "added_latency_seconds_count") == 200


def test_configured_values_fit_however_many_there_are() -> None:
    room = Room((f"u{n}" for n in range(500)), more=1)

    assert [room.fit(value) for value in ("u499", "x", "y", "x")] == ["u499", "x", OTHER, "x"]
    assert Room(more=5).fit("z" * (LONGEST + 1)) == OTHER


@given(st.lists(st.text(max_size=20), min_size=2, max_size=6))
def test_no_label_breaks_the_exposition(words: Iterable[str]) -> None:
    metrics = Metrics(keys=True)
    words = [word.encode(errors="ignore").decode() for word in words]

    for word in words:
        _everything(metrics, word, random.Random(0).choice(words))

    assert total(scraped(metrics), "errors_total") == len(words)


def test_the_process_is_described_beside_its_sessions() -> None:
    assert Metrics().registry.get_sample_value("process_open_fds")
