"""A sender that holds every request against the vendor's field tables, and faults for the next write."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from crossdock.conformance.faults import RETRY_AFTER, Fault
from crossdock.errors import OutcomeUnknown
from crossdock.transport.http import Http, HttpOptions
from crossdock.transport.wire import HttpRequest, HttpResponse
from tests.material import SHARED

TABLES = SHARED / "contracts/dynamics365-fo/fo-data-entities.cdm-attributes.json"
SETS = {
    "SalesOrderHeadersV2": "SalesOrderHeaderV2Entity",
    "SalesOrderLinesV2": "SalesOrderLineV2Entity",
    "CustomersV3": "CustCustomerV3Entity",
    "ReleasedProductsV2": "EcoResReleasedProductV2Entity",
    "WarehousesOnHandV2": "InventWarehouseOnHandV2Entity",
}
NUMBERS = {"OrderedSalesQuantity", "SalesPrice"}  # the tables spell all types as text
INNER = re.compile(rb"(POST|PATCH|DELETE) \S*/data/(\w+)\?cross-company=true HTTP/1.1\r\n(?:.*\r\n)*?\r\n(\{.*\})\r\n")
REFUSALS: dict[Fault, tuple[int, str, dict[str, str]]] = {
    Fault.UNAUTHORIZED: (401, "", {}),
    Fault.LIMITED: (429, "Too many requests.", {"retry-after": str(int(RETRY_AFTER))}),
    Fault.UNAVAILABLE: (503, "", {}),
    Fault.REDIRECT: (302, "", {"location": "http://127.0.0.1:9/"}),
}


class Contract:
    """The vendor's tables; without them nothing is checked."""

    def __init__(self) -> None:
        told = json.loads(TABLES.read_text())["entities"] if TABLES.is_file() else {}
        # the company is part of every key, and of no table
        self.fields = {
            name: {"dataAreaId", *(one["name"] for one in told[entity]["attributes"])}
            for name, entity in SETS.items()
            if told
        }

    def check(self, request: HttpRequest) -> None:
        """Raises AssertionError for a field, an option or a type that the contract does not have."""
        path = urlsplit(request.url).path.partition("/data/")[2]
        if not self.fields or not path:
            return
        if path == "$batch":
            inner = INNER.findall(request.body or b"")
            assert len(inner) == (request.body or b"").count(b" HTTP/1.1\r\n"), "a request of the batch was not read"
            for _, entity, body in inner:
                self.values(entity.decode(), json.loads(body))
            return
        query = dict(parse_qsl(urlsplit(request.full_url()).query))
        assert query.get("cross-company") == "true"
        name, key = re.fullmatch(r"(\w+)(\(.*\))?", unquote(path)).groups()  # type: ignore[union-attr]  # fails then
        if request.method == "GET":
            assert "dataAreaId eq 'usmf'" in query.get("$filter", "")
        if key:
            assert "dataAreaId=" in key, "a key is whole"
        self.query(name, query)
        if request.body:
            self.values(name, json.loads(request.body))

    def query(self, name: str, query: dict[str, str]) -> None:
        fields = self.fields[name]
        for option in ("$select", "$orderby"):
            for field in filter(None, query.get(option, "").split(",")):
                assert field.split()[0] in fields, f"{option}: {name} has no {field}"
        texts = re.sub(r"'(?:[^']|'')*'", "''", query.get("$filter", ""))
        for field in re.findall(r"(\w+) (?:eq|ne|gt|ge|lt|le) ", texts):
            assert field in fields, f"$filter: {name} has no {field}"
        assert " in " not in texts
        assert " has " not in texts

    def values(self, name: str, values: dict[str, Any]) -> None:
        for field, value in values.items():
            assert field in self.fields[name], f"{name} has no {field}"
            kind: tuple[type, ...] = (int, float) if field in NUMBERS else (str,)
            assert isinstance(value, kind), f"{name}.{field} is sent as {type(value).__name__}"
            assert not isinstance(value, bool), f"{name}.{field}: yes and no are words"


CONTRACT = Contract()


class Checked:
    """Sends over real HTTP what the contract has. `fault` spoils the next write; a login is no write."""

    def __init__(self) -> None:
        self.http = Http(HttpOptions())
        self.sent: list[HttpRequest] = []
        self.fault: Fault | None = None
        self._refused = False

    def send(self, request: HttpRequest) -> HttpResponse:
        CONTRACT.check(request)
        self.sent.append(request)
        writes = request.method != "GET" and not request.url.endswith("/token")
        fault, self.fault = (self.fault, None) if writes else (None, self.fault)
        if fault is None:
            return self.http.send(request)
        if fault is Fault.REFUSED:
            return answer(400, f"wrong data: {(request.body or b'').decode()}")
        if fault in REFUSALS:
            if fault is Fault.UNAUTHORIZED:
                self._refused = not self._refused
                self.fault = fault if self._refused else None  # once more, after the token was fetched anew
            return answer(*REFUSALS[fault])
        done = self.http.send(request)
        assert done.status < 300, done.body
        return self.spoilt(fault, done)

    def spoilt(self, fault: Fault, done: HttpResponse) -> HttpResponse:
        if fault is Fault.RESET_AFTER:
            raise OutcomeUnknown("connection reset")
        if fault is Fault.GARBAGE:
            return HttpResponse(status=200, headers={"content-type": "text/html"}, body=b"<html>welcome</html>")
        if fault is Fault.NAMELESS:
            body = re.sub(rb"Content-Length: \d+\r\n\r\n\{.*?\}\r\n", b"Content-Length: 2\r\n\r\n{}\r\n", done.body)
            nameless = body if b"batchresponse" in body else b"{}"
            return HttpResponse(status=done.status, headers=done.headers, body=nameless)
        return answer(500, "oops")

    def inject(self, fault: Fault) -> bool:
        self.fault = fault
        return True


def answer(status: int, message: str, headers: dict[str, str] | None = None) -> HttpResponse:
    inner = {"message": message, "type": "X", "stacktrace": ""}
    body = {"error": {"code": "", "message": "An error has occurred.", "innererror": inner}}
    return HttpResponse(status=status, headers=headers or {}, body=json.dumps(body).encode())
