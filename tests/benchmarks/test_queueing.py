"""The formulas of the capacity model, against figures that are printed elsewhere or follow by hand."""

from __future__ import annotations

import math
import random

import pytest

from benchmarks import queueing


def test_one_server_waits_as_the_textbook_says() -> None:
    # M/M/1 at half load: as long in the queue as in service
    assert queueing.waiting(0.5, 1.0, 1) == pytest.approx(1.0)


def test_two_servers_wait_as_the_textbook_says() -> None:
    # M/M/2 with offered load 1: C = 1/3, W = 1/3
    assert queueing.must_wait(1.0, 1.0, 2) == pytest.approx(1 / 3)
    assert queueing.waiting(1.0, 1.0, 2) == pytest.approx(1 / 3)


def test_a_steady_beat_of_equal_work_never_waits() -> None:
    assert queueing.waiting(0.9, 1.0, 1, arrivals_cv2=0, service_cv2=0) == 0


def test_more_than_can_be_carried_waits_for_ever() -> None:
    assert queueing.waiting(3, 1.0, 2) == math.inf
    assert queueing.must_wait(3, 1.0, 2) == 1


def test_hundreds_of_servers_are_computed() -> None:
    assert 0 < queueing.must_wait(360, 1.0, 400) < 0.05


def test_what_is_carried_is_bound_by_threads_or_by_cores() -> None:
    assert queueing.carried(8, 0.2, cpu=0.005, cores=2) == pytest.approx(40)
    assert queueing.carried(800, 0.2, cpu=0.005, cores=2) == pytest.approx(400)


def test_the_fewest_servers_are_the_fewest() -> None:
    found = queueing.servers_for(30, 0.2, longest_wait=0.01)
    assert queueing.waiting(30, 0.2, found) <= 0.01
    fewer = found - 1
    assert queueing.waiting(30, 0.2, fewer) > 0.01 or queueing.busy(30, 0.2, fewer) > 0.7


def test_a_simulated_queue_waits_as_long_as_the_formula_says() -> None:
    chance, rate, service, servers = random.Random(7), 3.2, 1.0, 4
    free, now, waited = [0.0] * servers, 0.0, 0.0
    for _ in range(200_000):
        now += chance.expovariate(rate)
        first = min(range(servers), key=free.__getitem__)
        begin = max(now, free[first])
        waited += begin - now
        free[first] = begin + chance.expovariate(1 / service)
    assert waited / 200_000 == pytest.approx(queueing.waiting(rate, service, servers), rel=0.1)
