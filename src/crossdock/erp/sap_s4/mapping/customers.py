"""A customer as a business partner of API_BUSINESS_PARTNER, and back. Pure.

References are told in capitals, as SAP keeps them. E-mail address and telephone are kept with an address; who
lives there stands in its c/o line. A text that is longer than its field is refused: half a name or street would come
back as an edit.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from crossdock.erp.sap_s4.mapping import odata
from crossdock.erp.sap_s4.mapping.odata import Row
from crossdock.erp.sap_s4.settings import NewPartner, PeopleSettings, SoldTo
from crossdock.errors import MappingError
from crossdock.model.base import Record
from crossdock.model.customer import CustomerChange

Body = dict[str, Any]
EXTERNAL = 20  # BusinessPartnerIDByExtSystem, AddressIDByExternalSystem
NAMES: Mapping[str, str] = {"first_name": "FirstName", "last_name": "LastName", "middle_name": "MiddleName"}
LENGTHS: Mapping[str, int] = {
    "FirstName": 40,
    "LastName": 40,
    "MiddleName": 40,
    "StreetName": 60,
    "StreetPrefixName": 40,
    "StreetSuffixName": 40,
    "CityName": 40,
    "PostalCode": 10,
    "Country": 3,
    "EmailAddress": 241,
    "PhoneNumber": 30,
    "BPTaxNumber": 20,
}
CARE_OF = 40
LINES = ("StreetName", "StreetPrefixName", "StreetSuffixName")
PERSON = "1"  # BusinessPartnerCategory


class Step(Record, frozen=True, kw_only=True):
    """One change of what is there: a PATCH of a row, a POST of a new one, or a DELETE."""

    method: str
    entity_set: str
    keys: dict[str, str] = msgspec.field(default_factory=dict)
    body: dict[str, Any] | None = None
    etag: str = ""


def external_id(customer_id: str, website: str, email: str, sold_to: SoldTo) -> str:
    """Under which a customer of the shop is known in SAP; a guest by a hash of the address. Raises MappingError."""
    room = EXTERNAL - len(sold_to.prefix)
    reference = f"{sold_to.prefix}{customer_id or _guest(website, email, room)}".upper()
    if not (customer_id or email) or len(reference) > EXTERNAL:
        raise MappingError("id", f"with sold_to.prefix it has to have 1 to {EXTERNAL} characters")
    return reference


def _guest(website: str, email: str, room: int) -> str:
    """`G` and at least 45 bits, in letters and digits."""
    digest = hashlib.sha256(f"{website} {email.strip()}".lower().encode()).digest()
    return f"G{base64.b32encode(digest).decode('ascii')[: room - 1]}"


def build_partner(change: CustomerChange, settings: NewPartner, sold_to: SoldTo) -> Body:
    """The body of a new partner, whole. Raises MappingError."""
    if not change.fields.get("last_name"):
        raise MappingError("last_name", "is needed for a new business partner")
    body: Body = {
        "BusinessPartnerCategory": PERSON,
        "CorrespondenceLanguage": settings.language,
        "BusinessPartnerIDByExtSystem": external_id(change.id, change.website, change.email, sold_to),
        **_names(change.fields),
    }
    if settings.grouping:
        body["BusinessPartnerGrouping"] = settings.grouping
    body["to_BusinessPartnerRole"] = [{"BusinessPartnerRole": role} for role in settings.roles]
    email = str(change.fields.get("email") or change.email)
    addresses = [_new_address(name, told, email, settings) for name, told in _addresses(change.fields) if told]
    if addresses:
        body["to_BusinessPartnerAddress"] = addresses
    if tax := _tax(change.fields.get("vat_id"), settings.tax_type):
        body["to_BusinessPartnerTax"] = [tax]
    return body


def steps(partner: Row, change: CustomerChange, settings: NewPartner) -> tuple[Step, ...]:
    """What is to be changed of a partner so that it is as told; () where it is so already. Raises MappingError."""
    return (
        *_head(partner, change),
        *_tax_step(partner, change, settings),
        *(step for name, told in _addresses(change.fields) for step in _address_steps(partner, name, told, settings)),
        *_email_steps(partner, change),
    )


def untold(change: CustomerChange) -> tuple[str, ...]:
    """Fields that SAP has no place for here."""
    known = {*NAMES, "email", "vat_id", "default_billing", "default_shipping"}
    return tuple(sorted(name for name in change.fields if name not in known and not name.startswith("addresses.")))


def _head(partner: Row, change: CustomerChange) -> Iterator[Step]:
    body = {name: value for name, value in _names(change.fields).items() if odata.word(partner, name) != value}
    if body:
        keys = {"BusinessPartner": odata.word(partner, "BusinessPartner")}
        yield Step(method="PATCH", entity_set="A_BusinessPartner", keys=keys, body=body, etag=odata.etag(partner))


def _tax_step(partner: Row, change: CustomerChange, settings: NewPartner) -> Iterator[Step]:
    tax = _tax(change.fields.get("vat_id"), settings.tax_type)
    if tax is None:
        return
    number = odata.word(partner, "BusinessPartner")
    there = [one for one in odata.inner(partner, "to_BusinessPartnerTax") if one.get("BPTaxType") == tax["BPTaxType"]]
    if not there:
        yield Step(method="POST", entity_set="A_BusinessPartnerTaxNumber", body={"BusinessPartner": number, **tax})
    elif odata.word(there[0], "BPTaxNumber") != tax["BPTaxNumber"]:
        yield Step(
            method="PATCH",
            entity_set="A_BusinessPartnerTaxNumber",
            keys={"BusinessPartner": number, "BPTaxType": tax["BPTaxType"]},
            body={"BPTaxNumber": tax["BPTaxNumber"]},
            etag=odata.etag(there[0]),
        )


def _address_steps(partner: Row, name: str, told: Mapping[str, Any] | None, settings: NewPartner) -> Iterator[Step]:
    there = _called(partner, name)
    number = odata.word(partner, "BusinessPartner")
    if there is None:
        if told is not None:
            body = {"BusinessPartner": number, **_new_address(name, told, "", settings)}
            yield Step(method="POST", entity_set="A_BusinessPartnerAddress", body=body)
        return
    keys = {"BusinessPartner": number, "AddressID": odata.word(there, "AddressID")}
    if told is None:
        yield Step(method="DELETE", entity_set="A_BusinessPartnerAddress", keys=keys, etag=odata.etag(there))
        return
    body = {field: value for field, value in _address(told).items() if odata.word(there, field) != value}
    if body:
        yield Step(method="PATCH", entity_set="A_BusinessPartnerAddress", keys=keys, body=body, etag=odata.etag(there))
    phone = _fit("PhoneNumber", str(told.get("telephone") or ""))
    yield from _contact_steps(there, "to_PhoneNumber", "A_AddressPhoneNumber", "PhoneNumber", phone)


def _email_steps(partner: Row, change: CustomerChange) -> Iterator[Step]:
    email = _fit("EmailAddress", str(change.fields.get("email") or ""))
    for there in odata.inner(partner, "to_BusinessPartnerAddress"):
        yield from _contact_steps(there, "to_EmailAddress", "A_AddressEmailAddress", "EmailAddress", email)


def _contact_steps(address: Row, nav: str, entity_set: str, field: str, value: str) -> Iterator[Step]:
    """A telephone or an e-mail address of an address; an empty one says nothing."""
    there = odata.inner(address, nav)
    if not value or any(odata.word(one, field).lower() == value.lower() for one in there):
        return
    if not there:
        body = {"AddressID": odata.word(address, "AddressID"), field: value}
        yield Step(method="POST", entity_set=entity_set, body=body)
        return
    keys = {name: odata.word(there[0], name) for name in ("AddressID", "Person", "OrdinalNumber")}
    yield Step(method="PATCH", entity_set=entity_set, keys=keys, body={field: value}, etag=odata.etag(there[0]))


def _called(partner: Row, name: str) -> Row | None:
    """The address with this name: the shop's, or SAP's own number."""
    found = odata.inner(partner, "to_BusinessPartnerAddress")
    ours = [one for one in found if odata.word(one, "AddressIDByExternalSystem").upper() == name.upper()]
    return next(iter(ours or [one for one in found if odata.word(one, "AddressID") == name]), None)


def _addresses(fields: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any] | None]]:
    return [(name.removeprefix("addresses."), value) for name, value in fields.items() if name.startswith("addresses.")]


def _new_address(name: str, told: Mapping[str, Any], email: str, settings: NewPartner) -> Body:
    if len(name) > EXTERNAL:
        raise MappingError("addresses", f"a name has more than {EXTERNAL} characters")
    body: Body = {"AddressIDByExternalSystem": name.upper(), "Language": settings.language, **_address(told)}
    if email:
        body["to_EmailAddress"] = [{"EmailAddress": _fit("EmailAddress", email), "IsDefaultEmailAddress": True}]
    if phone := str(told.get("telephone") or ""):
        body["to_PhoneNumber"] = [{"PhoneNumber": _fit("PhoneNumber", phone), "IsDefaultPhoneNumber": True}]
    return body


def _address(told: Mapping[str, Any]) -> Body:
    street = [str(line) for line in told.get("street") or ()]
    if len(street) > len(LINES):
        street = [*street[: len(LINES) - 1], ", ".join(street[len(LINES) - 1 :])]
    lines = dict(zip(LINES, [*street, "", "", ""], strict=False))
    who = " ".join(str(told.get(part) or "") for part in ("first_name", "last_name")).strip()
    care_of = ", ".join(part for part in (str(told.get("company") or ""), who) if part)
    fields = {
        **lines,
        "CityName": str(told.get("city") or ""),
        "PostalCode": str(told.get("postcode") or ""),
        "Country": str(told.get("country") or ""),
    }
    return {field: _fit(field, value) for field, value in fields.items()} | {"CareOfName": care_of[:CARE_OF]}


def _names(fields: Mapping[str, Any]) -> Body:
    return {theirs: _fit(theirs, str(fields[ours] or "")) for ours, theirs in NAMES.items() if ours in fields}


def _tax(vat: Any, tax_type: str) -> Body | None:
    """VAT numbers are kept by the country that they begin with."""
    number = str(vat or "").replace(" ", "").upper()
    if not tax_type or not number[:2].isalpha() or not number.isascii():
        return None
    return {"BPTaxType": f"{number[:2]}{tax_type}", "BPTaxNumber": _fit("BPTaxNumber", number)}


def _fit(field: str, value: str) -> str:
    if len(value) > LENGTHS[field]:
        raise MappingError(field, f"is longer than {LENGTHS[field]} characters")
    return value


# reading --------------------------------------------------------------------------------------------------------------


def customers(rows: Sequence[Row], settings: PeopleSettings) -> list[dict[str, Any]]:
    """A row for each partner that is a customer. None says when: SAP's times of change have no time zone here."""
    return [_customer(row, settings) for row in rows if odata.word(row, "Customer") and not _is_gone(row)]


def _name_of(external: str) -> str:
    """The name that an address was told under: the shop's are `m12`, `billing`, `shipping`, which SAP keeps as M12."""
    ours = external in {"BILLING", "SHIPPING"} or (external[:1] == "M" and external[1:].isdigit())
    return external.lower() if ours else external


def _is_gone(row: Row) -> bool:
    return bool(row.get("BusinessPartnerIsBlocked") or row.get("IsMarkedForArchiving"))


def _customer(row: Row, settings: PeopleSettings) -> dict[str, Any]:
    addresses = odata.inner(row, "to_BusinessPartnerAddress")
    emails = [odata.word(one, "EmailAddress") for at in addresses for one in odata.inner(at, "to_EmailAddress")]
    told: dict[str, Any] = {"number": odata.word(row, "Customer")}
    told |= {ours: text for ours, theirs in NAMES.items() if (text := odata.word(row, theirs))}
    if emails and emails[0]:
        told["email"] = emails[0]
    taxes = [one for one in odata.inner(row, "to_BusinessPartnerTax") if _is_vat(one, settings)]
    if taxes:
        told["vat_id"] = odata.word(taxes[0], "BPTaxNumber")
    told["addresses"] = [found for at in addresses if (found := _told_address(at, row))]
    return told


def _is_vat(tax: Row, settings: PeopleSettings) -> bool:
    return bool(settings.tax_type) and odata.word(tax, "BPTaxType")[2:] == settings.tax_type


def _told_address(at: Row, partner: Row) -> dict[str, Any] | None:
    """None where a part is missing that the shop needs."""
    first = f"{odata.word(at, 'StreetName')} {odata.word(at, 'HouseNumber')}".strip()
    street = [line for line in (first, *(odata.word(at, name) for name in LINES[1:])) if line]
    phones = [odata.word(one, "PhoneNumber") for one in odata.inner(at, "to_PhoneNumber")]
    told = {
        "number": _name_of(odata.word(at, "AddressIDByExternalSystem")) or odata.word(at, "AddressID"),
        "first_name": odata.word(partner, "FirstName"),
        "last_name": odata.word(partner, "LastName"),
        "city": odata.word(at, "CityName"),
        "country": odata.word(at, "Country"),
    }
    if not street or not all(told.values()):
        return None
    more = {"postcode": odata.word(at, "PostalCode"), "telephone": phones[0] if phones else ""}
    return told | {"street": street} | {name: value for name, value in more.items() if value}
