"""Settings as the file that the command line reads."""

from __future__ import annotations

import json
from typing import Any


def toml(value: Any, indent: str = "") -> str:
    """Settings as the inline tables of a TOML file."""
    if isinstance(value, dict):
        rows = [f"{json.dumps(name)} = {toml(inner, '-')}" for name, inner in value.items() if inner is not None]
        return "{" + ", ".join(rows) + "}" if indent else "\n".join(rows)
    if isinstance(value, list):
        return "[" + ", ".join(toml(inner, "-") for inner in value) + "]"
    return json.dumps(value)
