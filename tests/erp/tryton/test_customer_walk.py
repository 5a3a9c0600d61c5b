"""Customers both ways between a sandbox store and a real Tryton, with Crossdock between them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from crossdock.app import Crossdock
from crossdock.delivery.store import DeadFilter
from crossdock.sandbox import customers as people
from crossdock.sandbox.run import StoreServer
from crossdock.settings import Settings
from tests.databases import sqlite_url
from tests.erp.tryton.clerk import Clerk
from tests.tryton_server import Tryton
from tests.walk.test_sandbox_bugs import TOKEN
from tests.walk.world import settings, settled, until

pytestmark = pytest.mark.services
PATIENCE = 90


class Town:
    """A store whose customers have codes of their own in Tryton; `quiet` waits until nobody has anything to say."""

    def __init__(self, shop: StoreServer, crossdock: Crossdock, prefix: str) -> None:
        self.shop, self.crossdock, self.prefix = shop, crossdock, prefix

    def code(self, number: int) -> str:
        return f"{self.prefix}{number}"

    def customer(self, number: int) -> dict[str, Any]:
        return dict(self.shop.do(lambda store: store.customers[number]))

    def edit(self, number: int, **told: Any) -> None:
        self.shop.do(lambda store: people.save(store, store.customers[number], told))

    def carried(self, number: int) -> str:
        until(lambda: bool(self.crossdock.store.standings("store", f"customer:{number}")), PATIENCE)
        self.quiet()
        return self.code(number)

    def quiet(self) -> None:
        until(lambda: settled(self.crossdock), PATIENCE)

    def writes(self) -> int:
        return self.shop.do(lambda store: sum("PUT /rest/all/V1/customers/" in one for one in store.requests))


@contextmanager
def town_of(tryton: Tryton, folder: Path, prefix: str) -> Iterator[Town]:
    shop = StoreServer(seed=5, token=TOKEN)
    shop.start()
    plain: dict[str, Any] = settings(folder, shop.url, "http://127.0.0.1:9").model_dump(exclude_unset=True)
    plain["database"] = {"url": sqlite_url(folder)}
    plain["connections"]["erp"] = tryton.settings(
        flows=["orders", "customers"],
        party={"code_prefix": prefix},
        reads={"customers": {"interval_s": 0.3, "overlap_s": 5}},
    )
    rules = {"owners": {"email": "store"}, "website": "base"}
    there = {"source": "store", "target": "erp", "flows": ["orders", "customers"]}
    back = {"source": "erp", "target": "store", "flows": ["customers"], "options": {"customers": rules}}
    plain["routes"] = [there | {"options": {"eligibility": {"*": "always"}, "customers": rules}}, back]
    crossdock = Crossdock(Settings.model_validate(plain))
    crossdock.start()
    try:
        yield Town(shop, crossdock, prefix)
    finally:
        crossdock.stop()
        shop.stop()


def test_customers_walk_both_ways_and_come_to_rest(tryton: Tryton, clerk: Clerk, tmp_path: Path) -> None:
    with town_of(tryton, tmp_path, "W") as town:
        code = town.carried(1)
        party = clerk.party(code)
        assert party["name"].split()[-2:] == ["Rossi", "1"]
        assert len(clerk.addresses(code)) == len(town.customer(1)["addresses"])
        before = town.customer(1)
        assert town.writes() == 0, "what Tryton made of it is not told back as an edit"
        clerk.client.write("party.address", clerk.addresses(code)[0]["id"], {"city": "Potsdam"})
        until(lambda: town.customer(1)["addresses"][0]["city"] == "Potsdam", PATIENCE)
        town.quiet()
        after = town.customer(1)
        assert {name for name in after if after[name] != before[name]} <= {"addresses", "updated_at"}
        town.edit(1, lastname="Bianchi")
        until(lambda: clerk.party(code)["name"].endswith(" Bianchi"), PATIENCE)
        town.quiet()
        assert clerk.addresses(code)[0]["city"] == "Potsdam"
        assert len(clerk.addresses(code)) == len(before["addresses"])
        # one Tryton serves all tests: parties of others are read too
        dead = town.crossdock.store.dead(DeadFilter())
        assert [one for one in dead if one.reference.startswith(town.prefix) or one.source == "store"] == []
