"""The thread that carries batches goes on after whatever one of them came to, and says what that was."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from crossdock.contract.message import Message
from crossdock.delivery.batches import Batches
from crossdock.delivery.records import Delivery, State
from crossdock.delivery.worker import WorkerOptions
from crossdock.errors import StorageError
from tests.unit.delivery.test_worker import Free

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def level(number: int) -> Delivery:
    message = Message(id=f"m{number}", source="erp", flow="inventory", subject=f"S-{number}", occurred_at=NOW)
    return Delivery(
        id=number,
        message=message,
        flow="inventory",
        source="erp",
        target="store",
        subject=message.subject,
        key=message.id,
        lane="wh",
        state=State.LEASED,
        due_at=NOW,
        opened_at=NOW,
        leased_until=NOW,
    )


class Two:
    """A storage of two batches."""

    def __init__(self) -> None:
        self.left = [[level(1)], [level(2)]]

    def lease_batch(self, *_: Any) -> list[Delivery]:
        return self.left.pop(0) if self.left else []


class Fails:
    """Carries nothing, and has heard of both when `both` is set."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.seen: list[int] = []
        self.both = threading.Event()

    def carry(self, batch: Sequence[Delivery]) -> list[Any]:
        self.seen.append(batch[0].id)
        if len(self.seen) == 2:
            self.both.set()
        raise self.error


@pytest.mark.parametrize(
    ("error", "told"),
    [(StorageError("the database is away"), "the database is away"), (KeyError("secret"), "KeyError")],
)
def test_a_batch_that_cannot_be_settled_is_told_and_the_next_one_is_carried(error: Exception, told: str) -> None:
    carrier, options = Fails(error), WorkerOptions(threads=1, idle_seconds=0.05)
    batches = Batches(
        "w1", cast("Any", Two()), carrier, {"store": {"inventory": 1}}, Free(), options, lambda: NOW, resume=lambda: 0
    )
    with capture_logs() as logs:
        batches.start()
        assert carrier.both.wait(60)
        batches.stop()
    assert [(one["log_level"], one["error"]) for one in logs if "could not be settled" in one["event"]] == [
        ("error", told)
    ] * 2
