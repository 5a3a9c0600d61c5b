"""Bars over time as shapes: where each one stands and how high it is. Pure; templates draw them as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from crossdock.model.base import Record
from crossdock.operations.overview import Line

STEPS = (1, 2, 5)
TICK_MINUTES = 10


class Bar(Record, frozen=True, kw_only=True):
    """In units of the picture. `label` is read out and shown when pointed at."""

    x: float
    y: float
    width: float
    height: float
    label: str


class Chart(Record, frozen=True, kw_only=True):
    """`top`: what the highest line of the picture stands for. `told`: the picture in one sentence."""

    width: float
    height: float
    bars: tuple[Bar, ...]
    top: int
    total: int
    told: str
    ticks: tuple[str, ...] = ()  # evenly spaced, from the left edge to the right one


def by_minute(line: Line, since: datetime, minutes: int = 60) -> list[int]:
    """Of each minute from `since` on what was delivered."""
    found = {one.at: one.count for one in line.minutes}
    return [found.get(since + timedelta(minutes=step), 0) for step in range(minutes)]


def summed(rows: Sequence[Sequence[int]], length: int) -> list[int]:
    """Place by place."""
    return [sum(row[place] for row in rows) for place in range(length)]


def chart(counts: Sequence[int], since: datetime, width: float, height: float, what: str) -> Chart:
    """One bar a minute; a count above 0 is always seen."""
    top = rounded(max(counts, default=0))
    wide = width / max(1, len(counts))
    bars = []
    for place, count in enumerate(counts):
        if count:
            tall = max(1.5, height * count / top)
            at = (since + timedelta(minutes=place)).strftime("%H:%M")
            bar = {"x": place * wide, "y": height - tall, "width": wide * 0.8, "height": tall}
            bars.append(Bar(**{name: round(value, 2) for name, value in bar.items()}, label=f"{at} UTC: {count:,}"))
    return Chart(
        width=width,
        height=height,
        bars=tuple(bars),
        top=top,
        total=sum(counts),
        told=f"{sum(counts):,} {what} in the last hour, {max(counts, default=0):,} in the busiest minute",
        ticks=tuple(
            (since + timedelta(minutes=place)).strftime("%H:%M") for place in range(0, len(counts) + 1, TICK_MINUTES)
        ),
    )


def rounded(most: int) -> int:
    """The next 1, 2 or 5 times a power of ten that is not smaller."""
    scale = 1
    while True:
        for step in STEPS:
            if step * scale >= most:
                return step * scale
        scale *= 10


def sparklines(lines: Sequence[Line], since: datetime) -> Mapping[tuple[str, str], Chart]:
    """A small one for each line."""
    return {
        (line.flow, line.target): chart(by_minute(line, since), since, 120, 22, f"{line.flow} to {line.target}")
        for line in lines
    }


__all__ = ["Bar", "Chart", "by_minute", "chart", "rounded", "sparklines", "summed"]
