"""Examples of what `lookups` shows."""

from __future__ import annotations

from crossdock.api.operations.examples.common import EARLIER
from crossdock.operations import lookups, preview

ENTRY = lookups.Entry(
    table="payment_terms",
    value="checkmo",
    entry="NET30",
    added=True,
    tag="5f1c0a7e9d2b4c68",
    cli="crossdock lookups remove payment_terms checkmo --why …",
)
MISSING = [lookups.Missing(reason="lookups.payment_terms: has no entry for 'paypal_express'", count=12)]
PUT = {"entry": "NET30", "why": "agreed with accounting"}
CHANGED = lookups.Changed(
    table="payment_terms",
    value="checkmo",
    entry="NET30",
    changed=True,
    again=12,
    tag="5f1c0a7e9d2b4c68",
    cli="crossdock lookups add payment_terms checkmo NET30 --why '…'",
)
ENTRY_VERSION = lookups.Version(at=EARLIER, by="user:ada", entry="NET30", dropped=False, why="as agreed with finance")
PREVIEW = preview.Preview(
    orders=200,
    unreadable=0,
    targets=[
        preview.Outcome(
            target="erp",
            orders=200,
            same=188,
            changed=12,
            started=0,
            fields=[
                preview.FieldChange(
                    field="payment_terms", count=12, order="000000123", before='"NET30"', after='"NET14"'
                )
            ],
            stops=[],
        )
    ],
    cli="crossdock lookups list --table payment_terms",
)
PREVIEW_ENTRY = {"table": "payment_terms", "value": "banktransfer", "entry": "NET14"}
PREVIEW_SETTINGS = {"settings": '[lookups.payment_terms.entries]\nbanktransfer = "NET14"\n'}

__all__ = [
    "CHANGED",
    "ENTRY",
    "ENTRY_VERSION",
    "MISSING",
    "PREVIEW",
    "PREVIEW_ENTRY",
    "PREVIEW_SETTINGS",
    "PUT",
]
