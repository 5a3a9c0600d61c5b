"""What the API's own description allows, and what it does not, sent by a machine: no 5xx, nothing unsigned is taken."""

from __future__ import annotations

from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings
from prometheus_client import CollectorRegistry

from crossdock.api.application import create_app
from crossdock.api.webhooks import Webhooks
from crossdock.contract.message import Message
from crossdock.magento.webhooks import Door, receive

CONNECTIONS = ("async-events", "magento", "standard")


class Closed:
    """An inbox into which nothing may come: none of the requests is signed."""

    def __init__(self) -> None:
        self.taken: list[Message] = []

    def offer(self, message: Message, fingerprint: str = "") -> Future[Any]:
        self.taken.append(message)
        raise AssertionError("an unsigned webhook was taken")


def door(format_: str) -> Any:
    inner = Door(connection=format_, format=format_, secrets=("s3cret-of-nobody",), keep_unknown=True)
    return lambda event, headers, body, now: receive(inner, event, headers, body, now)


inbox = Closed()
registry = CollectorRegistry()
doors = {name: door(name) for name in CONNECTIONS}
hooks = Webhooks(doors, inbox, lambda: datetime.now(UTC), body_limit=10_000, registry=registry)
app = create_app(hooks, lambda: {"status": "ok"}, registry)
schema = schemathesis.openapi.from_asgi("/openapi.json", app)


@schema.parametrize()
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_comes_is_answered_below_500_and_taken_only_when_signed(case: schemathesis.Case[Any]) -> None:
    if case.path_parameters and "connection" in case.path_parameters:
        case.path_parameters["connection"] = CONNECTIONS[len(str(case.path_parameters)) % len(CONNECTIONS)]
    response = case.call()
    assert response.status_code < 500
    if "webhooks" in case.path:
        assert response.status_code in {400, 401, 404, 405, 413, 422}
    assert inbox.taken == []
