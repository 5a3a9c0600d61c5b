"""The list of deliveries: filtered, searched, newest first, page by page."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from crossdock.errors import MappingError
from crossdock.operations import cursor
from crossdock.operations.desk import Desk, View, line
from crossdock.storage.listing import LAST, DeliveryRow, Filter, Place
from crossdock.storage.tables import EPOCH

STATES = ("pending", "leased", "delivered", "superseded", "shadowed", "dead", "resolved")
MOST = 500
LONGEST_TEXT = 255
FINGERPRINT = re.compile(r"[0-9a-f]{64}")


class Asked(View, frozen=True, kw_only=True):
    """Which deliveries: every given part must match.

    `search`: an order's number, a SKU, an ERP's number or id, an e-mail address, or the fingerprint of one. `since` and
    `until` are of the moment since which a delivery is owed as it is.
    """

    flow: str = ""
    target: str = ""
    state: str = ""
    code: str = ""
    subject: str = ""
    search: str = ""
    since: datetime | None = None
    until: datetime | None = None
    cursor: str = ""
    limit: int = 50


class Listed(View, frozen=True, kw_only=True):
    """One line. `opened_at`: since when it is owed as it is; `created_at`: when it was first."""

    id: int
    flow: str
    source: str
    target: str
    subject: str
    reference: str
    key: str
    state: str
    attempts: int
    created_at: datetime
    opened_at: datetime
    due_at: datetime
    settled_at: datetime | None
    maybe_sent: bool
    code: str
    reason: str
    owner: str
    resolved_why: str


class Page(View, frozen=True, kw_only=True):
    """`next` is where the next page begins; None: this is the last."""

    rows: list[Listed]
    next: str | None
    cli: str


def page(desk: Desk, asked: Asked) -> Page:
    """Raises MappingError for what cannot be asked. A search looks into the archive too, a list does not."""
    which = _filter(desk, asked)
    rows = desk.store.operations.page(which) if which is not None else []
    more = which is not None and len(rows) == which.limit
    return Page(
        rows=[listed(row) for row in rows], next=cursor.encode(rows[-1].spot() if more else None), cli=_cli(asked)
    )


def listed(row: DeliveryRow) -> Listed:
    """As it is shown."""
    shown = {name: getattr(row, name) for name in Listed.__struct_fields__ if name != "state"}
    return Listed(**shown, state=row.word())


def limit_of(wanted: int) -> int:
    """Raises MappingError for what no page can hold."""
    if not 1 <= wanted <= MOST:
        raise MappingError("limit", f"is from 1 to {MOST}")
    return wanted


def found(desk: Desk, text: str) -> list[Place]:
    """The subjects that a search names: (source, subject)."""
    wanted = text.strip()[:LONGEST_TEXT].replace("\0", "")
    if "@" in wanted:
        return desk.store.operations.places_about(desk.store.fingerprint_of(wanted), desk.names)
    if FINGERPRINT.fullmatch(wanted):
        return desk.store.operations.places_about(wanted, desk.names)
    return desk.store.operations.places(wanted, desk.names) if wanted else []


def _filter(desk: Desk, asked: Asked) -> Filter | None:
    """None where nothing can fit."""
    if asked.state and asked.state not in STATES:
        raise MappingError("state", f"is one of {', '.join(STATES)}")
    places: list[Place] | None = None
    if asked.search.strip():
        places = found(desk, asked.search)
    if asked.subject:
        named = [(name, asked.subject.replace("\0", "")) for name in desk.names]
        places = named if places is None else [place for place in places if place in set(named)]
    if places is not None and not places:
        return None
    return Filter(
        flow=asked.flow,
        target=asked.target,
        state=asked.state,
        code=asked.code,
        since=moment(asked.since, "since") or EPOCH,
        until=moment(asked.until, "until") or LAST,
        places=tuple(places or ()),
        limit=limit_of(asked.limit),
        **({"before": cursor.decode(asked.cursor)} if asked.cursor else {}),
    )


def moment(given: datetime | None, name: str) -> datetime | None:
    """Raises MappingError for a time without its zone, and for one that is no time of ours."""
    if given is None:
        return None
    if given.tzinfo is None:
        raise MappingError(name, "has no time zone")
    return min(max(given.astimezone(UTC) if EPOCH.year < given.year < LAST.year else EPOCH, EPOCH), LAST)


def _cli(asked: Asked) -> str:
    if asked.search and "@" not in asked.search:  # no address belongs into a shell's history
        return line("explain", "order", asked.search)
    if asked.state == "dead":
        words = [(f"--{name}", getattr(asked, name)) for name in ("flow", "target", "code")]
        return line("dead", "list", *(part for name, value in words if value for part in (name, value)))
    return line("status")


__all__ = ["STATES", "Asked", "Listed", "Page", "found", "limit_of", "listed", "moment", "page"]
