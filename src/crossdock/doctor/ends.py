"""Every connection, whatever its kind: does it answer and know us, may it be read, is it paused, would orders go?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial

from crossdock.contract.connector import Connector, Health, ReadsRows
from crossdock.contract.findings import Asked, Check, Duties, Finding, clocks, counted, refusals
from crossdock.delivery.store import Pause
from crossdock.errors import CrossdockError
from crossdock.model.base import Record

CONNECTION = Check(
    name="connection",
    title="Every connection answers and knows us",
    why="What cannot be reached, or does not let us in, gets nothing; all that is owed to it waits.",
)
CLOCK = Check(
    name="erp-clock",
    title="The ERP's clock and ours agree",
    why="What has changed there is asked for by its clock, and signed calls are refused when the two are apart.",
    told_as="a clock that differs from the ERP's",
)
PAUSED = Check(
    name="paused",
    title="No connection is paused",
    why="Nothing is sent to a paused connection; what comes in for it waits until somebody resumes it.",
)
READING = Check(
    name="reading",
    title="What is to be read from an ERP can be read",
    why="A missing right to read shows only when the first run fails: stock, prices or shipments stay old.",
)
MAPPING = Check(
    name="mapping",
    title="The newest orders could be told to their ERPs",
    why="A tax rate, currency, product type or payment method without a place in the mapping holds up real orders.",
)
CHECKS = (CONNECTION, CLOCK, PAUSED, READING, MAPPING)
LOGIN = frozenset({"unauthorized"})


class Rehearsed(Record, frozen=True, kw_only=True):
    """How one order would fare at one ERP: `stopped` says why it would not go, "" where it would."""

    order: str
    target: str
    stopped: str = ""


def answers(health: Health) -> list[Finding]:
    """Pure."""
    if health.ok:
        return [CONNECTION.ok(health.detail)]
    if health.detail.partition(":")[0] in LOGIN:
        mend = "check the credentials that the settings refer to, and the account's rights, at the other side"
        return [CONNECTION.error(health.detail, mend)]
    return [CONNECTION.error(health.detail, "is the address right, is the system up, does a firewall let us through?")]


def clock(health: Health, theirs: datetime | None, before: datetime, after: datetime) -> list[Finding]:
    """Pure: `theirs` came with the answer that `health` is of; `before` and `after` are our own clock around it."""
    if theirs is not None:
        return clocks(CLOCK, "ERP", theirs, before, after)
    if not health.ok:
        return [CLOCK.unseen(f"it gave no answer that tells its time: {health.detail}", "see to that first")]
    return [CLOCK.look_by_hand("its answers tell no time (header Date)", "`date -u` on both machines")]


def paused(name: str, found: Iterable[Pause]) -> list[Finding]:
    """Pure."""
    for one in found:
        if one.connection == name:
            told = f"paused since {one.since:%Y-%m-%d %H:%M} UTC by {one.by}: {one.reason}"
            return [PAUSED.error(told, f"crossdock resume {name}")]
    return [PAUSED.ok("is not paused")]


def questions(connector: Connector, duties: Duties) -> list[Asked]:
    """A first page of each flow that a route reads from it."""
    if not isinstance(connector, ReadsRows):
        return []
    reader = connector
    wanted = sorted(duties.gives & connector.capabilities.reads)
    return [
        Asked(right=f"to read {flow}", for_what=flow, ask=partial(_first_page, reader, flow))
        for flow in wanted
        if _can_be_read(reader, flow)
    ]


def _can_be_read(reader: ReadsRows, flow: str) -> bool:
    try:
        reader.rows(flow)
    except CrossdockError:  # it is pushed: the settings say nothing of reading it
        return False
    return True


def _first_page(reader: ReadsRows, flow: str) -> object:
    return next(iter(reader.rows(flow).changes(None)), None)


def reading(asked: Sequence[Asked]) -> list[Finding]:
    """Asks. Raises DeliveryError where there is no telling."""
    if not asked:
        return []
    refused = refusals(asked)
    told = [
        READING.error(
            f"{one.for_what} cannot be read: {error.code}: {error}",
            "give the account the right to read it, or mend what the connection's `reads` table names",
        )
        for one, error in refused
    ]
    return told or [READING.ok(f"{', '.join(one.for_what for one in asked)} can be read")]


def mapping(rehearsed: Sequence[Rehearsed]) -> list[Finding]:
    """Pure: one finding for each reason."""
    if not rehearsed:
        return [MAPPING.ok("there are no orders yet to try it with")]
    stops: Counter[tuple[str, str]] = Counter((one.target, one.stopped) for one in rehearsed if one.stopped)
    first = {(one.target, one.stopped): one.order for one in reversed(rehearsed)}
    told = [
        MAPPING.error(
            f"{counted(count, 'order')} of the newest would not go to {target}, as {first[target, why]}: {why}",
            f"`crossdock map order FILE --to {target}` shows it whole; add the rate, code or lookup that it names",
        )
        for (target, why), count in stops.most_common()
    ]
    tried = counted(len({one.order for one in rehearsed}), "order")
    return told or [MAPPING.ok(f"the newest {tried}: each could be told to its ERP (tried, nothing was sent)")]
