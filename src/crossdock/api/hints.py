"""The address at which systems say that something has changed there: `POST /hints/{connection}`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, RawBody
from prometheus_client import CollectorRegistry

from crossdock.contract.hints import TakesHints
from crossdock.errors import InvalidPayload, SignatureError, StorageError
from crossdock.telemetry.catalogue import HINTS

LARGEST = 1_000_000


class Hinted(Protocol):
    """Where it is kept that a scan is due."""

    def hint(self, source: str, flow: str, now: datetime) -> None:
        """Something of this flow has changed there."""


def hint_route(
    connections: Mapping[str, Any], store: Hinted, clock: Callable[[], datetime], registry: CollectorRegistry
) -> HTTPRouteHandler:
    """One route for all connections that take hints. What it is told is believed as a hint only: a scan reads."""
    counted = HINTS.counter(registry)

    def taken(name: str, query: Mapping[str, str], body: bytes) -> Response[str]:
        end = connections.get(name)
        if not isinstance(end, TakesHints):
            return _plain(404, "no such connection takes hints")
        try:
            hint = end.hint(query, body)
            for flow in sorted(hint.flows):
                store.hint(name, flow, clock())
        except SignatureError:
            return _counted(name, "unsigned", _plain(401, "not signed by a secret that we know"))
        except InvalidPayload:
            return _counted(name, "invalid", _plain(400, "not a body of this kind"))
        except StorageError:
            return _counted(name, "not_stored", _plain(503, "not stored: send it again"))
        return _counted(name, "taken", _plain(200, hint.answer))

    def _counted(name: str, outcome: str, response: Response[str]) -> Response[str]:
        counted.labels(name, outcome).inc()
        return response

    @post("/hints/{connection:str}", sync_to_thread=True, status_code=200, request_max_body_size=LARGEST)
    def hear(connection: FromPath[str], request: Request[Any, Any, Any], body: RawBody) -> Response[str]:
        """A notification of a change, or the handshake before a subscription; answered 200 once it is kept."""
        return taken(connection, dict(request.query_params), body)

    return hear


def _plain(status: int, text: str) -> Response[str]:
    return Response(text, status_code=status, media_type="text/plain")
