"""What is recorded, with an exporter in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from crossdock.errors import ConfigurationError
from crossdock.settings import TracingSettings
from crossdock.telemetry import traces
from crossdock.telemetry.opened import open_tracer
from crossdock.telemetry.otel import MOST_LINKS, OtelTracer
from crossdock.telemetry.spans import Role, Untraced, current

SECRET = "ada@example.com"


class Recording:
    def __init__(self, ratio: float = 1.0, *, propagate: bool = True) -> None:
        self.exporter = InMemorySpanExporter()
        self.tracer = OtelTracer("", headers={}, ratio=ratio, propagate=propagate, resource={}, exporter=self.exporter)

    def names(self) -> list[str]:
        self.tracer._provider.force_flush()
        return [span.name for span in self.exporter.get_finished_spans()]


@pytest.fixture
def recording() -> Iterator[Recording]:
    made = Recording()
    yield made
    made.tracer.close()


def test_a_root_has_the_very_ids_that_its_message_keeps(recording: Recording) -> None:
    trace = traces.begun()
    recording.tracer.root("hear looks", trace, {"crossdock.flow": "looks"})
    recording.names()
    (span,) = recording.exporter.get_finished_spans()
    assert f"{span.context.trace_id:032x}" == traces.id_of(trace)
    assert f"{span.context.span_id:016x}" == traces.span_of(trace)
    assert span.parent is None


def test_after_a_root_ids_are_random_again(recording: Recording) -> None:
    trace = traces.begun()
    recording.tracer.root("hear", trace, {})
    with recording.tracer.span("deliver", "", Role.CONSUMER, {}) as span:
        assert traces.id_of(span.trace) != traces.id_of(trace)


def test_what_fails_is_told_by_its_kind_and_never_by_its_text(recording: Recording) -> None:
    with pytest.raises(ValueError, match="ada"), recording.tracer.span("deliver", "", Role.CONSUMER, {}):
        raise ValueError(SECRET)
    with pytest.raises(ValueError, match="ada"), recording.tracer.span("deliver", "", Role.CONSUMER, {}) as span:
        with span.child("GET", {}):
            raise ValueError(SECRET)
    recording.names()
    spans = recording.exporter.get_finished_spans()
    assert [span.attributes["error.type"] for span in spans if span.attributes] == ["ValueError"] * 3
    assert [span.name for span in spans if SECRET in span.to_json()] == []


def test_a_span_is_current_until_it_ends(recording: Recording) -> None:
    assert current().trace == ""
    with recording.tracer.span("deliver", "", Role.CONSUMER, {}) as span:
        assert current() is span
    assert current().trace == ""


@pytest.mark.parametrize("ratio", [0.0, 0.3, 1.0])
def test_every_process_records_the_same_traces(ratio: float) -> None:
    one, other = Recording(ratio), Recording(ratio)
    begun = [traces.begun() for _ in range(400)]
    for trace in begun:
        one.tracer.root("hear", trace, {})
        with other.tracer.span("deliver", trace, Role.CONSUMER, {}):
            pass
    one.names()
    other.names()
    found = [{span.context.trace_id for span in made.exporter.get_finished_spans()} for made in (one, other)]
    assert found[0] == found[1]
    assert abs(len(found[0]) / 400 - ratio) < 0.12
    one.tracer.close()
    other.tracer.close()


@pytest.mark.parametrize(("flag", "recorded"), [("01", ["deliver"]), ("00", [])])
def test_a_trace_that_began_elsewhere_is_recorded_as_its_beginner_says(flag: str, recorded: list[str]) -> None:
    made = Recording(ratio=0.0 if flag == "01" else 1.0)
    with made.tracer.span("deliver", f"00-{'a' * 32}-{'b' * 16}-{flag}", Role.CONSUMER, {}) as span:
        assert traces.id_of(span.trace) == "a" * 32
        assert span.trace.endswith(flag)
    assert made.names() == recorded
    made.tracer.close()


def test_a_batch_is_linked_to_so_many_others_and_no_more(recording: Recording) -> None:
    others = [traces.begun() for _ in range(MOST_LINKS + 5)]
    with recording.tracer.span("deliver", traces.begun(), Role.CONSUMER, {}, links=others):
        pass
    recording.names()
    (span,) = recording.exporter.get_finished_spans()
    assert [f"{link.context.trace_id:032x}" for link in span.links] == [
        traces.id_of(one) for one in others[:MOST_LINKS]
    ]


def test_without_propagation_the_other_side_is_told_nothing() -> None:
    made = Recording(propagate=False)
    with made.tracer.span("deliver", "", Role.CONSUMER, {}) as span, span.child("GET", {}) as inner:
        assert inner.headers() == {}
    made.tracer.close()


def test_a_request_bears_its_own_span(recording: Recording) -> None:
    with recording.tracer.span("deliver", "", Role.CONSUMER, {}) as span, span.child("GET", {}) as inner:
        assert inner.headers() == {"traceparent": inner.trace}
        assert traces.span_of(inner.trace) != traces.span_of(span.trace)


def test_nothing_is_loaded_where_nothing_is_recorded() -> None:
    assert isinstance(open_tracer(TracingSettings(), str, "me", "api"), Untraced)


def test_an_address_with_credentials_is_refused() -> None:
    for endpoint in ("collector:4318", "http://ada:secret@collector/v1/traces", "http://collector/v1/traces?key=1"):
        with pytest.raises(ValueError, match="endpoint"):
            TracingSettings(endpoint=endpoint)


def test_without_the_extra_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "crossdock.telemetry.otel", None)
    with pytest.raises(ConfigurationError, match=r"crossdock\[otel\]"):
        open_tracer(TracingSettings(endpoint="http://127.0.0.1:4318/v1/traces"), str, "me", "api")
