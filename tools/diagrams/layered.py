"""Places for boxes that stand in rows and point downwards, so that few arrows cross (after Sugiyama, 1981). Pure.

An arrow that passes through rows gets an empty place in each of them, so it never runs behind a box. Nothing here is
drawn by luck: the same boxes and arrows always come to the same places.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise

Arrow = tuple[str, str]
Row = list[str]
SWEEPS = 24
SPACE = 26.0  # between two places of a row
THIN = 10.0  # the width of a place that only an arrow passes through


def threaded(rows: Sequence[Sequence[str]], arrows: Sequence[Arrow]) -> tuple[list[Row], dict[Arrow, list[str]]]:
    """The rows with a place for each arrow that passes through, and where each arrow goes, from start to end."""
    level = {name: number for number, row in enumerate(rows) for name in row}
    out = [list(row) for row in rows]
    paths: dict[Arrow, list[str]] = {}
    for start, end in arrows:
        between = [f"{start}>{end}@{number}" for number in range(level[start] + 1, level[end])]
        for number, name in enumerate(between, level[start] + 1):
            out[number].append(name)
        paths[start, end] = [start, *between, end]
    return out, paths


def ordered(rows: Sequence[Row], paths: Mapping[Arrow, Sequence[str]]) -> list[Row]:
    """Each row in the order of the middle of what it is joined to, down and up in turns; the best is taken."""
    above, below = _joined(paths)
    now = [list(row) for row in rows]
    best, fewest = now, crossings(now, below)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        now = [list(row) for row in now]
        for number in range(1, len(now)) if down else range(len(now) - 2, -1, -1):
            beside = now[number - 1] if down else now[number + 1]
            now[number] = _by_middle(now[number], beside, above if down else below)
        found = crossings(now, below)
        if found < fewest:
            best, fewest = now, found
    return best


def crossings(rows: Sequence[Row], below: Mapping[str, Sequence[str]]) -> int:
    """How many pairs of arrows between neighbouring rows cross."""
    total = 0
    for upper, lower in pairwise(rows):
        place = {name: number for number, name in enumerate(lower)}
        ends = [place[end] for name in upper for end in sorted(below[name], key=place.__getitem__)]
        total += sum(one > other for number, one in enumerate(ends) for other in ends[number + 1 :])
    return total


def across(rows: Sequence[Row], paths: Mapping[Arrow, Sequence[str]], widths: Mapping[str, float]) -> dict[str, float]:
    """The middle of each place, from left: as near to what it is joined to as its row lets it be."""
    above, below = _joined(paths)
    width = {name: widths.get(name, THIN) for row in rows for name in row}
    x = {name: at for row in rows for name, at in zip(row, _packed(row, width, {}), strict=True)}
    for sweep in range(SWEEPS):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            wish = {name: _mean([x[other] for other in (*above[name], *below[name])], x[name]) for name in row}
            x |= dict(zip(row, _packed(row, width, wish), strict=True))
    left = min(x[name] - width[name] / 2 for name in x)
    return {name: at - left for name, at in x.items()}


def _joined(paths: Mapping[Arrow, Sequence[str]]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    above: dict[str, list[str]] = defaultdict(list)
    below: dict[str, list[str]] = defaultdict(list)
    for path in paths.values():
        for upper, lower in pairwise(path):
            above[lower].append(upper)
            below[upper].append(lower)
    return above, below


def _by_middle(row: Row, beside: Row, joined: Mapping[str, Sequence[str]]) -> Row:
    place = {name: number for number, name in enumerate(beside)}
    middle = {name: _mean([place[other] for other in joined[name]], own) for own, name in enumerate(row)}
    return sorted(row, key=middle.__getitem__)


def _packed(row: Row, width: Mapping[str, float], wish: Mapping[str, float]) -> list[float]:
    """Places side by side, each as near to its wish as its neighbours allow: pushed from both sides."""
    from_left: list[float] = []
    edge = float("-inf") if wish else 0.0
    for name in row:
        at = max(wish.get(name, 0.0), edge + width[name] / 2)
        from_left.append(at)
        edge = at + width[name] / 2 + SPACE
    if not wish:
        return from_left
    from_right: list[float] = []
    edge = float("inf")
    for name in reversed(row):
        at = min(wish[name], edge - width[name] / 2)
        from_right.append(at)
        edge = at - width[name] / 2 - SPACE
    return [(one + other) / 2 for one, other in zip(from_left, reversed(from_right), strict=True)]


def _mean(numbers: Sequence[float], otherwise: float) -> float:
    return sum(numbers) / len(numbers) if numbers else otherwise
