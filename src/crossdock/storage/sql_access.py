"""The part of the store that knows who may come in. Every change by a person leaves its row in the audit trail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from crossdock.delivery.records import Attempt
from crossdock.security.tokens import KeptToken, NewToken
from crossdock.storage import tokens, trail
from crossdock.storage.committer import Committer
from crossdock.storage.payloads import Payloads
from crossdock.storage.sql_levels import Reader

T = TypeVar("T")


class SqlAccess:
    """Safe for many threads. Raises StorageError."""

    def __init__(self, committer: Committer, payloads: Payloads, read: Reader) -> None:
        self._committer = committer
        self._payloads = payloads
        self._read = read

    def add_token(self, new: NewToken, by: str, now: datetime) -> bool:
        """False where the name has a token that holds still."""
        told = f"{' '.join(new.scopes)} {new.connection}".strip()
        return self._acted(lambda c: tokens.add(c, new, by, now), "token-create", "token", new.name, by, told, now)

    def rotate_token(self, new: NewToken, until: datetime, by: str, now: datetime) -> NewToken | None:
        """A successor with the scopes of the one before, which ends at `until`. None where no token of it holds."""
        told = f"the one before ends {until:%Y-%m-%d %H:%M} UTC"
        act = lambda c: tokens.rotate(c, new, until, by, now)  # noqa: E731  one of several acts of one shape
        found = self._acted(act, "token-rotate", "token", new.name, by, told, now)
        return None if found is None else found[1]

    def revoke_token(self, name: str, by: str, why: str, now: datetime) -> int:
        """Every generation of a name; how many."""
        return self._acted(lambda c: tokens.revoke(c, name, now), "token-revoke", "token", name, by, why, now)

    def token_used(self, token_id: int, now: datetime) -> None:
        """Nobody waits for it."""
        self._committer.submit(lambda c: tokens.used(c, token_id, now))

    def is_new_nonce(self, client: str, nonce: str, now: datetime, until: datetime) -> bool:
        """Whether it came for the first time, to any process; it is remembered until then."""
        return self._committer.run(lambda c: tokens.is_new_nonce(c, client, nonce, now, until))

    def token_of(self, digest: str) -> KeptToken | None:
        """By its hash, whatever its state."""
        found: KeptToken | None = self._read(tokens.of_hash, digest)
        return found

    def tokens(self) -> list[KeptToken]:
        """By name, oldest first."""
        found: list[KeptToken] = self._read(tokens.every)
        return found

    def _acted(
        self, act: Callable[[Any], T], what: str, entity: str, name: str, by: str, detail: str, now: datetime
    ) -> T:
        """In one transaction with its line in the trail; no line where nothing was done."""

        def write(c: Any) -> T:
            if done := act(c):
                action = Attempt(operation=what, entity=entity, entity_id=name, started_at=now, actor=by, detail=detail)
                trail.append(c, self._payloads, action, None, now)
            return done

        return self._committer.run(write)
