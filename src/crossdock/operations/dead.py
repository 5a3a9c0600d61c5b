"""Dead letters by their cause, what trying them again would do, and doing it: in steps, and once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import msgspec

from crossdock.errors import MappingError, NotNow
from crossdock.operations import money
from crossdock.operations.causes import blanked, cause_of
from crossdock.operations.deliveries import moment
from crossdock.operations.desk import Desk, View, line, needs_why
from crossdock.operations.money import AtRisk
from crossdock.operations.overview import DEAD_MOST, dead_rows
from crossdock.storage.listing import Filter
from crossdock.storage.overview import DeadRow
from crossdock.storage.tables import micros, moment_of

STEP = 500  # letters in one transaction: other writers wait for none of them for long
AT_ONCE = 1000  # letters in one call, by default
MOST_AT_ONCE = 10_000
SHOWN = 100


class Where(View, frozen=True, kw_only=True):
    """How many of them are of one flow to one target."""

    flow: str
    target: str
    count: int


class Letter(View, frozen=True, kw_only=True):
    """One of them. `reference`: the number that people know it by."""

    id: int
    reference: str
    flow: str
    target: str
    reason: str
    maybe_sent: bool
    died_at: datetime


class Cause(View, frozen=True, kw_only=True):
    """Letters of one code whose reasons differ in nothing but numbers and ids.

    `reason` has # for those. `oldest_at`, `newest_at`: when the first and the last of them died.
    """

    id: str
    code: str
    owner: str
    reason: str
    count: int
    maybe_sent: int
    oldest_at: datetime
    newest_at: datetime
    where: list[Where]
    at_risk: AtRisk
    cli: str


class Causes(View, frozen=True, kw_only=True):
    """Most letters first. `as_of`: give it back with an action, so that what died later is left alone.

    `complete` is false where there are more letters than were looked at.
    """

    as_of: datetime
    causes: list[Cause]
    complete: bool
    cli: str = line("dead", "causes")


class Choice(View, frozen=True, kw_only=True):
    """Which letters: those of `ids`, or all of a `cause`. `before`: only those that died before then.

    `limit`: how many in one call; what is left is told, and the same call goes on with it.
    """

    ids: tuple[int, ...] = ()
    cause: str = ""
    before: datetime | None = None
    limit: int = AT_ONCE


class Foreseen(View, frozen=True, kw_only=True):
    """What trying them again would do. `asked_first`: they may have arrived, and are looked for before they are sent.

    `waits`: to connections that are paused, and so not before those go on. `gone`: ids that are no dead letters.
    """

    letters: int
    where: list[Where]
    asked_first: int
    waits: int
    paused: list[str]
    oldest_at: datetime | None
    at_risk: AtRisk
    gone: list[int]
    cli: str


class Done(View, frozen=True, kw_only=True):
    """`done` now, `left` for the next call. What was no dead letter (any more) counts in neither."""

    action: str
    done: int
    left: int
    cli: str


def causes(desk: Desk, *, flow: str = "", target: str = "", code: str = "") -> Causes:
    """At most ten seconds old."""
    rows = [row for row in dead_rows(desk) if _fits(row, flow, target, code)]
    grouped: defaultdict[tuple[str, str], list[DeadRow]] = defaultdict(list)
    for row in rows:
        grouped[row.code, blanked(row.reason)].append(row)
    money.learn(desk, rows)
    found = [_cause(desk, same) for same in grouped.values()]
    found.sort(key=lambda one: (-one.count, one.id))
    return Causes(as_of=desk.clock(), causes=found, complete=len(dead_rows(desk)) < DEAD_MOST)


def one(desk: Desk, cause: str) -> Cause | None:
    """One of them; None where no letter of it is left."""
    rows = [row for row in dead_rows(desk) if _is_of(row, cause)]
    money.learn(desk, rows)
    return _cause(desk, rows) if rows else None


def letters(desk: Desk, cause: str, after: int = 0, limit: int = SHOWN) -> list[Letter]:
    """Of one cause, by their numbers, behind `after`."""
    rows = sorted((row for row in dead_rows(desk) if _is_of(row, cause) and row.id > after), key=lambda row: row.id)
    known = {row.id: row for row in desk.store.operations.rows([row.id for row in rows[:limit]])}
    return [
        Letter(
            id=row.id,
            reference=known[row.id].reference or known[row.id].subject if row.id in known else "",
            flow=row.flow,
            target=row.target,
            reason=row.reason,
            maybe_sent=bool(row.maybe_sent),
            died_at=_died(row),
        )
        for row in rows[:limit]
    ]


def foresee(desk: Desk, choice: Choice) -> Foreseen:
    """Nothing is done. Raises MappingError where neither ids nor a cause are given."""
    rows = list(_chosen(desk, choice))
    paused = sorted({one.connection for one in desk.store.paused()} & {row.target for row in rows})
    return Foreseen(
        letters=len(rows),
        where=_where(rows),
        asked_first=sum(row.maybe_sent for row in rows),
        waits=sum(row.target in paused for row in rows),
        paused=paused,
        oldest_at=min(map(_died, rows)) if rows else None,
        at_risk=money.at_risk(desk, rows),
        gone=sorted(set(choice.ids) - {row.id for row in rows})[:SHOWN],
        cli=command("replay", choice),
    )


def replay(desk: Desk, choice: Choice, by: str, why: str) -> Done:
    """Tried again under the same key: what arrived after all is found, not doubled."""
    said = needs_why(why)
    return _act(
        desk,
        "replay",
        choice,
        lambda ids: desk.store.replay(ids, by, desk.clock(), said, before=moment(choice.before, "before")),
    )


def resolve(desk: Desk, choice: Choice, by: str, why: str) -> Done:
    """A person has dealt with them: they are not tried again, and their lanes go on."""
    said = needs_why(why)
    return _act(
        desk,
        "resolve",
        choice,
        lambda ids: desk.store.resolve(ids, by, said, desk.clock(), before=moment(choice.before, "before")),
    )


def edit(desk: Desk, number: int, record: bytes, by: str, why: str, over: str) -> Done:
    """A corrected record, tried again under the same key. `over`: the version of the record that it was made from.

    Raises Stale where that is not the version any more, NotNow where it is no dead letter or a state, MappingError
    where it is no JSON object.
    """
    said = needs_why(why)
    try:
        if not isinstance(msgspec.json.decode(record), dict):
            raise MappingError("record", "is not a JSON object")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MappingError("record", "is no JSON") from error
    if not desk.store.edit(number, record, by, said, desk.clock(), over=over):
        raise NotNow(f"delivery {number} is no dead letter whose record can be corrected here")
    desk.acted()
    return Done(action="edit", done=1, left=0, cli=line("dead", "edit", number, "record.json", "--why", said))


def _act(desk: Desk, action: str, choice: Choice, act: Callable[[Sequence[int]], int]) -> Done:
    _check(choice)
    few = 0 < len(choice.ids) <= choice.limit
    chosen = [*choice.ids] if few else [row.id for row in _chosen(desk, choice, fresh=True)]
    now, later = chosen[: choice.limit], chosen[choice.limit :]
    done = sum(act(step) for step in _steps(now))
    desk.acted()
    return Done(action=action, done=done, left=len(later), cli=command(action, choice))


def _chosen(desk: Desk, choice: Choice, *, fresh: bool = False) -> Iterator[DeadRow]:
    _check(choice)
    rows = desk.store.operations.dead(Filter(), DEAD_MOST) if fresh else dead_rows(desk)
    wanted, before = frozenset(choice.ids), moment(choice.before, "before")
    for row in rows:
        if (row.id in wanted if wanted else _is_of(row, choice.cause)) and _in_time(row, before):
            yield row


def _check(choice: Choice) -> None:
    """Raises MappingError."""
    if bool(choice.ids) == bool(choice.cause):
        raise MappingError("ids", "or a cause: give one of the two")
    if not 1 <= choice.limit <= MOST_AT_ONCE:
        raise MappingError("limit", f"is from 1 to {MOST_AT_ONCE}")
    if len(choice.ids) > MOST_AT_ONCE or not all(0 < number < 2**62 for number in choice.ids):
        raise MappingError("ids", f"are at most {MOST_AT_ONCE} numbers of deliveries")
    moment(choice.before, "before")


def _in_time(row: DeadRow, before: datetime | None) -> bool:
    return before is None or row.died_at < micros(before)


def _died(row: DeadRow) -> datetime:
    return moment_of(row.died_at)


def _is_of(row: DeadRow, cause: str) -> bool:
    return cause_of(row.code, row.reason) == cause


def _fits(row: DeadRow, flow: str, target: str, code: str) -> bool:
    return flow in {"", row.flow} and target in {"", row.target} and code in {"", row.code}


def _cause(desk: Desk, rows: Sequence[DeadRow]) -> Cause:
    first = rows[0]
    name = cause_of(first.code, first.reason)
    died = [row.died_at for row in rows]
    return Cause(
        id=name,
        code=first.code,
        owner=first.owner,
        reason=blanked(first.reason),
        count=len(rows),
        maybe_sent=sum(row.maybe_sent for row in rows),
        oldest_at=moment_of(min(died)),
        newest_at=moment_of(max(died)),
        where=_where(rows),
        at_risk=money.known(desk, rows),
        cli=line("dead", "replay", "--cause", name),
    )


def _where(rows: Sequence[DeadRow]) -> list[Where]:
    counted = Counter((row.flow, row.target) for row in rows)
    return [Where(flow=flow, target=target, count=count) for (flow, target), count in counted.most_common()]


def _steps(chosen: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(chosen), STEP):
        yield chosen[start : start + STEP]


def command(action: str, choice: Choice) -> str:
    which = ["--cause", choice.cause] if choice.cause else [*choice.ids[:20]]
    return line("dead", action, *which, *(["--why", "…"] if action == "resolve" else []))


__all__ = [
    "Cause",
    "Causes",
    "Choice",
    "Done",
    "Foreseen",
    "Letter",
    "Where",
    "causes",
    "edit",
    "foresee",
    "letters",
    "one",
    "replay",
    "resolve",
]
