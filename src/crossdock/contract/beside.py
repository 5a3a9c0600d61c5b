"""Lines of two documents beside each other: which line there is which of ours. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

Line = Mapping[str, Any]
One = TypeVar("One")
Other = TypeVar("Other")
NAMELESS = "-"
FEWEST = 2  # decimals to which two numbers must be the same, however few of them are told


def beside(
    ours: Sequence[Line], theirs: Sequence[Line], name: str, rounded: Collection[str] = ()
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Both, each line with a name of its own in front: of one product's lines the second is called `SKU (2)`.

    Lines of the same name belong together where they have most in common. `rounded`: fields that a target may keep with
    fewer decimals than it was sent. Numbers are Decimal on both sides.
    """
    names, there = [_name(line, name) for line in ours], [_name(line, name) for line in theirs]
    pairs = _pairs(ours, theirs, names, there, rounded)
    alone = [place for place in range(len(theirs)) if place not in pairs.values()]
    called = _told_apart([*names, *(there[place] for place in alone)])
    of_theirs = {place: called[mine] for mine, place in pairs.items()}
    of_theirs |= dict(zip(alone, called[len(ours) :], strict=True))
    return (
        [
            {**_near(line, theirs[pairs[place]] if place in pairs else {}, rounded), name: called[place]}
            for place, line in enumerate(_first(name, ours))
        ],
        [{**line, name: of_theirs[place]} for place, line in enumerate(_first(name, theirs))],
    )


def paired(ours: Sequence[One], theirs: Sequence[Other], common: Callable[[One, Other], int | None]) -> dict[int, int]:
    """Places of ours and of theirs, each once: first those with most in common, of equals the nearest.

    `common` says how much two have in common; None: they do not belong together.
    """
    likeness = sorted(
        (-found, abs(mine - there), mine, there)
        for mine, one in enumerate(ours)
        for there, other in enumerate(theirs)
        if (found := common(one, other)) is not None
    )
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for _, _, mine, there in likeness:
        if mine not in pairs and there not in taken:
            pairs[mine] = there
            taken.add(there)
    return pairs


def in_our_order(ours: Sequence[Line], theirs: Sequence[Line]) -> list[Line]:
    """Rows that no name tells apart: theirs in the order of ours, each the one that is most alike and nobody else's.

    Where there is none the row is empty, so that each of its fields differs. What only they have is left out.
    """
    pairs = paired(ours, theirs, lambda one, other: _alike(one, other) or None)
    return [theirs[pairs[mine]] if mine in pairs else dict.fromkeys(row) for mine, row in enumerate(ours)]


def _alike(ours: Line, theirs: Line) -> int:
    """How many of our fields they have too."""
    return sum(bool(value) and str(theirs.get(name)) == str(value) for name, value in ours.items())


def nearest(ours: Any, theirs: Any) -> Any:
    """Ours as exactly as theirs is told, and to the cent at least, where both are the same then; else as it is."""
    if not isinstance(ours, Decimal) or not isinstance(theirs, Decimal) or not theirs.is_finite():
        return ours
    step = Decimal(1).scaleb(min(int(theirs.as_tuple().exponent), -FEWEST))
    return theirs if ours.quantize(step) == theirs else ours


def _first(name: str, lines: Sequence[Line]) -> list[dict[str, Any]]:
    return [{name: None, **line} for line in lines]


def _near(line: Line, other: Line, rounded: Collection[str]) -> dict[str, Any]:
    return {**line, **{field: nearest(line[field], other.get(field)) for field in rounded if field in line}}


def _name(line: Line, name: str) -> str:
    return str(line.get(name) or "") or NAMELESS


def _told_apart(names: Iterable[str]) -> list[str]:
    seen: Counter[str] = Counter()
    told = []
    for one in names:
        seen[one] += 1
        told.append(one if seen[one] == 1 else f"{one} ({seen[one]})")
    return told


def _pairs(
    ours: Sequence[Line], theirs: Sequence[Line], names: Sequence[str], there: Sequence[str], rounded: Collection[str]
) -> dict[int, int]:
    def common(mine: int, place: int) -> int | None:
        return _common(ours[mine], theirs[place], rounded) if names[mine] == there[place] else None

    return paired(range(len(ours)), range(len(theirs)), common)


def _common(line: Line, other: Line, rounded: Collection[str]) -> int:
    near = _near(line, other, rounded)
    return sum(1 for field, value in near.items() if field in other and other[field] == value)


__all__ = ["beside", "in_our_order", "nearest", "paired"]
