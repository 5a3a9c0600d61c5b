"""Random edits on both sides at once: they end alike, by whose word counts, after a bounded number of writes."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import pytest

from crossdock.sandbox.faults import NONE, Faults
from tests.walk.test_customers import World, at, database, world_with
from tests.walk.world import settled, until

__all__ = ["database"]  # the fixture
TEXTS = {"first_name": "firstname", "last_name": "lastname", "vat_id": "taxvat", "suffix": "suffix"}
EDITS, SEED = 25, int(os.environ.get("CUSTOMER_STORM_SEED", "1"))
FAULTY = Faults(classes={"write": {"busy": 0.1, "reset_after": 0.1, "error_after": 0.1}})
FAULTY_ERP = Faults(classes={"create": {"busy": 0.1, "reset_after": 0.1, "error_after": 0.1}})


def edit(world: World, luck: random.Random, numbers: dict[int, str], owned: dict[int, str], n: int) -> None:
    customer = luck.choice([*numbers])
    name = luck.choice([*TEXTS])
    if luck.random() < 0.15:
        where = {"street": [f"Via {n}"], "city": "Roma", "region": "Roma", "country": "IT"}
        row = {"number": "A1", "first_name": "Ada", "last_name": "Byron"} | where
        world.push(numbers[customer], addresses=[row])
    elif luck.random() < 0.5:
        world.edit(customer, **{TEXTS[name]: f"s{n}"})
    else:
        owned[customer] = f"e{n}" if name == "vat_id" else owned[customer]
        world.push(numbers[customer], **({"as_of": at()} if luck.random() < 0.5 else {}), **{name: f"e{n}"})


def sides(world: World, customer: int, number: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What each of them has, in the ERP's words."""
    row, known = world.customer(customer), world.known(number)
    store = {name: row.get(theirs) or "" for name, theirs in TEXTS.items()}
    erp = {name: known["customer"].get(name) or "" for name in TEXTS}
    store["streets"] = sorted(one["street"][0] for one in row["addresses"])
    erp["streets"] = sorted(one["street"][0] for one in known["addresses"].values())
    return store, erp


@pytest.mark.parametrize("faulty", [False, True], ids=["calm", "faulty"])
def test_they_end_alike_and_the_writes_are_bounded(tmp_path: Path, database: str, faulty: bool) -> None:
    if database.startswith("postgres") != faulty:
        pytest.skip("one of them will do there")
    luck = random.Random(SEED)
    with world_with(tmp_path, database, FAULTY if faulty else NONE) as world:
        if faulty:
            world.erp.set_faults(FAULTY_ERP)
        numbers = {customer: world.carried(customer) for customer in (1, 2, 3)}
        for customer, number in numbers.items():  # the ERP's own fields are its own from the start
            world.push(number, vat_id=f"IT{customer}")
        owned = {customer: f"IT{customer}" for customer in numbers}
        for n in range(EDITS):
            edit(world, luck, numbers, owned, n)
            if luck.random() < 0.3:
                until(lambda: settled(world.crossdock), 60)

        def alike() -> bool:
            if not settled(world.crossdock):
                return False
            return all(one == other for one, other in (sides(world, *pair) for pair in numbers.items()))

        try:
            until(alike, 60)
        except AssertionError:
            raise AssertionError([sides(world, *pair) for pair in numbers.items()]) from None
        assert world.dead() == []
        found = {customer: world.customer(customer).get("taxvat") for customer in numbers}
        assert found == owned, "the owner's last word stands"
        before = world.writes(), sum(len(world.told(number)) for number in numbers.values())
        for poller in world.crossdock.customer_pollers.values():
            poller.scan()
        until(lambda: settled(world.crossdock))
        assert before == (world.writes(), sum(len(world.told(number)) for number in numbers.values())), "ping-pong"
        # each edit is written once to each side at most, and a decision against it once more; faults repeat some
        assert sum(before) <= (3 if faulty else 2) * EDITS + 20, before
