"""Sales orders under a reference of ours: open ones, and those that are posted already.

An order that is all shipped and invoiced is deleted; its posted invoices keep its number, its id and our reference. So
a look at open orders alone would not find it, and it would be made again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

import msgspec

from crossdock.contract.message import Receipt
from crossdock.erp.dynamics_bc.client import BcClient, read_part
from crossdock.erp.dynamics_bc.directory import Directory, text_in
from crossdock.erp.dynamics_bc.mapping import code, line_in
from crossdock.erp.dynamics_bc.settings import BcSettings
from crossdock.errors import OutcomeUnknown, Temporary
from crossdock.flows.parts import Amounts, cents
from crossdock.model.base import Record
from crossdock.transport.odata import Query, Row, any_of, eq, exactly, next_link, rows_of
from crossdock.transport.told import decode
from crossdock.transport.wire import HttpResponse

TOTALS = ("totalAmountExcludingTax", "totalTaxAmount", "totalAmountIncludingTax")


class SalesOrder(Record, frozen=True, kw_only=True):
    """An order as it was read. `amounts` None: not told. `posted`: only its posted invoices are left."""

    id: str
    number: str
    etag: str = ""
    amounts: Amounts | None = None
    links: dict[str, str] = msgspec.field(default_factory=dict)
    posted: bool = False

    def receipt(self, *, found: bool) -> Receipt:
        """Business Central's word."""
        detail = "posted" if self.posted else ""
        return Receipt(external_id=self.id, number=self.number, found=found, links=self.links, detail=detail)


class Document(Record, frozen=True, kw_only=True):
    """All that is told of an order: its own row, or its posted invoices. `lines` None: not all of them are told."""

    number: str
    rows: tuple[Row, ...]
    lines: tuple[Row, ...] | None


class Sales:
    """The orders of one company."""

    def __init__(self, client: BcClient, directory: Directory, settings: BcSettings) -> None:
        self._client = client
        self._directory = directory
        self._settings = settings

    def under(self, references: Sequence[str]) -> dict[str, list[SalesOrder]]:
        """Every order with one of these references, by reference; open ones first, each once."""
        where = any_of("externalDocumentNumber", references)
        expand = "salesOrderLines" if len(references) == 1 else ""
        found: dict[str, dict[str, SalesOrder]] = defaultdict(dict)
        for row in self._rows(where, expand):
            order = order_in(row)
            if order is not None:
                found[code(text_in(row, "externalDocumentNumber"))].setdefault(order.number, order)
        return {reference: list(found.get(code(reference), {}).values()) for reference in references}

    def _rows(self, where: str, expand: str) -> list[Row]:
        """Invoices after orders: what a person posts in between is then seen in both, and not in neither."""
        asked = [("salesOrders", Query(where=where, expand=expand))]
        asked += [("salesInvoices", Query(where=where))] if self._settings.look_in_posted else []
        if len(asked) == 1 or self._settings.entry == "deep_insert":  # versions before 17.1 may know no JSON batch
            found = (self._client.every(self._directory.path(path), query) for path, query in asked)
            return [row for rows in found for row in rows]
        parts = [read_part(self._directory.path(path), query) for path, query in asked]
        return [row for answer in self._client.batch(parts, writes=False) for row in _whole(answer)]

    def documents(self, reference: str) -> list[Document]:
        """All that is told of each order with this reference, whoever has made it; open ones first. By GETs alone."""
        opened = self._documents("salesOrders", "salesOrderLines", reference)
        posted = (
            self._documents("salesInvoices", "salesInvoiceLines", reference) if self._settings.look_in_posted else {}
        )
        return list((opened | {number: one for number, one in posted.items() if number not in opened}).values())

    def _documents(self, path: str, part: str, reference: str) -> dict[str, Document]:
        query = Query(where=eq("externalDocumentNumber", reference), expand=part)
        rows = exactly(self._client.every(self._directory.path(path), query), "externalDocumentNumber", reference)
        return documents_in(rows, part)

    def discard(self, order: SalesOrder) -> None:
        """Deletes an order that this very attempt has made."""
        self._client.delete(self._directory.path(f"salesOrders({order.id})"), order.etag or "*")


def order_in(row: Row) -> SalesOrder | None:
    """Of an open order's row or of a posted invoice's; None for an invoice that was made from no order."""
    if "orderNumber" in row or "orderId" in row:
        number = text_in(row, "orderNumber")
        ident = text_in(row, "orderId") or number
        return SalesOrder(id=ident, number=number, posted=True) if number else None
    lines = row.get("salesOrderLines") or ()
    # of two lines for one of ours, the first is the goods' own
    links = {line_in(line.get("description2")): text_in(line, "id") for line in reversed(lines)}
    links.pop("", None)
    ident = text_in(row, "id")
    if not ident:
        raise Temporary("an order was read without its id")
    number = text_in(row, "number") or ident
    etag = text_in(row, "@odata.etag")
    return SalesOrder(id=ident, number=number, etag=etag, amounts=amounts_in(row), links=links)


def documents_in(rows: Sequence[Row], part: str) -> dict[str, Document]:
    """By the order's number; `part`: what its lines are called."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if (order := order_in(row)) is not None:
            found[order.number].append(row)
    return {number: _document(number, told, part) for number, told in found.items()}


def _document(number: str, rows: Sequence[Row], part: str) -> Document:
    whole = all(isinstance(row.get(part), list) and f"{part}@odata.nextLink" not in row for row in rows)
    lines = tuple(line for row in rows for line in row[part]) if whole else None
    return Document(number=number, rows=tuple(rows), lines=lines)


def amounts_in(row: Row) -> Amounts | None:
    """The sums that Business Central has computed; None where one is not told."""
    told = [row.get(field) for field in TOTALS]
    if not all(isinstance(one, int | Decimal) and not isinstance(one, bool) for one in told):
        return None
    untaxed, tax, total = (cents(Decimal(str(one))) for one in told)
    return Amounts(untaxed=untaxed, tax=tax, total=total)


def made_in(answers: Sequence[HttpResponse]) -> SalesOrder:
    """The order that a batch of a POST and a look has made. Raises OutcomeUnknown where the answers do not tell."""
    made = decode(answers[0].body)
    ident = str(made.get("id") or "") if isinstance(made, dict) else ""
    if not ident:
        raise OutcomeUnknown("a new order, but the answer names no id", status=answers[0].status)
    rows = [row for answer in answers[1:] for row in rows_of(decode(answer.body)) or ()]
    row = next((row for row in rows if str(row.get("id")) == ident), None)
    order = order_in(row) if row else None
    if order is None:
        raise OutcomeUnknown("a new order that is not there when it is looked for", status=answers[0].status)
    return order


def _whole(answer: HttpResponse) -> list[Row]:
    told = decode(answer.body)
    rows = rows_of(told)
    if rows is None or next_link(told, "https://batch.invalid/"):
        raise Temporary("a set within a batch that cannot be read whole")
    return rows
