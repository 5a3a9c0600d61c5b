"""How deliveries are carried, logged and traced."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator

from crossdock.settings.section import SecretRef, Section


class WorkerSettings(Section):
    """How many deliveries go at a time."""

    threads: int = Field(default=8, ge=1, le=256, description="Threads that deliver.")
    lease_seconds: float = Field(
        default=180,
        ge=5,
        le=3600,
        description="How long a worker's claim on a delivery holds, in seconds. No request of the attempt outlives it; "
        "it is worth being several times the deadline of one request (`deadlines.total_s`), since an attempt may be "
        "several requests.",
    )
    batch: int = Field(default=20, ge=1, le=1000, description="Deliveries claimed in one transaction.")
    look_s: float = Field(
        default=5,
        gt=0,
        le=3600,
        description="With a broker: how often a worker looks into the database itself, in seconds, for what no "
        "announcement told it of.",
    )


class DeliverySettings(Section):
    """When a delivery is tried again, and when it becomes a dead letter."""

    horizon_days: float = Field(
        default=3,
        gt=0,
        le=60,
        description="How long a temporary failure is tried again before it is a dead letter, in days.",
    )
    first_pause_s: float = Field(
        default=2, gt=0, le=3600, description="Longest pause before the second try, in seconds."
    )
    longest_pause_s: float = Field(
        default=3600, gt=0, le=7 * 86400, description="Longest pause between two tries, in seconds."
    )
    unexpected_tries: int = Field(
        default=3,
        ge=1,
        le=20,
        description="Tries of a delivery that fails in a way that we do not know, before it is dead.",
    )
    fresh_for_s: float = Field(
        default=30, ge=0, le=3600, description="How long what was read from the source counts as fresh, in seconds."
    )

    @field_validator("longest_pause_s")
    @classmethod
    def _not_below_the_first(cls, value: float, info: ValidationInfo) -> float:
        if value < info.data.get("first_pause_s", value):
            raise ValueError("must not be below first_pause_s")
        return value


class TracingSettings(Section):
    """Traces for an OpenTelemetry collector. Needs the extra `otel`."""

    endpoint: str = Field(
        default="",
        description="Where spans are sent by OTLP over HTTP, the whole address "
        "(`http://127.0.0.1:4318/v1/traces`). Empty: no span is recorded.",
    )
    headers: dict[str, SecretRef] = Field(
        default_factory=dict,
        description="Headers that go with them, such as `authorization`, by name; as secret references.",
    )
    ratio: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="The part of traces that is recorded, of those that begin with Crossdock. One that began before it "
        "is recorded if whoever began it records it.",
    )
    propagate: bool = Field(
        default=True,
        description="Whether requests to stores and ERPs bear the header `traceparent` while spans are recorded.",
    )
    service: str = Field(default="crossdock", min_length=1, description="The name under which spans are filed.")

    @field_validator("endpoint")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query):
            raise ValueError("an address like http://127.0.0.1:4318/v1/traces is wanted, without credentials")
        return value


class LogSettings(Section):
    """What goes to standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe event written."
    )
    format: Literal["json", "console"] = Field(default="console", description="JSON lines, or text for people.")


__all__ = ["DeliverySettings", "LogSettings", "TracingSettings", "WorkerSettings"]
