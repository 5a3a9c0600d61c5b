"""What a party's note is to keep once a change of the customer is there. Pure."""

from __future__ import annotations

import msgspec

from crossdock.erp.tryton.memory import Memory, Place
from crossdock.erp.tryton.people import (
    ADDRESS,
    NAMES,
    Held,
    Rules,
    claims,
    email_in,
    is_personal,
    phone_in,
    seal_of,
    tax_in,
)
from crossdock.model.customer import CustomerChange


def remembered(change: CustomerChange, held: Held, rules: Rules, was: Held) -> Memory:
    """What the party's note is to keep, once the change is there. `was`: the party before it, id 0 for none."""
    before = held.known
    before_it = frozenset(int(row["id"]) for row in was.addresses)
    unheard = bool(was.id) and was.known.seal != seal_of(was)
    told_now = {name: str(change.fields[name] or "") for name in (*NAMES, "email", "vat_id") if name in change.fields}
    kept, marks = dict(before.kept), dict(before.marks)
    if "name" not in kept or set(NAMES) & change.fields.keys():
        kept["name"] = held.name
    for name, row, field in (
        ("email", email_in(held, told_now.get("email", "")), "value"),
        ("vat_id", tax_in(held, told_now.get("vat_id", "")), "code"),
    ):
        if name in told_now and row is not None:
            kept[name], marks[name] = str(row[field]), int(row["id"])
    return msgspec.structs.replace(
        before,
        told=before.told | told_now,
        kept=kept,
        marks=marks,
        places=before.places | _places(change, held, rules, before_it),
        personal=is_personal(change, held),
        guest=change.guest,
        seal="" if unheard else seal_of(held),
    )


def is_remembered(change: CustomerChange, held: Held, rules: Rules) -> bool:
    """Whether the note has it all already."""
    if held.memory is None:
        return False
    return msgspec.structs.replace(remembered(change, held, rules, held), seal=held.memory.seal) == held.memory


def _places(change: CustomerChange, held: Held, rules: Rules, before_it: frozenset[int]) -> dict[str, Place]:
    found = {
        name: ident for name, ident in claims(change, held, rules.build).items() if f"{ADDRESS}{name}" in change.fields
    }
    known = {*found.values(), *(int(one) for one in held.known.places)}
    # one that Tryton keeps otherwise than it was told: those that are new, in the order in which they were made
    fresh = iter(sorted(int(row["id"]) for row in held.addresses if row["id"] not in known | before_it))
    places: dict[str, Place] = {}
    for name, claimed in found.items():
        if ident := claimed or (next(fresh, 0)):
            phone, value = phone_in(held, ident), change.fields[f"{ADDRESS}{name}"]
            told = dict(value) if value else {}
            places[str(ident)] = Place(name=name, told=told, phone=str(phone["value"]) if phone else "")
    return places
