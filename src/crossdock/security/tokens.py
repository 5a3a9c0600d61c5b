"""API tokens: 256 random bits behind a prefix by which they are found where they should not be. Only a hash is kept.

A token has so much chance in it that its hash needs neither salt nor slowness: nobody can guess one.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from crossdock.errors import ConfigurationError
from crossdock.model.base import Record
from crossdock.security.access import ERP, EVERY_ERP, SCOPES, Token

PREFIX = "xd_"
BYTES = 32
FORM = re.compile(r"xd_[A-Za-z0-9_-]{43}")
NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")


class KeptToken(Record, frozen=True, kw_only=True):
    """A token as it is kept: all but itself. Of one name the highest generation is the newest."""

    id: int
    name: str
    generation: int
    scopes: tuple[str, ...]
    connection: str
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None

    def state(self, now: datetime) -> str:
        """`good`, `expired` or `revoked`."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "good"

    def token(self) -> Token:
        """Who it stands for."""
        return Token(id=self.id, name=self.name, scopes=frozenset(self.scopes), connection=self.connection)


class NewToken(Record, frozen=True, kw_only=True):
    """What is asked for. `hash` as `hash_of` makes it; `expires_at` None: it does not expire by itself."""

    name: str
    hash: str
    scopes: tuple[str, ...]
    connection: str = ""
    expires_at: datetime | None = None


def new_token() -> str:
    """Shown once; only `hash_of` it is kept."""
    return PREFIX + secrets.token_urlsafe(BYTES)


def hash_of(secret: str) -> str:
    """SHA-256 in lower-case hex."""
    return sha256(secret.encode()).hexdigest()


def is_token(text: str) -> bool:
    """Whether it looks like one of ours: nothing else is worth a question to the database."""
    return FORM.fullmatch(text) is not None


def checked(name: str, scopes: Sequence[str], connection: str, connections: Sequence[str]) -> tuple[str, ...]:
    """The scopes, each once, in order. Raises ConfigurationError with every problem."""
    problems = [] if NAME.fullmatch(name) else ["a token's name: small letters, digits, - and _, at most 40"]
    problems += [f"there is no scope {one}, only {', '.join(SCOPES)}" for one in scopes if one not in SCOPES]
    problems += [] if scopes else [f"name at least one scope of {', '.join(SCOPES)}"]
    pushes = any(one == EVERY_ERP or one in ERP for one in scopes)
    if pushes and not connection:
        problems.append("what an ERP pushes is of one connection: name it")
    if connection and connection not in connections:
        problems.append(f"there is no connection {connection}, only {', '.join(sorted(connections)) or 'none'}")
    if problems:
        raise ConfigurationError(problems)
    return tuple(one for one in SCOPES if one in scopes)
