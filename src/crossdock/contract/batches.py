"""For sinks whose target takes many rows in one call and refuses them all for a bad one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from crossdock.contract.message import Receipt
from crossdock.errors import DeliveryError, Rejected

R = TypeVar("R")
Outcome = Receipt | DeliveryError


def bisected(rows: Sequence[R], send: Callable[[Sequence[R]], Sequence[Outcome]]) -> list[Outcome]:
    """Send; where all are refused, send the halves: one bad row costs itself, and some twice log2(n) calls.

    Only a refusal of the data is split. What says nothing of the rows (a lock, no connection, an unknown outcome, a
    refused login) is the outcome of each row that was in that call.
    """
    if not rows:
        return []
    try:
        return list(send(rows))
    except Rejected as error:
        if len(rows) == 1:
            return [error]
        middle = len(rows) // 2
        return [*bisected(rows[:middle], send), *bisected(rows[middle:], send)]
    except DeliveryError as error:
        return [error] * len(rows)
