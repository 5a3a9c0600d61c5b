"""Every line that is logged while a delivery is carried says which one it is, whoever writes it."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from crossdock.api.serving import Serving
from crossdock.log import kept_in
from crossdock.sandbox.faults import NONE
from crossdock.sandbox.run import ErpServer, StoreServer
from crossdock.settings import TracingSettings
from tests.collector import collecting
from tests.databases import sqlite_url
from tests.material import needs_shared
from tests.recorded_server import Reply, serve
from tests.walk.test_inventory import V1, World, stock, with_stock
from tests.walk.test_sandbox_bugs import TOKEN, configured
from tests.walk.test_traces import THEIRS, UNREAD, hook
from tests.walk.test_webhooks import with_webhooks
from tests.walk.world import Erp, Shop, recorded, settings, settled, until

pytestmark = needs_shared
HEADER = f"00-{THEIRS}-00f067aa0ba902b7-01"
DURING = {"before-look", "after-look", "before-send", "after-send", "before-settle", "after-settle"}
SAID = "a library says"


def chatty(name: str) -> None:
    """As a library would: by Python's own logging, knowing nothing of deliveries."""
    logging.getLogger("some.library").warning(SAID)
    logging.getLogger("some.library").warning("step %s", name)


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def carried(folder: Path) -> tuple[list[dict[str, Any]], int]:
    shop, erp = Shop(), Erp()
    erp.before = [Reply(503, {"message": "later"})]
    number = shop.add(order := recorded("009_configurable_a"))
    with kept_in(folder / "log"), serve(shop.answer) as store, serve(erp.answer) as target:
        made = with_webhooks(settings(folder, store.url, target.url), folder, UNREAD)
        serving = Serving(made, failpoint=chatty)
        serving.start()
        assert hook(serving.url, order, traceparent=HEADER) == 202
        until(lambda: bool(shop.comments.get(number)) and settled(serving.crossdock))
        serving.stop()
    return lines(folder / "log"), number


def test_each_line_of_a_delivery_carries_its_number_subject_flow_connection_and_trace(tmp_path: Path) -> None:
    found, number = carried(tmp_path)
    steps = [line for line in found if line["event"].removeprefix("step ") in DURING]
    assert {line["event"].removeprefix("step ") for line in steps} == DURING
    assert {(line["subject"], line["trace_id"]) for line in steps} == {(str(number), THEIRS)}
    told = {(line["delivery"], line["flow"], line["connection"]) for line in steps}
    assert sorted({flow for _, flow, _ in told}) == ["acknowledgements", "looks", "orders"]
    assert len({delivery for delivery, _, _ in told}) == len(told) == 3
    (failed,) = [line for line in found if line["event"] == "attempt failed"]
    assert (failed["code"], failed["trace_id"]) == ("temporary", THEIRS)


def test_lines_beside_a_delivery_carry_none(tmp_path: Path) -> None:
    found, _ = carried(tmp_path)
    polled = [line for line in found if line["event"].startswith("step page-")]
    beside = [line for line in found if line["event"] in {"started", "stopped"}]
    assert len(beside) == 2
    assert [line for line in (*polled, *beside) if "delivery" in line] == []
    libraries = [line for line in found if line["event"] == SAID]
    assert libraries


def pushed(folder: Path, collector: str = "") -> list[dict[str, Any]]:
    """Two stock levels, pushed under the caller's trace; the log."""
    shop, erp = StoreServer(seed=5, token=TOKEN, faults=NONE), ErpServer(seed=6, token=TOKEN)
    shop.start()
    erp.start()
    with kept_in(folder / "log"):
        made = with_stock(configured(folder, shop, erp), sqlite_url(folder), {})
        serving = Serving(made.model_copy(update={"tracing": TracingSettings(endpoint=collector)}), failpoint=chatty)
        serving.start()
        world = World(shop, serving)
        headers = {"traceparent": HEADER}
        body = {"items": [stock("SIM-0001", 61), stock("SIM-0002", 7)]}
        assert world.http.post(V1, json=body, headers=headers).json()["result"]["success_count"] == 2
        world.http.close()
        serving.stop()
    shop.stop()
    erp.stop()
    return lines(folder / "log")


def test_lines_of_a_batch_carry_its_deliveries(tmp_path: Path) -> None:
    found = pushed(tmp_path)
    steps = [line for line in found if line["event"].endswith("-batch")]
    assert len(steps) >= 4
    for line in steps:
        assert (line["flow"], line["connection"], line["rows"], line["trace_id"]) == ("inventory", "store", 2, THEIRS)
        assert len(line["deliveries"]) == 2


def test_a_push_and_what_it_changed_are_one_trace(tmp_path: Path) -> None:
    with collecting() as collector:
        pushed(tmp_path, collector.url)
    names = [span.name for span in collector.of(THEIRS) if span.kind != "client"]
    assert sorted(names) == ["POST /rest/V1", "deliver inventory"]
    (batch,) = [span for span in collector.of(THEIRS) if span.name == "deliver inventory"]
    assert (batch.attributes["crossdock.rows"], batch.attributes["crossdock.settled"]) == (2, 2)
    assert [span for span in collector.of(THEIRS) if span.parent == batch.id and span.kind == "client"]
