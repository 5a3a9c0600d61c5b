"""Posted shipments and invoices of our orders.

A document is ours where a line of it, or of a shipment of the same order, has our mark in its second description:
the id of the order's line, which posting carries on. Lines of shipping, discounts and fees have none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from crossdock.erp.dynamics_bc.client import BcClient, chunks
from crossdock.erp.dynamics_bc.directory import Directory, text_in
from crossdock.erp.dynamics_bc.mapping import line_in, order_of
from crossdock.erp.dynamics_bc.settings import BcSettings
from crossdock.transport.odata import Query, Row, any_of

VOID = frozenset({"Draft", "Canceled", "Corrective"})
LINES = "salesShipmentLines"
Marks = Mapping[tuple[str, str], str]  # a document's number there and a line's sequence -> our line's id


class Shipments:
    """The flow shipments."""

    path, where, expand = "salesShipments", "", LINES

    def __init__(self, settings: BcSettings) -> None:
        self._settings = settings

    def rows(self, client: BcClient, records: Sequence[Row], at: datetime) -> list[dict[str, Any]]:  # noqa: ARG002  a telling's signature
        """A row for each shipment of an order of ours. The moment is not told: only its day is kept there."""
        place = self._settings.location or "MAIN"
        found = []
        for row in records:
            marks = marks_in([row])
            lines = told_lines(row.get(LINES) or (), marks, text_in(row, "orderNumber"))
            order = order_of(row.get("externalDocumentNumber"), self._settings)
            if order and lines:
                found.append({"number": row["number"], "order": order, "warehouse": place, "lines": lines})
        return found


class Invoices:
    """The flow invoices: posted ones. Which of our lines a line is of, is known from the order's shipments."""

    path, where, expand = "salesInvoices", "", "salesInvoiceLines"

    def __init__(self, settings: BcSettings, directory: Directory) -> None:
        self._settings = settings
        self._directory = directory

    def rows(self, client: BcClient, records: Sequence[Row], at: datetime) -> list[dict[str, Any]]:  # noqa: ARG002  as above
        """A row for each invoice of an order of ours, without amounts: the store makes its own invoice."""
        posted = [row for row in records if row.get("status") not in VOID and text_in(row, "orderNumber")]
        marks = self._marks(client, list(dict.fromkeys(text_in(row, "orderNumber") for row in posted)))
        found = []
        for row in posted:
            lines = told_lines(row.get(self.expand) or (), marks, text_in(row, "orderNumber"))
            order = order_of(row.get("externalDocumentNumber"), self._settings)
            if order and lines:
                found.append({"number": row["number"], "order": order, "lines": lines})
        return found

    def _marks(self, client: BcClient, orders: Sequence[str]) -> Marks:
        found: dict[tuple[str, str], str] = {}
        for some in chunks(orders, "orderNumber"):
            query = Query(where=any_of("orderNumber", some), expand=LINES)
            found |= marks_in(list(client.every(self._directory.path("salesShipments"), query)))
        return found


def marks_in(shipments: Sequence[Row]) -> dict[tuple[str, str], str]:
    """Of shipments with their lines."""
    return {
        (text_in(row, "orderNumber"), text_in(line, "sequence")): ours
        for row in shipments
        for line in row.get(LINES) or ()
        if (ours := line_in(line.get("description2")))
    }


def told_lines(lines: Sequence[Row], marks: Marks, order: str) -> list[dict[str, Any]]:
    """Quantities by our line's id; a line without one is of nothing that the store knows."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        ours = marks.get((order, text_in(line, "sequence")))
        quantity = Decimal(str(line.get("quantity") or 0))
        if ours and quantity > 0:
            sums[ours] += quantity
    return [{"line": ours, "qty": quantity} for ours, quantity in sums.items()]
