"""Secrets by their references, wherever they are kept: read once, kept for a while, read again.

A value from a vault is used for its place's `cache_s` seconds. A vault that is away, or refuses, costs nothing that has
been read once: the value goes on being used, and an error is logged without it. How a changed value gets to those who
use it: they ask `again` when the other side refuses what they have (transport.renewal), or `current` each time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Protocol

import structlog

from crossdock.errors import ConfigurationError
from crossdock.model.base import Record
from crossdock.security.aws import AwsPlace
from crossdock.security.secrets import PlaceAway, is_reference, resolve
from crossdock.security.vault import VaultPlace
from crossdock.settings import SecretsSettings

log = structlog.get_logger("crossdock.secrets")
AT_HAND_S = 60.0  # how long `current` uses what env: and file: gave
RETRY_S = 15.0  # after a failure, so long nobody asks the place unless told to


class Place(Protocol):
    """Where secrets are kept. One thread at a time."""

    cache_s: float

    def fetch(self, name: str, field: str) -> str:
        """The secret. Raises ConfigurationError with one problem, in which there is no secret."""

    def tend(self) -> None:
        """Keep the login alive, if it is time. Raises ConfigurationError."""


class Kept(Record, frozen=True, kw_only=True):
    """A value, until when it is used without asking, and when it was read."""

    value: str
    read_at: float
    until: float


class Secrets:
    """What a process knows of its secrets. Safe for threads; calling it is `resolve`."""

    def __init__(self, places: Mapping[str, Place], clock: Callable[[], float] = time.monotonic) -> None:
        self._places = places
        self._clock = clock
        self._kept: dict[str, Kept] = {}
        self._tend_at: dict[str, float] = {}
        self._away: dict[str, float] = {}  # until when a place that did not answer is not asked for what is kept
        self._locks = {scheme: threading.Lock() for scheme in ("env", "file", *places)}

    def __call__(self, ref: str, *, key: str = "") -> str:
        """The secret; from elsewhere at most `cache_s` seconds old. Raises ConfigurationError."""
        place = self._places.get(ref.partition(":")[0])
        if place is None:
            return resolve(ref, key=key)
        kept = self._kept.get(ref)
        return kept.value if kept and self._clock() < kept.until else self._asked(ref, key)

    def again(self, ref: str) -> str:
        """The secret as it is now; as it was, where it cannot be had. Raises ConfigurationError."""
        return self._asked(ref, "", anew=True)

    def current(self, ref: str) -> str:
        """The secret as it was last read: never waits for a place, but the first time. `tend` keeps it fresh."""
        kept = self._kept.get(ref)
        return kept.value if kept else self._asked(ref, "")

    def url(self, url: str, *, key: str) -> str:
        """A URL that may be written out or be a reference as a whole."""
        return self(url, key=key) if is_reference(url) else url

    def missing(self, wanted: Iterable[tuple[str, str]]) -> list[str]:
        """The problems with these (setting, reference), each read once."""
        problems: list[str] = []
        for key, ref in wanted:
            try:
                self(ref, key=key)
            except ConfigurationError as error:
                problems += error.problems
        return problems

    def tend(self) -> None:
        """Keep logins alive, and read what is too old. Problems are logged."""
        for scheme, place in self._places.items():
            if self._clock() >= max(self._tend_at.get(scheme, 0), self._away_until(scheme)):
                self._tended(scheme, place)
        for ref, kept in [*self._kept.items()]:
            if self._clock() >= kept.until:
                self._asked(ref, "")

    def _tended(self, scheme: str, place: Place) -> None:
        try:
            with self._locks[scheme]:
                place.tend()
        except ConfigurationError as error:
            self._tend_at[scheme] = self._clock() + RETRY_S
            log.error("the place of secrets refuses", place=scheme, reason="; ".join(error.problems))

    def _asked(self, ref: str, key: str, *, anew: bool = False) -> str:
        scheme = ref.partition(":")[0]
        asked_at = self._clock()
        with self._locks.get(scheme) or self._locks["env"]:
            now, kept = self._clock(), self._kept.get(ref)
            # what another thread has read since we asked is as new as we could read it
            if kept and (kept.read_at >= asked_at if anew else now < max(kept.until, self._away_until(scheme))):
                return kept.value
            if kept is None and now < self._away_until(scheme):
                raise PlaceAway([f"{key or ref}: {scheme} did not answer just now"])
            try:
                value, cache_s = self._fetched(ref, key)
            except ConfigurationError as error:
                if isinstance(error, PlaceAway):
                    self._away[scheme] = now + RETRY_S
                if kept is None:
                    raise
                log.error("a secret cannot be read again: the last value is used", reason="; ".join(error.problems))
                self._kept[ref] = Kept(value=kept.value, read_at=kept.read_at, until=now + RETRY_S)
                return kept.value
            self._keep(ref, Kept(value=value, read_at=now, until=now + cache_s))
            return value

    def _away_until(self, scheme: str) -> float:
        return self._away.get(scheme, 0)

    def _keep(self, ref: str, found: Kept) -> None:
        before = self._kept.get(ref)
        if before and before.value != found.value:
            log.info("a secret was changed", secret=ref)
        self._kept[ref] = found
        self._away.pop(ref.partition(":")[0], None)

    def _fetched(self, ref: str, key: str) -> tuple[str, float]:
        scheme, _, rest = ref.partition(":")
        place = self._places.get(scheme)
        if place is None:
            return resolve(ref, key=key), AT_HAND_S
        name, mark, field = rest.rpartition("#")
        try:
            return place.fetch(name if mark else rest, field if mark else ""), place.cache_s
        except ConfigurationError as error:
            raise type(error)([f"{key or ref}: {problem}" for problem in error.problems]) from None


@lru_cache(maxsize=16)
def secrets_of(settings: SecretsSettings) -> Secrets:
    """The one of this process for these settings: one login, however many parts ask."""
    places: dict[str, Place] = {}
    if settings.vault:
        places["vault"] = VaultPlace(settings.vault)
    if settings.aws:
        places["aws-sm"] = AwsPlace(settings.aws)
    return Secrets(places)


__all__ = ["Place", "Secrets", "secrets_of"]
