"""What rows of every flow of states hold: SKUs, numbers, moments, versions. Pure and strict: nothing is guessed."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from crossdock.errors import MappingError

LONGEST_SKU = 64  # Magento: catalog_product_entity.sku
VERSION_DIGITS = 20


def exact(text: str) -> Decimal:
    """A JSON number with a point or an exponent as what it says; NaN where no Decimal can say it."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal("NaN")


def is_empty(value: Any) -> bool:
    """Absent, or a cell of a file without anything in it."""
    return value is None or (isinstance(value, str) and not value.strip())


def sku_of(value: Any) -> str:
    """A number is a SKU too: "0" is one. Raises MappingError."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    sku = value.strip() if isinstance(value, str) else ""  # Magento trims it too (recorded)
    if not sku:
        raise MappingError("sku", "is missing")
    if len(sku) > LONGEST_SKU:
        raise MappingError("sku", f"is longer than {LONGEST_SKU} characters")
    if not sku.isprintable() and min(sku) < " ":  # a database's text holds no NUL, and no SKU a line break
        raise MappingError("sku", "has control characters")
    return sku


def number_of(column: str, value: Any, most: Decimal, decimals: int) -> Decimal:
    """From 0 to `most`, never rounded. Raises MappingError."""
    if is_empty(value) or isinstance(value, bool):
        raise MappingError(column, "is missing")
    text = value.strip() if isinstance(value, str) else str(value)
    number = exact(text) if text.isascii() and "_" not in text else Decimal("NaN")
    if not number.is_finite():
        raise MappingError(column, "is no number")
    if not 0 <= number <= most:
        raise MappingError(column, f"is not between 0 and {most}")
    if number != round(number, decimals):
        raise MappingError(column, f"has more than {decimals} decimals")
    return abs(number)  # -0 is 0


def moment_of(value: Any) -> datetime:
    """Of the column `as_of`, in UTC. Raises MappingError."""
    try:
        moment = datetime.fromisoformat(str(value))
        utc = moment.astimezone(UTC)
    except (ValueError, OverflowError):  # the year 1 east of Greenwich lies before all years
        raise MappingError("as_of", "is no ISO 8601 time") from None
    if moment.tzinfo is None:
        raise MappingError("as_of", "has no time zone")
    return utc


def version_of(value: Any, as_of: datetime | None) -> str:
    """Sorts as text: a number with leading zeros, else the moment, else "". Raises MappingError."""
    if is_empty(value):
        return "" if as_of is None else as_of.isoformat(timespec="microseconds")
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdigit() and len(text) <= VERSION_DIGITS):
        raise MappingError("version", "is no whole number of at most 20 digits")
    return text.zfill(VERSION_DIGITS)


def plain(number: Decimal) -> str:
    """Without needless zeros: what is the same number is the same text."""
    text = str(number)
    if text.isdecimal():
        return text
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
