"""What the documents promise to be complete about is held against the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from crossdock import errors
from crossdock.cli.main import app
from crossdock.sandbox.admin import MOVES
from crossdock.sandbox.faults import CLASSES, Bugs, Faults
from crossdock.sandbox.house import House
from crossdock.sandbox.orders import KINDS

ROOT = Path(__file__).parent.parent.parent


def codes(kind: type[errors.CrossdockError] = errors.CrossdockError) -> set[str]:
    return {kind.code}.union(*(codes(sub) for sub in kind.__subclasses__()))


@pytest.mark.parametrize("code", sorted(codes() | {"unexpected", "parked"}))
def test_every_error_code_is_in_the_runbook(code: str) -> None:
    table = [line for line in (ROOT / "docs/runbook.md").read_text().splitlines() if line.startswith("| `")]
    assert any(f"`{code}`" in line.split("|")[1] for line in table)


def verbs() -> list[str]:
    root = typer.main.get_command(app)
    found = []
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        found += [f"crossdock {name} {sub}" for sub in inner] if inner else [f"crossdock {name}"]
    return sorted(found)


@pytest.mark.parametrize("verb", verbs())
def test_every_verb_is_in_the_reference(verb: str) -> None:
    assert f"`{verb}" in (ROOT / "docs/reference/cli.md").read_text()


def switches() -> list[str]:
    fields = {*Faults.__struct_fields__, *Bugs.__struct_fields__, *House.__struct_fields__}
    fields -= {"classes", "bugs", "house"}
    return sorted(fields | CLASSES)


@pytest.mark.parametrize("switch", switches())
def test_every_switch_of_the_sandbox_is_in_its_page(switch: str) -> None:
    rows = [line for line in (ROOT / "docs/sandbox.md").read_text().splitlines() if line.startswith("| `")]
    assert [line for line in rows if line.startswith(f"| `{switch}` |")]


@pytest.mark.parametrize("name", [*KINDS, *MOVES.split("|")])
def test_every_kind_of_order_and_every_move_is_in_the_sandboxs_page(name: str) -> None:
    assert f"`{name}`" in (ROOT / "docs/sandbox.md").read_text()


def test_the_sandboxs_page_names_no_switch_that_is_not_there() -> None:
    rows = [
        line.split("`")[1] for line in (ROOT / "docs/sandbox.md").read_text().splitlines() if line.startswith("| `")
    ]
    named = {name for name in rows if name.replace("_", "").isalpha() and name.islower()}
    assert named == set(switches())


def test_the_spine_names_no_vendor_and_no_flow() -> None:
    from crossdock.flows import FLOWS

    words = {"magento", "tryton", "sap", "netsuite", "adobe", "shopify"} | {f'"{name}"' for name in FLOWS}
    for path in (ROOT / "src/crossdock/delivery").glob("*.py"):
        text = path.read_text().lower()
        assert not [word for word in words if word in text], path.name


def test_the_spine_stays_small() -> None:
    lines = sum(path.read_text().count("\n") for path in (ROOT / "src/crossdock/delivery").glob("*.py"))
    assert lines < 2000


def test_no_link_of_the_docs_leads_nowhere() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "src").rglob("*.md")]
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8"))
        if "://" not in target and not target.startswith("mailto:") and not (page.parent / target).exists()
    ]
    assert broken == []


def test_every_trap_of_magento_that_is_told_of_has_its_test() -> None:
    told = re.findall(r"`(test_\w+)` \|$", (ROOT / "docs/traps.md").read_text(), re.MULTILINE)
    made = re.findall(r"^def (test_\w+)", (ROOT / "tests/walk/test_traps.py").read_text(), re.MULTILINE)
    assert sorted(told) == sorted(made)
    assert told


@pytest.mark.parametrize("code", sorted(codes() | {"unexpected", "parked"}))
def test_every_error_code_has_its_section_with_retry_and_rollback(code: str) -> None:
    sections = re.split(r"^### ", (ROOT / "docs/runbook.md").read_text("utf-8"), flags=re.MULTILINE)
    (section,) = [one for one in sections if one.startswith(f"`{code}`\n")]
    assert re.findall(r"^- \*\*(.+?)\*\*", section, re.MULTILINE) == ["See it.", "Try again.", "Take back.", "Whose."]
