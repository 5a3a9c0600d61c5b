"""A person who is nobody: what is theirs may reach the two ends, and must not be met anywhere else."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

CANARIES = (
    "Kanarienvogelina",
    "Piepmatzhuber",
    "canary.bird@example.org",
    "+39 555 0199 842",
    "Vogelgasse 77",
    "ATU99887766",
    "Nestbau Federkleid",
    "ring thrice at the aviary",
)
FIRST, LAST, EMAIL, PHONE, STREET, VAT, COMPANY, NOTE = CANARIES


def planted(order: dict[str, Any]) -> dict[str, Any]:
    """A recorded order as it would be, had they placed it."""
    made = deepcopy(order)
    place = {
        "firstname": FIRST,
        "lastname": LAST,
        "email": EMAIL,
        "telephone": PHONE,
        "street": [STREET],
        "vat_id": VAT,
        "company": COMPANY,
    }
    made["billing_address"] |= place
    made["extension_attributes"]["shipping_assignments"][0]["shipping"]["address"] |= place
    made["status_histories"] = [{"comment": NOTE, "entity_name": "order", "is_visible_on_front": 1}]
    named = {"customer_firstname": FIRST, "customer_lastname": LAST, "customer_email": EMAIL}
    return made | named | {"customer_taxvat": VAT, "customer_note": NOTE}


def sung(text: str | bytes) -> list[str]:
    """Those that are in it, however they are written there."""
    heard = (text.decode("utf-8", "replace") if isinstance(text, bytes) else text).casefold()
    plain = heard.replace("\\/", "/").replace("+", " ").replace("%20", " ").replace("%40", "@")
    return [one for one in CANARIES if one.casefold() in heard or one.casefold().replace("+", " ") in plain]


QUOTED = f"customer {FIRST} {LAST} <{EMAIL}> of {COMPANY}, {STREET}, tel {PHONE}, VAT {VAT}, is blocked: {NOTE}"
