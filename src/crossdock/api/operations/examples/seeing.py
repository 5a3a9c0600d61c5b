"""Examples of what `seeing` shows."""

from __future__ import annotations

from datetime import timedelta

from crossdock.api.operations.examples.common import AT, AT_RISK, EARLIER, RECORD
from crossdock.operations import audit, configuration, coverage, deliveries, delivery, doctor, overview

PAUSED = overview.Paused(connection="erp", since=EARLIER, by="user:ada", why="the ERP is being upgraded")
OVERVIEW = overview.Overview(
    at=AT,
    since=AT - timedelta(hours=1),
    lines=[
        overview.Line(
            flow="orders",
            kind="document",
            target="erp",
            waiting=3,
            dead=12,
            oldest_at=EARLIER,
            oldest_s=240.0,
            delivered=418,
            mean_s=0.84,
            longest_s=6.1,
            minutes=(overview.Minute(at=EARLIER, count=7),),
        )
    ],
    paused=[PAUSED],
    at_risk=AT_RISK,
    held_feeds=1,
)
LISTED = deliveries.Listed(
    id=17,
    flow="orders",
    source="store",
    target="erp",
    subject="42",
    reference="000000123",
    key="v1:store:orders:42:place",
    state="dead",
    attempts=1,
    created_at=EARLIER,
    opened_at=EARLIER,
    due_at=EARLIER,
    settled_at=AT,
    maybe_sent=False,
    code="rejected",
    reason="HTTP 422: unknown SKU A-1",
    owner="business",
    resolved_why="",
)
DELIVERIES = deliveries.Page(
    rows=[LISTED], next="WzE3OTU3NjQ2MDAwMDAwMDAsMTdd", cli="crossdock dead list --flow orders"
)
STORY = delivery.Story(
    delivery=LISTED,
    trace="4bf92f3577b34da6a3ce929d0e0e4736",
    timeline=[delivery.Told(at=EARLIER, kind="heard", flow="orders", target="store", text="by poll: 42")],
    tries=[
        delivery.Try(
            id=99,
            at=AT,
            operation="POST /orders",
            actor="crossdock",
            status=422,
            error="",
            detail="",
            duration_ms=120,
            request='{"order_number":"000000123","customer":"***"}',
            response='{"error":"***"}',
            mapping="0.1.0-9f0c1d2e3a4b5c6d",
        )
    ],
    links=[delivery.Link(target="erp", part="", external_id="E1", number="SO-88")],
    mapping=delivery.Mapping(crossdock="0.1.0", settings="9f0c1d2e3a4b5c6d"),
    version="3-41",
    masked=True,
    cli="crossdock explain order 000000123",
)
COVERAGE = [
    coverage.Account(
        store="store",
        since=AT - timedelta(hours=24),
        until=AT,
        existing=418,
        seen=418,
        missed=[],
        gaps={"gone": 1},
        read_up_to=AT,
        polled_at=AT,
        cli="crossdock coverage --hours 24",
    )
]
AUDITED = audit.Entry(
    id=101,
    position=101,
    at=AT,
    actor="user:ada",
    operation="replay",
    entity="orders",
    source="store",
    subject="42",
    key="v1:store:orders:42:place",
    delivery_id=17,
    status=None,
    error="",
    detail="the SKU is known by now",
    duration_ms=0,
)
AUDIT = audit.Page(rows=[AUDITED], next=None)
SETTINGS = configuration.Shown(settings={"database": {"url": "***"}, "api": {"port": 8080}})
EVENTS = (
    'event: counts\r\nid: 4\r\ndata: [{"flow":"orders","target":"erp","waiting":3,"dead":12,"capped":false}]\r\n\r\n'
)
DOCTOR = doctor.Findings(
    at=AT,
    seconds=2.31,
    errors=1,
    warnings=0,
    unseen=0,
    by_hand=0,
    findings=[
        doctor.Finding(
            check="magento-rights",
            title=doctor.CHECKS["magento-rights"].title,
            subject="store",
            level="error",
            what="Magento_Sales::ship is missing, for shipments (POST /V1/order/0/ship)",
            why=doctor.CHECKS["magento-rights"].why,
            mend="System > Integrations > ours > API: tick Sales > Operations > Orders > Actions > Ship, and save",
            by_hand=False,
            page="docs/doctor.md#magento-rights",
        )
    ],
)

__all__ = [
    "AUDIT",
    "AUDITED",
    "COVERAGE",
    "DELIVERIES",
    "DOCTOR",
    "EVENTS",
    "LISTED",
    "OVERVIEW",
    "PAUSED",
    "RECORD",
    "SETTINGS",
    "STORY",
]
