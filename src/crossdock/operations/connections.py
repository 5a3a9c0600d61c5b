"""The connected systems: what each can do, whether it is paused and answers, how fast this process uses it."""

from __future__ import annotations

import time

from crossdock.delivery.store import Pause
from crossdock.errors import CrossdockError
from crossdock.operations.desk import Desk, View, line, needs_why
from crossdock.operations.overview import Paused

MOST = 255


class Pace(View, frozen=True, kw_only=True):
    """As it is declared: deliveries a second (None: no limit), how many saved up, how many at a time."""

    rate: float | None
    burst: int
    concurrency: int


class Gate(View, frozen=True, kw_only=True):
    """Of this process. `breaker`: closed lets through, open nothing, half_open one probe. `limit`: at a time, now."""

    breaker: str
    limit: int
    retry_in_s: float


class Connected(View, frozen=True, kw_only=True):
    """One connection. `evidence`: against what its kind was seen to work. `cli` holds the command of each action."""

    name: str
    kind: str
    evidence: str
    reads: list[str]
    writes: list[str]
    pace: Pace
    gate: Gate
    paused: Paused | None
    cli: dict[str, str]


class Probe(View, frozen=True, kw_only=True):
    """What asking it came to."""

    name: str
    ok: bool
    detail: str
    took_ms: int
    cli: str = line("doctor")


class Switched(View, frozen=True, kw_only=True):
    """`changed` is false where it stood so already."""

    name: str
    paused: bool
    changed: bool
    cli: str


def every(desk: Desk) -> list[Connected]:
    """By name."""
    paused = {one.connection: one for one in desk.store.paused()}
    return [_connected(desk, name, paused.get(name)) for name in sorted(desk.names)]


def one(desk: Desk, name: str) -> Connected:
    """Raises NotThere."""
    desk.connection(name)
    return next(one for one in every(desk) if one.name == name)


def probe(desk: Desk, name: str) -> Probe:
    """Asked now, by its own connector. Raises NotThere."""
    connector = desk.connection(name)
    began = time.monotonic()
    try:
        health = connector.probe()
        ok, detail = health.ok, health.detail
    except CrossdockError as error:
        ok, detail = False, f"{error.code}: {error}"
    return Probe(name=name, ok=ok, detail=detail[:MOST], took_ms=int((time.monotonic() - began) * 1000))


def pause(desk: Desk, name: str, by: str, why: str) -> Switched:
    """Nothing is sent to it until it is resumed; what comes in waits. Raises NotThere."""
    desk.connection(name)
    said = needs_why(why)
    changed = desk.store.pause(name, said, by, desk.clock())
    desk.acted()
    return Switched(name=name, paused=True, changed=changed, cli=line("pause", name, "--why", said))


def resume(desk: Desk, name: str, by: str, why: str) -> Switched:
    """What waited goes. Raises NotThere."""
    desk.connection(name)
    said = needs_why(why)
    changed = desk.store.resume(name, by, desk.clock(), said)
    desk.acted()
    return Switched(name=name, paused=False, changed=changed, cli=line("resume", name))


def _connected(desk: Desk, name: str, paused: Pause | None) -> Connected:
    capabilities = desk.crossdock.connections.capabilities(name)
    state, limit, wait = desk.crossdock.gates.standing(name)
    pace = capabilities.pace
    return Connected(
        name=name,
        kind=str(desk.settings.connections[name]["kind"]),
        evidence=str(capabilities.evidence),
        reads=sorted(capabilities.reads),
        writes=sorted(capabilities.writes),
        pace=Pace(rate=pace.rate, burst=pace.burst, concurrency=pace.concurrency),
        gate=Gate(breaker=state, limit=limit, retry_in_s=round(wait, 3)),
        paused=_paused(paused),
        cli={"pause": line("pause", name, "--why", "…"), "resume": line("resume", name), "probe": line("doctor")},
    )


def _paused(found: Pause | None) -> Paused | None:
    if found is None:
        return None
    return Paused(connection=found.connection, since=found.since, by=found.by, why=found.reason)


__all__ = ["Connected", "Gate", "Pace", "Probe", "Switched", "every", "one", "pause", "probe", "resume"]
