"""crossdock tokens and crossdock users: what they print, what they refuse, what they leave in the trail."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from crossdock.cli.main import app
from crossdock.cli.tokens import length
from crossdock.errors import ConfigurationError
from crossdock.security.tokens import hash_of, is_token
from crossdock.settings import load
from crossdock.storage.sql import SqlStore

PASSWORD = "correct horse battery"


class Shell:
    def __init__(self, folder: Path) -> None:
        self.file = folder / "crossdock.toml"
        assert CliRunner().invoke(app, ["init", "-c", str(self.file)], env={"COLUMNS": "200"}).exit_code in {0, 2}
        key = folder / "key"
        key.write_text("a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=")
        key.chmod(0o600)
        self.file.write_text(f"""
[database]
url = "sqlite:///{folder}/x.sqlite"
[security]
master_key = "file:{key}"
[api.clients.old]
token = "env:OLD"
connection = "erp"
[connections.erp]
kind = "rest"
base_url = "http://127.0.0.1:9"
auth = {{scheme = "none"}}
[connections.other]
kind = "rest"
base_url = "http://127.0.0.1:9"
auth = {{scheme = "none"}}
""")

    def run(self, *words: str, code: int = 0, typed: str = "") -> str:
        found = CliRunner().invoke(app, [*words, "-c", str(self.file)], input=typed, env={"COLUMNS": "300"})
        assert found.exit_code == code, (words, found.output, found.exception)
        return found.stdout if code == 0 else found.output

    def store(self) -> SqlStore:
        from crossdock.app import open_store

        return open_store(load(self.file))

    def trail(self) -> list[dict[str, object]]:
        store = self.store()
        try:
            return [row for row in store.audit_export(bodies=True) if row.get("entity_type") in {"user", "token"}]
        finally:
            store.close()


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_a_token_is_printed_once_and_alone(shell: Shell) -> None:
    secret = shell.run("tokens", "create", "wms", "--scope", "erp:*", "--scope", "read", "--connection", "erp").strip()
    assert is_token(secret)
    listed = shell.run("tokens", "list")
    assert "wms" in listed
    assert "good" in listed
    assert secret not in listed
    assert secret not in shell.run("tokens", "list", "--json")
    assert hash_of(secret) not in shell.run("tokens", "list", "--json")
    shell.run("tokens", "create", "wms", "--scope", "read", code=1)


def test_a_rotation_prints_another_one_and_lists_both(shell: Shell) -> None:
    old = shell.run("tokens", "create", "wms", "--scope", "read", "--expires", "90d").strip()
    new = shell.run("tokens", "rotate", "wms", "--overlap", "24h").strip()
    assert is_token(new)
    assert old != new
    rows = json.loads(shell.run("tokens", "list", "--json"))
    assert [(row["generation"], row["state"]) for row in rows] == [(1, "good"), (2, "good")]
    assert rows[0]["expires_at"] < rows[1]["expires_at"]
    shell.run("tokens", "revoke", "wms", "--why", "leaked")
    assert {row["state"] for row in json.loads(shell.run("tokens", "list", "--json"))} == {"revoked"}
    shell.run("tokens", "rotate", "wms", "--overlap", "24h", code=1)
    shell.run("tokens", "revoke", "wms", "--why", "again", code=1)
    assert [row["operation_type"] for row in shell.trail()] == ["token-create", "token-rotate", "token-revoke"]
    assert all(str(row["actor"]).startswith("cli:") for row in shell.trail())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["create", "Bad Name", "--scope", "read"], "small letters"),
        (["create", "a", "--scope", "write"], "there is no scope write"),
        (["create", "a", "--scope", "erp:*"], "of one connection"),
        (["create", "a", "--scope", "erp:*", "--connection", "nowhere"], "there is no connection nowhere"),
        (["create", "a", "--scope", "read", "--expires", "soon"], "a length of time"),
        (["create", "old", "--scope", "erp:*", "--connection", "other"], "api.clients.old speaks for erp"),
        (["rotate", "a", "--overlap", "-1h"], "a length of time"),
    ],
)
def test_what_cannot_be_is_refused(shell: Shell, words: list[str], told: str) -> None:
    assert told in shell.run("tokens", *words, code=2)
    assert shell.trail() == []


def test_a_settings_client_can_be_replaced_under_its_name(shell: Shell) -> None:
    assert is_token(shell.run("tokens", "create", "old", "--scope", "erp:*", "--connection", "erp").strip())


def test_lengths() -> None:
    assert [length(one).total_seconds() for one in ("1m", "24h", "365d")] == [60, 86400, 31536000]
    for wrong in ("", "h", "1", "1s", "1.5h", "99999d", "1 h"):
        with pytest.raises(ConfigurationError):
            length(wrong)


def test_people_from_the_first_day_to_the_last(shell: Shell) -> None:
    assert "ada is admin" in shell.run("users", "create", "Ada", "admin", typed=PASSWORD + "\n")
    shell.run("users", "create", "ada", "viewer", typed=PASSWORD + "\n", code=1)
    shell.run("users", "role", "ada", "viewer", "--why", "holidays")
    shell.run("users", "password", "ada", typed="another horse entirely\n")
    shell.run("users", "disable", "ada", "--why", "left")
    assert json.loads(shell.run("users", "list", "--json"))[0]["state"] == "disabled"
    shell.run("users", "enable", "ada", "--why", "back")
    shell.run("users", "unlock", "ada", code=1)
    shown = shell.run("users", "list")
    assert "viewer" in shown
    assert "argon2" not in shown
    for verb in (
        ["role", "eve", "admin", "--why", "x"],
        ["disable", "eve", "--why", "x"],
        ["enable", "eve", "--why", "x"],
    ):
        assert "nobody whom we know" in shell.run("users", *verb, code=1)
    rows = shell.trail()
    assert [row["operation_type"] for row in rows] == [
        "user-create",
        "user-role",
        "user-password",
        "user-disable",
        "user-enable",
    ]
    assert "horse" not in str(rows)
    assert "argon2" not in str(rows)


def test_no_password_is_an_argument_and_a_bad_one_is_not_repeated(shell: Shell) -> None:
    shell.run("users", "create", "ada", "admin", "secretsecretsecret", code=2)
    told = shell.run("users", "create", "ada", "admin", typed="tiny-secret\n", code=2)
    assert "12 to 1024 characters" in told
    assert "tiny-secret" not in told
    shell.run("users", "create", "a:b", "admin", typed=PASSWORD + "\n", code=2)
    shell.run("users", "create", "ada", "owner", typed=PASSWORD + "\n", code=2)
    assert "nobody may log in yet" in shell.run("users", "list")
