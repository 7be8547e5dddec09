"""Spans for OpenTelemetry, named as its conventions for generative AI have it.

https://github.com/open-telemetry/semantic-conventions-genai: a session is `invoke_agent`, a response
`chat`, a tool call `execute_tool`. They have no words yet for realtime sessions (proposals are
open); what is of our own begins with `antiphon.`. Nothing that anybody says is recorded.
"""

import os
import time
from collections.abc import Callable, Mapping

import anyio.to_thread
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from antiphon.codecs.usage import Usage
from antiphon.gateway.observe.traces import NO_HEADERS, Trace
from antiphon.gateway.observe.turns import Call, Response
from antiphon.processors.latency import TurnTimes

PROVIDERS: Mapping[str, str] = {"openai_live": "openai", "gemini": "gcp.gemini", "xai": "x_ai"}
"""What the conventions call them, where that is another name than ours."""

LONGEST = 256
"""Characters of an attribute: names of models and tools come from outside."""

SENDING = 5.0
"""Seconds for a collector to answer, however often it is asked, unless OpenTelemetry's say so."""

TIMEOUTS = ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT")

USAGE: Mapping[str, str] = {
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "cached_input_tokens": "gen_ai.usage.cache_read.input_tokens",
    "input_text_tokens": "gen_ai.usage.text.input_tokens",
    "input_audio_tokens": "gen_ai.usage.audio.input_tokens",
    "input_image_tokens": "gen_ai.usage.image.input_tokens",
    "output_text_tokens": "gen_ai.usage.text.output_tokens",
    "output_audio_tokens": "gen_ai.usage.audio.output_tokens",
}

FINISHED: Mapping[str, str] = {"max_output_tokens": "length"}

Attributes = dict[str, AttributeValue]


class OtelTraces:
    """Spans are sent in batches, by a thread of OpenTelemetry's that `aclose` ends."""

    def __init__(
        self,
        *,
        endpoint: str | None,
        headers: Mapping[str, str] | None,
        service: str,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._clock = clock
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": service}),
            span_limits=SpanLimits(max_span_attribute_length=LONGEST),
            shutdown_on_exit=False,
        )
        timeout = None if any(os.environ.get(name) for name in TIMEOUTS) else SENDING
        exporter = OTLPSpanExporter(endpoint=endpoint, headers=headers, timeout=timeout)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("antiphon.gateway")
        self._propagator = TraceContextTextMapPropagator()

    def session(
        self,
        session_id: str,
        *,
        front: str,
        upstream: str,
        provider: str = "",
        model: str = "",
        transport: str = "",
        key: str = "",
        headers: Mapping[str, str] = NO_HEADERS,
        at: int = 0,
    ) -> Trace:
        common: Attributes = {
            "gen_ai.provider.name": PROVIDERS.get(provider or upstream, provider or upstream),
            "gen_ai.conversation.id": session_id,
        }
        if model:
            common["gen_ai.request.model"] = model
        now = self._clock()
        own = {"front": front, "upstream": upstream, "transport": transport, "key": key}
        span = self._tracer.start_span(
            "invoke_agent",
            context=self._propagator.extract(headers),
            # For the conventions, which see agents from outside, it is the client's. Here it is
            # served.
            kind=SpanKind.SERVER,
            attributes=common
            | {"gen_ai.operation.name": "invoke_agent"}
            | {f"antiphon.{name}": value for name, value in own.items() if value},
            start_time=now,
        )
        return _SessionTrace(self._tracer, span, model, common, now - at * 1_000)

    async def aclose(self) -> None:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self._provider.shutdown)


class _SessionTrace:
    """*epoch* is when session time was 0, in nanoseconds since 1970."""

    def __init__(
        self, tracer: Tracer, span: Span, model: str, common: Attributes, epoch: int
    ) -> None:
        self._tracer = tracer
        self._span = span
        self._context = set_span_in_context(span, Context())
        self._model = model
        self._common = common
        self._epoch = epoch
        self._responses: dict[str, Span] = {}
        self._calls: dict[str, Span] = {}
        self._used: dict[str, int] = {}

    def created(self, response: Response, /) -> None:
        span = self._tracer.start_span(
            f"chat {self._model}".rstrip(),
            context=self._context,
            kind=SpanKind.CLIENT,
            attributes=self._common
            | {
                "gen_ai.operation.name": "chat",
                "gen_ai.response.id": response.response_id,
                "gen_ai.request.stream": True,
            },
            start_time=self._moment(response.asked),
        )
        self._responses[response.response_id] = span

    def sounded(self, response: Response, /) -> None:
        span = self._responses.get(response.response_id)
        if span is not None and response.first_audio is not None:
            span.add_event("antiphon.first_audio", timestamp=self._moment(response.first_audio))
            span.set_attribute("gen_ai.output.type", "speech")

    def ended(self, response: Response, /) -> None:
        span = self._responses.pop(response.response_id, None)
        if span is None:
            return
        asked, turn = response.asked, response.turn
        moments = {
            "gen_ai.response.time_to_first_chunk": _between(asked, response.first_token),
            "antiphon.time_to_first_audio": _between(asked, response.first_audio),
            "antiphon.response_time": response.response_time,
            "antiphon.detection": turn.detection if response.opens else None,
        }
        span.set_attributes(
            {name: took / 1_000_000 for name, took in moments.items() if took is not None}
        )
        span.set_attribute("gen_ai.response.finish_reasons", [_finish(response)])
        if response.usage is not None:
            self._count(span, response.usage)
        if response.failure is not None or response.status == "failed":
            _fail(span, response.failure or "failed")
        span.end(self._moment(asked if response.ended is None else response.ended))

    def called(self, call: Call, /) -> None:
        parent = self._responses.get(call.response.response_id) if call.response else None
        context = self._context if parent is None else set_span_in_context(parent, Context())
        self._calls[call.call_id] = self._tracer.start_span(
            f"execute_tool {call.name[:LONGEST]}",
            context=context,
            attributes={
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.conversation.id": self._common["gen_ai.conversation.id"],
                "gen_ai.tool.name": call.name,
                "gen_ai.tool.call.id": call.call_id,
                "gen_ai.tool.type": "function",
            },
            start_time=self._moment(call.called),
        )

    def returned(self, call: Call, /) -> None:
        span = self._calls.pop(call.call_id, None)
        if span is None:
            return
        span.set_attribute("antiphon.outcome", call.outcome)
        if call.outcome == "failed":
            _fail(span, "tool_error")
        span.end(self._moment(call.called if call.ended is None else call.ended))

    def played(self, turn: TurnTimes, /) -> None:
        if turn.heard is not None:
            attributes: Attributes = {}
            if turn.response_time is not None:
                attributes["antiphon.response_time"] = turn.response_time / 1_000_000
            self._span.add_event("antiphon.played", attributes, self._moment(turn.heard))

    def close(self, at: int, *, reason: str = "", failure: str | None = None) -> None:
        for span in (*self._calls.values(), *self._responses.values()):
            span.end(self._moment(at))
        self._span.set_attributes(self._used)
        if reason:
            self._span.set_attribute("antiphon.reason", reason)
        if failure is not None:
            _fail(self._span, failure)
        self._span.end(self._moment(at))

    def _moment(self, at: int) -> int:
        return self._epoch + at * 1_000

    def _count(self, span: Span, usage: Usage) -> None:
        for field, attribute in USAGE.items():
            tokens: int | None = getattr(usage, field)
            if tokens is not None:
                span.set_attribute(attribute, tokens)
                self._used[attribute] = self._used.get(attribute, 0) + tokens


def _between(start: int, end: int | None) -> int | None:
    return None if end is None else max(0, end - start)


def _finish(response: Response) -> str:
    """Of the conventions' words, else the provider's."""
    if response.status == "completed":
        return "tool_call" if response.called else "stop"
    if response.status == "failed":
        return "error"
    reason = response.reason or response.status
    return FINISHED.get(reason, reason)


def _fail(span: Span, failure: str) -> None:
    span.set_attribute("error.type", failure)
    span.set_status(Status(StatusCode.ERROR))
