"""What every source of rows must do, whatever it reads from.

`class TestStock(RowSourceConformance)` inherits the whole suite; its author overrides the fixtures that raise. The
system need not be empty: only what the tests themselves change is looked at.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import pytest

from crossdock.contract.connector import Connector, ReadsRows, RowPage, RowSource, Watermark
from crossdock.errors import ConfigurationError, DeliveryError

MOST_PAGES = 500
Row = Mapping[str, Any]
Told = tuple[Hashable, Any]  # what a row is about, and what it says of it
Change = Callable[[int, int], Told]


class RowSourceConformance:
    """The suite.

    `several`: how many things the tests change, of which a page should not hold all. `tells_changes` False: the system
    does not know what changed, and each scan is whole.
    """

    several = 5
    tells_changes = True

    @pytest.fixture
    def flow(self) -> str:
        """Override me: the flow that is read."""
        raise NotImplementedError

    @pytest.fixture
    def connector(self) -> Connector:
        """Override me: connected to a system (a stand-in or a test system)."""
        raise NotImplementedError

    @pytest.fixture
    def change(self) -> Change:
        """Override me: thing `number` now has state `turn` in the system, committed; what a row of it must tell.

        A document is made: it has one state only, whatever `turn`.
        """
        raise NotImplementedError

    @pytest.fixture
    def told(self) -> Callable[[Row], Told]:
        """Override me: what a row tells, as the flow's own reader reads it; it raises where the reader refuses."""
        raise NotImplementedError

    @pytest.fixture
    def begin_late(self) -> Callable[[int, int], tuple[Told, Callable[[], None]]] | None:
        """Override me, where the system can show it: a change that is begun now and committed by what is returned."""
        return None

    @pytest.fixture
    def unreachable(self) -> RowSource | None:
        """Override me: the same source of a system that does not answer."""
        return None

    @pytest.fixture
    def source(self, connector: Connector, flow: str) -> RowSource:
        assert isinstance(connector, ReadsRows), "the connector has no rows()"
        return connector.rows(flow)

    # --- what is declared -----------------------------------------------------------------------------------------

    def test_the_flow_is_declared(self, connector: Connector, flow: str) -> None:
        assert flow in connector.capabilities.reads, "capabilities.reads does not name the flow"
        assert isinstance(connector, ReadsRows)
        assert connector.rows_every(flow) >= 0

    def test_an_undeclared_flow_has_no_source(self, connector: Connector) -> None:
        assert isinstance(connector, ReadsRows)
        with pytest.raises(ConfigurationError):
            connector.rows("a-flow-that-nobody-has")

    # --- nothing is lost ------------------------------------------------------------------------------------------

    def test_a_full_run_tells_everything_and_all_can_be_read(
        self, source: RowSource, change: Change, told: Callable[[Row], Told]
    ) -> None:
        wanted = dict(change(number, 1) for number in range(1, self.several + 1))
        pages = scanned(source, None)
        found = newest(pages, told)
        assert {key: found.get(key) for key in wanted} == wanted

    def test_a_scan_tells_what_changed_since(
        self, source: RowSource, change: Change, told: Callable[[Row], Told]
    ) -> None:
        change(1, 1)
        at = stored(scanned(source, None)[-1])
        wanted = dict(change(number, 2) for number in range(2, self.several + 1))
        pages = scanned(source, at)
        found = newest(pages, told)
        assert {key: found.get(key) for key in wanted} == wanted
        if self.tells_changes:
            again = scanned(source, stored(pages[-1]))
            assert [row for page in again for row in page.rows] == [], "nothing changed, and something is told"

    def test_one_thing_that_changes_twice_is_told_as_it_is(
        self, source: RowSource, change: Change, told: Callable[[Row], Told]
    ) -> None:
        at = stored(scanned(source, None)[-1])
        change(1, 1)
        pages = scanned(source, at)
        key, value = change(1, 2)
        pages += scanned(source, stored(pages[-1]))
        assert newest(pages, told).get(key) == value

    def test_any_page_can_be_gone_on_from(self, source: RowSource, change: Change, told: Callable[[Row], Told]) -> None:
        at = stored(scanned(source, None)[-1])
        wanted = dict(change(number, 3) for number in range(1, self.several + 1))
        pages = scanned(source, at)
        for number, page in enumerate(pages):
            rest = scanned(source, stored(page))
            found = newest([*pages[: number + 1], *rest], told)
            assert {key: found.get(key) for key in wanted} == wanted, f"something is lost behind page {number}"

    def test_a_full_run_can_be_gone_on_with(
        self, source: RowSource, change: Change, told: Callable[[Row], Told]
    ) -> None:
        wanted = dict(change(number, 4) for number in range(1, self.several + 1))
        first = next(iter(source.changes(None)))
        rest = [] if first.complete else scanned(source, stored(first))
        found = newest([first, *rest], told)
        assert {key: found.get(key) for key in wanted} == wanted

    def test_a_change_between_two_pages_is_not_lost(
        self, source: RowSource, change: Change, told: Callable[[Row], Told]
    ) -> None:
        for number in range(1, self.several):
            change(number, 5)
        pages: list[RowPage] = []
        wanted: dict[Hashable, Any] = {}
        for page in source.changes(None):
            pages.append(page)
            if len(pages) == 1:
                wanted = dict(change(number, 6) for number in (1, self.several))
        pages += scanned(source, stored(pages[-1]))
        found = newest(pages, told)
        assert {key: found.get(key) for key in wanted} == wanted

    def test_a_watermark_never_goes_back(self, source: RowSource, change: Change, told: Callable[[Row], Told]) -> None:
        """What is told from a later place is told from an earlier one too."""
        marks = [stored(scanned(source, None)[-1])]
        for number in range(1, min(self.several, 3) + 1):
            change(number, 7)
            marks.append(stored(scanned(source, marks[-1])[-1]))
        later: set[Hashable] = set()
        for mark in reversed(marks):
            keys = set(newest(scanned(source, mark), told))
            assert later <= keys, "an earlier watermark tells less than a later one"
            later = keys

    def test_what_is_committed_late_is_told(
        self,
        source: RowSource,
        change: Change,
        told: Callable[[Row], Told],
        begin_late: Callable[[int, int], tuple[Told, Callable[[], None]]] | None,
    ) -> None:
        """It began before what was read already; its number, or its time, is behind."""
        if begin_late is None:
            pytest.skip("this system cannot show a late commit")
        change(1, 8)
        at = stored(scanned(source, None)[-1])
        (key, value), commit = begin_late(2, 8)
        other, its = change(3, 8)
        passed = scanned(source, at)
        assert newest(passed, told).get(other) == its
        assert newest(passed, told).get(key) != value, "it was committed early: the test shows nothing"
        commit()
        assert newest(scanned(source, stored(passed[-1])), told).get(key) == value

    def test_no_answer_is_no_empty_page(self, unreachable: RowSource | None) -> None:
        if unreachable is None:
            pytest.skip("the author names no source that does not answer")
        with pytest.raises(DeliveryError):
            list(unreachable.changes(None))


def scanned(source: RowSource, since: Watermark | None) -> list[RowPage]:
    """A whole scan: at least one page, and the last one alone is complete."""
    found: list[RowPage] = []
    for page in source.changes(since):
        found.append(page)
        assert len(found) < MOST_PAGES, "the scan does not end"
    assert [page.complete for page in found] == [False] * (len(found) - 1) + [True]
    return found


def stored(page: RowPage) -> Watermark:
    """As the spine keeps it: JSON."""
    return Watermark(value=json.loads(json.dumps(page.watermark.value)))


def newest(pages: Sequence[RowPage], told: Callable[[Row], Told]) -> dict[Hashable, Any]:
    """What stands in the end, by what it is about."""
    return dict(told(row) for page in pages for row in page.rows)
