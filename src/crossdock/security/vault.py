"""HashiCorp Vault and OpenBao: `vault:PATH#FIELD` of a KV engine, version 2.

The login is renewed once two thirds of its life are over, made anew where a renewal gives less than half of that life
(its greatest age comes near), and made anew once after a 403. No text of ours has anything of the vault's answers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from crossdock.errors import ConfigurationError
from crossdock.model.base import Record
from crossdock.security.secrets import PlaceAway, resolve
from crossdock.settings import VaultAppRole, VaultKubernetes, VaultSettings, VaultToken

SPENT = 2 / 3  # the share of its life after which a login is renewed
FUTILE_S = 60.0  # after a new login that did not help against a 403
WORTH = 1 / 2  # a renewal that gives less of the first life than this is the last but one


class Lease(Record, frozen=True, kw_only=True):
    """How long a login is good: seconds at first and now, and since when. `seconds` 0: for ever."""

    first: float
    seconds: float
    since: float
    renewable: bool

    def is_spent(self, now: float) -> bool:
        """Whether it is time to renew it."""
        return self.seconds > 0 and now - self.since >= self.seconds * SPENT

    @property
    def ends(self) -> bool:
        """Whether the renewals are coming to their end."""
        return self.seconds < self.first * WORTH


class VaultPlace:
    """One vault. One thread at a time."""

    def __init__(self, settings: VaultSettings, clock: Callable[[], float] = time.monotonic) -> None:
        try:
            import hvac
            import hvac.exceptions
            from requests import RequestException
        except ModuleNotFoundError as error:
            raise ConfigurationError(["secrets.vault: needs the extra: pip install 'crossdock[vault]'"]) from error
        self._refusals = hvac.exceptions
        self._absences = (RequestException, hvac.exceptions.VaultDown, hvac.exceptions.InternalServerError)
        self._settings = settings
        self._clock = clock
        self._lease: Lease | None = None
        self._futile: dict[str, float] = {}  # until when another login is not worth trying for a path
        self.cache_s = settings.cache_s
        self._client = hvac.Client(
            url=settings.address,
            token="",  # not the one that lies in somebody's home
            namespace=settings.namespace or None,
            verify=settings.ca_file or True,
            timeout=settings.timeout_s,
        )
        self._client.session.trust_env = False  # no proxy, no certificates and no .netrc but what the settings say

    def fetch(self, name: str, field: str) -> str:
        """A field of the newest version. Raises ConfigurationError."""
        if not name or not field:
            raise ConfigurationError(["vault: wants a path and a field, as vault:PATH#FIELD"])
        try:
            found = self._read(name)
        except self._absences:
            raise PlaceAway([f"the vault at {self._settings.address} does not answer"]) from None
        except self._refusals.InvalidPath:
            where = f"{self._settings.mount}/{name}"
            raise ConfigurationError([f"the vault has no secret at {where} (KV version 2)"]) from None
        except self._refusals.Forbidden:
            raise ConfigurationError([f"the vault refuses to show {name} to this login"]) from None
        except self._refusals.VaultError as error:
            raise ConfigurationError([f"the vault refuses {name}: {type(error).__name__}"]) from None
        value = found.get(field)
        if not isinstance(value, str) or not value:
            raise ConfigurationError([f"the vault's secret {name} has no text in a field {field}"])
        return value

    def tend(self) -> None:
        """Renew the login if it is time. Raises ConfigurationError."""
        if self._lease is None:
            return
        try:
            self._log_in()
        except self._absences:
            raise PlaceAway([f"the vault at {self._settings.address} does not answer"]) from None
        except self._refusals.VaultError as error:
            raise ConfigurationError([f"the login cannot be renewed: {type(error).__name__}"]) from None

    def _read(self, name: str) -> Mapping[str, Any]:
        self._log_in()
        try:
            return self._ask(name)
        except self._refusals.Forbidden:
            if self._clock() < self._futile.get(name, 0):
                raise
            self._lease = None  # it may have been revoked, or its role may have got more rights
            self._log_in()
            self._futile[name] = self._clock() + FUTILE_S
            found = self._ask(name)
            del self._futile[name]
            return found

    def _ask(self, name: str) -> Mapping[str, Any]:
        answer = self._client.secrets.kv.v2.read_secret_version(
            path=name, mount_point=self._settings.mount, raise_on_deleted_version=True
        )
        found: Mapping[str, Any] = answer["data"]["data"]
        return found

    def _log_in(self) -> None:
        lease = self._lease
        if lease is not None and not lease.is_spent(self._clock()):
            return
        if lease is not None and lease.renewable and not lease.ends and self._renewed(lease):
            return
        self._lease = None
        told = self._logged_in()
        seconds = float(told["lease_duration"])
        self._lease = Lease(first=seconds, seconds=seconds, since=self._clock(), renewable=bool(told["renewable"]))

    def _renewed(self, lease: Lease) -> bool:
        try:
            told = self._client.auth.token.renew_self()["auth"]
        except self._refusals.VaultError:
            return False  # it has run out, was revoked, or is too old (OpenBao says 500 to that)
        self._lease = Lease(
            first=lease.first, seconds=float(told["lease_duration"]), since=self._clock(), renewable=told["renewable"]
        )
        return not self._lease.ends or isinstance(self._settings.auth, VaultToken)

    def _logged_in(self) -> Mapping[str, Any]:
        auth = self._settings.auth
        if isinstance(auth, VaultToken):
            return self._taken(auth)
        try:
            told: Mapping[str, Any] = self._asked_in(auth)["auth"]
        except (self._refusals.InvalidRequest, self._refusals.Forbidden, self._refusals.Unauthorized):
            raise ConfigurationError([f"the vault refuses the login by {auth.method}"]) from None
        return told

    def _asked_in(self, auth: VaultAppRole | VaultKubernetes) -> Mapping[str, Any]:
        told: Mapping[str, Any]
        if isinstance(auth, VaultAppRole):
            role = resolve(auth.role_id, key="secrets.vault.auth.role_id")
            secret = resolve(auth.secret_id, key="secrets.vault.auth.secret_id")
            told = self._client.auth.approle.login(role, secret, mount_point=auth.mount)
        else:
            jwt = resolve(auth.jwt, key="secrets.vault.auth.jwt")
            told = self._client.auth.kubernetes.login(auth.role, jwt, mount_point=auth.mount)
        return told

    def _taken(self, auth: VaultToken) -> Mapping[str, Any]:
        self._client.token = resolve(auth.token, key="secrets.vault.auth.token")
        try:
            told = self._client.auth.token.lookup_self()["data"]
        except self._refusals.Forbidden:
            raise ConfigurationError(["the vault refuses the token"]) from None
        return {"lease_duration": told["ttl"], "renewable": told["renewable"]}
