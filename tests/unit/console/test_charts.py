from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from crossdock.console.charts import by_minute, chart, rounded, summed
from crossdock.operations.overview import Line, Minute

SINCE = datetime(2026, 11, 26, 8, 30, tzinfo=UTC)


def line(*minutes: tuple[int, int]) -> Line:
    told = tuple(Minute(at=SINCE + timedelta(minutes=at), count=count) for at, count in minutes)
    return Line(flow="orders", kind="document", target="erp", minutes=told)


def test_each_minute_has_its_place() -> None:
    counts = by_minute(line((0, 3), (59, 1)), SINCE)
    assert (counts[0], counts[59], sum(counts), len(counts)) == (3, 1, 4, 60)
    assert summed([[1, 2], [10, 20]], 2) == [11, 22]
    assert summed([], 2) == [0, 0]


@pytest.mark.parametrize(
    ("most", "top"), [(0, 1), (1, 1), (3, 5), (6, 10), (10, 10), (11, 20), (4999, 5000), (5001, 10000)]
)
def test_the_scale_is_a_round_number_that_nothing_exceeds(most: int, top: int) -> None:
    assert rounded(most) == top


def test_bars_stand_on_the_line_and_stay_in_the_picture() -> None:
    made = chart([0, 1, 500, 0], SINCE, 100, 50, "orders")
    assert [bar.label for bar in made.bars] == ["08:31 UTC: 1", "08:32 UTC: 500"]
    assert made.bars[0].height >= 1.5, "one among many is still seen"
    assert made.bars[1].height == 50
    for bar in made.bars:
        assert bar.y + bar.height == pytest.approx(50)
        assert 0 <= bar.x <= bar.x + bar.width <= 100
    assert made.told == "501 orders in the last hour, 500 in the busiest minute"
