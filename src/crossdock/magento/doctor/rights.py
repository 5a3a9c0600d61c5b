"""The integration's rights, one by one, by the names that Magento's own answers give them.

Magento looks at the right before it looks at what was sent (Webapi/Controller/Rest/InputParamsResolver.php), and names
the right that is missing (recorded). So a right to write is tried with a body that lacks what the call cannot do
without, or for the order 0, which no store has: a 400 or a 404 then says that the right is there, and nothing is done.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from crossdock.contract.findings import Check, Duties, Finding
from crossdock.errors import Misconfigured, Rejected, Temporary, Unauthorized
from crossdock.magento.client import MagentoClient
from crossdock.magento.search import criteria
from crossdock.magento.settings import MagentoSettings
from crossdock.model.base import Record

RIGHTS = Check(
    name="magento-rights",
    title="The integration has every right that its routes need",
    why="Magento answers 401 to a missing right as to a wrong token: the first one pauses the whole store.",
)
NAMED = re.compile(r"authorized to access (.+?)\.?$")
ORDER = "0"  # no order has this id
ENTITY, NUMBER = ("entity_id",), "order/" + ORDER
# where each stands in the tree of System > Integrations > API; a name that is not here is told as it is
PLACES: Mapping[str, str] = MappingProxyType(
    {
        "Magento_Sales::actions_view": "Sales > Operations > Orders > Actions > View",
        "Magento_Sales::create": "Sales > Operations > Orders > Actions > Create",
        "Magento_Sales::comment": "Sales > Operations > Orders > Actions > Comment",
        "Magento_Sales::cancel": "Sales > Operations > Orders > Actions > Cancel",
        "Magento_Sales::hold": "Sales > Operations > Orders > Actions > Hold",
        "Magento_Sales::unhold": "Sales > Operations > Orders > Actions > Unhold",
        "Magento_Sales::ship": "Sales > Operations > Orders > Actions > Ship",
        "Magento_Sales::invoice": "Sales > Operations > Orders > Actions > Invoice",
        "Magento_Sales::creditmemo": "Sales > Operations > Orders > Actions > Credit Memos",
        "Magento_Sales::sales_invoice": "Sales > Operations > Invoices",
        "Magento_Sales::shipment": "Sales > Operations > Shipments",
        "Magento_Sales::sales_creditmemo": "Sales > Operations > Credit Memos",
        "Magento_Catalog::products": "Catalog > Inventory > Products",
        "Magento_Catalog::catalog": "Catalog > Inventory",
        "Magento_Catalog::categories": "Catalog > Inventory > Categories",
        "Magento_Catalog::sets": "Stores > Attributes > Attribute Set",
        "Magento_Catalog::attributes_attributes": "Stores > Attributes > Product",
        "Magento_Customer::manage": "Customers > All Customers",
        "Magento_Customer::group": "Customers > Customer Groups",
        "Magento_Backend::store": "Stores > Settings > All Stores",
        "Magento_InventoryApi::source": "Stores > Inventory > Sources",
        "Magento_InventoryApi::stock": "Stores > Inventory > Stocks",
        "Magento_InventorySalesApi::stock": "Stores > Inventory > Stocks",
        "Magento_Logging::system_magento_logging_bulk_operations": "System > Action Logs > Bulk Actions",
        "Magento_AsynchronousOperations::system_magento_logging_bulk_operations": "System > Action Logs > Bulk Actions",
        "MageOS_AsyncEvents::manage": "System > Async Events",
    }
)


class Call(Record, frozen=True, kw_only=True):
    """A call that a flow makes. `body` None for a GET; such as cannot do anything for the others."""

    method: str
    path: str
    body: Any = None
    sort: tuple[str, ...] = ()  # of a list
    for_what: str = ""
    breaks: bool = False  # asked about nothing it answers 500 (recorded): then it was allowed

    def name(self) -> str:
        """As Magento's documentation has it."""
        return f"{self.method} /{self.path}"


class Tried(Record, frozen=True, kw_only=True):
    """What came of a call. `missing`: the rights that Magento named; `wrong`: it is not there at all."""

    call: Call
    missing: str = ""
    wrong: str = ""


def _list(path: str, *sort: str) -> Call:
    return Call(method="GET", path=path, sort=sort or ENTITY)


def _write(path: str, method: str = "POST") -> Call:
    return Call(method=method, path=path, body={})


ORDERS = (_list("V1/orders"), _list("V1/creditmemos"))
ACKNOWLEDGED = (_write("V1/orders"), _write(f"V1/orders/{ORDER}/comments"))
DIRECTORY = (Call(method="GET", path="V1/store/websites"), _list("V1/customerGroups/search", "id"))
PEOPLE = (_list("V1/customers/search"), *DIRECTORY)
GIVEN: Mapping[str, tuple[Call, ...]] = MappingProxyType(
    {
        **dict.fromkeys(("orders", "cancellations", "holds", "payments", "refunds"), ORDERS),
        "customers": PEOPLE,
    }
)
TAKEN: Mapping[str, tuple[Call, ...]] = MappingProxyType(
    {
        "inventory": (
            _list("V1/inventory/sources", "source_code"),
            _list("V1/inventory/stock-source-links", "stock_id"),
            _list("V1/inventory/source-items", "source_code"),
            _list("V1/products"),
            _write("V1/inventory/source-items"),
        ),
        "prices": (
            _list("V1/products"),
            Call(method="GET", path="V1/store/storeConfigs"),
            Call(method="GET", path="V1/products/attributes/price"),
            _write("V1/products/base-prices-information"),
            _write("V1/products/base-prices"),
            _write("V1/products/special-price"),
            _write("V1/products/tier-prices"),
        ),
        "products": (
            _list("V1/products"),
            _list("V1/products/attributes", "attribute_id"),
            _list("V1/products/attribute-sets/sets/list", "attribute_set_id"),
            Call(method="GET", path="V1/categories"),
            Call(method="GET", path="V1/store/websites"),
            _write("V1/products"),
        ),
        "shipments": (_list("V1/shipments"), _write(f"V1/{NUMBER}/ship")),
        "tracks": (_list("V1/shipments"), _write("V1/shipment/track")),
        "invoices": (_list("V1/invoices"), _write(f"V1/{NUMBER}/invoice")),
        "credit_memos": (_list("V1/invoices"), _list("V1/creditmemos"), _write(f"V1/{NUMBER}/refund")),
        "order_updates": (
            _write(f"V1/orders/{ORDER}/comments"),
            _write(f"V1/orders/{ORDER}/cancel"),
            _write(f"V1/orders/{ORDER}/hold"),
            _write(f"V1/orders/{ORDER}/unhold"),
        ),
        "customers": (*PEOPLE, _write("V1/customers")),
    }
)
ANY_ORDER = frozenset({"shipments", "tracks", "invoices", "credit_memos", "order_updates"})
BULKS = (_list("V1/bulk", "-start_time"),)
SALABLE = Call(method="GET", path="V1/inventory/get-product-salable-quantity/-/1", breaks=True)
HOOKS = (_list("V1/async_events", "subscription_id"),)


def needed(duties: Duties, settings: MagentoSettings) -> list[Call]:
    """Pure: the calls that these routes make, each once, with the flows that make it."""
    found: dict[tuple[str, str], Call] = {}
    for flow, call in _all(duties, settings):
        known = found.get((call.method, call.path))
        flows = dict.fromkeys([*(known.for_what.split(", ") if known else ()), flow])
        found[call.method, call.path] = Call(
            method=call.method,
            path=call.path,
            body=call.body,
            sort=call.sort,
            for_what=", ".join(flows),
            breaks=call.breaks,
        )
    return list(found.values())


def _all(duties: Duties, settings: MagentoSettings) -> Iterator[tuple[str, Call]]:
    for flow in sorted(duties.gives):
        yield from ((flow, call) for call in GIVEN.get(flow, ()))
    if "orders" in duties.gives:
        calls = ACKNOWLEDGED if settings.acknowledge_comment else ACKNOWLEDGED[:1]
        yield from (("acknowledgements", call) for call in calls)
    for flow in sorted(duties.takes):
        yield from ((flow, call) for call in (*(ORDERS[:1] if flow in ANY_ORDER else ()), *TAKEN.get(flow, ())))
    if any(option.get("meaning") == "available" for option in duties.options("inventory")):
        yield "inventory", SALABLE
    if "products" in duties.takes and settings.products.bulk_from:
        yield from (("products", call) for call in BULKS)
    if settings.webhooks.enabled and settings.webhooks.format == "async-events":
        yield from (("subscriptions", call) for call in HOOKS)


def tried(client: MagentoClient, calls: Iterable[Call]) -> list[Tried]:
    """Makes each call. Raises DeliveryError where the store does not answer."""
    return [_tried(client, call) for call in calls]


def _tried(client: MagentoClient, call: Call) -> Tried:
    query = criteria((), sort=call.sort, size=1) if call.sort else ()
    try:
        client.fetch(call.method, call.path, query, call.body)
    except Unauthorized as error:
        found = NAMED.search(str(error))
        return Tried(call=call, missing=found[1] if found else str(error))
    except Misconfigured as error:
        return Tried(call=call, wrong=str(error))
    except Temporary as error:
        if not call.breaks or error.status != 500:
            raise
    except Rejected:  # it looked at what was sent: so we may
        return Tried(call=call)
    return Tried(call=call)


def rights(found: Sequence[Tried], *, admin: bool) -> list[Finding]:
    """Pure. `admin`: our login is an admin user's, whose rights are his role's."""
    if not found:
        return [RIGHTS.ok("no route needs any")]
    missing: dict[str, list[Call]] = {}
    for one in found:
        if one.missing:
            missing.setdefault(one.missing, []).append(one.call)
    if len(found) > 1 and sum(map(len, missing.values())) == len(found):
        return [_stranger(len(found), admin=admin)]
    told = [_missing(name, calls, admin=admin) for name, calls in missing.items()]
    told += [_absent(one) for one in found if one.wrong]
    return told or [RIGHTS.ok(f"all {len(found)} calls that the routes make are allowed")]


def _stranger(count: int, *, admin: bool) -> Finding:
    mend = (
        "is the admin user active, are name and password right, has his role any right?"
        if admin
        else "System > Integrations: is ours active, are its keys those in the settings? Reauthorize makes new ones"
    )
    return RIGHTS.error(f"none of {count} calls is allowed: the store does not know our login, or gives no right", mend)


def _missing(name: str, calls: Sequence[Call], *, admin: bool) -> Finding:
    flows = ", ".join(dict.fromkeys(flow for call in calls for flow in call.for_what.split(", ")))
    told = f"{name} is missing, for {flows} ({', '.join(call.name() for call in calls)})"
    where = "System > Permissions > User Roles > Role Resources" if admin else "System > Integrations > ours > API"
    places = [PLACES[one] for one in name.split(", ") if one in PLACES]
    return RIGHTS.error(told, f"{where}: tick {'; '.join(places) or name}, and save")


def _absent(one: Tried) -> Finding:
    told = f"the store has no {one.call.name()}, which {one.call.for_what} needs: {one.wrong}"
    return RIGHTS.error(told, "is base_url right? Is the module installed: `bin/magento module:status`?")
