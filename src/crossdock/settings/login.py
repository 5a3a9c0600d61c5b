"""How people log in to the console."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from crossdock.settings.section import REFERENCE, Section

RoleName = Literal["viewer", "operator", "approver", "admin"]


class OidcSettings(Section):
    """Logging in by an OpenID Connect provider: authorization code with PKCE."""

    issuer: str = Field(
        pattern=r"^https?://.+",
        description="The provider's own name of itself, to the letter; its description is read below "
        "`/.well-known/openid-configuration`. https, but for this machine itself.",
    )
    client_id: str = Field(min_length=1, description="What the provider calls this Crossdock.")
    client_secret: str | None = Field(
        default=None, pattern=REFERENCE, description="As a secret reference; none for a public client, which has PKCE."
    )
    public_url: str = Field(
        pattern=r"^https?://[^/]+$",
        description="Where people reach this Crossdock (`https://crossdock.example`). The provider is to allow "
        "`PUBLIC_URL/console/oidc/callback`.",
    )
    scopes: tuple[str, ...] = Field(
        default=("openid", "profile"), description="What is asked for; `openid` must be among them."
    )
    name_claim: str = Field(
        default="preferred_username", description="The claim that people are called by in the audit trail."
    )
    role_claim: str = Field(
        default="roles", description="The claim with a person's groups, a text or a list; a dot leads into a claim."
    )
    roles: dict[str, RoleName] = Field(
        default_factory=dict, description="A role for each group of the claim that has one; of several the highest."
    )
    default_role: RoleName | None = Field(
        default=None, description="For people with no group that has a role. Without it they are not let in."
    )
    ca_file: str = Field(default="", description="Certificates to trust beside the system's, as a PEM file.")
    leeway_s: float = Field(default=60, ge=0, le=600, description="How far the two clocks may differ, in seconds.")

    @field_validator("scopes")
    @classmethod
    def _asks_for_openid(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "openid" not in value:
            raise ValueError("openid must be among them")
        return value


class LoginSettings(Section):
    """How people log in to the console."""

    tries: int = Field(
        default=10, ge=1, le=1000, description="Failed logins under one name, a user's or not, before it is locked."
    )
    address_tries: int = Field(
        default=50, ge=1, le=100_000, description="Failed logins from one address before it is locked."
    )
    lock_minutes: float = Field(
        default=15,
        gt=0,
        le=1440,
        description="How long a lock holds, and after how long without another try failures are forgotten, in minutes.",
    )
    idle_minutes: float = Field(
        default=60, ge=2, le=10_080, description="After how long without a request a session ends, in minutes."
    )
    session_hours: float = Field(
        default=12, gt=0, le=720, description="After how long a session ends in any case, in hours."
    )
    plain_http: bool = Field(
        default=False,
        description="Cookies without `Secure`, for a trial without TLS on another machine. Whoever listens on the way "
        "takes a session over.",
    )
    oidc: OidcSettings | None = Field(default=None, description="An OpenID Connect provider.")


__all__ = ["LoginSettings", "OidcSettings", "RoleName"]
