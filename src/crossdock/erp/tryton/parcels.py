"""Parcels of shipments that were done for our orders (Tryton's module stock_package_shipping).

A parcel is told once it has a shipping reference, which a carrier's service or a person writes into it, often after the
shipment was done: so a change of a package tells its shipment's parcels, and a change of the shipment too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from crossdock.erp.tryton.client import Row, TrytonClient
from crossdock.erp.tryton.fulfilments import DONE, SHIPMENT, documents, linked, shipped, told
from crossdock.erp.tryton.places import Domain, Leg
from crossdock.erp.tryton.reading import EITHER, among
from crossdock.erp.tryton.settings import ParcelSettings, TrytonSettings

PACKAGE, CARRIER = "stock.package", "carrier"
NAMED: Domain = (("shipment", "like", f"{SHIPMENT},%"), ("shipping_reference", "!=", None))


class Parcels:
    """The flow tracks."""

    everything = (Leg(model=SHIPMENT, domain=DONE),)
    changed = (
        Leg(model=SHIPMENT, stamp="create_date", domain=DONE),
        Leg(model=PACKAGE, stamp="create_date", link="shipment", domain=NAMED),
        Leg(model=SHIPMENT, stamp="write_date", domain=DONE),
        Leg(model=PACKAGE, stamp="write_date", link="shipment", domain=NAMED),
    )

    def __init__(self, parcels: ParcelSettings, settings: TrytonSettings) -> None:
        self._carriers = parcels.carriers
        self._settings = settings

    def rows(self, client: TrytonClient, leg: Leg, links: Sequence[int], at: datetime) -> list[dict[str, Any]]:  # noqa: ARG002  all legs link to shipments
        """A row for each shipment that has parcels, and order."""
        fields = ("number", "carrier", "shipping_reference")
        heads = {int(row["id"]): row for row in among(client, SHIPMENT, "id", links, fields, DONE)}
        numbers = _numbers(client, heads)
        carriers = _carriers(client, [row["carrier"] for row in heads.values() if row["carrier"]])
        found = documents(client, list(shipped(client, sorted(numbers))), self._settings)
        titles = {ident: carriers.get(row["carrier"] or 0, "") for ident, row in heads.items()}
        return [
            {
                "number": row["number"],
                "order": row["order"],
                "tracks": [self._track(number, titles[ident]) for number in numbers[ident]],
            }
            for ident, parts in found.items()
            for row in told(heads[ident]["number"], parts)
        ]

    def _track(self, number: str, title: str) -> dict[str, str]:
        code = self._carriers.get(title, "custom")
        return {"number": number, "carrier": code} | ({"title": title} if title else {})


def _numbers(client: TrytonClient, heads: dict[int, Row]) -> dict[int, list[str]]:
    """Of each shipment that has any; its own reference where its packages have none."""
    found: dict[int, list[str]] = defaultdict(list)
    named = [f"{SHIPMENT},{ident}" for ident in heads]
    for row in among(client, PACKAGE, "shipment", named, ("shipment", "shipping_reference"), NAMED):
        number = str(row["shipping_reference"]).strip()
        parcels = found[linked(row["shipment"], SHIPMENT)]
        if number and number not in parcels:
            parcels.append(number)
    own = {ident: [str(row["shipping_reference"])] for ident, row in heads.items() if row["shipping_reference"]}
    return own | {ident: numbers for ident, numbers in found.items() if numbers}


def _carriers(client: TrytonClient, idents: Sequence[int]) -> dict[int, str]:
    """The names of their parties."""
    rows = list(among(client, CARRIER, "id", sorted(set(idents)), ("party",), (EITHER,)))
    parties = sorted({int(row["party"]) for row in rows})
    names = {row["id"]: str(row["name"]) for row in among(client, "party.party", "id", parties, ("name",), (EITHER,))}
    return {int(row["id"]): names.get(row["party"], "") for row in rows}
