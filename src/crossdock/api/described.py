"""What the API's description says of pushes, beyond what their handlers' signatures tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar.openapi.spec import (
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    RequestBody,
    Schema,
    SecurityRequirement,
)
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType

TEXT, NUMBER, WHOLE = OpenAPIType.STRING, OpenAPIType.NUMBER, OpenAPIType.INTEGER
ROW = {
    "sku": Schema(type=TEXT, max_length=64, description="As the store has it; case and blanks around it are ignored"),
    "qty": Schema(type=[NUMBER, TEXT], description="From 0 to 99999999.9999, at most 4 decimals"),
    "warehouse": Schema(type=TEXT, description="One of the route's options.inventory.warehouses"),
    "status": Schema(type=[WHOLE, TEXT], description="1 or in_stock, 0 or out_of_stock; else from the quantity"),
    "version": Schema(type=[WHOLE, TEXT], description="A whole number; an older one never wins"),
    "as_of": Schema(
        type=TEXT, format=OpenAPIFormat.DATE_TIME, description="The moment for which it is told, with its zone"
    ),
    "meaning": Schema(type=TEXT, enum=["on_hand", "available"], description="Else the route's"),
}
EXAMPLE = {"items": [{"sku": "A-1", "qty": 12, "warehouse": "MI"}, {"sku": "B-2", "qty": "0.5", "warehouse": "MI"}]}
FIRST = {"success": True, "result": {"success_count": 2, "error_count": 0, "errors": []}}
SECOND = {
    "job": "7",
    "state": "done",
    "rows": [
        {"row": 0, "sku": "A-1", "outcome": "applied"},
        {"row": 1, "sku": "B-2", "outcome": "rejected", "reason": "the store has no product of this SKU"},
    ],
    "counts": {"applied": 1, "rejected": 1},
}
JOB = {"job": "7", "state": "queued", "total": 12000}
REFUSED = {
    "400": "No JSON, or no items array",
    "401": "No token that is known",
    "409": "The same Idempotency-Key is being worked on",
    "413": "Larger than api.push_limit",
    "422": "This Idempotency-Key came with another body, or there is no one route for it",
    "503": "Not stored; send it again",
}


def _json(example: Any) -> dict[str, OpenAPIMediaType]:
    return {"application/json": OpenAPIMediaType(schema=Schema(type=OpenAPIType.OBJECT), example=example)}


def _push(operation: Operation, answer: Any, *, jobs: bool) -> None:
    rows = Schema(type=OpenAPIType.OBJECT, properties=dict(ROW), required=["sku", "qty", "warehouse"])
    items = Schema(type=OpenAPIType.ARRAY, items=rows)
    body = Schema(type=OpenAPIType.OBJECT, properties={"items": items}, required=["items"])
    operation.request_body = RequestBody(
        content={"application/json": OpenAPIMediaType(schema=body, example=EXAMPLE)}, required=True
    )
    operation.responses = {status: OpenAPIResponse(description=meaning) for status, meaning in REFUSED.items()}
    operation.responses["200"] = OpenAPIResponse(description="What the store did", content=_json(answer))
    if jobs:
        operation.responses["202"] = OpenAPIResponse(description="Stored; ask the job", content=_json(JOB))
    operation.security = [BEARER]


BEARER: SecurityRequirement = {"bearer": []}


@dataclass
class FirstPush(Operation):
    """The first version."""

    def __post_init__(self) -> None:
        """Called once the signature was read."""
        _push(self, FIRST, jobs=False)


@dataclass
class SecondPush(Operation):
    """The second version."""

    def __post_init__(self) -> None:
        """Called once the signature was read."""
        _push(self, SECOND, jobs=True)
