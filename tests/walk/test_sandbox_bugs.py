"""A whole Crossdock before a store with Magento's bugs switched on, one by one: no order is lost, none comes twice."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from crossdock.app import Crossdock, utc_now
from crossdock.contract.message import Message
from crossdock.delivery.poll import Poller, PollOptions
from crossdock.delivery.store import DeadFilter
from crossdock.sandbox.faults import NONE, Bugs, Faults
from crossdock.sandbox.run import ErpServer, StoreServer
from crossdock.settings import Settings
from tests.walk.world import settings, settled, until

TOKEN = "t0ken"


class World:
    def __init__(self, shop: StoreServer, erp: ErpServer, crossdock: Crossdock) -> None:
        self.shop, self.erp, self.crossdock = shop, erp, crossdock

    def numbers(self) -> list[str]:
        return self.shop.do(lambda store: sorted(one["increment_id"] for one in store.orders.values()))

    def arrived(self) -> list[str]:
        return self.erp.do(lambda erp: sorted(one["order_number"] for one in erp.orders))

    def acknowledged(self) -> int:
        return self.shop.do(lambda store: sum("ext_order_id" in one for one in store.orders.values()))

    def all_there_once(self, count: int, seconds: float = 60) -> None:
        until(lambda: self.acknowledged() >= count and settled(self.crossdock), seconds)
        assert self.arrived() == self.numbers()
        assert len(self.numbers()) == count
        assert self.crossdock.store.dead(DeadFilter()) == []


def configured(
    folder: Path, shop: StoreServer, erp: ErpServer, auth: dict[str, str] | None = None, **polling: Any
) -> Settings:
    plain: dict[str, Any] = settings(folder, shop.url, erp.url).model_dump(exclude_unset=True)
    plain["connections"]["erp"]["auth"] = {"scheme": "bearer", "token": f"file:{folder}/token"}
    plain["connections"]["store"]["polling"] |= {"page_size": 3} | polling
    plain["connections"]["store"]["limits"] = {"concurrency": 8}
    if auth:
        plain["connections"]["store"]["auth"] = auth
    return Settings.model_validate(plain)


@contextmanager
def world_with(folder: Path, faults: Faults, *, auth: dict[str, str] | None = None, **polling: Any) -> Iterator[World]:
    shop, erp = StoreServer(seed=5, token=TOKEN, faults=faults), ErpServer(seed=6, token=TOKEN)
    shop.start()
    erp.start()
    crossdock = Crossdock(configured(folder, shop, erp, auth, **polling))
    crossdock.start()
    try:
        yield World(shop, erp, crossdock)
    finally:
        crossdock.stop()
        shop.stop()
        erp.stop()


LISTS = {
    "last_page_repeats": Bugs(last_page_repeats=True),
    "pages_from_zero": Bugs(pages_from_zero=True),
    "unstable_order": Bugs(unstable_order=True),
    "total_too_small": Bugs(total_off_by=-1000),
    "total_too_large": Bugs(total_off_by=1000),
    "updated_at_stays": Bugs(updated_at_stays=True),
    "poison_every": Bugs(poison_every=4),
    "poison_in_a_row": Bugs(poison_ids=(4, 5, 6, 7, 20)),
    "late_commits": Bugs(late_commits=0.4, late_commit_s=1.5),
    "stamps_behind": Bugs(stamps_behind_s=1800),
    "stamps_ahead": Bugs(stamps_behind_s=-2),
    "silent_saves": Bugs(silent_saves=True),
    "together": Bugs(
        last_page_repeats=True,
        unstable_order=True,
        total_off_by=-3,
        poison_every=7,
        late_commits=0.3,
        late_commit_s=1,
        stamps_behind_s=900,
    ),
}


def swept(world: World) -> Poller:
    """The poller, once its own thread has done the sweep with which it begins: the next one is in an hour."""
    poller = world.crossdock.pollers["store"]
    until(lambda: poller._swept_at is not None)
    return poller


@pytest.mark.parametrize("name", LISTS)
def test_polling_alone_misses_nothing(tmp_path: Path, name: str) -> None:
    """Orders placed before the first scan and while scans run, some within one second; no webhook tells of them."""
    with world_with(tmp_path, Faults(bugs=LISTS[name])) as world:
        for _ in range(4):
            world.shop.place(5)
            threading.Event().wait(0.3)  # so that scans fall between; nothing is waited for
        world.all_there_once(20)


def test_a_change_that_moves_no_date_is_found_where_a_scan_reads_again(tmp_path: Path) -> None:
    with world_with(tmp_path, Faults(bugs=Bugs(updated_at_stays=True))) as world:
        (number,) = world.shop.place(1)
        world.all_there_once(1)
        assert world.shop.do(lambda store: store.change(number, "cancel"))
        until(lambda: world.erp.do(lambda erp: [one.name for one in erp.effects]) == ["create", "cancel"])


def test_a_change_that_moves_no_date_is_found_by_the_sweep_behind_that(tmp_path: Path) -> None:
    with world_with(tmp_path, Faults(bugs=Bugs(updated_at_stays=True)), overlap_s=0) as world:
        poller = swept(world)
        world.shop.clock.shift(-7200)
        (number,) = world.shop.place(1)
        world.all_there_once(1)
        world.shop.clock.shift(0)
        world.shop.place(1)
        world.all_there_once(2)
        assert world.shop.do(lambda store: store.change(number, "cancel"))
        poller.scan()
        until(lambda: settled(world.crossdock))
        assert world.erp.do(lambda erp: [one.name for one in erp.effects]) == ["create", "create"]  # no scan sees it
        poller._options = msgspec.structs.replace(PollOptions(), sweep_after=0.0)
        assert poller.sweep() == 2
        until(lambda: world.erp.do(lambda erp: [one.name for one in erp.effects][2:]) == ["cancel"])


def test_a_hint_before_the_commit_makes_no_dead_letter_and_no_double(tmp_path: Path) -> None:
    """The webhook is faster than the transaction: the order cannot be read yet. It comes by the poll."""
    with world_with(tmp_path, Faults(bugs=Bugs(invisible_at_first_s=1.5))) as world:
        (number,) = world.shop.place(1)
        for turn in range(3):
            hint = Message(id=f"hint-{turn}", source="store", flow="looks", subject=str(number), occurred_at=utc_now())
            world.crossdock.intake.offer(hint).result(20)
        world.all_there_once(1)


def test_a_commit_later_than_the_overlap_is_found_by_its_id(tmp_path: Path) -> None:
    """What coverage finds: the watermark has long passed when the row appears."""
    with world_with(tmp_path, Faults(bugs=Bugs(late_commits=1, late_commit_s=3700)), overlap_s=0) as world:
        poller = swept(world)
        world.shop.clock.shift(-3600)
        world.shop.place(1)
        world.shop.set_faults(NONE)
        world.shop.clock.shift(0)
        world.shop.place(4)
        until(lambda: world.acknowledged() == 4)
        world.shop.clock.shift(200)
        poller.scan()
        assert world.shop.do(lambda store: store.visible(1)) is not None
        assert len(world.arrived()) == 4  # no scan goes back that far
        assert poller.sweep_gaps() == ["1"]
        heard = [one.text for one in world.crossdock.store.timeline("store", "1") if one.kind == "heard"]
        assert [text.partition(":")[0] for text in heard] == ["by gap"]
        world.all_there_once(5)


def test_deadlocks_by_concurrency_are_waited_out(tmp_path: Path) -> None:
    with world_with(tmp_path, Faults(latency_s=0.05, bugs=Bugs(deadlock_above=1))) as world:
        world.shop.place(16)
        world.all_there_once(16)
        assert world.shop.store.lottery.drawn["deadlock_above"]


def test_deadlocks_on_nonces_are_waited_out(tmp_path: Path) -> None:
    keys = {
        "consumer_key": "consumer-key",
        "consumer_secret": "consumer-secret",
        "token": TOKEN,
        "token_secret": "token-secret",
    }
    auth = {"scheme": "oauth1"}
    for name, value in keys.items():
        path = tmp_path / name
        path.write_text(value)
        path.chmod(0o600)
        auth[name] = f"file:{path}"
    with world_with(tmp_path, Faults(bugs=Bugs(nonce_deadlock_above=25)), auth=auth) as world:
        world.shop.clock.stop()  # all calls are of one second, however slow this machine is
        world.shop.place(9)
        until(lambda: "nonce_deadlock_above" in world.shop.store.lottery.drawn)
        world.shop.clock.shift(0)
        world.all_there_once(9)


STORMS = {
    "reset": Faults(reset_after=0.3),
    "cut": Faults(cut_after=0.3),
    "garbage": Faults(garbage_after=0.3),
    "error": Faults(error_after=0.3),
    "twice": Faults(answered_twice=0.5),
    "before": Faults(reset_before=0.2, error_before=0.1, busy=0.2),
    "late": Faults(down=0.3, late=0.2, slow_seconds=0.2),
}


@pytest.mark.parametrize(("name", "where"), list(itertools.product(STORMS, ("store", "erp"))))
def test_faults_of_either_side_lose_and_double_nothing(tmp_path: Path, name: str, where: str) -> None:
    faults = STORMS[name]
    with world_with(tmp_path, NONE) as world:
        lottery = world.shop.store.lottery if where == "store" else world.erp.erp.lottery
        (world.shop if where == "store" else world.erp).set_faults(faults)
        placed = 0
        while not lottery.drawn:  # a chance of 0.3 has spared eight orders now and then
            placed += len(world.shop.place(8))
            until(lambda: world.acknowledged() >= placed - 5, 60)  # noqa: B023  called in this round only
        (world.shop if where == "store" else world.erp).set_faults(NONE)
        world.all_there_once(placed)
