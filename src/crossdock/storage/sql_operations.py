"""The part of the store that operators ask. Nothing here writes. Safe for many threads; raises StorageError."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.engine import Connection

from crossdock.storage import lateness, listing, overview, trail_search
from crossdock.storage.payloads import Payloads
from crossdock.storage.sql_levels import Reader


class SqlOperations:
    """Each method is one question."""

    def __init__(self, payloads: Payloads, read: Reader) -> None:
        self._payloads = payloads
        self._read = read

    def standings(self, most: int) -> list[overview.Standing]:
        """Of what is open, by group; each counted to `most`."""
        found: list[overview.Standing] = self._read(overview.standings, most)
        return found

    def due_since(self, targets: Sequence[str], priorities: Sequence[int], now: datetime) -> dict[str, datetime]:
        """By target, since when the longest due has been due."""
        found: dict[str, datetime] = self._read(lateness.due_since, targets, priorities, now)
        return found

    def aged(self, edges: Sequence[datetime], most: int) -> list[lateness.Aged]:
        """Dead letters by how old they are."""
        found: list[lateness.Aged] = self._read(lateness.aged, edges, most)
        return found

    def rates(self, since: datetime, until: datetime) -> list[overview.Rate]:
        """What was delivered, by flow, target and minute."""
        found: list[overview.Rate] = self._read(overview.rates, since, until)
        return found

    def dead(self, which: listing.Filter, most: int) -> list[overview.DeadRow]:
        """Dead letters that nobody has resolved, of the groups that the filter leaves."""
        found: list[overview.DeadRow] = self._read(_dead, which, most)
        return found

    def bodies(self, ids: Sequence[int]) -> dict[int, bytes]:
        """What messages of these deliveries say."""
        found: dict[int, bytes] = self._read(overview.bodies, self._payloads, ids)
        return found

    def page(self, which: listing.Filter) -> list[listing.DeliveryRow]:
        """Newest first."""
        found: list[listing.DeliveryRow] = self._read(listing.listing, which)
        return found

    def rows(self, ids: Sequence[int]) -> list[listing.DeliveryRow]:
        """Of these deliveries those that are not in the archive."""
        found: list[listing.DeliveryRow] = self._read(listing.of_ids, ids)
        return found

    def places(self, text: str, names: Sequence[str]) -> list[listing.Place]:
        """Subjects that people call so."""
        found: list[listing.Place] = self._read(listing.places, text, names)
        return found

    def places_about(self, fingerprint: str, names: Sequence[str]) -> list[listing.Place]:
        """Subjects about a person."""
        found: list[listing.Place] = self._read(listing.places_about, self._payloads, fingerprint, names)
        return found

    def audit(self, which: trail_search.AuditFilter, names: Sequence[str]) -> trail_search.Found:
        """One step of a search."""
        found: trail_search.Found = self._read(trail_search.search, which, names)
        return found

    def tries(
        self, source: str, subject: str, delivery_id: int, most: int
    ) -> list[tuple[trail_search.AuditRow, bytes, bytes]]:
        """Of one delivery, with bodies."""
        found: list[tuple[trail_search.AuditRow, bytes, bytes]] = self._read(
            trail_search.of_delivery, self._payloads, source, subject, delivery_id, most
        )
        return found


def _dead(connection: Connection, which: listing.Filter, most: int) -> list[overview.DeadRow]:
    chosen = [one for one in overview.groups(connection) if one.word() == "dead" and listing.is_meant(one, which)]
    return list(overview.dead(connection, chosen, most))
