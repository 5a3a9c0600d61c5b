"""A Debian of its own to install Crossdock on: systemd is its first process, and it has no network but its own.

Only while it is put together does it have this machine's network, for Debian's packages and Python's.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.databases import missing
from tests.walk.world import until

ROOT = Path(__file__).parents[2]
PACKAGES = "ca-certificates,curl,dbus,docker.io,iproute2,openssl,postgresql,procps,python3,python3-venv,rabbitmq-server,systemd-sysv"
HOUSE_CA = Path("/usr/local/share/ca-certificates")  # of a house whose registries are behind a certificate of its own
COMPOSE = "usr/local/lib/docker/cli-plugins/docker-compose"
# a machine has control groups that it may write; nspawn gives the first version's read-only
GROUPS = """[Unit]
DefaultDependencies=no
Before=docker.service containerd.service
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'for one in /sys/fs/cgroup/*/; do mount -o remount,rw,bind $$one || true; done'
[Install]
WantedBy=multi-user.target
"""
PATIENCE = 600.0
LONG = pytest.mark.skipif(
    os.environ.get("CROSSDOCK_LONG") != "1", reason="a machine of its own takes minutes: only in long runs"
)


class Machine:
    """Running. Its checkout is /root/crossdock."""

    def __init__(self, tree: Path, process: subprocess.Popen[bytes]) -> None:
        self.tree, self._process = tree, process

    def run(self, script: str, *, check: bool = True) -> str:
        """What a shell of root's prints, both streams; it must end well."""
        words = [
            "nsenter",
            f"--target={self._first()}",
            "--mount",
            "--uts",
            "--ipc",
            "--net",
            "--pid",
            "--cgroup",
            "--root",
        ]
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        shell = ["env", "--ignore-environment", "HOME=/root", "USER=root", "EDITOR=true", path, "bash", "-ec"]
        return _run([*words, *shell, f"cd /root/crossdock\n{script}"], check=check)

    def until(self, script: str, seconds: float = 90) -> None:
        """The script ends well at last."""
        deadline = time.monotonic() + seconds
        while "IT DID" not in self.run(f"if ( {script} ) > /tmp/last 2>&1; then echo IT DID; fi"):
            assert time.monotonic() < deadline, self.run("cat /tmp/last")
            time.sleep(0.5)

    def ended(self) -> None:
        """Switched off, in order where it can be."""
        self._process.send_signal(signal.SIGRTMIN + 4)
        try:
            self._process.wait(90)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _first(self) -> int:
        """Its first process, by this machine's count."""
        pid = self._process.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def _run(command: list[str], *, check: bool = True) -> str:
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0 or not check, f"{command[-1]}\n{done.stdout[-4000:]}"
    return done.stdout


def _within(tree: Path, script: str) -> str:
    """In the tree, with this machine's network and before it is a machine."""
    words = ["systemd-nspawn", "--quiet", f"--directory={tree}", "--register=no", "--keep-unit", "--pipe"]
    return _run([*words, "bash", "-ec", script])


def _put_together(tree: Path) -> None:
    _run(["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(tree)])
    for authority in HOUSE_CA.glob("*.crt"):
        shutil.copy(authority, tree / str(HOUSE_CA)[1:])
    checkout = tree / "root/crossdock"
    checkout.mkdir()
    (tree / "srv/images").mkdir()
    for start in (ROOT / "tests/deploy/images").iterdir():
        shutil.copy(start, tree / "srv/images")
    names = ("src", "deploy", "docs", "constraints.txt", "LICENSE", "pyproject.toml", "README.md", ".dockerignore")
    _run(["cp", "-r", *(str(ROOT / name) for name in names), str(checkout)])
    (tree / "etc/systemd/system/groups.service").write_text(GROUPS)
    extras = re.search(r"^ARG EXTRAS=(.*)$", (ROOT / "deploy/docker/Dockerfile").read_text(), re.MULTILINE)
    assert extras is not None
    _within(
        tree,
        f"""update-ca-certificates; cd /root/crossdock; python3 -m venv /tmp/first
        export PIP_CERT=/etc/ssl/certs/ca-certificates.crt
        /tmp/first/bin/pip download -q -d /wheelhouse -c constraints.txt hatchling '.[{extras[1]}]'
        rm -rf /tmp/first /wheelhouse/crossdock*
        sed -i 's/^port = .*/port = 5432/' /etc/postgresql/*/main/postgresql.conf
        systemctl enable groups docker""",
    )
    (tree / "etc/pip.conf").write_text("[global]\nno-index = true\nfind-links = /wheelhouse\n")
    (tree / "etc/hostname").write_text("machine\n")
    (tree / "etc/hosts").write_text("127.0.0.1 localhost machine\n")
    _compose(tree)


def _compose(tree: Path) -> None:
    """Docker Compose as its package on PyPI brings it."""
    brought = [one for one in Path(sys.prefix).glob("lib/*/site-packages/compose/docker-compose") if one.is_file()]
    if brought:
        (tree / COMPOSE).parent.mkdir(parents=True)
        shutil.copy(brought[0], tree / COMPOSE)
        (tree / COMPOSE).chmod(0o755)


@contextmanager
def machine(folder: Path) -> Iterator[Machine]:
    """Skipped loudly where a program for it is missing, or root."""
    for program in ("debootstrap", "systemd-nspawn", "nsenter"):
        if shutil.which(program) is None or os.geteuid() != 0:
            missing(f"{program}, or no right to use it,")
    tree = folder / "machine"
    _put_together(tree)
    command = ["systemd-nspawn", "--quiet", f"--directory={tree}", "--boot", "--register=no", "--keep-unit"]
    more = ["--private-network", "--capability=all", "--system-call-filter=add_key keyctl bpf", "--console=read-only"]
    with (folder / "console").open("wb") as console:
        process = subprocess.Popen([*command, *more], stdin=subprocess.DEVNULL, stdout=console, stderr=console)
    found = Machine(tree, process)
    try:
        until(lambda: b"login:" in (folder / "console").read_bytes(), 240)
        yield found
    finally:
        found.ended()
        shutil.rmtree(tree)


def commands(page: str, heading: str) -> list[str]:
    """The blocks of commands below a heading of a page, as a reader types them."""
    text = (ROOT / "docs" / page).read_text()
    section = re.split(r"^#+ ", text.split(f"# {heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    return re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
