"""The trace context of a request, for all that is recorded because of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from structlog.contextvars import bound_contextvars

from crossdock.identity.seen import group_in
from crossdock.log import path_without_emails
from crossdock.telemetry import traces
from crossdock.telemetry.spans import Role, Span, Tracer

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
TOLD_US = frozenset({"webhooks", "erp"})  # the groups of addresses at which something is told to us
HEADER = b"traceparent"


class Traced:
    """An ASGI application before another one, behind the gate: what the gate refuses leaves no span.

    A signature is checked further in. Whoever is refused there leaves a span, and nothing in the tables.
    """

    def __init__(self, app: Any, tracer: Tracer) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Any, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or scope["method"] != "POST" or group_in(scope) not in TOLD_US:
            await self._app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == HEADER), b"")
        came = traces.read(given.decode("latin-1")) if given else ""
        path = scope["path"]
        attributes = {
            "http.request.method": "POST",
            "url.path": path_without_emails(path[:200]),
            "url.scheme": scope["scheme"],
        }
        with self._tracer.span(_named(path), came, Role.SERVER, attributes) as span:
            if not span.trace:
                await self._app(scope, receive, send)
                return
            with bound_contextvars(trace_id=traces.id_of(span.trace)):
                await self._app(scope, receive, _told(span, send))


def _named(path: str) -> str:
    """Of few values: the first two parts of a path are ours, or a connection's name."""
    return "POST /" + "/".join(path.split("/")[1:3])


def _told(span: Span, send: Send) -> Send:
    async def watched(event: MutableMapping[str, Any]) -> None:
        if event["type"] == "http.response.start":
            status = event["status"]
            span.told({"http.response.status_code": status}, failed=str(status) if status >= 500 else "")
        await send(event)

    return watched
