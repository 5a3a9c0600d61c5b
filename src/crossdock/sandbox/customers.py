"""Customers of the stand-in store. Recorded: reading, making one, a save that leaves things out, the refusals.

By Magento's source and schema only: that a list of addresses is all of them, attributes, deleting, regions.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from crossdock.sandbox.search import listed, narrowed
from crossdock.sandbox.wire import Answer

if TYPE_CHECKING:
    from crossdock.sandbox.routes import Call
    from crossdock.sandbox.store import Store

Row = dict[str, Any]
COLUMNS = {"entity_id", "id", "email", "firstname", "lastname", "created_at", "updated_at", "website_id"}
TAKEN = "A customer with the same email address already exists in an associated website."
EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
REGIONS = {
    "IT": [
        {"id": "889", "code": "MI", "name": "Milano"},
        {"id": "930", "code": "RM", "name": "Roma"},
        {"id": "949", "code": "TO", "name": "Torino"},
    ]
}
DEFAULTS = ("default_billing", "default_shipping")


def first_customers(stamp: str) -> dict[int, Row]:
    """Three, each with an address."""
    return {number: _customer(number, stamp) for number in (1, 2, 3)}


def every(store: Store, call: Call) -> Answer:
    """A list of them. Attributes can be filtered by, as in any list of an EAV entity."""
    rows = [_flat(row) | row | {"entity_id": number} for number, row in store.customers.items()]
    answer = listed(rows, call.asked.query, COLUMNS | {name for row in rows for name in row}, store.faults.bugs)
    if isinstance(answer.body, dict):
        for row in answer.body.get("items") or ():
            for name in ("entity_id", *_flat(row)):
                row.pop(name, None)
    return answer


def one(store: Store, call: Call) -> Answer:
    """One, read or saved: what is left out of a save stays as it is."""
    number = int(call.parts[0])
    kept = store.customers.get(number)
    if kept is None:
        return _missing(number)
    if call.asked.method == "PUT":
        told = {name: value for name, value in call.body["customer"].items() if name != "id"}
        refused = _refused(kept | told) or _taken(store, kept | told, number)
        if refused:
            return refused
        save(store, kept, told)
    return Answer(body=narrowed(kept, call.asked.query.get("fields")))


def make(store: Store, call: Call) -> Answer:
    """A new one; the answer is the customer."""
    told = call.body["customer"]
    refused = _refused(told) or _taken(store, told, 0)
    if refused:
        return refused
    number = store.next_customer
    store.next_customer += 1
    stamp = store.stamp()
    kept: Row = {
        "id": number,
        "group_id": 1,
        "created_at": stamp,
        "updated_at": stamp,
        "created_in": "Default Store View",
        "store_id": 1,
        "website_id": 1,
        "addresses": [],
        "disable_auto_group_change": 0,
        "extension_attributes": {"is_subscribed": False},
    }
    store.customers[number] = kept
    _take(store, kept, {name: value for name, value in told.items() if name != "id"})
    store.hooks.fire("customer.created", kept | {"addresses": []})  # recorded: without the addresses it was given
    return Answer(body=kept)


def delete(store: Store, call: Call) -> Answer:
    """True, or 404."""
    number = int(call.parts[0])
    return Answer(body=True) if store.customers.pop(number, None) else _missing(number)


def country(store: Store, call: Call) -> Answer:  # noqa: ARG001
    """A country with its regions, a few of them."""
    code = call.parts[0]
    told: Row = {"id": code, "two_letter_abbreviation": code, "full_name_locale": code}
    return Answer(body=told | ({"available_regions": REGIONS[code]} if code in REGIONS else {}))


def save(store: Store, kept: Row, told: Row) -> None:
    """What is told. An edit of an address alone may leave `updated_at` where it is."""
    before = {name: value for name, value in kept.items() if name not in {"addresses", "updated_at", *DEFAULTS}}
    addresses = [dict(row) for row in kept["addresses"]]
    _take(store, kept, told)
    own = any(kept.get(name) != value for name, value in before.items()) or kept.keys() - before.keys() - {
        "addresses",
        "updated_at",
        *DEFAULTS,
    }
    moved = addresses != kept["addresses"]
    if own or (moved and not store.faults.bugs.address_edits_unseen):
        kept["updated_at"] = store.stamp()
    elif moved:
        store.lottery.count("address_edits_unseen")
    if own or moved:
        store.hooks.fire("customer.updated", kept)


def _take(store: Store, kept: Row, told: Row) -> None:
    plain = {name: value for name, value in told.items() if name not in {"addresses", "custom_attributes"}}
    for name, value in plain.items():
        if isinstance(value, dict) and isinstance(kept.get(name), dict):
            kept[name] = kept[name] | value
        elif value in ("", None) and name not in {"email", "firstname", "lastname"}:
            kept.pop(name, None)
        else:
            kept[name] = value
    if "custom_attributes" in told:
        known = {row["attribute_code"]: row for row in kept.get("custom_attributes", ())}
        known |= {row["attribute_code"]: row for row in told["custom_attributes"]}
        kept["custom_attributes"] = [row for row in known.values() if row["value"] not in ("", None)]
    if "addresses" in told:
        _take_addresses(store, kept, told["addresses"])


def _take_addresses(store: Store, kept: Row, rows: list[Row]) -> None:
    """All of them: one that is not told is gone."""
    known = {row["id"]: row for row in kept["addresses"]}
    fresh = []
    for row in rows:
        number = row.get("id")
        if number not in known:
            number = store.next_address
            store.next_address += 1
        made = known.get(number, {}) | {name: value for name, value in row.items() if value not in ("", None)}
        for name, value in row.items():
            if value in ("", None):
                made.pop(name, None)
        made |= {"id": number, "customer_id": kept["id"]}
        region = made.get("region") or {"region_code": None, "region": None, "region_id": 0}
        fresh.append(made | {"region": region, "region_id": region.get("region_id", 0)})
    for default in DEFAULTS:
        _settle_default(kept, default, fresh)
    kept["addresses"] = fresh


def _settle_default(kept: Row, default: str, rows: list[Row]) -> None:
    chosen = [row["id"] for row in rows if row.get(default) is True]
    given_up = any(str(row["id"]) == kept.get(default) and row.get(default) is False for row in rows)
    if chosen:
        kept[default] = str(chosen[-1])
    elif given_up or kept.get(default) not in {str(row["id"]) for row in rows}:
        kept.pop(default, None)
    for row in rows:
        row.pop(default, None)
        if str(row["id"]) == kept.get(default):
            row[default] = True


def _refused(told: Row) -> Answer | None:
    texts = [
        f'"{label}" is a required value.'
        for name, label in (("firstname", "First Name"), ("lastname", "Last Name"))
        if not str(told.get(name) or "").strip()
    ]
    if not EMAIL.fullmatch(str(told.get("email") or "")):
        texts.append('"Email" is not a valid email address.')
    return Answer(status=400, body={"message": "\n".join(texts)}) if texts else None


def _taken(store: Store, told: Row, number: int) -> Answer | None:
    email, website = str(told["email"]).casefold(), told.get("website_id", 1)
    others = [row for one, row in store.customers.items() if one != number]
    taken = any(row["email"].casefold() == email and row["website_id"] == website for row in others)
    return Answer(status=400, body={"message": TAKEN}) if taken else None


def _missing(number: int) -> Answer:
    text = "No such entity with %fieldName = %fieldValue"
    return Answer(status=404, body={"message": text, "parameters": {"fieldName": "customerId", "fieldValue": number}})


def _flat(row: Row) -> Row:
    return {one["attribute_code"]: one["value"] for one in row.get("custom_attributes", ())}


def _customer(number: int, stamp: str) -> Row:
    name = {"firstname": "Mario", "lastname": f"Rossi {number}"}
    address = {
        "id": number,
        "customer_id": number,
        "region": {"region_code": "MI", "region": "Milano", "region_id": 889},
        "region_id": 889,
        "country_id": "IT",
        "street": ["Via Roma 1"],
        "telephone": "123",
        "postcode": "20100",
        "city": "Milano",
    }
    return {
        "id": number,
        "group_id": 1,
        "default_billing": str(number),
        "default_shipping": str(number),
        "created_at": stamp,
        "updated_at": stamp,
        "created_in": "Default Store View",
        "email": f"customer{number}@example.com",
        **name,
        "store_id": 1,
        "website_id": 1,
        "addresses": [address | name | {"default_shipping": True, "default_billing": True}],
        "disable_auto_group_change": 0,
        "extension_attributes": {"is_subscribed": False},
    }
