"""docs/observability.md tells of every metric, field and attribute there is, and of no other."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from antiphon.codecs import events
from antiphon.codecs.usage import Usage
from antiphon.gateway.observe.logs import Json, learned, session_log
from antiphon.gateway.observe.metrics import Metrics
from antiphon.gateway.observe.traces import open_traces
from tests.antiphon.gateway.observe.collector import attributes, collecting
from tests.antiphon.gateway.observe.passing import CONVERSATION, created, done, passed

PAGE = (Path(__file__).parents[4] / "docs/observability.md").read_text()


def _rows(first: str, *, below: str) -> list[list[str]]:
    """The table under *below* whose first column is called *first*."""
    section = PAGE.partition(f"\n## {below}\n")[2].partition("\n## ")[0]
    table = section.partition(f"| {first} |")[2].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in table]


def use(metrics: Metrics) -> None:
    """Everything once, so that everything has its labels."""
    of = "openai", "gemini"
    metrics.session_opened(*of, "websocket")
    metrics.session_closed(*of, 1.0, "client_left")
    metrics.refused("openai", "busy")
    metrics.minted("openai")
    metrics.redeemed("openai")
    for moment in (
        *(metrics.response_time, metrics.detection, metrics.first_token),
        *(metrics.first_audio, metrics.playout, metrics.tool),
    ):
        moment(*of, 1.0)
    metrics.added(*of, "in", 1e-3)
    metrics.bytes(*of, "in", "audio", 1)
    metrics.tokens(*of, "audio", "input", 1)
    metrics.money(*of, 1.0)
    metrics.error(*of, "lost")
    metrics.flush()


def test_every_metric_is_told_of_with_its_type_and_labels() -> None:
    metrics = Metrics()
    use(metrics)
    labels = {
        sample.name.removesuffix("_bucket"): tuple(name for name in sample.labels if name != "le")
        for metric in metrics.described()
        for sample in metric.samples
        if not sample.name.endswith(("_created", "_sum", "_count"))
    }

    told = {
        name.strip("`"): (kind, tuple(labels.split(", ")))
        for name, kind, labels, _ in _rows("metric", below="Metrics")
    }

    assert told == {
        (name := metric.name + ("_total" if metric.type == "counter" else "")): (
            metric.type,
            labels[name],
        )
        for metric in metrics.described()
    }


def test_every_field_of_a_line_is_told_of() -> None:
    record = logging.makeLogRecord({"name": "x", "msg": "y", "exc_text": "z"})
    with session_log("one", front="openai", key="shop"):
        learned(upstream="gemini")
        line = json.loads(Json().format(record))

    assert {row[0].strip("`") for row in _rows("field", below="Logs")} == set(line)


async def test_every_attribute_of_a_span_is_told_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    usage = Usage(input_image_tokens=1)
    error = events.ErrorDetail(message="", code="busy")
    with collecting() as collector:
        traces = open_traces(endpoint=collector.url)
        about: dict[str, Any] = {
            "front": "openai",
            "upstream": "gemini",
            "model": "m",
            "transport": "websocket",
        }
        trace = traces.session("sess_1", key="shop", **about)
        failed = done(0, "t", "failed", usage=usage, error=error)
        passed(created(0, "t"), failed, *CONVERSATION, watchers=[trace])
        trace.close(0, reason="client_left")
        await traces.aclose()

    told = {row[0].strip("`") for row in _rows("attribute", below="Traces")}
    assert told == {name for span in collector.spans for name in attributes(span.attributes)}
    spans = {row[0].strip("`").partition(" ")[0] for row in _rows("span", below="Traces")}
    assert spans == {span.name.partition(" ")[0] for span in collector.spans}
    assert all(f"`{event.name}`" in PAGE for span in collector.spans for event in span.events)
