"""The configuration reference is complete and current: an undescribed or undocumented setting fails here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from crossdock.cli.config import file_schema
from crossdock.cli.config_reference import end_models, fields, page
from crossdock.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "configuration.md"


def models() -> list[type[BaseModel]]:
    return [Settings, *end_models().values()]


def test_every_setting_says_what_it_is() -> None:
    silent = [
        f"{model.__name__}: {path}"
        for model in models()
        for path, field in fields(model)
        if not (field.description or "").strip()
    ]
    assert silent == []


def test_every_setting_is_documented() -> None:
    """By another road than the page was made by: the JSON Schema's own properties."""
    text = PAGE.read_text("utf-8")
    rows = {line for line in text.splitlines() if line.startswith("| `")}
    schema = file_schema()
    tables = {"Settings": schema, **schema["$defs"]}
    missing = [
        f"{table}.{name}"
        for table, body in tables.items()
        for name, field in body.get("properties", {}).items()
        if not (has_row(rows, name, field) or any(head in text for head in (f"{name}]`", f"{name}]]`", f"[{name}.")))
    ]
    assert len(tables) > 10
    assert missing == []


def has_row(rows: set[str], name: str, field: dict[str, Any]) -> bool:
    told = " ".join(field.get("description", "-").split()).replace("|", "\\|")
    return any(row.startswith(f"| `{name}` |") and told in row for row in rows)


def test_the_page_is_current() -> None:
    assert PAGE.read_text("utf-8") == page(), (
        "run: python -m crossdock.cli.config_reference > docs/reference/configuration.md"
    )


def test_the_walk_finds_what_lies_deep() -> None:
    found = {path for path, _ in fields(Settings)}
    assert {"database.url", "audit.keep_days.payloads", "routes[].options.bundles", "connections"} <= found
