"""An archived order, and what happens to it afterwards: over real HTTP, nothing is lost and nothing is done twice."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path

from crossdock.app import utc_now
from crossdock.contract.message import Message
from crossdock.sandbox.faults import NONE
from crossdock.sandbox.store import Store
from tests.walk.test_sandbox_bugs import World, world_with
from tests.walk.world import settled, until


def change(number: int, move: str, store: Store) -> bool:
    return store.change(number, move)


def something_newer(world: World, count: int) -> None:
    """SQLite keeps whatever has the highest number."""
    world.shop.do(lambda store: store.place("simple"))
    until(lambda: len(world.erp.do(lambda erp: [*erp.orders])) == count and settled(world.crossdock))


def test_an_archived_order_is_refunded_and_not_sent_again(tmp_path: Path) -> None:
    with world_with(tmp_path, NONE) as world:
        number = world.shop.do(lambda store: store.place("simple"))
        world.all_there_once(1)
        for move in ("pay", "ship"):
            assert world.shop.do(partial(change, number, move))
        until(lambda: settled(world.crossdock))
        something_newer(world, 2)
        until(lambda: world.crossdock.store.put_away(utc_now() + timedelta(days=1)) == 1)
        assert world.crossdock.store.archived() == 1
        hint = Message(id="late", source="store", flow="looks", subject=str(number), occurred_at=utc_now())
        world.crossdock.intake.offer(hint).result(20)
        until(lambda: settled(world.crossdock))
        assert world.crossdock.store.archived() == 0
        assert len(world.erp.do(lambda erp: [*erp.orders])) == 2
        something_newer(world, 3)
        until(lambda: world.crossdock.store.put_away(utc_now() + timedelta(days=1)) == 1)
        assert isinstance(world.shop.do(lambda store: store.document(number, "refund", {})), int)
        until(lambda: world.erp.do(lambda erp: sum(one.name == "refunds" for one in erp.effects)) == 1)
        assert len(world.erp.do(lambda erp: [*erp.orders])) == 3
