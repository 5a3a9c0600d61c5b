"""The settings file: one TOML, checked whole before anything starts.

`load` reads `crossdock.toml`, lets the environment override single keys (CROSSDOCK__DATABASE__URL is `database.url`),
and names every problem at once. Secrets are never in it: they stay references such as `env:NAME` or `file:PATH`, which
`crossdock.security.secrets.resolve` turns into the secret where it is used.
"""

from __future__ import annotations

from crossdock.settings.api import ApiSettings, GroupSettings
from crossdock.settings.flow_options import ProductsOptions
from crossdock.settings.login import LoginSettings, OidcSettings
from crossdock.settings.notifications import AudienceSettings, IncidentKind, NotificationSettings, Severity
from crossdock.settings.options import DEFAULT_RULES, RouteOptions
from crossdock.settings.reading import DEFAULT_FILE, FILE_VARIABLE, find, load, told
from crossdock.settings.routes import EVERY_FLOW, EXPORT_FLOWS, LookupSettings, RouteSettings
from crossdock.settings.running import TracingSettings
from crossdock.settings.secrets import (
    AwsSettings,
    SecretsSettings,
    VaultAppRole,
    VaultKubernetes,
    VaultSettings,
    VaultToken,
)
from crossdock.settings.section import SCHEMES, OptionalSecretRef, SecretRef
from crossdock.settings.storage import BrokerSettings
from crossdock.settings.whole import PREFIX, Settings

__all__ = [
    "DEFAULT_FILE",
    "DEFAULT_RULES",
    "EVERY_FLOW",
    "EXPORT_FLOWS",
    "FILE_VARIABLE",
    "PREFIX",
    "SCHEMES",
    "ApiSettings",
    "AudienceSettings",
    "AwsSettings",
    "BrokerSettings",
    "GroupSettings",
    "IncidentKind",
    "LoginSettings",
    "LookupSettings",
    "NotificationSettings",
    "OidcSettings",
    "OptionalSecretRef",
    "ProductsOptions",
    "RouteOptions",
    "RouteSettings",
    "SecretRef",
    "SecretsSettings",
    "Settings",
    "Severity",
    "TracingSettings",
    "VaultAppRole",
    "VaultKubernetes",
    "VaultSettings",
    "VaultToken",
    "find",
    "load",
    "told",
]
