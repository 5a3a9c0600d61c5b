"""`crossdock migrate | backup | restored`, as they are typed."""

from __future__ import annotations

import base64
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from crossdock.cli.main import app


@pytest.fixture
def config(tmp_path: Path) -> Path:
    key = tmp_path / "master.key"
    key.write_text(base64.b64encode(b"k" * 32).decode())
    key.chmod(0o600)
    path = tmp_path / "crossdock.toml"
    path.write_text(
        f'[database]\nurl = "sqlite:///{tmp_path}/crossdock.sqlite"\n[security]\nmaster_key = "file:{key}"\n'
    )
    return path


def said(config: Path, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "-c", str(config)])


def test_the_version_is_told() -> None:
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.output.split()[0]) == (0, "crossdock")


def test_a_new_database_gets_its_tables(config: Path) -> None:
    done = said(config, "migrate")
    assert (done.exit_code, "those of this version" in done.output) == (0, True)
    assert (config.parent / "crossdock.sqlite").exists()


def test_tables_of_a_newer_version_are_left_as_they_are(config: Path) -> None:
    said(config, "migrate")
    with closing(sqlite3.connect(config.parent / "crossdock.sqlite")) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()
    done = said(config, "migrate")
    assert (done.exit_code, "newer version, 9999" in done.output) == (0, True)


def test_into_a_folder_it_is_named_by_the_time(config: Path, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    assert said(config, "backup", str(folder)).exit_code == 0
    (copy,) = folder.iterdir()
    assert copy.name.startswith("crossdock-20")
    assert copy.suffix == ".sqlite"


def test_a_file_that_is_there_is_not_written_over(config: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    done = said(config, "backup", str(tmp_path / "mine"))
    assert (done.exit_code, (tmp_path / "mine").read_text()) == (2, "mine")


def test_where_nothing_can_be_written_it_says_so(config: Path, tmp_path: Path) -> None:
    done = said(config, "backup", str(tmp_path / "absent" / "file"))
    assert (done.exit_code, "no copy was made" in done.output) == (1, True)


def test_what_was_done_is_told_as_json_too(config: Path) -> None:
    done = said(config, "restored", "--why", "the disk is gone", "--json")
    assert done.exit_code == 0
    told = json.loads(done.output)
    assert (told["newest"], told["doubted"], told["states"], told["sessions"]) == (None, 0, 0, 0)


def test_the_status_tells_how_long_the_caution_lasts(config: Path) -> None:
    assert json.loads(said(config, "status", "--json").output)["cautious_until"] is None
    said(config, "restored", "--days", "2")
    assert "A backup was restored: until 20" in said(config, "status").output
    until = datetime.fromisoformat(json.loads(said(config, "status", "--json").output)["cautious_until"])
    assert timedelta(days=1) < until - datetime.now(UTC) < timedelta(days=2)


def test_no_caution_at_all_is_refused(config: Path) -> None:
    assert said(config, "restored", "--days", "0").exit_code == 2
