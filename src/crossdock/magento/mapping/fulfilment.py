"""What the store is asked to do with an order: the bodies of ship, invoice and refund. Pure.

The store cuts a shipped quantity above the open one without a word, takes a shipment that names no source from
`default`, and refuses the child's line of a configurable product (all recorded): so lines are matched and counted here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from crossdock.errors import NotOpen, Rejected
from crossdock.magento.mapping.lines import parse_lines
from crossdock.magento.mapping.marks import comment_of
from crossdock.magento.mapping.wire import JsonObject, decimal, flag, rows, text
from crossdock.model.fulfilment import CreditMemo, FulfilledLine, Invoice, Shipment, Track
from crossdock.model.money import ZERO

CENT = Decimal("0.01")
Open = Callable[[JsonObject], Decimal]


def is_cancelled(order: JsonObject) -> bool:
    """Whether nothing is left to cancel because it was: of a partly invoiced order the rest, its state stays."""
    if text(order, "state") == "canceled":
        return True
    tops = [row for row in rows(order, "items") if not text(row, "parent_item_id")]
    return not any(open_to_invoice(row) for row in tops) and any(_quantity(row, "qty_canceled") for row in tops)


def ship_body(order: JsonObject, shipment: Shipment) -> dict[str, Any]:
    """For POST V1/order/ID/ship. Raises Rejected."""
    lines = _matched(order, _bundled(order, shipment.lines), open_to_ship)
    return {
        "items": lines,
        "notify": shipment.notify,
        "appendComment": True,
        "comment": {"comment": comment_of(shipment), "is_visible_on_front": 0},
        "tracks": [track_body(track) for track in shipment.tracks],
        "arguments": {"extension_attributes": {"source_code": shipment.place}},
    }


def pieces(order: JsonObject, lines: Sequence[Mapping[str, Any]]) -> dict[str, Decimal]:
    """By SKU in small letters, what lies there of these lines (`order_item_id`, `qty`): of a bundle its parts."""
    every = {text(row, "item_id"): row for row in rows(order, "items")}
    found: dict[str, Decimal] = {}
    for line in lines:
        whole = every.get(text(line, "order_item_id"))
        if whole is None:
            continue
        parts = [row for row in every.values() if text(row, "parent_item_id") == text(whole, "item_id")]
        ordered = _quantity(whole, "qty_ordered")
        for row in parts or [whole]:
            name = text(row, "sku").strip().casefold()
            share = _quantity(row, "qty_ordered") / ordered if ordered else ZERO
            found[name] = found.get(name, ZERO) + decimal(line, "qty", "line") * share
    return found


def track_body(track: Track) -> dict[str, Any]:
    """One parcel."""
    return {"track_number": track.number, "title": track.title or track.carrier, "carrier_code": track.carrier}


def invoice_body(order: JsonObject, invoice: Invoice) -> dict[str, Any]:
    """For POST V1/order/ID/invoice. Raises Rejected. Without items the store takes all that is open."""
    lines = _matched(order, invoice.lines, open_to_invoice)
    return {
        "capture": invoice.capture,
        "items": lines if invoice.lines else [],
        "notify": invoice.notify,
        "appendComment": True,
        "comment": {"comment": comment_of(invoice), "is_visible_on_front": 0},
    }


def refund_body(order: JsonObject, memo: CreditMemo) -> dict[str, Any]:
    """For POST V1/order/ID/refund. Raises Rejected: never more than was captured; NotOpen where more may yet be."""
    no = NotOpen if _may_be_invoiced(order) else Rejected
    lines = _matched(order, memo.lines, open_to_refund, no)
    shipping = memo.shipping
    left = decimal(order, "base_shipping_amount", "order") - decimal(order, "base_shipping_refunded", "order")
    if shipping is not None and shipping > left:
        raise Rejected(f"{shipping} of shipping is to be given back, {left} is left")
    worths = _worths(order)
    wanted = sum((worths.get(str(line["order_item_id"]), ZERO) * line["qty"] for line in lines), ZERO)
    wanted += _shipping_worth(order, left if shipping is None else shipping)
    wanted += memo.adjustment_positive - memo.adjustment_negative
    captured = decimal(order, "base_total_paid", "order") - decimal(order, "base_total_refunded", "order")
    if wanted > captured + CENT * len(lines):
        raise no(f"{wanted:.2f} is to be given back, {captured} of what was captured is left")
    arguments: dict[str, Any] = {
        "adjustment_positive": memo.adjustment_positive,
        "adjustment_negative": memo.adjustment_negative,
    }
    if shipping is not None:
        arguments["shipping_amount"] = shipping
    if back := _back_to_stock(order, memo.lines):
        arguments["extension_attributes"] = {"return_to_stock_items": back}
    return {
        "items": lines if memo.lines else [],
        "notify": memo.notify,
        "appendComment": True,
        "comment": {"comment": comment_of(memo), "is_visible_on_front": 0},
        "arguments": arguments,
    }


def open_to_ship(row: JsonObject) -> Decimal:
    """Of this line, what can still be shipped."""
    if flag(row, "is_virtual"):
        return ZERO
    gone = _quantity(row, "qty_shipped") + _quantity(row, "qty_canceled") + _quantity(row, "qty_refunded")
    return max(ZERO, _quantity(row, "qty_ordered") - gone)


def open_to_invoice(row: JsonObject) -> Decimal:
    """Of this line, what can still be invoiced."""
    return max(ZERO, _quantity(row, "qty_ordered") - _quantity(row, "qty_invoiced") - _quantity(row, "qty_canceled"))


def open_to_refund(row: JsonObject) -> Decimal:
    """Of this line, what was invoiced and not given back yet."""
    return max(ZERO, _quantity(row, "qty_invoiced") - _quantity(row, "qty_refunded"))


def _may_be_invoiced(order: JsonObject) -> bool:
    return any(open_to_invoice(row) for row in rows(order, "items") if not text(row, "parent_item_id"))


def _matched(
    order: JsonObject, lines: Sequence[FulfilledLine], open_of: Open, no: type[Rejected] = Rejected
) -> list[dict[str, Any]]:
    """The store's own lines; for none, all that is open. Raises Rejected, `no` where too little is open."""
    tops = [row for row in rows(order, "items") if not text(row, "parent_item_id")]
    every = {text(row, "item_id"): row for row in rows(order, "items")}
    left = {item: open_of(row) for item, row in every.items()}
    if not lines:
        found = {text(row, "item_id"): left[text(row, "item_id")] for row in tops if left[text(row, "item_id")] > 0}
    else:
        found = {}
        for line in lines:
            for item, quantity in _places(line, tops, every, left, no):
                left[item] -= quantity
                found[item] = found.get(item, ZERO) + quantity
    if not found:
        raise no("nothing of the order is open for this")
    return [{"order_item_id": int(item), "qty": quantity} for item, quantity in found.items()]


def _places(
    line: FulfilledLine,
    tops: Sequence[JsonObject],
    every: Mapping[str, JsonObject],
    left: Mapping[str, Decimal],
    no: type[Rejected],
) -> list[tuple[str, Decimal]]:
    """Where a line's quantity goes: to the line named, or to those of its SKU, the first ones first."""
    if line.line:
        if line.line not in every:
            raise Rejected(f"the order has no line {line.line}")
        candidates = [_bearer(every[line.line], every)]
    else:
        candidates = [text(row, "item_id") for row in tops if text(row, "sku").casefold() == line.sku.casefold()]
        candidates = candidates or [
            _bearer(row, every) for row in every.values() if text(row, "sku").casefold() == line.sku.casefold()
        ]
        if not candidates:
            raise Rejected("the order has no line of this SKU")
    taken: list[tuple[str, Decimal]] = []
    wanted = line.quantity
    for item in candidates:
        part = min(wanted, left[item])
        if part > 0:
            taken.append((item, part))
            wanted -= part
    if wanted > 0:
        open_now = sum((left[item] for item in candidates), ZERO)
        raise no(f"line {line.line or line.sku}: {line.quantity} is wanted, {open_now} is open")
    return taken


def _bearer(row: JsonObject, every: Mapping[str, JsonObject]) -> str:
    """The line that counts: of a configurable product the parent's."""
    parent = every.get(text(row, "parent_item_id"))
    return text(parent if parent and text(parent, "product_type") == "configurable" else row, "item_id")


def _bundled(order: JsonObject, lines: Sequence[FulfilledLine]) -> tuple[FulfilledLine, ...]:
    """Where all parts of a bundle are named, in whole bundles, the bundle's own line is: its parts ship together."""
    every = {text(row, "item_id"): row for row in rows(order, "items")}
    named = {line.line: line.quantity for line in lines if line.line}
    kept = list(lines)
    for item, row in every.items():
        parts = {text(one, "item_id"): one for one in every.values() if text(one, "parent_item_id") == item}
        if text(row, "product_type") != "bundle" or not parts or not parts.keys() <= named.keys():
            continue
        each = {named[part] / _quantity(one, "qty_ordered") for part, one in parts.items()}
        bundles = each.pop() * _quantity(row, "qty_ordered")
        if not each and bundles == bundles.to_integral_value():
            kept = [line for line in kept if line.line not in parts]
            kept.append(FulfilledLine(line=item, quantity=bundles))
    return tuple(kept)


def _back_to_stock(order: JsonObject, lines: Sequence[FulfilledLine]) -> list[int]:
    every = {text(row, "item_id"): row for row in rows(order, "items")}
    wanted = [line for line in lines if line.back_to_stock]
    found = {
        int(_bearer(row, every))
        for item, row in every.items()
        for line in wanted
        if item == line.line or (not line.line and text(row, "sku").casefold() == line.sku.casefold())
    }
    return sorted(found)


def _worths(order: JsonObject) -> dict[str, Decimal]:
    """By line, what one piece was paid in the base currency, with its tax and without its discount."""
    lines = parse_lines(order)
    paid: dict[str, Decimal] = {}
    for line in lines:
        money = line.base_amounts
        whole = money.net + money.compensation + money.tax + money.fpt + money.fpt_tax
        paid[line.id] = paid.get(line.id, ZERO) + whole
        if line.parent_id:  # a bundle is worth its parts, where they bear the prices
            paid[line.parent_id] = paid.get(line.parent_id, ZERO) + whole
    return {line.id: paid[line.id] / line.quantity if line.quantity else ZERO for line in lines}


def _shipping_worth(order: JsonObject, amount: Decimal) -> Decimal:
    """So much of the shipping, with its tax and without its discount."""
    whole = decimal(order, "base_shipping_amount", "order")
    if not whole:
        return ZERO
    plus = ("base_shipping_tax_amount", "base_shipping_discount_tax_compensation_amnt")
    more = sum((decimal(order, name, "order") for name in plus), ZERO)
    more -= decimal(order, "base_shipping_discount_amount", "order")
    return amount + more * amount / whole


def _quantity(row: JsonObject, name: str) -> Decimal:
    return decimal(row, name, "line")
