"""A storm's own PostgreSQL and RabbitMQ: that a crash is one, and that what was promised before it is there after it."""

from __future__ import annotations

from contextlib import ExitStack

import pika
import pika.exceptions
import psycopg
import pytest

from tests.chaos.services import own_postgres, own_rabbit
from tests.chaos.storm import untouched
from tests.databases import missing
from tests.fleet.proxy import Proxy

pytestmark = pytest.mark.services
PERSISTENT = pika.BasicProperties(delivery_mode=2)


def test_a_crashed_cluster_recovers_what_was_committed_and_nothing_else() -> None:
    with ExitStack() as stack:
        cluster = own_postgres(stack)
        if cluster is None:
            missing("PostgreSQL's programs")
            return
        with psycopg.connect(cluster.url) as told:
            told.execute("CREATE TABLE promised (n INT)")
            told.execute("INSERT INTO promised VALUES (1)")
        half_way = psycopg.connect(cluster.url)
        half_way.execute("INSERT INTO promised VALUES (2)")
        cluster.crash()
        with pytest.raises(psycopg.OperationalError):
            half_way.execute("SELECT 1")
        half_way.close()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(cluster.url)
        cluster.start()
        with psycopg.connect(cluster.url) as told:
            assert told.execute("SELECT n FROM promised").fetchall() == [(1,)]
            assert told.execute("SHOW fsync").fetchone() == ("on",)
        assert (cluster.restarts, cluster.recoveries()) == (1, 1), "it came back by recovery, as after a power cut"


def test_a_killed_node_comes_back_with_its_durable_queues() -> None:
    with ExitStack() as stack:
        node = own_rabbit(stack)
        if node is None:
            missing("RabbitMQ's programs")
            return
        with pika.BlockingConnection(pika.URLParameters(f"{node.url}/%2F")) as connection:
            connection.channel().queue_declare("kept", durable=True)
        node.stop()  # RabbitMQ answers a declaration before it is on disk: only a message's confirmation promises that
        node.start()
        with pika.BlockingConnection(pika.URLParameters(f"{node.url}/%2F")) as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            channel.basic_publish("", "kept", b"1", PERSISTENT)
            node.crash()
            with pytest.raises((pika.exceptions.AMQPError, OSError)):
                channel.basic_publish("", "kept", b"2", PERSISTENT)
        node.start()
        with pika.BlockingConnection(pika.URLParameters(f"{node.url}/%2F")) as connection:
            assert connection.channel().basic_get("kept")[2] == b"1"
        assert node.restarts == 2


def test_the_way_outlives_a_server_that_is_down() -> None:
    """Else a crashed server would take the way to it along, and nobody would ever find it again."""
    with ExitStack() as stack:
        cluster = own_postgres(stack)
        if cluster is None:
            missing("PostgreSQL's programs")
            return
        way = stack.enter_context(Proxy("127.0.0.1", int(cluster.url.rsplit(":", 1)[1].split("/")[0])))
        url = f"postgresql://postgres@127.0.0.1:{way.port}/postgres"
        cluster.crash()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(url)
        cluster.start()
        with psycopg.connect(url) as told:
            assert told.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize(
    ("found", "storage", "names"),
    [
        ({"postgres_restarts": 2, "rabbit_restarts": 1}, "postgres", []),
        ({"postgres_restarts": 2}, "postgres", ["rabbit"]),
        ({"rabbit_restarts": 0}, "postgres", ["postgres", "rabbit"]),
        ({}, "sqlite", []),
    ],
)
def test_what_was_not_crashed_is_named(found: dict[str, int], storage: str, names: list[str]) -> None:
    assert untouched(found, storage) == names
