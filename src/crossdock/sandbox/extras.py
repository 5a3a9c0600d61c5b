"""An order's extension_attributes: how it is shipped, and the taxes applied."""

from __future__ import annotations

from typing import Any

CODE = "IT 22"
SHIPPING = [
    "base_shipping_amount",
    "base_shipping_discount_amount",
    "base_shipping_discount_tax_compensation_amnt",
    "base_shipping_incl_tax",
    "base_shipping_tax_amount",
    "shipping_amount",
    "shipping_discount_amount",
    "shipping_discount_tax_compensation_amount",
    "shipping_incl_tax",
    "shipping_tax_amount",
]


def attributes(order: dict[str, Any]) -> dict[str, Any]:
    """Also marks each taxed row with its own itemized tax."""
    for one in order["items"]:
        one["extension_attributes"] = {"itemized_taxes": [_itemized(order, one)] if one.get("tax_percent") else []}
        if "parent_item_id" in one:
            one["parent_item"] = next(row for row in order["items"] if row["item_id"] == one["parent_item_id"])
    amounts = {"amount": order["tax_amount"], "base_amount": order["base_tax_amount"]}
    named = {"code": CODE, "title": CODE, "percent": 22}
    more = {"base_real_amount": order["base_tax_amount"], "priority": 0, "position": 0, "process": 0}
    number = order["entity_id"]
    told: dict[str, Any] = {
        "shipping_assignments": [{"shipping": _shipping(order), "items": order["items"]}],
        "payment_additional_info": [{"key": "method_title", "value": "Check / Money order"}],
        "applied_taxes": [named | amounts],
        "item_applied_taxes": [_applied(one) for one in order["items"] if one.get("tax_percent")],
        "converting_from_quote": False,
        "taxes": [{"tax_id": number, "order_id": number} | named | amounts | more],
        "additional_itemized_taxes": [],
    }
    if order["shipping_tax_amount"]:
        told["additional_itemized_taxes"] = [_shipping_tax(order)]
        told["item_applied_taxes"].insert(0, {"type": "shipping", "applied_taxes": [named | _shipping_amounts(order)]})
    return told


def _shipping(order: dict[str, Any]) -> dict[str, Any]:
    total = {"total": {name: order[name] for name in SHIPPING}}
    if order["is_virtual"]:
        return total
    address = order["billing_address"] | {"address_type": "shipping", "entity_id": 2 * order["entity_id"] - 1}
    return {"address": address, "method": "flatrate_flatrate"} | total


def _itemized(order: dict[str, Any], one: dict[str, Any]) -> dict[str, Any]:
    named = {"tax_item_id": one["item_id"], "tax_id": order["entity_id"], "item_id": one["item_id"]}
    return named | _real(one["tax_amount"], one["base_tax_amount"]) | {"taxable_item_type": "product"}


def _shipping_tax(order: dict[str, Any]) -> dict[str, Any]:
    named = {"tax_item_id": order["entity_id"], "tax_id": order["entity_id"]}
    amounts = _real(order["shipping_tax_amount"], order["base_shipping_tax_amount"])
    return named | amounts | {"taxable_item_type": "shipping"}


def _real(amount: Any, base: Any) -> dict[str, Any]:
    amounts = {"amount": amount, "base_amount": base, "real_amount": amount, "real_base_amount": base}
    return {"tax_code": CODE, "tax_percent": 22} | amounts


def _applied(one: dict[str, Any]) -> dict[str, Any]:
    amounts = {"amount": one["tax_amount"], "base_amount": one["base_tax_amount"]}
    applied = [{"code": CODE, "title": CODE, "percent": 22} | amounts]
    return {"type": "product", "item_id": one["item_id"], "applied_taxes": applied}


def _shipping_amounts(order: dict[str, Any]) -> dict[str, Any]:
    return {"amount": order["shipping_tax_amount"], "base_amount": order["base_shipping_tax_amount"]}
