"""Keys, and the vaults that secrets are read from."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from crossdock.settings.section import REFERENCE, SecretAtHand, SecretRef, Section


class SecuritySettings(Section):
    """What protects the stored payloads."""

    master_key: str = Field(
        default="file:.crossdock/master.key",
        description="Reference to the master key that wraps each subject's own key: 32 bytes in base64. "
        "`crossdock init` makes one. Without it no stored payload can be read again: keep a copy elsewhere.",
    )

    old_master_keys: tuple[SecretRef, ...] = Field(
        default=(),
        description="References to former master keys. What they wrap can be read still; `crossdock keys rotate` wraps "
        "it anew, and once `crossdock keys status` finds none left they may go (docs/secrets.md).",
    )

    @field_validator("master_key")
    @classmethod
    def _is_a_reference(cls, value: str) -> str:
        if not re.match(REFERENCE, value):
            raise ValueError("must be a reference (env:NAME or file:PATH), never the key itself")
        return value


class VaultToken(Section):
    """A token that somebody else looks after, such as Vault's own agent. Renewed where it can be."""

    method: Literal["token"] = Field(description="A token from elsewhere.")
    token: SecretAtHand = Field(
        description="The token, as `env:` or `file:`; read anew where the vault refuses it, so that an agent may write "
        "another one into the file."
    )


class VaultAppRole(Section):
    """A role's id and secret id."""

    method: Literal["approle"] = Field(description="AppRole.")
    role_id: SecretAtHand = Field(description="The role's id, as `env:` or `file:`.")
    secret_id: SecretAtHand = Field(description="Its secret id, as `env:` or `file:`.")
    mount: str = Field(default="approle", min_length=1, description="Where the method is mounted.")


class VaultKubernetes(Section):
    """The pod's service account."""

    method: Literal["kubernetes"] = Field(description="A service account of Kubernetes.")
    role: str = Field(min_length=1, description="The role at the vault.")
    jwt: SecretAtHand = Field(
        default="file:/var/run/secrets/kubernetes.io/serviceaccount/token",
        description="The service account's token, as `env:` or `file:`; read at each login.",
    )
    mount: str = Field(default="kubernetes", min_length=1, description="Where the method is mounted.")


class VaultSettings(Section):
    """HashiCorp Vault or OpenBao, secrets engine KV version 2: `vault:PATH#FIELD`. Needs the extra `vault`."""

    address: str = Field(description="Its address, as `https://vault.example.com:8200`; http only to this machine.")
    mount: str = Field(default="secret", min_length=1, description="Where the secrets engine is mounted.")
    namespace: str = Field(default="", description="The namespace, where there are several.")
    auth: Annotated[VaultToken | VaultAppRole | VaultKubernetes, Field(discriminator="method")] = Field(
        description="How it is logged in."
    )
    ca_file: str = Field(default="", description="PEM file with the certificate authority of its certificate.")
    cache_s: float = Field(
        default=300, ge=1, le=86_400, description="How long a value that was read is used before it is read again."
    )
    timeout_s: float = Field(default=5, gt=0, le=60, description="Seconds that it may take to answer.")

    @field_validator("address")
    @classmethod
    def _is_safe(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query:
            raise ValueError("an address like https://vault.example.com:8200 is wanted")
        if parts.scheme == "http" and parts.hostname not in {"localhost", "127.0.0.1", "::1"}:
            raise ValueError("http goes to this machine only: secrets would cross the network in the clear")
        return value.rstrip("/")


class AwsSettings(Section):
    """AWS Secrets Manager: `aws-sm:NAME` or `aws-sm:NAME#FIELD`. Needs the extra `aws`.

    Credentials are found as by every tool of AWS: environment, profile, or the machine's role.
    """

    region: str = Field(default="", description="The region; empty: as AWS's own configuration says.")
    endpoint: str = Field(default="", description="Another address of the service; for tests and private endpoints.")
    cache_s: float = Field(
        default=300, ge=1, le=86_400, description="How long a value that was read is used before it is read again."
    )
    timeout_s: float = Field(default=5, gt=0, le=60, description="Seconds that it may take to answer.")


class SecretsSettings(Section):
    """Where secrets are kept besides environment variables and files."""

    vault: VaultSettings | None = Field(default=None, description="HashiCorp Vault or OpenBao.")
    aws: AwsSettings | None = Field(default=None, description="AWS Secrets Manager.")


__all__ = [
    "AwsSettings",
    "SecretsSettings",
    "SecuritySettings",
    "VaultAppRole",
    "VaultKubernetes",
    "VaultSettings",
    "VaultToken",
]
