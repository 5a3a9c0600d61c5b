"""Bodies apart from the rows that speak of them: compressed, encrypted under a key per subject, erasable.

Destroying a subject's key makes all its bodies unreadable for ever; the rows, their hashes and the chain stay.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import bindparam, select, update
from sqlalchemy.engine import Connection

from crossdock.storage.dialect import insert_once
from crossdock.storage.prepared import Prepared
from crossdock.storage.tables import EPOCH, payloads, people, subject_keys

CACHED_KEYS = 4096
MILLISECOND = timedelta(milliseconds=1)
KEEP = Prepared(payloads.insert().returning(payloads.c.id))
KEEP_LATER = Prepared(payloads.insert().inline())
READ = Prepared(
    select(payloads.c.body, payloads.c.subject, subject_keys.c.wrapped)
    .join(subject_keys, subject_keys.c.subject == payloads.c.subject)
    .where(payloads.c.id == bindparam("wanted"))
)
KEY = Prepared(select(subject_keys.c.wrapped).where(subject_keys.c.subject == bindparam("wanted")))
NEW_KEY = Prepared(insert_once(subject_keys))
ABOUT = Prepared(insert_once(people))


def new_id(now: datetime) -> int:
    """62 bits, rising with the time (milliseconds, then chance), so that rows written together lie together.

    Far above what a sequence counts to. Two alike would make their transactions fail and be run again, with new ones.
    """
    return (now - EPOCH) // MILLISECOND << 21 | secrets.randbits(21)


class Sealer(Protocol):
    """Envelope encryption; `security.envelope.Envelope` is one."""

    def new_subject_key(self) -> bytes:
        """A fresh key, wrapped by the master key."""

    def seal(self, wrapped: bytes, plaintext: bytes, context: bytes) -> bytes:
        """Encrypt under the wrapped key."""

    def fingerprint(self, text: str) -> str:
        """Keyed hash."""

    @property
    def head(self) -> bytes:
        """How all begins that is wrapped under the newest master key."""

    def rewrap(self, wrapped: bytes) -> bytes:
        """The same key under the newest master key. Raises ConfigurationError where the old one is not known."""

    def first_fingerprint_key(self, wrapped: bytes | None) -> bytes:
        """The key of fingerprints that belongs to the master key which wrapped this, wrapped."""

    def keep_fingerprints(self, wrapped: bytes) -> None:
        """From now on by this key."""

    def forget(self) -> None:
        """Drop keys held in memory."""

    def open(self, wrapped: bytes, sealed: bytes, context: bytes) -> bytes:
        """Decrypt. Raises StorageError where the key does not fit."""


class Payloads:
    """Keeps and reads bodies."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        self._keys: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()
        self._own = threading.local()

    def keep(self, connection: Connection, subject: str, body: bytes, now: datetime) -> int | None:
        """The body's id; None for an empty one, and for a subject that was erased."""
        values = self._sealed(connection, subject, body, now)
        if values is None:
            return None
        payload_id: int = KEEP.scalar(connection, values)
        return payload_id

    def keep_later(self, connection: Connection, subject: str, body: bytes, now: datetime) -> int | None:
        """As `keep`, with the other rows at the end of the transaction: under an id that we choose."""
        values = self._sealed(connection, subject, body, now)
        if values is None:
            return None
        values["id"] = new_id(now)
        KEEP_LATER.later(connection, values)
        return int(values["id"])

    def _sealed(self, connection: Connection, subject: str, body: bytes, now: datetime) -> dict[str, Any] | None:
        wrapped = self._key(connection, subject, now) if body else None
        if wrapped is None:
            return None
        sealed = self._sealer.seal(wrapped, body, subject.encode())
        return {"subject": subject, "body": sealed, "created_at": now}

    def read(self, connection: Connection, payload_id: int | None) -> bytes:
        """The body; empty where there is none, or its subject was erased."""
        if payload_id is None:
            return b""
        row = READ.first(connection, {"wanted": payload_id})
        if row is None or row.wrapped is None:
            return b""
        return self._sealer.open(row.wrapped, row.body, row.subject.encode())

    def sealed(self, connection: Connection, subject: str, body: bytes, now: datetime) -> bytes | None:
        """The body for a table of its own, under the same key; None for a subject that was erased."""
        values = self._sealed(connection, subject, body, now)
        return None if values is None else values["body"]

    def opened(self, wrapped: bytes | None, subject: str, body: bytes | None) -> bytes:
        """What `sealed` made; empty where it made nothing, or the subject was erased since."""
        return b"" if wrapped is None or body is None else self._sealer.open(wrapped, body, subject.encode())

    def hash_of(self, body: bytes) -> str:
        """What the audit chain keeps of a body: keyed, so that nobody can check a guess once it is erased."""
        return self._sealer.fingerprint(hashlib.sha256(body).hexdigest()) if body else ""

    def about(self, connection: Connection, subject: str, fingerprints: tuple[str, ...]) -> None:
        """Remember whose data a subject's bodies hold, by keyed fingerprint, so that a person can be erased."""
        for fingerprint in fingerprints:
            ABOUT.later(connection, {"fingerprint": fingerprint, "subject": subject})

    def erase(self, connection: Connection, subject: str, now: datetime) -> bool:
        """Destroy a subject's key; False where there is none to destroy."""
        with self._lock:
            self._keys.pop(subject, None)
        self._sealer.forget()
        done = connection.execute(
            update(subject_keys)
            .where(subject_keys.c.subject == subject, subject_keys.c.wrapped.is_not(None))
            .values(wrapped=None, erased_at=now)
        )
        return done.rowcount == 1

    def subjects_of(self, connection: Connection, fingerprint: str) -> list[str]:
        """Every subject whose bodies are about this person."""
        rows = connection.execute(select(people.c.subject).where(people.c.fingerprint == fingerprint))
        return list(rows.scalars())

    def people_of(self, connection: Connection, subject: str) -> list[str]:
        """The fingerprints of those that a subject's bodies are about."""
        rows = connection.execute(select(people.c.fingerprint).where(people.c.subject == subject))
        return list(rows.scalars())

    def _key(self, connection: Connection, subject: str, now: datetime) -> bytes | None:
        with self._lock:
            if (cached := self._keys.get(subject)) is not None:
                return cached
        made = self._made(connection)
        if subject in made:
            return made[subject]
        fresh = self._sealer.new_subject_key()
        values = {"subject": subject, "wrapped": fresh, "created_at": now}
        if NEW_KEY.run(connection, values) == 1:
            made[subject] = fresh
            return fresh
        found: bytes | None = KEY.scalar(connection, {"wanted": subject})
        if found is not None:
            self._remember(subject, found)
        return found

    def _made(self, connection: Connection) -> dict[str, bytes]:
        """Keys of this very transaction: good for no other, since it may still roll back."""
        transaction = connection.get_transaction()
        if getattr(self._own, "transaction", None) is not transaction:
            self._own.transaction, self._own.keys = transaction, {}
        keys: dict[str, bytes] = self._own.keys
        return keys

    def _remember(self, subject: str, wrapped: bytes) -> None:
        with self._lock:
            self._keys[subject] = wrapped
            while len(self._keys) > CACHED_KEYS:
                self._keys.popitem(last=False)
