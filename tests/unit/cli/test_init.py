"""The first settings file: whatever is taken out of its comments is a setting."""

from __future__ import annotations

import re
from pathlib import Path

from typer.testing import CliRunner

from crossdock.cli.main import app
from crossdock.settings import load

COMMENTED = re.compile(r"^# (?=\[|[a-z_]+ = )", re.MULTILINE)


def test_the_starter_without_its_comments_names_both_ends_a_route_and_who_is_told(tmp_path: Path) -> None:
    file = tmp_path / "crossdock.toml"
    assert CliRunner().invoke(app, ["init", "-c", str(file)]).exit_code == 0
    assert load(file).notifications.audiences == {}
    starter = file.read_text().replace('# url = "env:DATABASE_URL"', "")
    file.write_text(COMMENTED.sub("", starter))
    found = load(file)
    assert set(found.connections) == {"store", "erp"}
    assert [(one.source, one.target) for one in found.routes] == [("store", "erp")]
    assert found.notifications.audiences["devops"].targets == ("env:OPS_CHAT",)
