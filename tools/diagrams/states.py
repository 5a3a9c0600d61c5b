"""The life of a delivery: its states from the code's own enum, and each way from one to another that storage allows.

`MOVES` is held against the storage twice: every test of SQLite's runs under triggers that refuse any other way
(`tests/storage/test_storages.py`), and one test goes each of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import hypot

from crossdock.delivery.records import State
from tools.diagrams import svg

BORN = "promised"  # where a delivery comes from; no state of it

# an empty second line is one line; what stands here is all that may happen to a state
MOVES: dict[tuple[str, str], tuple[str, str]] = {
    (BORN, State.PENDING): ("promised with", "its message"),
    (BORN, State.DEAD): ("parked from birth: it", "cannot be read, or waits for a person"),
    (State.PENDING, State.LEASED): ("a worker claims it", ""),
    (State.LEASED, State.LEASED): ("the lease ran out:", "claimed again, maybe sent"),
    (State.LEASED, State.PENDING): ("later, or a newer", "version came meanwhile"),
    (State.LEASED, State.DELIVERED): ("the target has it", ""),
    (State.LEASED, State.SHADOWED): ("compared, not sent", ""),
    (State.SHADOWED, State.PENDING): ("compared again; sent", ""),
    (State.SHADOWED, State.DEAD): ("to be sent, and needs", "a decision first"),
    (State.LEASED, State.SUPERSEDED): ("nothing left", "to do"),
    (State.LEASED, State.DEAD): ("refused, or three", "days over"),
    (State.PENDING, State.SUPERSEDED): ("never sent, and", "no more wanted"),
    (State.DEAD, State.PENDING): ("replayed, corrected,", "or told anew"),
    (State.DEAD, State.SUPERSEDED): ("another takes its place", ""),
    (State.DEAD, State.DEAD): ("resolved by a person: closed", ""),
    (State.DELIVERED, State.PENDING): ("a newer version; a repair", ""),
    (State.SUPERSEDED, State.PENDING): ("a newer version", ""),
}
PLACES: dict[str, svg.Point] = {
    BORN: (100, 280),
    State.PENDING: (360, 280),
    State.LEASED: (940, 280),
    State.SHADOWED: (650, 50),
    State.DELIVERED: (650, 150),
    State.SUPERSEDED: (650, 460),
    State.DEAD: (650, 640),
}
# how far an arrow bows to its right, in pixels; no entry: it goes straight
BOWS: dict[tuple[str, str], float] = {
    (State.PENDING, State.LEASED): -46,
    (State.LEASED, State.PENDING): -46,
    (State.PENDING, State.SUPERSEDED): -56,
    (State.SUPERSEDED, State.PENDING): -40,
    (BORN, State.DEAD): 150,
    (State.DEAD, State.PENDING): -70,
    (State.LEASED, State.DEAD): -90,
    (State.LEASED, State.SHADOWED): 80,
    (State.SHADOWED, State.PENDING): 80,
    (State.SHADOWED, State.DEAD): -1000,
}
WIDE, HIGH = 128.0, 40.0
SIZE = (1240, 740)


def drawing(moves: Mapping[tuple[str, str], tuple[str, str]] = MOVES) -> str:
    """The picture. A state without a place, or a place without a state, is a KeyError."""
    known = {BORN, *State}
    if known != set(PLACES):
        raise KeyError(sorted(known ^ set(PLACES)))
    parts = [part for (start, end), told in moves.items() for part in _move(start, end, told)]
    for name, (x, y) in PLACES.items():
        parts.append(svg.box(x - WIDE / 2, y - HIGH / 2, WIDE, HIGH, "box" if name == BORN else "head"))
        parts.append(svg.words(x, y + 5, name if name == BORN else name.upper(), "soft" if name == BORN else "name"))
    return svg.picture(*SIZE, "The life of a delivery: its states and the ways between them", parts)


def _move(start: str, end: str, told: tuple[str, str]) -> list[str]:
    if start == end:
        return _turn(start, told)
    (x, y), (to_x, to_y) = PLACES[start], PLACES[end]
    length = hypot(to_x - x, to_y - y)
    bow = BOWS.get((start, end), 0.0)
    over = ((x + to_x) / 2 - (to_y - y) / length * bow, (y + to_y) / 2 + (to_x - x) / length * bow)
    path = svg.bow(_edge((x, y), over), over, _edge((to_x, to_y), over))
    middle = ((x + to_x) / 4 + over[0] / 2, (y + to_y) / 4 + over[1] / 2)
    return [path, *_words(middle, told)]


def _turn(name: str, told: tuple[str, str]) -> list[str]:
    """An arrow out of a state's lower or upper edge and back into it."""
    x, y = PLACES[name]
    side = -1 if y < SIZE[1] / 2 else 1
    edge = y + side * HIGH / 2
    path = svg.bow((x - 40, edge), (x, edge + side * 62), (x + 40, edge))
    return [path, *_words((x, edge + side * 46), told)]


def _edge(middle: svg.Point, towards: svg.Point) -> svg.Point:
    """Where the line from a box's middle towards a point leaves the box."""
    (x, y), (to_x, to_y) = middle, towards
    part = min(
        (WIDE / 2 + 3) / abs(to_x - x) if to_x != x else 1e9,
        (HIGH / 2 + 3) / abs(to_y - y) if to_y != y else 1e9,
    )
    return x + (to_x - x) * part, y + (to_y - y) * part


def _words(middle: svg.Point, told: tuple[str, str]) -> list[str]:
    lines = [line for line in told if line]
    first = middle[1] + 4 - 7 * (len(lines) - 1)
    return [svg.words(middle[0], first + 14 * number, line, "soft halo") for number, line in enumerate(lines)]
