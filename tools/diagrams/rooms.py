"""The rooms of the house and who imports whom, from the import graph; the rows are import-linter's layers."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

import grimp

from tools.diagrams import layered, svg

ROOT = Path(__file__).parents[2]
READ_BY_ALL = {"settings", "log", "errors"}  # drawn as a line of words: their arrows would cover all others
HIGH, BETWEEN, MARGIN = 30.0, 34.0, 24.0
LETTER = 7.8  # pixels of width a letter

Imports = Mapping[str, set[str]]


def layers(pyproject: Path = ROOT / "pyproject.toml") -> list[list[str]]:
    """The rows from above to below, as the import contract has them."""
    contracts = tomllib.loads(pyproject.read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (house,) = [one for one in contracts if one["type"] == "layers"]
    return [[room.strip() for room in row.split("|")] for row in house["layers"]]


def imports() -> dict[str, set[str]]:
    """Which room imports which others, as the code does it."""
    graph = grimp.build_graph("crossdock", cache_dir=None)
    found: dict[str, set[str]] = {}
    for module in graph.modules:
        for other in graph.find_modules_directly_imported_by(module):
            here, there = _room(module), _room(other)
            if here and there and here != there:
                found.setdefault(here, set()).add(there)
    return found


def _room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def shortened(found: Imports) -> list[tuple[str, str]]:
    """Arrows that do not follow from others: where a imports b and b imports c, a's own import of c is left out."""
    reach: dict[str, set[str]] = {}

    def below(room: str) -> set[str]:
        if room not in reach:
            reach[room] = {far for near in found.get(room, ()) for far in (near, *below(near))}
        return reach[room]

    return sorted(
        (room, near)
        for room, nears in found.items()
        for near in nears
        if not any(near in below(other) for other in nears - {near})
    )


def drawing(rows: Sequence[Sequence[str]], found: Imports) -> str:
    """The picture, of these rows and imports."""
    shown = [[room for room in row if room not in READ_BY_ALL] for row in rows]
    shown = [row for row in shown if row]
    known = {room for row in shown for room in row}
    seen = {room: {near for near in nears if near in known} for room, nears in found.items() if room in known}
    threaded, paths = layered.threaded(shown, shortened(seen))
    placed = layered.ordered(threaded, paths)
    width = {room: len(room) * LETTER + 28 for room in known}
    x = {name: at + MARGIN for name, at in layered.across(placed, paths, width).items()}
    top = {name: MARGIN + number * (HIGH + BETWEEN) for number, row in enumerate(placed) for name in row}
    parts = [svg.way(_points(path, x, top)) for path in paths.values()]
    for room in sorted(known):
        parts.append(svg.box(x[room] - width[room] / 2, top[room], width[room], HIGH))
        parts.append(svg.words(x[room], top[room] + 20, room, "name"))
    right = max(x[name] + width.get(name, 0) / 2 for name in x) + MARGIN
    bottom = max(top.values()) + HIGH + MARGIN
    left_out = ", ".join(sorted(READ_BY_ALL))
    told = f"Left out: {left_out}, which nearly all import, and imports that follow from two others."
    parts.append(svg.words(MARGIN, bottom + 6, told, "soft", "start"))
    title = "The rooms of Crossdock: an arrow means that a room imports another"
    return svg.picture(max(right, 620), bottom + 24, title, parts)


def _points(path: Sequence[str], x: Mapping[str, float], top: Mapping[str, float]) -> list[svg.Point]:
    start, *between, end = path
    points = [(x[start], top[start] + HIGH)]
    for name in between:
        points += [(x[name], top[name]), (x[name], top[name] + HIGH)]
    return [*points, (x[end], top[end] - 1)]
