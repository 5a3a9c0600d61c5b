"""Telling people what is wrong."""

from __future__ import annotations

from datetime import time
from decimal import Decimal
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, field_serializer, field_validator, model_validator

from crossdock.settings.schedules import check_schedule
from crossdock.settings.section import CONNECTION_NAME, REFERENCE, Section

Severity = Literal["info", "warning", "error", "critical"]
IncidentKind = Literal[
    "dead",
    "login",
    "paused",
    "breaker",
    "lag",
    "schedule",
    "held",
    "drift",
    "compare",
    "coverage",
    "webhooks",
    "doctor",
    "audit",
]
Owner = Literal["devops", "business"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
EVERY_DAY: frozenset[Weekday] = frozenset(get_args(Weekday))
# what may stand for a target: where its address is, never the address, which holds a password or a token
TargetRef = Annotated[
    str,
    Field(
        pattern=rf"{REFERENCE}|^jsons?://(127\.0\.0\.1|localhost)[:/].*",
        description="where a target's Apprise URL is (docs/secrets.md)",
    ),
]


class QuietSettings(Section):
    """Hours in which an audience is told nothing that can wait, by its own clock."""

    begin: time = Field(description="When they begin, as `22:00`.")
    end: time = Field(description="When they end; not after `begin`: on the next day.")
    days: frozenset[Weekday] = Field(default=EVERY_DAY, min_length=1, description="Days on which they begin.")

    @field_validator("begin", "end")
    @classmethod
    def _has_no_zone(cls, value: time) -> time:
        if value.tzinfo is not None:
            raise ValueError("is in the audience's time_zone")
        return value

    @field_serializer("days", when_used="json")
    def _in_order(self, days: frozenset[Weekday]) -> list[str]:
        return sorted(days, key=get_args(Weekday).index)


class AudienceSettings(Section):
    """Some people, where they are told, and of what (docs/notifications.md)."""

    targets: tuple[TargetRef, ...] = Field(
        min_length=1,
        description="References to Apprise URLs (`env:OPS_CHAT`, `vault:notify#mail`): each is told. Receivers on this "
        "machine may be written out (`json://127.0.0.1:9000`).",
    )
    owners: frozenset[Owner] = Field(
        default=frozenset(),
        description="Whose faults: `devops`, `business`. Empty: an audience of one of these names hears its own, any "
        "other both.",
    )
    flows: frozenset[str] = Field(default=frozenset(), description="Only these flows; empty: all.")
    connections: frozenset[str] = Field(default=frozenset(), description="Only these connections; empty: all.")
    kinds: frozenset[IncidentKind] = Field(default=frozenset(), description="Only these kinds of cause; empty: all.")
    min_severity: Severity = Field(default="warning", description="Nothing below it.")
    money_over: dict[str, Decimal] = Field(
        default_factory=dict,
        description="Only what puts at least this much at risk, by currency (`{ EUR = 1000 }`); empty: whatever.",
    )
    time_zone: str = Field(default="UTC", max_length=60, description="IANA time zone of its hours, as `Europe/Rome`.")
    quiet: tuple[QuietSettings, ...] = Field(
        default=(), description="What comes up in these hours is told in one message at their end."
    )
    urgent_passes: bool = Field(default=True, description="Whether `critical` is told in quiet hours too, at once.")
    digest: str = Field(
        default="",
        max_length=100,
        description="When all that is open, and what was resolved since the last time, is told in one message, as a "
        "cron expression; empty: never.",
    )
    only_digest: bool = Field(
        default=False, description="Whether nothing but the digest is told, and `critical` if `urgent_passes`."
    )
    escalate_after_minutes: float = Field(
        default=0,
        ge=0,
        le=43_200,
        description="After how many minutes what nobody has resolved or acknowledged goes to `escalate_to` too; 0: "
        "never.",
    )
    escalate_to: str = Field(default="", max_length=40, description="The audience that it goes to then.")

    @model_validator(mode="after")
    def _comes_at_all(self) -> Self:
        check_schedule(self.digest or "0 0 * * *", self.time_zone)
        if self.only_digest and not self.digest:
            raise ValueError("only_digest needs a digest")
        if bool(self.escalate_to) != bool(self.escalate_after_minutes):
            raise ValueError("escalate_to goes with escalate_after_minutes")
        return self

    @field_validator("money_over")
    @classmethod
    def _is_positive(cls, value: dict[str, Decimal]) -> dict[str, Decimal]:
        if not all(amount.is_finite() and amount >= 0 for amount in value.values()):
            raise ValueError("amounts are not negative")
        return value

    @field_serializer("owners", "flows", "connections", "kinds", when_used="json")
    def _in_order(self, names: frozenset[str]) -> list[str]:
        return sorted(names)


class NotificationSettings(Section):
    """Telling people what is wrong (docs/notifications.md). Needs the extra `notify` where there is an audience."""

    audiences: dict[str, AudienceSettings] = Field(
        default_factory=dict, description="Who is told, by name: `devops`, `business`, or any other."
    )
    public_url: str = Field(
        default="",
        pattern=r"^(https?://\S+[^/])?$",
        description="Where people reach this Crossdock (`https://crossdock.example`), for links in messages; empty: "
        "that of `login.oidc`, else no link.",
    )
    templates: str = Field(
        default="", description="Folder with texts of your own, in the place of those that it has; empty: none."
    )
    every_s: float = Field(default=15, ge=0.05, le=3600, description="How often it is looked at, in seconds.")
    gather_s: float = Field(
        default=30, ge=0, le=3600, description="How long a new cause is watched before it is told, in seconds."
    )
    clear_s: float = Field(
        default=300, ge=0, le=86_400, description="How long nothing of it must be left before it is told as resolved."
    )
    growth_pause_s: float = Field(
        default=900, ge=0, le=86_400, description="After the last word, how long only ten times as much is told anew."
    )
    lag_minutes: float = Field(
        default=60, gt=0, le=43_200, description="How long a delivery may be owed before that is an incident."
    )
    webhook_gap: int = Field(
        default=20,
        ge=0,
        le=500,
        description="Of a store whose webhooks are enabled: as many hints by polling without a single webhook are an "
        "incident; 0: never.",
    )
    coverage_hours: int = Field(
        default=24,
        ge=0,
        le=168,
        description="How many hours back each store's orders are counted, once an hour; 0: not at all.",
    )
    doctor_schedule: str = Field(
        default="20 * * * *",
        max_length=100,
        description="When the doctor looks at what comes with time (certificates, clocks, tokens, room), as a cron "
        "expression in UTC; empty: only by `crossdock doctor`.",
    )
    audit_schedule: str = Field(
        default="40 3 * * *",
        max_length=100,
        description="When the audit trail's chain is checked, as a cron expression in UTC; empty: only by "
        "`crossdock audit verify`.",
    )
    retry_hours: float = Field(
        default=24, gt=0, le=720, description="How long a message that a target does not take is tried again."
    )
    keep_days: int = Field(default=90, ge=1, description="Days after which what was resolved is forgotten.")

    @model_validator(mode="after")
    def _escalates_to_somebody(self) -> Self:
        for cron in (self.doctor_schedule, self.audit_schedule):
            if cron:
                check_schedule(cron, "UTC")
        for name, audience in self.audiences.items():
            if not CONNECTION_NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no name of an audience (small letters, digits, - and _)")
            if audience.escalate_to and audience.escalate_to not in self.audiences.keys() - {name}:
                raise ValueError(f"{name}: escalate_to names no other audience")
        return self


__all__ = [
    "EVERY_DAY",
    "AudienceSettings",
    "IncidentKind",
    "NotificationSettings",
    "Owner",
    "QuietSettings",
    "Severity",
    "TargetRef",
    "Weekday",
]
