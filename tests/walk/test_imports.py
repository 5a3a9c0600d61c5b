"""`crossdock import` and `crossdock held`, as a person uses them: a file in every form, to the store's source items."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from crossdock.cli.main import app
from tests.walk.files import toml
from tests.walk.test_inventory import World, world_with
from tests.walk.world import settled, until

ROWS = [("SIM-0001", "61", "MI"), ("SIM-0002", "12.5", "RM"), ("SIM-0003", "0", "MI")]
NAMES = ("sku", "qty", "warehouse")
runner = CliRunner()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with world_with(tmp_path, f"sqlite:///{tmp_path}/crossdock.sqlite", zero_percent=50, least_rows=2) as found:
        settings = found.crossdock.settings.model_dump(mode="json", exclude_unset=True)
        (tmp_path / "crossdock.toml").write_text(toml(settings))
        yield found


def ran(folder: Path, *words: str) -> Any:
    return runner.invoke(app, [*words, "--config", str(folder / "crossdock.toml")])


def as_csv(path: Path, separator: str = ",") -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file, delimiter=separator).writerows([NAMES, *ROWS])
    return path


def as_json_lines(path: Path) -> Path:
    path.write_text("\n".join(json.dumps(dict(zip(NAMES, row, strict=True))) for row in ROWS) + "\n")
    return path


def as_xlsx(path: Path) -> Path:
    book = openpyxl.Workbook()
    book.active.append(NAMES)
    for sku, qty, place in ROWS:
        book.active.append([sku, float(qty), place])
    book.save(path)
    return path


def as_parquet(path: Path) -> Path:
    columns = {name: [row[at] for row in ROWS] for at, name in enumerate(NAMES)}
    pq.write_table(pa.table(columns), path)
    return path


FILES = {
    "comma": lambda folder: as_csv(folder / "a.csv"),
    "semicolon": lambda folder: as_csv(folder / "b.csv", ";"),
    "tab": lambda folder: as_csv(folder / "c.tsv", "\t"),
    "json-lines": lambda folder: as_json_lines(folder / "d.jsonl"),
    "xlsx": lambda folder: as_xlsx(folder / "e.xlsx"),
    "parquet": lambda folder: as_parquet(folder / "f.parquet"),
}


@pytest.mark.parametrize("form", FILES)
def test_a_file_of_every_form_reaches_the_store(world: World, tmp_path: Path, form: str) -> None:
    told = ran(tmp_path, "import", "inventory", str(FILES[form](tmp_path)))
    assert told.exit_code == 0, told.output
    assert "3 rows, 3 changed" in told.output
    until(lambda: world.level("SIM-0003") == (0, 0) and world.level("SIM-0002", "wh_rome") == (12.5, 1))
    until(lambda: world.level("SIM-0001") == (61, 1))
    until(lambda: settled(world.crossdock))
    again = ran(tmp_path, "import", "inventory", str(FILES[form](tmp_path)))
    assert "0 changed, 3 unchanged" in again.output


def test_rejected_rows_are_reported_with_line_and_column(world: World, tmp_path: Path) -> None:
    file = tmp_path / "bad.csv"
    file.write_text('sku,qty,warehouse\nSIM-0001,5,MI\n,3,MI\n"SIM\n-0002",many,MI\nSIM-0003,1,nowhere\n')
    told = ran(tmp_path, "import", "inventory", str(file), "--report", str(tmp_path / "report.csv"))
    assert told.exit_code == 1
    with (tmp_path / "report.csv").open(newline="") as report:
        rows = [(row["line"], row["column"]) for row in csv.DictReader(report)]
    assert rows == [("3", "sku"), ("5", "qty"), ("6", "warehouse")], "the row before had a line break in its SKU"
    until(lambda: world.level("SIM-0001") == (5, 1))


def test_a_dry_run_changes_nothing(world: World, tmp_path: Path) -> None:
    told = ran(tmp_path, "import", "inventory", str(as_csv(tmp_path / "a.csv")), "--dry-run")
    assert told.exit_code == 0
    assert "nothing -> 61" in told.output
    assert world.writes() == 0
    assert world.crossdock.store.counts() == {}


def test_columns_may_have_other_names(world: World, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("ITEM,ON HAND,warehouse\nSIM-0001,7,MI\n")
    told = ran(tmp_path, "import", "inventory", str(file), "--column", "sku=ITEM", "--column", "qty=ON HAND")
    assert told.exit_code == 0, told.output
    until(lambda: world.level("SIM-0001") == (7, 1))


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.txt", "x", "is none of"),
        ("a.csv", "sku,qty\nSIM-0001\n", "line 2 has 1 values"),
        ("a.jsonl", "{}\n[1]\n", "line 2 is no JSON object"),
        ("a.csv", "sku\xff,qty\n", "not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_says_where(world: World, tmp_path: Path, name: str, content: str, why: str) -> None:
    (tmp_path / name).write_bytes(content.encode("latin-1"))
    told = ran(tmp_path, "import", "inventory", str(tmp_path / name))
    assert told.exit_code in {1, 2}
    assert why in told.output + told.stderr
    assert world.writes() == 0


def test_a_held_file_is_listed_and_decided(world: World, tmp_path: Path) -> None:
    ran(tmp_path, "import", "inventory", str(as_csv(tmp_path / "a.csv")))
    until(lambda: world.level("SIM-0003") == (0, 0) and settled(world.crossdock))
    (tmp_path / "zero.csv").write_text("sku,qty,warehouse\nSIM-0001,0,MI\nSIM-0002,0,RM\nSIM-0003,0,MI\n")
    told = ran(tmp_path, "import", "inventory", str(tmp_path / "zero.csv"))
    assert told.exit_code == 4, told.output
    listed = json.loads(ran(tmp_path, "held", "list", "--json").stdout)
    assert [(one["changed"], one["reason"][:7]) for one in listed] == [(2, "2 of 3 ")]
    number = str(listed[0]["id"])
    assert ran(tmp_path, "held", "reject", number, "--why", "a test").exit_code == 0
    assert ran(tmp_path, "held", "approve", number, "--why", "too late").exit_code == 1
    assert "nothing is held" in ran(tmp_path, "held", "list").output
    assert world.level("SIM-0001") == (61, 1)
    second = json.loads(json.dumps(ran(tmp_path, "import", "inventory", str(tmp_path / "zero.csv")).exit_code))
    assert second == 4
    (waiting,) = json.loads(ran(tmp_path, "held", "list", "--json").stdout)
    assert ran(tmp_path, "held", "approve", str(waiting["id"]), "--why", "sold out").exit_code == 0
    until(lambda: world.level("SIM-0001") == (0, 0) and world.level("SIM-0002", "wh_rome") == (0, 0))
