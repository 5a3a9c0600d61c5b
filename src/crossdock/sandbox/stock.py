"""Stock per source, as far as Magento's bugs with it go: source items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crossdock.sandbox import catalog, house
from crossdock.sandbox.faults import NOT_SAVED
from crossdock.sandbox.search import listed
from crossdock.sandbox.wire import Answer

if TYPE_CHECKING:
    from crossdock.sandbox.routes import Call
    from crossdock.sandbox.store import Store

Row = dict[str, Any]
BROKEN = "An error has happened during application run. See exception log for details.\n"
SOURCES = ("default", "wh_milan", "wh_rome")
SKUS = ("SIM-0001", "SIM-0002", "SIM-0003")
MISSING_ITEMS = {
    "message": '"%fieldName" is required. Enter and try again.',
    "parameters": {"fieldName": "sourceItems"},
}
ITEM_COLUMNS = {"sku", "source_code", "quantity", "status"}


def first_items() -> dict[tuple[str, str], Row]:
    """A hundred pieces of each SKU in each source."""
    places = [(sku, code) for sku in SKUS for code in SOURCES]
    return {(sku, code): {"sku": sku, "source_code": code, "quantity": 100, "status": 1} for sku, code in places}


def source_items(store: Store, call: Call) -> Answer:
    """A list of them."""
    return listed([*store.source_items.values()], call.asked.query, ITEM_COLUMNS, store.faults.bugs)


def save_source_items(store: Store, call: Call) -> Answer:
    """All of them or none. An unknown SKU is taken without a word, as the real one does."""
    if store.faults.bugs.source_items_collide and call.asked.writing > 1:
        store.lottery.count("source_items_collide")
        return Answer(status=400, body=NOT_SAVED)
    rows = call.body.get("sourceItems")
    if rows is None:
        return Answer(status=400, body=MISSING_ITEMS)
    if rows == []:
        return Answer(status=400, body={"message": "Input data is empty"})
    if (refused := next(filter(None, map(_refused, rows or ())), None)) is not None:
        return refused
    for row in rows or ():
        known = store.catalog.rows.get(str(row["sku"]).strip().casefold())
        sku = known["sku"] if known else str(row["sku"]).strip()  # an unknown one becomes a ghost (recorded)
        kept = {"sku": sku, "source_code": row["source_code"], "status": int(row["status"])}
        store.source_items[sku, row["source_code"]] = kept | {"quantity": round(float(row["quantity"]), 4)}
    return Answer(body=[])


def reserved(store: Store, sku: str) -> float:
    """What open orders keep aside: ordered, and neither shipped nor cancelled (recorded: reservation_demo)."""
    return sum(_kept_aside(order, sku.strip().casefold()) for order in store.orders.values())


def _kept_aside(order: Row, sku: str) -> float:
    by_id = {row["item_id"]: row for row in order["items"]}
    total = 0.0
    for row in order["items"]:
        if row["sku"].strip().casefold() != sku or row["product_type"] in {"configurable", "bundle"}:
            continue
        parent = by_id.get(row.get("parent_item_id"), row)
        share = row["qty_ordered"] / parent["qty_ordered"]
        gone = parent["qty_invoiced"] if row["is_virtual"] else parent["qty_shipped"]
        total += max(0, row["qty_ordered"] - share * (gone + parent["qty_canceled"]))
    return total


def salable(store: Store, call: Call) -> Answer:
    """What the stock's sources hold less what is reserved; an unknown SKU is a plain-text 500 (recorded)."""
    sku, stock = call.parts
    if sku.strip().casefold() not in store.catalog.rows:
        return Answer(status=500, body=BROKEN)
    places = {link["source_code"] for link in catalog.LINKS if str(link["stock_id"]) == stock}
    name = sku.strip().casefold()
    rows = [row for row in store.source_items.values() if row["sku"].casefold() == name and row["status"]]
    there = sum(row["quantity"] for row in rows if row["source_code"] in places)
    left = house.salable(store.faults.house, there, there - reserved(store, sku))
    return Answer(body=int(left) if left == int(left) else left)


def deduct(store: Store, shipped: Row, source: str) -> None:
    """A shipment takes from its source; the children of what was shipped are what lies there."""
    order = store.orders[shipped["order_id"]]
    for line in shipped["items"]:
        children = [row for row in order["items"] if row.get("parent_item_id") == line["order_item_id"]]
        whole = next(row for row in order["items"] if row["item_id"] == line["order_item_id"])
        for row in children or [whole]:
            kept = store.source_items.get((row["sku"], source))
            if kept is not None:
                kept["quantity"] -= line["qty"] * row["qty_ordered"] / whole["qty_ordered"]


def _refused(row: Row) -> Answer | None:
    """Why one row makes the whole call fail, or None. A negative quantity is taken (recorded)."""
    for field in ("quantity", "status"):
        value = row.get(field)
        if value is None:
            told = {"message": '"%field" should be numeric.', "parameters": {"field": field}}
            text = f'Validation Failed: "{field}" should be numeric.'
            return Answer(status=400, body={"message": text, "errors": [told]})
        try:
            float(value)
        except (TypeError, ValueError):
            kind = "float" if field == "quantity" else "int"
            text = f'Error occurred during "{field}" processing. The "{value}" value\'s type is invalid. '
            return Answer(status=400, body={"message": text + f'The "{kind}" type was expected. Verify and try again.'})
    known = {one["source_code"] for one in catalog.SOURCES}
    return None if row.get("source_code") in known else Answer(status=400, body=NOT_SAVED)
