"""The figures, one function each."""

from __future__ import annotations

import base64
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.fixtures import Started, Subject, Targets, load, until
from crossdock.sandbox.orders import OrderMaker
from crossdock.sandbox.wire import ENCODER
from crossdock.security.envelope import Envelope
from crossdock.storage.payloads import Payloads

Row = dict[str, Any]
HOOK = "/webhooks/store/sales.order.created"


def row(
    name: str,
    value: float,
    unit: str,
    *,
    goal: float | None = None,
    least: bool = True,
    peer: str = "",
    peer_value: float = 0.0,
) -> Row:
    """One figure. `least`: the goal is a lower bound."""
    met = None if goal is None else (value >= goal if least else value <= goal)
    ratio = round(value / peer_value, 2) if peer_value else None
    return {
        "name": name,
        "value": round(value, 2),
        "unit": unit,
        "goal": goal,
        "met": met,
        "peer": peer,
        "peer_value": round(peer_value, 2) if peer_value else None,
        "ratio": ratio,
    }


def line(found: Row) -> str:
    """For people."""
    text = f"{found['name']}: {found['value']} {found['unit']}"
    if found["goal"] is not None:
        text += f"   goal {found['goal']}: {'met' if found['met'] else 'MISSED'}"
    if found["peer"]:
        text += f"   {found['peer']}: {found['peer_value']}, ratio {found['ratio']}"
    return text


def intake(folder: Path, targets: Targets, total: int, database: str) -> list[Row]:
    """Signed webhooks, each answered after its commit; the store is paused, so that nothing else is done meanwhile."""
    with Subject(folder, targets, database) as subject:
        subject.say("pause", "store", "--why", "benchmark")
        load(subject.url + HOOK, total // 10, first=10_000_001)  # warm
        cpu = subject.cpu_seconds()
        found = load(subject.url + HOOK, total, first=20_000_001)
        spent = subject.cpu_seconds() - cpu
    assert found["good"] == total, found["good"]
    with _bare() as bare:
        ceiling = load(bare.url + HOOK, total, first=10_000_001)
    assert ceiling["good"] == total, ceiling["good"]
    goal, place = (4500, "PostgreSQL: ") if database else (3000, "")
    alone, best = "the framework alone: signature checked, nothing kept", total / ceiling["seconds"]
    return [
        row(
            f"{place}signed intake, durable",
            total / found["seconds"],
            "webhooks/s",
            goal=goal,
            peer=alone,
            peer_value=best,
        ),
        row(
            f"{place}signed intake, p99",
            found["p99_ms"],
            "ms",
            peer="the framework alone",
            peer_value=ceiling["p99_ms"],
        ),
        row(f"{place}CPU per webhook taken", spent / total * 1000, "ms"),
    ]


def _bare() -> Started:
    return Started(sys.executable, "-m", "benchmarks.peers.bare", cwd=Path(__file__).parents[1])


def orders(subject: Subject, targets: Targets, total: int) -> list[Row]:
    """Webhook -> store read -> ERP -> written back, all of them sent as fast as they are taken."""
    load(subject.url + HOOK, 100, first=30_000_001)
    until(lambda: targets.stats()["acknowledged"] >= 100)
    cpu = subject.cpu_seconds()
    before = targets.stats()
    found = load(subject.url + HOOK, total, first=40_000_001)
    until(lambda: targets.stats()["acknowledged"] - before["acknowledged"] >= total)
    spent = subject.cpu_seconds() - cpu
    stats = targets.stats()
    assert found["good"] == total
    assert stats["doubled"] == 0
    begun = min(found["sent"].values())
    ended = max(stats["arrived"].values())
    asked = sum(stats["requests"].values()) - sum(before["requests"].values())
    return [
        row("orders, webhook to ERP, sustained", total / (ended - begun), "orders/s", goal=500),
        row("CPU per order, webhook to acknowledgement", spent / total * 1000, "ms"),
        row("requests sent per order", asked / total, ""),
    ]


def latency(subject: Subject, targets: Targets, rate: float = 50.0, seconds: int = 20) -> list[Row]:
    """From the webhook's sending to the order's arrival at the ERP, at a steady 50 orders a second."""
    total = int(rate * seconds)
    first = 50_000_001
    found = load(subject.url + HOOK, total, first=first, rate=rate)
    numbers = {str(first + offset) for offset in range(total)}

    def arrived() -> dict[str, float]:
        return {name.lstrip("0"): at for name, at in targets.stats()["arrived"].items() if name.lstrip("0") in numbers}

    until(lambda: len(arrived()) == total)
    there = arrived()
    waits = sorted((there[name] - sent) * 1000 for name, sent in found["sent"].items())
    return [
        row("added latency at 50 orders/s, p50", waits[total // 2], "ms", goal=30, least=False),
        row("added latency at 50 orders/s, p99", waits[int(total * 0.99)], "ms", goal=200, least=False),
    ]


def memory(name: str, subject: Subject) -> Row:
    """Resident."""
    return row(name, subject.megabytes(), "MB")


def audit(total: int = 2000) -> Row:
    """Compress, encrypt and hash one body; what the row itself costs is in the orders' figure."""
    envelope = Envelope(b"k" * 32)
    payloads = Payloads(envelope)
    body = ENCODER.encode(OrderMaker(1).make(1, datetime.now(UTC), "several"))
    wrapped = envelope.new_subject_key()
    started = time.process_time()
    for _ in range(total):
        payloads.hash_of(body)
        envelope.seal(wrapped, body, b"subject")
    seconds = time.process_time() - started
    started = time.process_time()
    for _ in range(total):
        base64.b64encode(body)
    plain = time.process_time() - started
    micro = 1e6 / total
    name = "audit: one body sealed and hashed"
    return row(name, seconds * micro, "us", goal=100, least=False, peer="base64 of it", peer_value=plain * micro)
