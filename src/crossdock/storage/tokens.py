"""API tokens: a row for each generation of a name. The token itself is nowhere."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, func, or_, select, update
from sqlalchemy.engine import Connection

from crossdock.security.tokens import KeptToken, NewToken
from crossdock.storage.dialect import insert_once
from crossdock.storage.prepared import Prepared
from crossdock.storage.tables import api_tokens, request_nonces

USED_EVERY = timedelta(minutes=1)  # how exactly it is kept when a token was last used

NEW = Prepared(api_tokens.insert().inline())
BY_HASH = Prepared(select(api_tokens).where(api_tokens.c.hash == bindparam("wanted")))
BY_NAME = Prepared(
    select(api_tokens).where(api_tokens.c.name == bindparam("wanted")).order_by(api_tokens.c.generation.desc())
)
ALL = Prepared(select(api_tokens).order_by(api_tokens.c.name, api_tokens.c.generation))
TOP = Prepared(select(func.max(api_tokens.c.generation).label("top")).where(api_tokens.c.name == bindparam("wanted")))
USED = Prepared(
    update(api_tokens)
    .where(
        api_tokens.c.id == bindparam("wanted"),
        or_(api_tokens.c.last_used_at.is_(None), api_tokens.c.last_used_at < bindparam("before")),
    )
    .values(last_used_at=bindparam("now"))
)
ENDS = Prepared(
    update(api_tokens)
    .where(
        api_tokens.c.name == bindparam("wanted"),
        api_tokens.c.revoked_at.is_(None),
        or_(api_tokens.c.expires_at.is_(None), api_tokens.c.expires_at > bindparam("until")),
    )
    .values(expires_at=bindparam("until"))
)
REVOKED = Prepared(
    update(api_tokens)
    .where(api_tokens.c.name == bindparam("wanted"), api_tokens.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("now"))
)
NONCE = Prepared(insert_once(request_nonces))
PAST = Prepared(delete(request_nonces).where(request_nonces.c.until < bindparam("now")))


def add(connection: Connection, new: NewToken, by: str, now: datetime) -> bool:
    """The first of its name; False where the name has a token that holds still."""
    if any(one.state(now) == "good" for one in of_name(connection, new.name)):
        return False
    _insert(connection, new, by, now)
    return True


def rotate(
    connection: Connection, new: NewToken, until: datetime, by: str, now: datetime
) -> tuple[KeptToken, NewToken] | None:
    """A successor with the same scopes; those before it end at `until`, or sooner. None where none holds."""
    good = [one for one in of_name(connection, new.name) if one.state(now) == "good"]
    if not good:
        return None
    old = good[0]
    heir = NewToken(
        name=old.name,
        hash=new.hash,
        scopes=old.scopes,
        connection=old.connection,
        expires_at=new.expires_at or (now + (old.expires_at - old.created_at) if old.expires_at else None),
    )
    ENDS.run(connection, {"wanted": old.name, "until": until})
    _insert(connection, heir, by, now)
    return old, heir


def revoke(connection: Connection, name: str, now: datetime) -> int:
    """Every generation; how many."""
    return REVOKED.run(connection, {"wanted": name, "now": now})


def used(connection: Connection, token_id: int, now: datetime) -> None:
    """At most once a minute."""
    USED.run(connection, {"wanted": token_id, "now": now, "before": now - USED_EVERY})


def is_new_nonce(connection: Connection, client: str, nonce: str, now: datetime, until: datetime) -> bool:
    """Remembered until then; what was remembered long enough goes."""
    PAST.run(connection, {"now": now})
    return NONCE.run(connection, {"client": client, "nonce": nonce, "until": until}) == 1


def of_hash(connection: Connection, digest: str) -> KeptToken | None:
    """Whatever its state."""
    row = BY_HASH.first(connection, {"wanted": digest})
    return None if row is None else _kept(row)


def of_name(connection: Connection, name: str) -> list[KeptToken]:
    """Newest first."""
    return [_kept(row) for row in BY_NAME.rows(connection, {"wanted": name})]


def every(connection: Connection) -> list[KeptToken]:
    """By name, oldest first."""
    return [_kept(row) for row in ALL.rows(connection, {})]


def _insert(connection: Connection, new: NewToken, by: str, now: datetime) -> None:
    generation = (TOP.scalar(connection, {"wanted": new.name}) or 0) + 1
    NEW.run(
        connection,
        {
            "name": new.name,
            "generation": generation,  # unique with the name: of two that make it at once, one fails
            "hash": new.hash,
            "scopes": " ".join(new.scopes),
            "connection": new.connection,
            "created_at": now,
            "created_by": by,
            "expires_at": new.expires_at,
        },
    )


def _kept(row: Any) -> KeptToken:
    return KeptToken(
        id=row.id,
        name=row.name,
        generation=row.generation,
        scopes=tuple(row.scopes.split()),
        connection=row.connection,
        created_at=row.created_at,
        created_by=row.created_by,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
