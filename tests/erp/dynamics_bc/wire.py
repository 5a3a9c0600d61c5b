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

TABLES = SHARED / "contracts/dynamics365-bc/bc-v2.0-entities.json"
SETS = {
    "companies": "company",
    "items": "item",
    "customers": "customer",
    "salesOrders": "salesorder",
    "salesOrderLines": "salesorderline",
    "salesInvoices": "salesinvoice",
    "salesShipments": "salesShipment",
    "salesShipmentLines": "salesShipmentLine",
    "itemLedgerEntries": "itemledgerentry",
    "paymentTerms": "paymentTerm",
    "shipmentMethods": "shipmentMethod",
    "locations": "location",
}
# of pages that the tables leave out: resources/dynamics_subscriptions.md, dynamics_salesinvoiceline.md
BESIDE = {
    "subscriptions": {"notificationUrl": "string", "resource": "string", "clientState": "string"},
    "salesInvoiceLines": {"sequence": "integer", "lineObjectNumber": "string", "quantity": "decimal"},
}
KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "GUID": (str,),
    "date": (str,),
    "datetime": (str,),
    "decimal": (int, float),
    "integer": (int,),
    "boolean": (bool,),
}
REFUSALS: dict[Fault, tuple[int, str, dict[str, str]]] = {
    Fault.UNAUTHORIZED: (401, "Authentication_InvalidCredentials", {}),
    Fault.LIMITED: (429, "Application_TooManyRequests", {"retry-after": str(int(RETRY_AFTER))}),
    Fault.UNAVAILABLE: (503, "Internal_TenantUnavailable", {}),
    Fault.REDIRECT: (302, "", {"location": "http://127.0.0.1:9/"}),
}


class Contract:
    """The vendor's tables; without them nothing is checked."""

    def __init__(self) -> None:
        told = json.loads(TABLES.read_text()) if TABLES.is_file() else {}
        self.there = bool(told)
        self.fields = {name: dict(told[entity]["properties"]) for name, entity in SETS.items() if told} | BESIDE
        self.parts = {name: {one for one, _ in told[entity]["navigation"]} for name, entity in SETS.items() if told}

    def check(self, request: HttpRequest) -> None:
        """Raises AssertionError for a field, an option or a type that the contract does not have."""
        path = urlsplit(request.url).path.partition("/api/v2.0/")[2]
        if not self.there or not path:
            return
        body: Any = json.loads(request.body) if request.body else None
        if path == "$batch":
            assert set(body) == {"requests"}
            assert 0 < len(body["requests"]) <= 100, "operations of a batch"
            for one in body["requests"]:
                parts = urlsplit(one["url"])
                self.one(one["method"], unquote(parts.path), dict(parse_qsl(parts.query)), one.get("body"))
            return
        query = dict(parse_qsl(urlsplit(request.full_url()).query))
        self.one(request.method, unquote(path), query, body)
        if request.method in {"PATCH", "DELETE"}:
            assert "If-Match" in request.headers

    def one(self, method: str, path: str, query: dict[str, str], body: Any) -> None:
        name = re.sub(r"\(.*?\)", "", path.rpartition("/")[2])
        fields = self.fields[name]
        for option in ("$select", "$orderby"):
            for field in filter(None, query.get(option, "").split(",")):
                assert field.split()[0] in fields, f"{option}: {name} has no {field}"
        for field in re.findall(
            r"(\w+) (?:eq|ne|gt|ge|lt|le|in) ", re.sub(r"'(?:[^']|'')*'", "''", query.get("$filter", ""))
        ):
            assert field in fields, f"$filter: {name} has no {field}"
        assert query.get("$expand", "") in {"", *self.parts.get(name, ())}
        if body is not None:
            assert method in {"POST", "PATCH"}
            self.values(name, body)

    def values(self, name: str, values: dict[str, Any]) -> None:
        for field, value in values.items():
            if isinstance(value, list):
                assert field in self.parts[name], f"{name} has no {field}"
                for row in value:
                    self.values(field, row)
                continue
            assert field in self.fields[name], f"{name} has no {field}"
            kind = KINDS.get(self.fields[name][field], (str,))
            assert isinstance(value, kind), f"{name}.{field} is sent as {type(value).__name__}"
            assert isinstance(value, bool) == (kind == (bool,)), f"{name}.{field}"


CONTRACT = Contract()


class Checked:
    """Sends over real HTTP what the contract has. `fault` spoils the next write; the login's requests are no writes."""

    def __init__(self) -> None:
        self.http = Http(HttpOptions())
        self.sent: list[HttpRequest] = []
        self.fault: Fault | None = None

    def send(self, request: HttpRequest) -> HttpResponse:
        CONTRACT.check(request)
        self.sent.append(request)
        writes = b'"POST"' in (request.body or b"") or (
            request.method in {"POST", "PATCH", "DELETE"} and not request.url.endswith(("$batch", "/token"))
        )
        fault, self.fault = (self.fault, None) if writes else (None, self.fault)
        if fault is None:
            return self.http.send(request)
        if fault is Fault.REFUSED:
            quoted = (request.body or b"").decode()
            return answer(400, "Application_DialogException", {}, f"wrong data: {quoted}")
        if fault in REFUSALS:
            if fault is Fault.UNAUTHORIZED:
                self.fault = None if getattr(self, "_again", False) else fault
                self._again = not getattr(self, "_again", False)
            return answer(*REFUSALS[fault])
        done = self.http.send(request)
        assert done.status < 300, done.body
        if fault is Fault.RESET_AFTER:
            raise OutcomeUnknown("connection reset")
        if fault is Fault.GARBAGE:
            return HttpResponse(status=200, body=b"<html>welcome</html>")
        if fault is Fault.NAMELESS:
            nameless = b'{"responses":[{"id":"1","status":201,"body":{}},{"id":"2","status":200,"body":{"value":[]}}]}'
            return HttpResponse(status=200, body=nameless if request.url.endswith("$batch") else b"{}")
        return answer(500, "Internal_ServerError")

    def inject(self, fault: Fault) -> bool:
        self.fault = fault
        return True


def answer(status: int, code: str, headers: dict[str, str] | None = None, message: str = "no") -> HttpResponse:
    body = {"error": {"code": code, "message": f"{message}  CorrelationId:  1."}}
    return HttpResponse(status=status, headers=headers or {}, body=json.dumps(body).encode())
