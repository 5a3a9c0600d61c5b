"""An order as a sales order of NetSuite's. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from crossdock.erp.netsuite.mapping.amounts import Line
from crossdock.erp.netsuite.settings import NetsuiteSettings
from crossdock.errors import MappingError
from crossdock.flows.parts import Amounts, Role, cents, plain_rate
from crossdock.model.address import Address
from crossdock.model.base import Record
from crossdock.model.order import Order

MARK = "crossdock: "
LONGEST_MEMO = 999
PERSONAL = ("email", "entity", "billingAddress", "shippingAddress")
EXTERNAL = re.compile(r"[A-Za-z0-9_-]+")  # what an external id may be made of: help page section_156334828635
Values = dict[str, Any]


class Ids(Record, frozen=True, kw_only=True):
    """NetSuite's internal ids for what an order names. `items` and `taxes` by the line's number; "" for none."""

    entity: str
    currency: str
    terms: str = ""
    ship_method: str = ""
    subsidiary: str = ""
    location: str = ""
    items: tuple[str, ...]
    taxes: tuple[str, ...]
    tax_types: tuple[str, ...] = ()
    countries: Mapping[str, str] = {}


class SalesOrder(Record, frozen=True, kw_only=True):
    """A sales order as it was read. `people`: every text in it about a person."""

    id: str
    number: str
    key: str
    status: str
    sums: Amounts
    currency: str
    lines: tuple[dict[str, Any], ...]
    people: tuple[str, ...] = ()


def external_id(number: str, settings: NetsuiteSettings) -> str:
    """Raises MappingError where the number has a character that no external id may have."""
    if not EXTERNAL.fullmatch(number):
        raise MappingError("number", "has other characters than letters, digits, - and _: no external id can hold it")
    return f"{settings.external_id_prefix}{number}"


def number_of(external: str, settings: NetsuiteSettings) -> str:
    """The order's number in an external id, "" where it has another prefix."""
    prefix = settings.external_id_prefix
    return external.removeprefix(prefix) if external.startswith(prefix) else ""


def build_order(order: Order, key: str, lines: Sequence[Line], ids: Ids, settings: NetsuiteSettings) -> Values:
    """The sales order, whole. Empty references are left out."""
    created = order.created_at.astimezone(ZoneInfo(settings.time_zone))
    head: Values = {
        "entity": {"id": ids.entity},
        "currency": {"id": ids.currency},
        "tranDate": f"{created:%Y-%m-%d}",
        "otherRefNum": order.payment.purchase_order_number or order.number,
    }
    chosen = {"terms": ids.terms, "shipMethod": ids.ship_method, "subsidiary": ids.subsidiary, "location": ids.location}
    named = dict(settings.fixed()) | {name: ident for name, ident in chosen.items() if ident}
    head |= {name: {"id": ident} for name, ident in named.items()}
    if ids.ship_method:
        head["shippingCost"] = 0  # shipping is a line: NetSuite must not add its own
    if settings.order_status:
        head["orderStatus"] = {"id": settings.order_status}
    if order.buyer.email:
        head["email"] = order.buyer.email
    head["billingAddress"] = build_address(order.billing, ids.countries)
    if order.shipping is not None:
        head["shippingAddress"] = build_address(order.shipping, ids.countries)
    whole = custom_values(order, settings.custom.body) | head | key_value(key, settings)
    whole["item"] = {"items": [_line(order, line, place, ids, settings) for place, line in enumerate(lines)]}
    return whole | (_tax_details(lines, ids) if settings.taxes.mode == "details" else {})


def key_value(key: str, settings: NetsuiteSettings) -> Values:
    """Our key, in the field that keeps it."""
    field = settings.custom.key
    return {field: f"{MARK}{key}"[:LONGEST_MEMO] if field == "memo" else key}


def key_in(values: Mapping[str, Any], settings: NetsuiteSettings) -> str:
    """The key that a sales order was made under, "" where it was not made by us. People may write around it."""
    text = str(values.get(settings.custom.key) or "")
    if settings.custom.key != "memo":
        return text.strip()
    found = re.search(rf"{re.escape(MARK)}(\S+)", text)
    return found[1] if found else ""


def build_address(address: Address, countries: Mapping[str, str]) -> Values:
    """A sales order's own address, not one of the customer's list."""
    street = (*address.street, "", "", "")
    told = {
        "addressee": address.company or address.name,
        "attention": address.name if address.company else "",
        "addr1": street[0],
        "addr2": street[1],
        "addr3": " ".join(part for part in street[2:] if part),
        "city": address.city,
        "state": address.region_code or address.region,
        "zip": address.postcode,
        "addrPhone": address.telephone,
    }
    country = countries.get(address.country, address.country)
    return {name: text for name, text in told.items() if text} | ({"country": {"id": country}} if country else {})


def custom_values(record: Any, fields: Mapping[str, str]) -> Values:
    """Custom fields by the paths of what they hold. A path that leads to nothing is left out."""
    told = msgspec.to_builtins(record, builtin_types=(Decimal,))
    found = {field: _at(told, path) for path, field in fields.items()}
    return {field: value for field, value in found.items() if value not in (None, "", [], {})}


def parse_order(values: Mapping[str, Any], settings: NetsuiteSettings) -> SalesOrder:
    """Raises MappingError where it lacks what we must know."""
    try:
        total, tax = money(values["total"]), money(values.get("taxTotal") or 0)
        items = values.get("item") or {}
        return SalesOrder(
            id=str(values["id"]),
            number=str(values.get("tranId") or values["id"]),
            key=key_in(values, settings),
            status=_id(values.get("status")) or _id(values.get("orderStatus")),
            sums=Amounts(untaxed=total - tax, tax=tax, total=total),
            currency=_id(values.get("currency")),
            lines=tuple(items.get("items") or ()),
            people=tuple(_texts(values, PERSONAL)),
        )
    except (KeyError, AttributeError, ArithmeticError, TypeError) as error:
        raise MappingError("salesOrder", f"was read without what must be known ({type(error).__name__})") from error


def links_of(sales: SalesOrder, lines: Sequence[Line], settings: NetsuiteSettings) -> dict[str, str]:
    """Our line id -> NetSuite's `line`: by the custom field that keeps it, else by place, where nothing was added."""
    field = settings.custom.line_id
    if field:
        return {
            str(one[field]): str(one["line"]) for one in sales.lines if one.get(field) and one.get("line") is not None
        }
    if len(sales.lines) != len(lines):
        return {}
    pairs = zip(lines, sales.lines, strict=True)
    return {ours.line_id: str(their["line"]) for ours, their in pairs if ours.line_id and their.get("line") is not None}


def money(value: Any) -> Decimal:
    """NetSuite's numbers are doubles: cents are what is meant."""
    return cents(Decimal(str(value)))


def tax_keys(line: Line) -> tuple[str, ...]:
    """What a tax may be looked up by, in turn: the store's own codes, then its rate in percent."""
    return (*(("+".join(line.codes),) if line.codes else ()), plain_rate(line.rate))


def _line(order: Order, line: Line, place: int, ids: Ids, settings: NetsuiteSettings) -> Values:
    source = order.lines[line.place] if line.place >= 0 else None
    told: Values = custom_values(source, settings.custom.line) if source is not None else {}
    told |= {
        "item": {"id": ids.items[place]},
        "quantity": line.quantity,
        "rate": line.unit_rate,
        "amount": line.amount,
        "description": _text(order, line),
    }
    if settings.price_level:
        told["price"] = {"id": settings.price_level}
    if settings.custom.line_id and line.line_id and line.role in {Role.GOODS, Role.ROUNDING}:
        told[settings.custom.line_id] = line.line_id
    if settings.taxes.mode in {"amounts", "codes"} and ids.taxes[place]:
        told["taxCode"] = {"id": ids.taxes[place]}
    if settings.taxes.mode == "amounts" and ids.taxes[place]:
        told["tax1Amt"] = line.tax
    if settings.taxes.mode == "details" and line.tax:
        told["taxDetailsReference"] = _reference(place)
    return told


def _text(order: Order, line: Line) -> str:
    source = order.lines[line.place] if line.place >= 0 else None
    chosen = [f"{option.label}: {option.value}" for option in source.options] if source else []
    standing_in = [f"SKU {line.sku}"] if line.sku and line.sku not in line.text else []
    return "\n".join([line.text, *standing_in, *chosen])


def _tax_details(lines: Sequence[Line], ids: Ids) -> Values:
    rows = []
    for place, line in enumerate(lines):
        if not line.tax:
            continue
        row: Values = {
            "taxDetailsReference": {"id": _reference(place)},
            "taxCode": {"id": ids.taxes[place]},
            "taxBasis": line.amount,
            "taxRate": line.rate,
            "taxAmount": line.tax,
        }
        if ids.tax_types and ids.tax_types[place]:
            row["taxType"] = ids.tax_types[place]
        rows.append(row)
    return {"taxDetailsOverride": True, "taxDetails": {"items": rows}}


def _reference(place: int) -> str:
    return f"line{place + 1}"


def _at(told: Any, path: str) -> Any:
    for name in path.split("."):
        told = told.get(name) if isinstance(told, dict) else None
    return told if isinstance(told, str | bool | int | Decimal) else None


def _texts(values: Mapping[str, Any], names: Iterable[str]) -> Iterator[str]:
    for name in names:
        value = values.get(name)
        if isinstance(value, Mapping):
            yield from _texts(value, [one for one in value if one not in {"country", "id", "links"}])
        elif isinstance(value, str) and value:
            yield value


def _id(value: Any) -> str:
    return str(value.get("id") or "") if isinstance(value, dict) else ""
