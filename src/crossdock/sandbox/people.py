"""Customers of the stand-in ERP: it finds out whom it is told of, keeps what it is told, and forgets on request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Row = dict[str, Any]
DEFAULTS = ("default_billing", "default_shipping")
PLACE = frozenset({"number", "as_of", "website", "addresses"})  # of a pushed row: what is no field of the person


class People:
    """By number. `told`: (number, key, names of fields) of each write that took effect. `listed` gets each as it is."""

    def __init__(self, listed: Callable[[Sequence[Row]], Any] = lambda _rows: None) -> None:
        self._listed = listed
        self.kept: dict[str, Row] = {}
        self.told: list[tuple[str, str, tuple[str, ...]]] = []
        self.forgotten: list[str] = []

    def take(self, payload: Row, key: str, *, once: bool) -> tuple[str, bool]:
        """The customer's number, and whether it is new: by its number, our reference, else address and website.

        `once`: a key that was there before changes nothing.
        """
        before = next((number for number, known, _ in self.told if known == key), "")
        if once and before:
            return before, False
        number = self._known(payload)
        fresh = not number
        if fresh:
            number = f"C-{len(self.kept) + 1}"
            self.kept[number] = {"number": number, "customer": {}, "addresses": {}}
        self.kept[number] |= {name: payload[name] for name in ("reference",) if payload.get(name)}
        fields = dict(payload.get("customer") or {})
        places = {name: payload.get(name) for name in ("website", "addresses")}
        self.edit(number, fields | places)
        self.told.append((number, key, (*fields, *(f"addresses.{one['number']}" for one in payload["addresses"]))))
        return number, fresh

    def edit(self, number: str, told: Row) -> None:
        """As somebody does it at the ERP; `told` has the form of what it pushes of a customer."""
        row = self.kept.setdefault(number, {"number": number, "customer": {}, "addresses": {}})
        row |= {name: told[name] for name in ("website", "email") if told.get(name)}
        fields = {name: value for name, value in told.items() if name not in PLACE}
        attributes = fields.pop("attributes", {})
        row["customer"] |= fields
        if attributes:
            row["customer"]["attributes"] = row["customer"].get("attributes", {}) | attributes
        for address in told.get("addresses") or ():
            self._address(row, address)
        self._listed([_listed(row)])

    def of_key(self, key: str) -> list[Row]:
        """The customer that was told under this key, or none."""
        return [{"number": number, "idempotency_key": key} for number, known, _ in self.told if known == key][:1]

    def of_person(self, email: str, website: str) -> list[Row]:
        """As such a system shows them, whoever has put them there."""
        named = {name: value for name, value in (("email", email), ("website", website)) if value}
        found = [row for row in self.kept.values() if named and all(row.get(one) == named[one] for one in named)]
        return [_listed(row) | {name: row[name] for name in ("reference",) if name in row} for row in found]

    def forget(self, number: str) -> bool:
        """False where there is no such customer."""
        if number in self.forgotten:
            return True
        if self.kept.pop(number, None) is None:
            return False
        self.forgotten.append(number)
        return True

    def _known(self, payload: Row) -> str:
        if payload.get("customer_number") in self.kept:
            return str(payload["customer_number"])
        for number, row in self.kept.items():
            if payload.get("reference") and row.get("reference") == payload["reference"]:
                return number
        for number, row in self.kept.items():
            same = (row.get("email"), row.get("website")) == (payload.get("email"), payload.get("website"))
            if same and payload.get("email"):
                return number
        return ""

    @staticmethod
    def _address(row: Row, told: Row) -> None:
        number = told["number"]
        if told.get("removed"):
            row["addresses"].pop(number, None)
            row.setdefault("removed", []).append(number)
            return
        for default in DEFAULTS:
            if told.get(default):
                row[default] = number
        rest = {name: value for name, value in told.items() if not name.startswith("default_")}
        if len(rest) > 1:  # a default alone says nothing else of its address
            row["addresses"][number] = rest


def _listed(row: Row) -> Row:
    """A customer as such a system lists it: whole, whoever has changed it."""
    addresses = [
        {**rest, "number": number, **{name: row.get(name) == number for name in DEFAULTS}}
        for number, rest in row["addresses"].items()
    ]
    addresses += [
        {"number": number, "removed": True} for number in row.get("removed", ()) if number not in row["addresses"]
    ]
    known: Row = {name: row[name] for name in ("number", "website", "email") if name in row}
    return {**known, **row["customer"], "addresses": addresses}
