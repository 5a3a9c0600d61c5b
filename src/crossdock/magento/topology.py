"""What of a store's sources and stocks would make a stock level go nowhere, or count twice. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from crossdock.magento.reservations import Topology


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
