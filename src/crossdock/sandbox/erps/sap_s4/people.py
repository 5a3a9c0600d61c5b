"""What S/4 does with a new business partner: numbers, and a customer where a role makes it one."""

from __future__ import annotations

from typing import Any

from crossdock.sandbox.erps.sap_s4.tables import Refused, Tables

Row = dict[str, Any]
CUSTOMER_ROLES = frozenset({"FLCU00", "FLCU01"})
FIRST = 1000000


def rule(tables: Tables) -> Any:
    """What is done to each new partner before it is kept."""

    def entered(partner: Row) -> None:
        kind = partner.get("BusinessPartnerCategory")
        if kind not in {"1", "2"}:
            raise Refused(400, "R11/001", "Enter a business partner category")
        if not partner.get("LastName" if kind == "1" else "OrganizationBPName1"):
            raise Refused(400, "R11/002", "Enter a name")
        number = str(FIRST + len(tables.rows["A_BusinessPartner"]))
        partner.setdefault("BusinessPartner", number)
        roles = _results(partner, "to_BusinessPartnerRole")
        if any(role.get("BusinessPartnerRole") in CUSTOMER_ROLES for role in roles):
            partner["Customer"] = partner["BusinessPartner"]
        for nav in ("to_BusinessPartnerRole", "to_BusinessPartnerTax", "to_BusinessPartnerAddress"):
            for row in _results(partner, nav):
                row["BusinessPartner"] = partner["BusinessPartner"]
        for address in _results(partner, "to_BusinessPartnerAddress"):
            addressed(tables, address)

    return entered


def addressed(tables: Tables, address: Row) -> None:
    """A new address, its number and those of what is below it."""
    if not address.get("Country"):
        raise Refused(400, "AM/226", "Enter a country")
    taken = [int(row["AddressID"]) for row in tables.rows["A_BusinessPartnerAddress"]]
    tables.next_address = max([*taken, tables.next_address]) + 1
    address["AddressID"] = str(tables.next_address)
    for nav in ("to_EmailAddress", "to_PhoneNumber"):
        for place, row in enumerate(_results(address, nav), start=1):
            row |= {"AddressID": address["AddressID"], "OrdinalNumber": str(place)}
            row.setdefault("Person", "")


def _results(row: Row, nav: str) -> list[Row]:
    found = row.get(nav) or []
    return list(found["results"]) if isinstance(found, dict) else list(found)
