"""A clean machine for a reader: a home without anything in it, few variables, a checkout, and ports of their own."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[2]
PASSED_ON = ("PIP_", "SSL_", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
PORTS = ("8080", "8091", "8092", "8093", "8094")  # those that pages and stages name
# Not of those that the system gives away by itself: a page listens minutes after its port was found free, and whoever
# knocks where nobody listens any more could be answered by itself.
OURS = range(20_000, 30_000)


def environment(home: Path) -> dict[str, str]:
    """All that a reader's shells know: where programs are, and how pip reaches its packages on this machine."""
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    (home / ".curlrc").write_text("fail-with-body\n", "utf-8")  # else a refused request ends as well as any
    passed = {name: value for name, value in os.environ.items() if name.upper().startswith(PASSED_ON)}
    own = Path.home() / ".config/pip/pip.conf"
    if own.exists():
        passed.setdefault("PIP_CONFIG_FILE", str(own))
    python = Path(getattr(sys, "_base_executable", sys.executable)).parent
    return passed | {
        "HOME": str(home),
        "PATH": f"{python}:/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_COMPILE": "1",  # most modules are never imported here
    }


def check_out(folder: Path, keep: str) -> None:
    """What a clone would hold, with what is not committed yet; nothing else but `keep`, if that is there."""
    for old in folder.iterdir() if folder.exists() else ():
        if old.name != keep:
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            copy = folder / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes((ROOT / name).read_bytes())
            copy.chmod((ROOT / name).stat().st_mode)


def free_ports(wanted: Iterable[str] = PORTS) -> dict[str, str]:
    """For each port of the pages one that nobody listens at now."""
    found = {}
    offered = iter(random.sample(OURS, len(OURS)))
    for port in wanted:
        found[port] = str(next(number for number in offered if _is_free(number)))
    return found


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
