"""`python -m tools.diagrams` draws every diagram of the documents anew."""

from __future__ import annotations

from pathlib import Path

from crossdock.storage.tables import metadata
from tools.diagrams import rooms, states, tables

FOLDER = Path(__file__).parents[2] / "docs" / "diagrams"


def drawings() -> dict[str, str]:
    """Every diagram by its file's name."""
    return {
        "rooms.svg": rooms.drawing(rooms.layers(), rooms.imports()),
        "states.svg": states.drawing(),
        "tables.svg": tables.drawing(metadata),
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in drawings().items():
        (FOLDER / name).write_text(text, "utf-8")
