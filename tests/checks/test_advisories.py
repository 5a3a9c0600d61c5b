"""Known vulnerabilities fail the check; where nobody can be asked it says so, and is never silently green."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from checks import advisories

PACKAGES = {"one": "1.0", "two": "2.0"}
HARM = {"id": "PYSEC-2026-1", "fix_versions": ["1.1"], "aliases": []}


def row(name: str, *vulns: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "version": PACKAGES[name], "vulns": list(vulns)}


def skipped(name: str) -> dict[str, Any]:
    return {"name": name, "skip_reason": "not found"}


def judged(*, required: bool = False, **reports: Any) -> tuple[int, str, list[str]]:
    asked: list[str] = []

    def ask(service: str, packages: Mapping[str, str]) -> Any:
        assert packages == PACKAGES
        asked.append(service)
        return reports.get(service)

    code, lines = advisories.judged(PACKAGES, ask, required=required)
    return code, "\n".join(lines), asked


def test_nothing_known_is_a_success() -> None:
    code, text, asked = judged(pypi={"dependencies": [row("one"), row("two")]})
    assert (code, asked) == (0, ["pypi"])
    assert text == "2 packages audited, 0 known vulnerabilities"


def test_a_known_vulnerability_fails_with_its_id_and_where_it_is_repaired() -> None:
    code, text, _ = judged(pypi={"dependencies": [row("one", HARM), row("two")]})
    assert code == 1
    assert "one 1.0: PYSEC-2026-1, repaired in 1.1" in text


def test_one_that_does_not_touch_us_is_accepted_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advisories, "ACCEPTED", {"PYSEC-2026-1": "we call nothing of it"})
    assert judged(pypi={"dependencies": [row("one", HARM), row("two")]})[0] == 0


@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize("report", [None, {"dependencies": [skipped("one"), skipped("two")]}])
def test_where_nobody_tells_anything_it_is_loud_and_both_services_were_asked(report: Any, required: bool) -> None:
    code, text, asked = judged(required=required, pypi=report)
    assert code == int(required)
    assert "NOT AUDITED" in text
    assert asked == ["pypi", "osv"]


def test_the_service_that_knows_more_counts_and_what_it_does_not_know_is_named() -> None:
    known = {"dependencies": [row("one", HARM), skipped("two")]}
    code, text, _ = judged(pypi={"dependencies": [skipped("one"), skipped("two")]}, osv=known)
    assert code == 1
    assert "1 packages audited, 1 known" in text
    assert "NOT AUDITED, no service knows them: two" in text


def test_what_a_service_does_not_know_is_no_success_where_all_must_be_known() -> None:
    known = {"dependencies": [row("one"), skipped("two")]}
    assert judged(osv=known)[0] == 0
    assert judged(osv=known, required=True)[0] == 1
