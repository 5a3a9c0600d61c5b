"""A short storm in every run of the suite; a long one by `make chaos`."""

from __future__ import annotations

import os

import pytest

from tests.chaos.storm import in_order, run, untouched
from tests.databases import missing

ORDERS = int(os.environ.get("CROSSDOCK_STORM_ORDERS", "60"))


@pytest.mark.timeout(420)
@pytest.mark.parametrize("storage", ["sqlite", pytest.param("postgres", marks=pytest.mark.services)])
def test_nothing_is_lost_doubled_or_out_of_order_in_a_storm(storage: str) -> None:
    found = run(ORDERS, seed=3, storage=storage)
    assert found["placed"] >= ORDERS
    assert found["kills"] > 0
    assert found["calm"] == 1, found
    assert (found["lost"], found["doubled"], found["out_of_order"], found["paused"]) == (0, 0, 0, 0), found
    assert found["delivered"] == found["acknowledged"] > 0
    for name in untouched(found, storage):  # last: what it proved without that is proven
        missing(f"{name} that may be crashed")


@pytest.mark.parametrize(
    ("heard", "good"),
    [
        (["create", "hold", "unhold"], True),
        (["create", "unhold"], True),  # a hold that was over before it was seen is not told
        (["create", "payments", "unhold"], False),
        (["hold", "create"], False),
        ([], True),
        (["create", "cancel"], False),  # the store never did that
    ],
)
def test_order_is_what_the_store_did_with_steps_left_out(heard: list[str], good: bool) -> None:
    assert in_order(heard, ("create", "hold", "unhold", "payments")) is good
