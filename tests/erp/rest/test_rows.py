"""Rows read from the sandbox's ERP over HTTP, by each kind of paging, and what an ERP can get wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from crossdock.contract.connector import RowPage, RowSource, Watermark
from crossdock.erp.rest.connector import build
from crossdock.erp.rest.places import SEEN
from crossdock.errors import ConfigurationError, Misconfigured, Temporary
from crossdock.sandbox.faults import NONE, Bugs, Faults
from crossdock.sandbox.run import ErpServer
from crossdock.transport.wire import HttpRequest, HttpResponse

LATE = Faults(bugs=Bugs(late_commits=1.0, late_commit_s=3600))
SEQUENCE = {"path": "/stock?after_seq={since}&limit={limit}", "change_field": "seq"}
WAYS: dict[str, dict[str, Any]] = {
    "sequence": SEQUENCE,
    "sequence with a head": SEQUENCE | {"head_field": "head"},
    "time": {
        "path": "/stock?changed_since={since}&after_id={after}&limit={limit}",
        "change_field": "changed_at",
        "change_is": "time",
        "id_field": "id",
    },
    "delta token": {"path": "/stock?cursor={cursor}&limit={limit}", "cursor_field": "cursor", "cursor_lasts": True},
}
EVERYTHING = {"path": "/stock?by=id&after_id={after}&limit={limit}", "id_field": "id"}
KEYSETS = [name for name in WAYS if name != "delta token"]


class World:
    """An ERP, and a source that reads two rows a page."""

    def __init__(self, server: ErpServer, way: dict[str, Any]) -> None:
        self.server = server
        self.way = way

    def source(self, **more: Any) -> RowSource:
        settings = {"base_url": self.server.url, "auth": {"scheme": "bearer", "token": "env:TOKEN"}}
        reads = {"inventory": {"page_size": 2} | self.way | more}
        return build("erp", settings | {"reads": reads}, resolve=lambda _: "sandbox").rows("inventory")

    def change(self, *skus: str, qty: int = 1) -> None:
        self.server.do(lambda erp: erp.levels.change([{"sku": sku, "qty": qty} for sku in skus]))

    def commit(self) -> None:
        self.server.do(lambda erp: erp.levels.commit(datetime.max.replace(tzinfo=UTC)))

    def rest(self) -> None:
        """Time goes on beyond what may be late."""
        self.server.clock.shift(self.server.clock.offset.total_seconds() + 3600)


@pytest.fixture(params=[*WAYS])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    yield from started(WAYS[request.param])


def started(way: dict[str, Any]) -> Iterator[World]:
    server = ErpServer()
    server.start()
    try:
        yield World(server, way)
    finally:
        server.stop()


def scan(source: RowSource, since: Watermark | None) -> list[RowPage]:
    found = []
    for number, page in enumerate(source.changes(since)):
        assert number < 100, "the scan does not end"
        found.append(page)
    assert [page.complete for page in found] == [False] * (len(found) - 1) + [True]
    return found


def told(pages: Sequence[RowPage]) -> list[tuple[str, int]]:
    return [(row["sku"], row["qty"]) for page in pages for row in page.rows]


def stored(page: RowPage) -> Watermark:
    """As the spine keeps it."""
    return Watermark(value=json.loads(json.dumps(page.watermark.value)))


def test_everything_is_read_in_pages_and_only_once(world: World) -> None:
    world.change(*"abcde")
    first = scan(world.source(), None)
    assert sorted(told(first)) == [(sku, 1) for sku in "abcde"]
    assert max(len(page.rows) for page in first) == 2
    assert told(scan(world.source(), stored(first[-1]))) == []


def test_nothing_there_is_a_page_too(world: World) -> None:
    (page,) = scan(world.source(), None)
    assert page.rows == ()
    world.change("a")
    assert told(scan(world.source(), stored(page))) == [("a", 1)]


def test_what_changed_since_is_told(world: World) -> None:
    world.change(*"abc")
    at = stored(scan(world.source(), None)[-1])
    world.change("b", qty=7)
    later = scan(world.source(), at)
    assert told(later) == [("b", 7)]
    world.rest()
    world.change("b", qty=1)
    assert told(scan(world.source(), stored(later[-1]))) == [("b", 1)], "the same value once more counts"


def test_any_page_can_be_gone_on_from(world: World) -> None:
    world.change(*"abcdefg")
    pages = scan(world.source(), None)
    for number, page in enumerate(pages):
        rest = scan(world.source(), stored(page))
        assert {sku for sku, _ in told([*pages[: number + 1], *rest])} == set("abcdefg")


def test_a_change_between_two_pages_loses_nothing(world: World) -> None:
    world.change(*"abcdefg")
    pages: list[RowPage] = []
    for page in world.source().changes(None):
        pages.append(page)
        if len(pages) == 1:
            world.change("a", "g", qty=9)
    pages += scan(world.source(), stored(pages[-1]))
    newest = dict(told(pages))
    assert newest == dict.fromkeys("bcdef", 1) | {"a": 9, "g": 9}


def test_full_reads_everything_again(world: World) -> None:
    world.change(*"abc")
    scan(world.source(), None)
    assert sorted(told(scan(world.source(), None))) == [("a", 1), ("b", 1), ("c", 1)]


@pytest.mark.parametrize("name", KEYSETS)
def test_what_is_committed_late_is_seen(name: str) -> None:
    for world in started(WAYS[name]):
        world.change("a")
        at = stored(scan(world.source(), None)[-1])
        world.server.set_faults(LATE)
        world.change("late", qty=5)
        world.server.set_faults(NONE)
        world.change("b")
        passed = scan(world.source(), at)
        assert told(passed) == [("b", 1)], "it passed over a number that was not there yet"
        world.commit()
        assert told(scan(world.source(), stored(passed[-1]))) == [("late", 5)]


@pytest.mark.parametrize("name", KEYSETS)
def test_what_is_committed_late_during_the_very_first_scan_is_seen(name: str) -> None:
    for world in started(WAYS[name]):
        world.change(*"abc")
        world.server.set_faults(LATE)
        world.change("late", qty=5)
        world.server.set_faults(NONE)
        world.change("d")
        pages = scan(world.source(overlap=3), None)
        world.change(*"efghijk")  # many newer ones: the late one is far behind when it comes
        world.commit()
        pages += scan(world.source(overlap=3), stored(pages[-1]))
        assert ("late", 5) in told(pages)


@pytest.mark.parametrize("name", ["time"])
def test_a_row_from_the_future_does_not_end_the_reading(name: str) -> None:
    for world in started(WAYS[name]):
        world.server.clock.shift(10 * 365 * 86_400)
        world.change("future")
        world.server.clock.shift(0)
        first = scan(world.source(), None)
        assert told(first) == [("future", 1)]
        world.change("now")
        second = scan(world.source(), stored(first[-1]))
        assert ("now", 1) in told(second)
        assert ("future", 1) not in told(second)


def test_without_a_change_field_each_scan_is_whole() -> None:
    for world in started(EVERYTHING):
        world.change(*"abc")
        first = scan(world.source(), None)
        again = scan(world.source(), stored(first[-1]))
        assert told(first) == told(again) == [("a", 1), ("b", 1), ("c", 1)]
        half = next(world.source().changes(None))
        assert told(scan(world.source(), stored(half))) == [("c", 1)]


def test_fields_are_renamed_and_quantities_are_exact() -> None:
    for world in started(SEQUENCE | {"fields": {"sku": "sku", "qty": "qty", "version": "seq", "gone": "nowhere"}}):
        world.server.do(lambda erp: erp.levels.change([{"sku": "a", "qty": 0.1}]))
        (page, _) = scan(world.source(), None)
        assert [{name: str(value) for name, value in row.items()} for row in page.rows] == [
            {"sku": "a", "qty": "0.1", "version": "1"}
        ]


def test_the_memory_of_what_was_seen_is_bounded() -> None:
    for world in started(SEQUENCE | {"page_size": 1000}):
        world.change(*(f"s{number}" for number in range(SEEN + 500)))
        at = scan(world.source(), None)[-1].watermark
        assert len(at.value["seen"]) == SEEN


class Answers:
    """A sender that says what a function of the request's address makes."""

    def __init__(self, answer: Callable[[str], tuple[int, Any]]) -> None:
        self.answer = answer
        self.urls: list[str] = []

    def send(self, request: HttpRequest) -> HttpResponse:
        self.urls.append(request.full_url())
        status, body = self.answer(request.full_url())
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return HttpResponse(status=status, body=raw, headers={"date": "Tue, 24 Nov 2026 10:00:00 GMT"})


def source_of(answers: Answers, **way: Any) -> RowSource:
    settings = {"base_url": "http://127.0.0.1:9", "reads": {"inventory": {"page_size": 2} | way}}
    return build("erp", settings, http=answers).rows("inventory")


ROWS = [{"sku": "a", "seq": 5}, {"sku": "b", "seq": 7}]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"items": [{"sku": "a", "seq": 5}, {"sku": "b", "seq": 4}]}, "does not sort"),
        ({"items": [{"sku": "a", "seq": "x"}]}, "no whole number"),
        ({"items": [{"sku": "a"}]}, "no whole number"),
        ({"error": "no rights"}, "without a list"),
        ({"items": [1]}, "without a list"),
    ],
)
def test_an_answer_that_would_lose_rows_is_no_answer(body: Any, said: str) -> None:
    source = source_of(Answers(lambda _url: (200, body)), **SEQUENCE)
    with pytest.raises(Misconfigured, match=said):
        scan(source, None)


def test_an_erp_that_passes_over_the_place_asked_for_is_found_out() -> None:
    source = source_of(Answers(lambda _url: (200, {"items": ROWS})), **SEQUENCE)
    with pytest.raises(Misconfigured, match="from before the place asked for"):
        scan(source, None)


def test_more_ties_than_a_page_holds_are_found_out() -> None:
    tied = [{"sku": sku, "seq": 5} for sku in "ab"]
    source = source_of(Answers(lambda _url: (200, tied)), **SEQUENCE)
    with pytest.raises(Misconfigured, match="more rows changed at one time"):
        scan(source, None)


def test_garbage_and_a_wrong_path_are_told_apart() -> None:
    with pytest.raises(Temporary):
        scan(source_of(Answers(lambda _url: (200, b"<html>")), **SEQUENCE), None)
    with pytest.raises(Temporary):
        scan(source_of(Answers(lambda _url: (500, {})), **SEQUENCE), None)
    with pytest.raises(Misconfigured):
        scan(source_of(Answers(lambda _url: (404, {})), **SEQUENCE), None)


def test_times_without_a_zone_are_refused_unless_they_are_said_to_be_utc() -> None:
    by_time = WAYS["time"]

    def answer(url: str) -> tuple[int, Any]:
        return 200, [] if "after_id=1" in url else [{"sku": "a", "id": 1, "changed_at": "2026-11-24T09:00:00"}]

    with pytest.raises(Misconfigured, match="without a zone"):
        scan(source_of(Answers(answer), **by_time), None)
    answers = Answers(answer)
    at = scan(source_of(answers, **by_time, naive_is_utc=True), None)[-1].watermark
    scan(source_of(answers, **by_time, naive_is_utc=True), at)
    assert answers.urls[0] == "http://127.0.0.1:9/stock?limit=2", "nothing is said of a place that is not known"
    assert "changed_since=2026-11-24T08%3A55%3A00Z&limit" in answers.urls[2], "five minutes again"


CURSOR = {
    "path": "/stock?from={since}&cursor={cursor}",
    "cursor_field": "next",
    "change_field": "at",
    "change_is": "time",
}


def cursored(url: str) -> tuple[int, Any]:
    row = {"sku": "a", "at": "2026-11-24T09:00:00Z"}
    if "cursor=old" in url:
        return 410, {"message": "expired"}
    if "cursor=2" in url:
        return 200, {"items": [row | {"sku": "b", "at": "2026-11-24T08:00:00Z"}], "next": None}
    return 200, {"items": [row], "next": "2"}


def test_a_cursor_leads_to_the_end_in_whatever_order() -> None:
    answers = Answers(cursored)
    pages = scan(source_of(answers, **CURSOR), None)
    assert [row["sku"] for page in pages for row in page.rows] == ["a", "b"]
    later = scan(source_of(answers, **CURSOR), stored(pages[-1]))
    assert [row for page in later for row in page.rows] == []
    assert answers.urls[-1].endswith("/stock?from=2026-11-24T08%3A55%3A00Z&cursor=2")


def test_a_cursor_that_the_erp_has_forgotten_costs_a_scan_and_nothing_else() -> None:
    old = Watermark(value={"next": {"since": "2026-11-24T00:00:00Z", "cursor": "old"}})
    answers = Answers(cursored)
    pages = scan(source_of(answers, **CURSOR), old)
    assert [row["sku"] for page in pages for row in page.rows] == ["a", "b"]
    assert answers.urls[1].endswith("/stock?from=2026-11-24T00%3A00%3A00Z")


def test_a_delta_token_that_the_erp_has_forgotten_reads_everything() -> None:
    answers = Answers(lambda url: (410, {}) if "cursor=old" in url else (200, {"items": [], "cursor": "new"}))
    (page,) = scan(source_of(answers, **WAYS["delta token"]), Watermark(value={"start": {"cursor": "old"}}))
    assert page.watermark.value["start"]["cursor"] == "new"


@pytest.mark.parametrize(
    "way",
    [
        {"path": "/stock?page={limit}"},
        {"path": "/stock?after={since}"},
        {"path": "/stock?after={after}"},
        {"path": "/stock?c={cursor}"},
        {"path": "/stock?c={since}", "change_field": "seq", "cursor_field": "next"},
        {"path": "/stock?id={after}", "change_field": "seq", "id_field": "id"},
        {"path": "/stock?id={number}", "change_field": "seq"},
        {"path": "/stock?id={since", "change_field": "seq"},
        {"path": "/stock?id={since}", "change_field": "seq["},
        {"path": "/stock?id={since}", "change_field": "seq", "cursor_lasts": True},
    ],
)
def test_settings_that_would_lose_rows_are_refused(way: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        source_of(Answers(lambda _url: (200, [])), **way)


def test_what_is_not_configured_cannot_be_read() -> None:
    with pytest.raises(ConfigurationError, match="has no inventory"):
        build("erp", {"base_url": "http://127.0.0.1:9"}).rows("inventory")
