"""Comparing both sides of a route."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, get_args

from pydantic import Field, model_validator

from crossdock.settings.schedules import check_schedule
from crossdock.settings.section import Section

ReconcileFlow = Literal["orders", "inventory", "prices", "products", "customers", "shipments"]


class ReconcileSettings(Section):
    """Comparing both sides of each route (docs/reconciliation.md)."""

    schedule: str = Field(
        default="15 2 * * *",
        max_length=100,
        description="When each flow that a route carries is compared, as a cron expression; empty: only by "
        "`crossdock reconcile`.",
    )
    time_zone: str = Field(
        default="",
        max_length=60,
        description="IANA time zone of the schedule; empty: that of the route's own `schedules`, else UTC.",
    )
    flows: frozenset[ReconcileFlow] = Field(
        default=frozenset(get_args(ReconcileFlow)),
        description="The flows that are compared by the schedule, as far as a route carries them.",
    )
    days: int = Field(
        default=7, ge=1, le=366, description="How many days back documents (orders, shipments) are compared."
    )
    settling_s: float = Field(
        default=600,
        ge=0,
        le=86_400,
        description="Seconds within which what was promised, or changed, is in motion and no drift.",
    )
    rounding: Decimal = Field(
        default=Decimal("0.01"),
        ge=0,
        le=1,
        description="A difference of at most this, in money or in pieces, is named `rounding`.",
    )
    keep_days: int = Field(default=90, ge=1, description="Days after which runs and their drifts are forgotten.")

    @model_validator(mode="after")
    def _comes_at_all(self) -> ReconcileSettings:
        if self.schedule:
            check_schedule(self.schedule, self.time_zone or "UTC")
        return self


__all__ = ["ReconcileFlow", "ReconcileSettings"]
