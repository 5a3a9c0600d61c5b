"""Any change, removal, addition or move of a row is found, at its place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from crossdock.security.chain import START, canonical, link, verify

Chained = list[tuple[dict[str, Any], bytes]]

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.binary()
    | st.decimals(allow_nan=False)
    | st.datetimes(timezones=st.just(UTC)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
rows = st.dictionaries(st.text(max_size=10), values, max_size=5)
logs = st.lists(rows, min_size=1, max_size=8)


def chained(log: list[dict[str, Any]]) -> Chained:
    found: Chained = []
    last = START
    for row in log:
        last = link(last, row)
        found.append((row, last))
    return found


@given(logs)
def test_a_chain_that_nobody_touched_holds(log: list[dict[str, Any]]) -> None:
    whole = chained(log)
    assert verify(whole) is None
    assert verify(whole, head=whole[-1][1]) is None


@given(logs, rows, st.data())
def test_a_changed_row_is_found(log: list[dict[str, Any]], other: dict[str, Any], data: st.DataObject) -> None:
    whole = chained(log)
    at = data.draw(st.integers(0, len(log) - 1))
    assume(canonical(other) != canonical(log[at]))
    whole[at] = (other, whole[at][1])
    assert verify(whole) == at


@given(logs, st.data())
def test_a_changed_link_is_found(log: list[dict[str, Any]], data: st.DataObject) -> None:
    whole = chained(log)
    at = data.draw(st.integers(0, len(log) - 1))
    forged = bytes([whole[at][1][0] ^ 1]) + whole[at][1][1:]
    whole[at] = (whole[at][0], forged)
    assert verify(whole) == at


@given(st.lists(rows, min_size=2, max_size=8), st.data())
def test_a_removed_row_is_found(log: list[dict[str, Any]], data: st.DataObject) -> None:
    whole = chained(log)
    at = data.draw(st.integers(0, len(log) - 2))
    del whole[at]
    assert verify(whole) == at


@given(logs)
def test_rows_cut_off_at_the_end_are_found_by_the_head(log: list[dict[str, Any]]) -> None:
    whole = chained(log)
    head = whole.pop()[1]
    assert verify(whole) is None  # the hole that the module names
    assert verify(whole, head=head) == len(whole)


@given(st.lists(rows, min_size=2, max_size=8), st.data())
def test_moved_rows_are_found(log: list[dict[str, Any]], data: st.DataObject) -> None:
    whole = chained(log)
    one = data.draw(st.integers(0, len(log) - 2))
    two = data.draw(st.integers(one + 1, len(log) - 1))
    whole[one], whole[two] = whole[two], whole[one]
    assert verify(whole) == one


@given(logs, rows, st.data())
def test_a_row_put_in_is_found_even_with_a_link_that_fits(
    log: list[dict[str, Any]], extra: dict[str, Any], data: st.DataObject
) -> None:
    whole = chained(log)
    at = data.draw(st.integers(0, len(log) - 1))
    before = whole[at - 1][1] if at else START
    whole.insert(at, (extra, link(before, extra)))
    assert verify(whole) in (at, at + 1)


def test_a_part_of_a_chain_is_verified_from_the_link_before_it() -> None:
    whole = chained([{"id": n} for n in range(5)])
    assert verify(whole[2:], whole[1][1]) is None
    assert verify(whole[2:], whole[0][1]) == 0


def test_the_form_is_fixed_for_ever() -> None:
    row = {
        "b": [1, None, True],
        "a": "ü",
        "at": datetime(2026, 11, 23, 13, 0, 0, 5, tzinfo=timezone(timedelta(hours=1))),
        "sum": Decimal("19.90"),
        "raw": b"\x01\xff",
    }
    assert canonical(row) == (
        b'{"a":"\\u00fc","at":{"$time":"2026-11-23T12:00:00.000005+00:00"},"b":[1,null,true],'
        b'"raw":{"$bytes":"01ff"},"sum":{"$decimal":"19.90"}}'
    )
    assert link(START, row).hex() == "92bfa96a1cb306c1ff8cf52226ac960096004651d093568011f42682f69a1cac"


@pytest.mark.parametrize("value", [1.5, float("nan"), datetime(2026, 1, 1), object(), {1: "a"}])
def test_what_would_not_come_back_the_same_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        link(START, {"a": value})


def test_a_link_has_its_length() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        link(b"short", {})
