"""Customers of a shadow route: compared with whom the ERP has, told to nobody; and whose they are from then on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from crossdock.app import utc_now
from crossdock.contract.shadow import Fate
from crossdock.delivery.store import DeadFilter
from crossdock.erasure import ANOTHERS, forget
from crossdock.flows.keys import effect_key
from crossdock.flows.shadow import share_of
from crossdock.operations import deliveries, shadow
from crossdock.operations.desk import Desk
from crossdock.storage.shadows import Comparison, ShadowFilter
from tests.databases import postgres_url, sqlite_url
from tests.walk.test_customers import World, world_with
from tests.walk.world import until

SHOWS = {"shows_customer": {"customer": "@"}}
PATHS = {"find_customer": "/customers?key={key}", "show_customer": "/customers?email={email}&website={website}"}
PEOPLE = ("customer:1", "customer:2", "customer:3")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.services)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
        return
    with postgres_url() as url:
        yield url


@contextmanager
def shadowing(folder: Path, database: str, mode: str = "shadow", **options: Any) -> Iterator[World]:
    route = {"mode": mode, "shadow_patience_s": 0} | options
    with world_with(folder, database, route=route, erp={"paths": PATHS, "answers": SHOWS}) as world:
        yield world


def by_the_old_glue(world: World, customer: int, **changes: Any) -> None:
    """As another integration has put it there, under a number of its own, with addresses under the ERP's."""
    row = world.customer(customer)
    told: dict[str, Any] = {
        "email": row["email"],
        "website": "base",
        "first_name": row["firstname"],
        "last_name": row["lastname"],
        "addresses": [
            {
                "number": f"A{place['id']}",
                "first_name": place["firstname"],
                "last_name": place["lastname"],
                "city": place["city"],
                "postcode": place["postcode"],
                "country": place["country_id"],
                "default_billing": place["default_billing"],
                "default_shipping": place["default_shipping"],
            }
            for place in row["addresses"]
        ],
    }
    world.erp.do(lambda erp: erp.people.edit(f"OLD-{customer}", told | changes))


def compared(world: World) -> Mapping[str, Comparison]:
    """The newest of each."""
    return {one.subject: one for one in world.crossdock.store.shadows.listed(ShadowFilter(flow="customers"))}


def again(world: World) -> None:
    """Compared once more, now that the other integration has done its work."""
    shadow.again(Desk(world.crossdock), ShadowFilter(target="erp"), "test", "it is there by now")
    world.quiet()


def writes(world: World) -> list[tuple[str, str, tuple[str, ...]]]:
    return world.erp.do(lambda erp: [*erp.people.told])


def test_customers_are_compared_and_told_to_nobody(tmp_path: Path, database: str) -> None:
    with shadowing(tmp_path, database) as world:
        until(lambda: {*compared(world)} == {*PEOPLE})
        world.quiet()
        assert compared(world)["customer:1"].fate is Fate.MISSING
        by_the_old_glue(world, 1)
        by_the_old_glue(world, 2, last_name="Rossini")
        world.erp.do(lambda erp: erp.people.kept.pop("X-2"))
        again(world)
        one, two = compared(world)["customer:1"], compared(world)["customer:2"]
        assert (one.fate, one.fields, one.number) == (Fate.EQUAL, (), "OLD-1")
        assert one.compared > 8
        assert "customer.group" in one.uncompared
        assert (two.fate, two.fields) == (Fate.DIFFERENT, ("customer.last_name",))
        assert writes(world) == []
        assert world.writes() == 0
        before = len(world.crossdock.store.known("store", "customer:1"))
        world.edit(1, lastname="Bianchi")
        until(lambda: len(world.crossdock.store.known("store", "customer:1")) > before)
        world.quiet()
        newest = world.crossdock.store.shadows.listed(ShadowFilter(subject="customer:1"))[-1]
        assert (newest.fate, newest.fields) == (Fate.DIFFERENT, ("customer.last_name",))
        world.edit(1, created_in="Elsewhere")  # says nothing new: it is not compared once more
        world.quiet()
        assert len(world.crossdock.store.known("store", "customer:1")) == before + 1
        shown = shadow.comparison(world.crossdock.store.shadows, newest.delivery, admin=False)
        assert [(value.ours, value.theirs) for value in shown.values] == [("***", "***")]


def test_a_canary_takes_its_share_of_customers_and_keeps_to_it(tmp_path: Path, database: str) -> None:
    shares = {one: share_of(effect_key("store", "customer", one.partition(":")[2], "carry")) for one in PEOPLE}
    small, middle, large = sorted(PEOPLE, key=lambda one: shares[one])
    percent = (shares[small] + shares[middle]) / Decimal(2)
    with shadowing(tmp_path, database, "canary", canary=float(percent)) as world:
        until(lambda: {*compared(world)} == {middle, large})
        number = world.carried(int(small.partition(":")[2]))
        assert {one for one, _, _ in writes(world)} == {number}
    with shadowing(tmp_path, database, "canary", canary=100) as world:  # the same database
        world.edit(int(middle.partition(":")[2]), lastname="Bianchi")
        until(lambda: len(world.crossdock.store.known("store", middle)) == 2)
        world.quiet()
        assert writes(world) == []  # who was shadowed stays the other's
        assert {one.state for one in world.crossdock.store.known("store", middle)} == {"shadowed"}


def test_customers_are_handed_over_by_a_person_and_are_ours_from_then_on(tmp_path: Path, database: str) -> None:
    with shadowing(tmp_path, database) as world:
        until(lambda: {*compared(world)} == {*PEOPLE})
        world.edit(1, lastname="Bianchi")
        until(lambda: len(world.crossdock.store.known("store", "customer:1")) == 2)
        world.quiet()
    with shadowing(tmp_path, database, "live") as world:
        before = len(world.crossdock.store.known("store", "customer:1"))
        world.edit(1, lastname="Verdi")
        until(lambda: len(world.crossdock.store.known("store", "customer:1")) > before)
        world.quiet()
        assert writes(world) == []
        done = shadow.send(Desk(world.crossdock), ShadowFilter(flow="customers"), "test", "the old glue is off")
        assert done.left == 0
        number = world.carried(1)
        until(lambda: world.known(number)["customer"]["last_name"] == "Verdi")
        world.quiet()
        assert {one for one, _, _ in writes(world)} == {number, "X-2", "X-3"}
        world.edit(1, lastname="Neri")
        until(lambda: world.known(number)["customer"]["last_name"] == "Neri")
        world.quiet()
        assert world.told(number)[-1] == ("last_name",)
        assert {*compared(world)} == set()


def test_an_erasure_of_a_shadowed_customer_waits_for_a_person_who_knows_whom(tmp_path: Path, database: str) -> None:
    with shadowing(tmp_path, database) as world:
        by_the_old_glue(world, 1)
        until(lambda: {*compared(world)} == {*PEOPLE})
        world.quiet()
        again(world)
        store = world.crossdock.store
        done = forget(store, world.crossdock.settings, store.fingerprint_of("customer1@example.com"), "ann", utc_now())
        assert ("erp" in done.carried, "store:customer:1" in done.erased) == (True, True)
        (waiting,) = store.dead(DeadFilter(flow="erasures", target="erp"))
        assert (waiting.reference, waiting.reason) == ("OLD-1", ANOTHERS)
        shown = store.shadows.whole(compared(world)["customer:1"].delivery)
        assert shown is not None
        assert shown.unlike == ()
        handed = shadow.send(Desk(world.crossdock), ShadowFilter(flow="customers"), "ann", "the old glue is off")
        assert handed.deliveries == 2  # there is nothing left of the third that could be sent
        store.replay([waiting.id], "ann", utc_now())  # by Crossdock after all
        world.crossdock.wake()
        until(lambda: world.erp.do(lambda erp: "OLD-1" in erp.people.forgotten))


def test_a_difference_has_its_time_too_while_another_integration_may_still_bring_the_edit(
    tmp_path: Path, database: str
) -> None:
    with shadowing(tmp_path, database, shadow_patience_s=3600) as world:

        def waiting() -> dict[str, tuple[str, str]]:
            rows = deliveries.page(Desk(world.crossdock), deliveries.Asked(flow="customers", state="pending")).rows
            return {one.subject: (one.state, one.reason) for one in rows}

        until(lambda: waiting().get("customer:1") == ("pending", "shadow: missing: the target does not have it"))
        by_the_old_glue(world, 1, last_name="Rossini")
        world.edit(1, lastname="Bianchi")
        differs = "shadow: differs from what is there as OLD-1: customer.last_name"
        until(lambda: ("pending", differs) == waiting().get("customer:1"))
        assert compared(world) == {}
