"""Every text about a person in a record is named, whatever shape it has."""

from __future__ import annotations

from typing import Any

import msgspec

from crossdock.flows.personal import people_in, people_of
from crossdock.model.customer import CustomerChange
from crossdock.model.order import Buyer
from tests.erp.tryton.samples import PERSONAL, address, order


def test_an_orders_people_are_all_named() -> None:
    told = people_in(
        msgspec.structs.replace(
            order(1),
            buyer=Buyer(first_name="Ada", last_name="Heron", email="ada@heron.example"),
            shipping=address(first_name="Otto", company="Reed & Rush", telephone="", vat_id="DE7"),
            note="ring twice",
        )
    )
    assert {"Ada", "Heron", "Ada Heron", "ada@heron.example", "ring twice"} <= set(told)
    assert {"Otto", "Otto Canary", "Reed & Rush", "DE7", "Floor 2", "10115", *PERSONAL} <= set(told)
    assert all(one.strip() for one in told)
    assert len(told) == len(set(told))


def test_a_changes_people_are_named_however_deep_they_stand() -> None:
    fields: dict[str, Any] = {
        "lastname": "Heron",
        "subscribed": True,
        "addresses": [{"street": ["Birdcage Walk 7", "Floor 2"], "telephone": None, "postcode": 10115}],
        "dob": "",
    }
    change = CustomerChange(id="7", email="ada@heron.example", fields=fields)
    assert people_of(change) == ("ada@heron.example", "Heron", "Birdcage Walk 7", "Floor 2", "10115")
