"""Stock levels, ERP to store. Pure.

A row is strict: nothing is guessed (flaws 44, 46-48). An unknown warehouse is refused and never becomes `default`; "0"
is a SKU; a level without a version counts by its arrival.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from crossdock.contract.state import Raw, StateRules
from crossdock.errors import MappingError
from crossdock.flows.cells import moment_of, plain, sku_of, version_of
from crossdock.model.inventory import Meaning, StockLevel

MOST = Decimal("99999999.9999")  # Magento: inventory_source_item.quantity is decimal(12,4)
WHOLE_DIGITS = 8  # before the point, in MOST
STEP = Decimal("0.0001")
ZERO = Decimal(0)
FEW = 4096  # quantities remembered: a million rows hold far fewer different ones
MEANINGS: Mapping[Any, Meaning] = {"on_hand": "on_hand", "available": "available"}
STATUSES: Mapping[Any, bool] = {1: True, 0: False, "1": True, "0": False, "in_stock": True, "out_of_stock": False}


def reader(options: Raw) -> Callable[[Raw], StockLevel]:
    """Reads rows `{sku, qty, warehouse, status?, version? | as_of?, meaning?}`; it raises MappingError."""
    places: Mapping[str, str] = options.get("warehouses") or {}
    common = _meaning(None, options)
    backorders = bool(options.get("backorders"))
    negative = options.get("negative") == "zero"

    def read(raw: Raw) -> StockLevel:
        get = raw.get
        told = get("qty")
        quantity = _written(told, negative) if isinstance(told, str) else _quantity(told, negative=negative)
        as_of, version, status, meaning = get("as_of"), get("version"), get("status"), get("meaning")
        unsaid = status is None or status == ""
        moment = moment_of(as_of) if as_of else None
        return StockLevel(
            sku=sku_of(get("sku")),
            place=_place(get("warehouse"), places),
            quantity=quantity,
            in_stock=quantity > 0 or backorders if unsaid else _in_stock(status),
            meaning=_meaning(meaning, options) if meaning else common,
            as_of=moment,
            version="" if version is None and moment is None else version_of(version, moment),
        )

    return read


def subject(level: StockLevel) -> str:
    """One row for each SKU and place. Magento finds a SKU whatever its case (recorded)."""
    return f"{level.place}/{level.sku.casefold()}"


def content(level: StockLevel) -> str:
    """What makes a difference at the store."""
    return _content(level.quantity, level.in_stock, level.meaning)


@lru_cache(FEW)
def _content(quantity: Decimal, in_stock: bool, meaning: Meaning) -> str:
    status = "" if in_stock is (quantity > 0) else f" {int(in_stock)}"
    return f"{plain(quantity)}{status}{' a' if meaning == 'available' else ''}"


def alarm(level: StockLevel, before: StockLevel | None, options: Raw) -> str:
    """`zero` where something becomes nothing, `jump` where it grows or shrinks beyond the guard's factor."""
    if before is None or before.quantity <= 0:
        return ""
    if level.quantity <= 0:
        return "zero"
    factor = Decimal(str(_guard(options).get("jump_factor", 0)))
    odd = factor > 1 and (level.quantity > before.quantity * factor or level.quantity * factor < before.quantity)
    return "jump" if odd else ""


def guard(alarms: Mapping[str, int], rows: int, options: Raw) -> str:
    """Why a feed must wait for a person, or "" (flaw 47)."""
    rules = _guard(options)
    least = rules.get("least_rows", 1)
    for word, told in (("zero", "go to zero"), ("jump", f"change by more than {rules.get('jump_factor')} times")):
        odd, most = alarms.get(word, 0), Decimal(str(rules.get(f"{word}_percent", 100)))
        if odd >= least and odd * 100 > rows * most:
            return f"{odd} of {rows} rows {told}, more than {most} %"
    return ""


def _guard(options: Raw) -> Raw:
    rules: Raw = options.get("guard") or {}
    return rules


@lru_cache(FEW)
def _written(text: str, negative: bool) -> Decimal:
    return _quantity(text, negative=negative)


def _quantity(value: Any, *, negative: bool) -> Decimal:
    if value is None or isinstance(value, bool) or value == "":
        raise MappingError("qty", "is missing")
    text = value if isinstance(value, str) else str(value)
    if not text.isascii():
        raise MappingError("qty", "is no number")
    if text.isdecimal() and len(text) <= WHOLE_DIGITS:  # most rows: nothing can be wrong with it
        return Decimal(text)
    try:
        quantity = Decimal(text.strip())
    except InvalidOperation:
        raise MappingError("qty", "is no number") from None
    if not quantity.is_finite():
        raise MappingError("qty", "is no number")
    if quantity < 0 and negative:
        return ZERO
    if not ZERO <= quantity <= MOST:
        raise MappingError("qty", f"is not between 0 and {MOST}")
    if quantity != quantity.quantize(STEP):
        raise MappingError("qty", "has more than 4 decimals")
    return quantity


def _place(value: Any, places: Mapping[str, str]) -> str:
    if isinstance(value, str) and value in places:
        return places[value]
    if not isinstance(value, str) or not value.strip():
        raise MappingError("warehouse", "is missing")
    warehouse = value.strip()
    if warehouse not in places:
        raise MappingError("warehouse", f"{warehouse[:40]!r} is not in the route's options.inventory.warehouses")
    return places[warehouse]


def _in_stock(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | str) or value not in STATUSES:
        raise MappingError("status", "is none of 1, 0, in_stock, out_of_stock")
    return STATUSES[value]


def _meaning(value: Any, options: Raw) -> Meaning:
    meaning = value or options.get("meaning") or "on_hand"
    if not isinstance(meaning, str) or meaning not in MEANINGS:
        raise MappingError("meaning", "is neither on_hand nor available")
    return MEANINGS[meaning]


RULES: StateRules[StockLevel] = StateRules(
    reader=reader,
    subject=subject,
    reference=lambda level: level.sku,
    lane=lambda level: level.place,
    content=content,
    version=lambda level: level.version,
    alarm=alarm,
    guard=guard,
)
