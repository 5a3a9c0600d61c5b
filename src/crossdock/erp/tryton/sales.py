"""One sale in Tryton: found by its reference and our key, brought to where it belongs, read again after every step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from crossdock.contract.message import Receipt
from crossdock.erp.tryton.client import Query, TrytonClient
from crossdock.erp.tryton.mapping import MARK, key_in, reference_of
from crossdock.erp.tryton.settings import TrytonSettings
from crossdock.errors import Conflict, Rejected, Temporary
from crossdock.flows.parts import Amounts, difference
from crossdock.model.base import Record

SALE = "sale.sale"
FIELDS = ("number", "reference", "comment", "state", "create_date", "write_date")
AMOUNTS = ("untaxed_amount", "tax_amount", "total_amount", "currency")
TAKEN = frozenset({"confirmed", "processing", "done"})
CLOCK_GRAIN = timedelta(seconds=1)  # an HTTP date has no fractions
BEFORE = ("draft", "quotation", "confirmed", "processing", "done")


class Sale(Record, frozen=True, kw_only=True):
    """A sale as it was read. `touched` and `read_at` are both by Tryton's own clock."""

    id: int
    number: str
    key: str
    state: str
    touched: datetime
    read_at: datetime
    amounts: Amounts

    @property
    def age(self) -> timedelta:
        """How long nobody has changed it."""
        return self.read_at - self.touched


class Sales:
    """The sales of one company; `mark` stands before our key in their comments."""

    def __init__(self, client: TrytonClient, company: int, settings: TrytonSettings, mark: str = MARK) -> None:
        self._client = client
        self._company = company
        self._settings = settings
        self._mark = mark

    def under(self, number: str) -> list[Sale]:
        """Every sale with this order's reference, oldest first."""
        reference = reference_of(number, self._settings)
        return self._read((("company", "=", self._company), ("reference", "=", reference)))

    def ours(self, number: str, key: str) -> Sale | None:
        """The sale made under this key; None where there is none.

        Of several the one that went furthest: there are more only where another hand doubled it.
        """
        found = [sale for sale in self.under(number) if sale.key == key]
        return max(found, key=lambda sale: _progress(sale.state), default=None)

    def made(self, numbers: Sequence[str]) -> Counter[str]:
        """How many sales each key of ours has under these orders' references that are made in full; one search.

        Raises Temporary where there are so many that Tryton may not have told all of them.
        """
        references = [reference_of(number, self._settings) for number in numbers]
        domain = (("company", "=", self._company), ("reference", "in", references))
        query = Query(model=SALE, domain=domain, fields=("comment", "state"))
        found = self._client.search(query).rows
        if len(found) >= query.limit:
            raise Temporary(f"{len(found)} sales or more under {len(numbers)} references: too many to be told at once")
        try:
            return Counter(key_in(row["comment"], self._mark) for row in found if self.is_made(str(row["state"])))
        except KeyError as error:
            raise Temporary(f"a sale was read without its {error.args[0]}") from error

    def refuse_strangers(self, number: str, key: str) -> None:
        """Raises Conflict where another's sale has this reference."""
        found = self.under(number)
        if found and not any(sale.key == key for sale in found):
            whose = "another connection's" if any(sale.key for sale in found) else "no"
            raise Conflict(f"sale {found[0].id} has this reference, with {whose} key: set reference_prefix, or link it")

    def again(self, sale: Sale) -> Sale:
        """As it is now. Raises Temporary where it is gone."""
        found = self._read((("id", "=", sale.id),))
        if not found:
            raise Temporary(f"sale {sale.id} is not there any more")
        return found[0]

    def get(self, ident: int) -> Sale:
        """By Tryton's id."""
        found = self._read((("id", "=", ident),))
        if not found:
            raise Temporary(f"sale {ident} cannot be read")
        return found[0]

    def step(self, sale: Sale, button: str) -> Sale:
        """One button and a fresh look: what the button answers is not where the sale ends up."""
        self._client.press(SALE, sale.id, button)
        return self.again(sale)

    def enter(self, sale: Sale) -> Sale:
        """Quoted, and confirmed where the settings want it. Each button only where a fresh look shows its state."""
        if sale.state == "draft":
            sale = self.step(sale, "quote")
        if sale.state == "quotation" and self._settings.confirm:
            sale = self.step(sale, "confirm")
        if not self.is_entered(sale):
            raise Temporary(f"sale {sale.id} is still {sale.state}")
        return sale

    def gone_on_with(self, sale: Sale, wanted: Amounts) -> Sale:
        """What an earlier attempt has left behind, brought to its end.

        Raises Temporary while another may be at it, Rejected where it was cancelled or does not come to these sums.
        """
        if sale.state == "cancelled":
            raise Rejected(f"sale {sale.id} was cancelled in Tryton; it is not made again")
        if self.is_entered(sale):
            return sale
        if sale.age < timedelta(seconds=self._settings.settling_s) + CLOCK_GRAIN:
            raise Temporary(f"sale {sale.id} is {sale.state} and was changed just now: another may be at it")
        if told := difference(sale.amounts, wanted):
            raise Rejected(f"sale {sale.id} was left as {sale.state} and does not come to the wanted sums: {told}")
        return self.enter(sale)

    def is_entered(self, sale: Sale) -> bool:
        """Whether it is as far as the settings want it."""
        return self._entered(sale.state)

    def is_made(self, state: str) -> bool:
        """Whether a sale was made in full: a cancelled one was, and counts."""
        return self._entered(state) or state == "cancelled"

    def _entered(self, state: str) -> bool:
        return state in TAKEN or (state == "quotation" and not self._settings.confirm)

    def lines(self, sale: Sale) -> Sequence[dict[str, Any]]:
        """Its lines in their sequence: product, quantity and price."""
        fields = ("product", "quantity", "unit_price", "type")
        found = self._client.search(Query(model="sale.line", domain=(("sale", "=", sale.id),), fields=fields))
        return [row for row in found.rows if row.get("type", "line") == "line"]

    def discard(self, sale: Sale) -> None:
        """Deletes a draft that this very attempt has made."""
        self._client.delete(SALE, sale.id)

    def receipt(self, sale: Sale, line_ids: tuple[str, ...], *, found: bool) -> Receipt:
        """Tryton's word. `line_ids` are our line ids in the sale's sequence, "" for lines of no line of ours."""
        query = Query(model="sale.line", domain=(("sale", "=", sale.id),), fields=("id",))
        theirs = [str(row["id"]) for row in self._client.search(query).rows]
        links = {ours: line for ours, line in reversed(list(zip(line_ids, theirs, strict=False))) if ours}
        return Receipt(
            external_id=str(sale.id), number=sale.number or str(sale.id), found=found, links=links, detail=sale.state
        )

    def _read(self, domain: tuple[Any, ...]) -> list[Sale]:
        found = self._client.search(Query(model=SALE, domain=domain, fields=FIELDS + AMOUNTS))
        return [_sale(row, found.at, self._mark) for row in found.rows]


def _sale(row: dict[str, Any], at: datetime, mark: str) -> Sale:
    try:
        return Sale(
            id=int(row["id"]),
            number=str(row["number"] or ""),
            key=key_in(row["comment"], mark),
            state=str(row["state"]),
            touched=row["write_date"] or row["create_date"],
            read_at=at,
            amounts=Amounts(untaxed=row["untaxed_amount"], tax=row["tax_amount"], total=row["total_amount"]),
        )
    except KeyError as error:
        raise Temporary(f"a sale was read without its {error.args[0]}") from error


def _progress(state: str) -> int:
    if state not in BEFORE and state != "cancelled":
        raise Rejected(f"a sale in the state {state}, which is not known here")
    return BEFORE.index(state) if state in BEFORE else -1
