"""Examples of what `acting` shows."""

from __future__ import annotations

from crossdock.api.operations.examples.common import AT, EARLIER, WHY
from crossdock.operations import bulks, connections, held, schedules

CONNECTED = connections.Connected(
    name="erp",
    kind="rest",
    evidence="simulated",
    reads=["inventory"],
    writes=["cancellations", "orders"],
    pace=connections.Pace(rate=None, burst=10, concurrency=8),
    gate=connections.Gate(breaker="closed", limit=8, retry_in_s=0.0),
    paused=None,
    cli={
        "pause": "crossdock pause erp --why …",
        "resume": "crossdock resume erp",
        "probe": "crossdock doctor",
    },
)
PROBE = connections.Probe(name="erp", ok=True, detail="answers", took_ms=41)
SWITCHED = connections.Switched(name="erp", paused=True, changed=True, cli="crossdock pause erp --why '…'")
HELD = [
    held.Held(
        id=7,
        flow="inventory",
        source="erp",
        target="store",
        channel="push",
        received_at=AT,
        total=12000,
        changed=9000,
        unchanged=3000,
        stale=0,
        rejected=0,
        reason="75 % of the rows would fall to zero",
        cli={"approve": "crossdock held approve 7 --why …", "reject": "crossdock held reject 7 --why …"},
    )
]
HELD_ROWS = [held.Row(number=0, fate="held", subject="A-1@default", reference="A-1", version="", reason="")]
DECIDED = held.Decided(id=7, approved=True, changed=True, cli="crossdock held approve 7 --why '…'")
BULKS = [
    bulks.Bulk(
        connection="store",
        batch="b1",
        ticket="92f60753-3801-4ae9-9d1d-0ce1ac9db082",
        rows=400,
        at=EARLIER,
        cli="crossdock bulk status 92f60753-3801-4ae9-9d1d-0ce1ac9db082",
    )
]
PROGRESS = bulks.Progress(
    connection="store",
    ticket="92f60753-3801-4ae9-9d1d-0ce1ac9db082",
    status=1,
    total=400,
    successful=120,
    failed=2,
    open=278,
    started="2026-11-26 09:26:00",
    reasons={"The product was not found": 2},
    cli="crossdock bulk status 92f60753-3801-4ae9-9d1d-0ce1ac9db082 --connection store",
)
SCHEDULES = [
    schedules.Line(
        route="erp/store/inventory",
        schedule="*/5 * * * * UTC",
        state="done",
        next_at=AT,
        last_at=EARLIER,
        outcome="done",
    )
]
ROUTE_WHY = {"route": "erp/store/inventory", "why": "the ERP is counting its stock"}
SWITCHED_SCHEDULE = schedules.Switched(
    route="erp/store/inventory", paused=True, changed=True, cli="crossdock schedule pause erp/store/inventory --why '…'"
)
RUN_SCHEDULE = schedules.Begun(
    route="erp/store/inventory", begun=True, cli="crossdock schedule run erp/store/inventory"
)

__all__ = [
    "BULKS",
    "CONNECTED",
    "DECIDED",
    "HELD",
    "HELD_ROWS",
    "PROBE",
    "PROGRESS",
    "ROUTE_WHY",
    "RUN_SCHEDULE",
    "SCHEDULES",
    "SWITCHED",
    "SWITCHED_SCHEDULE",
    "WHY",
]
