"""Each check of the doctor is explained, and was seen to fail and to be content."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from crossdock.contract.findings import PAGE
from crossdock.operations.doctor import CHECKS

ROOT = Path(__file__).parent.parent.parent
TRIED = [*(ROOT / "tests/unit/doctor").glob("test_*.py"), ROOT / "tests/unit/magento/test_doctor.py"]


def sections() -> dict[str, str]:
    parts = re.split(r"^### `([a-z-]+)`$", (ROOT / PAGE).read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def tried() -> list[str]:
    return [name for path in TRIED for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)]


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_every_check_says_why_it_matters_and_how_it_is_mended(name: str) -> None:
    assert "**Why:**" in sections()[name]
    assert "**Mend:**" in sections()[name]


def test_the_page_explains_no_check_that_is_not_there() -> None:
    assert set(sections()) == set(CHECKS)


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_every_check_was_seen_to_fail_and_to_be_satisfied(name: str) -> None:
    begins = f"test_{name.replace('-', '_')}_"
    assert [one for one in tried() if one.startswith(f"{begins}fails")]
    assert [one for one in tried() if one.startswith(f"{begins}is_satisfied")]


def test_a_findings_page_is_an_anchor_of_it() -> None:
    anchors = {f"{PAGE}#{name}" for name in sections()}
    assert {check.ok("x").page for check in CHECKS.values()} == anchors


def test_the_page_names_what_is_looked_at_by_itself() -> None:
    told = re.search(r"^\*\*By itself\*\*.*?(?=\n\n)", (ROOT / PAGE).read_text(), re.MULTILINE | re.DOTALL)
    assert told is not None
    named = set(re.findall(r"`([a-z-]+)`", told[0]))
    assert named == {name for name, check in CHECKS.items() if check.told_as}
