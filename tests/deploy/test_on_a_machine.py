"""docs/install.md and docs/upgrading.md, followed word by word on a machine that boots, while orders stream in.

systemd's units, then Docker Compose with a daemon of its own. The images of Python, PostgreSQL and RabbitMQ are made of
Debian's packages: no registry of images is asked. The ERP is one that takes an order as often as it is sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.machine import LONG, ROOT, Machine, commands, machine
from tests.walk.world import until

pytestmark = [LONG, pytest.mark.timeout(1800)]
STORE, ERP = 8191, 8192
SECRETS = {
    "store_consumer_key": "consumer-key",
    "store_consumer_secret": "consumer-secret",
    "store_token": "sandbox",
    "store_token_secret": "token-secret",
    "erp_token": "sandbox",
}
# what a reader changes in crossdock.toml: the addresses; and waiting that a test has no time for
EDITED = """sed -i 's#https://shop.example.com"#http://{host}:8191"\\nallow_plain_http = true#
s#https://erp.example.com/api"#http://{host}:8192"\\nallow_plain_http = true#' {file}
printf '[connections.store.polling]\\ninterval_s = 1\\nlag_s = 0\\n[workers]\\nlease_seconds = 20\\n' >> {file}
"""
OF_VERSION = "sed -i 's/^version = .*/version = \"{}\"/' pyproject.toml\n"
SHOPPERS = (
    """while sleep 0.2; do curl -sf -d '{"count": 1, "kinds": ["simple"]}' http://127.0.0.1:8191/sandbox/place; done"""
)


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with machine(tmp_path_factory.mktemp("debian")) as found:
        for block in commands("install.md", "pip"):
            found.run(block)
        yield found


@pytest.fixture(scope="module")
def units(debian: Machine) -> None:
    first, fleet, last = commands("install.md", "systemd")
    debian.run(first)
    for name, value in SECRETS.items():
        debian.run(f"echo {value} > /etc/crossdock/credentials/{name}")
    debian.run(EDITED.format(host="127.0.0.1", file="/etc/crossdock/crossdock.toml"))
    debian.run(fleet)
    debian.run(last)


@pytest.fixture
def town(debian: Machine) -> Iterator[Machine]:
    """With a store and an ERP that have nothing yet."""
    for name, port in (("store", STORE), ("erp", ERP)):
        debian.run(f"systemd-run --unit {name} /opt/crossdock/bin/crossdock sandbox {name} --port {port}")
        debian.until(f"curl -sf http://127.0.0.1:{port}/sandbox/log")
    debian.run(f"curl -sf -X PUT -d '{json.dumps({'latency_s': 0.3})}' http://127.0.0.1:{ERP}/sandbox/faults")
    yield debian
    debian.run("systemctl stop store erp shoppers 2> /dev/null || true")


def asked(town: Machine, port: int, what: str) -> Any:
    return json.loads(town.run(f"curl -sf http://127.0.0.1:{port}/sandbox/{what}"))


def shoppers_come(town: Machine) -> None:
    town.run(f"systemd-run --unit shoppers bash -c {json.dumps(SHOPPERS)}")
    until(lambda: len(asked(town, ERP, "orders")) > 10, 120)


def each_order_arrives_once(town: Machine) -> None:
    """And the store was told of each, once."""
    town.run("systemctl stop shoppers")
    placed = sorted(one["increment_id"] for one in asked(town, STORE, "state").values())
    assert len(placed) > 20
    until(lambda: all(one["comments"] for one in asked(town, STORE, "state").values()), 120)
    assert sorted(one["order_number"] for one in asked(town, ERP, "effects") if one["name"] == "create") == placed
    assert {len(one["comments"]) for one in asked(town, STORE, "state").values()} == {1}


def said(pattern: str) -> str:
    """A command within a sentence of docs/install.md."""
    found = re.search(pattern, (ROOT / "docs/install.md").read_text(), re.DOTALL)
    assert found is not None
    return found[1]


def killed(town: Machine, *units: str) -> None:
    """With signal 9; systemd brings each back."""
    for unit in units:
        before = town.run(f"systemctl show -P MainPID {unit}").strip()
        town.run(f"kill -9 {before}")
        town.until(f"systemctl is-active {unit} && test $(systemctl show -P MainPID {unit}) != {before}")


def own_secrets_alone(town: Machine) -> None:
    """What a process of a unit's user sees within the unit."""
    pid = town.run("systemctl show -P MainPID crossdock-api").strip()
    see = f"nsenter --target {pid} --mount runuser -u crossdock --"
    assert "sandbox" in town.run(f"{see} cat /run/credentials/crossdock-api.service/erp_token")
    assert town.run(f"{see} ls /run/credentials").split() == ["crossdock-api.service"]
    assert "Permission denied" in town.run(f"{see} ls /etc/crossdock/credentials", check=False)
    elsewhere = town.run("runuser -u nobody -- ls /run/credentials/crossdock-api.service", check=False)
    assert "Permission denied" in elsewhere


@pytest.mark.usefixtures("units")
def test_units_as_installed_and_upgraded(town: Machine) -> None:
    town.run(said(r"\*\*A fleet\*\*: `(.*?)`"))
    shoppers_come(town)
    own_secrets_alone(town)
    killed(town, "crossdock-worker@1", "crossdock-poller@1", "crossdock-worker@2", "crossdock-api")
    (upgrade,) = commands("upgrading.md", "pip, systemd")
    town.run(OF_VERSION.format("0.2.0") + upgrade)
    town.until("curl -sf http://127.0.0.1:8080/health/ready && curl -sf http://127.0.0.1:8091/health/ready")
    assert "0.2.0" in town.run("crossdock --version")
    each_order_arrives_once(town)
    town.run("systemctl disable --now crossdock-api crossdock-{worker,poller}@{1,2}")


@pytest.mark.usefixtures("units")
def test_one_unit_and_the_timer_of_its_backups(town: Machine) -> None:
    """After the fleet, as docs/install.md turns one into the other."""
    text = Path(town.tree / "etc/crossdock/crossdock.toml").read_text()
    url = said(r'write\s+`(url = "sqlite:.*?)`')
    (town.tree / "etc/crossdock/crossdock.toml").write_text(
        re.sub(r"\[broker\]\nurl = .*\n", "", re.sub(r"^url = .*$", url, text, count=1, flags=re.MULTILINE))
    )
    town.run(f"rm {said(r'SQLite..: remove `(.*?)`')}")
    soon = "[Timer]\nOnCalendar=\nOnCalendar=*:*:0/10\nRandomizedDelaySec=0\nAccuracySec=1s\n"
    (town.tree / "etc/systemd/system/crossdock-backup.timer.d").mkdir()
    (town.tree / "etc/systemd/system/crossdock-backup.timer.d/soon.conf").write_text(soon)
    town.run("install -d -o crossdock -g crossdock -m 750 /var/lib/crossdock/backups")
    town.run("touch -d '20 days ago' /var/lib/crossdock/backups/crossdock-old.sqlite /var/lib/crossdock/backups/own")
    town.run(said(r"`(systemctl daemon-reload && .*?)`"))
    shoppers_come(town)
    town.until(
        "ls /var/lib/crossdock/backups/crossdock-2*.sqlite && systemctl show -P Result crossdock-backup | grep success"
    )
    killed(town, "crossdock-run")
    town.run("systemctl restart crossdock-run")
    each_order_arrives_once(town)
    town.run("systemctl disable --now crossdock-run crossdock-backup.timer")
    kept = town.run("ls /var/lib/crossdock/backups").split()
    assert "own" in kept, "only what the timer has made is its own to take away"
    assert "crossdock-old.sqlite" not in kept


@pytest.fixture
def images(debian: Machine) -> Iterator[None]:
    """Under the names that the files here ask for, made of this Debian."""
    if "Docker Compose" not in debian.run("docker compose version", check=False):
        pytest.skip("NO DOCKER COMPOSE FOR THIS KIND OF MACHINE: this was not tested")
    debian.until("docker info")
    out = " ".join(
        f"--exclude=./{one}" for one in ("proc", "sys", "dev", "run", "opt", "tmp/*", "etc/crossdock", "var/lib/docker")
    )
    debian.run(f"tar -C / --one-file-system {out} -c . | docker import - debian")
    without = "FROM debian\\nRUN userdel crossdock || true\\n"  # who the units run as is this machine's affair
    debian.run(f"printf '{without}' | DOCKER_BUILDKIT=0 docker build --network none --tag python:3.11-slim-bookworm -")
    for name, place in (("postgres:17", "/var/lib/postgresql/data"), ("rabbitmq:4", "/var/lib/rabbitmq")):
        start = f"/srv/images/{name.split(':')[0]}"
        file = f'FROM python:3.11-slim-bookworm\\nRUN rm -rf {place}\\nVOLUME {place}\\nENTRYPOINT ["{start}"]\\n'
        debian.run(f"printf '{file}' | DOCKER_BUILDKIT=0 docker build --network none --tag {name} -")
    yield
    debian.run("docker ps --all --quiet | xargs --no-run-if-empty docker rm --force")


def edited(debian: Machine) -> str:
    """An editor that writes what a reader would: the host is known to containers as the first bridge's."""
    forward = "systemd-socket-activate --listen=172.17.0.1:{0} /lib/systemd/systemd-socket-proxyd 127.0.0.1:{0}"
    for port in (STORE, ERP):
        debian.run(f"systemctl stop forward{port} 2> /dev/null || true")
        debian.run(f"systemd-run --unit forward{port} {forward.format(port)}")
    keys = "".join(f"echo {value} > secrets/{name}\n" for name, value in SECRETS.items())
    program = debian.tree / "root/edit"
    program.write_text("#!/bin/sh\nset -e\n" + EDITED.format(host="172.17.0.1", file='"$1"') + keys)
    program.chmod(0o755)
    return "export EDITOR=/root/edit\n"


@pytest.mark.usefixtures("images")
def test_compose_as_installed_and_upgraded(town: Machine) -> None:
    fleet, embedded = commands("install.md", "Docker")
    town.run(OF_VERSION.format("0.1.0") + edited(town) + fleet)
    assert town.run("docker ps --quiet --filter name=crossdock-worker").count("\n") == 4
    shoppers_come(town)
    victims = "crossdock-worker-1 crossdock-poller-1 crossdock-postgres-1"
    town.run(f"kill -9 $(docker inspect --format '{{{{.State.Pid}}}}' {victims})")
    (upgrade,) = commands("upgrading.md", "Docker Compose")
    town.run(OF_VERSION.format("0.2.0") + "cd deploy/docker\n" + upgrade)
    assert "0.2.0" in town.run("cd deploy/docker; docker compose exec worker crossdock --version")
    town.run("systemctl restart docker")
    each_order_arrives_once(town)
    town.run("cd deploy/docker; docker compose down")
    town.run("systemctl restart store erp || true")
    town.run("cd deploy/docker\n" + embedded.split("\n", maxsplit=1)[0])
    assert "whole" in town.run("cd deploy/docker\n" + embedded.split("\n", maxsplit=1)[1])
    town.run("cd deploy/docker; docker compose --file compose.embedded.yaml down")
