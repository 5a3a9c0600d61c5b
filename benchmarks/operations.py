"""What operators' pages ask of a database with a million deliveries: p50 and p95 of each question, beside a full scan.

    python -m benchmarks.operations [--deliveries 1000000] [--storage sqlite|postgres|both] [--url URL] [--rounds 30]

The rows are made by the database itself, in bulk: thirty days of several flows, the last hour ten times as busy, two in
a hundred waiting and one dead, three rows of the trail for each. A full scan of the deliveries in the same run is what
the figures are held against: they are ratios; the milliseconds are this machine's, with whatever else it does. What
is remembered between two looks (counts, causes, money) is forgotten before each.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text
from sqlalchemy.engine import Connection

from crossdock.app import Crossdock, utc_now
from crossdock.identity.compose import cookies_of, logins_of
from crossdock.notifying.seen import Looker
from crossdock.operations import audit, connections, dead, deliveries, delivery, held, lookups, overview
from crossdock.operations.desk import Desk
from crossdock.security.access import Role
from crossdock.settings import Settings
from crossdock.storage.engine import open_engine
from crossdock.storage.migrate import migrate
from crossdock.storage.payloads import Payloads
from crossdock.storage.rows import payload_subject
from crossdock.storage.tables import EPOCH, MICROSECOND
from tests.console.rooms import app_of, session
from tests.databases import postgres_url
from tests.unit.operations.desks import CLOSED
from tests.walk.world import settings

FLOWS = (
    "orders",
    "orders",
    "acknowledgements",
    "inventory",
    "inventory",
    "inventory",
    "prices",
    "shipments",
    "invoices",
    "looks",
)
TO_ERP = ("orders",)
LIMIT_MS = 100.0
# i is the row's number, n how many there are, now the moment: microseconds
SERIES = {
    "sqlite": "WITH RECURSIVE series(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < {n})",
    "postgresql": "WITH series AS (SELECT generate_series(1, {n}) AS i)",
}
FLOW = "CASE i % 10 " + " ".join(f"WHEN {place} THEN '{flow}'" for place, flow in enumerate(FLOWS)) + " END"
AT = """{now} - CAST(({n} - i) * CASE WHEN i > {n} - {busy} THEN {gap} ELSE {wide} END AS BIGINT)"""
STATE = """CASE i % 100 WHEN 13 THEN 'pending' WHEN 57 THEN 'pending' WHEN 71 THEN 'dead' WHEN 29 THEN 'superseded'
    ELSE 'delivered' END"""
OPEN = "CASE WHEN i % 100 IN (13, 57) OR i % 100 = 71 AND i % 300 <> 71 THEN 1 ELSE 0 END"
CODE = """CASE WHEN i % 100 = 71 THEN CASE i % 3 WHEN 0 THEN 'rejected' WHEN 1 THEN 'mapping' ELSE 'lookup-missing' END
    WHEN i % 10 = 9 THEN 'final' ELSE '' END"""
REASON = """CASE WHEN i % 100 = 71 THEN 'HTTP 422: unknown SKU A-' || i
    || CASE i % 7 WHEN 0 THEN ' in this list' WHEN 1 THEN ' in that list' ELSE '' END ELSE '' END"""
STATEMENTS = (
    """INSERT INTO messages (seq, id, source, flow, subject, reference, occurred_at, received_at)
    {series} SELECT i, 'm' || i, 'store', {flow}, 'S' || (i / 3), 'R' || (i / 3), {at}, {at} FROM series""",
    """INSERT INTO deliveries (id, message_seq, flow, source, target, subject, reference, key, lane, state, is_open,
      code, reason, owner, created_at, opened_at, due_at, settled_at, attempts)
    {series} SELECT i, i, {flow}, 'store', CASE WHEN {flow} = 'orders' THEN 'erp' ELSE 'store' END, 'S' || (i / 3),
      'R' || (i / 3), 'k' || i, 'l' || (i / 3), {state}, {open}, {code}, {reason},
      CASE WHEN i % 100 = 71 THEN 'business' ELSE '' END, {at}, {at}, {at},
      CASE WHEN i % 100 IN (13, 57) THEN NULL ELSE {at} + 700000 + (i % 900) * 1000 END, 1 FROM series""",
    """INSERT INTO links (source, subject, target, part, external_id, number, created_at)
    {series} SELECT 'store', 'S' || i, 'erp', '', 'E' || i, 'SO-' || i, {now} FROM series WHERE i <= {n} / 3""",
    """INSERT INTO people (fingerprint, subject)
    {series} SELECT 'f' || (i / 5), 'store:S' || i FROM series WHERE i <= {n} / 3""",
    """INSERT INTO audit (delivery_id, source, operation_type, entity_type, entity_id, idempotency_key, actor,
      created_at)
    {series}, three(step) AS (SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3)
    SELECT i, 'store', CASE WHEN i % 500 = 0 THEN 'replay' WHEN step < 3 THEN 'POST /orders' ELSE {state} END, {flow},
      'S' || (i / 3), 'k' || i, CASE WHEN i % 500 = 0 THEN 'user:' || (i % 7) ELSE 'crossdock' END, {at}
    FROM series CROSS JOIN three""",
)


def fill(connection: Connection, count: int) -> None:
    now = (utc_now() - EPOCH) // MICROSECOND
    busy = min(count // 4, 20_000)
    day = 86_400_000_000
    values = {
        "n": count,
        "now": now,
        "busy": busy,
        "gap": f"{3_600_000_000 / busy:.3f}",
        "wide": f"{30 * day / count:.3f}",
        "flow": FLOW,
        "state": STATE,
        "open": OPEN,
        "code": CODE,
        "reason": REASON,
    }
    values["at"] = AT.format(**values)
    series = SERIES[connection.dialect.name].format(**values)
    for statement in STATEMENTS:
        connection.execute(text(statement.format(series=series, **values).replace(":", r"\:")))


def keep_records(connection: Connection, payloads: Payloads) -> None:
    """Of orders in dead letters: what they come to is read from their records."""
    rows = connection.execute(
        text("SELECT message_seq, subject FROM deliveries WHERE state = 'dead' AND is_open <> 0 AND flow = 'orders'")
    ).all()
    now = utc_now()
    for seq, subject in rows:
        body = msgspec.json.encode(
            {"totals": {"currency": "EUR", "grand_total": f"{seq % 300}.90"}, "lines": ["x" * 40] * 40}
        )
        kept = payloads.keep(connection, payload_subject("store", subject), body, now)
        connection.execute(text("UPDATE messages SET payload_id = :kept WHERE seq = :seq"), {"kept": kept, "seq": seq})


def prepared(folder: Path, url: str, count: int) -> Settings:
    told = settings(folder, CLOSED, CLOSED, url)
    engine = open_engine(told.database.url)
    migrate(engine)
    began = time.monotonic()
    with engine.execution_options(writes=True).begin() as connection:
        fill(connection, count)
    crossdock = Crossdock(told, roles=frozenset())
    with engine.execution_options(writes=True).begin() as connection:
        keep_records(connection, crossdock.store._payloads)  # noqa: SLF001  the benchmark's own rows
    crossdock.store.close()
    if engine.dialect.name == "postgresql":  # as autovacuum does
        with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text("VACUUM ANALYZE"))
    engine.dispose()
    print(f"  filled with {count} deliveries in {time.monotonic() - began:.0f} s", flush=True)
    return told


def questions(desk: Desk, count: int) -> dict[str, Callable[[], Any]]:
    """One for each page, and for each way in which it is asked."""
    some = count // 2 // 300 * 300 + 171  # a dead letter in the middle
    ago = desk.clock() - timedelta(days=20)

    def asked(**parts: Any) -> Callable[[], Any]:
        return lambda: deliveries.page(desk, deliveries.Asked(**parts))

    def deep() -> Any:
        page = deliveries.page(desk, deliveries.Asked(state="delivered", until=ago))
        return deliveries.page(desk, deliveries.Asked(state="delivered", cursor=page.next or ""))

    def trail(**parts: Any) -> Callable[[], Any]:
        return lambda: audit.page(desk, audit.Asked(**parts))

    def fresh(look: Callable[[], Any]) -> Callable[[], Any]:
        def ask() -> Any:
            desk.remembered.forget()
            return look()

        return ask

    fingerprint = "f" + str(count // 40)
    looker = Looker(desk)
    return {
        "overview": fresh(lambda: overview.overview(desk)),
        "events: counts": fresh(lambda: overview.counts(desk)),
        "deliveries: all": asked(),
        "deliveries: 500": asked(limit=500),
        "deliveries: flow": asked(flow="prices"),
        "deliveries: target": asked(target="erp"),
        "deliveries: dead": asked(state="dead"),
        "deliveries: resolved": asked(state="resolved", flow="orders"),
        "deliveries: code": asked(code="lookup-missing"),
        "deliveries: 20 days ago": asked(until=ago),
        "deliveries: deep page": deep,
        "deliveries: nothing fits": asked(flow="customers", code="rejected"),
        "search: number": asked(search=f"R{count // 6}"),
        "search: ERP number": asked(search=f"SO-{count // 6}"),
        "search: ERP id": asked(search=f"E{count // 6}"),
        "search: subject": asked(search=f"S{count // 6}"),
        "search: person": lambda: deliveries.page(
            desk, deliveries.Asked(limit=50, subject=desk.store.operations.places_about(fingerprint, desk.names)[0][1])
        ),
        "delivery": lambda: delivery.story(desk, some, admin=False),
        "dead: causes": fresh(lambda: dead.causes(desk)),
        "dead: foresee": fresh(lambda: dead.foresee(desk, dead.Choice(ids=(some,)))),
        "incidents: a look": fresh(lambda: looker.look(desk.clock())),
        "incidents: by which roads": lambda: desk.store.incidents.told_by("store", "looks", 20),
        "connections": lambda: connections.every(desk),
        "held": lambda: held.every(desk),
        "lookups: missing": fresh(lambda: lookups.missing(desk)),
        "audit: all": trail(),
        "audit: people": trail(people=True),
        "audit: a person": trail(actor="user:3"),
        "audit: operation": trail(operation="replay", people=True),
        "audit: rare, of ours": trail(operation="dead"),
        "audit: subject": trail(subject=f"S{count // 6}"),
        "audit: 20 days ago": trail(until=ago),
    }


def pages(desk: Desk, count: int, client: TestClient[Litestar]) -> dict[str, Callable[[], Any]]:
    """The console's pages whole: session, queries, template; without the socket."""
    some = count // 2 // 300 * 300 + 171
    cookies = cookies_of(desk.settings)
    known = {"Cookie": f"{cookies.session}={session(logins_of(desk.crossdock), 'bench', Role.ADMIN)}"}
    cause = dead.causes(desk).causes[0].id

    def page(path: str) -> Callable[[], Any]:
        def ask() -> Any:
            desk.remembered.forget()
            answer = client.get(path, headers=known)
            assert answer.status_code == 200, answer.text

        return ask

    return {
        "page: overview": page("/console"),
        "page: deliveries": page("/console/deliveries"),
        "page: deliveries, dead": page("/console/deliveries?state=dead&flow=orders"),
        "page: search": page(f"/console/deliveries?search=R{count // 6}"),
        "page: delivery": page(f"/console/deliveries/{some}"),
        "page: dead letters": page("/console/dead"),
        "page: one cause": page(f"/console/dead/cause/{cause}"),
        "page: replay?": page(f"/console/dead/replay?cause={cause}"),
    }


def measured(desk: Desk, count: int, rounds: int, only: str = "") -> dict[str, dict[str, float]]:
    scan = scanned(desk, 3)
    found = {"full scan": {"best_ms": scan, "p50_ms": scan, "p95_ms": scan, "cpu_ms": scan, "of_scan": 1.0}}
    with TestClient(app_of(desk)[0]) as client:
        every = questions(desk, count) | pages(desk, count, client)
        chosen = {name: ask for name, ask in every.items() if name.startswith(only)}
        return found | timings(chosen, rounds, scan)


def timings(chosen: dict[str, Callable[[], Any]], rounds: int, scan: float) -> dict[str, dict[str, float]]:
    found = {}
    for name, ask in chosen.items():
        ask()  # the first one compiles its statements
        spent = time.process_time()
        times = sorted(timed(ask) for _ in range(rounds))
        cpu = (time.process_time() - spent) * 1000 / rounds
        p50, p95 = statistics.median(times), times[max(0, round(len(times) * 0.95) - 1)]
        told = {
            "best_ms": round(times[0], 2),
            "p50_ms": round(p50, 2),
            "p95_ms": round(p95, 2),
            "cpu_ms": round(cpu, 2),
        }
        found[name] = told | {"of_scan": round(p50 / scan, 4)}
    return found


def timed(ask: Callable[[], Any]) -> float:
    began = time.perf_counter()
    ask()
    return (time.perf_counter() - began) * 1000


def scanned(desk: Desk, rounds: int) -> float:
    """Milliseconds of a question that no index helps."""

    def scan() -> None:
        desk.store._read(  # noqa: SLF001  no question of ours
            lambda c: c.execute(text("SELECT count(*) FROM deliveries WHERE reason LIKE '%zzz%'")).all()
        )

    return round(statistics.median(timed(scan) for _ in range(rounds)), 1)


@contextmanager
def storage(kind: str, url: str) -> Iterator[str]:
    if kind == "sqlite" or url:
        yield url
        return
    with postgres_url() as made:
        yield made


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--deliveries", type=int, default=1_000_000)
    parser.add_argument("--storage", choices=("sqlite", "postgres", "both"), default="both")
    parser.add_argument("--url", default="")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--only", default="", help="questions whose name begins so")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    kinds = ("sqlite", "postgres") if given.storage == "both" else (given.storage,)
    results: dict[str, Any] = {"deliveries": given.deliveries, "load": os.getloadavg()[0]}
    for kind in kinds:
        print(kind)
        with tempfile.TemporaryDirectory() as folder, storage(kind, given.url) as url:
            crossdock = Crossdock(prepared(Path(folder), url, given.deliveries), roles=frozenset())
            try:
                results[kind] = measured(Desk(crossdock), given.deliveries, given.rounds, given.only)
            finally:
                crossdock.store.close()
        for name, one in results[kind].items():
            late = "  TOO SLOW" if one["p95_ms"] > LIMIT_MS and name != "full scan" else ""
            times = f"best {one['best_ms']:7.2f}  p50 {one['p50_ms']:7.2f}  p95 {one['p95_ms']:7.2f} ms"
            times += f", CPU {one['cpu_ms']:6.2f} ms"
            print(f"  {name:28} {times}  {one['of_scan']:8.2%} of a scan{late}")
    if given.out:
        given.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
