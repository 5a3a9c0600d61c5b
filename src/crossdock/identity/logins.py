"""Logging in and out, and whose session it is. Everything here waits for the database: call it in a thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from crossdock.model.base import Record
from crossdock.security.access import Person, Role
from crossdock.security.network import caller
from crossdock.security.passwords import Passwords, problems_of
from crossdock.security.tokens import hash_of
from crossdock.security.users import Fence, KeptSession, KeptUser, fence, login_name, new_session, person_of

log = structlog.get_logger("crossdock.identity")
SEEN_EVERY = timedelta(minutes=1)
LONGEST_COOKIE = 100


class KeepsUsers(Protocol):
    """What the database is asked for."""

    def user(self, name: str) -> KeptUser | None:
        """Disabled or not."""

    def known_as(self, identity: str) -> KeptUser | None:
        """By whom an OIDC provider names."""

    def add(self, user: KeptUser, by: str, now: datetime) -> bool:
        """False where the name is there already."""

    def set_role(self, name: str, role: Role, by: str, why: str, now: datetime) -> bool:
        """From the next request on."""

    def set_password(self, name: str, hashed: str, by: str, now: datetime) -> bool:
        """Ends every session that was begun with another."""

    def rehash(self, name: str, hashed: str) -> None:
        """The same password at today's costs."""

    def begin_try(self, fences: Sequence[Fence], lock: timedelta, now: datetime) -> bool:
        """Counts a try before it is made. False: locked."""

    def succeeded(self, of_name: Fence, of_address: Fence) -> None:
        """It was a good one."""

    def open_session(
        self, user: KeptUser, digest: str, instead_of: str, method: str, now: datetime, until: datetime
    ) -> None:
        """In the place of the one that the browser had."""

    def session(self, digest: str) -> KeptSession | None:
        """Whether it holds is the caller's to say."""

    def session_seen(self, digest: str, now: datetime) -> None:
        """Nobody waits for it."""

    def end_session(self, digest: str, name: str, now: datetime) -> bool:
        """Logged out."""


class LoginRules(Record, frozen=True, kw_only=True):
    """As `[login]` says."""

    tries: int = 10
    address_tries: int = 50
    lock: timedelta = timedelta(minutes=15)
    idle: timedelta = timedelta(minutes=60)
    longest: timedelta = timedelta(hours=12)


class Told(Record, frozen=True, kw_only=True):
    """Who an OIDC provider says that somebody is: `identity` for ever theirs, `name` for people to read."""

    identity: str
    name: str
    role: Role


class Logins:
    """Safe for many threads."""

    def __init__(
        self, users: KeepsUsers, passwords: Passwords, rules: LoginRules, clock: Callable[[], datetime]
    ) -> None:
        self._users = users
        self._passwords = passwords
        self._rules = rules
        self._clock = clock

    def log_in(self, name: str, password: str, address: str, cookie: str = "") -> str | None:
        """A new session's secret, or None: a wrong name, a wrong password, disabled, locked. All look alike.

        `cookie`: the session that the browser has now; it ends.
        """
        now = self._clock()
        user = self._judged(login_name(name), password, address, now)
        return None if user is None else self._open(user, "password", cookie, now)

    def change_password(self, person: Person, old: str, new: str, address: str) -> list[str]:
        """What is wrong with it; else it is done, and every session of theirs has ended."""
        now = self._clock()
        user = self._judged(person.name, old, address, now)
        if user is None:
            return ["the old password is wrong"]
        problems = problems_of(new, user.name)
        if not problems:
            self._users.set_password(user.name, self._passwords.hash(new), person.actor, now)
        return problems

    def let_in(self, told: Told, cookie: str = "") -> str | None:
        """The same for somebody whom a provider has vouched for; known from then on. None: disabled."""
        now = self._clock()
        user = self._users.known_as(told.identity) or self._new(told, now)
        if user is None or user.disabled_at is not None:
            log.warning("login refused")
            return None
        if user.role != told.role:
            self._users.set_role(user.name, told.role, "oidc", "as the provider says", now)
        return self._open(user, "oidc", cookie, now)

    def person(self, cookie: str, *, used: bool = True) -> Person | None:
        """Whose session it is, if it holds. What a page asks by itself has not `used` it, and it ends all the same."""
        if not cookie or len(cookie) > LONGEST_COOKIE:
            return None
        now, digest = self._clock(), hash_of(cookie)
        kept = self._users.session(digest)
        if kept is None or not kept.holds(now, self._rules.idle):
            return None
        if used and now - kept.seen_at > SEEN_EVERY:
            self._users.session_seen(digest, now)
        return person_of(kept, cookie)

    def log_out(self, person: Person) -> None:
        """The session is no more."""
        self._users.end_session(person.session, person.name, self._clock())

    def _judged(self, name: str, password: str, address: str, now: datetime) -> KeptUser | None:
        """Whose password it is. Each try counts, before it is made."""
        by_name = fence("user", name, self._rules.tries)
        by_address = fence("address", caller(address), self._rules.address_tries)
        if not self._users.begin_try([by_name, by_address], self._rules.lock, now):
            log.warning("login refused: locked")
            return None
        user = self._users.user(name)
        kept = user.password if user else ""
        # as long for nobody as for somebody
        if not self._passwords.holds(kept, password) or user is None or user.disabled_at is not None:
            log.warning("login refused")
            return None
        self._users.succeeded(by_name, by_address)
        if self._passwords.is_old(kept):
            self._users.rehash(user.name, self._passwords.hash(password))
        return user

    def _new(self, told: Told, now: datetime) -> KeptUser | None:
        """Names of OIDC begin with `oidc:`, so that nobody is taken for one who has a password here."""
        digest = hash_of(told.identity)[:8]
        for name in (f"oidc:{told.name}"[:90], f"oidc:{told.name}"[:90] + f"#{digest}"):
            user = KeptUser(id=0, name=name, role=told.role, identity=told.identity, created_at=now, created_by="oidc")
            if self._users.add(user, "oidc", now):
                break
        return self._users.known_as(told.identity)

    def _open(self, user: KeptUser, method: str, cookie: str, now: datetime) -> str:
        secret = new_session()
        instead_of = hash_of(cookie) if cookie else ""
        self._users.open_session(user, hash_of(secret), instead_of, method, now, now + self._rules.longest)
        return secret
