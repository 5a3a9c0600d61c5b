"""The diagrams say what the code does: drawn anew they are the same, and what they are drawn from is seen to be true."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table

from crossdock.delivery.records import State
from tools.diagrams import layered, rooms, states, tables
from tools.diagrams.__main__ import FOLDER, drawings

NAMES = ["rooms.svg", "states.svg", "tables.svg"]


@pytest.fixture(scope="module")
def drawn() -> dict[str, str]:
    return drawings()


@pytest.mark.parametrize("name", NAMES)
def test_the_diagram_is_current(drawn: dict[str, str], name: str) -> None:
    assert (FOLDER / name).read_text("utf-8") == drawn[name], "run: python -m tools.diagrams"


def test_there_is_no_other_and_each_stands_on_a_page(drawn: dict[str, str]) -> None:
    assert sorted(drawn) == NAMES == sorted(one.name for one in FOLDER.glob("*.svg"))
    pages = "".join(page.read_text("utf-8") for page in FOLDER.parent.rglob("*.md"))
    assert [name for name in NAMES if f"](diagrams/{name})" not in pages] == []


@pytest.mark.parametrize("name", NAMES)
def test_it_is_an_svg_that_fetches_nothing(name: str) -> None:
    text = (FOLDER / name).read_text("utf-8")
    assert ET.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
    assert text.count("http") == 1  # the name space
    assert "prefers-color-scheme:dark" in text


def test_an_import_changes_the_picture_of_rooms() -> None:
    rows = [["top"], ["left", "right"], ["low"]]
    once = rooms.drawing(rows, {"top": {"left", "right"}, "left": {"low"}})
    assert once != rooms.drawing(rows, {"top": {"left", "right"}, "left": {"low"}, "right": {"low"}})
    assert once.count('class="way"') == 3


def test_an_import_that_follows_from_two_others_is_left_out() -> None:
    assert rooms.shortened({"a": {"b", "c"}, "b": {"c"}}) == [("a", "b"), ("b", "c")]
    assert rooms.shortened({"a": {"b", "c"}}) == [("a", "b"), ("a", "c")]


def test_every_room_of_the_contract_is_drawn(drawn: dict[str, str]) -> None:
    named = {room for row in rooms.layers() for room in row}
    assert len(named) > 20
    assert [room for room in named if f">{room}<" not in drawn["rooms.svg"] and room not in rooms.READ_BY_ALL] == []


def test_arrows_that_can_be_uncrossed_are() -> None:
    rows = [["a", "b"], ["c", "d"]]
    placed, paths = layered.threaded(rows, [("a", "d"), ("b", "c")])
    below = {"a": ["d"], "b": ["c"]}
    assert layered.crossings(placed, below) == 1
    assert layered.crossings(layered.ordered(placed, paths), below) == 0


def test_an_arrow_through_rows_has_a_place_in_each() -> None:
    placed, paths = layered.threaded([["a"], ["b"], ["c"]], [("a", "c")])
    assert paths["a", "c"] == ["a", "a>c@1", "c"]
    assert placed[1] == ["b", "a>c@1"]
    x = layered.across(placed, paths, {"b": 100.0})
    assert abs(x["a>c@1"] - x["b"]) >= 100 / 2 + layered.THIN / 2 + layered.SPACE


def test_a_state_that_is_not_drawn_yet_is_told() -> None:
    assert {end for _, end in states.MOVES} == set(State)


def test_a_foreign_key_and_a_column_that_means_one_are_told_apart() -> None:
    metadata = MetaData()
    Table("users", metadata, Column("id", Integer, primary_key=True))
    Table("sessions", metadata, Column("user_id", Integer))
    Table("kept", metadata, Column("user", Integer, ForeignKey("users.id")))
    assert tables.references(metadata.sorted_tables) == ([("kept", "users")], [("sessions", "users")])
    assert tables.drawing(metadata).count("way broken") == 1


def test_every_file_and_room_that_the_page_names_is_there() -> None:
    text = (FOLDER.parent / "architecture.md").read_text("utf-8")
    house = FOLDER.parents[1] / "src/crossdock"
    files = re.findall(r"`(\w+(?:/\w+)*\.py)`", text)
    folders = re.findall(r"`([a-z]+)/`", text)
    assert len(files) > 5
    assert [name for name in files if not (house / name).is_file()] == []
    assert [name for name in folders if not (house / name).is_dir()] == []
    rooms_there = {one.name for one in house.iterdir() if (one / "__init__.py").exists()}
    assert sorted(rooms_there - set(folders)) == [], "rooms without a row in the table"
    named = [
        room for row in re.findall(r"^\| (`[^|]+) \|", text, re.MULTILINE) for room in re.findall(r"`(\w+/)`", row)
    ]
    assert sorted({room for room in named if named.count(room) > 1}) == [], "rooms with two rows"
