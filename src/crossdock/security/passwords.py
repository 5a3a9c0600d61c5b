"""Passwords: argon2id, as RFC 9106 recommends it where memory is dear (64 MiB, three rounds)."""

from __future__ import annotations

import threading
import unicodedata
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST, LONGEST = 12, 1024  # characters
DISTINCT = 5
AT_ONCE = 2  # each takes 64 MiB and a core: logins must not take the machine


class Passwords:
    """Safe for many threads; of many that ask, few are served at a time."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turns = threading.BoundedSemaphore(AT_ONCE)

    def hash(self, password: str) -> str:
        """With its salt and its costs, as one text."""
        with self._turns:
            return self._hasher.hash(_form(password))

    def holds(self, kept: str, password: str) -> bool:
        """Takes as long where nothing is kept (""), and is never true there."""
        nobodys = self._nobodys
        with self._turns:
            try:
                found = self._hasher.verify(kept or nobodys, _form(password))
            except (VerificationError, InvalidHashError):
                return False
        return found and bool(kept)

    @cached_property
    def _nobodys(self) -> str:
        """Made at the first login, whoever tries it, and at today's costs."""
        return self.hash("the password of nobody")

    def is_old(self, kept: str) -> bool:
        """Whether it was made with other costs than today's."""
        return self._hasher.check_needs_rehash(kept)


def problems_of(password: str, name: str) -> list[str]:
    """Why it cannot be one; the texts never show it."""
    found = []
    if not SHORTEST <= len(password) <= LONGEST:
        found.append(f"a password has {SHORTEST} to {LONGEST} characters")
    if len(set(password)) < DISTINCT or password.lower() in {name.lower(), name.lower() * 2}:
        found.append("this password is too easy to guess")
    return found


def _form(password: str) -> str:
    """The same keys give the same text on every keyboard."""
    return unicodedata.normalize("NFC", password[: LONGEST + 1])


__all__ = ["Passwords", "problems_of"]
