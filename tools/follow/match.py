"""Whether what was printed is what the page shows. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

ANYTHING = "…"
COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def differs(shown: Sequence[str], printed: str, *, so_far: bool = False) -> str:
    """Empty where it is the same, else the first line at which it is not. `so_far`: more may be printed later."""
    wanted = [_plain(line) for line in shown]
    lines = [_plain(line) for line in COLOURS.sub("", printed).splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    while wanted and not wanted[-1]:
        wanted.pop()
    reached = _reached(wanted, lines, so_far=so_far)
    if reached is None:
        return ""
    there = lines[reached[1]] if reached[1] < len(lines) else "(nothing more)"
    line = wanted[reached[0]] if reached[0] < len(wanted) else "(nothing more)"
    return f"the page shows: {line}\n  it printed:     {there}"


def _reached(wanted: Sequence[str], lines: Sequence[str], *, so_far: bool) -> tuple[int, int] | None:
    """None: all of it matches. Else how far it does: (line of the page, line that was printed)."""
    furthest = (0, 0)
    ways = [(0, 0)]
    seen = set[tuple[int, int]]()
    while ways:
        at = ways.pop()
        if at in seen:
            continue
        seen.add(at)
        furthest = max(furthest, at)
        want, line = at
        if want == len(wanted):
            if so_far or line == len(lines):
                return None
        elif wanted[want] == ANYTHING:
            ways.append((want + 1, line))
            if line < len(lines):
                ways.append((want, line + 1))
        elif line < len(lines) and _pattern(wanted[want]).fullmatch(lines[line]):
            ways.append((want + 1, line + 1))
    return furthest


def _pattern(line: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in line.split(ANYTHING)))


def _plain(line: str) -> str:
    return " ".join(line.split())
