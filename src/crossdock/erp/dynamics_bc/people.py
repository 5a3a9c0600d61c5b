"""A customer's changes as fields of a customer of Business Central's, which has one name and one address. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from crossdock.erp.dynamics_bc.catalog import ADDRESS, names_in
from crossdock.erp.dynamics_bc.mapping import code
from crossdock.erp.dynamics_bc.settings import BcSettings
from crossdock.model.customer import CustomerChange

Values = dict[str, Any]
PLAIN: Mapping[str, str] = {"email": "email", "vat_id": "taxRegistrationNumber"}


def number_of(change: CustomerChange, settings: BcSettings) -> str:
    """Theirs where it is known, else ours: the shop's id, or a hash of a guest's e-mail address."""
    prefix = settings.customer.number_prefix
    if change.number:
        return change.number
    if change.id:
        return code(f"{prefix}{change.id}")
    return code(f"{prefix}G{hashlib.sha256(change.email.strip().lower().encode()).hexdigest()[:12]}")


def build_changes(change: CustomerChange, before: Mapping[str, Any] | None, country: Callable[[str], str]) -> Values:
    """What is to be written, as far as it is not there already. `before` None: of a new customer, everything.

    Fields that Business Central has no place for (further addresses, attributes, the group) are left out.
    """
    address = _address(change, new=before is None)
    told = {theirs: change.fields[ours] or "" for ours, theirs in PLAIN.items() if ours in change.fields}
    told |= _place(address, country) if address is not None else {}
    name, kind = _name(change, before, address)
    told |= {"displayName": name, "type": kind} if name else {}
    if before is None:
        return {field: value for field, value in told.items() if value}
    return {field: value for field, value in told.items() if value != (before.get(field) or "")}


def _name(
    change: CustomerChange, before: Mapping[str, Any] | None, address: Mapping[str, Any] | None
) -> tuple[str, str]:
    """The company of its address where there is one, else the person; "" where nothing is said of it."""
    company = str((address or {}).get("company") or "")
    if company:
        return company, "Company"
    if before is not None and before.get("type") == "Company":
        return "", ""  # the company's name is not the buyer's
    if not {"first_name", "last_name"} & change.fields.keys():
        return "", ""
    first, last = names_in(dict(before)) if before else ("", "")
    first, last = str(change.fields.get("first_name", first) or ""), str(change.fields.get("last_name", last) or "")
    return f"{first} {last}".strip(), "Person"


def _address(change: CustomerChange, *, new: bool) -> Mapping[str, Any] | None:
    """The one that Business Central keeps: its own, or the default billing address."""
    named = f"addresses.{change.fields.get('default_billing') or ADDRESS}"
    if named not in change.fields and new:
        named = next((name for name in sorted(change.fields) if name.startswith("addresses.")), named)
    if named not in change.fields:
        return None
    return change.fields[named] or {}


def _place(address: Mapping[str, Any], country: Callable[[str], str]) -> Values:
    street = list(address.get("street") or ())
    code = str(address.get("country") or "")
    return {
        "addressLine1": street[0] if street else "",
        "addressLine2": ", ".join(street[1:]),
        "city": address.get("city") or "",
        "state": address.get("region") or "",
        "country": country(code) if code else "",
        "postalCode": address.get("postcode") or "",
        "phoneNumber": address.get("telephone") or "",
    }
