"""Item fulfilments and invoices of our orders.

Their lines lead to lines of a sales order by `previoustransactionlinelink`. The order is ours by its external id; a
line is called by the field that keeps the store's line id, else by its SKU.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from crossdock.contract.lookups import Named
from crossdock.erp.netsuite.client import NetsuiteClient
from crossdock.erp.netsuite.levels import warehouse
from crossdock.erp.netsuite.mapping.orders import number_of
from crossdock.erp.netsuite.mapping.suiteql import Table, literal, told_time
from crossdock.erp.netsuite.reading import Found, Told, adapted, every, moment, number
from crossdock.erp.netsuite.settings import FulfilmentSettings, NetsuiteSettings
from crossdock.model.base import Record

AT_ONCE = 200  # documents in one query
NOWHERE = "none"  # what the warehouse of a shipment is called in an account without locations
LINES = (
    "previoustransactionlinelink x JOIN transactionline tl ON tl.transaction = x.nextdoc AND tl.id = x.nextline "
    "JOIN transaction so ON so.id = x.previousdoc "
    "JOIN transactionline sl ON sl.transaction = x.previousdoc AND sl.id = x.previousline "
    "JOIN item i ON i.id = tl.item LEFT JOIN location l ON l.id = tl.location"
)


class Kind(Record, frozen=True, kw_only=True):
    """What is particular about a kind of document. `statuses` empty: any."""

    type: str
    link: str
    lines: str
    statuses: tuple[str, ...] = ()
    places: bool = False


SHIPMENTS = Kind(
    type="ItemShip", link="ShipRcpt", lines="tl.mainline = 'F' AND tl.iscogs = 'F'", statuses=("C",), places=True
)
INVOICES = Kind(type="CustInvc", link="OrdBill", lines="tl.mainline = 'F'")


class Documents:
    """The flow shipments, or invoices."""

    def __init__(self, kind: Kind, read: FulfilmentSettings, settings: NetsuiteSettings, lookups: Named) -> None:
        self._kind = kind
        self._read = read
        self._settings = settings
        self._lookups = lookups
        named = settings.items
        self._extras = {named.shipping, named.fpt, named.fee, named.credit, named.rounding, named.tax}
        columns = {"number": "t.tranid", "status": "t.status", "made": told_time("t.createddate")}
        if read.tracking:
            columns["tracking"] = read.tracking
        heads = Table(
            source="transaction t",
            columns=columns,
            keys=("t.id",),
            stamp="t.lastmodifieddate",
            where=(f"t.type = {literal(kind.type)}",),
        )
        self.table = adapted(heads, read)

    def rows(self, client: NetsuiteClient, found: Sequence[Found], at: datetime) -> Iterator[Told]:  # noqa: ARG002  the port's signature
        """A row for each document and order of ours; where there are several orders, its number is not enough."""
        done = {one.keys[0]: one for one in found if self._is_done(one.columns["status"])}
        lines: dict[int, dict[str, list[Found]]] = defaultdict(lambda: defaultdict(list))
        for line in self._lines(client, list(done)):
            order = number_of(str(line.columns["external"] or ""), self._settings)
            if order and str(line.columns["item"]) not in self._extras:
                lines[line.keys[0]][order].append(line)
        for ident, orders in lines.items():
            for order, parts in orders.items():
                named = str(done[ident].columns["number"])
                told = named if len(orders) == 1 else f"{named}/{order}"
                yield f"{ident}/{order}", self._row(told, order, done[ident], parts)

    def _is_done(self, status: Any) -> bool:
        """A status may be told as `C` or as `ItemShip:C`."""
        wanted = self._read.statuses or self._kind.statuses
        return not wanted or str(status).rpartition(":")[2] in wanted

    def _lines(self, client: NetsuiteClient, idents: Sequence[int]) -> Iterator[Found]:
        for start in range(0, len(idents), AT_ONCE):
            yield from every(client, self._line_table(idents[start : start + AT_ONCE]))

    def _line_table(self, idents: Sequence[int]) -> Table:
        field = self._settings.custom.line_id
        columns = {
            "external": "so.externalid",
            "item": "tl.item",
            "sku": f"i.{self._settings.items.sku_field}",
            "qty": "ABS(tl.quantity)",
            "location": "tl.location",
            "place": "l.name",
        } | ({"line": f"sl.{field}"} if field else {})
        return Table(
            source=LINES,
            columns=columns,
            keys=("x.nextdoc", "x.nextline"),
            where=(
                f"x.nextdoc IN ({', '.join(map(str, idents))})",
                f"x.linktype = {literal(self._read.link or self._kind.link)}",
                "so.type = 'SalesOrd'",
                f"({self._read.lines or self._kind.lines})",
            ),
        )

    def _row(self, named: str, order: str, head: Found, parts: Sequence[Found]) -> dict[str, Any]:
        row: dict[str, Any] = {"number": named, "order": order, "lines": list(self._told(parts))}
        if self._kind.places and (made := moment(str(head.columns["made"] or ""), self._settings.time_zone)):
            row["shipped_at"] = made
        tracks = [{"number": one} for one in re.split(r"[\s,;]+", str(head.columns.get("tracking") or "")) if one]
        return row | ({"tracks": tracks} if tracks else {})

    def _told(self, parts: Sequence[Found]) -> Iterator[dict[str, Any]]:
        sums: dict[tuple[tuple[str, str], ...], Decimal] = defaultdict(Decimal)
        for one in {part.keys: part for part in parts}.values():
            sums[tuple(self._name(one.columns).items())] += number(one.columns["qty"]) or Decimal(0)
        for name, quantity in sums.items():
            if quantity > 0:
                yield dict(name) | {"qty": f"{quantity:f}"}

    def _name(self, told: Mapping[str, Any]) -> dict[str, str]:
        """Of what, and from where."""
        name = {"line": str(told["line"])} if told.get("line") else {"sku": str(told["sku"])}
        if not self._kind.places:
            return name
        place = dict(told) if told["location"] else dict(told) | {"location": self._settings.location or NOWHERE}
        return name | {"warehouse": warehouse(place, self._lookups)}
