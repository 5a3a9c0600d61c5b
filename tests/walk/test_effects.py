"""`crossdock effects verify` after somebody has been at the ERP behind our back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crossdock.cli.effects import Account, Effect, account_of, exit_code, fate_of
from tests.databases import postgres_url
from tests.material import needs_shared
from tests.walk.test_operators import Desk, served
from tests.walk.world import recorded, until

EVER = ("--from", "2020-01-01", "--to", "2099-01-01")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.services)])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    if request.param == "postgres":
        with postgres_url() as url:
            yield from served(tmp_path, url)
        return
    yield from served(tmp_path, "")


def deliver(desk: Desk, count: int) -> list[str]:
    """Their numbers."""
    order = recorded("001_smoke")
    numbers = [f"{n:09}" for n in range(1, count + 1)]
    for entity, number in enumerate(numbers, start=1):
        desk.shop.add(order, entity_id=entity, increment_id=number)
    with desk.running():
        until(lambda: len(desk.shop.comments) == count)
    return numbers


def told(desk: Desk, *options: str, code: int = 0) -> Any:
    """What it prints: JSON is on standard output, whatever the exit code."""
    text = desk.says("effects", "verify", *EVER, "--rate", "1000", "--json", *options, code=code)
    return json.loads(text)


@needs_shared
def test_each_order_is_held_against_the_erp(desk: Desk) -> None:
    numbers = deliver(desk, 6)
    (account,) = told(desk)["targets"]
    assert (account["delivered"], account["confirmed"]) == (6, 6)

    erp = desk.erp
    with erp.lock:
        by_number = {order["order_number"]: (key, order) for key, order in erp.kept}
        erp.kept.remove(by_number[numbers[1]])  # deleted there
        erp.kept.append(by_number[numbers[2]])  # entered a second time
        place = erp.kept.index(by_number[numbers[3]])
        erp.kept[place] = ("another-key", erp.kept[place][1])  # another hand's, under our number: ours is gone
    found = told(desk, code=1)
    (account,) = found["targets"]
    sums = {name: account[name] for name in ("confirmed", "missing", "doubled", "unknown")}
    assert sums == {"confirmed": 3, "missing": 2, "doubled": 1, "unknown": 0}
    fates = {one["order"]: one["fate"] for one in found["questioned"]}
    assert fates == {numbers[1]: "missing", numbers[2]: "doubled", numbers[3]: "missing"}
    lines = desk.says("effects", "verify", *EVER, "--rate", "1000", code=1)
    assert f"missing order {numbers[1]} at erp" in lines
    assert "2 times" in lines


@needs_shared
def test_a_forgotten_record_is_unknown_and_a_sample_is_a_sample(desk: Desk) -> None:
    deliver(desk, 5)
    (account,) = told(desk, "--sample", "2")["targets"]
    assert (account["delivered"], account["examined"], account["confirmed"]) == (5, 2, 2)
    desk.says("audit", "erase", "--subject", recorded("001_smoke")["customer_email"])
    (account,) = told(desk, code=3)["targets"]
    assert (account["unknown"], account["missing"]) == (5, 0)
    assert told(desk, "--target", "erp", "--sample", "1", code=3)["targets"][0]["examined"] == 1
    assert "no such target" in desk.says("effects", "verify", "--target", "elsewhere", code=2)


@needs_shared
def test_it_leaves_one_row_in_the_trail_with_the_sums(desk: Desk) -> None:
    deliver(desk, 1)
    told(desk)
    rows = [json.loads(line) for line in desk.says("audit", "export").splitlines()]
    (row,) = [one for one in rows if one["operation_type"] == "effects-verify"]
    assert row["detail"] == "1 asked: 1 confirmed, 0 missing, 0 doubled, 0 unknown"


@pytest.mark.parametrize(("count", "fate"), [(0, "missing"), (1, "confirmed"), (2, "doubled"), (9, "doubled")])
def test_a_count_is_a_fate(count: int, fate: str) -> None:
    assert fate_of(count)[0] == fate


@pytest.mark.parametrize(
    ("fates", "code"),
    [([], 0), (["confirmed"], 0), (["confirmed", "unknown"], 3), (["unknown", "missing"], 1), (["doubled"], 1)],
)
def test_the_exit_code_says_the_worst(fates: list[Any], code: int) -> None:
    effects = [Effect(delivery=n, order="1", target="erp", fate=fate) for n, fate in enumerate(fates)]
    accounts: list[Account] = [account_of("erp", len(effects), effects)]
    assert exit_code(accounts) == code


@needs_shared
def test_many_are_asked_for_in_one_request_and_doubts_alone(desk: Desk) -> None:
    numbers = deliver(desk, 6)
    with desk.erp.lock:
        by_number = {order["order_number"]: (key, order) for key, order in desk.erp.kept}
        desk.erp.kept.remove(by_number[numbers[1]])
        desk.erp.kept.append(by_number[numbers[2]])
        desk.erp.asked.clear()
    desk.set("erp", paths={"find_many": "/orders?order_numbers={numbers}"})
    found = told(desk, code=1)
    fates = {one["order"]: one["fate"] for one in found["questioned"]}
    assert fates == {numbers[1]: "missing", numbers[2]: "doubled"}
    assert found["targets"][0]["confirmed"] == 4
    assert len(desk.erp.asked) == 3, "all together, and each of the two that were not confirmed"
