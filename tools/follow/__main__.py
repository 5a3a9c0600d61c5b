"""`python -m tools.follow [PAGE…]`: follow these pages, or all of the list, and tell each that is not true."""

from __future__ import annotations

import sys
import time

from tools.follow.pages import PAGES, follow
from tools.follow.reader import Untrue


def main(names: list[str]) -> int:
    """0: every page is true. One that is not does not keep the others from being followed: it takes long."""
    begun, commands, untrue = time.monotonic(), 0, list[str]()
    for name in names or list(PAGES):
        start = time.monotonic()
        try:
            done = follow(name)
        except Untrue as error:
            untrue.append(name)
            _tell(f"{error}")
            continue
        commands += done
        _tell(f"{name}: {done} commands in {time.monotonic() - start:.0f} s, as the page says")
    pages = len(names or PAGES)
    _tell(f"{pages - len(untrue)} of {pages} pages true, {commands} commands, {time.monotonic() - begun:.0f} s")
    _tell(*(f"not true: {name}" for name in untrue))
    return 1 if untrue else 0


def _tell(*lines: str) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
