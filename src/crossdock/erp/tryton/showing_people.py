"""A customer in the few words that both what would be told and a party can be told in. Pure.

What only Tryton has of a party (further addresses, contacts, categories) is its own, and is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from crossdock.contract.beside import in_our_order
from crossdock.contract.shadow import Shown
from crossdock.erp.tryton.people import (
    ADDRESS,
    FLAGS,
    WRITTEN,
    Held,
    Rules,
    email_in,
    left_out,
    name_of,
    phone_in,
    tax_in,
)
from crossdock.model.customer import CustomerChange

Row = Mapping[str, Any]
FEWEST = 6  # digits in which two forms of one phone number are alike


def shown_party(change: CustomerChange, held: Held, rules: Rules) -> Shown:
    """Field by field, in Tryton's words; countries and subdivisions by its ids."""
    pairs = {name: (ours, theirs) for name, ours, theirs in _texts(change, held, rules)}
    ours: dict[str, Any] = {name: pair[0] for name, pair in pairs.items()}
    theirs: dict[str, Any] = {name: pair[1] for name, pair in pairs.items()}
    ours |= {name: change.fields[name] for name in left_out(change, rules, held) if name in change.fields}
    if wanted := [_wanted(name, value, change, rules) for name, value in _addresses(change)]:
        there = in_our_order(wanted, [_held(row, held) for row in held.addresses if row["active"]])
        ours["addresses"] = wanted
        theirs["addresses"] = [_as_formed(mine, other) for mine, other in zip(wanted, there, strict=True)]
    return Shown(ours=ours, theirs=theirs, number=held.code)


def _texts(change: CustomerChange, held: Held, rules: Rules) -> Iterator[tuple[str, Any, Any]]:
    """A field with what would be told, and what is there."""
    if name := name_of(change, held):
        yield "name", name, held.name
    for field, target in rules.party.fields.items():
        if field in change.fields:
            yield target, change.fields[field], held.values[target]
    if (group := change.fields.get("group")) in rules.groups:
        theirs = [name for name, ident in rules.groups.items() if ident in held.categories]
        yield "group", group, group if group in theirs else next(iter(theirs), "")
    if "email" in change.fields:
        email = str(change.fields["email"] or "")
        row = email_in(held, email)
        yield "email", email, row["value"] if row else ""
    if "vat_id" in change.fields:
        vat = str(change.fields["vat_id"] or "")
        row = tax_in(held, vat)
        yield "vat_id", vat, "" if row is None else vat if vat in {row["code"], row["code_compact"]} else row["code"]


def _addresses(change: CustomerChange) -> Iterator[tuple[str, Row]]:
    for name, value in change.fields.items():
        if name.startswith(ADDRESS) and value:
            yield name.removeprefix(ADDRESS), value


def _wanted(name: str, value: Row, change: CustomerChange, rules: Rules) -> dict[str, Any]:
    row = rules.build(value)
    flags = {flag: change.fields[one] == name for one, flag in FLAGS.items() if one in change.fields}
    return {field: row[field] for field in WRITTEN} | {"phone": str(value.get("telephone") or "").strip()} | flags


def _held(row: Row, held: Held) -> dict[str, Any]:
    phone = phone_in(held, int(row["id"]))
    flags = {flag: bool(row[flag]) for flag in FLAGS.values()}
    return {field: row[field] for field in WRITTEN} | {"phone": phone["value"] if phone else ""} | flags


def _as_formed(ours: Row, theirs: Row) -> dict[str, Any]:
    """Tryton forms phone numbers: the same one in another form is the same."""
    told, there = (re.sub(r"\D", "", str(one.get("phone") or "")).lstrip("0") for one in (ours, theirs))
    alike = min(len(told), len(there)) >= FEWEST and (told.endswith(there) or there.endswith(told))
    return dict(theirs) | ({"phone": ours["phone"]} if alike else {})


__all__ = ["shown_party"]
