from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from crossdock.console import words


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0 ms"),
        (0.0421, "42 ms"),
        (1, "1 s"),
        (2.34, "2.3 s"),
        (59.94, "59.9 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (3660, "1 h 1 min"),
        (86400, "1 d"),
        (90000, "1 d 1 h"),
    ],
)
def test_a_span_has_two_units_at_most(seconds: float, told: str) -> None:
    assert words.span(seconds) == told


def test_a_moment_is_told_in_utc() -> None:
    moment = datetime(2026, 11, 26, 10, 30, 5, tzinfo=timezone(timedelta(hours=1)))
    assert words.stamp(moment) == "2026-11-26 09:30:05"
    assert datetime.fromisoformat(words.iso(moment)).tzinfo == UTC


def test_numbers_keep_their_digits() -> None:
    assert (
        words.pretty('{"a":19.990,"b":12345678901234567890.12}')
        == '{\n  "a": 19.990,\n  "b": 12345678901234567890.12\n}'
    )
    assert words.number(Decimal("1234567.80")) == "1,234,567.80"


def test_what_is_no_json_is_shown_as_it_is_and_what_is_too_long_is_cut() -> None:
    assert words.pretty("<no json>") == "<no json>"
    assert words.pretty("x" * 300_000).endswith("cut off here")


def test_an_address_leaves_out_what_is_empty() -> None:
    assert words.query({"flow": "orders", "code": "", "cursor": "x"}, cursor="") == "?flow=orders"
    assert words.query({"a": ""}) == ""
    assert words.query({"a": "&=x"}) == "?a=%26%3Dx"
