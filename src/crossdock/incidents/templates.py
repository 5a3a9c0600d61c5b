"""The texts of messages. Of a file the first line is the title, all others the body.

They are `string.Template`: a name behind `$` is put in, and nothing else can be done by whoever writes one. A line of
the body in which every name stands for nothing is left out, which is all the logic that these texts need.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from pathlib import Path

from crossdock.errors import ConfigurationError

FIELDS = frozenset((
    *("summary", "severity", "state", "kind", "flow", "connection", "code", "count", "peak", "since", "age", "lasted"),
    *("money", "examples", "done", "acknowledged", "advice", "cli", "link", "ref", "step"),
))  # fmt: skip
LISTED = frozenset({"summary", "lines", "link", "cli", "ref", "count"})  # of messages about several
FACTS = """\
$summary

Flow: $flow
Connection: $connection
Error code: $code
Now: $count
Oldest: $since ($age ago)
Money at risk: $money
For example: $examples
Acknowledged: $acknowledged
"""
ENDING = """\
$advice
Look: $cli
Open: $link

Ref: $ref
"""
TEXTS: Mapping[str, str] = {
    "opened": f"[Crossdock] $severity: $summary\n{FACTS}\n{ENDING}",
    "growing": f"[Crossdock] growing: $summary\n{FACTS}\n{ENDING}",
    "escalated": f"[Crossdock] unresolved for $lasted: $summary\n{FACTS}\nPassed on from: $step\n{ENDING}",
    "resolved": """\
[Crossdock] resolved: $summary
$summary

Nothing of it is left. It lasted $lasted.
At its most: $peak
Done: $done
Open: $link

Ref: $ref
""",
    "quiet": """\
[Crossdock] $count while it was quiet
$lines

Look: $cli
Open: $link

Ref: $ref
""",
    "digest": """\
[Crossdock] $summary
$lines

Look: $cli
Open: $link

Ref: $ref
""",
    "test": """\
[Crossdock] a test message
Somebody has run `crossdock notify test` for the audience $summary. This target works.

Ref: $ref
""",
}


class Texts:
    """The texts that hold, by transition; `quiet` and `digest` tell of several incidents."""

    def __init__(self, own: Mapping[str, str] | None = None) -> None:
        self._texts = {**TEXTS, **(own or {})}

    def made(self, name: str, values: Mapping[str, str]) -> tuple[str, str]:
        """Title and body."""
        title, _, body = self._texts[name].partition("\n")
        lines = [_line(one, values) for one in body.splitlines()]
        kept = [one for one in lines if one is not None]
        return " ".join(string.Template(title).substitute(values).split()), _without_gaps(kept)


def problems_of(name: str, text: str) -> list[str]:
    """What is wrong with a text of one's own."""
    if name not in TEXTS:
        return [f"{name}.txt: is none of {', '.join(f'{one}.txt' for one in TEXTS)}"]
    known = LISTED if name in {"quiet", "digest", "test"} else FIELDS
    template = string.Template(text)
    if not template.is_valid():
        return [f"{name}.txt: a $ stands alone; write $$ for one"]
    unknown = sorted(set(template.get_identifiers()) - known)
    return [f"{name}.txt: there is no ${one}; there are {', '.join(sorted(known))}" for one in unknown]


def load(folder: str) -> Texts:
    """With the texts in that folder, or none where it is "". Raises ConfigurationError with all that is wrong."""
    if not folder:
        return Texts()
    try:
        own = {path.stem: path.read_text("utf-8") for path in sorted(Path(folder).expanduser().glob("*.txt"))}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError([f"notifications.templates: cannot be read: {type(error).__name__}"]) from error
    problems = [problem for name, text in own.items() for problem in problems_of(name, text)]
    if not own:
        problems = [f"notifications.templates: no *.txt in {folder}"]
    if problems:
        raise ConfigurationError([f"notifications.templates: {one}" for one in problems])
    return Texts(own)


def _line(text: str, values: Mapping[str, str]) -> str | None:
    template = string.Template(text)
    names = template.get_identifiers()
    if names and not any(values[name] for name in names):
        return None
    return template.substitute(values)


def _without_gaps(lines: list[str]) -> str:
    kept: list[str] = []
    for one in lines:
        if one.strip() or (kept and kept[-1].strip()):
            kept.append(one)
    return "\n".join(kept).strip()


__all__ = ["TEXTS", "Texts", "load", "problems_of"]
