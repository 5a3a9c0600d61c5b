"""How long work waits and how much is carried, on paper. Pure; `capacity.py` holds it against measurements.

Workers are `servers` threads before one queue. Waiting follows Erlang C, corrected for how service times vary
(Allen and Cunneen); what is carried follows the utilisation law. Times in seconds, rates a second.
"""

from __future__ import annotations

import math


def carried(servers: int, service: float, *, cpu: float, cores: float) -> float:
    """The most that can be carried a second: by busy threads, or by busy cores, whichever ends first."""
    return min(servers / service, cores / cpu)


def busy(rate: float, service: float, servers: int) -> float:
    """The share of time for which a thread has work; 1 or more means that the queue grows without end."""
    return rate * service / servers


def must_wait(rate: float, service: float, servers: int) -> float:
    """The chance that work finds no thread free (Erlang C)."""
    offered, share = rate * service, busy(rate, service, servers)
    if share >= 1:
        return 1.0
    blocked = 1.0
    for count in range(1, servers + 1):  # Erlang B, one server after the other: no factorial overflows
        blocked = offered * blocked / (count + offered * blocked)
    return blocked / (1 - share * (1 - blocked))


def waiting(rate: float, service: float, servers: int, *, arrivals_cv2: float = 1.0, service_cv2: float = 1.0) -> float:
    """The mean wait before service. The squared coefficients of variation are 1 for random, 0 for a steady beat."""
    share = busy(rate, service, servers)
    if share >= 1:
        return math.inf
    mean = must_wait(rate, service, servers) * service / (servers * (1 - share))
    return mean * (arrivals_cv2 + service_cv2) / 2


def servers_for(rate: float, service: float, *, longest_wait: float, most_busy: float = 0.7) -> int:
    """The fewest threads that keep the mean wait below `longest_wait` and their own share below `most_busy`."""
    servers = max(1, math.ceil(rate * service / most_busy))
    while waiting(rate, service, servers) > longest_wait:
        servers += 1
    return servers


def peak_rate(orders_a_day: int, *, peak_factor: float) -> float:
    """Orders a second in the busiest hour: the day's mean times `peak_factor`."""
    return orders_a_day / 86_400 * peak_factor
