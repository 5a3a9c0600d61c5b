"""Prices, ERP to store. Pure.

A row is strict: nothing is guessed (flaws 47, 48, 55). A scope that the route does not name is refused and never
becomes "all of them"; a currency or a tax other than expected is refused, and so is a column for which its kind of
price has no use.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Any

import msgspec

from crossdock.contract.state import Raw, StateRules
from crossdock.errors import MappingError
from crossdock.flows.cells import exact, is_empty, moment_of, number_of, plain, sku_of, version_of
from crossdock.model.price import Kind, Price, Step

MOST = Decimal("999999999.999999")  # Magento keeps decimal(20,6), but reads JSON as double: 15 digits survive it
DECIMALS = 6
MOST_PIECES = Decimal("99999999.9999")  # catalog_product_entity_tier_price.qty is decimal(12,4)
MOST_PERCENT, PERCENT_DECIMALS = Decimal(100), 2  # its percentage_value is decimal(5,2)
LONGEST_GROUP = 32  # customer_group.customer_group_code
MOST_STEPS = 200
EVERYBODY = "ALL GROUPS"
KINDS: Mapping[Any, Kind] = {"base": "base", "special": "special", "tier": "tier", "cost": "cost"}
COLUMNS: Mapping[Kind, frozenset[str]] = {
    "base": frozenset({"scope", "price", "currency", "tax"}),
    "special": frozenset({"scope", "price", "currency", "tax", "from", "to", "remove"}),
    "tier": frozenset({"scope", "price", "currency", "tax", "discount", "group", "quantity", "remove"}),
    "ladder": frozenset({"tiers", "currency", "tax"}),
    "cost": frozenset({"scope", "price", "currency"}),
}
STRANGERS = {kind: sorted(frozenset().union(*COLUMNS.values()) - own) for kind, own in COLUMNS.items()}
TAXES: Mapping[Any, bool] = {"included": True, "excluded": False}
YES: Mapping[Any, bool] = {True: True, False: False, "true": True, "false": False, "1": True, "0": False}
CELLS = msgspec.json.Decoder(float_hook=exact)
CURRENCY = re.compile(r"[A-Z]{3}")


def reader(options: Raw) -> Callable[[Raw], Price]:
    """Reads rows `{kind, sku, scope, price, ...}` as docs/prices.md has them; it raises MappingError."""
    replace = options.get("tiers") == "replace"

    def read(raw: Raw) -> Price:
        kind = _kind(raw, replace=replace)
        for column in STRANGERS[kind]:
            if not is_empty(raw.get(column)):
                raise MappingError(column, f"has no meaning for this price ({raw.get('kind')})")
        as_of = None if is_empty(raw.get("as_of")) else moment_of(raw.get("as_of"))
        return Price(
            kind=kind,
            sku=sku_of(raw.get("sku")),
            as_of=as_of,
            version=version_of(raw.get("version"), as_of),
            **READERS[kind](raw, options),
        )

    return read


def subject(price: Price) -> str:
    """One row for each. Magento finds SKUs and customer groups whatever their case (recorded)."""
    sku = price.sku.casefold()
    if price.kind == "ladder":
        return f"price/ladder/{sku}"
    if price.kind != "tier":
        return f"price/{price.kind}/{price.scope}/{sku}"
    group = price.group.casefold().replace("%", "%25").replace("/", "%2F")
    return f"price/tier/{price.scope}/{plain(price.quantity or Decimal(0))}/{group}/{sku}"


def content(price: Price) -> str:
    """What makes a difference at the store, or to whether it may be written there."""
    if price.kind == "ladder":
        steps = sorted(f"{_place(step)}={_amount(step.amount, discount=step.discount)}" for step in price.steps)
        told = _terms(price)
        digest = sha256("\n".join([told, *steps]).encode()).hexdigest()[:24]
        return f"{len(steps)} steps{told} {digest}"
    if price.amount is None:
        return "none"
    window = f" {price.begins or ''}..{price.ends or ''}" if price.begins or price.ends else ""
    return f"{_amount(price.amount, discount=price.discount)}{_terms(price)}{window}"


def alarm(price: Price, before: Price | None, options: Raw) -> str:
    """`zero` where something becomes free, `change` where it moves by more than the guard's percentage."""
    if before is None:
        return ""
    percent = Decimal(str(_guard(options).get("change_percent", 0)))
    was = {_place(step): step for step in _steps(before)}
    words = {_oddity(step, was[_place(step)], percent) for step in _steps(price) if _place(step) in was}
    return "zero" if "zero" in words else "change" if "change" in words else ""


def guard(alarms: Mapping[str, int], rows: int, options: Raw) -> str:
    """Why a feed must wait for a person, or ""."""
    rules = _guard(options)
    least = rules.get("least_rows", 1)
    for word, share, told in (
        ("zero", "zero_percent", "become free"),
        ("change", "rows_percent", f"change by more than {rules.get('change_percent')} %"),
    ):
        odd, most = alarms.get(word, 0), Decimal(str(rules.get(share, 100)))
        if odd >= least and odd * 100 > rows * most:
            return f"{odd} of {rows} prices {told}, more than {most} % of the rows"
    return ""


def _guard(options: Raw) -> Raw:
    rules: Raw = options.get("guard") or {}
    return rules


def _oddity(now: Step, was: Step, percent: Decimal) -> str:
    pays, paid = (100 - one.amount if one.discount else one.amount for one in (now, was))
    if pays == 0:
        return "zero" if paid else ""
    if not percent or (now.discount is was.discount and not paid):
        return ""
    return "change" if now.discount is not was.discount or abs(pays - paid) * 100 > paid * percent else ""


def _steps(price: Price) -> tuple[Step, ...]:
    """Any price as a ladder, to be compared."""
    if price.kind == "ladder":
        return price.steps
    if price.amount is None:
        return ()
    quantity = price.quantity or Decimal(1)
    amount, discount = price.amount, price.discount
    return (Step(scope=price.scope, group=price.group, quantity=quantity, amount=amount, discount=discount),)


def _place(step: Step) -> str:
    return f"{step.scope}/{plain(step.quantity)}/{step.group.casefold()}"


def _amount(amount: Decimal, *, discount: bool) -> str:
    return f"{plain(amount)}%" if discount else plain(amount)


def _terms(price: Price) -> str:
    tax = "" if price.with_tax is None else " with tax" if price.with_tax else " without tax"
    return f" {price.currency}{tax}" if price.currency else tax


def _kind(raw: Raw, *, replace: bool) -> Kind:
    value = raw.get("kind")
    if not isinstance(value, str) or value not in KINDS:
        raise MappingError("kind", "is none of base, special, tier, cost")
    kind = KINDS[value]
    if kind != "tier" or not replace:
        return kind
    if is_empty(raw.get("tiers")):
        raise MappingError("tiers", "is missing: where tiers are replaced, a row holds all tier prices of its SKU")
    return "ladder"


def _base(raw: Raw, options: Raw) -> Raw:
    return {"scope": _scope(raw, options, "store"), **_price(raw, options)}


def _cost(raw: Raw, options: Raw) -> Raw:
    scope, amount = _scope(raw, options, "store"), number_of("price", raw.get("price"), MOST, DECIMALS)
    return {"scope": scope, "amount": amount, "currency": _currency(raw, options)}


def _special(raw: Raw, options: Raw) -> Raw:
    scope = _scope(raw, options, "store")
    if _removes(raw, "price", "from", "to"):
        return {"scope": scope}
    begins, ends = _day(raw, "from"), _day(raw, "to")
    if begins and ends and begins > ends:
        raise MappingError("to", "is before from")
    return {"scope": scope, "begins": begins, "ends": ends, **_price(raw, options)}


def _tier(raw: Raw, options: Raw) -> Raw:
    scope, group = _scope(raw, options, "website"), _group(raw)
    quantity = number_of("quantity", raw.get("quantity"), MOST_PIECES, 4)
    if not quantity:
        raise MappingError("quantity", "is 0")
    place = {"scope": scope, "group": group, "quantity": quantity}
    if _removes(raw, "price", "discount"):
        return place
    return place | dict(_fixed_or_discount(raw, options))


def _ladder(raw: Raw, options: Raw) -> Raw:
    rows = _cell(raw.get("tiers"))
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise MappingError("tiers", "is no list of tier prices")
    if len(rows) > MOST_STEPS:
        raise MappingError("tiers", f"holds more than {MOST_STEPS} steps")
    shared = {name: raw.get(name) for name in ("currency", "tax")}
    steps = []
    fixed: dict[str, Any] = {}
    for row in rows:
        if strays := row.keys() - {"scope", "group", "quantity", "price", "discount"}:
            raise MappingError("tiers", f"{min(map(str, strays))[:40]!r} has no meaning in a step")
        told = dict(_tier({**row, **shared}, options))
        fixed |= {name: told.pop(name) for name in ("currency", "with_tax") if name in told}
        steps.append(Step(**told))
    if len({_place(step) for step in steps}) < len(steps):
        raise MappingError("tiers", "names one scope, group and quantity twice")
    return {"steps": tuple(steps), **fixed}


READERS: Mapping[Kind, Callable[[Raw, Raw], Raw]] = {
    "base": _base,
    "special": _special,
    "tier": _tier,
    "ladder": _ladder,
    "cost": _cost,
}


def _cell(value: Any) -> Any:
    """A list, or a list as the text of a file's cell."""
    if not isinstance(value, str):
        return value
    try:
        return CELLS.decode(value)
    except (msgspec.DecodeError, RecursionError):
        return None


def _fixed_or_discount(raw: Raw, options: Raw) -> Raw:
    if is_empty(raw.get("discount")):
        return _price(raw, options)
    if not is_empty(raw.get("price")):
        raise MappingError("discount", "stands beside a price: a step has one of them")
    percent = number_of("discount", raw.get("discount"), MOST_PERCENT, PERCENT_DECIMALS)
    return {"amount": percent, "discount": True}


def _price(raw: Raw, options: Raw) -> Raw:
    amount = number_of("price", raw.get("price"), MOST, DECIMALS)
    return {"amount": amount, "currency": _currency(raw, options), "with_tax": _with_tax(raw, options)}


def _removes(raw: Raw, *others: str) -> bool:
    value = raw.get("remove")
    if is_empty(value):
        return False
    said = value.strip().casefold() if isinstance(value, str) else value  # a sheet saves TRUE
    if not isinstance(said, int | str) or said not in YES:
        raise MappingError("remove", "is neither true nor false")
    for column in others:
        if YES[said] and not is_empty(raw.get(column)):
            raise MappingError(column, "stands in a row that removes")
    return YES[said]


def _scope(raw: Raw, options: Raw, place: str) -> int:
    value = raw.get("scope")
    if not isinstance(value, str) or not value.strip():
        raise MappingError("scope", "is missing")
    scopes: Mapping[str, Mapping[str, int | None]] = options.get("scopes") or {}
    name = value.strip()
    if name not in scopes:
        raise MappingError("scope", f"{name[:40]!r} is not in the route's options.prices.scopes")
    number = scopes[name].get(place)
    if number is None:
        raise MappingError("scope", f"{name[:40]!r} has no {place} in the route's options.prices.scopes")
    return number


def _currency(raw: Raw, options: Raw) -> str:
    value, expected = raw.get("currency"), str(options.get("currency") or "")
    if is_empty(value):
        if not expected:
            raise MappingError("currency", "is missing, and the route's options.prices.currency does not say it")
        return expected
    if not isinstance(value, str) or not CURRENCY.fullmatch(value.strip()):
        raise MappingError("currency", "is no code of three capital letters")
    if expected and value.strip() != expected:
        raise MappingError("currency", f"is {value.strip()} where {expected} is expected")
    return value.strip()


def _with_tax(raw: Raw, options: Raw) -> bool | None:
    value, expected = raw.get("tax"), options.get("tax") or None
    if is_empty(value):
        return None if expected is None else TAXES[expected]
    if not isinstance(value, str) or value not in TAXES:
        raise MappingError("tax", "is neither included nor excluded")
    if expected is None:
        raise MappingError("tax", "cannot be held against the store: the route's options.prices.tax does not say it")
    if value != expected:
        raise MappingError("tax", f"is {value} where {expected} is expected")
    return TAXES[value]


def _group(raw: Raw) -> str:
    value = raw.get("group")
    if not isinstance(value, str) or not value.strip():
        raise MappingError("group", f"is missing; {EVERYBODY!r} is everybody")
    group = value.strip()
    if len(group) > LONGEST_GROUP:
        raise MappingError("group", f"is longer than {LONGEST_GROUP} characters")
    return EVERYBODY if group.upper() == EVERYBODY else group


def _day(raw: Raw, column: str) -> date | None:
    """A sheet gives a day as its midnight."""
    value = raw.get(column)
    if is_empty(value):
        return None
    text = str(value).strip().removesuffix("00:00:00").rstrip("T ")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise MappingError(column, "is no day (YYYY-MM-DD): special prices begin and end with days of the store")
    return day


RULES: StateRules[Price] = StateRules(
    reader=reader,
    subject=subject,
    reference=lambda price: price.sku,
    lane=lambda price: "tier" if price.kind == "ladder" else price.kind,
    content=content,
    version=lambda price: price.version,
    alarm=alarm,
    guard=guard,
)
