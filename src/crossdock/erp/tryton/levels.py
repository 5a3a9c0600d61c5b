"""Stock levels out of Tryton, by product and warehouse.

Tryton keeps no level: it adds up moves. So what changed is read from the moves, and the quantities of their products
then as they are now.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from crossdock.erp.tryton.client import TrytonClient
from crossdock.erp.tryton.places import Leg
from crossdock.erp.tryton.reading import among, number
from crossdock.erp.tryton.settings import LevelSettings

MOVE, PRODUCT = "stock.move", "product.product"
GOODS = (("type", "=", "goods"),)  # of active products; among them a code is unique
OPEN = ["draft", "assigned"]


class Levels:
    """The flow inventory. `places` gives the warehouses: their ids by what rows call them."""

    everything = (Leg(model=PRODUCT, domain=GOODS),)
    changed = (
        Leg(model=MOVE, stamp="create_date", link="product"),
        Leg(model=MOVE, stamp="write_date", link="product"),
    )

    def __init__(self, settings: LevelSettings, places: Callable[[], Mapping[str, int]]) -> None:
        self._settings = settings
        self._places = places

    def rows(self, client: TrytonClient, leg: Leg, links: Sequence[int], at: datetime) -> list[dict[str, Any]]:  # noqa: ARG002  both legs link to products
        """A row for each product and warehouse, told as of `at`."""
        named = [str(row["code"]) for row in among(client, PRODUCT, "id", links, ("code",), GOODS) if row["code"]]
        codes = list(dict.fromkeys(named))
        return [
            {
                "sku": sku,
                "qty": quantity,
                "warehouse": place,
                "meaning": self._settings.meaning,
                "as_of": at.isoformat(),
            }
            for place, warehouse in self._places().items()
            for sku, quantity in self._levels(client, codes, warehouse)
        ]

    def _levels(self, client: TrytonClient, codes: Sequence[str], warehouse: int) -> list[tuple[str, Any]]:
        promised: Mapping[int, Decimal] = {}
        there = client.within({"locations": [warehouse], "with_childs": True})
        if self._settings.meaning == "available":
            # before the quantities: what leaves in between is taken off twice for a moment, and never not at all
            idents = [int(row["id"]) for row in among(client, PRODUCT, "code", codes, (), GOODS)]
            promised = _promised(client, idents, warehouse)
        found = among(there, PRODUCT, "code", codes, ("code", "quantity"), GOODS)
        return [(row["code"], number(row["quantity"] - promised.get(row["id"], 0))) for row in found]


def _promised(client: TrytonClient, products: Sequence[int], warehouse: int) -> Mapping[int, Decimal]:
    """What moves that are not done yet will take out of a warehouse, by product."""
    leaving = (
        ("state", "in", OPEN),
        ("from_location", "child_of", [warehouse], "parent"),
        ("to_location", "not child_of", [warehouse], "parent"),
    )
    sums: dict[int, Decimal] = defaultdict(Decimal)
    for move in among(client, MOVE, "product", products, ("product", "internal_quantity"), leaving):
        sums[int(move["product"])] += Decimal(str(move["internal_quantity"]))
    return sums
