"""Why something is where it is, in a sentence that is understood at night: what holds it, what comes next, what to do.

Pure: the rows and the time come in.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from crossdock.delivery.records import State
from crossdock.errors import NotOpen
from crossdock.operations.desk import View
from crossdock.storage.listing import DeliveryRow

MINUTE = 60
HOUR = 3600
DAY = 86_400
ON_ITS_WAY = frozenset({State.PENDING, State.LEASED})
FIRST = {"dead": 0, "pending": 1, "leased": 1, "shadowed": 2, "delivered": 3, "superseded": 4, "resolved": 5}


class Reason(View, frozen=True, kw_only=True):
    """Of one delivery, or of a target that has none. `next`: what happens by itself; `do`: commands for a person."""

    target: str
    flow: str
    state: str
    why: str
    next: str
    do: list[str]
    delivery: int | None = None


class Ground(View, frozen=True, kw_only=True):
    """What the reasons stand on: pauses by connection (why, since when), the time, and the horizon of retries (s)."""

    paused: Mapping[str, tuple[str, datetime]]
    now: datetime
    horizon: float


def reasons(rows: Sequence[DeliveryRow], ground: Ground, looks: frozenset[str], quiet: frozenset[str]) -> list[Reason]:
    """What is worst first. `looks` are flows that only look; `quiet` flows are told only while something is wrong."""
    told = [row for row in rows if row.flow not in looks]
    shown = [row for row in told if row.flow not in quiet or row.state in {*ON_ITS_WAY, State.DEAD}]
    found = [_of_row(row, told, ground) for row in shown if row.word() != "resolved" or row.flow not in quiet]
    if not told:
        found += [_of_look(row, ground) for row in rows]
    return sorted(found, key=lambda one: (FIRST.get(one.state, 6), one.target, one.delivery or 0))


def _of_row(row: DeliveryRow, rows: Sequence[DeliveryRow], ground: Ground) -> Reason:
    if row.state == State.DEAD:
        return _dead(row)
    if row.state in ON_ITS_WAY:
        return _waiting(row, rows, ground)
    what = _called(row)
    since = f", since {stamp(row.settled_at)}" if row.settled_at else ""
    if row.state == State.SHADOWED:
        why = f"{what} was compared with {row.target} and not sent: {row.reason.removeprefix('shadow: ')}{since}."
        return _made(row, why, next_="Nothing: another integration carries it.", do=[_line("shadow", "show", row.id)])
    if row.state == State.SUPERSEDED:
        return _made(row, f"{what} is not in {row.target}: {row.reason or 'a newer state took its place'}{since}.")
    told = f" ({row.reason})" if row.reason else ""
    return _made(row, f"{what} is in {row.target}{told}{since}.")


def _dead(row: DeliveryRow) -> Reason:
    if row.word() == "resolved":
        return _made(row, f"{_called(row)} was ended by a person: {row.resolved_why}.")
    whose = f" It is for {row.owner}." if row.owner else ""
    why = f"{_called(row)} is not in {row.target} because of {row.code or 'an error'}: {_sentence(row.reason)}{whose}"
    nothing = "Nothing by itself: it is a dead letter until a person acts."
    again = _line("dead", "replay", row.id, "--why", "…")
    if row.code == "lookup-missing":
        nothing = "It goes on by itself once the entry is there."
        return _made(row, why, next_=nothing, do=[_line("lookups", "missing"), _line("lookups", "add", "--help")])
    if row.code == NotOpen.code:
        nothing = f"It is tried again by itself once what it is done to has changed in {row.target}."
    steps = [_line("dead", "show", row.id), again, _line("dead", "resolve", row.id, "--why", "…")]
    if row.maybe_sent:
        why += " It may have been sent: look there first."
    return _made(row, why, next_=nothing, do=steps)


def _waiting(row: DeliveryRow, rows: Sequence[DeliveryRow], ground: Ground) -> Reason:
    what, target = _called(row), row.target
    if target in ground.paused:
        reason, since = ground.paused[target]
        why = f"{what} is not in {target} because {target} is paused since {stamp(since)}: {_sentence(reason)}"
        return _made(row, why, next_="As soon as it is resumed.", do=[_line("resume", target, "--why", "…")])
    ahead = [one for one in rows if _holds_up(one, row)]
    if ahead:
        why = f"{what} is not in {target} because it waits for {_called(ahead[0]).lower()} before it (delivery "
        why += f"{ahead[0].id}), which is {ahead[0].word()}: {_sentence(ahead[0].reason or 'on its way')}"
        return _made(row, why, next_="Right after that one.", do=[_line("dead", "show", ahead[0].id)])
    if row.state == State.LEASED:
        return _made(row, f"{what} is being sent to {target} just now.", next_="Within seconds.")
    if not row.reason:
        return _made(row, f"{what} is on its way to {target}.", next_=_when(row.due_at, ground.now))
    tries = f" after {row.attempts} tries" if row.attempts > 1 else ""
    why = f"{what} is not in {target}{tries} because of {_coded(row)}"
    given_up = row.opened_at + timedelta(seconds=ground.horizon)
    later = f"; given up at {stamp(given_up)}" if row.code else ""
    return _made(row, why, next_=f"Tried again by itself {_when(row.due_at, ground.now)}{later}.")


def _holds_up(one: DeliveryRow, row: DeliveryRow) -> bool:
    """The head of a lane: what came before it, in the same one, and is not done."""
    before = one.target == row.target and one.id < row.id and one.is_open == 1
    return before and one.state in {*ON_ITS_WAY, State.DEAD}


def _of_look(row: DeliveryRow, ground: Ground) -> Reason:
    """Nothing was ever promised: what the look at it came to."""
    if row.state == State.DEAD:
        why = f"It could not be read from {row.target}: {_coded(row)}"
        return _made(row, why, next_="Nothing by itself.", do=[_line("dead", "show", row.id)])
    if row.state in ON_ITS_WAY and not row.settled_at and not row.reason:
        return _made(row, f"It was heard of and is to be read from {row.target}.", next_=_when(row.due_at, ground.now))
    reason = row.reason or "no route wants it"
    next_ = f"Looked at again {_when(row.due_at, ground.now)}." if row.state in ON_ITS_WAY else ""
    return _made(row, f"Nothing was sent of it: {_sentence(reason)}", next_=next_ or "When it changes in the store.")


def _made(row: DeliveryRow, why: str, *, next_: str = "", do: Sequence[str] = ()) -> Reason:
    return Reason(target=row.target, flow=row.flow, state=row.word(), why=why, next=next_, do=list(do), delivery=row.id)


def _called(row: DeliveryRow) -> str:
    one = {"orders": "The order", "prices": "The price", "inventory": "The level", "products": "The product"}
    return one.get(row.flow, f"A record of {row.flow.replace('_', ' ')}")


def _coded(row: DeliveryRow) -> str:
    return f"{row.code}: {_sentence(row.reason)}" if row.code else _sentence(row.reason)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def stamp(moment: datetime) -> str:
    """As people read it."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _when(due: datetime, now: datetime) -> str:
    seconds = (due - now).total_seconds()
    if seconds <= 0:
        return "now"
    for size, word in ((DAY, "days"), (HOUR, "hours"), (MINUTE, "minutes")):
        if seconds >= 2 * size:
            return f"in {seconds / size:.0f} {word} ({stamp(due)})"
    return f"in {seconds:.0f} s ({stamp(due)})"


def _line(*words: object) -> str:
    """As it is typed; … stands for what a person puts there."""
    return " ".join("…" if word == "…" else shlex.quote(str(word)) for word in ("crossdock", *words))


__all__ = ["Ground", "Reason", "reasons", "stamp"]
