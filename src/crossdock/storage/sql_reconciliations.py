"""The part of the store that keeps comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TypeVar

from crossdock.delivery.store import Checkpoint
from crossdock.errors import LeaseLost
from crossdock.reconciliation.causes import Standing
from crossdock.reconciliation.drift import Drift, DriftState, Run, RunState
from crossdock.reconciliation.totals import Total
from crossdock.storage import reconciliations, streams
from crossdock.storage.committer import Committer
from crossdock.storage.payloads import Payloads
from crossdock.storage.sql_levels import Reader

T = TypeVar("T")


class SqlReconciliations:
    """Every method is one transaction. Safe for many threads."""

    def __init__(self, committer: Committer, payloads: Payloads, read: Reader) -> None:
        self._committer = committer
        self._payloads = payloads
        self._read = read

    def begin(self, claimed: Checkpoint, run: Run, now: datetime) -> Run:
        """A new run, with its number. Raises LeaseLost under an older claim."""
        return self._held(claimed, self._committer.run(lambda c: reconciliations.begin(c, claimed, run, now)))

    def keep(self, claimed: Checkpoint, run: Run, found: Sequence[Drift]) -> None:
        """Some of what it found. Raises LeaseLost."""
        done = self._committer.run(lambda c: reconciliations.keep(c, claimed, run, found))
        self._held(claimed, done or None)

    def end(self, claimed: Checkpoint, run: Run) -> Run:
        """What it came to, its drifts counted. Raises LeaseLost."""
        return self._held(claimed, self._committer.run(lambda c: reconciliations.end(c, claimed, run)))

    def renew(self, claimed: Checkpoint, now: datetime) -> None:
        """The claim, until its `held_until`. Raises LeaseLost."""
        done = self._committer.run(lambda c: streams.advance(c, claimed, now, complete=False))
        self._held(claimed, done or None)

    def runs(self, flow: str = "", limit: int = 50) -> list[Run]:
        """Newest first."""
        found: list[Run] = self._read(reconciliations.runs, flow, limit)
        return found

    def newest(self, *states: RunState) -> list[Run]:
        """Of each flow, store and ERP the newest run that has come to one of these."""
        found: list[Run] = self._read(reconciliations.newest, states)
        return found

    def run(self, run_id: int) -> Run | None:
        """By its number."""
        found: Run | None = self._read(reconciliations.run_of, run_id)
        return found

    def drifts(
        self, run_id: int, after: int = 0, limit: int = 1000, cause: str = "", state: str = "", key: str = ""
    ) -> list[Drift]:
        """Of a run, by number, behind `after`."""
        found: list[Drift] = self._read(reconciliations.drifts_of, run_id, after, limit, cause, state, key)
        return found

    def causes(self, run_id: int) -> dict[tuple[str, str], int]:
        """How many drifts of a run by (cause, state)."""
        found: dict[tuple[str, str], int] = self._read(reconciliations.causes, run_id)
        return found

    def plan(self, run_id: int) -> dict[tuple[str, str], int]:
        """How many drifts of a run are still open, by cause and repair."""
        found: dict[tuple[str, str], int] = self._read(reconciliations.plan, run_id)
        return found

    def history(self, key: str, limit: int = 100) -> list[tuple[Run, Drift]]:
        """What was ever found at a key, newest first."""
        found: list[tuple[Run, Drift]] = self._read(reconciliations.history, key, limit)
        return found

    def standings(self, target: str, keys: Sequence[str]) -> dict[str, Standing]:
        """Our deliveries of states, by key."""
        found: dict[str, Standing] = self._read(reconciliations.standings, target, keys)
        return found

    def documents(self, source: str, flow: str, subjects: Sequence[str]) -> dict[tuple[str, str], Standing]:
        """Our deliveries of a flow of documents, by (subject, target)."""
        found: dict[tuple[str, str], Standing] = self._read(reconciliations.documents, source, flow, subjects)
        return found

    def told(self, source: str, target: str, flow: str, after: int, limit: int) -> list[tuple[int, bytes]]:
        """States as their source last told them, by id, behind `after`."""
        found: list[tuple[int, bytes]] = self._read(reconciliations.told, source, target, flow, after, limit)
        return found

    def owe(self, run: Run, wanted: Sequence[Drift], by: str, why: str, now: datetime) -> int:
        """Levels owed again where they still stand as judged; returns how many."""
        return self._committer.run(lambda c: reconciliations.owe(c, self._payloads, run, wanted, by, why, now))

    def settle(self, run: Run, repaired: Sequence[Drift], state: DriftState, by: str, why: str, now: datetime) -> int:
        """What became of drifts, with the trail; returns how many were still open."""
        return self._committer.run(
            lambda c: reconciliations.settle(c, self._payloads, run, repaired, state, by, why, now)
        )

    def keep_totals(self, totals: Sequence[Total], now: datetime) -> None:
        """Of a day, in the place of what was there."""
        self._committer.run(lambda c: reconciliations.keep_totals(c, totals, now))

    def totals(self, since: date, flow: str = "") -> list[Total]:
        """From that day on."""
        found: list[Total] = self._read(reconciliations.totals, since, flow)
        return found

    def forget(self, before: datetime, limit: int = 20) -> int:
        """Runs that ended before then; returns how many went."""
        return self._committer.run(lambda c: reconciliations.forget(c, before, limit))

    @staticmethod
    def _held(claimed: Checkpoint, found: T | None) -> T:
        if found is None:
            raise LeaseLost(f"another has {claimed.source}/{claimed.stream}")
        return found
