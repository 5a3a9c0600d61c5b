"""Sales orders of the stand-in. It takes one source id twice: nothing public says that Oracle does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from itertools import count
from typing import Any

from crossdock.sandbox.erps.oracle_fusion.fields import ACTIONS, CHANGE, LINE, ORDER, ORDER_NEEDS, problems, scalars

KNOWN = frozenset(
    [
        *("HeaderId", "OrderNumber", "SourceTransactionId", "SourceTransactionSystem", "SourceTransactionNumber"),
        *("StatusCode", "SubmittedFlag", "CanceledFlag", "OnHoldFlag", "Comments", "MessageText", "BusinessUnitName"),
        *("LastUpdateDate", "CreationDate"),
        *scalars(ORDER),
    ]
)
LINE_FIELDS = frozenset(["FulfillLineId", *scalars(LINE)])
TOTAL_FIELDS = frozenset(["TotalCode", "TotalAmount", "PrimaryFlag"])
NET, TAX, GROSS = "QP_TOTAL_NET_PRICE", "QP_TOTAL_TAX", "QP_TOTAL_PAY_NOW"
FIRST_HEADER, FIRST_LINE = 300000001, 300100001


class Wrong(Exception):
    """A request that is refused, with what is told."""


class Orders:
    """`tax_off`: what Oracle's own tax is off by. `unit`: the one business unit. `unready`: drafts that fail."""

    def __init__(self, clock: Callable[[], datetime], unit: str) -> None:
        self._clock = clock
        self.unit = unit
        self.tax_off = Decimal(0)
        self.unready = ""
        self.kept: list[dict[str, Any]] = []
        self.held: list[tuple[str, str]] = []  # action and source id, in the order of doing
        self.changed: list[str] = []  # source ids of orders whose lines were set to 0
        self.received_at: dict[str, datetime] = {}
        self._headers, self._lines = count(FIRST_HEADER), count(FIRST_LINE)

    def rows(self) -> list[dict[str, Any]]:
        """All, as a collection shows them."""
        return [{name: order.get(name) for name in KNOWN} for order in self.kept]

    def newest(self, key: str) -> dict[str, Any] | None:
        """By OrderKey: `system:id`, or the HeaderId."""
        if ":" not in key:
            return next((one for one in self.kept if str(one["HeaderId"]) == key), None)
        found = [one for one in self.kept if key == f"{one['SourceTransactionSystem']}:{one['SourceTransactionId']}"]
        return found[-1] if found else None

    def create(self, body: Any) -> dict[str, Any]:
        """A new one. Raises Wrong."""
        if told := [*problems(body, ORDER), *_missing(body)]:
            raise Wrong("; ".join(told))
        if body["BusinessUnitName"] != self.unit:
            raise Wrong(f"The business unit {body['BusinessUnitName']} is not valid. (FOM-4515001)")
        ident, now = next(self._headers), self._clock().isoformat(timespec="seconds")
        order = body | {
            "HeaderId": ident,
            "OrderNumber": str(ident - FIRST_HEADER + 1001),
            "StatusCode": "DOO_DRAFT",
            "SubmittedFlag": False,
            "CanceledFlag": False,
            "OnHoldFlag": False,
            "MessageText": None,
            "CreationDate": now,
            "LastUpdateDate": now,
            "lines": [line | {"FulfillLineId": next(self._lines)} for line in body["lines"]],
        }
        self.kept.append(order)
        self.received_at.setdefault(body["SourceTransactionId"], self._clock())
        if body.get("SubmittedFlag"):
            self._submit(order)
        return self.told(order)

    def change(self, order: dict[str, Any], body: Any) -> dict[str, Any]:
        """A PATCH. Raises Wrong."""
        if told := [*problems(body, CHANGE)]:
            raise Wrong("; ".join(told))
        lines = {line["FulfillLineId"]: line for line in order["lines"]}
        for change in body.get("lines", []):
            if change["FulfillLineId"] not in lines:
                raise Wrong("The fulfillment line does not exist. (FOM-4515002)")
            lines[change["FulfillLineId"]]["OrderedQuantity"] = change["OrderedQuantity"]
        if body.get("lines"):
            self.changed.append(order["SourceTransactionId"])
        if body.get("SubmittedFlag"):
            self._submit(order)
        order["LastUpdateDate"] = self._clock().isoformat(timespec="seconds")
        return self.told(order)

    def act(self, action: str, body: Any) -> dict[str, Any]:
        """A hold or its release. Raises Wrong."""
        if told := [*problems(body, ACTIONS[action])]:
            raise Wrong("; ".join(told))
        for one in body["holdRequests"]:
            order = self.newest(f"{one['SourceTransactionSystem']}:{one['SourceTransactionId']}")
            if order is None or not one.get("HoldCode"):
                raise Wrong("The hold request is not valid. (FOM-4515003)")
            order["OnHoldFlag"] = action == "applyHold"
            self.held.append((action, one["SourceTransactionId"]))
        return {"result": {"ReturnStatus": "SUCCESS"}}

    def told(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """As one of them is shown."""
        return {name: order.get(name) for name in sorted(KNOWN)}

    def expanded(self, order: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
        """A child of it."""
        return list(self.totals(order)) if name == "totals" else [dict(row) for row in order.get(name, [])]

    def totals(self, order: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """What it comes to: the frozen charges, or Oracle's own tax."""
        net, tax = (_sum(order, usage) for usage in ("NET_PRICE", "EXCLUSIVE_TAX"))
        tax += self.tax_off
        for code, amount in ((NET, net), (TAX, tax), (GROSS, net + tax)):
            yield {"TotalCode": code, "TotalAmount": amount, "PrimaryFlag": code == GROSS}

    def _submit(self, order: dict[str, Any]) -> None:
        if self.unready:
            order["MessageText"] = self.unready
            return
        order |= {"SubmittedFlag": True, "StatusCode": "OPEN", "MessageText": None}
        if not any(line["OrderedQuantity"] for line in order["lines"]):
            order |= {"CanceledFlag": True, "StatusCode": "CANCELED"}


def _missing(body: Any) -> Iterator[str]:
    for name in ORDER_NEEDS:
        if not body.get(name):
            yield f"Attribute {name} is required"


def _sum(order: Mapping[str, Any], usage: str) -> Decimal:
    components = (one for line in order["lines"] for charge in line["charges"] for one in charge["chargeComponents"])
    amounts = (one for one in components if one["PriceElementUsageCode"] == usage)
    return sum((Decimal(str(one["HeaderCurrencyExtendedAmount"])) for one in amounts), Decimal(0))
