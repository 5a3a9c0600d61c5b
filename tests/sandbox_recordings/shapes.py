"""Compares what two answers are made of: keys and types all the way down, not values."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

# Left out where a row has nothing to say: absent on either side is no difference.
OPTIONAL = {
    "email_sent",  # set when the mail goes out, a moment after the order
    "company",
    "region",
    "region_code",
    "region_id",
    "customer_id",
    "weight",
    "tracks",
}


def kind(value: Any) -> str:
    """`number` for any number: the store mixes 10 and 10.5 under one key."""
    if isinstance(value, bool) or value is None:
        return type(value).__name__
    return "number" if isinstance(value, int | float | Decimal) else type(value).__name__


def differences(told: Any, wanted: Any, path: str = "") -> list[str]:
    """What `told` lacks, has too much, or has in another type. Lists are compared by the rows of the same type."""
    if kind(told) != kind(wanted):
        return [f"{path or 'body'}: {kind(told)} instead of {kind(wanted)}"]
    if isinstance(wanted, dict):
        missing = [f"{path}.{name}: missing" for name in sorted(set(wanted) - set(told) - OPTIONAL)]
        surplus = [f"{path}.{name}: not in the recording" for name in sorted(set(told) - set(wanted) - OPTIONAL)]
        inner = [differences(told[name], wanted[name], f"{path}.{name}") for name in sorted(set(told) & set(wanted))]
        return missing + surplus + [one for rows in inner for one in rows]
    if isinstance(wanted, list) and wanted:
        return _lists(told, wanted, path)
    return []


def _lists(told: list[Any], wanted: list[Any], path: str) -> list[str]:
    if not told:
        return [f"{path}: empty"]
    found: list[str] = []
    for one in wanted:
        alike = [row for row in told if _label(row) == _label(one)] or told
        each = [differences(row, one, f"{path}[{_label(one)}]") for row in alike]
        fewest = min(len(one) for one in each)
        found += next(one for one in each if len(one) == fewest)
    return sorted(set(found))


def _label(row: Any) -> str:
    if not isinstance(row, dict):
        return ""
    child = "child " if "parent_item_id" in row else ""
    return f"{child}{row.get('product_type', '')}"
