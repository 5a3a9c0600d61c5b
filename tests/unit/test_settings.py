"""One file, checked whole; every problem at once, with its place and never its value."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from pydantic import BaseModel, ValidationError

from crossdock.errors import ConfigurationError
from crossdock.settings import DEFAULT_RULES, RouteOptions, Settings, find, load

WHOLE = """
[database]
url = "postgresql+psycopg://crossdock@db/crossdock"

[connections.store]
kind = "magento"
base_url = "https://shop.example"
secret = "env:STORE_SECRET"

[connections.erp]
kind = "rest"

[[routes]]
source = "store"
target = "erp"
flows = ["orders", "refunds"]

[routes.options]
eligibility = { "*" = "paid", checkmo = "always" }
on_mismatch = "accept_cents"
accept_cents = 2
"""


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import os

    for name in os.environ:
        if name.upper().startswith("CROSSDOCK_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def problems(path: Path | None) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load(path)
    return list(caught.value.problems)


def test_without_a_file_the_defaults_hold() -> None:
    settings = load(None)
    assert settings.database.url == "sqlite:///crossdock.sqlite"
    assert settings.security.master_key == "file:.crossdock/master.key"
    assert settings.connections == {}


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    settings = load(write(tmp_path / "c.toml", WHOLE))
    (route,) = settings.routes
    assert settings.connections["store"]["base_url"] == "https://shop.example"
    assert route.flows == {"orders", "refunds"}
    assert route.options.eligibility == {"*": "paid", "checkmo": "always"}
    assert route.options.accept_cents == 2


def test_secrets_stay_references(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE_SECRET", "s3cr3t-canary")
    assert "s3cr3t-canary" not in repr(load(write(tmp_path / "c.toml", WHOLE)))


def test_the_default_file_is_found_and_the_variable_goes_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "crossdock.toml", "[api]\nport = 1111\n")
    assert load().api.port == 1111
    other = write(tmp_path / "other.toml", "[api]\nport = 2222\n")
    monkeypatch.setenv("CROSSDOCK_CONFIG", str(other))
    assert find() == other
    assert load().api.port == 2222


def test_the_environment_overrides_single_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "c.toml", WHOLE)
    monkeypatch.setenv("CROSSDOCK__WORKERS__THREADS", "3")
    monkeypatch.setenv("CROSSDOCK__CONNECTIONS__STORE__BASE_URL", "https://other.example")
    monkeypatch.setenv("CROSSDOCK__AUDIT__KEEP_DAYS__PAYLOADS", "7")
    settings = load(file)
    assert settings.workers.threads == 3
    assert settings.audit.keep_days.payloads == 7
    assert settings.connections["store"] == {
        "kind": "magento",
        "base_url": "https://other.example",
        "secret": "env:STORE_SECRET",
    }


def test_every_problem_at_once_each_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(
        tmp_path / "c.toml",
        """
        [database]
        url = 3
        colour = "canary-value"
        [api]
        port = 99999999
        [security]
        master_key = "canary-value"
        [connections.Store]
        base_url = "x"
        [[routes]]
        source = "store"
        [routes.options]
        bundles = "canary-value"
        [paperclips]
        """,
    )
    monkeypatch.setenv("CROSSDOCK__WORKERS__THREADS", "canary-value")
    monkeypatch.setenv("CROSSDOCK__DATBASE__URL", "canary-value")
    found = problems(file)
    for expected in (
        f"{file}: database.url:",
        f"{file}: database.colour: there is no such key",
        f"{file}: api.port:",
        f"{file}: security.master_key: must be a reference",
        f"{file}: connections: 'Store' is no connection name",
        f"{file}: routes[0].target: is missing",
        f"{file}: routes[0].options.bundles:",
        f"{file}: paperclips: there is no such key",
        "CROSSDOCK__WORKERS__THREADS: workers.threads:",
        "CROSSDOCK__DATBASE__URL: there is no section 'datbase'",
    ):
        assert [line for line in found if line.startswith(expected)], (expected, found)
    assert not [line for line in found if "canary-value" in line]


@pytest.mark.parametrize(
    ("routes", "expected"),
    [
        ([("store", "nowhere")], "[0] names 'nowhere', which is not among the connections"),
        ([("store", "store")], "[0] goes back to where it comes from"),
        ([("store", "erp"), ("store", "erp")], "[1] joins the same two connections as an earlier one"),
    ],
)
def test_routes_join_two_known_connections_once(tmp_path: Path, routes: list[tuple[str, str]], expected: str) -> None:
    text = '[connections.store]\nkind = "magento"\n[connections.erp]\nkind = "rest"\n'
    text += "".join(f'[[routes]]\nsource = "{a}"\ntarget = "{b}"\n' for a, b in routes)
    (line,) = problems(write(tmp_path / "c.toml", text))
    assert line.endswith(f"routes: {expected}")


@pytest.mark.parametrize("flows", [[], ["refunds"], ["orders", "canary"]])
def test_a_route_carries_orders_and_what_follows_them(tmp_path: Path, flows: list[str]) -> None:
    text = WHOLE.replace('["orders", "refunds"]', json.dumps(flows))
    (line,) = problems(write(tmp_path / "c.toml", text))
    assert "routes[0].flows" in line
    assert "canary" not in line


def test_a_connection_needs_its_kind(tmp_path: Path) -> None:
    (line,) = problems(write(tmp_path / "c.toml", '[connections.store]\nbase_url = "x"\n'))
    assert line.endswith("connections: store needs its kind")


def test_an_unknown_key_in_the_environment_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROSSDOCK__API__PROT", "1")
    assert problems(None) == ["CROSSDOCK__API__PROT: api.prot: there is no such key"]


def test_a_broken_table_in_the_environment_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROSSDOCK__ROUTES", "[canary-value")
    (line,) = problems(None)
    assert "routes" in line
    assert "canary-value" not in line


@pytest.mark.parametrize(("text", "expected"), [("a = = 1", "is not TOML"), ('[api]\nhost = "\\udc80"', "is not TOML")])
def test_a_file_that_is_no_toml(tmp_path: Path, text: str, expected: str) -> None:
    (line,) = problems(write(tmp_path / "c.toml", text))
    assert expected in line


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_bytes(b"\xff\xfe")
    assert problems(file) == [f"{file}: is not UTF-8 text"]


def test_a_file_that_was_asked_for_must_be_there(tmp_path: Path) -> None:
    assert problems(tmp_path / "no.toml") == [
        f"{tmp_path / 'no.toml'}: there is no such file; `crossdock init` writes one"
    ]


def test_the_longest_pause_is_not_below_the_first(tmp_path: Path) -> None:
    (line,) = problems(write(tmp_path / "c.toml", "[delivery]\nfirst_pause_s = 60\nlongest_pause_s = 30\n"))
    assert "delivery.longest_pause_s: must not be below first_pause_s" in line


def test_eligibility_has_a_rule_for_the_rest() -> None:
    with pytest.raises(ValidationError, match="every other payment method"):
        RouteOptions(eligibility={"checkmo": "always"})


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load().api.port = 1


def test_a_routes_options_are_those_that_the_flow_reads() -> None:
    from crossdock.flows.orders import OrderOptions

    assert msgspec.convert(RouteOptions().of_orders(), OrderOptions) == OrderOptions()
    assert {*RouteOptions().of_orders()} == {*OrderOptions.__struct_fields__}
    assert OrderOptions().eligibility == DEFAULT_RULES


def test_every_field_says_what_it_is() -> None:
    import crossdock.settings as room

    ours = {Settings} | {part for part in vars(room).values() if isinstance(part, type) and issubclass(part, BaseModel)}
    missing = [
        f"{model.__name__}.{name}"
        for model in ours
        if model.__module__ == room.__name__
        for name, field in model.model_fields.items()
        if not field.description
    ]
    assert len(ours) > 8
    assert missing == []
