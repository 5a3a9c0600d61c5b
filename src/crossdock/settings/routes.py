"""What goes from one connection to another, and the tables of codes between them."""

from __future__ import annotations

from typing import Any, Literal, get_args

from pydantic import Field, field_serializer, field_validator, model_validator

from crossdock.settings.options import RouteOptions
from crossdock.settings.schedules import ScheduleSettings
from crossdock.settings.section import Section

RouteFlow = Literal[
    "orders",
    "cancellations",
    "holds",
    "payments",
    "refunds",
    "inventory",
    "prices",
    "products",
    "customers",
    "shipments",
    "tracks",
    "invoices",
    "credit_memos",
    "order_updates",
]
EVERY_FLOW: frozenset[RouteFlow] = frozenset(get_args(RouteFlow))
EXPORT_FLOWS: tuple[RouteFlow, ...] = ("orders", "cancellations", "holds", "payments", "refunds")
ReadFlow = Literal[
    "inventory", "prices", "products", "customers", "shipments", "tracks", "invoices", "credit_memos", "order_updates"
]


class RouteSettings(Section):
    """What goes from one connection to another."""

    source: str = Field(description="Connection that it comes from.")
    target: str = Field(description="Connection that it goes to.")
    flows: frozenset[RouteFlow] = Field(
        default=EVERY_FLOW,
        description="Flows carried, as far as the target takes them; `orders` must be there for any that follows an "
        "order. The target's number always goes back to the source.",
    )
    options: RouteOptions = Field(default_factory=RouteOptions, description="This route's rules.")
    schedules: dict[ReadFlow, tuple[ScheduleSettings, ...]] = Field(
        default_factory=dict,
        description="When each flow that is polled is read (docs/polling.md), one table or a list of them. A flow "
        "without one is read every `reads.FLOW.interval_s`.",
    )

    @field_validator("schedules", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: [one] if isinstance(one, dict | ScheduleSettings) else one for name, one in value.items()}

    @field_validator("schedules")
    @classmethod
    def _differ(
        cls, value: dict[ReadFlow, tuple[ScheduleSettings, ...]]
    ) -> dict[ReadFlow, tuple[ScheduleSettings, ...]]:
        for name, several in value.items():
            if not several or len({(one.cron, one.time_zone, one.full) for one in several}) < len(several):
                raise ValueError(f"{name}: is empty, or says one thing twice")
        return value

    @field_validator("flows")
    @classmethod
    def _begin_with_orders(cls, value: frozenset[RouteFlow]) -> frozenset[RouteFlow]:
        if "orders" not in value and (not value or value.intersection(EXPORT_FLOWS)):
            raise ValueError('must hold "orders": the other flows follow an order that was carried')
        return value

    @field_serializer("flows", when_used="json")
    def _in_order(self, flows: frozenset[RouteFlow]) -> list[str]:
        return sorted(flows)


class LookupSettings(Section):
    """A table by which people say what a code of one side is called on the other."""

    missing: Literal["ask", "default", "reject"] = Field(
        default="ask",
        description="What becomes of a value without an entry. ask: a dead letter that is tried again once the entry "
        "is there; default: `default` stands for it; reject: a dead letter, since the value is not wanted.",
    )
    default: str = Field(default="", description="Stands for every value without an entry, where `missing` says so.")
    entries: dict[str, str] = Field(default_factory=dict, description="The source's word -> the target's.")

    @model_validator(mode="after")
    def _default_is_used(self) -> LookupSettings:
        if bool(self.default) != (self.missing == "default"):
            raise ValueError('default goes with missing = "default", and that with a default')
        return self


__all__ = ["EVERY_FLOW", "EXPORT_FLOWS", "LookupSettings", "ReadFlow", "RouteFlow", "RouteSettings"]
