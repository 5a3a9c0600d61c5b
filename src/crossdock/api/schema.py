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
from crossdock.api.erp import Doorman, bulk_routes, customer_routes, document_routes, routes
from crossdock.api.pushes import Pushes
from crossdock.api.webhooks import Webhooks
from crossdock.contract.message import Message


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
    nobody = Doorman(())  # only the handlers' signatures are read
    pushed = routes(cast("Pushes", _Unasked()), nobody, body_limit=1)
    handlers = [*pushed, *document_routes(cast("Documents", _Unasked()), nobody)]
    handlers += bulk_routes(cast("BulkStates", _Unasked()), nobody)
    handlers += customer_routes(cast("Customers", _Unasked()), nobody)
    app = create_app(hooks, lambda: {"status": "ok"}, registry, handlers)
    return json.dumps(app.openapi_schema.to_schema(), indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(described())
