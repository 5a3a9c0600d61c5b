"""Customers out of files to the store: one row a customer or an address, or the body of a push a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from crossdock.cli.main import app
from crossdock.delivery.store import DeadFilter
from crossdock.flows.customer_tables import COLUMNS
from tests.databases import sqlite_url
from tests.long import only_at_length
from tests.walk.files import toml
from tests.walk.tables import FORMS, written
from tests.walk.test_customers import World, database, world_with
from tests.walk.world import until

__all__ = ["database"]
runner = CliRunner()
STORE = {"customers": {"attributes": ["tier"]}}
Row = dict[str, Any]


@contextmanager
def world_of(folder: Path, url: str) -> Iterator[World]:
    with world_with(folder, url, store=STORE) as found:
        (folder / "crossdock.toml").write_text(
            toml(found.crossdock.settings.model_dump(mode="json", exclude_unset=True))
        )
        yield found


@pytest.fixture
def world(tmp_path: Path, database: str) -> Iterator[World]:
    with world_of(tmp_path, database) as found:
        yield found


def ran(folder: Path, file: Path, *words: str) -> Result:
    return runner.invoke(app, ["import", "customers", str(file), "--config", str(folder / "crossdock.toml"), *words])


def imported(folder: Path, name: str, content: str, *words: str) -> Result:
    (folder / name).write_text(content)
    return ran(folder, folder / name, *words)


def people(form: str) -> list[Row]:
    """Ada with two addresses, Bob with none; with the types that a sheet or a table keeps."""
    day: Any = date(1980, 1, 2) if form in {"xlsx", "parquet"} else "1980-01-02"
    ada = {"number": 77, "email": "Ada@Example.com", "first_name": "Ada", "last_name": "Byron", "birthday": day}
    home = {"number": "A1", "street": "Via Po 3|Scala B", "city": "Torino", "postcode": 10100, "default_billing": True}
    work = {"number": "A2", "street": "Via Roma 1", "city": "Milano", "postcode": 20100, "default_billing": None}
    rest = {"first_name": "Ada", "last_name": "Byron", "country": "IT"}
    empty = dict.fromkeys([*home, *rest])

    def row(head: Row, address: Row) -> Row:
        return head | {f"address.{name}": value for name, value in address.items()}

    def more(tier: str | None, group: str | None) -> Row:
        return {"attributes.tier": tier, "group": group}

    bob = {"number": 78, "email": "bob@example.com", "first_name": "Bob", "last_name": "Ray", "birthday": None}
    return [
        row(ada | more("gold", "Wholesale"), home | rest),
        row(dict.fromkeys(ada) | {"number": 77} | more(None, None), work | rest),
        row(bob | more(None, None), empty),
    ]


@pytest.mark.parametrize("form", FORMS)
def test_customers_out_of_a_file_of_every_form(world: World, database: str, tmp_path: Path, form: str) -> None:
    if form != "csv" and database.startswith("postgres"):
        only_at_length("the form is nothing to the database")
    file = written(tmp_path, form, people(form) if form != "jsonl" else pushes())
    told = ran(tmp_path, file)
    assert told.exit_code == 0, (told.output, told.exception)
    assert "2 customers, 2 new, 0 rejected" in told.output
    until(lambda: world.account("ada@example.com") is not None and world.account("bob@example.com") is not None)
    world.quiet()
    ada = world.account("ada@example.com")
    assert ada is not None
    assert (ada["group_id"], ada["dob"], ada["website_id"]) == (2, "1980-01-02", 1)
    assert {"attribute_code": "tier", "value": "gold"} in ada["custom_attributes"]
    told_of = [(one["city"], one["street"], one["postcode"]) for one in ada["addresses"]]
    assert told_of == [("Torino", ["Via Po 3", "Scala B"], "10100"), ("Milano", ["Via Roma 1"], "20100")]
    assert ada["default_billing"] == str(ada["addresses"][0]["id"])
    before = world.writes()
    assert ran(tmp_path, file).exit_code == 0
    world.quiet()
    assert world.writes() == before, "importing it again changes nothing where nothing has changed since"
    assert world.dead() == []


def pushes() -> list[Row]:
    address = {"first_name": "Ada", "last_name": "Byron", "country": "IT"}
    ada = {"number": "77", "email": "ada@example.com", "first_name": "Ada", "last_name": "Byron", "group": "Wholesale"}
    ada |= {"birthday": "1980-01-02"}
    home = {"number": "A1", "street": ["Via Po 3", "Scala B"], "city": "Torino", "postcode": "10100"}
    work = {"number": "A2", "street": ["Via Roma 1"], "city": "Milano", "postcode": "20100"}
    homes = [home | address | {"default_billing": True}, work | address]
    bob = {"number": "78", "email": "bob@example.com", "first_name": "Bob", "last_name": "Ray"}
    return [ada | {"attributes": {"tier": "gold"}, "addresses": homes}, bob]


def test_a_dry_run_names_fields_and_stores_nothing(world: World, tmp_path: Path) -> None:
    number = world.carried(1)
    rows = f"number,last_name,vat_id\n{number},Rossi 1,IT1\n{number},Rossi 1,\nX-9,Nine,IT9\n".replace(
        f"{number},Rossi 1,\nX-9", "X-9"
    )
    before = world.crossdock.store.counts()
    told = imported(tmp_path, "a.csv", rows, "--dry-run")
    assert told.output.splitlines()[:2] == [f"line 2 {number}: changed: vat_id", "line 3 X-9: new"]
    assert world.crossdock.store.counts() == before
    assert "IT1" not in told.output
    assert imported(tmp_path, "a.csv", rows.replace("X-9,Nine,IT9\n", "")).exit_code == 0
    until(lambda: world.customer(1).get("taxvat") == "IT1")
    world.quiet()
    again = imported(tmp_path, "a.csv", rows, "--dry-run")
    assert f"line 2 {number}: unchanged" in again.output


def test_what_is_wrong_is_reported_with_line_and_column_and_never_a_value(world: World, tmp_path: Path) -> None:
    rows = [
        "number,email,first_name,last_name,as_of,clear,address.number,address.city,erase",
        "R-1,nobody,Secret,One,,,,,",
        "R-2,r2@example.com,Secret,Two,2026-11-25T10:00:00,,,,",
        "R-3,r3@example.com,Secret,Three,,,A1,Torino,",
        "R-3,,Other,,,,,,",
        "R-4,r4@example.com,Secret,Four,,,A1,Torino,",
        "R-5,r5@example.com,Secret,Five,,first_name,,,",
        "R-6,r6@example.com,Secret,Six,,,,,yes",
        ",r7@example.com,Secret,Seven,,,,,",
        "R-8,r8@example.com,Good,Eight,,,,,",
    ]
    report = tmp_path / "report.csv"
    told = imported(tmp_path, "bad.csv", "\n".join(rows), "--report", str(report))
    assert told.exit_code == 1, told.output
    assert report.read_text().splitlines() == [
        "line,reference,column,reason",
        "2,R-1,email,is no e-mail address",
        "3,R-2,as_of,has no time zone",
        "4,,first_name,in line 5 differs from line 4",
        "6,R-4,addresses[0].street,is missing",
        "7,,clear,names a field that the row has a value for",
        "8,R-6,erase,there is no such field",
        "9,,number,is missing",
    ]
    assert "Secret" not in told.output
    assert "1 new, 7 rejected" in told.output
    until(lambda: world.account("r8@example.com") is not None)
    world.quiet()
    assert world.crossdock.store.dead(DeadFilter()) == [], "whoever imports is told; nobody else has to look"


def test_an_empty_cell_wipes_nothing_and_clear_does(tmp_path: Path) -> None:
    with world_of(tmp_path, sqlite_url(tmp_path)) as world:
        number = world.carried(1)
        first = f"number,vat_id,middle_name,attributes.tier,clear\n{number},IT1,Anna,gold,\n"
        assert imported(tmp_path, "a.csv", first).exit_code == 0
        until(lambda: world.customer(1).get("middlename") == "Anna")
        world.quiet()
        second = f"number,vat_id,middle_name,attributes.tier,clear\n{number},,,,middle_name|attributes.tier\n"
        assert imported(tmp_path, "b.csv", second).exit_code == 0
        until(lambda: not world.customer(1).get("middlename"))
        world.quiet()
        assert world.customer(1)["taxvat"] == "IT1"
        assert not [one for one in world.customer(1)["custom_attributes"] if one["attribute_code"] == "tier"]
        assert world.customer(1)["lastname"] == "Rossi 1"


def test_a_file_that_says_what_was_said_before_is_not_swallowed(tmp_path: Path) -> None:
    """Neither without a time of its own nor with one: what stands in between is another state."""
    with world_of(tmp_path, sqlite_url(tmp_path)) as world:
        number = world.carried(1)
        for name in ("Uno", "Due", "Uno"):
            assert imported(tmp_path, "a.csv", f"number,last_name\n{number},{name}\n").exit_code == 0
            until(lambda name=name: world.customer(1)["lastname"] == name)  # type: ignore[misc]
            world.quiet()
        world.edit(1, lastname="Store")
        until(lambda: world.known(number)["customer"]["last_name"] == "Store")
        world.quiet()
        old = f"number,last_name,as_of\n{number},Old,2020-01-01T00:00:00Z\n"
        assert imported(tmp_path, "old.csv", old).exit_code == 0
        world.quiet()
        assert world.customer(1)["lastname"] == "Store", "what is older than what stands is nobody's word"
        assert "1 duplicate" in imported(tmp_path, "old.csv", old).output


def test_nobody_is_erased_by_a_file(tmp_path: Path) -> None:
    with world_of(tmp_path, sqlite_url(tmp_path)) as world:
        number = world.carried(1)
        for told in ({"erase": True}, {"erasure": "yes"}, {"removed": True}, {"deleted": True}):
            assert imported(tmp_path, "a.jsonl", json.dumps({"number": number} | told)).exit_code == 1
        world.quiet()
        assert world.customer(1)["email"] == "customer1@example.com"
        assert not world.crossdock.store.is_erased("store", "customer:1")


def test_the_template_names_every_column() -> None:
    told = runner.invoke(app, ["import", "customers", "--template"]).output.strip().split(",")
    assert tuple(told) == COLUMNS
    assert {"number", "email", "clear", "address.street", "address.default_billing"} <= set(told)
