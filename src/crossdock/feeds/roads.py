"""Roads: what is read, claimed and scheduled as one. Pure."""

from __future__ import annotations

import hashlib

from crossdock.model.base import Record

LONGEST_STREAM = 50  # storage's column


class Road(Record, frozen=True, kw_only=True):
    """A flow from one source to one target: what is read, claimed and scheduled as one."""

    source: str
    target: str
    flow: str

    def name(self) -> str:
        """As people write it."""
        return f"{self.source}/{self.target}/{self.flow}"

    def stream(self) -> str:
        """Under which it is claimed. Each target has its own: a new one is told everything."""
        name = f"{self.flow}:{self.target}"
        if len(name) <= LONGEST_STREAM:
            return name
        return f"{self.flow[:20]}:{hashlib.sha256(name.encode()).hexdigest()[:24]}"
