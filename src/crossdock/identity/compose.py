"""The doorman and the gate as the settings say."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from prometheus_client import CollectorRegistry

from crossdock.app import Crossdock, Role, utc_now
from crossdock.identity.cookies import Cookies
from crossdock.identity.doorman import Client, Doorman, Limits
from crossdock.identity.gate import Gate, Rules
from crossdock.identity.logins import LoginRules, Logins
from crossdock.identity.sign_on import SignOn
from crossdock.security.access import Permission
from crossdock.security.network import networks
from crossdock.security.passwords import Passwords
from crossdock.settings import ApiSettings, GroupSettings, Settings
from crossdock.telemetry.catalogue import REFUSED


def cookies_of(settings: Settings) -> Cookies:
    """Over https only, unless a setting says otherwise."""
    return Cookies(secure=not settings.login.plain_http)


def logins_of(crossdock: Crossdock) -> Logins:
    """Logging in and out."""
    login = crossdock.settings.login
    rules = LoginRules(
        tries=login.tries,
        address_tries=login.address_tries,
        lock=timedelta(minutes=login.lock_minutes),
        idle=timedelta(minutes=login.idle_minutes),
        longest=timedelta(hours=login.session_hours),
    )
    return Logins(crossdock.store.users, Passwords(), rules, utc_now)


def sign_on_of(crossdock: Crossdock) -> SignOn | None:
    """The OIDC provider, if there is one. Raises ConfigurationError for a secret that cannot be read."""
    oidc = crossdock.settings.login.oidc
    return SignOn(oidc, utc_now, crossdock.secrets.current) if oidc else None


def doorman_of(crossdock: Crossdock, logins: Logins) -> Doorman:
    """Raises ConfigurationError for a secret that cannot be read."""
    api = crossdock.settings.api
    secrets = crossdock.secrets

    def clients() -> tuple[Client, ...]:
        return tuple(
            Client(
                name=name,
                connection=one.connection,
                token=secrets.current(one.token) if one.token else "",
                secrets=tuple(secrets.current(each) for each in one.secrets),
            )
            for name, one in (api.clients.items() if Role.API in crossdock.roles else ())
        )

    clients()  # what cannot be read is told now
    limits = Limits(
        known={"erp": api.groups.erp.per_minute, "operations": api.groups.operations.per_minute},
        failures=api.groups.failures_per_minute,
        tolerance=timedelta(seconds=api.signature_tolerance_s),
    )
    cookie = cookies_of(crossdock.settings).session
    return Doorman(clients, crossdock.store.access, limits, utc_now, sessions=logins, cookie=cookie)


def gated(app: Any, api: ApiSettings, doorman: Doorman, registry: CollectorRegistry) -> Gate:
    """Behind the gate. Where somebody must be known, it is they who are counted, by the doorman; else addresses."""
    groups = api.groups

    def rules(group: GroupSettings, **more: Any) -> Rules:
        return Rules(allow=networks(group.allow), **more)

    metrics, webhooks = groups.metrics, groups.webhooks
    found = {
        # a webhook's body is limited where it is read
        "webhooks": rules(
            webhooks, per_minute=webhooks.per_minute, scope=Permission.INTAKE if webhooks.token else None
        ),
        "erp": rules(groups.erp, body_limit=api.push_limit),
        "operations": rules(groups.operations, body_limit=api.operations_limit),
        "console": rules(groups.console, body_limit=api.operations_limit, per_minute=groups.console.per_minute),
        "metrics": rules(metrics, per_minute=metrics.per_minute, scope=Permission.READ if metrics.token else None),
    }
    refused = REFUSED.counter(registry)

    def count(group: str, status: int) -> None:
        refused.labels(group, str(status)).inc()

    return Gate(app, found, networks(api.trusted_proxies), doorman, refused=count)
