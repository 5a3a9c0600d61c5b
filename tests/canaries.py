"""A person who is nobody: what is theirs may reach the two ends, and must not be met anywhere else."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from io import StringIO
from typing import Any

import structlog

from crossdock import log

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


@contextmanager
def overheard() -> Iterator[StringIO]:
    """Everything that is logged until the block ends; then it goes where it went before."""
    root, before, story = logging.getLogger(), structlog.get_config(), StringIO()
    handlers, level = root.handlers, root.level
    log.configure("debug", json=True, stream=story)
    try:
        yield story
    finally:
        structlog.configure(**before)
        root.handlers = handlers
        root.setLevel(level)


QUOTED = f"customer {FIRST} {LAST} <{EMAIL}> of {COMPANY}, {STREET}, tel {PHONE}, VAT {VAT}, is blocked: {NOTE}"
