"""`python -m crossdock.api.schema` prints the API's description: docs/reference/openapi.json is made by it."""

from __future__ import annotations

import json
import sys
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any, cast

from prometheus_client import CollectorRegistry

from crossdock.api.application import create_app
from crossdock.api.bulks import BulkStates
from crossdock.api.customers import Customers
from crossdock.api.documents import Documents
from crossdock.api.erp import bulk_routes, customer_routes, document_routes, routes
from crossdock.api.hints import Hinted, hint_route
from crossdock.api.operations.pulse import Pulse
from crossdock.api.operations.routes import operation_routes
from crossdock.api.pushes import Pushes
from crossdock.api.webhooks import Webhooks
from crossdock.contract.message import Message
from crossdock.operations.desk import Desk


class _Nowhere:
    """An intake that nobody calls."""

    def offer(self, message: Message, fingerprint: str = "") -> Future[Any]:  # noqa: ARG002  the port's signature
        """Never."""
        return Future()


class _Unasked:
    """Pushes that nobody asks."""

    first = second = job = push = state = erase = None


def described() -> str:
    """The OpenAPI document, as it is served."""
    registry = CollectorRegistry()
    hooks = Webhooks({}, _Nowhere(), lambda: datetime.now(UTC), body_limit=1, registry=registry)
    # only the handlers' signatures are read
    pushed = routes(cast("Pushes", _Unasked()), body_limit=1)
    handlers: list[Any] = [*pushed, *document_routes(cast("Documents", _Unasked()))]
    handlers += bulk_routes(cast("BulkStates", _Unasked()))
    handlers += customer_routes(cast("Customers", _Unasked()))
    handlers.append(operation_routes(cast("Desk", None), cast("Pulse", None)))
    handlers.append(hint_route({}, cast("Hinted", _Unasked()), lambda: datetime.now(UTC), registry))
    app = create_app(hooks, lambda: {"status": "ok"}, registry, handlers)
    return json.dumps(app.openapi_schema.to_schema(), indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(described())
