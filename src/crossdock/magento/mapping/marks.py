"""The mark that what an ERP did bears at the store: by it a document is found again, and not told back. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from crossdock.model.fulfilment import CreditMemo, Fulfilment, Invoice, Shipment, Tracking

MARKED = re.compile(
    r"ERP (?P<what>shipment|invoice|credit memo|cancel|hold|unhold|comment)"
    r" (?P<number>.+) \(crossdock (?P<origin>\S+)\)$"
)
WORDS: Mapping[type[Fulfilment], str] = {
    Shipment: "shipment",
    Tracking: "shipment",
    Invoice: "invoice",
    CreditMemo: "credit memo",
}


def mark(record: Fulfilment, what: str = "") -> str:
    """By which a document is known again at the store; it also says where it came from."""
    place = f" from {record.place}" if isinstance(record, Shipment) else ""
    return f"ERP {what or WORDS[type(record)]} {record.number}{place} (crossdock {record.origin})"


def comment_of(record: Fulfilment) -> str:
    """The ERP's own words, then the mark."""
    return f"{record.comment} | {mark(record)}" if record.comment else mark(record)


def origin_of(comment: str, what: str) -> str:
    """The connection that a marked comment came from; "" for any other comment."""
    found = MARKED.search(comment.strip())
    return found["origin"] if found and found["what"] == what else ""
