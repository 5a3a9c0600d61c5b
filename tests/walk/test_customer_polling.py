"""Customers that an ERP lists, read into the store: each edit once, whoever has made it, over real HTTP."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from crossdock.app import Crossdock
from crossdock.cli.main import app
from crossdock.delivery.store import DeadFilter
from crossdock.feeds.polling import Road, RowReader, Tally
from crossdock.sandbox.faults import NONE, Bugs, Faults
from crossdock.settings import Settings
from tests.walk.files import toml
from tests.walk.test_customers import ADDRESS, World, database, world_with
from tests.walk.test_document_polling import scanned
from tests.walk.world import settled, until

__all__ = ["database"]
ROOT = Path(__file__).parent.parent.parent
ROAD = Road(source="erp", target="store", flow="customers")
FIELDS = {
    "number": "number",
    "as_of": "changed_at",
    "email": "email",
    "website": "website",
    "first_name": "first_name",
    "last_name": "last_name",
    "middle_name": "middle_name || ''",
    "vat_id": "vat_id",
    "group": "group",
    "attributes": "{club: attributes.club}",
    "addresses": "addresses[].{number: number, first_name: first_name, last_name: last_name, street: street, "
    "city: city, postcode: postcode, region: region, country: country, telephone: telephone, removed: removed, "
    "default_billing: default_billing, default_shipping: default_shipping}",
}
READS = {
    "path": "/customer-changes?after_seq={since}&limit={limit}",
    "change_field": "seq",
    "head_field": "head",
    "page_size": 4,
    "interval_s": 0.1,
    "fields": FIELDS,
}


@contextmanager
def town_of(folder: Path, url: str, faults: Faults = NONE, **options: Any) -> Iterator[World]:
    store = {"customers": {"attributes": ["club"]}}
    with world_with(folder, url, faults, reads={"customers": READS}, store=store, **options) as found:
        yield found


@pytest.fixture
def town(tmp_path: Path, database: str) -> Iterator[World]:
    with town_of(tmp_path, database) as found:
        yield found


def edit(world: World, number: str, **told: Any) -> None:
    """Somebody edits it at the ERP, which tells nobody: it is only listed."""
    world.erp.do(lambda erp: erp.people.edit(number, told))


@contextmanager
def reader_of(world: World) -> Iterator[RowReader]:
    """Of a Crossdock that does nothing by itself."""
    idle = Crossdock(world.crossdock.settings)
    try:
        yield idle.readers.by_road[ROAD]
    finally:
        idle.store.close()


def read_all(world: World) -> Tally:
    """Everything that is listed now, once more."""
    with reader_of(world) as reader:
        return scanned(reader, full=True)


def test_who_is_listed_is_made_once_and_then_only_what_changes_is_written(town: World) -> None:
    edit(town, "X-7", email="ada@example.com", first_name="Ada", last_name="Byron", website="base", group="Wholesale")
    edit(town, "X-7", addresses=[{"number": "A1"} | ADDRESS | {"default_billing": True}])
    until(lambda: town.account("ada@example.com") is not None)
    town.quiet()
    made = town.account("ada@example.com")
    assert made is not None
    assert (made["group_id"], made["website_id"], made["addresses"][0]["city"]) == (2, 1, "Torino")
    edit(town, "X-7", vat_id="IT7")
    until(lambda: (town.account("ada@example.com") or {}).get("taxvat") == "IT7")
    town.quiet()
    assert town.told("X-7") == [], "the ERP is told nothing of what it told itself"
    before = town.writes()
    assert read_all(town).changed == 0, "what was heard is not heard again"
    town.quiet()
    assert town.writes() == before
    assert town.dead() == []


def test_what_the_store_told_comes_back_in_the_list_and_makes_no_work(town: World) -> None:
    number = town.carried(1)
    town.edit(1, lastname="Bianchi")
    until(lambda: town.known(number)["customer"]["last_name"] == "Bianchi")
    town.quiet()
    before = len(town.told(number)), town.writes()
    read_all(town)
    town.quiet()
    assert (len(town.told(number)), town.writes()) == before
    assert town.customer(1)["lastname"] == "Bianchi"


def test_a_customer_that_is_pushed_and_listed_is_made_once(town: World) -> None:
    told = {"email": "ada@example.com", "first_name": "Ada", "last_name": "Byron", "website": "base"}
    assert town.push("X-7", **told).status_code == 202  # the list has it too, with a time of its own
    until(lambda: town.account("ada@example.com") is not None)
    town.quiet()
    read_all(town)
    town.quiet()
    made = town.shop.do(lambda store: [row["email"] for row in store.customers.values()])
    assert made.count("ada@example.com") == 1
    assert town.dead() == []


def test_forth_and_back_is_told_twice(town: World) -> None:
    number = town.carried(1)
    for name in ("Uno", "Due", "Uno", "Due"):
        edit(town, number, last_name=name)
        until(lambda name=name: town.customer(1)["lastname"] == name)  # type: ignore[misc]
        town.quiet()


def test_a_null_wipes_nothing_and_an_empty_text_does(town: World) -> None:
    number = town.carried(1)
    edit(town, number, vat_id="IT1", middle_name="Anna", attributes={"club": "gold"})
    until(lambda: town.customer(1).get("middlename") == "Anna")
    town.quiet()
    edit(town, number, vat_id=None, middle_name=None, attributes={"club": None})
    until(lambda: not town.customer(1).get("middlename"))
    town.quiet()
    assert town.customer(1)["taxvat"] == "IT1"
    assert {"attribute_code": "club", "value": "gold"} in town.customer(1)["custom_attributes"]


def test_an_edit_on_both_sides_while_it_is_polled_ends_alike(town: World) -> None:
    number = town.carried(1)
    town.quiet()
    names = ("lastname", "last_name"), ("firstname", "first_name")
    stop = threading.Event()

    def at_the_erp() -> None:
        for turn in range(12):
            edit(town, number, last_name=f"Erp {turn}", group=("Wholesale", "General")[turn % 2])
            stop.wait(0.05)

    other = threading.Thread(target=at_the_erp)
    other.start()
    for turn in range(12):
        town.edit(1, lastname=f"Store {turn}", firstname=f"Mario {turn}")
        stop.wait(0.05)
    other.join()

    def alike() -> bool:
        here, there = town.customer(1), town.known(number)["customer"]
        groups = {1: "General", 2: "Wholesale"}
        return settled(town.crossdock) and all(
            (*(here[ours] == there[theirs] for ours, theirs in names), groups[here["group_id"]] == there["group"])
        )

    until(alike, 60)
    read_all(town)
    until(alike)
    before = len(town.told(number)), town.writes()
    read_all(town)
    town.quiet()
    assert (len(town.told(number)), town.writes()) == before, "it does not go back and forth"
    assert town.dead() == []
    assert town.known(number)["customer"]["group"] == "General", "the ERP's own field is as the ERP had it"


def test_the_owners_word_stands_also_where_it_is_only_read(town: World) -> None:
    number = town.carried(1)
    edit(town, number, vat_id="IT1")
    until(lambda: town.customer(1).get("taxvat") == "IT1")
    town.quiet()
    town.edit(1, taxvat="IT666")  # the ERP's field
    until(lambda: town.customer(1).get("taxvat") == "IT1")
    edit(town, number, email="thief@example.com")  # the store's field
    until(lambda: town.known(number)["email"] == "thief@example.com" or ("email",) in town.told(number))
    until(lambda: ("email",) in town.told(number))
    town.quiet()
    assert town.customer(1)["email"] == "customer1@example.com"


def test_where_a_person_must_say_they_are_asked(town: World) -> None:
    number = town.carried(1)
    edit(town, number, middle_name="Anna")
    until(lambda: town.customer(1).get("middlename") == "Anna")
    town.quiet()
    town.crossdock.store.pause("erp", "test", "test", datetime.now(UTC))
    town.edit(1, middlename="Bruna")
    edit(town, number, middle_name="Clara")
    until(lambda: bool(town.dead()))
    assert "changed on both sides: middle_name" in town.dead()[0]
    assert "Clara" not in str(town.dead())


def test_a_row_that_is_wrong_is_kept_without_a_value_and_holds_up_nothing(town: World) -> None:
    rows: list[dict[str, Any]] = [
        {"number": "Z-1", "email": "no address at all"},
        {"number": None, "email": "z2@example.com"},
        {"number": "Z-4", "email": "z4@example.com", "first_name": "Z", "last_name": "Four", "website": "base"},
    ]
    town.erp.do(lambda erp: erp.lists["customer-changes"].change(rows))
    until(lambda: town.account("z4@example.com") is not None and len(town.dead()) == 2)
    town.quiet()
    letters = town.crossdock.store.dead(DeadFilter())
    assert sorted(one.reason for one in letters) == ["email: is no e-mail address", "number: is missing"]
    assert {one.owner for one in letters} == {"business"}
    told = str(letters)
    assert "no address at all" not in told
    assert "z2@example.com" not in told
    fingerprint = town.crossdock.connections.keyed("z2@example.com")
    assert len(town.crossdock.store.subjects_about(fingerprint)) == 1, "who wishes to be forgotten is found there too"


def test_what_is_committed_late_is_read_too(tmp_path: Path, database: str) -> None:
    with town_of(tmp_path, database) as town:
        town.erp.set_faults(Faults(bugs=Bugs(late_commits=0.5, late_commit_s=0.7)))
        for n in range(8):
            edit(town, f"L-{n}", email=f"l{n}@example.com", first_name="L", last_name=str(n), website="base")
        until(lambda: all(town.account(f"l{n}@example.com") for n in range(8)), 60)


def test_of_many_only_one_reads(town: World) -> None:
    told = town.crossdock.settings.model_dump(exclude_unset=True)
    town.quiet()
    town.serving.stop()
    crowd = [Crossdock(Settings.model_validate(told)) for _ in range(4)]
    scanned(crowd[0].readers.by_road[ROAD])
    for n in range(9):
        edit(town, f"M-{n}", email=f"m{n}@example.com", first_name="M", last_name=str(n), website="base")
    barrier, came = threading.Barrier(len(crowd)), []

    def go(one: Crossdock) -> None:
        barrier.wait()
        came.append(one.readers.by_road[ROAD].scan())

    threads = [threading.Thread(target=go, args=(one,)) for one in crowd]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in crowd:
        one.store.close()
    assert sum(tally.changed for tally in came if tally is not None) == 9, "every row once"


@pytest.mark.parametrize(
    ("database", "point", "nth"),
    [("sqlite", "rows-read", 2), ("sqlite", "rows-stored", 1), ("postgresql", "rows-stored", 2)],
    indirect=["database"],
)
def test_killed_between_two_pages_nobody_is_lost_or_doubled(
    tmp_path: Path,
    database: str,
    point: str,
    nth: int,
) -> None:
    with town_of(tmp_path, database) as town:
        told = town.crossdock.settings.model_dump(mode="json", exclude_unset=True)
        town.serving.stop()
        for n in range(9):
            edit(town, f"K-{n}", email=f"k{n}@example.com", first_name="K", last_name=str(n), website="base")
        config = tmp_path / "crossdock.toml"
        config.write_text(toml(told))
        words = [sys.executable, "-m", "tests.chaos.level_child", str(config), point, str(nth)]
        with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL) as doomed:
            assert doomed.wait(60) == -9, "it did not come to that step"
        with subprocess.Popen([*words[:-2], "never", "1"], cwd=ROOT, stdout=subprocess.DEVNULL) as living:
            until(lambda: all(town.account(f"k{n}@example.com") for n in range(9)), 60)
            living.terminate()
            living.wait(30)
        emails = town.shop.do(lambda store: [row["email"] for row in store.customers.values()])
        assert len(emails) == len(set(emails))
        known = town.erp.do(lambda erp: [row["reference"] for row in erp.people.kept.values() if "reference" in row])
        assert len(known) == len(set(known))


def test_a_schedule_says_when_customers_are_read(town: World, tmp_path: Path) -> None:
    told = town.crossdock.settings.model_dump(exclude_unset=True)
    town.quiet()
    told["routes"][-1]["schedules"] = {"customers": [{"cron": "0 3 * * *", "full": True}]}
    config = tmp_path / "crossdock.toml"
    plain = Settings.model_validate(told).model_dump(mode="json", exclude_unset=True)
    config.write_text(toml(plain))
    listed = CliRunner().invoke(app, ["schedule", "list", "--config", str(config)], env={"COLUMNS": "300"})
    assert "erp/store/customers" in listed.output
    town.serving.stop()
    edit(town, "S-1", email="s1@example.com", first_name="S", last_name="One", website="base")
    ran = CliRunner().invoke(app, ["schedule", "run", "erp/store/customers", "--config", str(config)])
    assert (ran.exit_code, "1 changed" in ran.output) == (0, True), ran.output


def test_who_waits_to_be_known_is_forgotten_too(town: World) -> None:
    """A word that is not looked at to its end yet, and one that cannot be read: both hold a person's data."""
    edit(town, "W-1", email="w1@example.com", vat_id="IT1", website="base")  # too little to make somebody
    edit(town, "W:2", email="w1@example.com", website="base")  # no number that can be read
    store = town.crossdock.store

    def waiting() -> list[str]:
        return store.subjects_about(town.crossdock.connections.keyed("w1@example.com"))

    until(lambda: len(waiting()) == 2 and len(town.dead()) == 1)
    erased = store.erase(town.crossdock.connections.keyed("w1@example.com"), "test", datetime.now(UTC))
    assert sorted(erased) == sorted(waiting())
    (letter,) = store.dead(DeadFilter())
    found = store.delivery(letter.id)
    assert found is not None
    assert found[1].payload == b"", "it can never be read again"
    assert store.replay([letter.id], "test", datetime.now(UTC)) == 1
    town.crossdock.wake()
    until(lambda: store.delivery(letter.id)[0].reason == "the source does not have it (yet)")  # type: ignore[index]
    assert town.account("w1@example.com") is None


def test_what_is_put_right_comes_again_and_what_was_wrong_stays_so(town: World) -> None:
    """Put right at the ERP it comes again; the wrong one stays wrong, however often it is tried."""
    told = {"number": "Q-1", "email": "q1@example.com", "first_name": "Q", "last_name": "One", "website": "base"}
    wrong = [told, {"number": "Q-2", "email": "nobody", "website": "base"}]
    town.erp.do(lambda erp: erp.lists["customer-changes"].change(wrong))
    until(lambda: town.account("q1@example.com") is not None and len(town.dead()) == 1)
    town.erp.do(lambda erp: erp.lists["customer-changes"].change([told | {"number": "Q-2", "email": "q2@example.com"}]))
    until(lambda: town.account("q2@example.com") is not None)
    town.quiet()
    (letter,) = town.crossdock.store.dead(DeadFilter())
    assert town.crossdock.store.replay([letter.id], "test", datetime.now(UTC)) == 1
    town.crossdock.wake()
    until(lambda: town.dead() == ["customer_pushes: email: is no e-mail address"])
