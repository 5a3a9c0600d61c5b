"""Users, their sessions, and how often a login was tried."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.engine import Connection

from crossdock.security.access import Role
from crossdock.security.users import Fence, KeptSession, KeptUser
from crossdock.storage.dialect import alone, insert_once
from crossdock.storage.prepared import Prepared
from crossdock.storage.tables import login_tries, sessions, users

SEEN_EVERY = timedelta(minutes=1)  # how exactly it is kept when a session was last used

NEW = Prepared(insert_once(users))
BY_NAME = Prepared(select(users).where(users.c.name == bindparam("wanted")))
BY_IDENTITY = Prepared(select(users).where(users.c.identity == bindparam("wanted")))
ALL = Prepared(select(users).order_by(users.c.name))
CHANGE = Prepared(update(users).where(users.c.name == bindparam("wanted")))

OPENED = Prepared(sessions.insert().inline())
FOUND = Prepared(
    select(
        users,
        sessions.c.hash.label("session"),
        sessions.c.seen_at,
        sessions.c.expires_at,
    )
    .select_from(sessions.join(users, sessions.c.user_id == users.c.id))
    .where(sessions.c.hash == bindparam("wanted"))
)
SEEN = Prepared(
    update(sessions)
    .where(sessions.c.hash == bindparam("wanted"), sessions.c.seen_at < bindparam("before"))
    .values(seen_at=bindparam("now"))
)
ENDED = Prepared(delete(sessions).where(sessions.c.hash == bindparam("wanted")))
ENDED_OF = Prepared(delete(sessions).where(sessions.c.user_id == bindparam("wanted")))
OVER = Prepared(delete(sessions).where(sessions.c.expires_at < bindparam("now")))

TRY = Prepared(select(login_tries).where(login_tries.c.key == bindparam("wanted")))
TRIED = Prepared(insert_once(login_tries))
TRIED_AGAIN = Prepared(update(login_tries).where(login_tries.c.key == bindparam("wanted")))
FORGIVEN = Prepared(delete(login_tries).where(login_tries.c.key == bindparam("wanted")))
LONG_AGO = Prepared(delete(login_tries).where(login_tries.c.forget_at < bindparam("now")))


def add(connection: Connection, user: KeptUser) -> bool:
    """False where the name is there already. Its `id` is given by the database."""
    row = {
        "name": user.name,
        "role": user.role.value,
        "password": user.password,
        "identity": user.identity or None,
        "created_at": user.created_at,
        "created_by": user.created_by,
    }
    return NEW.run(connection, row) == 1


def of_name(connection: Connection, name: str) -> KeptUser | None:
    """Disabled or not."""
    row = BY_NAME.first(connection, {"wanted": name})
    return None if row is None else _user(row)


def of_identity(connection: Connection, identity: str) -> KeptUser | None:
    """Disabled or not."""
    row = BY_IDENTITY.first(connection, {"wanted": identity})
    return None if row is None else _user(row)


def every(connection: Connection) -> list[KeptUser]:
    """By name."""
    return [_user(row) for row in ALL.rows(connection, {})]


def change(connection: Connection, name: str, *, ends_sessions: bool = False, **values: Any) -> bool:
    """Columns of one user; whether there is one. What was logged in with the old ones may be ended by it."""
    done = CHANGE.run(connection, {"wanted": name, **values}) == 1
    if done and ends_sessions and (user := of_name(connection, name)) is not None:
        ENDED_OF.run(connection, {"wanted": user.id})
    return done


def open_session(
    connection: Connection, user_id: int, digest: str, instead_of: str, method: str, now: datetime, until: datetime
) -> None:
    """In the place of the one that the same browser had; those that are over go."""
    ENDED.run(connection, {"wanted": instead_of})
    OVER.run(connection, {"now": now})
    row = {"hash": digest, "user_id": user_id, "method": method}
    OPENED.run(connection, {**row, "created_at": now, "seen_at": now, "expires_at": until})


def session(connection: Connection, digest: str) -> KeptSession | None:
    """Whether it holds is the caller's to say."""
    row = FOUND.first(connection, {"wanted": digest})
    if row is None:
        return None
    return KeptSession(hash=row.session, user=_user(row), seen_at=row.seen_at, expires_at=row.expires_at)


def seen(connection: Connection, digest: str, now: datetime) -> None:
    """At most once a minute."""
    SEEN.run(connection, {"wanted": digest, "now": now, "before": now - SEEN_EVERY})


def end_session(connection: Connection, digest: str) -> bool:
    """Whether it was there."""
    return ENDED.run(connection, {"wanted": digest}) == 1


def begin_try(connection: Connection, fences: Sequence[Fence], lock: timedelta, now: datetime) -> bool:
    """Counts a try before it is made, so that many at once are no more than allowed. False: locked, and not counted."""
    alone(connection, "login")
    LONG_AGO.run(connection, {"now": now})
    rows = [TRY.first(connection, {"wanted": one.key}) for one in fences]
    if any(row is not None and row.locked_until is not None and row.locked_until > now for row in rows):
        return False
    for one, row in zip(fences, rows, strict=True):
        tries = 1 if row is None or row.locked_until is not None else row.tries + 1
        kept = {
            "tries": tries,
            "locked_until": now + lock if tries >= one.most else None,
            "forget_at": now + lock,
        }
        if row is None:
            TRIED.run(connection, {"key": one.key, **kept})
        else:
            TRIED_AGAIN.run(connection, {"wanted": one.key, **kept})
    return True


def forgive(connection: Connection, key: str) -> bool:
    """No failure of it is remembered; whether there was one."""
    return FORGIVEN.run(connection, {"wanted": key}) == 1


def take_back(connection: Connection, fence: Fence) -> None:
    """The try that has just been counted was a good one: it counts no more, nor does a lock that it alone has made."""
    alone(connection, "login")
    row = TRY.first(connection, {"wanted": fence.key})
    if row is not None:
        tries = max(0, row.tries - 1)
        locked = row.locked_until if tries >= fence.most else None
        TRIED_AGAIN.run(connection, {"wanted": fence.key, "tries": tries, "locked_until": locked})


def is_locked(connection: Connection, key: str, now: datetime) -> bool:
    """For those who look at the list of users."""
    row = TRY.first(connection, {"wanted": key})
    return row is not None and row.locked_until is not None and row.locked_until > now


def _user(row: Any) -> KeptUser:
    return KeptUser(
        id=row.id,
        name=row.name,
        role=Role(row.role),
        password=row.password,
        identity=row.identity or "",
        created_at=row.created_at,
        created_by=row.created_by,
        disabled_at=row.disabled_at,
    )
