"""What a request's span says, and what it never says."""

from __future__ import annotations

from typing import Any

import pytest

from crossdock.errors import Misconfigured, Unreachable
from crossdock.telemetry.spans import Role
from crossdock.transport.http import Http, HttpRequest
from tests.recorded_server import Reply, serve
from tests.unit.telemetry.test_otel import Recording


def spans(made: Recording) -> list[dict[str, Any]]:
    made.names()
    found = [dict(span.attributes or {}) for span in made.exporter.get_finished_spans() if span.name != "deliver"]
    made.tracer.close()
    return found


def test_neither_query_nor_body_nor_header_nor_an_address_in_the_path_is_told() -> None:
    made = Recording()
    with serve(lambda _asked: Reply(404, {"email": "ada@example.com"})) as server:
        request = HttpRequest(
            method="POST",
            url=f"{server.url}/V1/customers/ada%40example.com/orders/42",
            headers={"authorization": "Bearer s3cret-token"},
            query=(("email", "ada@example.com"),),
            body=b'{"name": "Ada"}',
        )
        with made.tracer.span("deliver", "", Role.CONSUMER, {}):
            Http().send(request)
    (span,) = spans(made)
    assert span.pop("server.port") == int(server.url.rpartition(":")[2])
    assert span == {
        "http.request.method": "POST",
        "server.address": "127.0.0.1",
        "url.path": "/V1/customers/<email>/orders/42",
        "http.response.status_code": 404,
        "error.type": "404",
    }


def test_a_request_that_does_not_get_through_is_told_by_its_code() -> None:
    made = Recording()
    with made.tracer.span("deliver", "", Role.CONSUMER, {}), pytest.raises(Unreachable):
        Http().send(HttpRequest(method="GET", url="http://127.0.0.1:1/orders"))
    (span,) = spans(made)
    assert span["error.type"] == "unreachable"


def test_what_is_no_address_is_refused_as_ever() -> None:
    made = Recording()
    with made.tracer.span("deliver", "", Role.CONSUMER, {}), pytest.raises(Misconfigured):
        Http().send(HttpRequest(method="GET", url="http://[::1/orders"))
    assert spans(made) == [{"http.request.method": "GET", "error.type": "misconfigured"}]


def test_the_senders_own_header_stays() -> None:
    """A connector that sets the header itself knows better."""
    made = Recording()
    seen: list[str] = []

    def answer(asked: Any) -> Reply:
        seen.append(asked.headers.get("traceparent", ""))
        return Reply(200, {})

    with serve(answer) as server, made.tracer.span("deliver", "", Role.CONSUMER, {}):
        Http().send(HttpRequest(method="GET", url=server.url))
        Http().send(HttpRequest(method="GET", url=server.url, headers={"traceparent": "mine"}))
    made.tracer.close()
    assert seen[0].startswith("00-")
    assert seen[1] == "mine"
