"""The stand-in over HTTP: routes, logins, errors as Oracle's REST framework tells them, and faults."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import count
from typing import Any
from urllib.parse import parse_qs

from crossdock.sandbox.clock import Clock
from crossdock.sandbox.erps.oracle_fusion.fields import ACTIONS
from crossdock.sandbox.erps.oracle_fusion.orders import KNOWN, LINE_FIELDS, TOTAL_FIELDS, Orders, Wrong
from crossdock.sandbox.erps.oracle_fusion.queries import Refused, chosen, nested, page
from crossdock.sandbox.faults import Faults, Lottery
from crossdock.sandbox.wire import Answer, Asked, WireServer

ROOT = "/fscmRestApi/resources/11.13.18.05"
ORDERS = "salesOrdersForOrderHub"
USER, PASSWORD = "CROSSDOCK_DEMO_ORACLE_USER", "CROSSDOCK_DEMO_ORACLE_PASSWORD"
LOGIN = ("crossdock", "oracle-demo")
CLIENT = ("client", "secret")
UNIT = "US1 Business Unit"
SYSTEM = "WEB"
ORGANIZATION = "V1"
FIRST_ITEM = 100001
LIFETIME = 3600
ITEM_FIELDS = frozenset(
    ["ItemId", "ItemNumber", "OrganizationCode", "ItemDescription", "ItemStatusValue", "LastUpdateDateTime"]
)
BALANCE_FIELDS = frozenset(
    ["InventoryItemId", "ItemNumber", "OrganizationCode", "SubinventoryCode", "SummaryLevel", "PrimaryQuantity"]
)
PRICE_FIELDS = frozenset(["PriceListItemId", "Item", "PricingUOMCode"])


class StandIn:
    """One environment with one business unit. `inject`: what the next write answers, for tests."""

    def __init__(self, seed: int, faults: Faults) -> None:
        self.clock = Clock()
        self.lottery = Lottery(faults, seed)
        self.orders = Orders(self.clock, UNIT)
        self.items: list[dict[str, Any]] = []
        self.balances: list[dict[str, Any]] = []
        self.prices: dict[int, list[dict[str, Any]]] = {}
        self.tokens: set[str] = set()
        self.requests: list[Asked] = []
        self.around: Callable[[Asked, Callable[[], Answer]], Answer] | None = None
        self._tokens = count(1)
        self._server = WireServer(self.answer, self.clock)
        self.url = self._server.url
        os.environ[USER], os.environ[PASSWORD] = LOGIN  # connections are built before anything is started

    def start(self) -> None:
        """Serve."""
        self._server.start()

    def stop(self) -> None:
        """End."""
        self._server.stop()

    def table(self) -> Mapping[str, Any]:
        """A connection to it."""
        return {
            "kind": "oracle_fusion",
            "url": self.url,
            "auth": {"scheme": "basic", "username": f"env:{USER}", "password": f"env:{PASSWORD}"},
            "source_system": SYSTEM,
            "business_unit": UNIT,
            "customer": {"buyer": "1006", "account": "10060", "bill_site_use": "1", "ship_site": "2"},
            "products": {name: name.upper() for name in ("shipping", "fpt", "fee", "credit", "rounding")},
            "settling_s": 1,
            "reads": {"inventory": {"organizations": [ORGANIZATION], "interval_s": 1}},
        }

    def lookups(self) -> Mapping[str, Mapping[str, str]]:
        """None is needed: the settings say it all."""
        return {}

    def warehouses(self) -> Mapping[str, str]:
        """One inventory organization."""
        return {ORGANIZATION: "wh_milan"}

    def restock(self, sku: str, quantity: int) -> None:
        """An item of that organization, and its one balance."""
        named = {"ItemNumber": sku, "OrganizationCode": ORGANIZATION}
        ident = next((one["ItemId"] for one in self.items if one["ItemNumber"] == sku), FIRST_ITEM + len(self.items))
        stamp = self.clock().isoformat(timespec="seconds")
        item = {"ItemId": ident, "ItemDescription": sku, "ItemStatusValue": "Active", "LastUpdateDateTime": stamp}
        place = {"SubinventoryCode": "Stores", "SummaryLevel": "Subinventory"}
        balance = {"InventoryItemId": ident, "PrimaryQuantity": quantity} | place
        self.items = [*(one for one in self.items if one["ItemNumber"] != sku), named | item]
        self.balances = [*(one for one in self.balances if one["ItemNumber"] != sku), named | balance]

    def there(self) -> list[str]:
        """Order numbers, one an order. A draft alone is not there yet; beside another it is a double."""
        numbers = [str(order["SourceTransactionNumber"]) for order in self.orders.kept]
        return [
            number
            for number, order in zip(numbers, self.orders.kept, strict=True)
            if order["SubmittedFlag"] or numbers.count(number) > 1
        ]

    def received_at(self, number: str) -> datetime | None:
        """When its draft came."""
        return self.orders.received_at.get(number)

    def drawn(self) -> Mapping[str, int]:
        """From its lottery."""
        return self.lottery.drawn

    def answer(self, asked: Asked) -> Answer:
        """One request, with what the lottery has in store for it."""
        self.requests.append(asked)
        kind, what = _kind(asked), f"{asked.method} {asked.path}"
        if (instead := self.lottery.before(kind, what, self.clock(), writes=False)) is not None:
            return instead

        def done() -> Answer:
            return self.lottery.around(kind, what, lambda: self._taken(asked))

        return self.around(asked, done) if self.around else done()

    def _taken(self, asked: Asked) -> Answer:
        if asked.path == "/oauth2/v1/token":
            return self._token(asked)
        if not self._known(asked):
            return Answer(status=401, raw=b"", headers={"WWW-Authenticate": "Basic"})
        if not asked.path.startswith(f"{ROOT}/"):
            return Answer(status=404, raw=b"<html><h1>Not Found</h1></html>", headers={"Content-Type": "text/html"})
        try:
            return self._routed(asked, asked.path.removeprefix(f"{ROOT}/"))
        except (Wrong, Refused, ValueError) as error:
            return _error(asked, 400, str(error))

    def _routed(self, asked: Asked, path: str) -> Answer:
        if path == ORDERS and asked.method == "POST":
            _typed(asked, "application/json")
            return Answer(status=201, body=self.orders.create(asked.json()))
        if (found := re.fullmatch(rf"{ORDERS}/action/(\w+)", path)) and found[1] in ACTIONS:
            _typed(asked, "application/vnd.oracle.adf.action+json")
            return Answer(body=self.orders.act(found[1], asked.json()))
        if found := re.fullmatch(rf"{ORDERS}/([^/]+)(?:/child/(lines|totals))?", path):
            return self._order(asked, found[1], found[2] or "")
        if asked.method == "GET" and (listed := self._list(asked, path)) is not None:
            return Answer(body=listed)
        return _error(asked, 404, "Not Found")

    def _order(self, asked: Asked, key: str, child: str) -> Answer:
        order = self.orders.newest(key)
        if order is None:
            return _error(asked, 404, "Not Found")
        if child == "lines":
            told = page(order["lines"], asked.query, LINE_FIELDS)
            return Answer(body=told | {"items": [_line(row, asked) for row in told["items"]]})
        if child == "totals":
            return Answer(body=page(list(self.orders.totals(order)), asked.query, TOTAL_FIELDS))
        if asked.method == "PATCH":
            return Answer(body=self.orders.change(order, asked.json()))
        row = chosen(self.orders.told(order), asked.query, KNOWN)
        children = {
            name: nested(self.orders.expanded(order, name), _version(asked))
            for name in ("" if asked.query.get("fields") else asked.query.get("expand", "")).split(",")
            if name
        }
        return Answer(body=row | children)

    def _list(self, asked: Asked, path: str) -> dict[str, Any] | None:
        if path == ORDERS:
            return page(self.orders.rows(), asked.query, KNOWN)
        if path == "itemsV2":
            return page(self.items, asked.query, ITEM_FIELDS)
        if path == "inventoryOnhandBalances":
            return page(self.balances, asked.query, BALANCE_FIELDS)
        found = re.fullmatch(r"priceLists/(\d+)/child/items", path)
        if not found or int(found[1]) not in self.prices:
            return None
        rows = self.prices[int(found[1])]
        told = page(rows, asked.query, PRICE_FIELDS)
        if asked.query.get("expand") != "charges":
            for row in told["items"]:
                row.pop("charges")
        return told

    def _token(self, asked: Asked) -> Answer:
        form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        shown = (form.get("client_id", ""), form.get("client_secret", ""))
        if asked.headers.get("authorization") != f"Basic {_basic(CLIENT)}" and shown != CLIENT:
            return Answer(status=401, body={"error": "invalid_client"})
        token = f"token-{next(self._tokens)}"
        self.tokens.add(token)
        return Answer(body={"access_token": token, "token_type": "Bearer", "expires_in": LIFETIME})

    def _known(self, asked: Asked) -> bool:
        shown = asked.headers.get("authorization", "")
        return shown == f"Basic {_basic(LOGIN)}" or shown.removeprefix("Bearer ") in self.tokens


def _version(asked: Asked) -> int:
    return int(asked.headers.get("rest-framework-version", 1))


def _line(row: Mapping[str, Any], asked: Asked) -> dict[str, Any]:
    """With its charges and their components only where they are expanded, which implies what is between."""
    told = {name: value for name, value in row.items() if name != "charges"}
    if asked.query.get("expand") != "charges.chargeComponents" or asked.query.get("fields"):
        return told
    version = _version(asked)
    charges = [one | {"chargeComponents": nested(one["chargeComponents"], version)} for one in row["charges"]]
    return told | {"charges": nested(charges, version)}


def _kind(asked: Asked) -> str:
    if "token" in asked.path:
        return "token"
    if asked.method == "GET":
        return "find" if ORDERS in asked.path else "list"
    return "create" if asked.path.endswith(ORDERS) else "change"


def _typed(asked: Asked, wanted: str) -> None:
    if asked.headers.get("content-type") != wanted:
        raise Wrong(f"The content type is not {wanted}")


def _error(asked: Asked, status: int, detail: str) -> Answer:
    """From framework version 4 on an object with codes, before it plain text."""
    if _version(asked) < 4:
        return Answer(status=status, raw=detail.encode(), headers={"Content-Type": "text/plain"})
    title = {400: "Bad Request", 404: "Not Found"}[status]
    code = {400: "27520", 404: "27004"}[status]
    body = {
        "title": title,
        "status": str(status),
        "o:errorDetails": [{"detail": one, "o:errorCode": code, "o:errorPath": "/"} for one in detail.split("; ")],
    }
    return Answer(status=status, body=body, headers={"Content-Type": "application/vnd.oracle.adf.error+json"})


def _basic(login: tuple[str, str]) -> str:
    return base64.b64encode(":".join(login).encode()).decode("ascii")
