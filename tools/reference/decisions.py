"""docs/decisions/README.md: every decision with its title, from the pages themselves."""

from __future__ import annotations

import re
from pathlib import Path

HEAD = """\
# Decisions

What was decided, why, and what was given up for it: one page each, for decisions that we would regret forgetting. They
are not changed afterwards; a later one says which it replaces. (This list is written by `make reference`.)

| | |
|---|---|
"""


def page(folder: Path) -> str:
    """The list of the pages in `folder`."""
    rows = []
    for decision in sorted(folder.glob("[0-9]*.md")):
        number, (title, *_) = decision.name[:4], decision.read_text("utf-8").splitlines()
        rows.append(f"| [{number}]({decision.name}) | {re.sub(r'^#+ *[0-9]*[.:]? *', '', title)} |\n")
    return HEAD + "".join(rows)
