from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from crossdock.transport.throttle import Aimd, Breaker, BreakerOptions, BreakerState, Bucket, Gate

OPTIONS = BreakerOptions(failures=3, cooldown=10, longest=35)


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    gate = Gate(rate=2, burst=3, concurrency=50)
    assert [gate.acquire(0.0) for _ in range(4)] == [True, True, True, False]
    assert gate.retry_in(0.0) == 0.5
    assert gate.acquire(0.5)
    assert not gate.acquire(0.5)
    assert gate.permits(100.0) == 3  # no more than the burst is saved up


@given(
    st.floats(0.1, 50),
    st.integers(1, 20),
    st.lists(st.floats(0, 3), max_size=60),
)
def test_a_bucket_never_gives_more_than_burst_and_rate_allow(rate: float, burst: int, pauses: list[float]) -> None:
    bucket, now, given_out = Bucket(rate=rate, burst=burst, tokens=burst), 0.0, 0
    for pause in pauses:
        now += pause
        bucket = bucket.filled(now)
        while bucket.tokens >= 1:
            bucket = bucket.spent()
            given_out += 1
        assert given_out <= burst + rate * now + 1e-6


def test_a_clock_that_goes_back_gives_nothing() -> None:
    bucket = Bucket(rate=1, burst=5, tokens=0, at=100.0)
    assert bucket.filled(50.0).tokens == 0
    assert bucket.filled(50.0).filled(101.0).tokens == 1


def test_trouble_halves_and_success_adds_one_a_round() -> None:
    limit = Aimd(most=8, limit=8.0)
    limit = limit.after("busy")
    assert limit.limit == 4
    for _ in range(4):
        limit = limit.after("ok")
    assert 4.8 < limit.limit <= 5
    assert limit.after("slow").limit < limit.limit
    assert limit.after("failed") == limit
    for _ in range(20):
        limit = limit.after("busy")
    assert limit.limit == 1


def test_the_breaker_opens_probes_and_waits_longer_each_time() -> None:
    breaker = Breaker(options=OPTIONS)
    for now in (0.0, 1.0, 2.0):
        assert breaker.state is BreakerState.CLOSED
        breaker = breaker.after("failed", now)
    assert breaker.state is BreakerState.OPEN
    waits = []
    for _ in range(4):
        waits.append(breaker.cooldown)
        assert breaker.at(breaker.until - 0.1).state is BreakerState.OPEN
        probe = breaker.at(breaker.until)
        assert probe.state is BreakerState.HALF_OPEN
        breaker = probe.after("failed", breaker.until)
    assert waits == [10, 20, 35, 35]
    assert breaker.at(breaker.until).after("ok", breaker.until) == Breaker(options=OPTIONS)


def test_failures_in_between_successes_do_not_open() -> None:
    breaker = Breaker(options=OPTIONS)
    for _ in range(10):
        breaker = breaker.after("failed", 0).after("failed", 0).after("busy", 0)
    assert breaker.state is BreakerState.CLOSED


def test_a_late_failure_of_an_open_breaker_does_not_prolong_it() -> None:
    breaker = Breaker(options=OPTIONS, state=BreakerState.OPEN, until=10, cooldown=10, failures=3)
    assert breaker.after("failed", 9) == breaker


def test_the_gate_lets_one_probe_through() -> None:
    gate = Gate(rate=None, burst=1, concurrency=4, breaker=OPTIONS)
    for _ in range(3):
        assert gate.acquire(0)
        gate.report("failed", 0)
    assert gate.state is BreakerState.OPEN
    assert not gate.acquire(9.9)
    assert gate.retry_in(4) == 6
    assert gate.acquire(10)
    assert not gate.acquire(10)
    gate.report("ok", 10)
    assert gate.acquire(10)


def test_without_a_rate_only_the_concurrency_counts() -> None:
    gate = Gate(rate=None, burst=1, concurrency=3)
    assert [gate.acquire(0) for _ in range(4)] == [True, True, True, False]
    assert gate.retry_in(0) == 0
    gate.report("ok", 0)
    assert gate.permits(0) == 1


def test_threads_never_hold_more_than_the_limit() -> None:
    gate, lock = Gate(rate=None, burst=1, concurrency=3), threading.Lock()
    running, most = 0, 0

    def work() -> None:
        nonlocal running, most
        for _ in range(200):
            if gate.acquire(0):
                with lock:
                    running += 1
                    most = max(most, running)
                with lock:
                    running -= 1
                gate.report("ok", 0)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= most <= 3
    assert gate.permits(0) == 3
