"""Examples of what `explaining` shows."""

from __future__ import annotations

from crossdock.api.operations.examples.common import AT, EARLIER
from crossdock.operations import delivery, explain, fields, shadow, why

EXPLAINED = [
    explain.Subject(
        kind="order",
        source="store",
        subject="42",
        reference="000000123",
        why="The order is not in erp because of rejected: HTTP 422: unknown SKU A-1. It is for business.",
        reasons=[
            why.Reason(
                target="erp",
                flow="orders",
                state="dead",
                why="The order is not in erp because of rejected: HTTP 422: unknown SKU A-1. It is for business.",
                next="Nothing by itself: it is a dead letter until a person acts.",
                do=["crossdock dead show 17", "crossdock dead replay 17 --why …"],
                delivery=17,
            )
        ],
        links=[],
        facts=[explain.Fact(kind="shadow", at=AT, text="orders at next: equal, 14 fields compared")],
        fields=[
            fields.Field(
                erp="erp",
                field="group",
                owner="erp",
                store_value="***",
                store_at=EARLIER,
                erp_value="***",
                erp_at=AT,
                by="the ERP's stands, and is to be written to the store",
            )
        ],
        timeline=[delivery.Told(at=EARLIER, kind="heard", flow="orders", target="store", text="by poll: 42")],
        masked=True,
        cli="crossdock explain order 000000123",
    )
]
SHADOWS = shadow.Report(
    roads=[
        shadow.Road(
            source="store", target="next", flow="orders", equal=412, different=3, missing=1, refused=1, unseen=0
        )
    ],
    fields=[
        shadow.Field(target="next", flow="orders", field="items[].price", count=3, examples=["000000123", "000000119"])
    ],
    uncompared={"next": ["note"]},
    examples=[
        shadow.Example(
            delivery=17,
            target="next",
            flow="orders",
            reference="000000123",
            fate="different",
            fields=["items[].price"],
            reason="",
        )
    ],
    cli="crossdock shadow report",
)
SHADOW_LIST = shadow.Listing(
    rows=[
        shadow.Row(
            delivery=17,
            source="store",
            target="next",
            flow="orders",
            subject="123",
            reference="000000123",
            fate="different",
            number="SO-88",
            compared=14,
            fields=["items[].price"],
            reason="",
            at=AT,
        )
    ],
    after=None,
    cli="crossdock shadow list --fate different",
)
SHADOW = shadow.Shown(
    delivery=17,
    source="store",
    target="next",
    flow="orders",
    subject="42",
    reference="000000123",
    fate="different",
    number="SO-88",
    compared=31,
    values=[shadow.Value(field="items[0].price", ours="19.99", theirs="19.90")],
    uncompared=["note"],
    reason="",
    at=AT,
    masked=True,
    cli="crossdock shadow show 17",
)
SHADOWED = {"target": "next", "fate": "missing", "why": "the old integration is switched off"}
SHADOW_DONE = shadow.Done(deliveries=12, left=0, after=None, cli="crossdock shadow send --why …")

__all__ = [
    "EXPLAINED",
    "SHADOW",
    "SHADOWED",
    "SHADOWS",
    "SHADOW_DONE",
    "SHADOW_LIST",
]
