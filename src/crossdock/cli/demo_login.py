"""Somebody to look at the demo's console with."""

from __future__ import annotations

import secrets

from crossdock.app import Crossdock, utc_now
from crossdock.security.access import Role
from crossdock.security.passwords import Passwords
from crossdock.security.users import KeptUser

NAME = "demo"


def let_in(crossdock: Crossdock) -> str:
    """A new admin; the password, which is told once and kept nowhere."""
    password, now = secrets.token_urlsafe(12), utc_now()
    user = KeptUser(id=0, name=NAME, role=Role.ADMIN, password=Passwords().hash(password), created_at=now)
    crossdock.store.users.add(user, "cli:demo", now)
    return password
