"""Whoever carries is looked at, and does as ever."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from structlog.contextvars import get_contextvars

from crossdock.contract.message import Message
from crossdock.delivery.records import Delivery, State, Verdict
from crossdock.observed import SHOWN, Observed, ObservedBatches, watch
from crossdock.storage.watched import Watched
from crossdock.telemetry import traces
from crossdock.telemetry.meters import Meters
from crossdock.telemetry.spans import current
from tests.unit.telemetry.test_otel import Recording

NOW = datetime(2026, 11, 26, tzinfo=UTC)


def delivery(number: int = 1, trace: str = "", **more: Any) -> Delivery:
    message = Message(id=f"m{number}", source="erp", flow="prices", subject="S", occurred_at=NOW, trace=trace)
    told = {"flow": "prices", "source": "erp", "target": "store", "subject": f"S-{number}", "lane": "prices:1"} | more
    return Delivery(id=number, message=message, key=f"k{number}", state=State.LEASED, opened_at=NOW, due_at=NOW, **told)


def verdict(code: str = "") -> Verdict:
    return Verdict(state=State.PENDING if code else State.DELIVERED, due_at=NOW, attempts=1, code=code)


class Carrier:
    def __init__(self, answer: Verdict | Exception | None) -> None:
        self.answer = answer
        self.context: dict[str, Any] = {}
        self.trace = ""

    def carry(self, one: Delivery) -> Verdict | None:
        self.context, self.trace = dict(get_contextvars()), current().trace
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Batcher:
    def __init__(self, code: str = "") -> None:
        self.code = code
        self.context: dict[str, Any] = {}

    def carry(self, batch: Sequence[Delivery]) -> list[tuple[Delivery, Verdict]]:
        self.context = dict(get_contextvars())
        return [(one, verdict(self.code if number else "")) for number, one in enumerate(batch)]


def attributes(made: Recording) -> list[dict[str, Any]]:
    made.names()
    found = [dict(span.attributes or {}) for span in made.exporter.get_finished_spans()]
    made.tracer.close()
    return found


@pytest.mark.parametrize(
    ("answer", "state", "failed"),
    [(verdict(), "delivered", None), (verdict("temporary"), "pending", "temporary"), (None, "lost", "lease-lost")],
)
def test_an_attempt_is_told_by_what_it_came_to(answer: Verdict | None, state: str, failed: str | None) -> None:
    made, took = Recording(), []
    seen = Observed(carrier := Carrier(answer), made.tracer, lambda *one: took.append(one[:2]))
    assert seen.carry(delivery(trace=traces.begun())) is answer
    (span,) = attributes(made)
    assert (span["crossdock.state"], span.get("error.type")) == (state, failed)
    assert took == [("prices", "store")]
    assert carrier.context["delivery"] == 1
    assert carrier.context["trace_id"] == traces.id_of(carrier.trace)
    assert get_contextvars() == {}


def test_what_is_raised_goes_on_and_nothing_is_left_bound() -> None:
    made = Recording()
    seen = Observed(Carrier(OSError("ada@example.com")), made.tracer, lambda *_: None)
    with pytest.raises(OSError, match="ada"):
        seen.carry(delivery())
    assert (get_contextvars(), current().trace) == ({}, "")
    assert attributes(made)[0]["error.type"] == "OSError"


def test_an_address_as_a_number_is_not_told() -> None:
    """Some ERPs call their customers by their e-mail addresses."""
    made = Recording()
    mine = delivery(subject="erp:customers:ada@example.com", reference="ada@example.com")
    Observed(Carrier(verdict()), made.tracer, lambda *_: None).carry(mine)
    (span,) = attributes(made)
    assert "ada@" not in str(span)
    assert span["crossdock.reference"] == "<email>"


def test_a_batch_is_in_the_first_rows_trace_with_links_to_the_others() -> None:
    made, first, other = Recording(), traces.begun(), traces.begun()
    batch = [delivery(1, first), delivery(2, first), delivery(3, other), delivery(4)]
    seen = ObservedBatches(batcher := Batcher("rejected"), made.tracer, lambda *_: None)
    assert [one.id for one, _ in seen.carry(batch)] == [1, 2, 3, 4]
    made.names()
    (span,) = made.exporter.get_finished_spans()
    assert f"{span.context.trace_id:032x}" == traces.id_of(first)
    assert [f"{link.context.trace_id:032x}" for link in span.links] == [traces.id_of(other)]
    assert (span.attributes or {})["error.type"] == "rejected"
    assert batcher.context["deliveries"] == [1, 2, 3, 4]
    made.tracer.close()


def test_a_large_batch_does_not_fill_the_log() -> None:
    made, batcher = Recording(), Batcher()
    ObservedBatches(batcher, made.tracer, lambda *_: None).carry([delivery(one) for one in range(1, 300)])
    assert (len(batcher.context["deliveries"]), batcher.context["rows"]) == (SHOWN, 299)
    made.tracer.close()


@pytest.mark.parametrize(("outcome", "roots"), [("new", 1), ("unchanged", 0), ("duplicate", 0), ("conflict", 0)])
def test_only_what_is_new_gets_a_root_and_only_where_nothing_came_before(outcome: str, roots: int) -> None:
    made, watched = Recording(), Watched()
    watch(watched, Meters(), made.tracer)
    for trace in (traces.begun(), f"00-{'a' * 32}-{'b' * 16}-01"):
        watched.heard(delivery(trace=trace).message, "poll", outcome)
    assert made.names() == ["hear prices"] * roots
    made.tracer.close()
