"""References are resolved; nothing of a secret is ever in an error or in what is shown."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from crossdock.errors import ConfigurationError
from crossdock.security.secrets import is_reference, mask, mask_url, references, resolve, resolve_url

CANARY = "s3cr3t-canary"


def secret_file(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


def problem(ref: str, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigurationError) as caught:
        resolve(ref, environ or {}, key="connections.erp.token")
    shown = "".join(traceback.format_exception(caught.value))
    assert CANARY not in shown
    assert str(caught.value).startswith("connections.erp.token: ")
    return str(caught.value)


def test_from_the_environment() -> None:
    assert resolve("env:TOKEN", {"TOKEN": CANARY}) == CANARY


def test_from_the_processs_own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROSSDOCK_TEST_TOKEN", CANARY)
    assert resolve("env:CROSSDOCK_TEST_TOKEN") == CANARY


@pytest.mark.parametrize("content", [b"s3cr3t-canary", b"s3cr3t-canary\n", b"s3cr3t-canary\r\n"])
def test_from_a_file_without_its_last_newline(tmp_path: Path, content: bytes) -> None:
    assert resolve(f"file:{secret_file(tmp_path / 's', content)}") == CANARY


def test_only_the_last_newline_is_taken_off(tmp_path: Path) -> None:
    path = secret_file(tmp_path / "s", b" a b \n\n")
    assert resolve(f"file:{path}") == " a b \n"


@pytest.mark.parametrize("environ", [{}, {"TOKEN": ""}])
def test_a_variable_that_is_not_set_or_empty(environ: dict[str, str]) -> None:
    assert "TOKEN is not set" in problem("env:TOKEN", environ)


def test_plain_text_is_refused() -> None:
    assert "is not a reference" in problem(CANARY)


@pytest.mark.parametrize("ref", ["vault:kv/erp#s3cr3t-canary", "aws-sm:s3cr3t-canary"])
def test_what_is_elsewhere_needs_its_table(ref: str) -> None:
    assert "needs the table [secrets." in problem(ref)


def test_a_name_is_needed() -> None:
    assert "needs the variable's name" in problem("env:")


def test_a_file_for_everybody_is_refused(tmp_path: Path) -> None:
    assert "chmod 600" in problem(f"file:{secret_file(tmp_path / 's', CANARY.encode(), 0o644)}")


def test_a_file_for_its_group_is_taken(tmp_path: Path) -> None:
    assert resolve(f"file:{secret_file(tmp_path / 's', CANARY.encode(), 0o640)}") == CANARY


def test_a_credential_of_systemd_is_where_the_unit_says(tmp_path: Path) -> None:
    secret_file(tmp_path / "token", CANARY.encode(), 0o440)
    assert resolve("file:$CREDENTIALS_DIRECTORY/token", {"CREDENTIALS_DIRECTORY": str(tmp_path)}) == CANARY
    assert "LoadCredential=" in problem("file:$CREDENTIALS_DIRECTORY/token")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"s3cr3t-canary\xff", "not UTF-8"),
        (b"s3cr3t-canary" * 10_000, "too large"),
    ],
)
def test_a_file_that_holds_no_secret(tmp_path: Path, content: bytes, expected: str) -> None:
    assert expected in problem(f"file:{secret_file(tmp_path / 's', content)}")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "cannot be read" in problem(f"file:{tmp_path / 'absent'}")


def test_a_url_may_be_a_reference_or_not() -> None:
    assert resolve_url("sqlite:///x.sqlite") == "sqlite:///x.sqlite"
    assert resolve_url("env:URL", {"URL": "sqlite://"}) == "sqlite://"


@pytest.mark.parametrize("ref", ["env:A", "file:b", "vault:c", "aws-sm:d"])
def test_references_are_known(ref: str) -> None:
    assert is_reference(ref)
    assert not is_reference("x" + ref)


def test_mask_hides_every_secret_and_keeps_the_rest() -> None:
    shown = mask(
        {
            "database": {"url": f"postgresql://me:{CANARY}@db/x"},
            "security": {"master_key": "file:.crossdock/master.key"},
            "connections": {
                "erp": {
                    "kind": "rest",
                    "base_url": f"https://u:{CANARY}@erp.example/v1?api_key={CANARY}&page=1",
                    "password": CANARY,
                    "client_secret": CANARY,
                    "accessToken": CANARY,
                    "webhook_secrets": [CANARY, "env:OLD"],
                    "auth": {"kind": "bearer", "token": CANARY},
                    "login": {"header": "X-Api-Key", "value": CANARY},
                    "headers": {"X-Anything": CANARY},
                    "token_url": "https://erp.example/token",
                    "timeout": 3,
                }
            },
        }
    )
    erp = shown["connections"]["erp"]
    assert CANARY not in repr(shown)
    assert shown["database"]["url"] == "postgresql://me:***@db/x"
    assert shown["security"]["master_key"] == "file:.crossdock/master.key"
    assert erp["webhook_secrets"] == ["***", "env:OLD"]
    assert erp["auth"] == {"kind": "bearer", "token": "***"}
    assert erp["base_url"] == "https://u:***@erp.example/v1?api_key=***&page=1"
    assert (erp["token_url"], erp["timeout"], erp["kind"]) == ("https://erp.example/token", 3, "rest")


def test_a_url_without_secrets_is_left_as_it_is() -> None:
    assert mask_url("https://erp.example:8443/a?page=1") == "https://erp.example:8443/a?page=1"


def test_the_table_of_places_is_shown_but_for_what_is_a_secret_by_mistake() -> None:
    auth = {"method": "approle", "role_id": "env:ROLE", "secret_id": CANARY}
    shown = mask({"secrets": {"vault": {"address": "https://vault.example.com", "auth": auth}}})
    assert shown["secrets"]["vault"]["address"] == "https://vault.example.com"
    assert shown["secrets"]["vault"]["auth"]["role_id"] == "env:ROLE"
    assert CANARY not in str(shown)


def test_every_reference_below_a_table_is_found_with_its_place() -> None:
    table = {"auth": {"token": "vault:a#b", "scheme": "bearer"}, "secrets": ("env:A", "file:b"), "n": 1}
    assert dict(references(table, "c")) == {
        "c.auth.token": "vault:a#b",
        "c.secrets[0]": "env:A",
        "c.secrets[1]": "file:b",
    }
