"""Two documents field by field, and the end that can only look."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from crossdock.contract.beside import in_our_order
from crossdock.contract.message import Receipt
from crossdock.contract.shadow import PARKED, Fate, Shown
from crossdock.errors import Conflict, MappingError, Rejected, Temporary
from crossdock.shadowing.fields import compare
from crossdock.shadowing.onlooker import Watching
from crossdock.transport.http import Http
from crossdock.transport.looking import looking, refuse_writes
from crossdock.transport.wire import HttpRequest

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


def found(ours: dict[str, Any], theirs: dict[str, Any], times: int = 1) -> Any:
    return compare(Shown(ours=ours, theirs=theirs, number="SO-1", times=times))


def test_numbers_are_numbers_and_nothing_is_nothing() -> None:
    ours = {"price": Decimal("19.90"), "note": None, "paid": True, "sku": "007"}
    one = found(ours, {"price": "19.9", "note": "", "paid": True, "sku": "007", "id": 7})
    assert (one.fate, one.compared, one.unlike) == (Fate.EQUAL, 4, ())


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (True, 1),
        ("a", "A"),
        (Decimal("1.01"), 1),
        ("x", None),
        ({"a": 1}, "a"),
        ([1], []),
        ("02118", "2118"),  # a post code
        ("007", 7),
        ("1E5", "100000"),  # a SKU
        ("1_0", "10"),
    ],
)
def test_what_is_not_the_same_is_told(ours: Any, theirs: Any) -> None:
    assert found({"field": ours}, {"field": theirs}).fate is Fate.DIFFERENT


def test_lines_are_told_apart_by_what_names_them_not_by_their_place() -> None:
    ours = {"lines": [{"sku": "A", "qty": 1}, {"sku": "B", "qty": 2}]}
    assert found(ours, {"lines": [{"sku": "B", "qty": 2}, {"sku": "A", "qty": 1}]}).fate is Fate.EQUAL
    one = found(ours, {"lines": [{"sku": "B", "qty": 3}, {"sku": "A", "qty": 1}]})
    assert [(each.field, each.ours, each.theirs) for each in one.unlike] == [("lines[1].qty", "2", "3")]


def test_lines_that_nothing_names_are_told_apart_by_what_they_have_in_common() -> None:
    """One product twice, in another sequence, and one of the two is missing."""

    def row(quantity: str, net: str) -> dict[str, Any]:
        return {"sku": "A", "qty": Decimal(quantity), "net": Decimal(net)}

    ours, there = {"lines": [row("1", "5"), row("3", "9")]}, {"lines": [row("3.0", "9"), row("1", "6")]}
    one = found(ours, there)
    assert [(each.field, each.ours, each.theirs) for each in one.unlike] == [("lines[0].net", "5", "6")]
    two = found(ours, {"lines": there["lines"][:1]})
    assert [each.field for each in two.unlike] == ["lines.length", "lines[0].sku"]


def test_a_quantity_does_not_name_a_line() -> None:
    ours = {"lines": [{"sku": "A", "qty": 1, "net": "5.00"}, {"sku": "A", "qty": 2, "net": "9.00"}]}
    one = found(ours, {"lines": [{"sku": "A", "qty": 3, "net": "9.00"}, {"sku": "A", "qty": 1, "net": "5.00"}]})
    assert [(each.field, each.ours, each.theirs) for each in one.unlike] == [("lines[1].qty", "2", "3")]


def test_a_line_that_is_not_there_is_a_difference() -> None:
    one = found({"lines": [{"sku": "A"}, {"sku": "B"}]}, {"lines": [{"sku": "A"}]})
    assert [each.field for each in one.unlike] == ["lines.length", "lines[1].sku"]


def test_what_the_target_does_not_give_back_is_named_and_not_equal() -> None:
    one = found({"total": 1, "lines": [{"sku": "A"}, {"sku": "B"}]}, {"total": 1})
    assert (one.fate, one.uncompared) == (Fate.EQUAL, ("lines[].sku",))
    assert found({"total": 1}, {"id": 7}).fate is Fate.UNSEEN


def test_twice_there_is_a_difference() -> None:
    one = found({"total": 1}, {"total": 1}, times=2)
    assert (one.fate, one.reason) == (Fate.DIFFERENT, "it is there 2 times")


# --- the end that can only look ---------------------------------------------------------------------------------------


def watching(show: Any = None, find: Any = None, patience: float = 0, preview: Any = lambda _record: {}) -> Watching:
    return Watching(preview, show, find, timedelta(seconds=patience))


def looked(end: Watching, memo: dict[str, str] | None = None, age: float = 0) -> Any:
    return end.compare("record", "key", memo or {}, NOW - timedelta(seconds=age), NOW)


def test_it_has_no_way_to_write() -> None:
    assert not [name for name in dir(Watching) if "put" in name or "send" in name]


def test_what_is_missing_is_looked_for_again_each_time_later_until_patience_ends() -> None:
    end = watching(show=lambda _record, _key: None, patience=600)
    assert looked(end).again_at == NOW + timedelta(seconds=30)
    assert looked(end, age=100).again_at == NOW + timedelta(seconds=100)
    assert looked(end, age=590).again_at == NOW + timedelta(seconds=10)
    one = looked(end, age=600)
    assert (one.fate, one.again_at) == (Fate.MISSING, None)


def test_a_difference_is_looked_at_again_where_the_thing_is_changed_there_and_not_only_made() -> None:
    def shown(_record: Any, _key: str) -> Shown:
        return Shown(ours={"name": "Ada"}, theirs={"name": "Eve"})

    made = watching(show=shown, patience=600)
    assert (looked(made).fate, looked(made).again_at) == (Fate.DIFFERENT, None)
    changed = Watching(lambda _record: {}, shown, None, timedelta(seconds=600), changes=True)
    assert looked(changed, age=100).again_at == NOW + timedelta(seconds=100)
    assert (looked(changed, age=600).fate, looked(changed, age=600).again_at) == (Fate.DIFFERENT, None)


def test_rows_without_names_stand_beside_those_most_alike() -> None:
    ours = [{"city": "Milano", "street": ["Via Roma 1"]}, {"city": "Torino", "street": ["Via Po 3"]}]
    theirs = [
        {"city": "Bari", "street": ["Via Po 3"], "id": 1},
        {"city": "Milano", "street": ["Via Roma 1"], "id": 2},
        {"city": "Milano", "street": ["Via Roma 1"], "id": 3},
    ]
    assert [row["id"] for row in in_our_order(ours, theirs)] == [2, 1]
    assert in_our_order(ours, []) == [{"city": None, "street": None}] * 2
    assert in_our_order([{"city": "Roma"}], [{"city": "Pisa"}]) == [{"city": None}]


def test_a_target_that_cannot_show_is_asked_whether_it_is_there() -> None:
    there = watching(find=lambda _record, _key: Receipt(external_id="7", number="SO-7"))
    assert (looked(there).fate, looked(there).number) == (Fate.UNSEEN, "SO-7")
    assert looked(watching(find=lambda _record, _key: None)).fate is Fate.MISSING
    assert looked(watching()).reason == "this target cannot be asked for it"


def test_what_stands_in_its_place_is_different() -> None:
    def another(_record: Any, _key: str) -> None:
        raise Conflict("another content stands there")

    assert (looked(watching(find=another)).fate, looked(watching(find=another)).reason) == (
        Fate.DIFFERENT,
        "conflict: another content stands there",
    )


def test_a_target_that_is_busy_is_asked_later() -> None:
    def busy(_record: Any, _key: str) -> None:
        raise Temporary("busy")

    with pytest.raises(Temporary):
        looked(watching(find=busy))


def test_what_would_not_have_gone_is_refused_with_its_reason() -> None:
    def broken(_record: Any) -> dict[str, Any]:
        raise MappingError("sku", "is missing")

    one = looked(watching(preview=broken))
    assert (one.fate, one.reason) == (Fate.REFUSED, "mapping: sku: is missing")
    parked = looked(watching(show=lambda _record, _key: None), {PARKED: "off by 0.02"})
    assert (parked.fate, parked.reason) == (Fate.REFUSED, "parked: off by 0.02")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_that_changes_anything_is_sent_while_looking(method: str) -> None:
    http = Http()
    request = HttpRequest(method=method, url="http://127.0.0.1:9/")
    with looking(), pytest.raises(Rejected, match="only looks"):
        http.send(request)
    refuse_writes(request)  # and outside it is the network's affair


def test_a_sink_that_writes_while_it_looks_is_stopped_and_seen() -> None:
    http = Http()

    def writes(_record: Any, _key: str) -> None:
        http.send(HttpRequest(method="POST", url="http://127.0.0.1:9/orders", body=b"{}"))

    one = looked(watching(find=writes))
    assert one.fate is Fate.DIFFERENT
    assert "POST is not sent" in one.reason


def test_reading_and_logging_in_are_let_through() -> None:
    with looking():
        for request in (
            HttpRequest(method="GET", url="http://127.0.0.1:9/"),
            HttpRequest(method="POST", url="http://127.0.0.1:9/", private=True),
            HttpRequest(method="POST", url="http://127.0.0.1:9/", looks=True),
        ):
            refuse_writes(request)
