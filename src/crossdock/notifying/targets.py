"""Where people are told: Apprise, behind one door. It is loaded where the first target is asked for."""

from __future__ import annotations

import logging
import re
import threading
import warnings
from functools import cache
from importlib.util import find_spec
from typing import Any, Protocol, Self

from crossdock import log
from crossdock.errors import ConfigurationError
from crossdock.incidents.records import digest_of
from crossdock.model.base import Record
from crossdock.security.places import Secrets
from crossdock.security.secrets import is_reference

LONGEST = 300
LOADING = threading.Lock()
SHORT = 4  # a part of an address that is no longer gives nothing away
PUBLIC = frozenset({"https", "http", "json", "jsons", "mailto", "mailtos", "localhost", "method", "format", "hooks"})


class Target(Record, frozen=True, kw_only=True):
    """One place of an audience, by the reference to its address. `name` is what is kept of who has taken a message."""

    ref: str

    @property
    def name(self) -> str:
        """The same for the same reference."""
        return digest_of(self.ref)


class Tells(Protocol):
    """Brings a message to a target."""

    def tell(self, target: Target, title: str, body: str, kind: str) -> str:
        """Why not, without a secret; an empty text where it was taken. `kind`: info, success, warning, failure."""


class AppriseTargets:
    """Safe for many threads."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def tell(self, target: Target, title: str, body: str, kind: str) -> str:
        """See Tells. Bounded in time by what Apprise waits for its plugins."""
        try:
            url = self._secrets(target.ref) if is_reference(target.ref) else target.ref
            plugin = opened(url)
        except ConfigurationError as error:
            return "; ".join(error.problems)[:LONGEST]
        if plugin is None:
            return "is no URL that Apprise knows: https://appriseit.com/services/ lists them"
        with _Heard() as heard:
            try:
                taken = plugin.notify(title=title, body=body, notify_type=kind, body_format="text")
            except Exception as error:  # noqa: BLE001  a plugin of another house: whatever it raises is its answer
                return masked(f"{type(error).__name__}: {error}", url)
        return "" if taken else masked("; ".join(heard.lines) or "it was not taken, and not said why", url)


def needs_extra() -> None:
    """Raises ConfigurationError where Apprise is not installed. Loads nothing."""
    if find_spec("apprise") is None:
        raise ConfigurationError(["notifications: needs the extra: pip install 'crossdock[notify]'"])


def opened(url: str) -> Any:
    """Apprise's plugin for a URL, or None. Raises ConfigurationError without the extra."""
    needs_extra()
    with LOADING:
        _load()
    with _Heard():
        return _load().instantiate(url, suppress_exceptions=True)


@cache
def _load() -> Any:
    """With its hundred plugins, which takes a second; what is deprecated in them is no affair of ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from apprise import Apprise

        Apprise.instantiate("json://localhost")
    theirs = logging.getLogger("apprise")
    theirs.propagate = False  # it names addresses; what it says is told masked
    theirs.setLevel(logging.WARNING)  # why a target did not take it is wanted whatever our own log's level is
    return Apprise


def masked(text: str, url: str) -> str:
    """Without any part of the address that may be a secret."""
    for part in sorted(set(re.split(r"[:/?&=@#]+", url)), key=len, reverse=True):
        if len(part) > SHORT and part.lower() not in PUBLIC:
            text = text.replace(part, "***")
    return log.clean(text)[:LONGEST]


class _Heard(logging.Handler):
    """What Apprise logs in this thread, from warnings on."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.lines.append(record.getMessage())

    def __enter__(self) -> Self:
        logging.getLogger("apprise").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("apprise").removeHandler(self)


__all__ = ["AppriseTargets", "Target", "Tells", "masked", "needs_extra", "opened"]
