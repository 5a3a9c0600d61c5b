"""The verbs that look at the configuration, and the one that writes a first one."""

from __future__ import annotations

import json
import os
import re
import stat
import tomllib
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import typer
from typer.testing import CliRunner

from crossdock.cli.config import app, file_schema, init
from crossdock.cli.config_reference import end_models
from crossdock.security.envelope import master_key_from
from crossdock.settings import load

CANARY = "s3cr3t-canary"
STORE = """
[connections.store]
kind = "magento"
base_url = "https://shop.example"
[connections.store.auth]
scheme = "bearer"
token = "env:STORE_TOKEN"
"""

runner = CliRunner()
beginning = typer.Typer()
beginning.command()(init)


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in os.environ:
        if name.upper().startswith("CROSSDOCK_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(text: str) -> None:
    Path("crossdock.toml").write_text(text, encoding="utf-8")


def uncommented(text: str) -> str:
    """The starter with its connections and route put into force."""
    return re.sub(r"^# ?(\[|\w+ = )", r"\1", text, flags=re.MULTILINE)


def variables(text: str) -> dict[str, str]:
    return dict.fromkeys(re.findall(r'"env:(\w+)"', text), "x")


def test_init_writes_settings_and_a_key_that_hold() -> None:
    done = runner.invoke(beginning)
    assert done.exit_code == 0, done.output
    assert "crossdock config check" in done.output
    settings = load()
    assert len(master_key_from(settings.security.master_key)) == 32
    assert stat.S_IMODE(Path(".crossdock/master.key").stat().st_mode) == 0o600
    assert Path(".crossdock/.gitignore").read_text("utf-8") == "*\n"
    assert runner.invoke(app, ["check"]).exit_code == 0


def test_init_elsewhere_refers_to_the_key_beside_it(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    assert runner.invoke(beginning, ["--config", "deep/crossdock.toml"]).exit_code == 0
    settings = load(Path("deep/crossdock.toml"))
    assert settings.security.master_key == "file:deep/.crossdock/master.key"
    assert len(master_key_from(settings.security.master_key)) == 32


def test_init_overwrites_nothing() -> None:
    runner.invoke(beginning)
    key = Path(".crossdock/master.key").read_bytes()
    write("# mine\n")
    again = runner.invoke(beginning)
    assert again.exit_code == 2
    assert "left as it is" in again.output
    assert Path("crossdock.toml").read_text("utf-8") == "# mine\n"
    Path("crossdock.toml").unlink()
    kept = runner.invoke(beginning)
    assert kept.exit_code == 0
    assert "Kept the master key" in kept.output
    assert Path(".crossdock/master.key").read_bytes() == key


def test_the_starters_examples_are_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    runner.invoke(beginning)
    text = uncommented(Path("crossdock.toml").read_text("utf-8"))
    for name, value in variables(text).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DATABASE_URL", "sqlite://")
    write(text.replace('url = "sqlite:///crossdock.sqlite"\n', ""))
    done = runner.invoke(app, ["check"])
    assert done.exit_code == 0, done.output
    assert "2 connections, 1 route)" in done.output


def test_show_prints_what_holds_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE_TOKEN", CANARY)
    monkeypatch.setenv("CROSSDOCK__DATABASE__URL", f"postgresql://me:{CANARY}@db/x")
    write(STORE + f'password = "{CANARY}"\n')
    for arguments in ([], ["--json"]):
        shown = runner.invoke(app, ["show", *arguments])
        assert shown.exit_code == 0, shown.output
        assert CANARY not in shown.output
        assert "env:STORE_TOKEN" in shown.output
        assert "postgresql://me:***@db/x" in shown.output
    assert "workers.threads = 8" in runner.invoke(app, ["show"]).output
    assert json.loads(runner.invoke(app, ["show", "--json"]).output)["api"]["port"] == 8080


def test_what_show_prints_for_people_is_toml() -> None:
    write(STORE)
    assert tomllib.loads(runner.invoke(app, ["show"]).output)["connections"]["store"]["auth"]["scheme"] == "bearer"


def test_show_of_a_broken_file_names_the_problems() -> None:
    write('[api]\nport = "canary"\n[databse]\n')
    shown = runner.invoke(app, ["show"])
    assert shown.exit_code == 2
    assert "api.port" in shown.output
    assert "databse" in shown.output
    assert "canary" not in shown.output


def test_check_holds_a_connection_to_its_kind() -> None:
    runner.invoke(beginning)
    write(STORE.replace("base_url", "base_ulr") + '[connections.second]\nkind = "magento"\n')
    done = runner.invoke(app, ["check", "--no-secrets"])
    assert done.exit_code == 2
    for expected in (
        "crossdock.toml: connections.store.base_ulr: there is no such key",
        "crossdock.toml: connections.store.base_url: is missing",
        "crossdock.toml: connections.second.base_url: is missing",
    ):
        assert expected in done.output


def test_check_looks_for_the_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    write(STORE)
    done = runner.invoke(app, ["check"])
    assert done.exit_code == 2
    assert "security.master_key: the file .crossdock/master.key cannot be read" in done.output
    assert "connections.store.auth.token: the environment variable STORE_TOKEN is not set" in done.output
    assert runner.invoke(app, ["check", "--no-secrets"]).exit_code == 0


def test_check_refuses_a_secret_in_the_file_without_showing_it() -> None:
    write(STORE.replace("env:STORE_TOKEN", CANARY))
    done = runner.invoke(app, ["check", "--no-secrets"])
    assert done.exit_code == 2
    assert "connections.store.auth.bearer.token" in done.output
    assert CANARY not in done.output


def test_the_schema_is_valid_and_prints() -> None:
    printed = json.loads(runner.invoke(app, ["schema"]).output)
    jsonschema_rs.meta.validate(printed)
    assert printed == json.loads(json.dumps(file_schema()))


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("", True),
        (STORE, True),
        (STORE.replace("base_url", "base_ulr"), False),
        (STORE.replace('kind = "magento"\n', ""), False),
        ('[connections.other]\nkind = "somebody-elses"\nanything = 1\n', True),
        ("[paperclips]\n", False),
        ("[api]\nport = 70000\n", False),
    ],
)
def test_the_schema_takes_what_the_settings_take(text: str, *, valid: bool) -> None:
    schema: dict[str, Any] = file_schema()
    assert jsonschema_rs.is_valid(schema, tomllib.loads(text)) is valid


def test_the_schema_takes_the_starters_examples() -> None:
    runner.invoke(beginning)
    text = uncommented(Path("crossdock.toml").read_text("utf-8")).replace('url = "sqlite:///crossdock.sqlite"\n', "")
    jsonschema_rs.validate(file_schema(), tomllib.loads(text))


def test_magento_is_among_the_kinds() -> None:
    assert "magento" in end_models()


def test_check_names_what_the_run_would_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    runner.invoke(beginning)
    text = uncommented(Path("crossdock.toml").read_text("utf-8"))
    for name, value in variables(text).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DATABASE_URL", "sqlite://")
    text = text.replace('url = "sqlite:///crossdock.sqlite"\n', "")
    write(text.replace('target = "erp"\n', 'target = "erp"\nflows = ["orders", "refunds"]\n'))
    done = runner.invoke(app, ["check"])
    assert done.exit_code == 2
    assert "routes[0].flows: erp does not take refunds" in done.output
    assert runner.invoke(app, ["check", "--no-secrets"]).exit_code == 0
