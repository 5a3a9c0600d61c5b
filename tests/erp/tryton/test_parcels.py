"""Parcels out of a real Tryton that has the module for them."""

from __future__ import annotations

from typing import Any

import pytest

from crossdock.contract.connector import Watermark
from crossdock.erp.tryton.connector import build
from crossdock.errors import Misconfigured
from crossdock.flows import FLOWS, fulfilment
from crossdock.model.fulfilment import Tracking
from tests.erp.tryton.samples import key_of, numbers, order
from tests.erp.tryton.test_rows import make_product
from tests.tryton_server import Tryton

pytestmark = pytest.mark.services


class Road:
    """Parcels that have come since they were asked for last, by their order."""

    def __init__(self, tryton: Tryton, **reads: Any) -> None:
        self._source = build("erp", tryton.settings(reads={"tracks": {"overlap_s": 0, **reads}})).rows("tracks")
        self._at: Watermark | None = None
        self.told()
        self.told()

    def told(self) -> dict[str, Tracking]:
        found: dict[str, Tracking] = {}
        for page in self._source.changes(self._at):
            for row in page.rows:
                (tracking,) = fulfilment.read("tracks", row, "erp", {})
                assert isinstance(tracking, Tracking)
                found[tracking.order_number] = tracking
            self._at = page.watermark
        return found


def placed(tryton: Tryton) -> str:
    number = next(numbers)
    build("erp", tryton.settings()).sink(FLOWS["orders"]).put(order(number), key_of(number))
    return f"{number:09}"


def press(tryton: Tryton, shipment: int, *buttons: str) -> None:
    """Over the warning that nobody was named who carries it."""
    for button in buttons:
        tryton.client.within({"_skip_warnings": True}).press("stock.shipment.out", shipment, button)


def sent(tryton: Tryton, reference: str, *parcels: str, carrier: int | None = None) -> tuple[str, list[int]]:
    """Ships an order in so many parcels, all goods in the first; the shipment's number, and the packages."""
    (waiting,) = tryton.shipments(reference)
    press(tryton, waiting["id"], "assign_force", "pick")
    if carrier:
        tryton.write("stock.shipment.out", waiting["id"], carrier=carrier)
    (box,) = tryton.rows("stock.package.type", [], "name") or [
        {"id": tryton.client.create("stock.package.type", {"name": "Box"})}
    ]
    moves = tryton.rows(
        "stock.move",
        [("shipment", "=", f"stock.shipment.out,{waiting['id']}"), ("to_location.type", "=", "customer")],
        "id",
    )
    packages = []
    for place, parcel in enumerate(parcels):
        values = {"shipment": f"stock.shipment.out,{waiting['id']}", "type": box["id"], "company": 1}
        own = {"moves": [["add", [row["id"] for row in moves]]]} if place == 0 else {}
        packages.append(tryton.client.create("stock.package", values | own | {"shipping_reference": parcel or None}))
    press(tryton, waiting["id"], "pack", "do")
    return str(tryton.shipments(reference)[0]["number"]), packages


def carrier_of(tryton: Tryton, name: str) -> int:
    make_product(tryton, f"CARRIED-BY-{name.upper()}", type="service")
    product = tryton.product(f"CARRIED-BY-{name.upper()}")["id"]
    party = tryton.client.create("party.party", {"name": name, "code": f"CARRIER-{name}"})
    return tryton.client.create("carrier", {"party": party, "carrier_product": product})


def test_parcels_are_told_once_their_shipment_is_done(rich_tryton: Tryton) -> None:
    road = Road(rich_tryton, carriers={"Pigeon": "pigeon_post"})
    reference = placed(rich_tryton)
    assert road.told() == {}
    number, _ = sent(rich_tryton, reference, "1Z999", carrier=carrier_of(rich_tryton, "Pigeon"))
    tracking = road.told()[reference]
    assert tracking.number == number
    assert [(one.number, one.carrier, one.title) for one in tracking.tracks] == [("1Z999", "pigeon_post", "Pigeon")]


def test_a_reference_that_is_typed_in_later_is_told(rich_tryton: Tryton) -> None:
    road = Road(rich_tryton)
    reference = placed(rich_tryton)
    number, packages = sent(rich_tryton, reference, "")
    assert road.told() == {}
    rich_tryton.write("stock.package", packages[0], shipping_reference=" 1Z998 ")
    tracking = road.told()[reference]
    assert (tracking.number, [(one.number, one.carrier) for one in tracking.tracks]) == (number, [("1Z998", "custom")])


def test_a_tryton_without_the_module_says_so(tryton: Tryton) -> None:
    with pytest.raises(Misconfigured, match=r"has no "):
        build("erp", tryton.settings(reads={"tracks": {}})).rows("tracks").changes(None).__next__()
