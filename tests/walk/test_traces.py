"""One order, one trace: from the store's webhook to the acknowledgement, over the tables and over a crash."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from crossdock.cli.main import app
from crossdock.operations.deliveries import Asked, page
from crossdock.operations.delivery import story
from crossdock.operations.desk import Desk
from crossdock.security.signatures import hex_hmac
from crossdock.settings import Settings, TracingSettings
from crossdock.storage.sql import SqlStore
from tests.collector import Collector, Seen, collecting
from tests.material import needs_shared
from tests.recorded_server import Reply, serve
from tests.walk.files import toml
from tests.walk.test_webhooks import SECRET, running, with_webhooks
from tests.walk.world import Erp, Shop, recorded, settings, settled, until

pytestmark = needs_shared
ROOT = Path(__file__).parent.parent.parent
ORDER = "009_configurable_a"
THEIRS = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
UNREAD = {"interval_s": 3600, "start": "2100-01-01"}  # what polling finds begins a trace of its own


def told(folder: Path, shop: str, erp: str, **tracing: Any) -> Settings:
    plain = with_webhooks(settings(folder, shop, erp), folder, UNREAD)
    return plain.model_copy(update={"tracing": TracingSettings(**tracing)})


def hook(url: str, order: dict[str, Any], **more: str) -> int:
    body = json.dumps({"data": order}).encode()
    headers = {"x-magento-signature": hex_hmac(SECRET, body), "content-type": "application/json"} | more
    to = f"{url}/webhooks/store/sales.order.created"
    return httpx.post(to, content=body, headers=headers, timeout=30).status_code


class Walk:
    """One order through a whole Crossdock, told by a webhook."""

    def __init__(self, folder: Path, *, before: list[Reply] | None = None, header: str = "", **tracing: Any) -> None:
        self.shop, self.erp = Shop(), Erp()
        self.erp.before = before or []
        self.asked: list[tuple[str, str]] = []
        self.order = recorded(ORDER)
        self.number = self.shop.add(self.order)
        shop, erp = self._listening("store", self.shop.answer), self._listening("erp", self.erp.answer)
        with serve(shop) as store, serve(erp) as target:
            with running(told(folder, store.url, target.url, **tracing)) as serving:
                given = {"traceparent": header} if header else {}
                assert hook(serving.url, self.order, **given) == 202
                until(lambda: bool(self.shop.comments.get(self.number)) and settled(serving.crossdock))
                self.kept = serving.crossdock.store.traces("store", str(self.number))
                desk = Desk(serving.crossdock)
                rows = page(desk, Asked(subject=str(self.number))).rows
                self.shown = {row.flow: story(desk, row.id, admin=False).trace for row in rows}
                plain = serving.crossdock.settings.model_dump(mode="json", exclude_unset=True)
                (config := folder / "told.toml").write_text(toml(plain))
                self.config = config

    def _listening(self, end: str, answer: Any) -> Any:
        def listen(asked: Any) -> Reply:
            self.asked.append((end, asked.headers.get("traceparent", "")))
            reply: Reply = answer(asked)
            return reply

        return listen


def one_trace(collector: Collector, trace: str, before: str) -> Counter[str]:
    """All spans hang together below `before`; how many there are of each name."""
    spans = collector.of(trace)
    ids = {span.id for span in spans} | {before}
    assert [span.name for span in spans if span.parent not in ids] == []
    return Counter(span.name for span in spans)


def named(spans: list[Seen], name: str) -> list[Seen]:
    return [span for span in spans if span.name == name]


def test_one_order_is_one_trace_from_webhook_to_acknowledgement(tmp_path: Path) -> None:
    with collecting() as collector:
        walk = Walk(
            tmp_path,
            header=f"00-{THEIRS}-{PARENT}-01",
            before=[Reply(503, {"message": "later"})],
            endpoint=collector.url,
        )
    names = one_trace(collector, THEIRS, PARENT)
    assert {span.trace for span in collector.spans} == {THEIRS}
    assert names["POST /webhooks/store"] == 1
    assert names["deliver looks"] == 1
    assert names["deliver orders"] == 2
    assert names["deliver acknowledgements"] >= 1
    assert set(walk.kept) == {THEIRS}
    refused, taken = named(collector.spans, "deliver orders")
    assert (refused.failed, refused.attributes["crossdock.code"]) == (True, "temporary")
    assert (taken.failed, taken.attributes["crossdock.state"]) == (False, "delivered")
    assert taken.attributes["crossdock.reference"] == walk.order["increment_id"]


def test_the_trace_stands_in_the_story_of_the_order_and_of_each_delivery(tmp_path: Path) -> None:
    walk = Walk(tmp_path, header=f"00-{THEIRS}-{PARENT}-01")
    assert walk.shown == dict.fromkeys(("looks", "orders", "acknowledgements"), THEIRS)
    said = CliRunner().invoke(app, ["explain", "order", walk.order["increment_id"], "-c", str(walk.config)])
    assert f"trace {THEIRS}: looks, orders, acknowledgements" in said.output
    told = CliRunner().invoke(app, ["explain", "order", walk.order["increment_id"], "-c", str(walk.config), "--json"])
    assert json.loads(told.output)["traces"] == {THEIRS: ["looks", "orders", "acknowledgements"]}


def test_every_request_to_an_end_bears_the_span_that_made_it(tmp_path: Path) -> None:
    with collecting() as collector:
        walk = Walk(tmp_path, header=f"00-{THEIRS}-{PARENT}-01", endpoint=collector.url)
    requests = {span.id: span for span in collector.spans if span.kind == "client"}
    sent = [header.split("-")[2] for _, header in walk.asked if header.split("-")[1:2] == [THEIRS]]
    assert sorted(sent) == sorted(requests)
    assert {end for end, header in walk.asked if THEIRS in header} == {"store", "erp"}
    assert all(span.attributes["http.response.status_code"] < 300 for span in requests.values())


def test_a_trace_that_begins_with_us_has_its_root(tmp_path: Path) -> None:
    with collecting() as collector:
        walk = Walk(tmp_path, endpoint=collector.url)
    (trace,) = walk.kept
    (first,) = [span for span in collector.of(trace) if not span.parent]
    assert (first.name, first.kind) == ("POST /webhooks/store", "server")


def test_no_span_says_anything_of_a_person(tmp_path: Path) -> None:
    with collecting() as collector:
        walk = Walk(tmp_path, header=f"00-{THEIRS}-{PARENT}-01", endpoint=collector.url)
    address = walk.order["billing_address"]
    told = {walk.order["customer_email"], address["lastname"], address["telephone"], *address["street"], "t0ken"}
    assert len(collector.spans) > 5
    assert [text for text in told if text.encode() in collector.raw] == []


@pytest.mark.parametrize("header", ["", f"00-{THEIRS}-{PARENT}-01"])
def test_switched_off_nothing_is_sent_and_the_id_is_kept_all_the_same(tmp_path: Path, header: str) -> None:
    walk = Walk(tmp_path, header=header)
    assert {given for _, given in walk.asked} == {""}
    assert list(walk.kept.values()) == [["looks", "orders", "acknowledgements"]]
    assert not header or set(walk.kept) == {THEIRS}


def test_a_ratio_of_nothing_records_only_what_others_record(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with collecting() as collector:
        Walk(tmp_path / "a", endpoint=collector.url, ratio=0)
        assert collector.spans == []
        Walk(tmp_path / "b", header=f"00-{THEIRS}-{PARENT}-01", endpoint=collector.url, ratio=0)
    assert one_trace(collector, THEIRS, PARENT)["deliver orders"] == 1


def test_whoever_does_not_record_is_followed(tmp_path: Path) -> None:
    with collecting() as collector:
        walk = Walk(tmp_path, header=f"00-{THEIRS}-{PARENT}-00", endpoint=collector.url)
    assert collector.of(THEIRS) == []
    assert set(walk.kept) == {THEIRS}


def test_the_ends_need_not_be_told(tmp_path: Path) -> None:
    with collecting() as collector:
        walk = Walk(tmp_path, endpoint=collector.url, propagate=False)
    assert {given for _, given in walk.asked} == {""}
    assert [span for span in collector.spans if span.kind == "client"]


def test_headers_for_the_collector_are_secrets(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("Bearer c0llector-key")
    (tmp_path / "key").chmod(0o600)
    with collecting() as collector:
        Walk(tmp_path, endpoint=collector.url, headers={"authorization": f"file:{tmp_path}/key"}, service="dock")
    assert collector.headers["authorization"] == "Bearer c0llector-key"
    assert collector.services == {"dock"}


def test_a_collector_that_is_away_keeps_nothing_up(tmp_path: Path) -> None:
    walk = Walk(tmp_path, endpoint="http://127.0.0.1:1/v1/traces")
    assert walk.erp.numbers() == [walk.order["increment_id"]]


def test_after_a_crash_the_order_goes_on_in_its_trace(tmp_path: Path) -> None:
    """Killed after the ERP had it and before we knew: the second process finds it, in the same trace."""
    shop, erp = Shop(), Erp()
    with serve(shop.answer) as store, serve(erp.answer) as target, collecting() as collector:
        number = shop.add(recorded(ORDER))
        places = [str(tmp_path), store.url, target.url, ""]

        def child(point: str, nth: str) -> subprocess.Popen[bytes]:
            command = [sys.executable, "-m", "tests.chaos.child", *places, point, nth, str(number)]
            return subprocess.Popen(command, cwd=ROOT, env={**os.environ, "CROSSDOCK_TEST_TRACES": collector.url})

        assert child("before-settle", "2").wait(60) == -9
        before = _kept(tmp_path, store.url, target.url, number)
        second = child("never", "1")
        try:
            until(lambda: bool(shop.comments.get(number)) and "ext_order_id" in shop.orders[number], 60)
        finally:
            second.terminate()
            second.wait(30)
        (trace,) = before
        spans = collector.of(trace)
    found = [span for span in named(spans, "deliver orders") if span.attributes["crossdock.maybe_sent"]]
    assert [span.attributes["crossdock.state"] for span in found] == ["delivered"]
    assert named(spans, "deliver acknowledgements")
    assert len(erp.kept) == 1


def _kept(folder: Path, shop: str, erp: str, number: int) -> dict[str, list[str]]:
    from crossdock.app import open_store

    store: SqlStore = open_store(settings(folder, shop, erp))
    try:
        return store.traces("store", str(number))
    finally:
        store.close()
