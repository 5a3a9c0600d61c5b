"""Changes as they happen: one look for all who listen, no more than one message a turn, and an end when we stop."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from crossdock.api.operations.pulse import Pulse, differing
from crossdock.api.server import ApiServer
from crossdock.errors import StorageError
from crossdock.operations.overview import Count
from tests.unit.api.operations.doors import app_of
from tests.unit.operations.desks import bench


def count(flow: str, waiting: int = 0, dead: int = 0) -> Count:
    return Count(flow=flow, target="erp", waiting=waiting, dead=dead)


class Looks:
    """Counts that change when they are told to, and how often they were looked at."""

    def __init__(self, *found: Count) -> None:
        self.found = list(found)
        self.asked = 0
        self.fails = False

    def __call__(self) -> list[Count]:
        self.asked += 1
        if self.fails:
            raise StorageError("gone")
        return list(self.found)


async def events(listening: AsyncIterator[Any], most: int) -> list[tuple[str, Any]]:
    found = []
    async for one in listening:
        found.append((one.event or "comment", json.loads(one.data) if one.event else one.comment))
        if len(found) == most:
            break
    return found


async def next_counts(listening: AsyncIterator[Any]) -> Any:
    """Of the next message that is no heartbeat; how many of these come before says how busy this machine is."""
    while (told := await events(listening, 1))[0][0] == "comment":
        pass
    ((kind, found),) = told
    assert kind == "counts"
    return found


def test_what_differs_is_told_and_what_is_gone_counts_nothing() -> None:
    told = {("a", "erp"): count("a", 1), ("b", "erp"): count("b", 2)}
    now = {("a", "erp"): count("a", 1), ("c", "erp"): count("c", 3)}
    assert differing(told, now) == [count("c", 3), count("b", 0)]
    assert differing(now, now) == []


def test_all_listeners_share_one_look() -> None:
    async def run() -> None:
        looks = Looks(count("orders", 1))
        pulse = Pulse(looks, every_s=0.05, heartbeat_s=5)
        found = await asyncio.gather(*(events(pulse.listen(), 2) for _ in range(20)))
        assert [kind for one in found for kind, _ in one] == ["hello", "counts"] * 20
        assert found[0][1][1][0]["waiting"] == 1
        assert looks.asked <= 3

    asyncio.run(run())


def test_only_changes_are_told_and_a_heartbeat_where_there_is_none() -> None:
    async def run() -> None:
        looks = Looks(count("orders", 1), count("refunds", 1))
        pulse = Pulse(looks, every_s=0.01, heartbeat_s=0.05)
        listening = pulse.listen()
        await events(listening, 2)
        kinds = await events(listening, 1)
        assert kinds == [("comment", "still here")]
        looks.found = [count("orders", 2), count("refunds", 1)]
        changed = {"flow": "orders", "target": "erp", "waiting": 2, "dead": 0, "capped": False}
        assert await next_counts(listening) == [changed]
        assert [kind for kind, _ in await events(listening, 2)] == ["comment"] * 2
        await listening.aclose()  # type: ignore[attr-defined]  # a generator

    asyncio.run(run())


def test_a_database_that_is_gone_for_a_while_ends_nothing() -> None:
    async def run() -> None:
        looks = Looks(count("orders", 1))
        looks.fails = True
        pulse = Pulse(looks, every_s=0.01, heartbeat_s=0.05)
        listening = pulse.listen()
        assert [kind for kind, _ in await events(listening, 2)] == ["hello", "comment"]
        looks.fails = False
        assert [one["waiting"] for one in await next_counts(listening)] == [1]
        await listening.aclose()  # type: ignore[attr-defined]

    asyncio.run(run())


def test_nobody_listening_means_nobody_looking() -> None:
    async def run() -> None:
        looks = Looks(count("orders", 1))
        pulse = Pulse(looks, every_s=0.01, heartbeat_s=5)
        listening = pulse.listen()
        await events(listening, 2)
        await listening.aclose()  # type: ignore[attr-defined]
        asked = looks.asked
        await asyncio.sleep(0.1)
        assert looks.asked <= asked + 1

    asyncio.run(run())


def test_so_many_may_listen() -> None:
    async def run() -> None:
        pulse = Pulse(Looks(), every_s=0.01, heartbeat_s=5, most=1)
        listening = pulse.listen()
        await events(listening, 1)
        assert pulse.is_full()
        await listening.aclose()  # type: ignore[attr-defined]
        assert not pulse.is_full()

    asyncio.run(run())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of uvicorn's websockets, which nothing here uses
def test_over_http_a_change_arrives_and_a_server_that_stops_waits_for_no_listener(tmp_path: Path) -> None:
    with bench(tmp_path) as at:
        app = app_of(at)
        server = ApiServer(app, "127.0.0.1", 0)
        server.start()
        lines: list[str] = []
        heard = threading.Event()

        def listen() -> None:
            headers = {"Authorization": "Bearer viewer"}
            with httpx.stream("GET", f"{server.url}/api/v1/events", headers=headers, timeout=60) as stream:
                for line in stream.iter_lines():
                    lines.append(line)
                    if '"dead":1' in line:
                        heard.set()

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        at.dead(1)
        assert heard.wait(60), lines
        app.state["pulse"].close()
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 10, "as long as it waits for who does not end by themselves"
        listener.join(60)
        assert not listener.is_alive()
