"""Shipments and customers that an ERP tells, beside the store: drifts planted, found, named and repaired."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from crossdock.reconciliation.drift import Cause, Repair
from crossdock.sandbox.store import Store
from tests.databases import postgres_url, sqlite_url
from tests.walk.reconciled import Town, causes
from tests.walk.test_customer_polling import FIELDS
from tests.walk.test_customer_polling import READS as CUSTOMERS
from tests.walk.test_document_polling import reads
from tests.walk.world import until

Row = dict[str, Any]
PLAIN = {name: one for name, one in FIELDS.items() if name not in {"attributes", "addresses"}}


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
        return
    with postgres_url() as url:
        yield url


@pytest.fixture
def town(tmp_path: Path, database: str) -> Iterator[Town]:
    told = {
        "shipments": reads("shipments") | {"interval_s": 0, "page_size": 100},
        "customers": CUSTOMERS | {"interval_s": 0, "page_size": 100, "fields": PLAIN},
    }
    with ExitStack() as stack:
        yield Town(tmp_path, database, stack, reads=told, flows=["shipments", "customers"])


def bought(town: Town) -> Row:
    town.bought()
    number = max(town.shop.do(lambda store: list(store.orders)))
    return dict(town.shop.do(lambda store: store.orders[number]))


def test_shipments_that_were_not_heard_refused_or_taken_away_are_found_and_named(town: Town) -> None:
    orders = [bought(town) for _ in range(4)]
    for place, order in enumerate(orders[:3]):
        document = {"number": f"SH-{place}", "order": order["increment_id"], "warehouse": "MI"}
        town.lists("shipments", document if place != 1 else document | {"warehouse": "??"})
    town.scan("shipments")
    with town.working() as crossdock:
        until(lambda: len(town.shop.do(lambda store: list(store.shipments))) == 2)
        until(lambda: ("fulfilments", "store", "dead") in crossdock.store.counts())
        town.settled(crossdock, "fulfilments")
        town.settled(crossdock, "shipments")
    assert causes(town.compare("shipments")[1]).get("SH-0") is None
    town.shop.do(lambda store: _taken_away(store, orders[2]["entity_id"]))
    town.lists("shipments", {"number": "SH-3", "order": orders[3]["increment_id"], "warehouse": "MI"})
    run, drifts = town.compare("shipments")
    named = {one.key: (one.cause, one.repair) for one in drifts}
    assert named["SH-2"] == (Cause.OVERWRITTEN, Repair.NONE)
    assert named["SH-3"] == (Cause.NEVER_CAPTURED, Repair.READ)
    assert "SH-0" not in named
    with town.working() as crossdock:
        crossdock.reconciling.repairs.apply(run, "test", "w", ["never-captured"])
        until(lambda: town.shop.do(lambda store: _is_shipped(store, orders[3]["entity_id"])))
        town.settled(crossdock, "fulfilments")
        town.settled(crossdock, "shipments")
    assert "SH-3" not in causes(town.compare("shipments")[1])


def _is_shipped(store: Store, order: int) -> bool:
    return any(row["order_id"] == order for row in store.shipments.values())


def _taken_away(store: Store, order: int) -> None:
    gone = next(number for number, row in store.shipments.items() if row["order_id"] == order)
    del store.shipments[gone]


def edit(town: Town, number: str, **told: Any) -> None:
    town.erp.do(lambda erp: erp.people.edit(number, told))


def test_customers_are_compared_field_by_field_and_nothing_of_them_is_kept(town: Town) -> None:
    for number, name in (("X-1", "Ada"), ("X-2", "Bea"), ("X-3", "Cleo")):
        edit(town, number, email=f"{name.lower()}@made.example", first_name=name, last_name="Byron", website="base")
    town.scan("customers")
    with town.working() as crossdock:
        until(lambda: len(_accounts(town)) == 3)
        town.settled(crossdock, "new_customers")
        town.settled(crossdock, "customer_looks")
        town.settled(crossdock, "customers")
    assert town.compare("customers")[1] == []
    accounts = _accounts(town)
    town.shop.do(lambda store: store.customers[accounts["ada@made.example"]].update(lastname="Lovelace"))
    edit(town, "X-2", last_name="Blixen")
    edit(town, "X-9", email="dora@made.example", first_name="Dora", last_name="Maar", website="base")
    run, drifts = town.compare("customers")
    named = sorted((one.key, one.field, one.cause, one.repair) for one in drifts)
    assert named == [
        ("customer X-1", "last_name", Cause.NEVER_CAPTURED, Repair.LOOK),
        ("customer X-2", "last_name", Cause.CHANGED_IN_ERP, Repair.READ),
        ("customer X-9", "customer", Cause.NEVER_CAPTURED, Repair.READ),
    ]
    with town.idle() as one:
        kept = str(one.store.reconciliations.drifts(run.id))
    assert not any(word in kept for word in ("Lovelace", "Blixen", "Byron", "Dora", "made.example"))
    with town.working() as crossdock:
        crossdock.reconciling.repairs.apply(run, "test", "w")
        until(lambda: len(_accounts(town)) == 4)
        until(lambda: "Blixen" in {row["lastname"] for row in _customers(town)})
        for flow in ("customer_looks", "customers", "new_customers"):
            town.settled(crossdock, flow)
    assert not {"customer X-2", "customer X-9"} & set(causes(town.compare("customers")[1]))


def _customers(town: Town) -> list[Row]:
    return town.shop.do(lambda store: [dict(row) for row in store.customers.values()])


def _accounts(town: Town) -> dict[str, int]:
    """Those of this test, by address: the store has some of its own."""
    return {row["email"]: int(row["id"]) for row in _customers(town) if row["email"].endswith("@made.example")}
