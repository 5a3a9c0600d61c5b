"""Examples of what `letters` shows."""

from __future__ import annotations

from crossdock.api.operations.examples.common import AT, AT_RISK, EARLIER, RECORD
from crossdock.operations import correcting, dead

DRAFT = correcting.Draft(
    id=17,
    flow="orders",
    reference="000000123",
    version="3-41",
    record='{"id": "42", "buyer": {"email": "***"}, "lines": [{"id": "1", "sku": "A-1"}]}',
    masked=True,
    cli="crossdock dead edit 17 record.json --why …",
)
DRAFTED = {"id": "42", "buyer": {"email": "***"}, "lines": [{"id": "1", "sku": "A-2"}]}
CAUSES = dead.Causes(
    as_of=AT,
    causes=[
        dead.Cause(
            id="1f2e3d4c5b6a7988",
            code="rejected",
            owner="business",
            reason="HTTP 422: unknown SKU #",
            count=12,
            maybe_sent=0,
            oldest_at=EARLIER,
            newest_at=AT,
            where=[dead.Where(flow="orders", target="erp", count=12)],
            at_risk=AT_RISK,
            cli="crossdock dead replay --cause 1f2e3d4c5b6a7988",
        )
    ],
    complete=True,
)
LETTERS = [
    dead.Letter(
        id=17,
        reference="000000123",
        flow="orders",
        target="erp",
        reason="HTTP 422: unknown SKU A-1",
        maybe_sent=False,
        died_at=AT,
    )
]
CHOICE = {"cause": "1f2e3d4c5b6a7988", "before": "2026-11-26T09:30:00Z", "why": "the SKU is known by now"}
FORESEEN = dead.Foreseen(
    letters=12,
    where=[dead.Where(flow="orders", target="erp", count=12)],
    asked_first=0,
    waits=0,
    paused=[],
    oldest_at=EARLIER,
    at_risk=AT_RISK,
    gone=[],
    cli="crossdock dead replay --cause 1f2e3d4c5b6a7988",
)
DONE = dead.Done(action="replay", done=12, left=0, cli="crossdock dead replay --cause 1f2e3d4c5b6a7988")
EDITED = dead.Done(action="edit", done=1, left=0, cli="crossdock dead edit 17 record.json --why '…'")

__all__ = [
    "CAUSES",
    "CHOICE",
    "DONE",
    "DRAFT",
    "DRAFTED",
    "EDITED",
    "FORESEEN",
    "LETTERS",
    "RECORD",
]
