"""How examinations are carried out, whatever becomes of one of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest

from crossdock.contract.findings import Check, Duties, Examination, Finding, Level, counted
from crossdock.contract.flow import Route
from crossdock.doctor.report import Report, chosen, run, sorted_by_need
from crossdock.errors import StorageError
from crossdock.transport.deadline import remaining

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
CHECK = Check(name="some-check", title="Something", why="It matters.")


def examined(look: Callable[[], Sequence[Finding]], subject: str = "erp") -> Examination:
    return Examination(check=CHECK, subject=subject, look=look)


def raising(error: Exception) -> Callable[[], Sequence[Finding]]:
    def look() -> Sequence[Finding]:
        raise error

    return look


def of(*findings: Finding) -> Report:
    return Report(at=NOW, seconds=0.1, findings=findings)


def test_what_cannot_be_looked_at_is_told_and_hides_nothing_else() -> None:
    report = run(
        [
            examined(raising(StorageError("the database failed"))),
            examined(raising(TimeoutError("timed out"))),
            examined(raising(ZeroDivisionError())),
            examined(lambda: [CHECK.ok("fine")], "store"),
        ],
        NOW,
    )
    levels = [one.level for one in report.findings]
    assert levels == [Level.UNSEEN, Level.UNSEEN, Level.UNSEEN, Level.OK]
    assert "storage: the database failed" in report.findings[0].what
    assert "ZeroDivisionError" in report.findings[2].what
    assert [one.subject for one in report.findings] == ["erp", "erp", "erp", "store"]


def test_one_that_does_not_end_could_not_look() -> None:
    ends = threading.Event()

    def hangs() -> Sequence[Finding]:
        ends.wait(30)
        return []

    try:
        report = run([examined(hangs), examined(lambda: [CHECK.ok("fine")])], NOW, longest=0.5)
    finally:
        ends.set()
    assert [one.level for one in report.findings] == [Level.UNSEEN, Level.OK]
    assert "took too long" in report.findings[0].what


def test_each_has_an_end_for_its_requests() -> None:
    seen: list[float | None] = []

    def look() -> Sequence[Finding]:
        seen.append(remaining())
        return []

    run([examined(look)], NOW, longest=7.0)
    assert seen[0] is not None
    assert 5 < seen[0] <= 7


@pytest.mark.parametrize(
    ("findings", "lax", "strict"),
    [
        ((CHECK.ok("a"),), 0, 0),
        ((CHECK.ok("a"), CHECK.look_by_hand("b", "look")), 0, 0),
        ((CHECK.warning("a", "mend"),), 0, 2),
        ((CHECK.unseen("a", "mend"),), 2, 2),
        ((CHECK.unseen("a", "mend"), CHECK.error("b", "mend")), 1, 1),
    ],
)
def test_exit_codes(findings: tuple[Finding, ...], lax: int, strict: int) -> None:
    assert of(*findings).exit_code(strict=False) == lax
    assert of(*findings).exit_code(strict=True) == strict


def test_the_worst_comes_first() -> None:
    found = [CHECK.ok("a"), CHECK.warning("b", ""), CHECK.error("c", ""), CHECK.unseen("d", "")]
    assert [one.what for one in sorted_by_need(found)] == ["c", "d", "b", "a"]


def test_examinations_are_chosen_by_check_or_subject() -> None:
    every = [examined(list), examined(list, "store")]
    assert chosen(every, []) == every
    assert chosen(every, ["store"]) == every[1:]
    assert chosen(every, ["some-check"]) == every
    assert chosen(every, ["nope"]) == []


def test_duties_are_what_the_routes_ask() -> None:
    out = Route(source="store", target="erp", flows=frozenset({"orders"}))
    into = Route(
        source="erp", target="store", flows=frozenset({"inventory"}), states={"inventory": {"warehouses": {"A": "a"}}}
    )
    duties = Duties(out=(out,), into=(into,))
    assert (sorted(duties.gives), sorted(duties.takes)) == (["orders"], ["inventory"])
    assert duties.options("inventory") == [{"warehouses": {"A": "a"}}]
    assert duties.options("prices") == []


def test_a_finding_knows_its_page() -> None:
    assert CHECK.ok("a").page == "docs/doctor.md#some-check"
    assert [counted(1, "entry", "entries"), counted(2, "entry", "entries"), counted(0, "key")] == [
        "1 entry",
        "2 entries",
        "0 keys",
    ]
