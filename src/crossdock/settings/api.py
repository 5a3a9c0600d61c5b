"""The HTTP server: who may call it, and how much."""

from __future__ import annotations

import ipaddress
from datetime import date
from typing import Self

from pydantic import Field, field_validator, model_validator

from crossdock.settings.section import SecretRef, Section


class ApiClient(Section):
    """One system that may call the API: by a token, or by signing each request."""

    token: SecretRef | None = Field(
        default=None,
        description="Its bearer token, as a secret reference. Tokens that expire and can be taken back while Crossdock "
        "runs are made by `crossdock tokens create`.",
    )
    secrets: tuple[SecretRef, ...] = Field(
        default=(),
        description="Secrets with which it signs its requests (docs/security.md), as references; several while one is "
        "changed for another.",
    )
    connection: str = Field(description="The connection on whose behalf it speaks: its ERP.")

    @model_validator(mode="after")
    def _can_be_known(self) -> Self:
        if self.token is None and not self.secrets:
            raise ValueError("needs a token or secrets")
        return self


class GroupSettings(Section):
    """Who may ask a group of addresses, and how often."""

    allow: tuple[str, ...] = Field(
        default=(),
        description="Addresses and networks from which it is asked (`192.0.2.7`, `10.0.0.0/8`); empty: from anywhere. "
        "Behind a proxy, name it in `api.trusted_proxies`.",
    )
    per_minute: int = Field(
        default=0,
        ge=0,
        le=10_000_000,
        description="Requests a minute, as many at once, in each process; more get 429. Of each token or person where "
        "one is needed, else of each address. 0: any number.",
    )

    @field_validator("allow")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _networks(value)


class OpenGroupSettings(GroupSettings):
    """The same, for addresses that need no token by themselves."""

    token: bool = Field(
        default=False,
        description="Whether a bearer token is needed: with the scope `intake` for webhooks (beside their signature), "
        "`read` for metrics.",
    )


class GroupsSettings(Section):
    """Groups of addresses: who may ask them, and how often."""

    failures_per_minute: int = Field(
        default=60,
        ge=1,
        le=1_000_000,
        description="Requests with a token, signature or session that does not hold, a minute, of each address and in "
        "each process; more get 429. Who is known is never kept out by them.",
    )
    webhooks: OpenGroupSettings = Field(
        default_factory=OpenGroupSettings, description="`/webhooks/` and `/hints/`: what tells us of changes."
    )
    erp: GroupSettings = Field(
        default_factory=lambda: GroupSettings(per_minute=60_000), description="`/rest/`: what ERPs push."
    )
    operations: GroupSettings = Field(
        default_factory=lambda: GroupSettings(per_minute=1200), description="`/api/`: the operations API."
    )
    console: GroupSettings = Field(
        default_factory=lambda: GroupSettings(per_minute=1200), description="`/console`: the operators' pages."
    )
    metrics: OpenGroupSettings = Field(default_factory=OpenGroupSettings, description="`/metrics`: Prometheus.")


def _networks(value: tuple[str, ...]) -> tuple[str, ...]:
    for one in value:
        ipaddress.ip_network(one)  # its ValueError says which, and why
    return value


class ApiSettings(Section):
    """The HTTP server that takes webhooks."""

    host: str = Field(
        default="127.0.0.1", description="Address to listen on. Anything but loopback belongs behind TLS."
    )
    port: int = Field(default=8080, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    clients: dict[str, ApiClient] = Field(
        default_factory=dict, description="Systems that may push records, by name. Without one nothing can be pushed."
    )
    v1_deprecated_on: date | None = Field(
        default=None,
        description="Day (UTC) from which /rest/V1 counts as deprecated, told by the header Deprecation of each of its "
        "answers. None: it does not.",
    )
    v1_sunset_on: date | None = Field(
        default=None,
        description="Day (UTC) from which /rest/V1 may not answer any more, told by the header Sunset. None: no day.",
    )
    v1_docs: str = Field(
        default="/openapi.json",
        description="Address of the page that tells callers of /rest/V1 what to use in its place; for the header Link.",
    )
    trusted_proxies: tuple[str, ...] = Field(
        default=(),
        description="Addresses and networks of our own proxies. Only what they add to X-Forwarded-For is believed, "
        "from right to left.",
    )
    groups: GroupsSettings = Field(default_factory=GroupsSettings, description="Groups of addresses.")
    signature_tolerance_s: float = Field(
        default=300,
        ge=1,
        le=3600,
        description="How far the time stamp of a signed request may be from our clock, in seconds.",
    )
    operations_limit: int = Field(
        default=1_000_000,
        ge=1_000,
        le=1_000_000_000,
        description="Largest body taken by the operations API and the console, in bytes; a larger one gets 413.",
    )
    push_limit: int = Field(
        default=20_000_000,
        ge=1_000,
        le=1_000_000_000,
        description="Largest pushed body taken, in bytes; a larger one gets 413.",
    )
    rows_at_once: int = Field(
        default=1000,
        ge=1,
        le=100_000,
        description="Largest push of the second version that is answered row by row; a larger one gets 202 and a job.",
    )
    wait_s: float = Field(
        default=20, ge=0, le=300, description="How long a push waits for what the target says, in seconds."
    )
    request_s: float = Field(
        default=60,
        ge=1,
        le=3600,
        description="Seconds in which a request must have come whole, with its body; else its connection is closed.",
    )
    body_limit: int = Field(
        default=2_200_000,
        ge=1_000,
        le=100_000_000,
        description="Largest webhook taken, in bytes; a larger one gets 413. Adobe's batches have up to 2 MB.",
    )

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _networks(value)


__all__ = ["ApiClient", "ApiSettings", "GroupSettings", "GroupsSettings", "OpenGroupSettings"]
