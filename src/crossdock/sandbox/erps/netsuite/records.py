"""Sales orders and customers as the record service keeps them, with what NetSuite adds by itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from crossdock.sandbox.clock import Clock
from crossdock.sandbox.erps.netsuite.fields import UNKNOWN, number, problems
from crossdock.sandbox.erps.netsuite.tables import Tables
from crossdock.sandbox.wire import Answer

CENT = Decimal("0.01")
STAMP = "%Y-%m-%d %H:%M:%S"
KINDS = {"salesOrder": "SalesOrd", "customer": ""}
ITEM = "item"
Values = dict[str, Any]


class Records:
    """`custom`: the account's own fields. `rates`: percent by the internal id of a tax code."""

    def __init__(self, clock: Clock, tables: Tables, custom: frozenset[str], rates: Mapping[str, Decimal]) -> None:
        self._clock = clock
        self._tables = tables
        self.custom = custom
        self.rates = rates
        self.kept: dict[str, dict[str, Values]] = {name: {} for name in KINDS}
        self._by_external: dict[tuple[str, str], str] = {}
        self.received_at: dict[str, datetime] = {}
        self.sent: list[tuple[str, str, Values]] = []  # method, record, body: for the tests of the contract
        self._last = 100
        self.strict = True  # of the request at work: X-NetSuite-PropertyNameValidation

    def find(self, record: str, ident: str) -> Values | None:
        """By internal id or `eid:`."""
        if ident.startswith("eid:"):
            ident = self._by_external.get((record, ident.removeprefix("eid:")), "")
        return self.kept[record].get(ident)

    def upsert(self, record: str, external: str, body: Values, *, replace: bool) -> Answer | str:
        """PUT: the internal id, or a refusal."""
        there = self.find(record, f"eid:{external}")
        if refused := self._refusal(record, body, fresh=there is None):
            return refused
        return self._merge(record, there, body, replace=replace) if there else self._new(record, external, body)

    def create(self, record: str, body: Values) -> Answer | str:
        """POST: an external id is taken once."""
        external = str(body.get("externalId", ""))
        if external and self.find(record, f"eid:{external}"):
            return error(400, "USER_ERROR", "This record already exists")
        return self._refusal(record, body, fresh=True) or self._new(record, external, body)

    def patch(self, record: str, ident: str, body: Values) -> Answer | str:
        """PATCH: lines are known by their `line`."""
        there = self.find(record, ident)
        if there is None:
            return error(
                404, "NONEXISTENT_ID", "The record instance does not exist. Provide a valid record instance ID."
            )
        return self._refusal(record, body, fresh=False) or self._merge(record, there, body, replace=False)

    def _refusal(self, record: str, body: Values, *, fresh: bool) -> Answer | None:
        for where, what in problems(record, body, self.custom):
            if what.startswith(UNKNOWN) and not self.strict:
                continue  # only warned of, and dropped
            return error(400, "INVALID_CONTENT", f"Error while accessing a resource. {what}.", where)
        if record == "salesOrder":
            return self._refused_order(body, fresh=fresh)
        if fresh and not (body.get("companyName") or body.get("lastName")):
            return error(400, "USER_ERROR", "Please enter value(s) for: Last Name")
        return None

    def _refused_order(self, body: Values, *, fresh: bool) -> Answer | None:
        rows = (body.get(ITEM) or {}).get("items", [])
        if fresh and ("entity" not in body or not rows):
            return error(400, "USER_ERROR", "Please enter value(s) for: Customer, Item")
        if "entity" in body and str(body["entity"]["id"]) not in self.kept["customer"]:
            return invalid(body["entity"]["id"], "entity", "entity")
        for place, row in enumerate(rows):
            if ITEM in row and not self._tables.run("SELECT id FROM item WHERE id = ?", row[ITEM]["id"]):
                return invalid(row[ITEM]["id"], ITEM, f"item.items[{place}].item")
            if "taxCode" in row and str(row["taxCode"]["id"]) not in self.rates:
                return invalid(row["taxCode"]["id"], "taxCode", f"item.items[{place}].taxCode")
        for place, row in enumerate((body.get("taxDetails") or {}).get("items", [])):
            if str(row["taxCode"]["id"]) not in self.rates:
                return invalid(row["taxCode"]["id"], "taxCode", f"taxDetails.items[{place}].taxCode")
        return None

    def _new(self, record: str, external: str, body: Values) -> str:
        self._last += 1
        ident = str(self._last)
        made: Values = {**body, "id": ident}
        if external:
            made["externalId"] = external
            self._by_external[record, external] = ident
            self.received_at.setdefault(external, self._clock.real())
        if record == "salesOrder":
            made |= {
                "tranId": f"SO{self._last}",
                "status": {"id": "B", "refName": "Pending Fulfillment"},
                ITEM: {"items": []},
            }
            self._add_lines(made, body[ITEM]["items"])
        self.kept[record][ident] = made
        self._stored(record, made)
        return ident

    def _merge(self, record: str, there: Values, body: Values, *, replace: bool) -> str:
        rows = (body.get(ITEM) or {}).get("items", [])
        there |= {name: value for name, value in body.items() if name != ITEM}
        if record == "salesOrder" and ITEM in body:
            numbers = {row["line"] for row in rows if "line" in row}
            if replace:
                there[ITEM]["items"] = [line for line in there[ITEM]["items"] if line["line"] in numbers]
            known = {line["line"]: line for line in there[ITEM]["items"]}
            for row in rows:
                known.get(row.get("line"), {}).update(row)
            self._add_lines(there, [row for row in rows if row.get("line") not in known])
        self._stored(record, there)
        return str(there["id"])

    def _add_lines(self, order: Values, rows: list[Values]) -> None:
        last = order.get("lastLine", 0)
        for place, row in enumerate(rows, last + 1):
            order[ITEM]["items"].append(
                {**row, "line": place, "quantityFulfilled": 0, "quantityBilled": 0, "isClosed": False}
            )
        order["lastLine"] = last + len(rows)

    def _stored(self, record: str, made: Values) -> None:
        """What NetSuite computes, and what its queries then see."""
        stamp = self._clock().strftime(STAMP)
        made["lastModifiedDate"] = f"{self._clock():%Y-%m-%dT%H:%M:%SZ}"
        if record == "customer":
            self._tables.run("DELETE FROM customer WHERE id = ?", made["id"])
            self._tables.put("customer", **customer_row(made), lastmodifieddate=stamp)
            return
        made |= self._totals(made)
        self._tables.run("DELETE FROM transaction WHERE id = ?", made["id"])
        self._tables.put("transaction", **order_row(made), lastmodifieddate=stamp)
        self._tables.run("DELETE FROM transactionline WHERE transaction = ?", made["id"])
        for line in made[ITEM]["items"]:
            self._tables.put("transactionline", **line_row(made, line))

    def _totals(self, order: Values) -> Values:
        lines = order[ITEM]["items"]
        untaxed = sum((number(line.get("amount", 0)) for line in lines), Decimal(0)) + number(
            order.get("shippingCost", 0)
        )
        if order.get("taxDetailsOverride"):
            tax = sum((number(row["taxAmount"]) for row in order["taxDetails"]["items"]), Decimal(0))
        else:
            tax = sum((self._tax(line) for line in lines), Decimal(0))
        return {"subtotal": untaxed, "taxTotal": tax, "total": untaxed + tax}

    def _tax(self, line: Values) -> Decimal:
        if "tax1Amt" in line:
            return number(line["tax1Amt"])
        rate = self.rates.get(str((line.get("taxCode") or {}).get("id")), Decimal(0))
        return (number(line.get("amount", 0)) * rate / 100).quantize(CENT, ROUND_HALF_UP)


def order_row(made: Values) -> Values:
    """Of the table `transaction`."""
    return {
        "id": int(made["id"]),
        "tranid": made["tranId"],
        "type": "SalesOrd",
        "status": made["status"]["id"],
        "externalid": made.get("externalId"),
        "entity": int(made["entity"]["id"]),
        "trandate": made.get("tranDate"),
        "memo": made.get("memo"),
        "otherrefnum": made.get("otherRefNum"),
    }


def line_row(made: Values, line: Values) -> Values:
    """Of the table `transactionline`: quantities that go out are below zero there."""
    return {
        "transaction": int(made["id"]),
        "id": line["line"],
        "item": int(line[ITEM]["id"]),
        "quantity": -float(number(line.get("quantity", 1))),
        "custcol_line_id": line.get("custcol_line_id"),
    }


def customer_row(made: Values) -> Values:
    """Of the table `customer`."""
    names = ("firstName", "middleName", "lastName", "companyName", "email")
    return {
        "id": int(made["id"]),
        "entityid": made.get("entityId", f"C{made['id']}"),
        "externalid": made.get("externalId"),
        "isperson": "T" if made.get("isPerson") else "F",
        "isinactive": "T" if made.get("isInactive") else "F",
        "custentity_tier": made.get("custentity_tier"),
    } | {name.lower(): made.get(name) for name in names}


def error(status: int, code: str, detail: str, path: str = "") -> Answer:
    """As the record service answers (help page section_156570709583)."""
    where = {"o:errorPath": path} if path else {}
    titles = {400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}
    body = {
        "type": "https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html",
        "title": titles.get(status, "Error"),
        "status": status,
        "o:errorDetails": [{"detail": detail, "o:errorCode": code, **where}],
    }
    return Answer(status=status, body=body)


def invalid(value: Any, field: str, path: str) -> Answer:
    """A reference to nothing, in the page's own words."""
    told = f"You have entered an Invalid Field Value {value} for the following field: {field}"
    return error(400, "INVALID_CONTENT", told, path)
