"""What of a store's sources, stocks and products would make a stock level go nowhere, or count twice. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from crossdock.magento.reservations import Topology
from crossdock.model.base import Record

NAMED = 10


class Shelved(Record, frozen=True, kw_only=True):
    """A product that is sold in pieces: the sources it is assigned to, and whether the store counts them at all.

    Magento: `stock_item.manage_stock` false with `use_config_manage_stock` false sells it without end.
    """

    sku: str
    sources: frozenset[str] = frozenset()
    counted: bool = True


def lint(topology: Topology, places: Iterable[str]) -> list[str]:
    """One sentence a finding, about the mapped `places`."""
    places = frozenset(places)
    found: list[str] = []
    for place in sorted(places):
        stocks = [stock for stock, codes in topology.stocks.items() if place in codes]
        if place not in topology.sources:
            found.append(f"the store has no source {place}")
        elif place not in topology.enabled:
            found.append(f"source {place} is disabled: what lies there is not sold")
        elif not stocks:
            found.append(f"source {place} is in no stock: what lies there is not sold")
        elif len(stocks) > 1:
            numbers = ", ".join(map(str, sorted(stocks)))
            found.append(f"source {place} is in stocks {numbers}: each of them sells the same pieces")
    used = {stock for stock, codes in topology.stocks.items() if places.intersection(codes)}
    for stock in sorted(used):
        others = sorted(topology.enabled.intersection(topology.stocks[stock]) - places)
        if others:
            found.append(f"stock {stock} also sells from {', '.join(others)}, of which no warehouse tells")
    return found


def lint_products(products: Sequence[Shelved], places: Iterable[str]) -> list[str]:
    """One sentence a finding, about products and the mapped `places`."""
    places = frozenset(places)
    free = [one.sku for one in products if not one.counted]
    lost = [one.sku for one in products if one.counted and not places.intersection(one.sources)]
    found: list[str] = []
    if free:
        found.append(f"stock management is off, whatever level is told: {_named(free, len(products))}")
    if lost:
        found.append(f"in none of the sources that are told of: {_named(lost, len(products))}")
    return found


def _named(skus: Sequence[str], of: int) -> str:
    more = f" and {len(skus) - NAMED} more" if len(skus) > NAMED else ""
    return f"{', '.join(sorted(skus)[:NAMED])}{more} ({len(skus)} of the {of} newest products)"
