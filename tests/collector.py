"""An OTLP receiver on this machine: what a tracing backend would be sent."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Sent

from tests.recorded_server import Asked, Reply, serve

KINDS = {Sent.SPAN_KIND_SERVER: "server", Sent.SPAN_KIND_CONSUMER: "consumer", Sent.SPAN_KIND_PRODUCER: "producer"}


class Seen(NamedTuple):
    trace: str
    id: str
    parent: str
    name: str
    kind: str
    failed: bool
    attributes: dict[str, Any]
    links: tuple[str, ...]


class Collector:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spans: list[Seen] = []
        self.raw = b""
        self.headers: dict[str, str] = {}
        self.services: set[str] = set()
        self.url = ""

    @property
    def spans(self) -> list[Seen]:
        with self._lock:
            return list(self._spans)

    def of(self, trace: str) -> list[Seen]:
        return [span for span in self.spans if span.trace == trace]

    def answer(self, asked: Asked) -> Reply:
        body = gzip.decompress(asked.body) if asked.headers.get("content-encoding") == "gzip" else asked.body
        request = ExportTraceServiceRequest.FromString(body)
        with self._lock:
            self.raw += body
            self.headers = dict(asked.headers)
            for resource in request.resource_spans:
                told = {one.key: one.value.string_value for one in resource.resource.attributes}
                self.services.add(told.get("service.name", ""))
                self._spans += [_seen(span) for scope in resource.scope_spans for span in scope.spans]
        return Reply(200, {})


def _seen(span: Sent) -> Seen:
    return Seen(
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        name=span.name,
        kind=KINDS.get(span.kind, "client"),
        failed=span.status.code == 2,
        attributes={one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes},
        links=tuple(link.trace_id.hex() for link in span.links),
    )


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()
    with serve(collector.answer) as server:
        collector.url = f"{server.url}/v1/traces"
        yield collector
