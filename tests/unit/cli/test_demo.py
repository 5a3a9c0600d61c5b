"""The demo."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from crossdock.cli.main import app


def test_what_became_of_the_orders_is_told_before_it_is_left_running(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    table, seen = tmp_path / "table.json", list[int]()
    monkeypatch.setattr(
        "crossdock.cli.demo._linger", lambda _running: seen.append(json.loads(table.read_text())["delivered"])
    )
    found = CliRunner().invoke(app, ["demo", "--orders", "2", "--calm", "--keep", "--json", str(table)])
    assert found.exit_code == 0, found.output
    assert seen == [2]
