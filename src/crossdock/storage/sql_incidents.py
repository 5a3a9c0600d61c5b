"""The part of the store that keeps incidents and notices."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from crossdock.delivery.store import Checkpoint
from crossdock.errors import LeaseLost
from crossdock.incidents.records import Incident, Notice
from crossdock.storage import breakers, incidents
from crossdock.storage.committer import Committer
from crossdock.storage.overview import Group
from crossdock.storage.owed import Owed, owed_long, told_by
from crossdock.storage.payloads import Payloads
from crossdock.storage.sql_levels import Reader

NEWEST = 2**62
FORGET_AT_ONCE = 500
GONE_AFTER = timedelta(days=1)  # a worker that has renewed nothing for so long


class SqlIncidents:
    """Every method is one transaction. Safe for many threads."""

    def __init__(self, committer: Committer, payloads: Payloads, read: Reader) -> None:
        self._committer = committer
        self._payloads = payloads
        self._read = read

    def unresolved(self) -> list[Incident]:
        """All that is not over, in the order in which it was first seen."""
        found: list[Incident] = self._read(incidents.unresolved)
        return found

    def keep(self, claimed: Checkpoint, now: datetime, changed: Sequence[Incident], owed: Sequence[Notice]) -> None:
        """Incidents and what is to be told of them, together; the claim holds on until its `held_until`.

        Raises LeaseLost under an older claim.
        """
        if not self._committer.run(lambda c: incidents.keep(c, claimed, now, changed, owed)):
            raise LeaseLost("another process looks after the incidents")

    def one(self, number: int) -> Incident | None:
        """By its number."""
        found: Incident | None = self._read(incidents.one, number)
        return found

    def page(self, *, resolved: bool | None, before: int = NEWEST, limit: int) -> list[Incident]:
        """Newest first, those that people were to hear of; `resolved`: None for all."""
        found: list[Incident] = self._read(
            lambda connection: incidents.page(connection, resolved=resolved, before=before, limit=limit)
        )
        return found

    def resolved_since(self, since: datetime) -> list[Incident]:
        """Of which somebody was told."""
        found: list[Incident] = self._read(incidents.resolved_since, since)
        return found

    def acknowledge(self, number: int, by: str, why: str, now: datetime) -> bool:
        """Somebody is at it; False where it was acknowledged already, or is over."""
        return self._committer.run(lambda c: incidents.acknowledge(c, self._payloads, number, by, why, now))

    def notices_of(self, number: int) -> list[Notice]:
        """Of one incident."""
        found: list[Notice] = self._read(incidents.notices_of, number)
        return found

    def pending(self, limit: int) -> list[Notice]:
        """What is owed, also what is not due yet, in the order in which it came to be."""
        found: list[Notice] = self._read(incidents.pending, limit)
        return found

    def settle(self, claimed: Checkpoint, tried: Sequence[Notice]) -> bool:
        """What an attempt came to, of all that went as one message; False under an older claim."""
        return self._committer.run(lambda c: incidents.settle(c, claimed, tried))

    def digests(self) -> dict[str, datetime]:
        """The time of each audience's newest digest."""
        found: dict[str, datetime] = self._read(incidents.digests)
        return found

    def counts(self) -> dict[tuple[str, str], int]:
        """Open ones by kind and severity."""
        found: dict[tuple[str, str], int] = self._read(incidents.counts)
        return found

    def fates(self) -> dict[tuple[str, str], int]:
        """Notices by audience and state."""
        found: dict[tuple[str, str], int] = self._read(incidents.fates)
        return found

    def references(self, ids: Sequence[int]) -> dict[int, str]:
        """What people call the subjects of these deliveries."""
        found: dict[int, str] = self._read(incidents.references, ids)
        return found

    def owed_long(self, group: Group, before: datetime, *, overdue: bool = False) -> Owed:
        """Of a group, those owed since before then and that no dead letter of their lane keeps back."""
        found: Owed = self._read(lambda connection: owed_long(connection, group, before, overdue=overdue))
        return found

    def told_by(self, source: str, flow: str, most: int) -> dict[str, int]:
        """By which channels the newest hints of a source came."""
        found: dict[str, int] = self._read(told_by, source, flow, most)
        return found

    def tell_broken(self, worker: str, failed: Collection[str], answered: Collection[str], now: datetime) -> None:
        """Connections whose breaker has opened in a worker once more, and those whose has closed there."""
        before = now - GONE_AFTER
        self._committer.run(lambda c: breakers.tell(c, worker, failed, answered, now, before))

    def renew_broken(self, worker: str, now: datetime) -> None:
        """What a worker has told stands."""
        self._committer.run(lambda c: breakers.renew(c, worker, now))

    def leave_broken(self, worker: str) -> None:
        """What a worker has told goes with it."""
        self._committer.run(lambda c: breakers.leave(c, worker))

    def broken(self, since: datetime) -> dict[str, datetime]:
        """From when on which connection does not answer, by the word of workers that were there since then."""
        found: dict[str, datetime] = self._read(breakers.broken, since)
        return found

    def forget(self, before: datetime) -> int:
        """What was resolved before then; returns how many went."""
        return self._committer.run(lambda c: incidents.forget(c, before, FORGET_AT_ONCE))
