"""The tables and what refers to what, from SQLAlchemy's own description of them.

Whole lines are foreign keys. Broken ones are columns that mean another table's row without a key in the database, by
their names, as `MEANT` has them: the other row may go first, to the archive or by age.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil

from sqlalchemy import MetaData, Table

from tools.diagrams import layered, svg

MEANT = {
    "delivery_id": "deliveries",
    "user_id": "users",
    "request_id": "payloads",
    "response_id": "payloads",
    "payload_id": "payloads",
    "message_seq": "messages",
    "run_id": "reconciliations",
}
COLUMN, LINE, HEAD, TALLEST = 118.0, 15.0, 24.0, 13
MARGIN, BETWEEN, GAP = 20.0, 60.0, 14.0
WIDEST = 1120.0

References = list[tuple[str, str]]


def references(tables: Sequence[Table]) -> tuple[References, References]:
    """(foreign keys, meant): each as (the table that refers, the table that is referred to), once."""
    kept: set[tuple[str, str]] = set()
    meant: set[tuple[str, str]] = set()
    names = {table.name for table in tables}
    for table in tables:
        for column in table.columns:
            kept |= {(table.name, key.column.table.name) for key in column.foreign_keys}
            there = MEANT.get(column.name)
            if there in names and not column.foreign_keys and not table.name.startswith("archived_"):
                meant.add((table.name, str(there)))
    return sorted(kept), sorted(meant - kept)


def drawing(metadata: MetaData) -> str:
    """The picture: joined tables in rows, what refers above what is referred to; below them those that stand alone."""
    tables = {table.name: table for table in metadata.sorted_tables}
    kept, meant = references(list(tables.values()))
    arrows = [*kept, *meant]
    joined = {name for arrow in arrows for name in arrow}
    placed, paths = layered.threaded(_rows(joined, arrows), arrows)
    placed = layered.ordered(placed, paths)
    sizes = {name: _size(table) for name, table in tables.items()}
    x = {name: at + MARGIN for name, at in layered.across(placed, paths, {n: s[0] for n, s in sizes.items()}).items()}
    top, bottom = _tops(placed, sizes)
    parts = [svg.way(_points(path, x, top, sizes), broken=arrow in meant) for arrow, path in paths.items()]
    for name in sorted(joined):
        parts += _card(tables[name], x[name] - sizes[name][0] / 2, top[name])
    right = max(x[name] + sizes[name][0] / 2 for name in joined)
    alone, bottom = _alone([tables[name] for name in sorted(set(tables) - joined)], bottom + GAP)
    title = "Crossdock's tables: an arrow means that a row refers to another"
    return svg.picture(max(right, WIDEST) + MARGIN, bottom, title, [*parts, *alone])


def _rows(names: set[str], arrows: References) -> list[list[str]]:
    """What is referred to stands one row at least below what refers to it."""
    level = dict.fromkeys(sorted(names), 0)
    for _ in names:
        for start, end in arrows:
            level[end] = max(level[end], level[start] + 1)
    return [[name for name in level if level[name] == number] for number in range(max(level.values()) + 1)]


def _tops(rows: Sequence[Sequence[str]], sizes: Mapping[str, tuple[float, float]]) -> tuple[dict[str, float], float]:
    top: dict[str, float] = {}
    at = MARGIN
    for row in rows:
        top |= dict.fromkeys(row, at)
        at += max(sizes[name][1] for name in row if name in sizes) + BETWEEN
    return top, at - BETWEEN


def _points(
    path: Sequence[str], x: Mapping[str, float], top: Mapping[str, float], sizes: Mapping[str, tuple[float, float]]
) -> list[svg.Point]:
    start, *between, end = path
    points = [(x[start], top[start] + sizes[start][1])]
    for name in between:
        points += [(x[name], top[name] - BETWEEN / 4), (x[name], top[name] + 40)]
    return [*points, (x[end], top[end] - 1)]


def _size(table: Table) -> tuple[float, float]:
    across = ceil(len(table.columns) / TALLEST)
    return max(across * COLUMN + 10, len(table.name) * 8 + 18), HEAD + ceil(len(table.columns) / across) * LINE + 8


def _card(table: Table, left: float, top: float) -> list[str]:
    width, height = _size(table)
    names = [("•" if column.primary_key else "") + column.name for column in table.columns]
    deep = ceil(len(names) / ceil(len(names) / TALLEST))
    parts = [
        svg.box(left, top, width, height),
        svg.box(left, top, width, HEAD, "head"),
        svg.words(left + 8, top + 16, table.name, "name", "start"),
    ]
    for number, name in enumerate(names):
        across, down = divmod(number, deep)
        parts.append(svg.words(left + 8 + across * COLUMN, top + HEAD + 13 + down * LINE, name, "soft", "start"))
    return parts


def _alone(tables: Sequence[Table], top: float) -> tuple[list[str], float]:
    """Cards side by side, line by line, the tallest first; and where they end."""
    parts: list[str] = []
    left, below = MARGIN, top
    for table in sorted(tables, key=lambda one: (-_size(one)[1], one.name)):
        width, height = _size(table)
        if left + width > WIDEST:
            left, top = MARGIN, below + GAP
        parts += _card(table, left, top)
        left, below = left + width + GAP, max(below, top + height)
    return parts, below + MARGIN
