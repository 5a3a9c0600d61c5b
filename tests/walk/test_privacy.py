"""A person's data reaches the ERP and nothing else: not a log, not the timeline, not the trail, not the database file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crossdock.app import utc_now
from crossdock.delivery.store import DeadFilter
from tests.canaries import COMPANY, EMAIL, FIRST, LAST, PHONE, QUOTED, STREET, VAT, overheard, planted, sung
from tests.databases import sqlite_url
from tests.material import needs_shared
from tests.recorded_server import Reply
from tests.walk.test_customers import world_with as customers_in
from tests.walk.test_orders import world_in
from tests.walk.world import recorded, settled, until

pytestmark = needs_shared


@pytest.mark.parametrize("answer", [None, "rejected", "bug"])
def test_no_canary_sings_outside_the_erp(tmp_path: Path, answer: str | None) -> None:
    with overheard() as story, world_in(tmp_path) as world:
        if answer == "rejected":  # an ERP that quotes the customer in its error
            world.erp.before = [Reply(422, {"message": QUOTED})] * 5
        if answer == "bug":
            world.erp.before = [Reply(400, f"<html>{QUOTED}</html>".encode())] * 5
        number = world.shop.add(planted(recorded("001_smoke")))
        store = world.crossdock.store
        until(lambda: bool(world.shop.comments.get(number) or store.dead(DeadFilter())) and settled(world.crossdock))
        told = [str(one) for one in store.timeline("store", str(number))]
        told += [str(one) for one in store.dead(DeadFilter())]
        told += [json.dumps(row, default=str) for row in store.audit_export(bodies=False)]
        if answer is None:
            assert FIRST in json.dumps(world.erp.kept)
    told.append(story.getvalue())
    files = b"".join(path.read_bytes() for path in tmp_path.glob("crossdock.sqlite*"))
    for line in told:
        assert sung(line) == [], line
    assert sung(files) == []


@pytest.mark.parametrize("conflict", [False, True])
def test_no_canary_of_a_customer_sings_outside_the_two_ends(tmp_path: Path, conflict: bool) -> None:
    where = {"first_name": FIRST, "last_name": LAST, "street": [STREET], "city": "Wien", "country": "AT"}
    place = {"number": "A1", "telephone": PHONE, "company": COMPANY, "vat_id": VAT} | where
    with overheard() as story, customers_in(tmp_path, sqlite_url(tmp_path)) as world:
        bird: dict[str, object] = {"first_name": FIRST, "last_name": "Bird", "addresses": [place]}
        world.push("B-1", email=EMAIL, **bird)
        until(lambda: world.account(EMAIL) is not None and settled(world.crossdock))
        number = next(n for n, row in world.shop.do(lambda s: s.customers.items()) if row["email"] == EMAIL)
        world.edit(number, lastname=FIRST)
        until(lambda: world.known("B-1")["customer"]["last_name"] == FIRST)
        store = world.crossdock.store
        if conflict:  # a question to a person, and a refusal at the door
            world.push("B-1", middle_name="Anna")
            until(lambda: world.customer(number).get("middlename") == "Anna" and settled(world.crossdock))
            store.pause("erp", "test", "test", utc_now())
            world.edit(number, middlename=FIRST)
            world.push("B-1", middle_name=STREET)
            until(lambda: bool(world.dead()))
            store.resume("erp", "test", utc_now())
            assert world.push("B-2", email=PHONE).status_code == 400
        until(lambda: settled(world.crossdock))
        subject = f"customer:{number}"
        told = [str(one) for one in (*store.timeline("store", subject), *store.dead(DeadFilter()))]
        told += [str(one) for one in store.known("store", subject)]
        told += [json.dumps(row, default=str) for row in store.audit_export(bodies=False)]
        told += [world.http.get("/rest/V1/erp/customers/B-1").text]
    told.append(story.getvalue())
    files = b"".join(path.read_bytes() for path in tmp_path.glob("crossdock.sqlite*"))
    for line in told:
        assert sung(line) == [], line
    assert sung(files) == []


def test_erasing_a_person_makes_their_bodies_unreadable_and_the_chain_stays(tmp_path: Path) -> None:
    with world_in(tmp_path) as world:
        number = world.shop.add(planted(recorded("001_smoke")))
        world.done(number)
        store = world.crossdock.store
        assert FIRST in str([row["request"] for row in store.audit_export(bodies=True)])
        erased = store.erase(store.fingerprint_of(EMAIL), "test", utc_now())
        assert erased == [f"store:{number}"]
        assert FIRST not in str([row["request"] for row in store.audit_export(bodies=True)])
        assert store.audit_broken_at() is None


def test_a_changed_row_of_the_trail_is_found(tmp_path: Path) -> None:
    import sqlite3

    with world_in(tmp_path) as world:
        world.done(world.shop.add(recorded("001_smoke")))
        store = world.crossdock.store
        assert store.audit_broken_at() is None
        rows = store.audit_proof().rows
        with sqlite3.connect(tmp_path / "crossdock.sqlite") as thief:
            thief.execute("UPDATE audit SET status_code = 204 WHERE position = 2")
        thief.close()
        assert rows >= 3
        assert store.audit_broken_at() == 2
