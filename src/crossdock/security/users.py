"""People who work with Crossdock, and their sessions. Pure."""

from __future__ import annotations

import base64
import hmac
import re
import secrets
from datetime import datetime, timedelta
from hashlib import sha256

from crossdock.errors import ConfigurationError
from crossdock.model.base import Record
from crossdock.security.access import Person, Role

NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")
SESSION_BYTES = 32


class KeptUser(Record, frozen=True, kw_only=True):
    """As they are kept. `password` is its hash, "" for who comes by OIDC; `identity` is whom their provider names."""

    id: int
    name: str
    role: Role
    password: str = ""
    identity: str = ""
    created_at: datetime
    created_by: str = ""
    disabled_at: datetime | None = None


class KeptSession(Record, frozen=True, kw_only=True):
    """A session with whose it is."""

    hash: str
    user: KeptUser
    seen_at: datetime
    expires_at: datetime

    def holds(self, now: datetime, idle: timedelta) -> bool:
        """Neither too old nor too long unused, and its owner is not disabled."""
        return self.user.disabled_at is None and now < self.expires_at and now < self.seen_at + idle


class Fence(Record, frozen=True, kw_only=True):
    """Under which key tries are counted, and how many there may be before it is locked."""

    key: str
    most: int


def fence(kind: str, value: str, most: int) -> Fence:
    """Nobody reads from the table who or where it was."""
    return Fence(key=sha256(f"{kind}:{value}".encode()).hexdigest(), most=most)


def new_session() -> str:
    """The cookie's value; only its hash is kept."""
    return secrets.token_urlsafe(SESSION_BYTES)


def csrf_of(session: str) -> str:
    """Bound to the session: whoever cannot read the cookie cannot make it."""
    made = hmac.new(session.encode(), b"crossdock:csrf", sha256).digest()
    return base64.urlsafe_b64encode(made).decode().rstrip("=")


def person_of(kept: KeptSession, session: str) -> Person:
    """Who it is."""
    user = kept.user
    return Person(id=user.id, name=user.name, role=user.role, csrf=csrf_of(session), session=kept.hash)


def login_name(text: str) -> str:
    """As it is kept and looked up."""
    return text.strip().lower()


def checked_name(text: str) -> str:
    """Raises ConfigurationError. No colon: such names are of OIDC."""
    name = login_name(text)
    if not NAME.fullmatch(name):
        raise ConfigurationError(["a user's name: small letters, digits and . _ @ + -, at most 64"])
    return name


def checked_role(text: str) -> Role:
    """Raises ConfigurationError."""
    if text not in {str(one) for one in Role}:
        raise ConfigurationError([f"there is no role {text}, only {', '.join(Role)}"])
    return Role(text)


def is_of_form(given: str, cookie: str) -> bool:
    """Whether a form came from a page that the same browser was given with this cookie."""
    return bool(cookie) and hmac.compare_digest(given.encode(), csrf_of(cookie).encode())
