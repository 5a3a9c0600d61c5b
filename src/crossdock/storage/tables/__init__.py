"""The tables, once for both databases."""

from __future__ import annotations

from crossdock.storage.tables.access import api_tokens, login_tries, request_nonces, sessions, users
from crossdock.storage.tables.archived import archived_deliveries, archived_messages, archived_subjects
from crossdock.storage.tables.columns import EPOCH, MICROSECOND, Moment, Serial, metadata, micros, moment_of
from crossdock.storage.tables.comparing import control_totals, drifts, reconciliations, shadows
from crossdock.storage.tables.spine import (
    ASIDE,
    agreements,
    checkpoints,
    connections,
    deliveries,
    hints,
    is_batched,
    is_open,
    kept_keys,
    links,
    lookup_entries,
    messages,
    payloads,
    people,
    schedule_halts,
    schedules,
    subject_keys,
)
from crossdock.storage.tables.states import feed_rows, feeds, handed, moves, reservations
from crossdock.storage.tables.telling import breakers, incidents, notices
from crossdock.storage.tables.trail import audit, audit_anchors

__all__ = [
    "ASIDE",
    "EPOCH",
    "MICROSECOND",
    "Moment",
    "Serial",
    "agreements",
    "api_tokens",
    "archived_deliveries",
    "archived_messages",
    "archived_subjects",
    "audit",
    "audit_anchors",
    "breakers",
    "checkpoints",
    "connections",
    "control_totals",
    "deliveries",
    "drifts",
    "feed_rows",
    "feeds",
    "handed",
    "hints",
    "incidents",
    "is_batched",
    "is_open",
    "kept_keys",
    "links",
    "login_tries",
    "lookup_entries",
    "messages",
    "metadata",
    "micros",
    "moment_of",
    "moves",
    "notices",
    "payloads",
    "people",
    "reconciliations",
    "request_nonces",
    "reservations",
    "schedule_halts",
    "schedules",
    "sessions",
    "shadows",
    "subject_keys",
    "users",
]
