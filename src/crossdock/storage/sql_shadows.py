"""The part of the store that keeps what shadow deliveries found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy.engine import Connection

from crossdock.contract.shadow import Fate
from crossdock.storage import shadows
from crossdock.storage.committer import Committer
from crossdock.storage.payloads import Payloads
from crossdock.storage.shadows import Comparison, Differing, ShadowFilter
from crossdock.storage.sql_levels import Reader

STEP = 1000


class SqlShadows:
    """Every method is one transaction. Safe for many threads."""

    def __init__(self, committer: Committer, payloads: Payloads, read: Reader) -> None:
        self._committer = committer
        self._payloads = payloads
        self._read = read

    def counts(self, which: ShadowFilter) -> dict[tuple[str, str, str, str], int]:
        """By (source, target, flow, fate)."""
        found: dict[tuple[str, str, str, str], int] = self._read(shadows.counts, which)
        return found

    def listed(self, which: ShadowFilter, limit: int = 1000, after: int = 0) -> list[Comparison]:
        """By delivery, behind `after`, without values."""
        found: list[Comparison] = self._read(shadows.listed, which, limit, after)
        return found

    def newest(self, which: ShadowFilter, fates: Sequence[Fate], limit: int) -> list[Comparison]:
        """The last deliveries of these fates, without values."""
        found: list[Comparison] = self._read(shadows.newest, which, fates, limit)
        return found

    def differing(self, which: ShadowFilter) -> Iterator[Differing]:
        """Those of which a field differs, by delivery: a page at a time, however many there are."""
        after = 0
        while page := self._read(shadows.differing, which, STEP, after):
            yield from page
            after = page[-1].delivery

    def uncompared(self, which: ShadowFilter) -> dict[str, list[str]]:
        """By target, the fields that it does not give back in at least one of them."""
        found: dict[str, list[str]] = self._read(shadows.uncompared, which)
        return found

    def number_of(self, source: str, subject: str, target: str) -> str:
        """What the target calls it, as it was last seen there; "" where it was not."""
        which = ShadowFilter(source=source, subject=subject, target=target)
        return next((one.number for one in self.newest(which, tuple(Fate), STEP) if one.number), "")

    def shadowed_ids(self, which: ShadowFilter, limit: int, after: int = 0) -> list[int]:
        """Deliveries behind `after` that are only compared, and not being compared again by now; by their numbers."""
        found: list[int] = self._read(shadows.shadowed_ids, which, limit, after)
        return found

    def shadowed_places(self, which: ShadowFilter, limit: int) -> list[tuple[str, str, str]]:
        """(source, target, subject) of such deliveries."""
        found: list[tuple[str, str, str]] = self._read(shadows.shadowed_places, which, limit)
        return found

    def how_many(self, which: ShadowFilter, after: int = 0) -> int:
        """How many such deliveries there are behind `after`."""
        found: int = self._read(shadows.how_many, which, after)
        return found

    def how_many_places(self, which: ShadowFilter) -> int:
        """How many subjects at how many targets such deliveries are of."""
        found: int = self._read(shadows.how_many_places, which)
        return found

    def whole(self, delivery_id: int) -> Comparison | None:
        """One with its values."""
        found: Comparison | None = self._read(shadows.whole, self._payloads, delivery_id)
        return found

    def again(self, ids: Sequence[int], by: str, why: str, now: datetime) -> int:
        """Compare once more; how many were still shadows."""

        def write(connection: Connection) -> int:
            shadows.bring_back(connection, ids)
            return shadows.reopen(connection, self._payloads, ids, "again", by, why, now)

        return self._committer.run(write)

    def send(self, source: str, target: str, subjects: Sequence[str], by: str, why: str, now: datetime) -> int:
        """From now on these subjects are live at the target: all that was only compared is sent, in its order."""

        def write(connection: Connection) -> int:
            ids = shadows.open_ids(connection, source, target, subjects)
            return shadows.reopen(connection, self._payloads, ids, "send", by, why, now)

        return self._committer.run(write)


__all__ = ["SqlShadows"]
