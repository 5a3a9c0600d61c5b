"""A customer's changes as fields of a customer there, which has one address. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from crossdock.model.customer import CustomerChange

Values = dict[str, Any]
ADDRESS = "main"
PLAIN: Mapping[str, str] = {
    "email": "PrimaryContactEmail",
    "first_name": "PersonFirstName",
    "last_name": "PersonLastName",
    "vat_id": "TaxExemptNumber",
}
PERSONAL = frozenset({"first_name", "last_name"})


def build_changes(
    change: CustomerChange, before: Mapping[str, Any] | None, country: Callable[[str], str | None]
) -> Values:
    """What is to be written, as far as it is not there already. `before` None: of a new customer, everything.

    There is one address: the default billing one, or what is called `main`. A company's name is an organization's; its
    buyer's name has no place there.
    """
    address = _address(change, new=before is None)
    company = str((address or {}).get("company") or "")
    organized = bool(company) if before is None else before.get("PartyType") == "Organization"
    told = {
        theirs: change.fields[ours] or ""
        for ours, theirs in PLAIN.items()
        if ours in change.fields and not (organized and ours in PERSONAL)
    }
    told |= {"OrganizationName": company} if organized and company else {}
    told |= _place(address, country) if address is not None else {}
    if before is None:
        return {field: value for field, value in told.items() if value}
    return {field: value for field, value in told.items() if value != (before.get(field) or "")}


def _address(change: CustomerChange, *, new: bool) -> Mapping[str, Any] | None:
    named = f"addresses.{change.fields.get('default_billing') or ADDRESS}"
    if named not in change.fields and new:
        named = next((name for name in sorted(change.fields) if name.startswith("addresses.")), named)
    return (change.fields[named] or {}) if named in change.fields else None


def _place(address: Mapping[str, Any], country: Callable[[str], str | None]) -> Values:
    code = str(address.get("country") or "")
    named = country(code) or ""
    told = {
        "AddressStreet": "\n".join(address.get("street") or ()),
        "AddressCity": address.get("city") or "",
        "AddressZipCode": address.get("postcode") or "",
        "PrimaryContactPhone": address.get("telephone") or "",
    }
    return told | ({"AddressCountryRegionId": named} if named else {"AddressCountryRegionISOCode": code})
