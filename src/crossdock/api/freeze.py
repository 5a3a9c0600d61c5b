"""`python -m crossdock.api.freeze` keeps what is published now as what was released: docs/reference/released.

Run it when a version is released (`make freeze`). It refuses where something would break those who use the version
before, unless `--breaking` says that this version may.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from crossdock.api.compatibility import broken

REFERENCE = Path("docs/reference")
RELEASED = "released"


def published(folder: Path) -> Iterator[Path]:
    """What others rely on, below docs/reference."""
    yield Path("openapi.json")
    yield Path("asyncapi.json")
    yield from sorted(one.relative_to(folder) for one in (folder / "schemas").glob("*.json"))


def breaks(folder: Path) -> list[str]:
    """Of everything that was released, what is not kept; a document that is gone too."""
    found = []
    for old in sorted((folder / RELEASED).rglob("*.json")):
        place = old.relative_to(folder / RELEASED)
        if not (folder / place).exists():
            found.append(f"{place}: is gone")
            continue
        before, after = (json.loads(one.read_text("utf-8")) for one in (old, folder / place))
        found += [f"{place}: {told}" for told in broken(before, after)]
    return found


def freeze(folder: Path, *, breaking: bool = False) -> list[str]:
    """What stands in the way; nothing is written then."""
    found = [] if breaking else breaks(folder)
    if not found:
        shutil.rmtree(folder / RELEASED, ignore_errors=True)
        for place in published(folder):
            kept = folder / RELEASED / place
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / place, kept)
    return found


def main() -> None:
    """Exit code 1: something would break."""
    found = freeze(REFERENCE, breaking="--breaking" in sys.argv[1:])
    sys.stdout.write("".join(f"! {one}\n" for one in found) or "frozen\n")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
