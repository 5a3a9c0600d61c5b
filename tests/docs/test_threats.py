"""docs/threat-model.md: every threat has tests, every test that it names is there, and what is accepted says why."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "threat-model.md").read_text("utf-8")
HELD, ACCEPTED = PAGE.partition("## Threats")[2].split("## Accepted")


def rows(text: str) -> list[list[str]]:
    lines = [line.strip().strip("|").split("|") for line in text.splitlines() if re.match(r"\| [A-Z]\d+ \|", line)]
    return [[cell.strip() for cell in line] for line in lines]


@cache
def functions(path: str) -> frozenset[str]:
    """The tests of a file, by its syntax alone; none where there is no such file."""
    if not (ROOT / path).is_file():
        return frozenset()
    found = ast.walk(ast.parse((ROOT / path).read_text("utf-8")))
    return frozenset(one.name for one in found if isinstance(one, ast.FunctionDef) and one.name.startswith("test_"))


def missing(name: str) -> bool:
    path, _, function = name.partition("::")
    return not (function in functions(path) if function else functions(path))


@pytest.mark.parametrize("row", rows(HELD), ids=lambda row: row[0])
def test_every_threat_is_held_by_tests_that_are_there(row: list[str]) -> None:
    _, threat, holds, held = row
    named = re.findall(r"`(tests/[\w/.:]+)`", held)
    assert named, f"no test holds: {threat}"
    assert holds
    assert [one for one in named if missing(one)] == []
    assert len(named) == held.count("`") // 2, "something else than a test is named"


@pytest.mark.parametrize("row", rows(ACCEPTED), ids=lambda row: row[0])
def test_what_is_accepted_says_why(row: list[str]) -> None:
    _, threat, why = row
    assert threat
    assert len(why) > 40


def test_every_threat_has_a_name_of_its_own() -> None:
    names = [row[0] for row in (*rows(HELD), *rows(ACCEPTED))]
    assert len(names) == len(set(names))
    assert len(rows(HELD)) > 50
    assert len(rows(ACCEPTED)) > 5
    assert all(row[0].startswith("R") for row in rows(ACCEPTED))


@pytest.mark.parametrize(
    "word",
    [
        *(
            "forges",
            "replayed",
            "stolen",
            "CSRF",
            "XSS",
            "SSRF",
            "unfolds",
            "Deep",
            "SQL",
            "log",
            "backup",
            "taken over",
        ),
        *("master key", "trail", "viewer", "guessed", "fixation", "X-Forwarded-For", "poisoning", "TLS", "package"),
        *("Slow requests", "Clickjacking", "redirect"),
    ],
)
def test_no_kind_of_threat_is_forgotten(word: str) -> None:
    assert [row for row in (*rows(HELD), *rows(ACCEPTED)) if word in row[1] or word in row[2]]


def test_a_test_that_is_not_there_is_noticed() -> None:
    assert missing("tests/docs/test_threats.py::test_of_nothing")
    assert missing("tests/docs/test_nowhere.py")
    assert not missing("tests/docs/test_threats.py::test_what_is_accepted_says_why")
