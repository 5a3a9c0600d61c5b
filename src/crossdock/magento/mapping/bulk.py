"""What a store says of a bulk and of its operations. Pure.

Recorded of a 2.4.7: 4 is open, 1 complete, 3 failed; 2, "retriably failed", is in its source and was never seen: a lock
time-out came as 3 with error_code 1205. What was saved stands as JSON in a text in `result_serialized_data`; what waits
or failed keeps its body as JSON in a text in a text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec

from crossdock.contract.ledger import BatchState
from crossdock.errors import DeliveryError, MappingError, Rejected, Temporary
from crossdock.magento.answers import classify, clean
from crossdock.model.base import Record

COMPLETE, RETRIABLE, FAILED, OPEN, REFUSED = 1, 2, 3, 4, 5
ENDED = frozenset({COMPLETE, RETRIABLE, FAILED, REFUSED})
VAGUE = "something went wrong"  # tells nothing of the row: a few more tries cost less than a product


class Operation(Record, frozen=True, kw_only=True):
    """One of a bulk. `place` is the number of its entry; `sku` is "" where it is not told."""

    place: int
    status: int
    message: str = ""
    code: int = 0
    sku: str = ""


class Bulk(Record, frozen=True, kw_only=True):
    """By place."""

    operations: dict[int, Operation]
    state: BatchState

    @property
    def ended(self) -> int:
        """How many operations have."""
        return self.state.total - self.state.open


def parse_bulk(row: Any) -> Bulk:
    """An answer of /bulk/UUID/status or /detailed-status. Raises MappingError."""
    listed = row.get("operations_list") if isinstance(row, dict) else None
    if not isinstance(listed, list):
        raise MappingError("bulk", "is in an unknown form")
    operations = {one.place: one for one in map(_operation, listed)}
    count = row.get("operation_count")
    total = max(len(operations), count if isinstance(count, int) else 0)
    statuses = Counter(one.status for one in operations.values())
    failed = statuses[RETRIABLE] + statuses[FAILED] + statuses[REFUSED]
    user = row.get("user_id")
    state = BatchState(
        ticket=str(row.get("bulk_id", "")),
        total=total,
        successful=statuses[COMPLETE],
        failed=failed,
        open=total - statuses[COMPLETE] - failed,  # what is not listed has not ended either
        start_time=str(row.get("start_time") or ""),
        user_id=user if isinstance(user, int) else None,
        reasons=Counter(one.message for one in operations.values() if one.status in ENDED - {COMPLETE}),
    )
    return Bulk(operations=operations, state=state)


def failure(operation: Operation) -> DeliveryError:
    """What a failed operation means: the same table as that of a synchronous answer."""
    text = f"{operation.message} (operation status {operation.status})"
    if operation.status == RETRIABLE or VAGUE in operation.message.casefold():
        return Temporary(text)
    told = msgspec.json.encode({"message": operation.message, "code": operation.code})
    return classify("POST", 400, {}, told) or Rejected(text)


def _operation(row: Any) -> Operation:
    if not isinstance(row, dict) or not isinstance(row.get("id"), int):
        raise MappingError("bulk", "has an operation in an unknown form")
    status = row.get("status")
    code = row.get("error_code")
    return Operation(
        place=row["id"],
        status=int(status) if isinstance(status, int | str) and str(status).isdigit() else OPEN,
        message=clean(str(row.get("result_message") or "")),
        code=code if isinstance(code, int) else 0,
        sku=_sku(row),
    )


def _sku(row: Mapping[str, Any]) -> str:
    saved = _inside(row.get("result_serialized_data"))
    if isinstance(saved.get("sku"), str):
        return str(saved["sku"])
    sent = _inside(_inside(row.get("serialized_data")).get("meta_information")).get("product")
    return str(sent.get("sku", "")) if isinstance(sent, dict) else ""


def _inside(text: Any) -> Mapping[str, Any]:
    try:
        found = msgspec.json.decode(text) if isinstance(text, str) else None
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {}
