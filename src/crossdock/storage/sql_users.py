"""The part of the store that knows people. Every change of one leaves its row in the audit trail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from crossdock.delivery.records import Attempt
from crossdock.security.access import Role
from crossdock.security.users import Fence, KeptSession, KeptUser
from crossdock.storage import trail, users
from crossdock.storage.committer import Committer
from crossdock.storage.payloads import Payloads
from crossdock.storage.sql_levels import Reader

T = TypeVar("T")


class SqlUsers:
    """Safe for many threads. Raises StorageError."""

    def __init__(self, committer: Committer, payloads: Payloads, read: Reader) -> None:
        self._committer = committer
        self._payloads = payloads
        self._read = read

    def add(self, user: KeptUser, by: str, now: datetime) -> bool:
        """False where the name is there already."""
        return self._acted(lambda c: users.add(c, user), "user-create", user.name, by, f"role {user.role}", now)

    def set_role(self, name: str, role: Role, by: str, why: str, now: datetime) -> bool:
        """It holds from the next request on."""
        told = f"role {role}: {why}"
        return self._acted(lambda c: users.change(c, name, role=role.value), "user-role", name, by, told, now)

    def set_password(self, name: str, hashed: str, by: str, now: datetime) -> bool:
        """Ends every session that was begun with another, and every lock."""

        def act(c: Any) -> bool:
            return users.change(c, name, ends_sessions=True, password=hashed)

        return self._acted(act, "user-password", name, by, "", now)

    def rehash(self, name: str, hashed: str) -> None:
        """The same password at today's costs."""
        self._committer.run(lambda c: users.change(c, name, password=hashed))

    def disable(self, name: str, by: str, why: str, now: datetime) -> bool:
        """Ends every session at once."""

        def act(c: Any) -> bool:
            return users.change(c, name, ends_sessions=True, disabled_at=now)

        return self._acted(act, "user-disable", name, by, why, now)

    def enable(self, name: str, by: str, why: str, now: datetime) -> bool:
        """May log in again."""
        return self._acted(lambda c: users.change(c, name, disabled_at=None), "user-enable", name, by, why, now)

    def unlock(self, name: str, fence: Fence, by: str, now: datetime) -> bool:
        """Whether failures were remembered."""
        return self._acted(lambda c: users.forgive(c, fence.key), "user-unlock", name, by, "", now)

    def user(self, name: str) -> KeptUser | None:
        """Disabled or not."""
        found: KeptUser | None = self._read(users.of_name, name)
        return found

    def known_as(self, identity: str) -> KeptUser | None:
        """By whom their OIDC provider names."""
        found: KeptUser | None = self._read(users.of_identity, identity)
        return found

    def every(self) -> list[KeptUser]:
        """By name."""
        found: list[KeptUser] = self._read(users.every)
        return found

    def is_locked(self, fence: Fence, now: datetime) -> bool:
        """Whether logins are refused for now."""
        found: bool = self._read(users.is_locked, fence.key, now)
        return found

    def begin_try(self, fences: Sequence[Fence], lock: timedelta, now: datetime) -> bool:
        """Counts a try before it is made. False: locked."""
        return self._committer.run(lambda c: users.begin_try(c, fences, lock, now))

    def succeeded(self, of_name: Fence, of_address: Fence) -> None:
        """Nothing of the name's failures is remembered; the address has not failed this time."""

        def write(c: Any) -> None:
            users.forgive(c, of_name.key)
            users.take_back(c, of_address)

        self._committer.run(write)

    def open_session(
        self, user: KeptUser, digest: str, instead_of: str, method: str, now: datetime, until: datetime
    ) -> None:
        """`instead_of`: the hash of the session that the browser had, or ""."""

        def act(c: Any) -> bool:
            users.open_session(c, user.id, digest, instead_of, method, now, until)
            return True

        self._acted(act, "login", user.name, f"user:{user.name}", method, now)

    def session(self, digest: str) -> KeptSession | None:
        """Whether it holds is the caller's to say."""
        found: KeptSession | None = self._read(users.session, digest)
        return found

    def session_seen(self, digest: str, now: datetime) -> None:
        """Nobody waits for it."""
        self._committer.submit(lambda c: users.seen(c, digest, now))

    def end_session(self, digest: str, name: str, now: datetime) -> bool:
        """Logged out."""
        return self._acted(lambda c: users.end_session(c, digest), "logout", name, f"user:{name}", "", now)

    def _acted(self, act: Callable[[Any], T], what: str, name: str, by: str, detail: str, now: datetime) -> T:
        """In one transaction with its line in the trail; no line where nothing was done."""

        def write(c: Any) -> T:
            if done := act(c):
                action = Attempt(operation=what, entity="user", entity_id=name, started_at=now, actor=by, detail=detail)
                trail.append(c, self._payloads, action, None, now)
            return done

        return self._committer.run(write)
