"""A stand-in for the Service Layer of SAP Business One: sessions, orders, items. It makes doubles.

No definition of the Service Layer is public: names and forms are those that its users show, and what is not among them
is refused. See the connector's README for the sources.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, TypeVar
from uuid import uuid4

import msgspec

from crossdock.sandbox.clock import Clock
from crossdock.sandbox.faults import Faults, Lottery
from crossdock.sandbox.odata_filters import Unreadable, comparable, parse_filter
from crossdock.sandbox.wire import Answer, Asked, WireServer

T = TypeVar("T")
Row = dict[str, Any]
ROOT = "/b1s/v2"
COMPANY, USER, PASSWORD = "SBODEMO", "crossdock", "Sandbox-1"
USER_NAME, PASSWORD_NAME = "CROSSDOCK_DEMO_B1_USER", "CROSSDOCK_DEMO_B1_PASSWORD"
CUSTOMER = "C20000"
CURRENCY = "EUR"
PAGE = 20  # rows at a time, unless `Prefer: odata.maxpagesize` says otherwise
WAREHOUSE = "01"
WAIT_SECONDS = 30
CENT = Decimal("0.01")
EXCHANGE = Decimal("0.9")  # what one of another currency is in the company's own
TAXES: Mapping[str, str] = {"22": "A1", "0": "A0", "10": "A2", "19": "A3", "6.875": "A4", "11.2003": "A5"}
RATES = {code: Decimal(rate) for rate, code in TAXES.items()}
HEAD: Mapping[str, type | tuple[type, ...]] = {
    "CardCode": str,
    "DocDate": str,
    "DocDueDate": str,
    "DocCurrency": str,
    "NumAtCard": str,
    "Address": str,
    "Address2": str,
    "Comments": str,
    "PaymentGroupCode": int,
    "DocumentLines": list,
}
LINE: Mapping[str, type | tuple[type, ...]] = {
    "ItemCode": str,
    "ItemDescription": str,
    "Quantity": (int, Decimal),
    "UnitPrice": (int, Decimal),
    "LineTotal": (int, Decimal),
    "TaxTotal": (int, Decimal),
    "VatGroup": str,
    "TaxCode": str,
    "WarehouseCode": str,
    "U_LineId": str,
}
ORDERS = {
    "DocEntry": "n0",
    "DocNum": "n0",
    "NumAtCard": "s100",
    "CardCode": "s15",
    "DocumentStatus": "s20",
    "Cancelled": "s4",
}
ITEMS = {"ItemCode": "s50"}


class Refused(Exception):
    """An answer other than a success."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class StandIn:
    """One company."""

    def __init__(self, seed: int, faults: Faults) -> None:
        os.environ.setdefault(USER_NAME, USER)
        os.environ.setdefault(PASSWORD_NAME, PASSWORD)
        self.clock = Clock()
        self.lottery = Lottery(faults, seed)
        self.orders: list[Row] = []
        self.items: dict[str, Row] = {}
        self.sessions: set[str] = set()
        self.logins = 0
        self.seen: list[Asked] = []
        self._at: dict[str, datetime] = {}
        self._server = WireServer(self.answer, self.clock)
        self.url = self._server.url

    def start(self) -> None:
        """Serve."""
        self._server.start()

    def stop(self) -> None:
        """End."""
        self._server.stop()

    def table(self) -> Mapping[str, Any]:
        """A connection's settings."""
        return {
            "kind": "sap_b1",
            "base_url": f"{self.url}{ROOT}",
            "company": COMPANY,
            "auth": {"scheme": "basic", "username": f"env:{USER_NAME}", "password": f"env:{PASSWORD_NAME}"},
            "customer": CUSTOMER,
            "currency": CURRENCY,
            "taxes": dict(TAXES),
            "items": {"shipping": "SHIPPING", "fee": "FEE", "fpt": "FPT"},
            "line_id_field": "U_LineId",
            "credits": "payment",
            "tax_amounts": True,
            "settling_s": 1,
            "reads": {"inventory": {"interval_s": 1}},
        }

    def lookups(self) -> Mapping[str, Mapping[str, str]]:
        """None: the settings say it all."""
        return {}

    def warehouses(self) -> Mapping[str, str]:
        """One."""
        return {WAREHOUSE: "wh_milan"}

    def restock(self, sku: str, quantity: int) -> None:
        """Into it."""
        self.stock(sku, **{WAREHOUSE: {"InStock": quantity}})

    def there(self) -> list[str]:
        """Our order numbers, one entry an order that is not cancelled."""
        return self.do(lambda: [str(row["NumAtCard"]) for row in self.orders if row["Cancelled"] == "tNO"])

    def received_at(self, number: str) -> datetime | None:
        """When it first got the order."""
        return self._at.get(number)

    def drawn(self) -> Mapping[str, int]:
        """Which faults struck, how often."""
        return self.lottery.drawn

    def stock(self, item: str, **levels: Mapping[str, float]) -> None:
        """An item's stock by warehouse: `stock("A-1", W01={"InStock": 5})`."""
        told = [{"ItemCode": item, "WarehouseCode": place, **level} for place, level in levels.items()]
        self.do(lambda: self.items.update({item: {"ItemCode": item, "ItemWarehouseInfoCollection": told}}))

    def do(self, act: Callable[[], T]) -> T:
        """The result of an act in the server's own thread, where nothing races."""
        done: Future[T] = Future()

        def run() -> None:
            try:
                done.set_result(act())
            except Exception as error:  # noqa: BLE001  the caller gets it
                done.set_exception(error)

        self._server.loop.call_soon_threadsafe(run)
        return done.result(WAIT_SECONDS)

    def answer(self, asked: Asked) -> Answer:
        """One request, with what the lottery has in store for it."""
        if asked.path == f"{ROOT}/Login" and asked.method == "POST":
            return self._login(asked)
        found = re.search(r"B1SESSION=([\w-]+)", asked.headers.get("cookie", ""))
        if found is None or found[1] not in self.sessions or "ROUTEID=" not in asked.headers["cookie"]:
            return _told(Refused(401, 301, "Invalid session or session already timeout."))
        self.seen.append(asked)
        kind = "find" if asked.method == "GET" else "change" if asked.path.endswith("/Cancel") else "create"
        what = f"{asked.method} {asked.path}"
        if (instead := self.lottery.before(kind, what, self.clock(), writes=False)) is not None:
            return instead

        def done() -> Answer:
            return self.lottery.around(kind, what, lambda: self._done(asked))

        pause = self.lottery.faults.latency_s
        return Answer(delay=pause, later=done) if pause else done()

    def _login(self, asked: Asked) -> Answer:
        told = asked.json()
        if told != {"CompanyDB": COMPANY, "UserName": USER, "Password": PASSWORD}:
            return _told(Refused(401, 100000027, "Login failed"))
        session = str(uuid4())
        self.sessions.add(session)
        self.logins += 1
        cookies = {
            "Set-Cookie": f"B1SESSION={session}; HttpOnly; SameSite=None",
            "set-cookie": "ROUTEID=.node1; path=/",
        }
        return Answer(body={"SessionId": session, "Version": "1000290", "SessionTimeout": 30}, headers=cookies)

    def _done(self, asked: Asked) -> Answer:
        try:
            return self._carried_out(asked)
        except Refused as refused:
            return _told(refused)

    def _carried_out(self, asked: Asked) -> Answer:
        path = asked.path.removeprefix(f"{ROOT}/")
        if asked.method == "GET" and path == "Orders":
            return self._listed("Orders", self.orders, ORDERS, "DocEntry", asked)
        if asked.method == "GET" and path == "Items":
            return self._listed("Items", [*self.items.values()], ITEMS, "ItemCode", asked)
        if asked.method == "POST" and path == "Orders":
            return Answer(status=201, body=self._create(msgspec.json.decode(asked.body, type=Any)))
        found = re.fullmatch(r"Orders\((\d+)\)/Cancel", path)
        if asked.method == "POST" and found:
            self._cancel(int(found[1]))
            return Answer(status=204, raw=b"")
        raise Refused(404, -1000, f"Unrecognized resource path: {path}")

    def _listed(self, name: str, rows: list[Row], fields: Mapping[str, str], key: str, asked: Asked) -> Answer:
        try:
            test = parse_filter(asked.query["$filter"], fields) if "$filter" in asked.query else None
        except (Unreadable, ValueError) as error:
            raise Refused(400, -1000, f"Invalid filter: {error}") from error
        found = [row for row in rows if test is None or test(row)]
        found.sort(key=lambda row: comparable(row[key], fields[key]))
        prefer = re.search(r"odata\.maxpagesize=(\d+)", asked.headers.get("prefer", ""))
        size = int(prefer[1]) if prefer else PAGE
        most = int(asked.query.get("$top", len(found)))
        shown = found[: min(size, most)]
        more = {"@odata.nextLink": f"{name}?$skip={size}"} if len(shown) < min(most, len(found)) else {}
        wanted = asked.query.get("$select", "").split(",")
        told = [{field: value for field, value in row.items() if wanted == [""] or field in wanted} for row in shown]
        return Answer(body={"value": told} | more)

    def _create(self, body: Any) -> Row:
        _check(body, HEAD)
        for name in ("CardCode", "DocDueDate"):
            if not body.get(name):
                raise Refused(400, -5002, f"Enter {name}")
        if body["CardCode"] != CUSTOMER:
            raise Refused(400, -5002, f"Invalid BP code '{body['CardCode']}'")
        lines = [_priced(number, line) for number, line in enumerate(body.get("DocumentLines") or [])]
        if not lines:
            raise Refused(400, -5002, "Enter at least one line")
        foreign = body.get("DocCurrency", CURRENCY) != CURRENCY
        lines = [line | _foreign(line) for line in lines] if foreign else lines
        entry = len(self.orders) + 1
        empty: Row = {"NumAtCard": None, "Address": None, "Address2": "", "Comments": None, "PaymentGroupCode": -1}
        days = {name: f"{body[name]}T00:00:00Z" for name in ("DocDate", "DocDueDate") if name in body}
        order = empty | body | days | _sums(lines)
        order |= {"DocEntry": entry, "DocNum": 1000 + entry, "Cancelled": "tNO", "DocumentStatus": "bost_Open"}
        self.orders.append(order | {"DocumentLines": lines})
        self._at.setdefault(str(body.get("NumAtCard")), self.clock.real())
        return self.orders[-1]

    def _cancel(self, entry: int) -> None:
        for row in self.orders:
            if row["DocEntry"] == entry:
                if row["DocumentStatus"] != "bost_Open":
                    raise Refused(400, -5006, "The requested action is not supported for this object")
                row |= {"Cancelled": "tYES", "DocumentStatus": "bost_Close"}
                return
        raise Refused(404, -2028, "No matching records found (ODBC -2028)")


def _check(body: Any, known: Mapping[str, type | tuple[type, ...]]) -> None:
    if not isinstance(body, dict):
        raise Refused(400, -1000, "Malformed body")
    for name, value in body.items():
        if name not in known:
            raise Refused(400, -1000, f"Property '{name}' of 'Document' is invalid")
        kinds = known[name]
        number = kinds == (int, Decimal) and isinstance(value, int | float) and not isinstance(value, bool)
        if not number and (kinds == (int, Decimal) or not isinstance(value, kinds)):
            raise Refused(400, -1000, f"Property '{name}' of 'Document' has a wrong type")


def _priced(number: int, line: Any) -> Row:
    _check(line, LINE)
    quantity = Decimal(str(line.get("Quantity", 1)))
    if not line.get("ItemCode") or quantity <= 0:
        raise Refused(400, -5002, "Enter an item and a quantity")
    total = Decimal(str(line["LineTotal"])) if "LineTotal" in line else Decimal(str(line["UnitPrice"])) * quantity
    code = line.get("VatGroup") or line.get("TaxCode")
    if code not in RATES:
        raise Refused(400, -5002, f"Tax code '{code}' is not defined")
    net = total.quantize(CENT, ROUND_HALF_UP)
    tax = (net * RATES[code] / 100).quantize(CENT, ROUND_HALF_UP)
    if "TaxTotal" in line:
        tax = Decimal(str(line["TaxTotal"]))
    told: Row = {"U_LineId": None, "WarehouseCode": WAREHOUSE} | line
    return told | {"LineNum": number, "LineTotal": net, "TaxTotal": tax, "RowTotalFC": 0, "NetTaxAmountFC": 0}


def _foreign(line: Row) -> Row:
    """A row's amounts in the document's currency stand beside those in the company's own."""
    own = {name: (line[name] * EXCHANGE).quantize(CENT, ROUND_HALF_UP) for name in ("LineTotal", "TaxTotal")}
    return own | {"RowTotalFC": line["LineTotal"], "NetTaxAmountFC": line["TaxTotal"]}


def _sums(lines: list[Row]) -> Row:
    net, tax, net_fc, tax_fc = (
        sum((Decimal(line[name]) for line in lines), Decimal(0))
        for name in ("LineTotal", "TaxTotal", "RowTotalFC", "NetTaxAmountFC")
    )
    return {"VatSum": tax, "DocTotal": net + tax, "VatSumFc": tax_fc, "DocTotalFc": net_fc + tax_fc}


def _told(refused: Refused) -> Answer:
    """As versions from 10.00.210 on tell it."""
    return Answer(status=refused.status, body={"error": {"code": str(refused.code), "message": str(refused)}})
