"""Whoever can write into RabbitMQ's queues can waste our time and nothing else: the tables alone say what is to be done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pika
import pytest

from crossdock.broker.rabbit import ACTOR, queue_of
from tests.databases import postgres_url
from tests.material import needs_shared
from tests.rabbit import forget_queues
from tests.walk.test_orders import world_in
from tests.walk.world import recorded, until

pytestmark = [needs_shared, pytest.mark.services]


def announcement(*args: Any, actor: str = ACTOR, **kwargs: Any) -> bytes:
    told = {"queue_name": queue_of("erp"), "actor_name": actor, "args": args, "kwargs": kwargs, "options": {}}
    return json.dumps(told | {"message_id": "m", "message_timestamp": 1}).encode()


POISON = (
    b"",
    b"\x80\x04garbage",
    b'{"half": ',
    b"[]",
    b"{}",
    b'"text"',
    b"[" * 50_000,
    announcement(),
    announcement("erp", [1], actor="os.system"),
    announcement("erp", "DROP TABLE deliveries"),
    announcement("erp", [-1, 2**80, "1; DROP TABLE deliveries", None, 1.5]),
    announcement("nowhere", [1]),
    announcement({"a": 1}, {"b": 2}),
    announcement("erp", [1], target="erp"),
    announcement("erp", list(range(10_000))),
)


def test_nothing_that_stands_in_a_queue_keeps_orders_from_going_once(tmp_path: Path, rabbit: str) -> None:
    with postgres_url() as url, world_in(tmp_path, url, rabbit) as world:
        first = world.shop.add(recorded("001_smoke"))
        world.done(first)
        connection = pika.BlockingConnection(pika.URLParameters(rabbit))
        channel = connection.channel()
        for body in POISON * 2:
            channel.basic_publish("", queue_of("erp"), body)
        second = world.shop.add(recorded("009_configurable_a"))
        world.done(second)
        until(lambda: channel.queue_declare(queue_of("erp"), passive=True).method.message_count == 0)
        third = world.shop.add(recorded("001_smoke"), entity_id=999, increment_id="9")
        world.done(third)
        assert world.crossdock.health() == {"status": "ok", "broker": "ok"}
        assert len(world.erp.kept) == len({key for key, _ in world.erp.kept}) == 3
        connection.close()
    forget_queues(rabbit, "store", "erp")
