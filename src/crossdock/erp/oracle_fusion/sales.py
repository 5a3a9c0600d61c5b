"""One sales order in Oracle: found by its OrderKey and our key, read again after every step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from crossdock.contract.message import Receipt
from crossdock.erp.oracle_fusion.client import FusionClient, Query, Row, placed, quoted
from crossdock.erp.oracle_fusion.mapping import key_in, order_key, reference_of
from crossdock.erp.oracle_fusion.settings import MOST, FusionSettings
from crossdock.erp.oracle_fusion.showing import HEAD, LINE
from crossdock.errors import Conflict, Rejected, Temporary
from crossdock.flows.parts import NET_GROSS, Amounts, cents, difference
from crossdock.model.base import Record

ORDERS = "/salesOrdersForOrderHub"
FIELDS = (
    "HeaderId",
    "OrderNumber",
    "SourceTransactionId",
    "StatusCode",
    "SubmittedFlag",
    "CanceledFlag",
    "OnHoldFlag",
    "Comments",
    "MessageText",
)
DRAFT = "DOO_DRAFT"  # Oracle, "Submit Large Volume of Sales Orders with Filter Criteria"


class Sale(Record, frozen=True, kw_only=True):
    """A sales order as it was read. `said`: why Oracle did not submit it, where it tells."""

    id: str
    number: str
    key: str
    status: str
    submitted: bool
    canceled: bool
    on_hold: bool
    said: str = ""

    @property
    def is_draft(self) -> bool:
        """Whether it was not submitted yet."""
        return not self.submitted or self.status == DRAFT


class Line(Record, frozen=True, kw_only=True):
    """One line: the shop's id of it, and Oracle's."""

    source: str
    id: str
    quantity: Decimal


class Sales:
    """The sales orders of one source system."""

    def __init__(self, client: FusionClient, settings: FusionSettings) -> None:
        self._client = client
        self._settings = settings

    def path(self, number: str) -> str:
        """Where an order is, in its latest version."""
        return f"{ORDERS}/{placed(order_key(number, self._settings))}"

    def latest(self, number: str) -> Sale | None:
        """The order under this number, whoever made it; the submitted version where a person is revising it.

        A draft may be a revision that somebody has not finished: it is not ours to submit.
        """
        sale = self.newest(number)
        if sale is None or not sale.is_draft:
            return sale
        versions = (_sale(row, self._settings) for row in self.under(number))
        return next((one for one in versions if not one.is_draft and one.number == sale.number), sale)

    def newest(self, number: str) -> Sale | None:
        """The newest version of it.

        That there is none is believed only where the collection too answers without it: a 404 alone may be a wrong
        path. An order that data security hides from our user is hidden from both.
        """
        row = self._client.one(self.path(number), FIELDS)
        if row is None:
            rows = self.under(number)
            row = max(rows, key=lambda one: int(one["HeaderId"]), default=None)
        return None if row is None else _sale(row, self._settings)

    def under(self, number: str) -> list[Row]:
        """Every version of every order under this number."""
        system, reference = quoted(self._settings.source_system), quoted(reference_of(number, self._settings))
        return self._asked(f"SourceTransactionSystem={system} and SourceTransactionId={reference}")

    def anyones(self, number: str) -> list[Sale]:
        """The orders under this number, or called by it in another source system: one version of each, the first first.

        That is the submitted version, of several the newest. An order that was cancelled is told where it is alone.
        """
        rows = self.under(number)
        if not rows:
            rows = self._asked(f"SourceTransactionNumber={quoted(reference_of(number, self._settings))}")
        versions = [_sale(row, self._settings) for row in rows]
        by_number = {one.number: one for one in sorted(versions, key=lambda one: (not one.is_draft, int(one.id)))}
        sales = sorted(by_number.values(), key=lambda one: int(one.id))
        return [one for one in sales if not one.canceled] or sales

    def whole(self, sale: Sale) -> tuple[Row, Sequence[Row]]:
        """Everything that is told of one version, and of its lines."""
        path = f"{ORDERS}/{sale.id}"
        row = self._client.one(path, expand=HEAD)
        if row is None:
            raise Temporary("an order that was there a moment ago is not")
        query = Query(order="FulfillLineId", limit=MOST, expand=LINE)
        return row, list(self._client.children(f"{path}/child/lines", query))

    def _asked(self, q: str) -> list[Row]:
        return list(self._client.children(ORDERS, Query(q=q, order="HeaderId", limit=MOST, fields=FIELDS)))

    def ours(self, number: str, key: str) -> Sale | None:
        """The order made under this key; None where there is none."""
        sale = self.latest(number)
        return sale if sale is not None and self._is_ours(sale, key) else None

    def claimed(self, number: str, key: str) -> Sale | None:
        """The same. Raises Conflict where another's order has this reference."""
        sale = self.latest(number)
        if sale is not None and not self._is_ours(sale, key):
            whose = "another connection's" if sale.key else "no"
            raise Conflict(
                f"order {sale.number} has this source id, with {whose} key: set reference_prefix, or link it"
            )
        return sale

    def count(self, number: str, key: str) -> int:
        """How many orders there are under this key that were made in full; a cancelled one was, and counts."""
        sales = [_sale(row, self._settings) for row in self.under(number)]
        made = [sale for sale in sales if self._is_ours(sale, key) and (self.is_entered(sale) or sale.canceled)]
        return len({sale.number for sale in made})

    def is_entered(self, sale: Sale) -> bool:
        """Whether it is as far as the settings want it."""
        return not sale.canceled and not (sale.is_draft and self._settings.submit)

    def submit(self, number: str) -> Sale:
        """Submitted, by a fresh look. Raises Rejected where Oracle's validation refuses it and says why."""
        answered = self._client.update(self.path(number), {"SubmittedFlag": True})
        sale = self.newest(number)
        if sale is None:
            raise Temporary("an order that was there a moment ago is not")
        if sale.is_draft and self._settings.submit:
            said = str(answered.get("MessageText") or sale.said)
            if said:
                raise Rejected(f"order {sale.number} stays a draft: {self._client.clean(said)}")
            raise Temporary(f"order {sale.number} is still a draft")
        return sale

    def prove(self, number: str, sale: Sale, wanted: Amounts) -> None:
        """Raises Rejected where Oracle's own totals are not these; the draft stays as it is."""
        there = self._totals(number)
        codes = self._settings.totals
        named = {"untaxed": codes.net, "tax": codes.tax, "total": codes.gross}
        if missing := [code for code in named.values() if code and code not in there]:
            known = ", ".join(sorted(there)) or "none"
            raise Rejected(f"order {sale.number} has no total {missing[0]} (it has {known}): set `totals`")
        seen = {name: there[code] if code else getattr(wanted, name) for name, code in named.items()}
        if told := difference(Amounts(**seen), wanted, NET_GROSS):
            raise Rejected(f"order {sale.number} does not come to the shop's sums: {told}")

    def lines(self, number: str) -> list[Line]:
        """Of the latest version."""
        fields = ("SourceTransactionLineId", "FulfillLineId", "OrderedQuantity")
        query = Query(order="FulfillLineId", limit=MOST, fields=fields)
        return [_line(row) for row in self._client.children(f"{self.path(number)}/child/lines", query)]

    def receipt(self, number: str, sale: Sale, line_ids: Sequence[str], *, found: bool) -> Receipt:
        """Oracle's word, with the links of the shop's lines."""
        theirs = {line.source: line.id for line in self.lines(number)}
        links = {ours: theirs[ours] for ours in line_ids if ours in theirs}
        return Receipt(external_id=sale.id, number=sale.number, found=found, links=links, detail=sale.status)

    def _totals(self, number: str) -> Mapping[str, Decimal]:
        query = Query(limit=MOST, fields=("TotalCode", "TotalAmount"))
        rows = self._client.children(f"{self.path(number)}/child/totals", query)
        return {str(row.get("TotalCode")): cents(_decimal(row.get("TotalAmount"))) for row in rows}

    def _is_ours(self, sale: Sale, key: str) -> bool:
        return not self._settings.key_field or sale.key == key


def _sale(row: Row, settings: FusionSettings) -> Sale:
    ident = row.get("HeaderId")
    if ident is None:
        raise Temporary("an order was read without its HeaderId")
    return Sale(
        id=str(ident),
        number=str(row.get("OrderNumber") or ident),
        key=key_in(row.get("Comments")) if settings.key_field else "",
        status=str(row.get("StatusCode") or ""),
        submitted=row.get("SubmittedFlag") is True,
        canceled=row.get("CanceledFlag") is True,
        on_hold=row.get("OnHoldFlag") is True,
        said=str(row.get("MessageText") or ""),
    )


def _line(row: Row) -> Line:
    if row.get("FulfillLineId") is None:
        raise Temporary("a line was read without its FulfillLineId")
    return Line(
        source=str(row.get("SourceTransactionLineId") or ""),
        id=str(row["FulfillLineId"]),
        quantity=_decimal(row.get("OrderedQuantity")),
    )


def _decimal(value: Any) -> Decimal:
    try:
        return Decimal(str(value if value is not None else 0))
    except InvalidOperation as error:
        raise Temporary("an amount that is no number") from error
