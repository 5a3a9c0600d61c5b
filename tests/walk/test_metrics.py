"""What `/metrics` says after a storm is what the tables say, and what the stand-ins saw."""

from __future__ import annotations

import re
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import select, text

from crossdock.api.serving import Serving
from crossdock.app import Role
from crossdock.settings import Settings
from crossdock.storage.engine import open_engine
from crossdock.storage.tables import audit, deliveries, messages
from crossdock.telemetry.catalogue import BROKER_UP, CATALOGUE, Teller
from tests.material import needs_shared
from tests.recorded_server import Reply, serve
from tests.walk.test_traces import UNREAD, hook
from tests.walk.test_webhooks import running, with_webhooks
from tests.walk.world import Erp, Shop, recorded, settings, settled, until

pytestmark = needs_shared
ORDERS = 12
LABELS = {"le", "roles", "version"}
PAGE = (Path(__file__).parents[2] / "docs/observability.md").read_text()


class Page:
    """One scrape, as Prometheus reads it."""

    def __init__(self, url: str) -> None:
        text = httpx.get(f"{url}/metrics", timeout=30).raise_for_status().text
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self.samples = [sample for family in self.families.values() for sample in family.samples]

    def sum(self, name: str, **labels: str) -> float:
        fit = [one for one in self.samples if one.name == name and labels.items() <= one.labels.items()]
        return sum(one.value for one in fit)

    def by(self, name: str, *labels: str, **where: str) -> dict[tuple[str, ...], float]:
        found: defaultdict[tuple[str, ...], float] = defaultdict(float)
        for one in self.samples:
            if one.name == name and where.items() <= one.labels.items():
                found[tuple(one.labels[label] for label in labels)] += one.value
        return {key: value for key, value in found.items() if value}


class Storm(NamedTuple):
    page: Page
    tables: dict[str, list[Any]]
    asked: Counter[tuple[str, int]]
    orders: list[str]


def faults() -> list[Reply]:
    """What the ERP answers before it takes anything."""
    later, unknown_sku = Reply(503, {"message": "later"}), Reply(422, {"message": "unknown SKU"})
    return [later, Reply(429, {}, {"Retry-After": "0"}), unknown_sku, later, Reply(500, {"message": "broken"})]


@pytest.fixture(scope="module")
def storm(tmp_path_factory: pytest.TempPathFactory) -> Storm:
    folder = tmp_path_factory.mktemp("storm")
    shop, erp = Shop(), Erp()
    erp.before = faults()
    asked: Counter[tuple[str, int]] = Counter()
    lock = threading.Lock()  # each request is answered in a thread of its own

    def seen(end: str, answer: Any) -> Any:
        def listen(request: Any) -> Reply:
            reply: Reply = answer(request)
            with lock:
                asked[end, reply.status] += 1
            return reply

        return listen

    with serve(seen("store", shop.answer)) as store, serve(seen("erp", erp.answer)) as target:
        made = with_webhooks(settings(folder, store.url, target.url), folder, UNREAD)
        with running(made) as serving:
            numbers = []
            for number in range(ORDERS):
                order = recorded("009_configurable_a") | {
                    "entity_id": 5000 + number,
                    "increment_id": f"0000{5000 + number}",
                }
                shop.add(order)
                assert hook(serving.url, order) == 202
                numbers.append(order["increment_id"])
            assert hook(serving.url, order) == 202  # the same once more
            assert hook(serving.url, order, **{"x-magento-signature": "0" * 64}) == 401
            until(lambda: len(shop.comments) == ORDERS - 1 and settled(serving.crossdock))
            # who settles counts it a moment later, and a poller may be asking: neither does, once it has been stopped
            serving.crossdock._dispatch.stop()
            for poller in serving.crossdock.pollers.values():
                poller.stop()
            until(lambda: Page(serving.url).sum("crossdock_commit_writes_count") > 0)
            page = Page(serving.url)
    return Storm(page, rows(made), asked, numbers)


def rows(made: Settings) -> dict[str, list[Any]]:
    engine = open_engine(made.database.url)
    with engine.connect() as connection:
        found = {table.name: list(connection.execute(select(table))) for table in (audit, deliveries, messages)}
    engine.dispose()
    return found


def test_deliveries_are_counted_as_the_tables_have_them(storm: Storm) -> None:
    done = Counter((row.flow, row.target) for row in storm.tables["deliveries"] if row.state == "delivered")
    counted = storm.page.by("crossdock_attempts_total", "flow", "target", state="delivered")
    carried = {key: number for key, number in counted.items() if key[0] != "looks"}  # a look may be done again
    assert carried == {key: number for key, number in done.items() if key[0] != "looks"}
    assert carried["orders", "erp"] == ORDERS - 1
    assert storm.page.by("crossdock_delivery_seconds_count", "flow", "target") == counted


def test_each_attempt_is_one_line_of_the_trail(storm: Storm) -> None:
    told = Counter(row.operation_type for row in storm.tables["audit"] if row.operation_type in {"pending", "dead"})
    failed = storm.page.by("crossdock_attempts_total", "state", flow="orders")
    assert (failed["pending",], failed["dead",]) == (told["pending"], told["dead"])
    assert told["pending"] >= 4
    codes = storm.page.by("crossdock_attempts_total", "code", flow="orders", state="pending")
    assert codes["temporary",] == 2
    assert codes["rate-limited",] == 1
    assert codes["outcome-unknown",] == 1


def test_what_is_dead_is_told_by_its_cause_and_its_age(storm: Storm) -> None:
    found = storm.page.by("crossdock_dead_letters", "flow", "target", "code", "age")
    assert found == {("orders", "erp", "rejected", "hour"): 1}
    assert storm.page.by("crossdock_deliveries", "flow", "state") == {("orders", "dead"): 1}


def test_every_request_is_counted_by_its_answer(storm: Storm) -> None:
    answers: Counter[tuple[str, ...]] = Counter()
    for (end, status), count in storm.asked.items():
        answers[end, f"{status // 100}xx"] += count
    assert storm.page.by("crossdock_request_seconds_count", "connection", "outcome") == dict(answers)


def test_messages_are_counted_as_they_are_kept(storm: Storm) -> None:
    kept = Counter(row.channel for row in storm.tables["messages"])
    heard = storm.page.by("crossdock_messages_total", "channel", connection="store", flow="looks")
    assert storm.page.sum("crossdock_messages_total", channel="webhook", outcome="new") == kept["webhook"] == ORDERS
    assert heard["webhook",] == ORDERS + 1
    assert storm.page.sum("crossdock_messages_total", outcome="duplicate") == 1
    assert storm.page.by("crossdock_webhooks_total", "outcome") == {("202",): ORDERS + 1, ("401",): 1}


def test_commits_and_what_went_into_them_are_told(storm: Storm) -> None:
    commits = storm.page.sum("crossdock_commit_writes_count")
    assert storm.page.sum("crossdock_commit_seconds_count") == commits
    assert storm.page.sum("crossdock_commit_writes_sum") >= commits > ORDERS


def test_nobody_is_late_and_nothing_is_paused_at_the_end(storm: Storm) -> None:
    for name in ("crossdock_lag_seconds", "crossdock_connection_paused"):
        assert {one.labels["connection"]: one.value for one in storm.page.samples if one.name == name} == {
            "store": 0,
            "erp": 0,
        }
    assert storm.page.by("crossdock_breaker", "connection", "state") == {
        ("store", "closed"): 1,
        ("erp", "closed"): 1,
    }


def test_no_label_holds_anything_out_of_a_document(storm: Storm) -> None:
    """However many orders there are, there are no more series; ids of every kind would show."""
    kept = {str(getattr(row, name)) for row in storm.tables["deliveries"] for name in ("subject", "reference", "key")}
    values = {value for one in storm.page.samples for label, value in one.labels.items() if label not in LABELS}
    assert values & kept == set()
    assert [value for value in values if re.search(r"\d{4}", value)] == []


def test_everything_that_is_told_is_in_the_catalogue_and_the_other_way_round(storm: Storm) -> None:
    told = {name for name in storm.page.families if not name.startswith("process_") and not name.endswith("_created")}
    assert told == {one.name for one in CATALOGUE} - {BROKER_UP.name}
    known = {one.name: set(one.labels) for one in CATALOGUE}
    for name, family in storm.page.families.items():
        for sample in family.samples:
            if name in known and not sample.name.endswith("_created"):
                assert set(sample.labels) - {"le"} == known[name], sample.name


def test_a_connection_adds_as_many_series_as_the_page_says(storm: Storm) -> None:
    said = re.search(
        r"a connection adds about (\d+), (\d+) more for\s+each kind of answer[^:]+ about (\d+) for each flow", PAGE
    )
    assert said is not None
    itself, answer, flow = map(int, said.groups())
    of_flows: Counter[tuple[str, str]] = Counter()
    rest: Counter[str] = Counter()
    answers: defaultdict[str, set[str]] = defaultdict(set)
    for one in storm.page.samples:
        name = one.labels.get("connection") or one.labels.get("target") or ""
        if one.name.startswith("crossdock_request_seconds"):
            answers[name].add(one.labels["outcome"])
        if "flow" in one.labels:
            of_flows[name, one.labels["flow"]] += 1
        elif name:
            rest[name] += 1
    assert {name: abs(rest[name] - answer * len(answers[name]) - itself) <= 5 for name in rest} == {
        "store": True,
        "erp": True,
    }
    assert sorted(of_flows) == [("erp", "orders"), ("store", "acknowledgements"), ("store", "looks")]
    assert [name for name, count in of_flows.items() if abs(count - flow) > 10] == []


@contextmanager
def playing(folder: Path, roles: frozenset[Role]) -> Iterator[Serving]:
    made = settings(folder, "http://127.0.0.1:1", "http://127.0.0.1:1")
    serving = Serving(made, roles=roles, port=0)
    serving.start()
    try:
        yield serving
    finally:
        serving.stop()


@pytest.mark.parametrize("role", list(Role))
def test_only_the_api_tells_what_the_tables_say(tmp_path: Path, role: Role) -> None:
    with playing(tmp_path, frozenset({role})) as serving:
        page = Page(serving.url)
    told = {one.name for one in CATALOGUE if one.teller is Teller.DATABASE} & set(page.families)
    assert bool(told) == (role is Role.API)
    assert page.by("crossdock_info", "roles") == {(role,): 1}


def test_without_a_database_the_page_says_that_and_no_more_of_the_tables(tmp_path: Path) -> None:
    with playing(tmp_path, frozenset({Role.API})) as serving:
        engine = open_engine(serving.crossdock.settings.database.url)
        with engine.execution_options(writes=True).begin() as connection:
            for name in ("checkpoints", "incidents", "reconciliations"):
                connection.execute(text(f"ALTER TABLE {name} RENAME TO {name}_away"))
        engine.dispose()
        page = Page(serving.url)
    told = {one.name for one in CATALOGUE if one.teller is Teller.DATABASE} & set(page.families)
    assert told == {"crossdock_database_up"}
    assert page.sum("crossdock_database_up") == 0
    assert page.sum("crossdock_info") == 1
