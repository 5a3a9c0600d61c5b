"""What targets told is remembered up to a bound, and looked for in the trail behind it."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from crossdock.operations import replay as told
from crossdock.replaying.differences import Outcome, Replayed
from crossdock.replaying.heard import Heard
from crossdock.replaying.tape import Said
from crossdock.storage.replays import Question, Row
from crossdock.transport.kept import Beside

AT = datetime(2026, 3, 1, 9, tzinfo=UTC)


def row(number: int, size: int = 1000, status: int = 200) -> Row:
    return Row(
        delivery=1,
        at=AT,
        operation=f"GET /items/{number}",
        status=status,
        error="",
        request=b"",
        response=b"x" * size,
        mapping="",
        beside=Beside(asked=str(number)),
    )


def said(number: int) -> Said:
    return Said(f"GET /items/{number}", b"", str(number))


class Trail:
    def __init__(self, *rows: Row) -> None:
        self.rows = rows
        self.asked: list[Question] = []

    def answered(self, question: Question, at: datetime) -> Row | None:
        assert at == AT
        self.asked.append(question)
        return next((one for one in self.rows if question.is_of(one)), None)


def test_memory_is_bounded_and_what_fell_out_is_looked_for() -> None:
    trail = Trail(row(0))
    heard = Heard(trail, most=10_000)
    for number in range(500):
        heard.take("erp", [row(number)])
        assert heard.size <= 10_000
    assert heard.at_any_time("erp", said(499), AT) == row(499)
    assert trail.asked == []
    assert heard.at_any_time("erp", said(0), AT) == row(0)
    assert heard.at_any_time("erp", said(1), AT) is None
    assert [one.target for one in trail.asked] == ["erp", "erp"]


def test_one_target_is_not_answered_for_another_and_writes_and_refusals_are_no_answers() -> None:
    heard = Heard(Trail())
    heard.take("erp", [row(1), row(2, status=429), msgspec.structs.replace(row(3), operation="POST /items/3")])
    assert heard.at_any_time("other", said(1), AT) is None
    assert heard.at_any_time("erp", said(2), AT) is None
    assert heard.at_any_time("erp", Said("POST /items/3", b"", "3"), AT) is None
    heard.take("erp", [row(4, status=404)])
    assert heard.at_any_time("erp", said(4), AT) is not None, "not there is an answer"


def test_a_report_tells_so_many_one_by_one_and_counts_all() -> None:
    def found(number: int) -> Replayed:
        return Replayed(delivery=number, reference="1", flow="orders", target="erp", outcome=Outcome.UNKNOWN)

    many = told.MOST_TOLD + 234
    report = told.report(AT, AT, map(found, range(many)), {}, left_out={("inventory", "store"): 7}, revealed=False)
    assert (len(report.others), report.untold) == (told.MOST_TOLD, 234)
    assert report.counts["unknown"] == report.deliveries == many
    assert report.not_replayable == {"inventory to store": 7}
