"""A real Tryton ERP with a small company in it, installed and started beside us for demonstrations and tests.

Tryton is GPL: it lives in a virtual environment of its own, runs as a process of its own, and nothing of it is imported
here. The script that fills its database is run by that environment's Python. The first start takes a minute (packages
from the configured index, a database to fill); later ones copy the filled database and take seconds.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from crossdock.errors import Misconfigured
from crossdock.sandbox.orders import SKUS
from crossdock.sandbox.tryton_texts import FILL, UNIQUE_MODULE, UNIQUE_NAME

SERIES = "8.2"
PACKAGES = (
    "trytond==8.2.1",
    "proteus==8.2.0",
    "trytond_sale==8.2.0",
    "trytond_account_invoice_stock==8.2.0",
    "trytond_sale_price_list==8.2.0",
    "trytond_stock_package_shipping==8.2.0",
    "phonenumbers>=8,<10",  # as most Trytons have it: numbers are written in the international form
    "psycopg[binary,pool]>=3.2,<4",
)
MODULES = ("sale", "account_invoice_stock")
MORE = ("sale_price_list", "stock_package_shipping")  # modules that only some companies use
DATABASE = "erp"
USER = "admin"
PASSWORD = "admin"  # noqa: S105  a throw-away system on loopback
KEY = "crossdock-sandbox-" + "0123456789abcdef" * 4
EXTRAS = ("SHIPPING", "DISCOUNT", "FPT", "FEE", "CREDIT", "ROUNDING")
CONTENT: Mapping[str, object] = {
    "user": USER,
    "key": KEY,
    "rates": ["0.22", "0.20", "0.19", "0.10", "0.0825"],
    "currencies": ["EUR", "USD", "GBP", "CHF"],
    "countries": ["AT", "CH", "DE", "ES", "FR", "GB", "IT", "NZ", "US"],
    "goods": SKUS,
    "extras": EXTRAS,
}
START_SECONDS = 120.0
STOP_SECONDS = 10.0


def cache_folder() -> Path:
    """Where installations and filled databases are kept: CROSSDOCK_CACHE, or ~/.cache/crossdock."""
    named = os.environ.get("CROSSDOCK_CACHE")
    return (Path(named) if named else Path.home() / ".cache" / "crossdock") / "tryton"


def settings(url: str, key: str = "env:CROSSDOCK_DEMO_TRYTON_KEY") -> dict[str, object]:
    """A connection's table that fits the company in here; `key` is the reference to the application key."""
    return {
        "kind": "tryton",
        "url": url,
        "database": DATABASE,
        "auth": {"scheme": "application_key", "key": key},
        "payment_term": "Now",
        "products": {extra.lower(): extra for extra in EXTRAS},
        "settling_s": 5,
    }


class TrytonServer:
    """One Tryton on loopback, with a fresh copy of the filled database in `folder`. Its `url` is known once it runs.

    `unique` installs the module that lets a company have a sale's reference once, `more` those of MORE. `postgres` is
    the URL of an empty PostgreSQL database to fill instead of copying the SQLite file. Raises Misconfigured where it
    cannot be installed.
    """

    def __init__(
        self,
        folder: Path,
        *,
        unique: bool = False,
        more: bool = False,
        postgres: str = "",
        cache: Path | None = None,
    ) -> None:
        self._folder = folder
        self._added = ((UNIQUE_NAME,) if unique else ()) + (MORE if more else ())
        self._postgres = postgres
        self._cache = cache or cache_folder()
        self._server: subprocess.Popen[bytes] | None = None
        self.database = postgres.rpartition("/")[2] or DATABASE
        self.url = ""

    def start(self) -> None:
        """Installs and fills what is not there yet, then starts and waits until it answers."""
        self._folder.mkdir(parents=True, exist_ok=True)
        venv = install(self._cache)
        if self._postgres:
            place = f"{self._postgres.rpartition('/')[0]}/"
            _fill(venv, _configure(self._folder, 0, place), self.database, self._added)
        else:
            place = "sqlite://"
            filled = filled_database(venv, self._cache, self._added)
            shutil.copyfile(filled, self._folder / f"{DATABASE}.sqlite")
        with _reserved_port() as port:
            self.url = f"http://127.0.0.1:{port}"
            config = _configure(self._folder, port, place)
            with (self._folder / "log").open("wb") as story:
                self._server = subprocess.Popen(  # noqa: S603  our own installation
                    [venv / "bin" / "trytond", "-c", config, "-d", self.database], stdout=story, stderr=story
                )
            self._wait()

    def stop(self) -> None:
        """Ends the process."""
        if self._server is None:
            return
        self._server.terminate()
        try:
            self._server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait(STOP_SECONDS)
        self._server = None

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._server is None or self._server.poll() is not None:
                break
            if _answers(self.url):
                return
            time.sleep(0.1)
        self.stop()
        raise Misconfigured(f"Tryton does not start; its own words are in {self._folder / 'log'}")


def install(cache: Path) -> Path:
    """The virtual environment with Tryton in it, made where it is not there yet."""
    venv = cache / f"venv-{_fingerprint(*PACKAGES, *UNIQUE_MODULE.values())}"
    with _locked(cache):
        if not (venv / "ready").exists():
            shutil.rmtree(venv, ignore_errors=True)
            _run(sys.executable, "-m", "venv", str(venv))
            _run(str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", *PACKAGES)
            add_unique_module(venv)
            (venv / "ready").touch()
    return venv


def add_unique_module(venv: Path) -> None:
    """Lays the module beside Tryton's own, as its README tells users to; a database must still activate it."""
    site = _run(str(venv / "bin" / "python"), "-c", "import trytond.modules as m; print(m.__path__[0])").strip()
    home = Path(site) / UNIQUE_NAME
    home.mkdir(exist_ok=True)
    for name, text in UNIQUE_MODULE.items():
        (home / name).write_text(text)


def filled_database(venv: Path, cache: Path, added: Sequence[str] = ()) -> Path:
    """The SQLite file with the company in it and these modules besides, filled where it is not there yet."""
    content = _fingerprint(venv.name, json.dumps(CONTENT, sort_keys=True), FILL, *MODULES)
    home = cache / "-".join(("filled", content, *added))
    filled = home / f"{DATABASE}.sqlite"
    with _locked(cache):
        if not (home / "ready").exists():
            shutil.rmtree(home, ignore_errors=True)
            home.mkdir(parents=True)
            filled.touch()
            _fill(venv, _configure(home, 0, "sqlite://"), DATABASE, added)
            (home / "ready").touch()
    return filled


def _fill(venv: Path, config: Path, database: str, added: Sequence[str]) -> None:
    password = config.parent / "password"
    password.write_text(f"{PASSWORD}\n")
    environ = {"TRYTONPASSFILE": str(password)}
    admin = (str(venv / "bin" / "trytond-admin"), "-c", str(config), "-d", database)
    _run(*admin, "--all", "--email", "admin@example.com", environ=environ)
    _run(*admin, "-u", *MODULES, *added, "--activate-dependencies", environ=environ)
    # Tryton chooses its kind of database where it is imported, before the script can name a configuration
    environ = {"TRYTOND_CONFIG": str(config)}
    _run(str(venv / "bin" / "python"), "-c", FILL, str(config), database, text=json.dumps(CONTENT), environ=environ)


def _configure(folder: Path, port: int, database: str) -> Path:
    config = folder / "trytond.conf"
    config.write_text(f"[database]\nuri = {database}\npath = {folder}\n[web]\nlisten = 127.0.0.1:{port}\n")
    return config


def _run(*command: str, text: str = "", environ: Mapping[str, str] | None = None) -> str:
    """The command's output. Raises Misconfigured with the end of its complaints."""
    done = subprocess.run(  # noqa: S603  our own installation
        command, input=text, text=True, capture_output=True, check=False, env=os.environ | (environ or {})
    )
    if done.returncode:
        complaint = " ".join(done.stderr.split())[-300:]
        raise Misconfigured(f"{Path(command[0]).name} {command[1][:40]} failed: {complaint}")
    return done.stdout


def _answers(url: str) -> bool:
    body = json.dumps({"id": 0, "method": "common.server.version", "params": []}).encode()
    request = urllib.request.Request(f"{url}/rpc/", body, {"Content-Type": "application/json"})  # noqa: S310  loopback
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310  loopback
            return bool(answer.status == 200)
    except urllib.error.HTTPError as error:
        error.close()
    except OSError:  # nobody listens yet
        pass
    return False


@contextlib.contextmanager
def _reserved_port() -> Iterator[int]:
    """Nobody is given it meanwhile but who asks for this very one with SO_REUSEADDR, as Tryton's server does."""
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(("127.0.0.1", 0))
        yield int(one.getsockname()[1])


def _fingerprint(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


@contextlib.contextmanager
def _locked(cache: Path) -> Iterator[None]:
    """Two runs at once: one installs, the other waits."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
