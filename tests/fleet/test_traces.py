"""One order is one trace over the processes of a fleet, PostgreSQL and RabbitMQ between them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.collector import collecting
from tests.databases import postgres_url
from tests.fleet.town import hook, metric, town_in
from tests.material import needs_shared
from tests.rabbit import forget_queues
from tests.walk.world import until

pytestmark = [needs_shared, pytest.mark.services]
TRACING = """
[tracing]
endpoint = "{url}"
"""


def test_api_and_workers_record_one_trace(tmp_path: Path, rabbit: str) -> None:
    with postgres_url() as database, town_in(tmp_path, database) as town, collecting() as collector:
        town.configure(rabbit)
        town.config.write_text(town.config.read_text() + TRACING.format(url=collector.url))
        api = town.start("api", "--port", "0")
        workers = [town.start("worker", "--port", "0") for _ in range(2)]
        url, places = api.url(), [one.url() for one in workers]
        for number in town.place(6):
            assert hook(url, number)[0] == 202
        town.arrived(6)
        counted = [metric(url, name) for name in ("crossdock_messages_total", "crossdock_attempts_total")]
        until(lambda: sum(metric(one, "crossdock_attempts_total") for one in places) >= 18)
        kept = town.asked("SELECT DISTINCT subject, substr(trace, 4, 32) FROM messages")
        assert [one.ended() for one in (*workers, api)] == [0] * 3
    forget_queues(rabbit, "store", "erp")
    assert len({subject for subject, _ in kept}) == len(kept) == 6, "each order has one trace"
    assert counted == [6, 0], "who takes webhooks carries nothing"
    for _, trace in kept:
        names = {span.name for span in collector.of(trace) if span.kind != "client"}
        assert names == {"POST /webhooks/store", "deliver looks", "deliver orders", "deliver acknowledgements"}
