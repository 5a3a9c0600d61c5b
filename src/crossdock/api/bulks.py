"""GET /rest/V1/erp/bulk/UUID/status: how far a store is with a bulk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from litestar.openapi.spec import OpenAPIResponse, Operation

from crossdock.api.described import BEARER, answered
from crossdock.api.pushes import Answer
from crossdock.contract.connector import Connector
from crossdock.contract.flow import Route
from crossdock.contract.ledger import BatchState, TellsBatches
from crossdock.errors import DeliveryError

EXAMPLE = {
    "bulk_uuid": "92f60753-3801-4ae9-9d1d-0ce1ac9db082",
    "status": 3,
    "operations_total": 4,
    "operations_successful": 2,
    "operations_failed": 2,
    "start_time": "2026-11-23 05:06:19",
    "user_id": 1,
}


class BulkStates:
    """Asks the stores that a client's connection writes to."""

    def __init__(self, connectors: Mapping[str, Connector], routes: Callable[[str], Sequence[Route]]) -> None:
        self._connectors = connectors
        self._routes = routes

    def state(self, connection: str, uuid: str, target: str) -> Answer:
        """Of the first of them that knows it."""
        failed = ""
        for name in dict.fromkeys(route.target for route in self._routes(connection)):
            connector = self._connectors[name]
            if target not in {"", name} or not isinstance(connector, TellsBatches):
                continue
            try:
                found = connector.batch_state(uuid)
            except DeliveryError as error:
                failed = f"{name}: {error.code}"
                continue
            if found is not None:
                return Answer(status=200, body=told(found))
        if failed:
            return Answer(status=503, body={"success": False, "message": f"cannot be asked now: {failed}"})
        return Answer(status=404, body={"success": False, "message": "no store has such a bulk"})


def told(state: BatchState) -> dict[str, Any]:
    """In the shape of Magento's own guide to ERPs."""
    return {
        "bulk_uuid": state.ticket,
        "status": state.status,
        "operations_total": state.total,
        "operations_successful": state.successful,
        "operations_failed": state.failed,
        "start_time": state.start_time,
        "user_id": state.user_id,
    }


@dataclass
class BulkOperation(Operation):
    """Its description."""

    def __post_init__(self) -> None:
        """Called once the signature was read."""
        self.responses = {
            "200": OpenAPIResponse(
                description="status: 0 not begun, 1 under way, 2 all succeeded, 3 ended with failures. What is still "
                "open is total less successful and failed",
                content=answered(EXAMPLE),
            ),
            "401": OpenAPIResponse(description="No token that is known"),
            "404": OpenAPIResponse(description="No store of this client has such a bulk"),
            "503": OpenAPIResponse(description="The store does not answer now"),
        }
        self.security = [BEARER]
