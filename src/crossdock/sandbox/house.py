"""How the stand-in store is set up, where it is not set up well: what `crossdock doctor` must find."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from crossdock.model.base import Record
from crossdock.sandbox.wire import Answer, Asked

if TYPE_CHECKING:
    from crossdock.sandbox.routes import Call
    from crossdock.sandbox.store import Store

STAMP = "%Y-%m-%d %H:%M:%S"
ROWS = ("sourceItems", "prices", "items")
KINDS = {
    "sourceItems": r"\Magento\InventoryApi\Api\Data\SourceItemInterface",
    "prices": r"\Magento\Catalog\Api\Data\BasePriceInterface",
    "items": r"\Magento\Sales\Api\Data\ShipmentItemCreationInterface",
}


class House(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As in a well-kept store where nothing is said."""

    denied: tuple[str, ...] = ()  # rights that the caller has not, by their ACL names: 401 (recorded)
    page_limit: int = 0  # a page of more rows is refused (recorded); 0: no limit
    rows_limit: int = 0  # a list of more rows within one call is refused (recorded); 0: no limit
    absent_modules: tuple[str, ...] = ()  # modules that V1/modules does not name
    base_currency: str = "EUR"  # of the website
    types: dict[str, int] = msgspec.field(default_factory=dict)  # so many products of further kinds: {"giftcard": 3}
    index_late: bool = False  # what was written to sources is not indexed: nothing of it can be sold
    index_stays: bool = False  # what was taken from sources is not indexed: it can still be sold
    unpaid_for_h: float = 0.0  # new orders wait for payment, placed so many hours ago: cron did not end them


PLAIN = House()


def too_large(house: House, asked: Asked) -> Answer | None:
    """The refusal of a page or a list above the store's limits, or None."""
    size = asked.query.get("searchCriteria[pageSize]") or asked.query.get("searchCriteria[page_size]") or "0"
    if house.page_limit and size.isdigit() and int(size) > house.page_limit:
        text = "Maximum SearchCriteria pageSize is %max"
        return Answer(status=400, body={"message": text, "parameters": {"max": house.page_limit}})
    if house.rows_limit and asked.body:
        return _too_many(house.rows_limit, asked)
    return None


def _too_many(most: int, asked: Asked) -> Answer | None:
    try:
        body = asked.json()
    except ValueError:
        return None  # the call itself says what is wrong with it
    for name in ROWS if isinstance(body, dict) else ():
        if isinstance(body.get(name), list) and len(body[name]) > most:
            told = {"type": KINDS[name], "max": most}
            return Answer(status=400, body={"message": 'Maximum items of type "%type" is %max', "parameters": told})
    return None


def modules(store: Store, every: list[str]) -> Answer:
    """Those that are there."""
    return Answer(body=[name for name in every if name not in store.faults.house.absent_modules])


def configs(store: Store, every: list[dict[str, Any]]) -> Answer:
    """The views, in the base currency."""
    return Answer(body=[one | {"base_currency_code": store.faults.house.base_currency} for one in every])


def kinds(store: Store, every: list[dict[str, str]]) -> Answer:
    """Those of Magento, and the further ones."""
    further = [{"name": name, "label": name.title()} for name in store.faults.house.types]
    return Answer(body=[*every, *further])


def further(store: Store, call: Call) -> Answer | None:
    """The answer to a list of products of a further kind, or None where it asks for something else."""
    wanted = [value for name, value in call.asked.query.items() if name.endswith("[value]")]
    count = store.faults.house.types.get(wanted[0]) if len(wanted) == 1 else None
    return None if count is None else Answer(body={"items": [{"sku": f"{wanted[0]}-1"}], "total_count": count})


def unpaid(house: House, now: datetime) -> dict[str, Any]:
    """What makes a new order one that cron should have ended; nothing where it runs."""
    if not house.unpaid_for_h:
        return {}
    placed = (now - timedelta(hours=house.unpaid_for_h)).strftime(STAMP)
    return {"state": "pending_payment", "status": "pending_payment", "created_at": placed}


def salable(house: House, there: float, left: float) -> float:
    """What the stock's index says, where `left` of what is there would be right."""
    if house.index_late:
        return 0.0
    return there + 1 if house.index_stays else left
