"""The stand-in over HTTP: logins, CSRF tokens with their cookies, `$batch`, and faults by class of endpoint."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from datetime import datetime
from email import message_from_bytes
from email.message import Message
from typing import Any, TypeVar
from urllib.parse import unquote
from uuid import uuid4

from crossdock.sandbox.clock import Clock
from crossdock.sandbox.erps.sap_s4 import people, sales
from crossdock.sandbox.erps.sap_s4.fields import SETS
from crossdock.sandbox.erps.sap_s4.tables import Refused, Row, Tables
from crossdock.sandbox.faults import Faults, Lottery
from crossdock.sandbox.wire import Answer, Asked, WireServer

T = TypeVar("T")
ROOT = "/sap/opu/odata/sap"
USER, PASSWORD, SECRET = "CROSSDOCK", "Sandbox-1", "sandbox-secret"
USER_NAME, PASSWORD_NAME = "CROSSDOCK_DEMO_SAP_USER", "CROSSDOCK_DEMO_SAP_PASSWORD"
TOKEN_PATH = "/oauth/token"  # noqa: S105  a path
CUSTOMER = "10100001"  # of guests, and of all who are not looked up
PLANT = "1010"
WAIT_SECONDS = 30
KEY = re.compile(r"(\w+)\((.*)\)")
PAIR = re.compile(r"(?:(\w+)=)?(?:datetime)?'((?:[^']|'')*)'")


class StandIn:
    """One S/4HANA. It does not dedupe: a second POST is a second order."""

    def __init__(self, seed: int, faults: Faults) -> None:
        os.environ.setdefault(USER_NAME, USER)
        os.environ.setdefault(PASSWORD_NAME, PASSWORD)
        self.clock = Clock()
        self.lottery = Lottery(faults, seed)
        self.tables = Tables(self.clock)
        self.tables.rules["A_SalesOrder"] = sales.rule(self.tables, frozenset({CUSTOMER}))
        self.tables.rules["A_BusinessPartner"] = people.rule(self.tables)
        self.tables.rules["A_BusinessPartnerAddress"] = lambda row: people.addressed(self.tables, row)
        self.sessions: dict[str, str] = {}  # cookie -> CSRF token
        self.bearers: set[str] = set()
        self.seen: list[tuple[str, str, bytes]] = []
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
        """A connection's settings: taxes are told as the store's own amounts."""
        return {
            "kind": "sap_s4",
            "base_url": f"{self.url}{ROOT}",
            "auth": {"scheme": "basic", "username": f"env:{USER_NAME}", "password": f"env:{PASSWORD_NAME}"},
            "sales": {"organization": "1010", "channel": "10", "division": "00"},
            "conditions": {"price": sales.PRICE, "discount": sales.DISCOUNT, "tax": sales.TAX_BY_HAND},
            "taxes": {"told": "amount"},
            "materials": {"shipping": "SHIPPING", "fee": "FEE", "fpt": "FPT"},
            "texts": {"note": "TX01", "ship_to": "TX02"},
            "sold_to": {"number": CUSTOMER},
            "credits": "payment",
            "settling_s": 1,
            "reads": {"inventory": {"plants": [PLANT], "interval_s": 1}},
        }

    def lookups(self) -> Mapping[str, Mapping[str, str]]:
        """None: the settings say it all."""
        return {}

    def warehouses(self) -> Mapping[str, str]:
        """One plant."""
        return {PLANT: "wh_milan"}

    def restock(self, sku: str, quantity: int) -> None:
        """Free stock of one storage location."""
        stock = {"Material": sku, "Plant": PLANT, "StorageLocation": "101A", "InventoryStockType": "01"}

        def put() -> None:
            self.tables.put("A_ProductPlant", {"Product": sku, "Plant": PLANT})
            self.tables.put("A_MatlStkInAcctMod", stock | {"MatlWrhsStkQtyInMatlBaseUnit": str(quantity)})

        self.do(put)

    def there(self) -> list[str]:
        """Our order numbers, one entry an order that is not rejected."""
        return self.do(
            lambda: [str(row["PurchaseOrderByCustomer"]) for row in self.tables.rows["A_SalesOrder"] if self._live(row)]
        )

    def received_at(self, number: str) -> datetime | None:
        """When it first got the order."""
        return self._at.get(number)

    def drawn(self) -> Mapping[str, int]:
        """Which faults struck, how often."""
        return self.lottery.drawn

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
        if asked.path == TOKEN_PATH:
            return self._token(asked)
        if not self._known(asked):
            return Answer(
                status=401, raw=b"<html>Anmeldung fehlgeschlagen</html>", headers={"Content-Type": "text/html"}
            )
        reads = asked.method in {"GET", "HEAD"}
        if reads and asked.headers.get("x-csrf-token", "").lower() == "fetch":
            return self._session()
        if not reads and not self._has_token(asked):
            return Answer(status=403, raw=b"CSRF token validation failed", headers={"x-csrf-token": "Required"})
        self.seen.append((asked.method, asked.target, asked.body))
        creates = asked.method == "POST" and not asked.path.endswith("/$batch")
        kind = "find" if reads else "create" if creates else "change"
        what = f"{asked.method} {asked.path}"
        if (instead := self.lottery.before(kind, what, self.clock(), writes=False)) is not None:
            return instead

        def done() -> Answer:
            return self.lottery.around(kind, what, lambda: self._done(asked))

        pause = self.lottery.faults.latency_s
        return Answer(delay=pause, later=done) if pause else done()

    def _known(self, asked: Asked) -> bool:
        told = asked.headers.get("authorization", "")
        basic = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        return told == f"Basic {basic}" or told.removeprefix("Bearer ") in self.bearers

    def _token(self, asked: Asked) -> Answer:
        if f"client_secret={SECRET}" not in asked.body.decode():
            return Answer(status=401, body={"error": "invalid_client"})
        token = uuid4().hex
        self.bearers.add(token)
        return Answer(body={"access_token": token, "token_type": "bearer", "expires_in": 3600})

    def _session(self) -> Answer:
        cookie, token = uuid4().hex, uuid4().hex
        self.sessions[cookie] = token
        told = {
            "x-csrf-token": token,
            "Set-Cookie": "sap-usercontext=sap-client=100; path=/",
            "set-cookie": f"SAP_SESSIONID_S4H_100={cookie}; path=/; secure; HttpOnly",
        }
        return Answer(body={"d": {"EntitySets": [*SETS]}}, headers=told)

    def _has_token(self, asked: Asked) -> bool:
        found = re.search(r"SAP_SESSIONID_S4H_100=(\w+)", asked.headers.get("cookie", ""))
        token = asked.headers.get("x-csrf-token", "")
        return bool(found and token and self.sessions.get(found[1]) == token)

    def _done(self, asked: Asked) -> Answer:
        service, _, path = asked.path.removeprefix(f"{ROOT}/").partition("/")
        if path == "$batch":
            return self._batch(asked, service)
        return self._one(asked.method, service, path, asked.query, asked.headers, asked.body)

    def _one(
        self, method: str, service: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> Answer:
        try:
            return self._carried_out(method, service, path, query, headers, body)
        except Refused as refused:
            message = {"lang": "en", "value": str(refused)}
            inner = {"errordetails": [{"code": refused.code, "message": str(refused), "severity": "error"}]}
            told = {"error": {"code": refused.code, "message": message, "innererror": inner}}
            return Answer(status=refused.status, body=told)

    def _carried_out(
        self, method: str, service: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> Answer:
        found = KEY.fullmatch(path)
        name = found[1] if found else path
        if name not in SETS or SETS[name].service != service:
            raise Refused(404, "/IWFND/MED/170", f"No service or set found for {service}/{name}")
        if method == "GET" and found is None:
            rows, more = self.tables.some(name, query)
            return Answer(body={"d": {"results": rows} | ({"__next": "more"} if more else {})})
        if method == "GET":
            return Answer(body={"d": self.tables.one(name, _keys(name, path), query)})
        if method == "DELETE" and found is not None:
            self.tables.delete(name, _keys(name, path))
            return Answer(status=204, raw=b"")
        sent = _json(body)
        if method == "POST" and found is None:
            made = self.tables.create(name, sent)
            if name == "A_SalesOrder":
                self._at.setdefault(str(made["PurchaseOrderByCustomer"]), self.clock.real())
            return Answer(status=201, body={"d": made})
        if method in {"PATCH", "MERGE"} and found is not None:
            self.tables.change(name, _keys(name, path), sent, headers.get("if-match", ""))
            return Answer(status=204, raw=b"")
        raise Refused(405, "/IWFND/CM_MGW/096", "Method not allowed")

    def _batch(self, asked: Asked, service: str) -> Answer:
        whole = message_from_bytes(
            b"Content-Type: " + asked.headers["content-type"].encode() + b"\r\n\r\n" + asked.body
        )
        boundary = uuid4().hex
        parts = [self._part(part, service) for part in _parts(whole)]
        body = b"".join(f"--{boundary}\r\n".encode() + part + b"\r\n" for part in parts)
        headers = {"Content-Type": f"multipart/mixed; boundary={boundary}"}
        return Answer(status=202, raw=body + f"--{boundary}--\r\n".encode(), headers=headers)

    def _part(self, part: Message, service: str) -> bytes:
        if part.get_content_maintype() != "multipart":
            return _told(self._operation(part, service))
        before = {name: [dict(row) for row in rows] for name, rows in self.tables.rows.items()}
        answers = [self._operation(one, service) for one in _parts(part)]
        if failed := [answer for answer in answers if answer.status >= 400]:
            self.tables.rows = before  # all of a change set, or nothing
            return _told(failed[0])
        boundary = uuid4().hex
        inner = b"".join(f"--{boundary}\r\n".encode() + _told(answer) + b"\r\n" for answer in answers)
        return (
            f"Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n".encode()
            + inner
            + f"--{boundary}--\r\n".encode()
        )

    def _operation(self, part: Message, service: str) -> Answer:
        head, _, body = str(part.get_payload()).replace("\r\n", "\n").lstrip("\n").partition("\n\n")
        line, *lines = head.split("\n")
        method, path, _ = line.split(" ")
        headers = {name.strip().lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)}
        return self._one(method, service, unquote(path), {}, headers, body.encode())

    def _live(self, order: Row) -> bool:
        items = [row for row in self.tables.rows["A_SalesOrderItem"] if row["SalesOrder"] == order["SalesOrder"]]
        return not all(item["SalesDocumentRjcnReason"] for item in items)


def _keys(name: str, path: str) -> dict[str, str]:
    inside = path.partition("(")[2].removesuffix(")")
    found = {key or SETS[name].keys[0]: value.replace("''", "'") for key, value in PAIR.findall(inside)}
    if sorted(found) != sorted(SETS[name].keys):
        raise Refused(400, "/IWFND/CM_MGW/018", "Invalid key predicate")
    return found


def _json(body: bytes) -> Row:
    try:
        found = json.loads(body)
    except ValueError:
        raise Refused(400, "/IWBEP/CM_MGW_RT/023", "Malformed body") from None
    if not isinstance(found, dict):
        raise Refused(400, "/IWBEP/CM_MGW_RT/023", "Malformed body")
    return found


def _parts(message: Message) -> list[Message]:
    payload = message.get_payload()
    return [part for part in payload if isinstance(part, Message)] if isinstance(payload, list) else []


def _told(answer: Answer) -> bytes:
    content = answer.content()
    head = (
        f"HTTP/1.1 {answer.status} Answer\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return b"Content-Type: application/http\r\ncontent-transfer-encoding: binary\r\n\r\n" + head.encode() + content
