"""A past period replayed: what would change, told by field; nothing is sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from crossdock.errors import MappingError
from crossdock.operations.desk import View
from crossdock.operations.masking import shown
from crossdock.replaying.differences import Outcome, Replayed
from crossdock.shadowing.fields import unnumbered

DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
MOST_TOLD = 1000  # of deliveries told one by one


class Field(View, frozen=True, kw_only=True):
    """A field that differs, in how many deliveries, and how in the first of them."""

    target: str
    flow: str
    field: str
    count: int
    reference: str
    then: str
    now: str


class Told(View, frozen=True, kw_only=True):
    """A delivery that would not go the same way."""

    delivery: int | None
    reference: str
    flow: str
    target: str
    outcome: str
    why: str


class Report(View, frozen=True, kw_only=True):
    """`bytes_different`: of the requests that were sent then, how many bytes belong to one that would be another.

    `others` are told one by one up to a bound, `untold` is how many are not. `not_replayable`: deliveries of the period
    that were not replayed, by `FLOW to TARGET`. `mappings`: by which version and settings they were mapped then, and
    how many by each; `now` by which they are now.
    """

    since: datetime
    until: datetime
    deliveries: int
    counts: dict[str, int]
    bytes_compared: int
    bytes_different: int
    fields: list[Field]
    others: list[Told]
    untold: int
    not_replayable: dict[str, int]
    mappings: dict[str, int]
    now: dict[str, str]


def period(text: str) -> tuple[datetime, datetime]:
    """`2026-11-25` is that day in UTC; `A..B` from A to before B, each a day or a time (ISO 8601, UTC without a zone).

    Raises MappingError.
    """
    first, dots, last = text.partition("..")
    since = _moment(first)
    if dots:
        until = _moment(last)
    else:
        until = since + (timedelta(days=1) if DAY.fullmatch(first.strip()) else timedelta(hours=1))
    if until <= since:
        raise MappingError("as-of", "ends before it begins")
    return since, until


def report(
    since: datetime,
    until: datetime,
    found: Iterable[Replayed],
    now: dict[str, str],
    *,
    left_out: Mapping[tuple[str, str], int],
    revealed: bool,
) -> Report:
    """`found` is gone through once and not kept. Values are masked unless `revealed`."""
    counts = dict.fromkeys(map(str, Outcome), 0)
    fields: dict[tuple[str, str, str], Field] = {}
    mappings: dict[str, int] = {}
    others: list[Told] = []
    total = same = untold = 0
    for one in found:
        counts[one.outcome] += 1
        total += one.bytes_compared
        same += one.bytes_compared if one.outcome is Outcome.SAME else 0
        if one.delivery is not None:
            mappings[one.mapped_by or "unknown"] = mappings.get(one.mapped_by or "unknown", 0) + 1
        if one.outcome not in {Outcome.SAME, Outcome.CHANGED}:
            untold += len(others) == MOST_TOLD
            others += [_told(one)] if len(others) < MOST_TOLD else []
        _count(fields, one, revealed=revealed)
    return Report(
        since=since,
        until=until,
        deliveries=sum(counts.values()),
        counts=counts,
        bytes_compared=total,
        bytes_different=total - same,
        fields=sorted(fields.values(), key=lambda one: (-one.count, one.target, one.field)),
        others=others,
        untold=untold,
        not_replayable={f"{flow} to {target}": number for (flow, target), number in left_out.items()},
        mappings=mappings,
        now=now,
    )


def _count(fields: dict[tuple[str, str, str], Field], one: Replayed, *, revealed: bool) -> None:
    told = {unnumbered(change.field): change for change in reversed(one.changes)}
    for name, change in told.items():
        place = (one.target, one.flow, name)
        known = fields.get(place)
        before, after = (shown(name, text, revealed=revealed) for text in (change.then, change.now))
        fields[place] = Field(
            target=one.target,
            flow=one.flow,
            field=name,
            count=known.count + 1 if known else 1,
            reference=known.reference if known else one.reference,
            then=known.then if known else before,
            now=known.now if known else after,
        )


def _told(one: Replayed) -> Told:
    names = ("delivery", "reference", "flow", "target", "why")
    return Told(outcome=str(one.outcome), **{name: getattr(one, name) for name in names})


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise MappingError("as-of", "is a day (2026-11-25), a time, or two of them with .. between") from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


__all__ = ["Report", "period", "report"]
