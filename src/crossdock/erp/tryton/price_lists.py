"""Prices by Tryton's price lists (its modules product_price_list and sale_price_list): base prices, and tier prices.

A list is lines with formulas; what a product costs by it Tryton works out for one quantity. So its prices are asked
for at every quantity that one of its lines names, and what becomes cheaper or dearer there is a step. A row has all
steps of a product, over all its groups: a line that is gone leaves no word of the step that it was.

A line may speak of one product, of a category or of all, and what it spoke of before nobody knows: whenever a list or
one of its lines has changed, all products are told again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from crossdock.erp.tryton.catalog import BOTH, CHANGED, variants
from crossdock.erp.tryton.client import Row, TrytonClient
from crossdock.erp.tryton.levels import GOODS, PRODUCT
from crossdock.erp.tryton.places import Leg
from crossdock.erp.tryton.reading import EITHER, among, every, number
from crossdock.erp.tryton.settings import PriceSettings
from crossdock.errors import Misconfigured
from crossdock.model.base import Record

LIST, LINE = "product.price_list", "product.price_list.line"
ONE = Decimal(1)
FIELDS = ("code", "default_uom")
Prices = dict[int, Decimal | None]  # by product's id; None where the list has no price


class PriceList(Record, frozen=True, kw_only=True):
    """Its id, and whether its prices are with tax."""

    id: int
    with_tax: bool = False


class ListPrices:
    """The flow prices by price lists. `currency` gives the company's, `named` the list of a name."""

    everything = (Leg(model=PRODUCT, domain=GOODS),)
    changed = (
        *CHANGED,
        Leg(model=LIST, stamp="create_date", domain=(EITHER,)),
        Leg(model=LINE, stamp="create_date", link="price_list"),
        Leg(model=LIST, stamp="write_date", domain=(EITHER,)),
        Leg(model=LINE, stamp="write_date", link="price_list"),
    )

    def __init__(self, settings: PriceSettings, currency: Callable[[], str], named: Callable[[str], PriceList]) -> None:
        self._settings = settings
        self._currency = currency
        self._named = named

    def rows(self, client: TrytonClient, leg: Leg, links: Sequence[int], at: datetime) -> list[dict[str, Any]]:
        """A base price and, where there are tiers, all steps of each product."""
        base = self._named(self._settings.price_list) if self._settings.price_list else None
        tiers = {group: self._named(name) for group, name in self._settings.tiers.items()}
        ours = {one.id for one in (base, *tiers.values()) if one}
        goods = self._goods(client, leg, links, ours)
        common = {"currency": self._currency(), "as_of": at.isoformat()}
        prices = _base(client, goods, base)
        rows = [
            {"sku": row["code"], "kind": "base", "scope": self._settings.scope, "price": price, **common}
            | self._taxed(base)
            for row in goods
            if (price := prices[row["id"]]) is not None
        ]
        return rows + (self._ladders(client, goods, tiers, prices, common) if tiers else [])

    def _goods(self, client: TrytonClient, leg: Leg, links: Sequence[int], ours: set[int]) -> list[Row]:
        if leg.model in BOTH:
            return variants(client, leg, links, FIELDS)
        if not ours & set(links):
            return []
        return [row for row in every(client, PRODUCT, GOODS, FIELDS) if row["code"]]

    def _ladders(
        self,
        client: TrytonClient,
        goods: Sequence[Row],
        tiers: Mapping[str, PriceList],
        base: Prices,
        common: dict[str, Any],
    ) -> list[dict[str, Any]]:
        steps: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for group, found in tiers.items():
            quantities = _quantities(client, found)
            by_quantity = [(quantity, prices_of(client, goods, found, quantity)) for quantity in quantities]
            for row in goods:
                place = {"scope": self._settings.scope, "group": group}
                told = [(quantity, prices[row["id"]]) for quantity, prices in by_quantity]
                steps[row["id"]] += [place | step for step in steps_of(told, base[row["id"]])]
        taxed = self._taxed(_alike(list(tiers.values())))
        return [{"sku": row["code"], "kind": "tier", "tiers": steps[row["id"]], **common} | taxed for row in goods]

    def _taxed(self, found: PriceList | None) -> dict[str, str]:
        said = self._settings.tax if found is None else "included" if found.with_tax else "excluded"
        return {"tax": said} if self._settings.tax else {}


def _alike(lists: Sequence[PriceList]) -> PriceList:
    """One of them: a row says once for all its steps whether they are with tax."""
    if len({found.with_tax for found in lists}) > 1:
        raise Misconfigured("tiers: some of these price lists are with tax and some without")
    return lists[0]


def steps_of(prices: Iterable[tuple[Decimal, Decimal | None]], base: Decimal | None) -> Iterator[dict[str, Any]]:
    """Quantities, smallest first, at which a price is another than below it; `base`: what everybody pays."""
    before = base
    for quantity, price in prices:
        if price is not None and price != before:
            yield {"quantity": number(quantity), "price": price}
            before = price


def prices_of(client: TrytonClient, goods: Sequence[Row], found: PriceList, quantity: Decimal) -> Prices:
    """What each costs by a list, in its own unit."""
    by_unit: dict[int, list[int]] = defaultdict(list)
    for row in goods:
        by_unit[int(row["default_uom"])].append(int(row["id"]))
    prices: Prices = {}
    for unit, idents in by_unit.items():
        asked = client.within({"price_list": found.id, "quantity": float(quantity), "uom": unit})
        for row in among(asked, PRODUCT, "id", idents, ("sale_price_uom",), GOODS):
            prices[int(row["id"])] = row["sale_price_uom"]
    return dict.fromkeys((int(row["id"]) for row in goods), None) | prices


def _base(client: TrytonClient, goods: Sequence[Row], found: PriceList | None) -> Prices:
    if found is not None:
        return prices_of(client, goods, found, ONE)
    idents = [int(row["id"]) for row in goods]
    told = {
        int(row["id"]): row["list_price_used"] for row in among(client, PRODUCT, "id", idents, ("list_price_used",))
    }
    return dict.fromkeys(idents, None) | told


def _quantities(client: TrytonClient, found: PriceList) -> list[Decimal]:
    """Those from which on another line may count."""
    lines = every(client, LINE, (("price_list", "=", found.id),), ("quantity",))
    return sorted({ONE} | {told for line in lines if (told := Decimal(str(line["quantity"] or 0))) > ONE})
