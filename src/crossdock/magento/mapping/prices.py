"""Prices as Magento's price endpoints take and give them, and which row an error of theirs is about. Pure.

Failed rows stand in a 200, `[{"message", "parameters"}]`, and none says which row of the request it means: the
parameters hold the SKU, and mostly the scope, among other values (recorded; base prices below 0 name no SKU).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from crossdock.model.base import Record
from crossdock.model.price import Price, Step

Row = dict[str, Any]
ROOT = "V1/products"
PATHS: Mapping[str, str] = {
    "base": f"{ROOT}/base-prices",
    "special": f"{ROOT}/special-price",
    "tier": f"{ROOT}/tier-prices",
    "ladder": f"{ROOT}/tier-prices",
    "cost": f"{ROOT}/cost",
}
# no website: of a tier price that stands in another's way Magento quotes the other one's
BESIDE_THE_SKU = ("store_id", "customer_group", "quantity")
OF_A_TIER = ("SKU", "websiteId", "customerGroup", "qty")  # parameters of its errors; price or priceType goes before
UNSAID = ""  # an empty day is not written; null would be


class Told(Record, frozen=True, kw_only=True, rename={"amount": "price"}):
    """A row of an answer of /base-prices-information and its like; `cost` is what a cost row has for a price."""

    sku: str = ""
    amount: Decimal | None = None
    cost: Decimal | None = None
    store_id: int = 0
    website_id: int = 0
    price_type: str = ""
    customer_group: str = ""
    quantity: Decimal = Decimal(0)
    price_from: str | None = None
    price_to: str | None = None


class View(Record, frozen=True, kw_only=True):
    """What the store tells of one of its store views (V1/store/storeConfigs)."""

    id: int
    website_id: int
    base_currency_code: str


def rows_of(price: Price, sku: str) -> list[Row]:
    """One row, or one for each step of a ladder. `sku` as the store spells it."""
    if price.kind == "ladder":
        return [_tier(step, sku) for step in price.steps]
    if price.kind == "tier":
        return [_tier(_step(price), sku)]
    if price.kind == "cost":
        return [{"cost": price.amount, "store_id": price.scope, "sku": sku}]
    row = {"price": price.amount, "store_id": price.scope, "sku": sku}
    if price.kind == "special":
        row |= {"price_from": _midnight(price.begins), "price_to": _midnight(price.ends)}
    return [row]


def removal_of(price: Price, sku: str) -> Row:
    """Of a special price: only the SKU and the store view count, but a price must be there."""
    return {"price": 0, "store_id": price.scope, "sku": sku, "price_from": UNSAID, "price_to": UNSAID}


def tier_of(told: Told) -> Row:
    """A tier price as the store has it, to be taken away: it is found by its value too."""
    return {
        "price": told.amount,
        "price_type": told.price_type,
        "website_id": told.website_id,
        "sku": told.sku,
        "customer_group": told.customer_group,
        "quantity": told.quantity,
    }


def is_step_of(told: Told, price: Price) -> bool:
    """Whether it is the tier price of this place, whatever its amount."""
    same = told.website_id == price.scope and told.quantity == price.quantity
    return same and told.customer_group.casefold() == price.group.casefold()


def holds(found: Sequence[Told], price: Price) -> bool:
    """Whether what the store tells of the SKU is exactly this."""
    if price.kind == "ladder":
        return sorted(_told_step(one) for one in found) == sorted(_wanted_step(step) for step in price.steps)
    if price.kind == "tier":
        there = [one for one in found if is_step_of(one, price)]
        if price.amount is None:
            return not there
        return any(_told_step(one) == _wanted_step(_step(price)) for one in there)
    there = [one for one in found if one.store_id == price.scope]
    if price.amount is None:
        return not there
    if price.kind == "cost":
        return any(one.cost == price.amount for one in there)
    return any(one.amount == price.amount and (price.kind == "base" or _same_days(one, price)) for one in there)


def standing(found: Sequence[Told], price: Price) -> Price:
    """What the store tells of the SKU in this price's place, as we mean it: without an amount where it has none."""
    if price.kind == "ladder":
        return msgspec.structs.replace(price, steps=tuple(_step_of(one) for one in found))
    if price.kind == "tier":
        tier = next((_step_of(one) for one in found if is_step_of(one, price)), None)
        amount, discount = (tier.amount, tier.discount) if tier else (None, False)
        return msgspec.structs.replace(price, amount=amount, discount=discount)
    there = next((one for one in found if one.store_id == price.scope), None)
    if there is None or price.kind == "cost":
        return msgspec.structs.replace(price, amount=there.cost if there else None, begins=None, ends=None)
    days = (_day_of(there.price_from), _day_of(there.price_to)) if price.kind == "special" else (None, None)
    return msgspec.structs.replace(price, amount=there.amount, begins=days[0], ends=days[1])


def _step_of(one: Told) -> Step:
    return Step(
        scope=one.website_id,
        group=one.customer_group,
        quantity=one.quantity,
        amount=Decimal(0) if one.amount is None else one.amount,
        discount=one.price_type == "discount",
    )


def _day_of(text: str | None) -> date | None:
    try:
        return date.fromisoformat((text or "")[:10])
    except ValueError:
        return None


def keeps_a_day(found: Sequence[Told], price: Price) -> bool:
    """Whether the store has a day that this special price has not, which a save would leave as it is."""
    return any(
        (one.price_from and not price.begins) or (one.price_to and not price.ends)
        for one in found
        if one.store_id == price.scope
    )


def refusal(price: Price, views: Sequence[View], *, is_global: bool) -> str:
    """Why the store must not be sent this, or ""."""
    scopes = {step.scope for step in price.steps} if price.kind == "ladder" else {price.scope}
    for scope in sorted(scopes):
        if why := _misplaced(price, scope, views, is_global=is_global):
            return why
    return ""


def blamed(errors: Sequence[Mapping[str, Any]], rows: Sequence[Row]) -> list[int] | None:
    """For each error the place of the row that it is about; None where that cannot be told of one of them."""
    found: list[int] = []
    for error in errors:
        values = _values(error.get("parameters"))
        alike = [place for place, row in enumerate(rows) if _text(row["sku"]) in values]
        for name in BESIDE_THE_SKU:
            quoted = [place for place in alike if name in rows[place] and _text(rows[place][name]) in values]
            alike = quoted or alike
        if len(alike) != 1:
            return None
        found.append(alike[0])
    return found


def named(error: Mapping[str, Any]) -> Mapping[str, Any]:
    """An error whose parameters have their names again: those of tier prices come in another order than in the text."""
    message, told = str(error.get("message", "")), error.get("parameters")
    first = ("priceType",) if "%priceType" in message else ("price",)
    names = OF_A_TIER if isinstance(told, list) and len(told) == len(OF_A_TIER) else (*first, *OF_A_TIER)
    if not isinstance(told, list) or len(told) != len(names) or "%customerGroup" not in message:
        return error
    return {"message": message, "parameters": dict(zip(names, told, strict=True))}


def _misplaced(price: Price, scope: int, views: Sequence[View], *, is_global: bool) -> str:
    tier = price.kind in {"tier", "ladder"}
    here = [view for view in views if scope in {0, view.website_id if tier else view.id}]
    if not here:
        return f"the store has no {'website' if tier else 'store view'} {scope}"
    if scope and is_global:
        return "the store has one price for all its websites (price scope global): only scope 0 can be written"
    others = {view.base_currency_code for view in here} - {price.currency}
    if price.currency and others:
        return f"the price is in {price.currency}, the store's base currency is {', '.join(sorted(others))}"
    return ""


def _values(parameters: Any) -> set[str]:
    told = parameters.values() if isinstance(parameters, dict) else parameters if isinstance(parameters, list) else ()
    return {_text(value) for value in told}


def _text(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return str(value).casefold()


def _step(price: Price) -> Step:
    return Step(
        scope=price.scope,
        group=price.group,
        quantity=price.quantity or Decimal(1),
        amount=price.amount or Decimal(0),
        discount=price.discount,
    )


def _tier(step: Step, sku: str) -> Row:
    return {
        "price": step.amount,
        "price_type": "discount" if step.discount else "fixed",
        "website_id": step.scope,
        "sku": sku,
        "customer_group": step.group,
        "quantity": step.quantity,
    }


def _told_step(one: Told) -> tuple[int, str, Decimal, str, Decimal]:
    amount = Decimal(0) if one.amount is None else one.amount
    return one.website_id, one.customer_group.casefold(), one.quantity, one.price_type, amount


def _wanted_step(step: Step) -> tuple[int, str, Decimal, str, Decimal]:
    return step.scope, step.group.casefold(), step.quantity, "discount" if step.discount else "fixed", step.amount


def _midnight(day: date | None) -> str:
    """Magento adds a whole day to the end (Timezone::isScopeDateInInterval): the midnight before is the last day."""
    return f"{day.isoformat()} 00:00:00" if day else UNSAID


def _same_days(one: Told, price: Price) -> bool:
    wanted = [day.isoformat() if day else "" for day in (price.begins, price.ends)]
    return [(one.price_from or "")[:10], (one.price_to or "")[:10]] == wanted
