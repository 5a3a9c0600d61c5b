"""The whole file, and what its parts must say of each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from crossdock.settings.api import ApiSettings
from crossdock.settings.login import LoginSettings
from crossdock.settings.notifications import NotificationSettings
from crossdock.settings.reconcile import ReconcileSettings
from crossdock.settings.routes import LookupSettings, RouteSettings
from crossdock.settings.running import DeliverySettings, LogSettings, TracingSettings, WorkerSettings
from crossdock.settings.secrets import SecretsSettings, SecuritySettings
from crossdock.settings.section import CONNECTION_NAME
from crossdock.settings.storage import ArchiveSettings, AuditSettings, BrokerSettings, DatabaseSettings

PREFIX = "CROSSDOCK__"
ConnectionTable = Annotated[dict[str, Any], Field(description="`kind`, and that kind's own settings.")]


class Settings(BaseSettings):
    """The whole file."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        validate_default=True,
        env_prefix=PREFIX,
        env_nested_delimiter="__",
    )

    database: DatabaseSettings = Field(default_factory=DatabaseSettings, description="Storage.")
    broker: BrokerSettings = Field(default_factory=BrokerSettings, description="Many processes.")
    api: ApiSettings = Field(default_factory=ApiSettings, description="The HTTP server.")
    login: LoginSettings = Field(default_factory=LoginSettings, description="How people log in.")
    workers: WorkerSettings = Field(default_factory=WorkerSettings, description="The threads that deliver.")
    delivery: DeliverySettings = Field(default_factory=DeliverySettings, description="Retries.")
    security: SecuritySettings = Field(default_factory=SecuritySettings, description="Keys.")
    secrets: SecretsSettings = Field(default_factory=SecretsSettings, description="Where secrets are.")
    audit: AuditSettings = Field(default_factory=AuditSettings, description="The audit trail.")
    archive: ArchiveSettings = Field(default_factory=ArchiveSettings, description="The archive.")
    log: LogSettings = Field(default_factory=LogSettings, description="Logs.")
    tracing: TracingSettings = Field(default_factory=TracingSettings, description="Traces.")
    connections: dict[str, ConnectionTable] = Field(
        default_factory=dict, description="The systems that are connected, by name. Each kind has its own settings."
    )
    routes: tuple[RouteSettings, ...] = Field(default=(), description="What goes from where to where.")
    reconcile: ReconcileSettings = Field(default_factory=ReconcileSettings, description="Comparing both sides.")
    notifications: NotificationSettings = Field(default_factory=NotificationSettings, description="Telling people.")
    lookups: dict[str, LookupSettings] = Field(
        default_factory=dict, description="Tables of codes, by name (docs/lookups.md)."
    )

    @field_validator("connections")
    @classmethod
    def _are_named_and_of_a_kind(cls, value: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        problems = [*_connection_problems(value)]
        if problems:
            raise ValueError("; ".join(problems))
        return value

    @field_validator("routes")
    @classmethod
    def _join_known_connections(
        cls, value: tuple[RouteSettings, ...], info: ValidationInfo
    ) -> tuple[RouteSettings, ...]:
        problems = [*_route_problems(value, info.data["connections"])] if "connections" in info.data else []
        if problems:
            raise ValueError("; ".join(problems))
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment goes before the file; nothing else is read."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings


def _connection_problems(connections: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for name, table in connections.items():
        if not CONNECTION_NAME.fullmatch(name):
            yield f"{name!r} is no connection name (small letters, digits, - and _, a letter first, at most 40)"
        if not isinstance(table.get("kind"), str):
            yield f"{name} needs its kind"


def _route_problems(routes: Sequence[RouteSettings], connections: Mapping[str, Any]) -> Iterator[str]:
    seen: set[tuple[str, str]] = set()
    for index, route in enumerate(routes):
        unknown = {route.source, route.target} - connections.keys()
        if unknown:
            yield f"[{index}] names {', '.join(sorted(map(repr, unknown)))}, which is not among the connections"
        if route.source == route.target:
            yield f"[{index}] goes back to where it comes from"
        if (route.source, route.target) in seen:
            yield f"[{index}] joins the same two connections as an earlier one"
        seen.add((route.source, route.target))


__all__ = ["PREFIX", "ConnectionTable", "Settings"]
