"""What shadow deliveries found: by route, by field, with examples; and going live with what was only compared."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from datetime import datetime

from crossdock.contract.shadow import Fate
from crossdock.errors import NotThere
from crossdock.operations.deliveries import limit_of
from crossdock.operations.desk import Desk, View, line, needs_why
from crossdock.operations.masking import shown
from crossdock.storage.shadows import Comparison, Differing, ShadowFilter
from crossdock.storage.sql_shadows import SqlShadows

AT_ONCE = 500
EXAMPLES = 5
TOLD = (Fate.DIFFERENT, Fate.MISSING, Fate.REFUSED)


class Road(View, frozen=True, kw_only=True):
    """One flow from a store to a target. Only what is equal or different was held field by field against the target."""

    source: str
    target: str
    flow: str
    equal: int
    different: int
    missing: int
    refused: int
    unseen: int


class Field(View, frozen=True, kw_only=True):
    """A field that differs, in the target's words, in how many deliveries; `examples` are references of some."""

    target: str
    flow: str
    field: str
    count: int
    examples: list[str]


class Example(View, frozen=True, kw_only=True):
    """One delivery that is not equal. Values: see `comparison`."""

    delivery: int
    target: str
    flow: str
    reference: str
    fate: str
    fields: list[str]
    reason: str


class Row(View, frozen=True, kw_only=True):
    """One delivery as it was last compared, without a value. `number`: what the target calls it."""

    delivery: int
    source: str
    target: str
    flow: str
    subject: str
    reference: str
    fate: str
    number: str
    compared: int
    fields: list[str]
    reason: str
    at: datetime


class Listing(View, frozen=True, kw_only=True):
    """One page of them. `after`: where the next one begins, or None."""

    rows: list[Row]
    after: int | None
    cli: str


class Report(View, frozen=True, kw_only=True):
    """`uncompared`: by target, fields that it does not give back in at least one delivery."""

    roads: list[Road]
    fields: list[Field]
    uncompared: dict[str, list[str]]
    examples: list[Example]
    cli: str


class Value(View, frozen=True, kw_only=True):
    """One field of one delivery: what would have been sent, and what is there."""

    field: str
    ours: str
    theirs: str


class Shown(View, frozen=True, kw_only=True):
    """One comparison with its values, without what is about a person unless it may be seen (`masked`)."""

    delivery: int
    source: str
    target: str
    flow: str
    subject: str
    reference: str
    fate: str
    number: str
    compared: int
    values: list[Value]
    uncompared: list[str]
    reason: str
    at: datetime
    masked: bool
    cli: str


class Done(View, frozen=True, kw_only=True):
    """What was asked for. `left`: more fits than is done at once; ask again, behind `after` where there is one."""

    deliveries: int
    left: int
    after: int | None
    cli: str


def report(shadows: SqlShadows, which: ShadowFilter) -> Report:
    """All that was compared, as it was compared last. No more than a page of it is held at a time."""
    return Report(
        roads=_roads(shadows.counts(which)),
        fields=_fields(shadows.differing(which)),
        uncompared=shadows.uncompared(which),
        examples=[_example(row) for row in shadows.newest(which, TOLD, EXAMPLES * 2)],
        cli=line("shadow", "report", *_words(which)),
    )


def listing(shadows: SqlShadows, which: ShadowFilter, after: int = 0, limit: int = 100) -> Listing:
    """By their numbers, behind `after`. Raises MappingError for what no page can hold."""
    kept = shadows.listed(which, limit_of(limit) + 1, after)
    shown = kept[:limit]
    return Listing(
        rows=[_row(one) for one in shown],
        after=shown[-1].delivery if len(kept) > limit else None,
        cli=line("shadow", "list", *_words(which)),
    )


def comparison(shadows: SqlShadows, number: int, *, admin: bool) -> Shown:
    """Raises NotThere."""
    found = shadows.whole(number) if 0 < number < 2**62 else None
    if found is None:
        raise NotThere(f"delivery {number} was not compared")
    kept = {name: getattr(found, name) for name in ("source", "target", "flow", "subject", "reference", "number")}
    return Shown(
        delivery=found.delivery,
        fate=str(found.fate),
        compared=found.compared,
        values=[
            Value(
                field=one.field,
                ours=shown(one.field, one.ours, revealed=admin),
                theirs=shown(one.field, one.theirs, revealed=admin),
            )
            for one in found.unlike
        ],
        uncompared=list(found.uncompared),
        reason=found.reason,
        at=found.at,
        masked=not admin,
        cli=line("shadow", "show", number),
        **kept,
    )


def again(desk: Desk, which: ShadowFilter, by: str, why: str, after: int = 0, most: int = AT_ONCE) -> Done:
    """Compare once more, with the mapping and the settings of now. Raises MappingError without a reason.

    By their numbers, behind `after`: what is compared meanwhile fits once more, and would be asked for for ever.
    """
    said, shadows = needs_why(why), desk.store.shadows
    ids = shadows.shadowed_ids(which, most, after)
    done = shadows.again(ids, by, said, desk.clock())
    left = shadows.how_many(which, ids[-1]) if len(ids) == most else 0
    desk.acted()
    told = line("shadow", "again", "--why", said)
    return Done(deliveries=done, left=left, after=ids[-1] if left else None, cli=told)


def send(desk: Desk, which: ShadowFilter, by: str, why: str, most: int = AT_ONCE) -> Done:
    """Everything of these subjects that was only compared is sent, looked for first. Raises MappingError."""
    said, shadows = needs_why(why), desk.store.shadows
    done = sum(
        shadows.send(source, target, [subject], by, said, desk.clock())
        for source, target, subject in shadows.shadowed_places(which, most)
    )
    desk.acted()
    left, told = shadows.how_many_places(which), line("shadow", "send", "--why", said)
    return Done(deliveries=done, left=left, after=None, cli=told)


def _words(which: ShadowFilter) -> list[str]:
    names = ("source", "target", "flow", "fate")
    return [part for name in names if (value := getattr(which, name)) for part in (f"--{name}", value)]


def _roads(counts: Mapping[tuple[str, str, str, str], int]) -> list[Road]:
    roads = dict.fromkeys(sorted((source, target, flow) for source, target, flow, _ in counts))
    return [
        Road(
            source=source,
            target=target,
            flow=flow,
            **{str(fate): counts.get((source, target, flow, str(fate)), 0) for fate in Fate},
        )
        for source, target, flow in roads
    ]


def _fields(rows: Iterable[Differing]) -> list[Field]:
    """Most deliveries first. Entries of a list are one field."""
    counted: Counter[tuple[str, str, str]] = Counter()
    told: dict[tuple[str, str, str], deque[str]] = {}
    for row in rows:
        for name in row.fields:
            place = (row.target, row.flow, name)
            counted[place] += 1
            told.setdefault(place, deque(maxlen=EXAMPLES)).append(row.called)
    made = [
        Field(target=target, flow=flow, field=name, count=count, examples=[*told[target, flow, name]][::-1])
        for (target, flow, name), count in counted.items()
    ]
    return sorted(made, key=lambda one: (-one.count, one.target, one.field))


def _row(row: Comparison) -> Row:
    names = set(Row.__struct_fields__) - {"fate", "fields"}
    return Row(fate=str(row.fate), fields=list(row.fields), **{name: getattr(row, name) for name in names})


def _example(row: Comparison) -> Example:
    names = ("delivery", "target", "flow", "reference", "reason")
    told = {name: getattr(row, name) for name in names}
    return Example(fate=str(row.fate), fields=list(row.fields), **told)


__all__ = ["Done", "Listing", "Report", "Shown", "again", "comparison", "listing", "report", "send"]
