"""The store's REST calls: which there are, and what each answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from crossdock.model.base import Record
from crossdock.sandbox import attributes, catalog, customers, house, media, prices, products, shop, stock
from crossdock.sandbox.documents import Refused
from crossdock.sandbox.search import listed, narrowed
from crossdock.sandbox.wire import Answer, Asked

if TYPE_CHECKING:
    from crossdock.sandbox.store import Store

MISSING = "The entity that was requested doesn't exist. Verify the entity and try again."
NO_ROUTE = "Request does not match any route."
VIEW, COMMENT = "Magento_Sales::actions_view", "Magento_Sales::comment"
INVOICES, SHIPMENTS = "Magento_Sales::sales_invoice", "Magento_Sales::shipment"
MEMOS = "Magento_Sales::sales_creditmemo"
HOOKS, STORES = "MageOS_AsyncEvents::manage", "Magento_Backend::store"
STOCK, CUSTOMERS = "Magento_InventoryApi::source", "Magento_Customer::manage"
LINKS, ASSIGN = "Magento_InventoryApi::stock_source_link", "Magento_InventoryApi::stock_source_item_assign"
SOLD = "Magento_InventorySalesApi::stock"
CATALOG, PRICES = "Magento_Catalog::products", "Magento_Catalog::catalog"
ATTRIBUTES, CATEGORIES = "Magento_Catalog::attributes_attributes", "Magento_Catalog::categories"
BULK = "Magento_Logging::system_magento_logging_bulk_operations"
STATUSES = {
    "new": {"pending"},
    "processing": {"processing", "fraud"},
    "complete": {"complete"},
    "closed": {"closed"},
    "canceled": {"canceled"},
    "holded": {"holded"},
}

Do = Callable[["Store", "Call"], Answer]


class Call(Record, frozen=True, kw_only=True):
    """A request and what answers it. `body`: its JSON object. `resource`: the right it needs; "" for none."""

    asked: Asked
    act: Do
    kind: str
    resource: str
    parts: tuple[str, ...] = ()
    body: dict[str, Any] = {}
    inner: tuple[Call, ...] = ()  # of an asynchronous call: what is carried out later

    def carried_out(self, store: Store) -> Answer:
        """Looks and acts in one."""
        return self.act(store, self)

    def prepared(self, store: Store) -> Callable[[], Answer]:
        """Looks now, acts when called: the window in which parallel documents of one order race."""
        if self.kind != "document" or (order := _order(store, self.parts[0])) is None:
            return lambda: self.act(store, self)
        number, name = order["entity_id"], self.parts[1]
        plan = store.plan(number, name, self.body)
        return lambda: _answered(plan if isinstance(plan, Refused) else store.make(number, name, plan))


def find(asked: Asked) -> Call | Answer:
    """What is called, or why there is nothing to call. Any of /rest/V1, /rest/all/V1 and a store's own code will do."""
    if asked.method not in {"GET", "POST", "PUT", "DELETE"}:
        text = f"The {asked.method} HTTP method is not supported."
        return Answer(status=405, body={"message": text})
    place = re.fullmatch(r"/rest(?:/(\w+))?(/V1/.*)", asked.path)
    if place is None:
        return Answer(status=404, body={"message": NO_ROUTE})
    if place[1] and place[1] not in shop.CODES:
        return Answer(status=400, body={"message": "Specified request cannot be processed."})
    for method, pattern, kind, resource, wanted, act in TABLE:
        if method == asked.method and (found := pattern.fullmatch(place[2].rstrip("/"))):
            body = _body(asked, wanted)
            if isinstance(body, Answer):
                return body
            return Call(asked=asked, act=act, kind=kind, resource=resource, parts=found.groups(), body=body)
    return Answer(status=404, body={"message": NO_ROUTE})


def resource(method: str, path: str) -> str | None:
    """The right that a call needs; None where there is no such call. `path` begins with /V1/."""
    return next((row[3] for row in TABLE if row[0] == method and row[1].fullmatch(path)), None)


def right(asked: Asked) -> str:
    """The right that a call needs, before anything of it is looked at; "" where that is found out later."""
    place = re.fullmatch(r"/rest(?:/(\w+))?(/V1/.*)", asked.path)
    if place is None or (place[1] and place[1] not in shop.CODES):
        return ""
    return resource(asked.method, place[2].rstrip("/")) or ""


def _body(asked: Asked, wanted: str) -> dict[str, Any] | Answer:
    if asked.method == "GET" or not asked.body:
        return {} if asked.method in {"GET", "DELETE"} or not wanted else required(wanted)
    media = asked.headers.get("content-type", "").partition(";")[0].strip()
    if media != "application/json":
        text = f"Server cannot understand Content-Type HTTP header media type {media}"
        return Answer(status=400, body={"message": text})
    try:
        body = asked.json()
    except ValueError:
        return Answer(status=400, body={"message": "Decoding error."})
    if wanted and not (isinstance(body, dict) and isinstance(body.get(wanted), dict)):
        return required(wanted)
    return body if isinstance(body, dict) else {}


def required(name: str) -> Answer:
    """The answer where the body lacks this."""
    text = '"%fieldName" is required. Enter and try again.'
    return Answer(status=400, body={"message": text, "parameters": {"fieldName": name}})


def _order(store: Store, number: str) -> dict[str, Any] | None:
    return store.visible(int(number)) if number.isdigit() else None


def _missing() -> Answer:
    return Answer(status=404, body={"message": MISSING})


def _get_order(store: Store, call: Call) -> Answer:
    if not call.parts[0].isdigit():
        text = f'The "{call.parts[0]}" value\'s type is invalid. The "int" type was expected. Verify and try again.'
        return Answer(status=400, body={"message": text})
    order = _order(store, call.parts[0])
    return Answer(body=narrowed(order, call.asked.query.get("fields"))) if order else _missing()


def _get_orders(store: Store, call: Call) -> Answer:
    return listed(store.all_visible(), call.asked.query, shop.ORDER_COLUMNS, store.faults.bugs)


def _save_order(store: Store, call: Call) -> Answer:
    entity = call.body["entity"]
    order = _order(store, str(entity.get("entity_id", "")))
    if order is None:
        return _missing()
    told = {name: value for name, value in entity.items() if not isinstance(value, dict | list) and name != "entity_id"}
    store.write(order, told)
    # the real answer is made of what was sent and what is loaded on the way: totals are null, yet nothing was lost
    kept = [
        "billing_address_id",
        "created_at",
        "entity_id",
        "updated_at",
        "items",
        "billing_address",
        "payment",
        "status_histories",
    ]
    empty = {"base_grand_total": None, "grand_total": None, "customer_email": None, "base_total_due": 0, "total_due": 0}
    bare = [{name: value for name, value in row.items() if name != "extension_attributes"} for row in order["items"]]
    return Answer(body=empty | {name: order[name] for name in kept} | {"items": bare} | told)


def _move(store: Store, call: Call) -> Answer:
    order = _order(store, call.parts[0])
    if order is None:
        return _missing()
    done = store.change(order["entity_id"], call.parts[1])
    refusals = {"hold": "A hold action is not available.", "unhold": "You cannot remove the hold."}
    if not done and call.parts[1] in refusals:
        return Answer(status=400, body={"message": refusals[call.parts[1]]})
    return Answer(body=done)


def _document(store: Store, call: Call) -> Answer:
    order = _order(store, call.parts[0])
    if order is None:
        return _missing()
    return _answered(store.document(order["entity_id"], call.parts[1], call.body))


def _answered(made: int | Refused) -> Answer:
    """The new document's id, as a JSON string (recorded)."""
    return Answer(status=400, body={"message": made.message}) if isinstance(made, Refused) else Answer(body=str(made))


def _comment(store: Store, call: Call) -> Answer:
    order, told = _order(store, call.parts[0]), call.body["statusHistory"]
    if order is None:
        return _missing()
    status = told.get("status")
    if status is not None and status not in STATUSES.get(order["state"], set()):
        text = 'Unable to add comment: The status "%1" is not part of the order\n                 status history.'
        return Answer(status=400, body={"message": text, "parameters": [status]})
    store.comment(order, {"comment": ""} | told)
    return Answer(body=True)


def _comments(store: Store, call: Call) -> Answer:
    order = _order(store, call.parts[0])
    if order is None:
        return _missing()
    rows = store.comments.get(order["entity_id"], [])
    told = {"filters": [{"field": "parent_id", "value": call.parts[0], "condition_type": "eq"}]}
    return Answer(body={"items": rows, "search_criteria": {"filter_groups": [told]}, "total_count": len(rows)})


def _status(store: Store, call: Call) -> Answer:
    order = _order(store, call.parts[0])
    return Answer(body=order["status"]) if order else _missing()


def _of(name: str) -> tuple[Do, Do]:
    def one(store: Store, call: Call) -> Answer:
        kept = getattr(store, name).get(int(call.parts[0]))
        return Answer(body=narrowed(kept, call.asked.query.get("fields"))) if kept else _missing()

    def many(store: Store, call: Call) -> Answer:
        rows = [*getattr(store, name).values()]
        return listed(rows, call.asked.query, shop.DOCUMENT_COLUMNS, store.faults.bugs)

    return one, many


def _track(store: Store, call: Call) -> Answer:
    made = store.track(call.body["entity"])
    return Answer(body=made) if made else Answer(status=400, body={"message": "Could not save the shipment tracking."})


def _token(store: Store, call: Call) -> Answer:
    return store.gate.admin_token(call.body)


def _subscribe(store: Store, call: Call) -> Answer:
    return Answer(body=store.hooks.subscribe(call.body["asyncEvent"], store.stamp()))


def _subscriptions(store: Store, call: Call) -> Answer:
    rows = [*store.hooks.subscriptions.values()]
    return listed(rows, call.asked.query, shop.SUBSCRIPTION_COLUMNS, store.faults.bugs)


def _subscription(store: Store, call: Call) -> Answer:
    number = int(call.parts[0])
    kept = store.hooks.subscriptions.get(number)
    if kept is None:
        text = "Async event with subscription ID %1 does not exist"
        return Answer(status=404, body={"message": text, "parameters": [number]})
    if call.asked.method == "PUT":  # all but the status is ignored, and none switches it off (recorded)
        kept["status"] = call.body["asyncEvent"].get("status") is True
    return Answer(body=kept)


def _bulk(store: Store, call: Call) -> Answer:
    uuid, what = call.parts
    if what.startswith("operation-status/"):
        return Answer(body=store.jobs.count(uuid, int(what.rpartition("/")[2])))
    found = store.jobs.status(uuid, detailed=what == "detailed-status")
    if found is None:
        return Answer(status=404, body={"message": "Bulk uuid %bulkUuid not exist", "parameters": {"bulkUuid": uuid}})
    return Answer(body=found)


def _bulks(store: Store, call: Call) -> Answer:
    from crossdock.sandbox import bulk  # it finds its calls here

    return bulk.search(store, call)


def _configs(store: Store, _call: Call) -> Answer:
    return house.configs(store, shop.CONFIGS)


def _modules(store: Store, _call: Call) -> Answer:
    return house.modules(store, shop.MODULES)


def _types(store: Store, _call: Call) -> Answer:
    return house.kinds(store, products.TYPES)


def _fixed(value: Any) -> Do:
    return lambda _store, _call: Answer(body=value)


def _table() -> list[tuple[str, re.Pattern[str], str, str, str, Do]]:
    invoice, invoices = _of("invoices")
    shipment, shipments = _of("shipments")
    memo, memos = _of("memos")
    _, transactions = _of("transactions")
    rows: list[tuple[str, str, str, str, str, Do]] = [
        ("GET", r"/V1/orders/([^/]+)", "read", VIEW, "", _get_order),
        ("GET", r"/V1/orders", "list", VIEW, "", _get_orders),
        ("POST", r"/V1/orders", "write", "Magento_Sales::create", "entity", _save_order),
        ("PUT", r"/V1/orders/create", "write", "Magento_Sales::create", "entity", _save_order),
        ("POST", r"/V1/orders/(\d+)/(cancel)", "move", "Magento_Sales::cancel", "", _move),
        ("POST", r"/V1/orders/(\d+)/(hold)", "move", "Magento_Sales::hold", "", _move),
        ("POST", r"/V1/orders/(\d+)/(unhold)", "move", "Magento_Sales::unhold", "", _move),
        ("POST", r"/V1/orders/(\d+)/comments", "comment", COMMENT, "statusHistory", _comment),
        ("GET", r"/V1/orders/(\d+)/comments", "read", VIEW, "", _comments),
        ("GET", r"/V1/orders/(\d+)/statuses", "read", VIEW, "", _status),
        ("POST", r"/V1/order/(\d+)/(invoice)", "document", "Magento_Sales::invoice", "", _document),
        ("POST", r"/V1/order/(\d+)/(ship)", "document", "Magento_Sales::ship", "", _document),
        ("POST", r"/V1/order/(\d+)/(refund)", "document", "Magento_Sales::creditmemo", "", _document),
        ("GET", r"/V1/invoices", "list", INVOICES, "", invoices),
        ("GET", r"/V1/invoices/(\d+)", "read", INVOICES, "", invoice),
        ("GET", r"/V1/shipments", "list", SHIPMENTS, "", shipments),
        ("GET", r"/V1/shipment/(\d+)", "read", SHIPMENTS, "", shipment),
        ("POST", r"/V1/shipment/track", "document", SHIPMENTS, "entity", _track),
        ("GET", r"/V1/creditmemos", "list", MEMOS, "", memos),
        ("GET", r"/V1/creditmemo/(\d+)", "read", MEMOS, "", memo),
        ("GET", r"/V1/transactions", "list", "Magento_Sales::transactions_fetch", "", transactions),
        ("GET", r"/V1/bulk", "list", BULK, "", _bulks),
        ("GET", r"/V1/bulk/([^/]+)/(status|detailed-status|operation-status/\d)", "read", BULK, "", _bulk),
        ("GET", r"/V1/inventory/source-items", "list", STOCK, "", stock.source_items),
        ("POST", r"/V1/inventory/source-items", "write", ASSIGN, "", stock.save_source_items),
        ("GET", r"/V1/inventory/sources", "list", STOCK, "", catalog.sources),
        ("GET", r"/V1/inventory/stocks", "list", "Magento_InventoryApi::stock", "", catalog.stocks),
        ("GET", r"/V1/inventory/stock-source-links", "list", LINKS, "", catalog.links),
        ("GET", r"/V1/inventory/get-product-salable-quantity/([^/]+)/(\d+)", "read", SOLD, "", stock.salable),
        ("GET", r"/V1/products", "list", CATALOG, "", products.products),
        ("POST", r"/V1/products", "write", CATALOG, "product", products.save),
        ("GET", r"/V1/products/types", "read", CATALOG, "", _types),
        ("GET", r"/V1/products/attributes", "list", ATTRIBUTES, "", attributes.every),
        ("GET", r"/V1/products/attributes/([^/]+)", "read", ATTRIBUTES, "", attributes.attribute),
        ("GET", r"/V1/products/attributes/([^/]+)/options", "read", ATTRIBUTES, "", attributes.options),
        ("POST", r"/V1/products/attributes/([^/]+)/options", "write", ATTRIBUTES, "option", attributes.add_option),
        ("GET", r"/V1/products/attribute-sets/sets/list", "list", "Magento_Catalog::sets", "", attributes.sets),
        ("GET", r"/V1/categories", "read", CATEGORIES, "", attributes.categories),
        ("GET", r"/V1/categories/list", "list", CATEGORIES, "", attributes.category_list),
        ("POST", r"/V1/products/base-prices", "write", PRICES, "", prices.save_base),
        ("POST", r"/V1/products/special-price", "write", PRICES, "", prices.save_special),
        ("POST", r"/V1/products/special-price-delete", "write", PRICES, "", prices.delete_special),
        ("POST", r"/V1/products/tier-prices", "write", PRICES, "", prices.save_tiers),
        ("PUT", r"/V1/products/tier-prices", "write", PRICES, "", prices.save_tiers),
        ("POST", r"/V1/products/tier-prices-delete", "write", PRICES, "", prices.delete_tiers),
        ("POST", r"/V1/products/cost", "write", PRICES, "", prices.save_cost),
        ("POST", r"/V1/products/cost-delete", "write", PRICES, "", prices.delete_cost),
        ("POST", r"/V1/products/base-prices-information", "read", PRICES, "", prices.information("base")),
        ("POST", r"/V1/products/special-price-information", "read", PRICES, "", prices.information("special")),
        ("POST", r"/V1/products/tier-prices-information", "read", PRICES, "", prices.information("tier")),
        ("POST", r"/V1/products/cost-information", "read", PRICES, "", prices.information("cost")),
        ("GET", r"/V1/products/(.+)/media", "read", CATALOG, "", media.entries),
        ("POST", r"/V1/products/(.+)/media", "write", CATALOG, "entry", media.add),
        ("GET", r"/V1/products/(.+)/media/(\d+)", "read", CATALOG, "", media.entry),
        ("PUT", r"/V1/products/(.+)/media/(\d+)", "write", CATALOG, "entry", media.entry),
        ("DELETE", r"/V1/products/(.+)/media/(\d+)", "write", CATALOG, "", media.entry),
        # a SKU may hold a slash: last of all that begin so
        ("GET", r"/V1/products/(.+)", "read", CATALOG, "", products.product),
        ("PUT", r"/V1/products/(.+)", "write", CATALOG, "product", products.save),
        ("DELETE", r"/V1/products/(.+)", "write", CATALOG, "", products.delete),
        ("GET", r"/V1/customerGroups/search", "list", "Magento_Customer::group", "", catalog.customer_groups),
        ("GET", r"/V1/customers/search", "list", CUSTOMERS, "", customers.every),
        ("POST", r"/V1/customers", "write", CUSTOMERS, "customer", customers.make),
        ("GET", r"/V1/customers/(\d+)", "read", CUSTOMERS, "", customers.one),
        ("PUT", r"/V1/customers/(\d+)", "write", CUSTOMERS, "customer", customers.one),
        ("DELETE", r"/V1/customers/(\d+)", "write", CUSTOMERS, "", customers.delete),
        ("GET", r"/V1/directory/countries/([A-Z]{2})", "read", "Magento_Backend::store", "", customers.country),
        ("GET", r"/V1/store/storeConfigs", "read", STORES, "", _configs),
        ("GET", r"/V1/store/websites", "read", STORES, "", _fixed(shop.WEBSITES)),
        ("GET", r"/V1/store/storeViews", "read", STORES, "", _fixed(shop.VIEWS)),
        ("GET", r"/V1/store/storeGroups", "read", STORES, "", _fixed(shop.GROUPS)),
        ("GET", r"/V1/modules", "read", "Magento_Backend::admin", "", _modules),
        ("POST", r"/V1/integration/admin/token", "token", "", "", _token),
        ("POST", r"/V1/async_event", "write", HOOKS, "asyncEvent", _subscribe),
        ("GET", r"/V1/async_events", "list", HOOKS, "", _subscriptions),
        ("GET", r"/V1/async_event/(\d+)", "read", HOOKS, "", _subscription),
        ("PUT", r"/V1/async_event/(\d+)", "write", HOOKS, "asyncEvent", _subscription),
    ]
    return [(method, re.compile(path), *rest) for method, path, *rest in rows]  # type: ignore[misc]  # same six


TABLE = _table()
