"""A connector is a folder, a line in the registry, and a row in the documents; nothing else knows it by name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from crossdock.cli.connectors import kinds
from crossdock.cli.main import app
from crossdock.erp.registry import BUILT_IN, abilities, settings_models

ROOT = Path(__file__).parent.parent.parent
FOLDERS = sorted({module.split(".")[2] for module in BUILT_IN.values()})
NAMED = [kind for kind in BUILT_IN if kind not in {"rest", "webhook", "tryton"}]  # older than the rule below


def rows() -> dict[str, list[str]]:
    lines = (ROOT / "docs/connectors.md").read_text().splitlines()
    return {found[1]: line.split("|") for line in lines if (found := re.match(r"\| `(\w+)` \|", line))}


def test_every_folder_of_an_erp_is_in_the_registry() -> None:
    found = sorted(one.parent.name for one in (ROOT / "src/crossdock/erp").glob("*/__init__.py"))
    assert found == FOLDERS


def test_every_kind_has_its_settings_and_says_what_it_can_do() -> None:
    assert [kind for kind, _ in settings_models()] == [kind for kind, _ in abilities()] == [*BUILT_IN]


@pytest.mark.parametrize("kind", [kind for kind, _ in kinds()])
def test_every_kind_has_a_row_that_tells_its_evidence(kind: str) -> None:
    assert rows()[kind][3].strip() == str(dict(kinds())[kind].evidence)


def test_no_row_is_about_a_kind_that_is_not_there() -> None:
    assert set(rows()) == {kind for kind, _ in kinds()}


@pytest.mark.parametrize("kind", [kind for kind in BUILT_IN if kind not in {"rest", "webhook"}])
def test_every_erp_says_what_it_guarantees_and_what_was_tested(kind: str) -> None:
    text = (ROOT / "src/crossdock/erp" / kind / "README.md").read_text()
    assert "guarantees" in text
    assert "[connections." in text


@pytest.mark.parametrize("kind", NAMED)
def test_nothing_outside_of_its_folder_knows_a_connector_but_one_line_of_the_registry(kind: str) -> None:
    """Its folder, its stand-in's and the registry: whoever adds one touches no other code."""
    own = ("erp/" + kind + "/", "sandbox/erps/" + kind)
    found = []
    for file in (ROOT / "src/crossdock").rglob("*.py"):
        place = file.relative_to(ROOT / "src/crossdock").as_posix()
        if not place.startswith(own):
            found += [(place, line) for line in file.read_text().splitlines() if re.search(rf"\b{kind}\b", line)]
    assert [place for place, _ in found] == ["erp/registry.py"], found


def test_the_verb_prints_all_of_them() -> None:
    done = CliRunner().invoke(app, ["connectors"])
    assert done.exit_code == 0
    assert all(re.search(rf"^{kind} ", done.stdout.replace("\n ", "\n"), re.MULTILINE) for kind, _ in kinds())
