"""The stand-ins' `$filter`."""

from __future__ import annotations

from typing import Any

import pytest

from crossdock.sandbox.odata_filters import Unreadable, parse_filter

FIELDS = {"Name": "s10", "Count": "n2", "At": "t", "Gone": "b"}
ROW: dict[str, Any] = {"Name": "O'Hara", "Count": "2.50", "At": "/Date(1764115200000)/", "Gone": None}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Name eq 'O''Hara'", True),
        ("Name ne 'O''Hara'", False),
        ("Count gt 2.4 and Count lt 2.6m", True),
        ("Count ge 2.5", True),
        ("Count le -1", False),
        ("At eq datetime'2025-11-26T00:00:00'", True),
        ("At gt datetimeoffset'2025-11-26T00:00:00Z'", False),
        ("Gone eq false", True),
        ("Name eq 'x' or Name eq 'y' or (Count eq 2.5 and Gone ne true)", True),
        ("Name eq 'x' and (Name eq 'y' or Count eq 2.5)", False),
        ("Name gt ''", True),
    ],
)
def test_what_a_filter_means(text: str, *, wanted: bool) -> None:
    assert parse_filter(text, FIELDS)(ROW) is wanted


@pytest.mark.parametrize(
    "text",
    [
        "Name",
        "Name eq",
        "Other eq 'x'",
        "(Name eq 'x'",
        "Name eq 'x' Name eq 'y'",
        "Name is 'x'",
        "Name eq 'x",
        "Name eq x",
    ],
)
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        parse_filter(text, FIELDS)
