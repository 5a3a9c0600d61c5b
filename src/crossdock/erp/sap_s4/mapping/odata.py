"""How OData V2 writes values: in JSON, in filters and in keys. Pure.

Forms as in "OData Version 2.0: JSON Format" and "Overview", section 6 (odata.org): a Decimal is a string, a time is
`/Date(ms)/`, a quote in a text is doubled.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

Row = Mapping[str, Any]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
DATE = re.compile(r"/Date\((-?\d{1,16})(?:[+-]\d{1,4})?\)/")


def text(value: str) -> str:
    """A text in a filter or a key."""
    return "'" + value.replace("'", "''") + "'"


def day(value: date) -> str:
    """Edm.DateTime in a filter: SAP's dates are days, at midnight."""
    return f"datetime'{value:%Y-%m-%d}T00:00:00'"


def moment(value: datetime) -> str:
    """Edm.DateTimeOffset in a filter, in UTC; whole seconds, downwards."""
    return f"datetimeoffset'{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z'"


def json_day(value: date) -> str:
    """Edm.DateTime in a body."""
    return f"/Date({int((datetime(value.year, value.month, value.day, tzinfo=UTC) - EPOCH) / MILLISECOND)})/"


def decimal(value: Decimal, places: int) -> str:
    """Edm.Decimal in a body: a string with so many places at most. Raises ValueError where it has more."""
    rounded = value.quantize(Decimal(1).scaleb(-places))
    if rounded != value:
        raise ValueError(f"more than {places} decimals")
    return f"{rounded:f}"


def when(value: Any) -> datetime | None:
    """A time of a body, in UTC; None where it is none. The number counts milliseconds in UTC whatever the offset."""
    found = DATE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    try:
        return EPOCH + int(found[1]) * MILLISECOND
    except OverflowError:
        return None


def number(value: Any) -> Decimal | None:
    """A decimal of a body; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    try:
        found = Decimal(value)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def inner(row: Row, name: str) -> tuple[Row, ...]:
    """Expanded rows below a row; () where they are not there."""
    found = row.get(name)
    rows = found.get("results") if isinstance(found, Mapping) else found
    return tuple(one for one in rows if isinstance(one, Mapping)) if isinstance(rows, list) else ()


def etag(row: Row) -> str:
    """What `If-Match` wants; "" where the row has none."""
    found = row.get("__metadata")
    return str(found.get("etag") or "") if isinstance(found, Mapping) else ""


def word(row: Row, name: str) -> str:
    """A text of a row, "" where it is not there."""
    value = row.get(name)
    return value if isinstance(value, str) else ""
