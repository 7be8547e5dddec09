"""A collector is sent a span for each session, response and tool call, in the conventions' words."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from antiphon.codecs import events
from antiphon.gateway.observe.traces import NoTraces, open_traces
from tests.antiphon.gateway.observe.collector import Collector, attributes, collecting
from tests.antiphon.gateway.observe.passing import (
    CONVERSATION,
    MS,
    SECOND,
    called,
    created,
    done,
    passed,
    returns,
    sound,
)

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN_ID = "00f067aa0ba902b7"


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with collecting() as started:
        yield started


async def traced(
    collector: Collector,
    *said: events.Event,
    close: int = 4 * SECOND,
    failure: str | None = None,
    **about: Any,
) -> Collector:
    """What the collector has after a session in which *said* is said."""
    traces = open_traces(endpoint=collector.url)
    settled: dict[str, Any] = {
        "front": "openai",
        "upstream": "gemini",
        "model": "flash-live",
    } | about
    trace = traces.session("sess_1", **settled)
    passed(*said, watchers=[trace], close=close)
    trace.close(close, reason="client_left", failure=failure)
    await traces.aclose()
    return collector


async def test_a_session_its_responses_and_their_tools_are_a_tree(collector: Collector) -> None:
    await traced(collector, *CONVERSATION)

    session = collector.named("invoke_agent")
    first, second = [span for span in collector.spans if span.name == "chat flash-live"]
    tool = collector.named("execute_tool weather")
    assert len(collector.spans) == 4
    assert session.parent_span_id == b""
    assert first.parent_span_id == second.parent_span_id == session.span_id
    assert tool.parent_span_id == first.span_id
    assert {span.trace_id for span in collector.spans} == {session.trace_id}
    assert session.kind == Span.SPAN_KIND_SERVER
    assert first.kind == Span.SPAN_KIND_CLIENT
    assert tool.kind == Span.SPAN_KIND_INTERNAL


async def test_a_session_says_whose_it_is_and_what_it_cost(collector: Collector) -> None:
    await traced(collector, *CONVERSATION, transport="webrtc", key="shop")

    assert attributes(collector.named("invoke_agent").attributes) == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": "gcp.gemini",
        "gen_ai.request.model": "flash-live",
        "gen_ai.conversation.id": "sess_1",
        "gen_ai.usage.input_tokens": 200,
        "gen_ai.usage.output_tokens": 100,
        "gen_ai.usage.cache_read.input_tokens": 60,
        "gen_ai.usage.text.input_tokens": 80,
        "gen_ai.usage.audio.input_tokens": 120,
        "gen_ai.usage.text.output_tokens": 20,
        "gen_ai.usage.audio.output_tokens": 80,
        "antiphon.front": "openai",
        "antiphon.upstream": "gemini",
        "antiphon.transport": "webrtc",
        "antiphon.key": "shop",
        "antiphon.reason": "client_left",
    }
    assert collector.resource["service.name"] == "antiphon-gateway"


@pytest.mark.parametrize(
    ("upstream", "provider", "name"),
    [
        ("xai", "", "x_ai"),
        ("cheap", "openai_live", "openai"),
        ("cheap", "cartesia", "cartesia"),
        ("local", "", "local"),
    ],
)
async def test_a_provider_has_the_name_that_the_conventions_give_it(
    collector: Collector, upstream: str, provider: str, name: str
) -> None:
    await traced(collector, upstream=upstream, provider=provider)

    found = attributes(collector.named("invoke_agent").attributes)
    assert (found["antiphon.upstream"], found["gen_ai.provider.name"]) == (upstream, name)


async def test_a_response_says_how_long_the_user_waited_and_what_it_cost(
    collector: Collector,
) -> None:
    await traced(collector, *CONVERSATION)

    of = {
        (found := attributes(span.attributes))["gen_ai.response.id"]: found
        for span in collector.spans
        if span.name == "chat flash-live"
    }
    assert of["s"] == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "gcp.gemini",
        "gen_ai.request.model": "flash-live",
        "gen_ai.request.stream": True,
        "gen_ai.conversation.id": "sess_1",
        "gen_ai.output.type": "speech",
        "gen_ai.response.id": "s",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.response.time_to_first_chunk": 0.09,
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 50,
        "gen_ai.usage.cache_read.input_tokens": 30,
        "gen_ai.usage.text.input_tokens": 40,
        "gen_ai.usage.audio.input_tokens": 60,
        "gen_ai.usage.text.output_tokens": 10,
        "gen_ai.usage.audio.output_tokens": 40,
        "antiphon.time_to_first_audio": 0.19,
        "antiphon.response_time": 1.2,
        "antiphon.detection": 0.5,
    }
    assert of["r"]["gen_ai.response.finish_reasons"] == ["tool_call"]
    assert "antiphon.response_time" not in of["r"]


async def test_a_tool_call_says_which_but_not_with_what(collector: Collector) -> None:
    await traced(collector, *CONVERSATION)

    tool = collector.named("execute_tool weather")
    assert attributes(tool.attributes) == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.conversation.id": "sess_1",
        "gen_ai.tool.name": "weather",
        "gen_ai.tool.call.id": "c",
        "gen_ai.tool.type": "function",
        "antiphon.outcome": "returned",
    }
    assert tool.end_time_unix_nano - tool.start_time_unix_nano == 400 * MS * 1_000
    assert b"Ulm" not in b"".join(one.SerializeToString() for one in collector.requests)


async def test_spans_stand_at_their_moments_of_the_session(collector: Collector) -> None:
    before = time.time_ns()
    await traced(collector, *CONVERSATION)
    after = time.time_ns()

    session = collector.named("invoke_agent")
    began = session.start_time_unix_nano
    assert before <= began <= after
    assert session.end_time_unix_nano == began + 4 * SECOND * 1_000
    second = [span for span in collector.spans if span.name == "chat flash-live"][1]
    assert second.start_time_unix_nano == began + 2_510 * MS * 1_000
    assert second.end_time_unix_nano == began + 3_000 * MS * 1_000
    (event,) = second.events
    assert (event.name, event.time_unix_nano) == (
        "antiphon.first_audio",
        began + 2_700 * MS * 1_000,
    )
    (played,) = session.events
    assert (played.name, attributes(played.attributes)) == (
        "antiphon.played",
        {"antiphon.response_time": 1.26},
    )


async def test_a_session_may_begin_late_in_its_own_time(collector: Collector) -> None:
    await traced(collector, created(7 * SECOND), done(8 * SECOND), at=5 * SECOND, close=9 * SECOND)

    began = collector.named("invoke_agent").start_time_unix_nano
    assert collector.named("chat flash-live").start_time_unix_nano == began + 2 * SECOND * 1_000
    assert collector.named("invoke_agent").end_time_unix_nano == began + 4 * SECOND * 1_000


async def test_no_span_is_left_open_by_a_session_that_breaks_off(collector: Collector) -> None:
    traces = open_traces(endpoint=collector.url)
    trace = traces.session("sess_1", front="openai", upstream="gemini", model="flash-live")
    passed(created(0), called(10), watchers=[trace])

    trace.close(20, failure="internal")
    await traces.aclose()

    assert len(collector.spans) == 3


async def test_the_trace_of_a_client_goes_on(collector: Collector) -> None:
    headers = {"traceparent": f"00-{TRACE_ID}-{SPAN_ID}-01", "tracestate": "a=b"}

    await traced(collector, created(0), done(1), headers=headers)

    session = collector.named("invoke_agent")
    assert session.trace_id.hex() == TRACE_ID
    assert session.parent_span_id.hex() == SPAN_ID
    assert {span.trace_id.hex() for span in collector.spans} == {TRACE_ID}


@pytest.mark.parametrize("header", ["", "00-zz-1-01", f"00-{'0' * 32}-{SPAN_ID}-01", "x" * 5_000])
async def test_what_is_no_traceparent_begins_a_trace(collector: Collector, header: str) -> None:
    await traced(collector, headers={"traceparent": header})

    assert collector.named("invoke_agent").parent_span_id == b""


async def test_failures_are_marked_by_a_word(collector: Collector) -> None:
    error = events.ErrorDetail(message="key sk-secret is wrong", code="invalid_api_key")

    await traced(
        collector,
        *(created(0), called(1), returns(2, failed=True), done(3, status="failed", error=error)),
        failure="upstream_lost",
    )

    assert {
        span.name: (
            span.status.code,
            span.status.message,
            attributes(span.attributes)["error.type"],
        )
        for span in collector.spans
    } == {
        "invoke_agent": (Status.STATUS_CODE_ERROR, "", "upstream_lost"),
        "chat flash-live": (Status.STATUS_CODE_ERROR, "", "invalid_api_key"),
        "execute_tool weather": (Status.STATUS_CODE_ERROR, "", "tool_error"),
    }
    assert b"sk-secret" not in b"".join(one.SerializeToString() for one in collector.requests)


async def test_what_is_under_way_as_the_session_ends_is_sent_too(collector: Collector) -> None:
    await traced(collector, created(0), sound(5), called(10), close=20)

    ends = {span.name: attributes(span.attributes) for span in collector.spans}
    assert ends["execute_tool weather"]["antiphon.outcome"] == "closed"
    assert ends["chat flash-live"]["gen_ai.response.finish_reasons"] == ["closed"]


@pytest.mark.parametrize(
    ("status", "reason", "finish"),
    [
        ("cancelled", "turn_detected", "turn_detected"),
        ("incomplete", "max_output_tokens", "length"),
        ("incomplete", "content_filter", "content_filter"),
        ("cancelled", None, "cancelled"),
        ("failed", None, "error"),
    ],
)
async def test_a_response_says_why_it_ended(
    collector: Collector, status: str, reason: str | None, finish: str
) -> None:
    await traced(collector, created(0), done(1, status=status, reason=reason))

    found = attributes(collector.named("chat flash-live").attributes)
    assert found["gen_ai.response.finish_reasons"] == [finish]


async def test_names_from_outside_are_cut(collector: Collector) -> None:
    await traced(collector, created(0), called(1, name="t" * 5_000))

    tool = next(span for span in collector.spans if span.name.startswith("execute_tool"))
    assert len(tool.name) < 300
    assert len(attributes(tool.attributes)["gen_ai.tool.name"]) == 256


async def test_opentelemetrys_own_variables_turn_it_on(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.removesuffix("/v1/traces"))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=shop")
    traces = open_traces(service="voice")

    traces.session("sess_1", front="openai", upstream="local").close(0)
    await traces.aclose()

    assert collector.resource["service.name"] == "voice"
    assert collector.headers[0]["x-tenant"] == "shop"


async def test_a_collector_that_is_away_holds_nobody_up(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.2")
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        traces = open_traces(endpoint=f"http://127.0.0.1:{port}/v1/traces")
        traces.session("sess_1", front="openai", upstream="local").close(0)
        await traces.aclose()

    assert "Failed to export" in caplog.text


def test_without_configuration_nothing_of_it_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    program = (
        "from antiphon.gateway.observe.traces import open_traces; import sys;"
        "open_traces().session('s', front='a', upstream='b').close(0);"
        "print(any('opentelemetry' in name for name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout == "False\n"


def test_where_opentelemetry_is_missing_one_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    monkeypatch.delitem(sys.modules, "antiphon.gateway.observe.spans", raising=False)

    with pytest.raises(ModuleNotFoundError, match="pip install"):
        open_traces(endpoint="http://127.0.0.1:1/v1/traces")


async def test_a_trace_that_is_off_takes_everything() -> None:
    traces = NoTraces()
    trace = traces.session("sess_1", front="openai", upstream="local")

    passed(*CONVERSATION, watchers=[trace])

    trace.close(0)
    await traces.aclose()
