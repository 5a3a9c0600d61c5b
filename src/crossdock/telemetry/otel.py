"""Spans to an OpenTelemetry collector, by OTLP over HTTP. Loaded only where `tracing.endpoint` is set.

What cannot be sent is dropped, and logged by the SDK: nothing that is carried waits for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace import Tracer as SdkTracer
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ParentBased, Sampler, SamplingResult, TraceIdRatioBased
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace import Span as SdkSpan
from opentelemetry.util.types import Attributes as SdkAttributes

from crossdock.telemetry import traces
from crossdock.telemetry.spans import Attributes, Role, Span, entered

KINDS = {Role.SERVER: SpanKind.SERVER, Role.CONSUMER: SpanKind.CONSUMER, Role.CLIENT: SpanKind.CLIENT}
MOST_LINKS = 32  # a batch may carry rows of many messages
SEND_SECONDS = 3.0  # a process that stops waits no longer for a collector


class Ids(RandomIdGenerator):
    """Random ids, but for a root whose ids its message has already."""

    def __init__(self) -> None:
        self._wanted: ContextVar[str] = ContextVar("wanted", default="")

    @contextmanager
    def of(self, trace: str) -> Iterator[None]:
        """The next span begun here is the one that this context speaks of."""
        token = self._wanted.set(trace)
        try:
            yield
        finally:
            self._wanted.reset(token)

    def generate_trace_id(self) -> int:
        """As wanted."""
        wanted = self._wanted.get()
        return int(traces.id_of(wanted), 16) if wanted else super().generate_trace_id()

    def generate_span_id(self) -> int:
        """As wanted."""
        wanted = self._wanted.get()
        return int(traces.span_of(wanted), 16) if wanted else super().generate_span_id()


class Sampling(Sampler):
    """A trace that began with us is recorded by its id, the same in every process; another as its beginner says."""

    def __init__(self, ratio: float) -> None:
        self._ours = TraceIdRatioBased(ratio)
        self._theirs = ParentBased(self._ours)

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: SdkAttributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """By id, or by the parent's flag."""
        parent = get_current_span(parent_context).get_span_context()
        ours = not parent.is_valid or traces.is_root(_text(parent))
        sampler = self._ours if ours else self._theirs
        return sampler.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        """For the SDK's own logs."""
        return f"Crossdock{{{self._ours.get_description()}}}"


class Recorded:
    """A span of the SDK as the port has it."""

    def __init__(self, span: SdkSpan, tracer: SdkTracer, *, propagate: bool) -> None:
        self._span = span
        self._tracer = tracer
        self._propagate = propagate
        self.failed = False
        self.trace = _text(span.get_span_context())

    @contextmanager
    def child(self, name: str, attributes: Attributes) -> Iterator[Span]:
        """A request to the outside."""
        inner = self._tracer.start_span(
            name, set_span_in_context(self._span), SpanKind.CLIENT, attributes, record_exception=False
        )
        yield from _until_end(Recorded(inner, self._tracer, propagate=self._propagate), inner)

    def headers(self) -> Mapping[str, str]:
        """`traceparent`, unless a setting keeps it here."""
        return {"traceparent": self.trace} if self._propagate else {}

    def told(self, attributes: Attributes, *, failed: str = "") -> None:
        """What it came to."""
        self._span.set_attributes(dict(attributes))
        if failed:
            self.failed = True
            self._span.set_attribute("error.type", failed)
            self._span.set_status(Status(StatusCode.ERROR))


class OtelTracer:
    """See spans.Tracer. Safe for many threads. `exporter` is a test's; else spans go to `endpoint`."""

    def __init__(
        self,
        endpoint: str,
        *,
        headers: Mapping[str, str],
        ratio: float,
        propagate: bool,
        resource: Mapping[str, str],
        exporter: SpanExporter | None = None,
    ) -> None:
        self._ids = Ids()
        self._provider = TracerProvider(
            sampler=Sampling(ratio),
            resource=Resource.create(dict(resource)),
            id_generator=self._ids,
            span_limits=SpanLimits(max_links=MOST_LINKS),
            shutdown_on_exit=False,
        )
        sender = exporter or OTLPSpanExporter(endpoint=endpoint, headers=dict(headers), timeout=SEND_SECONDS)
        self._provider.add_span_processor(BatchSpanProcessor(sender))
        tracer = self._provider.get_tracer("crossdock")
        assert isinstance(tracer, SdkTracer)  # noqa: S101  the SDK's own provider gives its own tracer
        self._tracer = tracer
        self._propagate = propagate

    @contextmanager
    def span(
        self, name: str, trace: str, role: Role, attributes: Attributes, *, links: Sequence[str] = ()
    ) -> Iterator[Span]:
        """Current until the block ends; what is raised in it ends it as failed, by its kind alone."""
        others = [Link(context) for one in links[:MOST_LINKS] if (context := _context(one)).is_valid]
        before = set_span_in_context(NonRecordingSpan(_context(trace)), Context()) if trace else Context()
        span = self._tracer.start_span(name, before, KINDS[role], attributes, others, record_exception=False)
        recorded = Recorded(span, self._tracer, propagate=self._propagate)
        with entered(recorded):
            yield from _until_end(recorded, span)

    def root(self, name: str, trace: str, attributes: Attributes) -> None:
        """Under the very ids that the message has."""
        with self._ids.of(trace):
            span = self._tracer.start_span(name, Context(), SpanKind.PRODUCER, attributes)
        span.end()

    def close(self) -> None:
        """What is recorded is sent, if anybody takes it."""
        self._provider.shutdown()


def _until_end(recorded: Recorded, span: SdkSpan) -> Iterator[Span]:
    # an exception's text may say anything of anybody: its kind alone is told, where no better word was
    try:
        yield recorded
    except BaseException as error:
        if not recorded.failed:
            recorded.told({}, failed=type(error).__name__)
        raise
    finally:
        span.end()


def _text(context: SpanContext) -> str:
    return traces.written(f"{context.trace_id:032x}", f"{context.span_id:016x}", sampled=context.trace_flags.sampled)


def _context(trace: str) -> SpanContext:
    if not trace:
        return SpanContext(0, 0, is_remote=True)
    flags = TraceFlags(TraceFlags.SAMPLED if traces.is_sampled(trace) else TraceFlags.DEFAULT)
    return SpanContext(int(traces.id_of(trace), 16), int(traces.span_of(trace), 16), is_remote=True, trace_flags=flags)


__all__ = ["OtelTracer"]
