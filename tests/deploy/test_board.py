"""Every query of the dashboard and the rules, answered by a real Prometheus that scrapes a real Crossdock."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import msgspec
import yaml

from crossdock.app import Crossdock, utc_now
from crossdock.reconciliation.drift import Run, RunState
from crossdock.reconciliation.totals import Total
from tests.chaos.services import free_port
from tests.databases import missing
from tests.deploy.queries import RULES, expressions
from tests.material import needs_shared
from tests.recorded_server import Reply, serve
from tests.walk.test_traces import hook
from tests.walk.test_webhooks import running, with_webhooks
from tests.walk.world import Erp, Shop, recorded, settings, until

pytestmark = needs_shared
PROMETHEUS = shutil.which("prometheus")
# in this small world there are no lists of states, and at its end nothing waits
EMPTY = {"Rows of lists a second, by fate", "Waiting"}


@contextmanager
def scraping(folder: Path, target: str) -> Iterator[httpx.Client]:
    if PROMETHEUS is None:
        missing("Prometheus (Debian: apt install prometheus)")
    assert PROMETHEUS is not None
    told = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(RULES)],
        "scrape_configs": [{"job_name": "crossdock", "static_configs": [{"targets": [target]}]}],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(told))
    port = free_port()
    command = [
        PROMETHEUS,
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/tsdb",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "prometheus.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=60) as client:
                yield client
        finally:
            process.terminate()
            process.wait(60)


def answered(client: httpx.Client, expression: str) -> list[Any]:
    try:
        answer = client.get("/query", params={"query": expression})
    except httpx.ConnectError:
        return []
    if answer.status_code == 503:  # not ready yet
        return []
    found: list[Any] = answer.raise_for_status().json()["data"]["result"]
    return found


def last_compared(crossdock: Crossdock) -> None:
    """Once, and nothing differs."""
    store, now = crossdock.store, utc_now()
    claimed = store.claim_stream("store", "erp/reconcile-orders", "test", now, now + timedelta(minutes=1))
    assert claimed is not None
    run = Run(id=0, flow="orders", store="store", erp="erp", by="test", began_at=now)
    begun = store.reconciliations.begin(claimed, run, now)
    day, places = (now - timedelta(days=1)).date(), ("store", "erp")
    sums = [
        Total(day=day, flow="orders", store="store", erp="erp", side=side, unit="orders", amount=Decimal(3))
        for side in places
    ]
    store.reconciliations.keep_totals(sums, now)
    store.reconciliations.end(claimed, msgspec.structs.replace(begun, state=RunState.DONE, ended_at=now, compared=3))
    store.release_stream(claimed, now)


def test_every_query_is_answered(tmp_path: Path) -> None:
    shop, erp = Shop(), Erp()
    refused = Reply(422, {"message": "unknown SKU"})
    erp.before = [Reply(503, {"message": "later"}), refused]
    order = recorded("009_configurable_a")
    with serve(shop.answer) as store, serve(erp.answer) as target:
        made = with_webhooks(settings(tmp_path, store.url, target.url), tmp_path, {})
        with ExitStack() as stack:
            serving = stack.enter_context(running(made))
            last_compared(serving.crossdock)  # before it is first asked: an answer is good for a minute
            prometheus = stack.enter_context(scraping(tmp_path, serving.url.removeprefix("http://")))
            # counters are seen from 0 on: what is done before the first scrape has no rate
            until(lambda: bool(answered(prometheus, "crossdock_info")), 60)
            for number in range(3):
                shop.add(order, entity_id=7000 + number, increment_id=f"00007{number:03}")
                assert hook(serving.url, shop.orders[7000 + number]) == 202
            until(lambda: len(shop.comments) == 2, 60)
            shown = [(where, text) for where, text in expressions() if not where.startswith("Crossdock")]
            silent: list[str] = []

            def all_there() -> bool:
                silent[:] = [where for where, text in shown if not answered(prometheus, text)]
                return set(silent) <= EMPTY

            until(all_there, 90)
            alarms = [one for one in expressions() if one[0].startswith("Crossdock")]

            def firing() -> list[str]:
                return [name for name, text in alarms if answered(prometheus, text)]

            until(lambda: firing() == ["CrossdockDeadLetters"], 60)
