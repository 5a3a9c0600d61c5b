"""docs/reference/http.md: every HTTP address, from the description that is served at /openapi.json."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

HEAD = """\
# Every HTTP address

This page is written from [the description](openapi.json) that is served at `/openapi.json` (`make reference`); a test
keeps it current. Bodies, answers and examples are there. Who may call what: [who may do what](../security.md).
"""
METHODS = ("get", "post", "put", "patch", "delete")
GROUPS = (
    ("/webhooks/", "What stores tell"),
    ("/hints/", "What ERPs hint at"),
    ("/rest/V1/", "What ERPs push, version 1"),
    ("/rest/V2/", "What ERPs push, version 2"),
    ("/api/v1/", "The operations API"),
    ("/console", "The console"),
    ("", "The process itself"),
)


def page(described: str) -> str:
    """The page, of a whole OpenAPI document."""
    paths: Mapping[str, Any] = json.loads(described)["paths"]
    left, parts = dict(sorted(paths.items())), [HEAD]
    for start, title in GROUPS:
        rows = [row for path in list(left) if path.startswith(start) for row in _rows(path, left.pop(path))]
        if rows:
            parts.append("\n".join([f"## {title}", "", "| address | does | answers |", "|---|---|---|", *rows, ""]))
    return "\n".join(parts)


def _rows(path: str, methods: Mapping[str, Any]) -> Iterator[str]:
    for method in METHODS:
        if method in methods:
            told = methods[method]
            gone = " **Deprecated.**" if told.get("deprecated") else ""
            text = " ".join(f"{told.get('summary', '')}. {told.get('description') or ''}".split()).replace("|", "\\|")
            yield f"| `{method.upper()} {path}` | {text}{gone} | {' '.join(sorted(told['responses']))} |"
