"""The stand-in store's products: saving, reading and deleting them as recorded, with what the real one does silently.

An unknown attribute is dropped, an option that there is not is taken, four-byte characters become question marks, and a
save through the code of one store view is that view's alone. What was not recorded (pictures, children of configurable
products, making options) follows Magento's source and schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from crossdock.sandbox import attributes, house, media
from crossdock.sandbox.catalog import url_key
from crossdock.sandbox.search import listed, narrowed, read_criteria
from crossdock.sandbox.wire import Answer

if TYPE_CHECKING:
    from crossdock.sandbox.routes import Call
    from crossdock.sandbox.store import Store

Row = dict[str, Any]
COLUMNS = {
    *("entity_id", "id", "sku", "name", "type_id", "status", "visibility", "created_at", "updated_at", "price"),
    *("attribute_set_id", "special_price"),
}
MISSING = {"message": "The product that was requested doesn't exist. Verify the product and try again."}
NO_SET = {"message": "Invalid product data: %1", "parameters": ["Invalid attribute set entity type"]}
OWN = ("name", "status", "visibility", "weight")
TAKEN = frozenset([*OWN, "id", "sku", "price", "type_id", "attribute_set_id", "created_at", "updated_at"]) | {
    *("extension_attributes", "product_links", "options", "media_gallery_entries", "tier_prices", "custom_attributes"),
}
FIRST_CUSTOM = {
    "options_container": "container2",
    "msrp_display_actual_price_type": "0",
    "url_key": "",
    "required_options": "0",
    "has_options": "0",
    "tax_class_id": "2",
    "category_ids": [],
}
STOCK = {
    "stock_id": 1,
    "qty": None,
    "is_in_stock": False,
    "is_qty_decimal": False,
    "show_default_notification_message": False,
    "use_config_min_qty": True,
    "min_qty": 0,
    "use_config_min_sale_qty": 1,
    "min_sale_qty": 1,
    "use_config_max_sale_qty": True,
    "max_sale_qty": 10000,
    "use_config_backorders": True,
    "backorders": 0,
    "use_config_notify_stock_qty": True,
    "notify_stock_qty": 1,
    "use_config_qty_increments": True,
    "qty_increments": 0,
    "use_config_enable_qty_inc": True,
    "enable_qty_increments": False,
    "use_config_manage_stock": True,
    "manage_stock": True,
    "low_stock_date": None,
    "is_decimal_divided": False,
    "stock_status_changed_auto": 0,
}
LONGEST_SKU = 64
TYPES = [
    {"name": name, "label": f"{name.capitalize()} Product"}
    for name in ("simple", "virtual", "downloadable", "bundle", "grouped", "configurable")
]


def products(store: Store, call: Call) -> Answer:
    """A list of them. One that asks for SKUs alone is answered without a scan."""
    if (further := house.further(store, call)) is not None:
        return further
    query = {name: value for name, value in call.asked.query.items() if name != "fields"}
    rows = [*store.catalog.rows.values()]
    criteria = read_criteria(query)
    if not isinstance(criteria, Answer) and len(criteria.groups) == 1 and len(criteria.groups[0]) == 1:
        rows = _named(store.catalog.rows, criteria.groups[0][0], rows)
    answer = listed(rows, query, COLUMNS, store.faults.bugs)
    if answer.status != 200:
        return answer
    body = answer.body | {"items": [shown(store, row, _view(call), whole=False) for row in answer.body["items"]]}
    return Answer(body=narrowed(body, call.asked.query.get("fields")))


def product(store: Store, call: Call) -> Answer:
    """One."""
    row = store.catalog.find(call.parts[0])
    if row is None:
        return Answer(status=404, body=MISSING)
    return Answer(body=narrowed(shown(store, row, _view(call)), call.asked.query.get("fields")))


def delete(store: Store, call: Call) -> Answer:
    """Gone, with its prices."""
    row = store.catalog.find(call.parts[0])
    if row is None:
        return Answer(status=404, body=MISSING)
    name = row["sku"].casefold()
    del store.catalog.rows[name]
    store.prices.kept["base"].pop((name, 0), None)
    return Answer(body=True)


def save(store: Store, call: Call) -> Answer:
    """POST and PUT alike make or change one; the SKU in the address goes before that in the body (recorded)."""
    told: Row = call.body["product"]
    if (refused := refuse(call.body)) is not None:
        return refused
    sku = _kept_text(str(call.parts[0] if call.parts else told.get("sku", ""))).strip()
    row = store.catalog.find(sku)
    is_new = row is None
    made = {**(row or {"type_id": "simple", "status": 1, "visibility": 4, "sku": sku})}
    if (refused := _refused(store, made, told, is_new=is_new)) is not None:
        return refused
    entries = [one for one in told.get("media_gallery_entries") or () if "content" in one]
    if (refused := next((found for one in entries if (found := media.refuse(one))), None)) is not None:
        return refused
    kept = row if row is not None else store.catalog.make(sku, str(told["name"]), store.stamp())
    for one in entries:
        media.keep(store, kept, one)
    _write(store, kept, told, _view(call) if not is_new else "all")
    return Answer(body=shown(store, kept, _view(call)))


def refuse(body: Any) -> Answer | None:
    """What is wrong with the types: told at once even of an asynchronous call, and of all its entries together."""
    told = body.get("product") if isinstance(body, Mapping) else None
    for name in told or {}:
        if name not in TAKEN:
            text = '"%fieldName" is not supported. Correct the field name and try again.'
            return Answer(status=400, body={"message": text, "parameters": {"fieldName": name.capitalize()}})
    price = (told or {}).get("price")
    try:
        float(price or 0)
    except (TypeError, ValueError):
        text = f'Error occurred during "price" processing. The "{price}" value\'s type is invalid. '
        return Answer(status=400, body={"message": text + 'The "float" type was expected. Verify and try again.'})
    return None


def shown(store: Store, row: Row, view: str = "all", *, whole: bool = True) -> Row:
    """As the API tells it; a list tells less of stock and of what belongs together."""
    own = {"name": "", "status": 1, "visibility": 4} | row | row.get("views", {}).get(view, {})
    custom = FIRST_CUSTOM | {"url_key": store.catalog.url_key(row)} | row.get("custom", {}) | own.get("view_custom", {})
    custom["category_ids"] = custom.pop("category_ids")  # the last one, but for what came with the store (recorded)
    base = store.prices.kept["base"].get((row["sku"].casefold(), 0))
    told = {
        "id": row["id"],
        "sku": row["sku"],
        "name": own["name"],
        "attribute_set_id": row.get("attribute_set_id", 4),
        "price": base["price"] if base else 0,
        "status": own["status"],
        "visibility": own["visibility"],
        "type_id": row["type_id"],
        "created_at": row.get("created_at", store.started),
        "updated_at": row.get("updated_at", store.started),
    }
    if own.get("weight") is not None:
        told["weight"] = own["weight"]
    more: Row = {"website_ids": row.get("website_ids", [1])}
    if whole:
        more["stock_item"] = {
            "item_id": row["id"],
            "product_id": row["id"],
            **STOCK,
            **_stock(store, row),
            **row.get("counting", {}),
        }
        if row.get("positions"):
            more["category_links"] = [
                {"position": position, "category_id": number} for number, position in row["positions"].items()
            ]
        if row["type_id"] == "configurable":
            more["configurable_product_options"] = row.get("axes", [])
            more["configurable_product_links"] = row.get("children", [])
    return told | {
        "extension_attributes": more,
        "product_links": [],
        "options": [],
        "media_gallery_entries": row.get("media", []),
        "tier_prices": [],
        "custom_attributes": [
            {"attribute_code": code, "value": value} for code, value in custom.items() if value not in (None, "")
        ],
    }


def _stock(store: Store, row: Row) -> Row:
    """The legacy stock item is what lies in the source `default` (recorded)."""
    first = None if "created_at" in row else {"quantity": 100, "status": 1}
    kept = store.source_items.get((row["sku"], "default"), first)
    return {"qty": kept["quantity"], "is_in_stock": bool(kept["status"])} if kept else {}


def _refused(store: Store, made: Row, told: Row, *, is_new: bool) -> Answer | None:
    if len(made["sku"]) > LONGEST_SKU:
        return _no("SKU length should be 64 characters maximum.")
    wanted = told.get("attribute_set_id", made.get("attribute_set_id"))
    if wanted not in {one["attribute_set_id"] for one in attributes.SETS}:
        return Answer(status=400, body=NO_SET)
    if not str(told.get("name", made.get("name") or "")).strip():
        return _no('The "Product Name" attribute value is empty. Set the attribute and try again.')
    if float(told.get("price") or 0) < 0:
        return _no("Please enter a number 0 or greater in this field.")
    custom = {one["attribute_code"]: one.get("value") for one in told.get("custom_attributes") or ()}
    key = str(custom.get("url_key") or (url_key(str(told["name"])) if is_new else ""))
    if key and store.catalog.key_is_taken(key, made["sku"]):
        return _no("URL key for specified store already exists.")
    links = (told.get("extension_attributes") or {}).get("configurable_product_links") or ()
    known = {row["id"] for row in store.catalog.rows.values()} if links else set()
    if not known.issuperset(links):
        return _no("The product that was requested doesn't exist. Verify the product and try again.")
    return None


def _write(store: Store, row: Row, told: Row, view: str) -> None:
    """`view` other than all: name, status, visibility and custom attributes are that view's (recorded)."""
    values = {name: told[name] for name in OWN if name in told}
    if "name" in values:
        values["name"] = _kept_text(str(values["name"]))
    place = row if view == "all" else row.setdefault("views", {}).setdefault(view, {})
    place.update(values)
    custom = place.setdefault("custom" if view == "all" else "view_custom", {})
    in_set = attributes.codes_of(int(told.get("attribute_set_id") or row["attribute_set_id"]))
    for one in told.get("custom_attributes") or ():
        if one["attribute_code"] in in_set:  # others are dropped without a word (recorded)
            custom[one["attribute_code"]] = _custom(one.get("value"))
    for name in ("type_id", "attribute_set_id"):
        row[name] = told.get(name, row[name])
    if "price" in told:
        price = round(float(told["price"]), 6)
        kept = {"price": int(price) if price.is_integer() else price, "store_id": 0, "sku": row["sku"]}
        store.prices.kept["base"][row["sku"].casefold(), 0] = kept
    more = told.get("extension_attributes") or {}
    _extend(row, more)
    stock = more.get("stock_item") or {}
    counting = {name: stock[name] for name in ("use_config_manage_stock", "manage_stock") if name in stock}
    row["counting"] = {**row.get("counting", {}), **counting}
    if "qty" in stock:
        status = int(bool(stock.get("is_in_stock")))
        kept = {"sku": row["sku"], "source_code": "default", "quantity": stock["qty"], "status": status}
        store.source_items[row["sku"], "default"] = kept
    if not store.faults.bugs.updated_at_stays:
        row["updated_at"] = store.stamp()


def _extend(row: Row, more: Row) -> None:
    if "website_ids" in more:
        row["website_ids"] = [int(one) for one in more["website_ids"]]
    if "category_links" in more:
        row["positions"] = {str(one["category_id"]): one.get("position", 0) for one in more["category_links"]}
        row.setdefault("custom", {})["category_ids"] = [*row["positions"]]
    if "configurable_product_options" in more:
        row["axes"] = [
            {**one, "id": one.get("id") or row["id"] * 100 + place, "product_id": row["id"]}
            for place, one in enumerate(more["configurable_product_options"])
        ]
    if "configurable_product_links" in more:
        row["children"] = [*more["configurable_product_links"]]


def _custom(value: Any) -> Any:
    return _kept_text(value) if isinstance(value, str) else value if isinstance(value, list) else str(value or "")


def _kept_text(text: str) -> str:
    """A table of three-byte UTF-8 (recorded)."""
    return "".join(one if ord(one) <= 0xFFFF else "????" for one in text)


def _named(known: Mapping[str, Row], one: Mapping[str, str], rows: list[Row]) -> list[Row]:
    kind = one.get("condition_type", "eq")
    if one.get("field") != "sku" or kind not in {"eq", "in"}:
        return rows
    skus = one.get("value", "").split(",") if kind == "in" else [one.get("value", "")]
    return [known[sku.strip().casefold()] for sku in skus if sku.strip().casefold() in known]


def _view(call: Call) -> str:
    """Without a code in the address it is the default view's."""
    code = call.asked.path.removeprefix("/rest/").partition("/")[0]
    return "default" if code in {"V1", "async"} else code


def _no(text: str) -> Answer:
    return Answer(status=400, body={"message": text})
