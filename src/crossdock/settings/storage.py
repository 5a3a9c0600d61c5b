"""Where messages, deliveries and the audit trail are kept, and for how long."""

from __future__ import annotations

import re

from pydantic import Field, ValidationInfo, field_validator

from crossdock.settings.section import REFERENCE, Section


class DatabaseSettings(Section):
    """Where messages, deliveries and the audit trail are kept."""

    url: str = Field(
        default="sqlite:///crossdock.sqlite",
        description="SQLAlchemy URL of SQLite or PostgreSQL (`postgresql+psycopg://user@host/name`). It may be a "
        "reference (`env:DATABASE_URL`) so that a password stays out of this file.",
    )


class BrokerSettings(Section):
    """What tells workers in other processes that something is due. It carries row numbers only."""

    url: str = Field(
        default="",
        description="AMQP URL of RabbitMQ (`amqp://user:password@host:5672/vhost`, `amqps://…`), or a reference "
        "(`env:BROKER_URL`) so that a password stays out of this file. Needs PostgreSQL and the extra `fleet`. Empty: "
        "workers find what is due in the database alone.",
    )

    @field_validator("url")
    @classmethod
    def _is_amqp(cls, value: str) -> str:
        if value and not value.startswith(("amqp://", "amqps://")) and not re.match(REFERENCE, value):
            raise ValueError("must be an amqp:// or amqps:// URL, or a reference to one")
        return value


class KeepDays(Section):
    """How many days what can be forgotten is kept. What is unresolved is never removed, however old."""

    payloads: int = Field(
        default=90,
        ge=1,
        le=36_500,
        description="Requests, responses and message bodies. The rows that speak of them, and their hashes, stay.",
    )
    rows: int = Field(
        default=3650,
        ge=1,
        le=36_500,
        description="Rows of the audit trail: who did what, when, and what was answered. Not below `payloads`. The "
        "chain of hashes stays whole: an anchor holds the place of what went.",
    )

    @field_validator("rows")
    @classmethod
    def _not_below_their_bodies(cls, value: int, info: ValidationInfo) -> int:
        if value < info.data.get("payloads", value):
            raise ValueError("must not be below payloads")
        return value


class AuditSettings(Section):
    """The audit trail."""

    keep_days: KeepDays = Field(default_factory=KeepDays, description="Retention by class, in days.")


class ArchiveSettings(Section):
    """Orders of which nothing more is expected, moved out of the tables that every delivery goes through."""

    after_days: int = Field(
        default=0,
        ge=0,
        le=36_500,
        description="Days after which an order goes to the archive, counted from the last thing done for it; 0: never. "
        "It comes back by itself when anything is heard of it. Switch it on once all processes are of one version.",
    )


__all__ = ["ArchiveSettings", "AuditSettings", "BrokerSettings", "DatabaseSettings", "KeepDays"]
