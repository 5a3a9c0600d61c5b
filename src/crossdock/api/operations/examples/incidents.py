"""Examples of what `incidents` shows."""

from __future__ import annotations

from decimal import Decimal

from crossdock.api.operations.examples.common import AT, EARLIER, WHY
from crossdock.operations import incidents

INCIDENT = incidents.Listed(
    id=4,
    state="open",
    kind="dead",
    severity="error",
    owner="business",
    summary="500 dead letters of orders to erp (rejected), 61200.50 EUR",
    flow="orders",
    connection="erp",
    code="rejected",
    cause="9f2c4a6d8e0b1357",
    count=500,
    capped=False,
    peak=500,
    money=[incidents.AtStake(currency="EUR", amount=Decimal("61200.50"))],
    examples=["000000123", "000000124", "000000125"],
    since=EARLIER,
    first_at=EARLIER,
    last_at=AT,
    resolved_at=None,
    acknowledged_at=None,
    acknowledged_by="",
    acknowledged_why="",
    told=["business", "devops"],
    done="",
    cli="crossdock dead list --flow orders --target erp --code rejected",
)
INCIDENT_SHOWN = incidents.Shown(
    incident=INCIDENT,
    messages=[
        incidents.Told(
            audience="business",
            transition="opened",
            at=EARLIER,
            due_at=EARLIER,
            sent_at=EARLIER,
            state="sent",
            tries=1,
            title="[Crossdock] error: 12 dead letters of orders to erp (rejected)",
            error="",
            ref="5f1c0a7e9d2b4c685f1c0a7e",
        )
    ],
    cli="crossdock incidents show 4",
)
ACKNOWLEDGED = incidents.Acknowledged(
    id=4, changed=True, by="user:ada", cli="crossdock incidents acknowledge 4 --why '…'"
)

__all__ = [
    "ACKNOWLEDGED",
    "INCIDENT",
    "INCIDENT_SHOWN",
    "WHY",
]
