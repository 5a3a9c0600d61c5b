"""Stock levels out of NetSuite, by item and location."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from crossdock.contract.lookups import Named
from crossdock.erp.netsuite.client import NetsuiteClient
from crossdock.erp.netsuite.mapping.suiteql import Table
from crossdock.erp.netsuite.reading import Found, Told, adapted, number
from crossdock.erp.netsuite.settings import LevelSettings

TABLE = Table(
    source="aggregateitemlocation ail JOIN item i ON i.id = ail.item JOIN location l ON l.id = ail.location",
    columns={"sku": "i.itemid", "location": "ail.location", "place": "l.name"},
    keys=("ail.item", "ail.location"),
)
QUANTITIES = {"available": "ail.quantityavailable", "on_hand": "ail.quantityonhand"}
CHANGED = "ail.lastquantityavailablechange"


class Levels:
    """The flow inventory.

    NetSuite keeps the time at which what is available last changed, and none for what is on hand: that is read whole.
    """

    def __init__(self, settings: LevelSettings, sku_field: str, lookups: Named) -> None:
        self._settings = settings
        self._lookups = lookups
        columns = dict(TABLE.columns) | {"sku": f"i.{sku_field}", "qty": QUANTITIES[settings.meaning]}
        stamp = CHANGED if settings.meaning == "available" else ""
        self.table = adapted(msgspec.structs.replace(TABLE, columns=columns, stamp=stamp), settings)

    def rows(self, client: NetsuiteClient, found: Sequence[Found], at: datetime) -> Iterator[Told]:  # noqa: ARG002  the port's signature
        """A row for each item and location, told as of `at`. Nothing is 0."""
        for one in found:
            told = one.columns
            if told["sku"]:
                yield (
                    f"{one.keys}",
                    {
                        "sku": told["sku"],
                        "qty": f"{number(told['qty']) or 0:f}",
                        "warehouse": warehouse(told, self._lookups),
                        "meaning": self._settings.meaning,
                        "as_of": at.isoformat(),
                    },
                )


def warehouse(told: dict[str, Any], lookups: Named) -> str:
    """By the role `warehouses` of the location's internal id; else the location's name."""
    return lookups.find("warehouses", str(told["location"])) or str(told["place"] or told["location"])
