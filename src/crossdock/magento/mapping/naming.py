"""The texts about people in what the store gives: its own refusals may quote them, and plug-ins' do. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

# under which people stand, in orders, addresses and customers of the REST API
PERSONAL = frozenset(
    {
        *("firstname", "lastname", "middlename", "company", "street", "city", "postcode", "telephone", "fax", "email"),
        *("vat_id", "taxvat", "dob", "comment", "remote_ip"),
        *("customer_firstname", "customer_lastname", "customer_middlename", "customer_email", "customer_taxvat"),
        *("customer_dob", "customer_note"),
    }
)
ANY = "comment"


def people_in(raw: Any) -> tuple[str, ...]:
    """Of an order, or of a customer, as it came; each once."""
    return tuple(dict.fromkeys(one for one in _named(raw, "") if one.strip()))


def _named(value: Any, name: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, part in value.items():
            # what stands in an attribute of the merchant's own may be anything
            yield from _named(part, name if key == "value" and "attribute_code" in value else str(key))
    elif isinstance(value, list):
        for part in value:
            yield from _named(part, ANY if name == "custom_attributes" else name)
    elif isinstance(value, str) and name in PERSONAL:
        yield value
