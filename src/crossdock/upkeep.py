"""What a process does beside carrying: seals the trail, forgets what is old, sees what was missed, renews secrets."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

import structlog

from crossdock.broken import Broken
from crossdock.errors import StorageError
from crossdock.reconciling.composed import Reconciling
from crossdock.security.places import Secrets
from crossdock.settings import Settings
from crossdock.storage.sql import SqlStore

log = structlog.get_logger("crossdock.upkeep")
SEAL_EVERY = 1.0
FORGET_EVERY = 3600.0
TEND_EVERY = 1.0
MOVES_MATTER = timedelta(days=60)  # a level that is older is no level


class Upkeep:
    """Two threads: one for the secrets, and one that `seals`, for all that a process with the database alone does not.

    `watch` is called every `watch_every` seconds. `broken`: of a process that delivers, what tells of its breakers.
    """

    def __init__(
        self,
        settings: Settings,
        store: SqlStore,
        secrets: Secrets,
        reconciling: Reconciling,
        clock: Callable[[], datetime],
        broken: Broken | None,
        *,
        watch: Callable[[], None],
        watch_every: float,
        seals: bool,
    ) -> None:
        self._keep = settings.audit.keep_days
        self._archived_after = settings.archive.after_days
        self._store = store
        self._secrets = secrets
        self._reconciling = reconciling
        self._clock = clock
        self._broken = broken
        self._watch = watch
        self._watch_every = watch_every
        self._watch_at = 0.0
        self._forget_at = 0.0
        self._ended = threading.Event()
        self._tender = threading.Thread(target=self._tend, name="secrets", daemon=True)
        self._sealer = threading.Thread(target=self._seal, name="seal", daemon=True) if seals else None

    def start(self) -> None:
        """From now on."""
        self._tender.start()
        if self._sealer:
            self._sealer.start()

    def stop(self) -> None:
        """After the step under way."""
        self._ended.set()
        for thread in (self._tender, self._sealer):
            if thread is not None and thread.is_alive():
                thread.join()
        if self._broken is not None:
            with suppress(StorageError):  # without a database its word ends by itself
                self._broken.leave()

    def _tend(self) -> None:
        while not self._ended.wait(TEND_EVERY):
            try:
                self._secrets.tend()
            except Exception:  # the values that were read go on being used
                log.exception("cannot look after the secrets")
            if self._broken is not None:
                self._broken.tell()

    def _seal(self) -> None:
        while not self._ended.wait(SEAL_EVERY):
            try:
                self._store.seal_audit()
                self._forget()
                self._look()
            except Exception:  # the trail is sealed later, the schedules looked at; nothing is lost by it
                log.exception("cannot seal the audit trail")

    def _look(self) -> None:
        if time.monotonic() >= self._watch_at:
            self._watch_at = time.monotonic() + self._watch_every
            self._watch()

    def _forget(self) -> None:
        """What is old, in small steps, once an hour."""
        if time.monotonic() < self._forget_at:
            return
        now = self._clock()
        bodies = self._store.forget_bodies(now - timedelta(days=self._keep.payloads))
        bodies += self._store.levels.forget_feeds(now - timedelta(days=self._keep.payloads))
        self._store.levels.forget_moves(now - MOVES_MATTER)
        rows = self._store.forget_rows(now - timedelta(days=self._keep.rows), now)
        rows += self._store.put_away(now - timedelta(days=self._archived_after)) if self._archived_after else 0
        rows += self._reconciling.forget(now)
        if not bodies and not rows:
            self._forget_at = time.monotonic() + FORGET_EVERY


__all__ = ["Upkeep"]
