"""A sales order as it would be made and as it is there, both in the words of the body that is sent. Pure.

What is compared is what SAP tells: a price by what its condition came to and for one piece, not by how it was written
("10.00 per 3"); texts by their words; days as days. An item's number is SAP's; the id of our line is compared only
where it is one of ours. What SAP counts of items that were rejected since is not known: then its sums are not compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from crossdock.erp.sap_s4.mapping import odata
from crossdock.erp.sap_s4.mapping.odata import Row
from crossdock.erp.sap_s4.mapping.orders import elements_of
from crossdock.erp.sap_s4.mapping.pricing import Priced, expected
from crossdock.erp.sap_s4.settings import Conditions, SapS4Settings
from crossdock.flows.parts import cents
from crossdock.model.money import ZERO
from crossdock.model.order import Order

Told = dict[str, Any]
WHOLE = "to_Item,to_Item/to_PricingElement,to_Partner,to_Text"  # what is expanded to be shown
ITEMS, ELEMENTS, PARTNERS, TEXTS = "to_Item", "to_PricingElement", "to_Partner", "to_Text"
AMOUNT, RATE, CURRENCY = "ConditionAmount", "ConditionRateValue", "ConditionCurrency"
TOP = frozenset({"", "0", "000000"})  # HigherLevelItem of what SAP has not added below another item by itself
NUMBERED = frozenset({"SoldToParty", "Material"})
RATE_PLACES = Decimal("0.000001")


def told_of(order: Order, items: Sequence[Priced], body: Mapping[str, Any], settings: SapS4Settings) -> Told:
    """The body of the POST, with the sums that SAP has to come to; `items` in the body's sequence."""
    sums = expected(order, settings)
    told = {name: _field(name, value) for name, value in body.items() if not name.startswith("to_")}
    told["TotalNetAmount"] = sums.net
    if settings.conditions and settings.conditions.tax:
        told[ELEMENTS] = {settings.conditions.tax: {AMOUNT: sums.tax}}
    told[ITEMS] = [_item(one, item, settings) for one, item in zip(body[ITEMS], items, strict=True)]
    if partners := _partners(body.get(PARTNERS, ())):
        told[PARTNERS] = partners
    if texts := _texts(body.get(TEXTS, ()), settings.texts.language):
        told[TEXTS] = texts
    return told


def shown_of(row: Row, wanted: Told, settings: SapS4Settings) -> Told:
    """The same of a row that was read with WHOLE; what SAP does not tell is not in it."""
    told = {name: _field(name, row[name]) for name in wanted if name in row and not name.startswith(("to_", "Total"))}
    told |= _known(TotalNetAmount=odata.number(row.get("TotalNetAmount")))
    items = [one for one in odata.inner(row, ITEMS) if odata.word(one, "HigherLevelItem") in TOP]
    for kind in wanted.get(ELEMENTS, ()):
        told[ELEMENTS] = {
            kind: _known(**{AMOUNT: _came_to(element for one in items for element in elements_of(one, kind))})
        }
    if any(odata.word(one, "SalesDocumentRjcnReason") for one in items):
        told = {name: value for name, value in told.items() if name not in {"TotalNetAmount", ELEMENTS}}
    told[ITEMS] = [_there(one, wanted[ITEMS], settings) for one in items]
    if PARTNERS in wanted and _is_expanded(row, PARTNERS):
        told[PARTNERS] = dict.fromkeys(wanted[PARTNERS], "") | _partners(odata.inner(row, PARTNERS))
    if TEXTS in wanted and _is_expanded(row, TEXTS):
        told[TEXTS] = dict.fromkeys(wanted[TEXTS], "") | _texts(odata.inner(row, TEXTS), settings.texts.language)
    return told


def _item(body: Mapping[str, Any], item: Priced, settings: SapS4Settings) -> Told:
    """Of ours: first what tells it from others."""
    first = {name: body[name] for name in (settings.line_id_field, "Material") if name in body}
    told = first | {name: _field(name, value) for name, value in body.items() if name != ELEMENTS}
    told |= {"RequestedQuantity": item.quantity, "NetAmount": item.net}
    amounts = dict(_amounts(item, settings))
    told[ELEMENTS] = {kind: {AMOUNT: amount} for kind, amount in amounts.items()}
    for element in body[ELEMENTS]:
        kind = element["ConditionType"]
        told[ELEMENTS][kind] = told[ELEMENTS].get(kind, {}) | _rate(element)
    return told


def _there(row: Row, wanted: Sequence[Told], settings: SapS4Settings) -> Told:
    """Of theirs, in as many words as ours have."""
    field, own = settings.line_id_field, {ELEMENTS, "SalesOrderItem", "RequestedQuantity", "NetAmount"}
    names = {name for one in wanted for name in one if name in row} - own
    if field and odata.word(row, field) not in {one.get(field) for one in wanted}:
        names.discard(field)
    told = {name: _field(name, row[name]) for name in names}
    quantity, net = (odata.number(row.get(name)) for name in ("RequestedQuantity", "NetAmount"))
    told |= _known(RequestedQuantity=quantity, NetAmount=net)
    if _is_expanded(row, ELEMENTS):
        kinds = {kind for one in wanted for kind in one[ELEMENTS]}
        told[ELEMENTS] = {kind: _condition(elements_of(row, kind)) for kind in kinds}
    return told


def _condition(elements: Sequence[Row]) -> Told:
    """What a condition came to, of nothing where there is none; its rate where there is one of it alone."""
    told = _known(**{AMOUNT: _came_to(elements)})
    return told | (_rate(elements[0]) if len(elements) == 1 else {})


def _rate(element: Row) -> Told:
    """For one piece."""
    rate, per = odata.number(element.get(RATE)), odata.number(element.get("ConditionQuantity"))
    told = _known(**{RATE: None if rate is None else (rate / (per or 1)).quantize(RATE_PLACES)})
    return told | ({CURRENCY: element[CURRENCY]} if element.get(CURRENCY) else {})


def _came_to(elements: Iterable[Row]) -> Decimal | None:
    """None where SAP does not tell it."""
    amounts = [odata.number(one.get(AMOUNT)) for one in elements]
    known = [amount for amount in amounts if amount is not None]
    return sum(known, ZERO) if len(known) == len(amounts) else None


def _amounts(item: Priced, settings: SapS4Settings) -> Iterator[tuple[str, Decimal]]:
    """What each condition comes to. A tax that SAP rounds once for the whole order is not known of an item."""
    conditions = settings.conditions or Conditions(price="-")
    yield conditions.price, item.gross
    named = ((conditions.discount, -item.discount), (conditions.freight, item.freight), (conditions.fpt, item.fpt))
    yield from ((kind, amount) for kind, amount in named if amount)
    taxes = settings.taxes
    if taxes.told == "amount":
        yield conditions.tax, item.tax
    elif conditions.tax and taxes.told != "nothing" and taxes.rounding == "item":
        yield conditions.tax, cents(item.exact_tax)


def _partners(rows: Iterable[Row]) -> Told:
    return {str(one.get("PartnerFunction")): _bare(one.get("Customer")) for one in rows}


def _texts(rows: Iterable[Row], language: str) -> Told:
    """SAP breaks lines as it likes."""
    spoken = (one for one in rows if one.get("Language") == language)
    return {str(one.get("LongTextID")): " ".join(odata.word(one, "LongText").split()) for one in spoken}


def _field(name: str, value: Any) -> Any:
    """Of the head or of an item."""
    return _bare(value) if name in NUMBERED else _value(value)


def _bare(value: Any) -> Any:
    """A number of SAP's without the zeros that it keeps before one that has digits only."""
    told = _value(value)
    return told.lstrip("0") if isinstance(told, str) and told.isdecimal() else told


def _value(value: Any) -> Any:
    """A day as people write it; a text without blanks around it."""
    moment = odata.when(value)
    if moment is not None:
        return moment.date().isoformat()
    return value.strip() if isinstance(value, str) else value


def _known(**values: Decimal | None) -> Told:
    return {name: value for name, value in values.items() if value is not None}


def _is_expanded(row: Row, name: str) -> bool:
    """What was not expanded is a link alone (`__deferred`)."""
    found = row.get(name)
    return isinstance(found, list) or (isinstance(found, Mapping) and "results" in found)


__all__ = ["WHOLE", "shown_of", "told_of"]
