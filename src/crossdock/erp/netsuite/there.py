"""A sales order under a store's order number, whoever has made it. Nothing here writes."""

from __future__ import annotations

from typing import Any

from crossdock.erp.netsuite.client import NetsuiteClient
from crossdock.erp.netsuite.mapping.orders import external_id
from crossdock.erp.netsuite.mapping.suiteql import among
from crossdock.erp.netsuite.settings import NetsuiteSettings
from crossdock.model.base import Record

SALES_ORDER = "salesOrder"


class There(Record, frozen=True, kw_only=True):
    """The record as the record service gives it, and how many there are of this number."""

    record: dict[str, Any]
    times: int = 1

    @property
    def number(self) -> str:
        """What people call it."""
        return str(self.record.get("tranId") or self.record["id"])


def look(client: NetsuiteClient, number: str, settings: NetsuiteSettings) -> There | None:
    """By our external id, which is there once; else by the column in which another integration keeps the number."""
    found = client.get(SALES_ORDER, f"eid:{external_id(number, settings)}")
    if found is not None:
        return There(record=found)
    if not settings.number_column:
        return None
    where = f"type = 'SalesOrd' AND {among(settings.number_column, [number])}"
    rows = client.query(f"SELECT id FROM transaction WHERE {where} ORDER BY id")  # noqa: S608  quoted by `among`
    other = client.get(SALES_ORDER, str(rows[0]["id"])) if rows else None
    return None if other is None else There(record=other, times=len(rows))
