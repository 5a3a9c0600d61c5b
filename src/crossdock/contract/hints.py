"""Notifications that only say that something changed: each makes a scan due, which reads what it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from crossdock.model.base import Record


class Hint(Record, frozen=True, kw_only=True):
    """What a request meant. `answer`: the body to send back, as plain text; `flows`: whose scan is due."""

    answer: str = ""
    flows: frozenset[str] = frozenset()


@runtime_checkable
class TakesHints(Protocol):
    """A connector whose system tells of changes at an address of ours. Reading stays the guarantee."""

    def hint(self, query: Mapping[str, str], body: bytes) -> Hint:
        """Of a request. Raises SignatureError where it is not proven to come from there, InvalidPayload."""

    def keep_hints(self) -> float | None:
        """Subscribe and renew what is due; seconds until it is to be called again, None where none are wanted.

        The system may ask our address while this runs. Raises DeliveryError: then it is called again soon.
        """
