"""One sales order: its head found by our reference, and its lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

from crossdock.contract.message import Receipt
from crossdock.erp.dynamics_fo.client import FoClient
from crossdock.erp.dynamics_fo.mapping import YES
from crossdock.erp.dynamics_fo.settings import FoSettings
from crossdock.errors import Temporary
from crossdock.flows.parts import Amounts, cents
from crossdock.model.base import Record
from crossdock.transport.odata import Query, Row, any_of, eq, exactly

HEAD = (
    *("dataAreaId", "SalesOrderNumber", "CustomersOrderReference", "SalesOrderStatus", "IsSalesProcessingStopped"),
    *("ArePricesIncludingSalesTax", "AreTotalsCalculated", "OrderTotalAmount", "OrderTotalTaxAmount"),
)
LINE = ("dataAreaId", "InventoryLotId", "SalesOrderNumber", "LineAmount", "LineCreationSequenceNumber")


class SalesOrder(Record, frozen=True, kw_only=True):
    """An order as it was read. `sum`: of its lines' amounts. `totals` None: they are not calculated.

    `links`: our line ids -> lots, of the lines that have one.
    """

    number: str
    etag: str
    status: str = ""
    stopped: bool = False
    with_tax: bool = False
    totals: Amounts | None = None
    lines: int = 0
    sum: Decimal = Decimal(0)
    links: dict[str, str] = msgspec.field(default_factory=dict)

    def receipt(self, *, found: bool) -> Receipt:
        """Its word."""
        return Receipt(external_id=self.number, number=self.number, found=found, links=self.links, detail=self.status)


class Document(Record, frozen=True, kw_only=True):
    """All that was asked of an order: its head, and its lines."""

    number: str
    head: Row
    lines: tuple[Row, ...]


class Sales:
    """The orders of one company."""

    def __init__(self, client: FoClient, settings: FoSettings) -> None:
        self._client = client
        self._settings = settings

    def under(self, reference: str) -> list[SalesOrder]:
        """Every order with this reference, with its lines; the one that went furthest first."""
        found = [self._whole(row) for row in self._heads([reference])]
        return sorted(found, key=lambda one: -one.lines)

    def others(self, reference: str, more: Iterable[str] = ()) -> list[Row]:
        """Heads with this reference, whoever entered them and wherever it is kept; `more`: fields to be read too."""
        return self._heads([reference], (*HEAD, *more), self._settings.reference_field)

    def documents(self, reference: str, head: Iterable[str], line: Iterable[str]) -> list[Document]:
        """The same with their lines."""
        return [
            Document(number=number, head=row, lines=tuple(self.lines(number, line)))
            for row in self.others(reference, head)
            if (number := str(row.get("SalesOrderNumber") or ""))
        ]

    def numbers(self, references: Sequence[str]) -> Mapping[str, list[str]]:
        """The orders' numbers by reference, without a look at their lines."""
        found: dict[str, list[str]] = {reference: [] for reference in references}
        for row in self._heads(references):
            told = str(row["CustomersOrderReference"]).strip().casefold()
            for reference in references:
                if reference.strip().casefold() == told:
                    found[reference].append(str(row["SalesOrderNumber"]))
        return found

    def head(self, reference: str) -> SalesOrder | None:
        """The one order with this reference, without its lines."""
        rows = self._heads([reference])
        return head_in(rows[0]) if rows else None

    def lines(self, number: str, more: Iterable[str] = ()) -> list[Row]:
        """In the order in which they were entered; `more`: fields that are read besides."""
        query = Query(
            where=eq("SalesOrderNumber", number),
            order="LineCreationSequenceNumber",
            select=tuple(dict.fromkeys((*LINE, self._settings.line_field, *more))),
        )
        return list(self._client.every(self._settings.sets.lines, query))

    def discard(self, number: str) -> None:
        """Deletes an order that this very attempt has entered, with its lines."""
        self._client.delete(self.path(number), "*")

    def path(self, number: str) -> str:
        """One head by its whole key."""
        return self._client.path(self._settings.sets.headers, SalesOrderNumber=number)

    def _heads(
        self, references: Sequence[str], select: tuple[str, ...] = HEAD, field: str = "CustomersOrderReference"
    ) -> list[Row]:
        """Exactly these: a * in a text that is asked for is anything at all there (data-entities/odata)."""
        query = Query(where=any_of(field, references), select=tuple(dict.fromkeys((*select, field))))
        rows = list(self._client.every(self._settings.sets.headers, query))
        return [row for one in references for row in exactly(rows, field, one)]

    def _whole(self, row: Row) -> SalesOrder:
        head = head_in(row)
        return with_lines(head, self.lines(head.number), self._settings.line_field)


def head_in(row: Row) -> SalesOrder:
    """Raises Temporary where it cannot be read."""
    try:
        return SalesOrder(
            number=str(row["SalesOrderNumber"]),
            etag=str(row.get("@odata.etag") or "*"),
            status=str(row.get("SalesOrderStatus") or ""),
            stopped=row.get("IsSalesProcessingStopped") == YES,
            with_tax=row.get("ArePricesIncludingSalesTax") == YES,
            totals=_totals(row),
        )
    except KeyError as error:
        raise Temporary(f"an order was read without its {error.args[0]}") from error


def with_lines(head: SalesOrder, rows: Sequence[Row], field: str) -> SalesOrder:
    """With what its lines tell."""
    links = {str(row.get(field) or ""): str(row.get("InventoryLotId") or "") for row in reversed(rows)}
    links.pop("", None)
    whole = sum((cents(Decimal(str(row.get("LineAmount") or 0))) for row in rows), Decimal(0))
    return msgspec.structs.replace(head, lines=len(rows), sum=whole, links=links)


def _totals(row: Row) -> Amounts | None:
    if row.get("AreTotalsCalculated") != YES:
        return None
    total, tax = (cents(Decimal(str(row.get(name) or 0))) for name in ("OrderTotalAmount", "OrderTotalTaxAmount"))
    return Amounts(untaxed=total - tax, tax=tax, total=total)
