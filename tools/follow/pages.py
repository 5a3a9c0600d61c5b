"""Which pages are followed, from what they begin, and what of them is not run, with the reason."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tools.follow.machine import ROOT, check_out, environment, free_ports
from tools.follow.page import Command, steps
from tools.follow.reader import Reader

STAGES = ROOT / "tests/docs/stages"


@dataclass(frozen=True)
class Page:
    """How a page is followed.

    `stage`: pages that set the scene: of tests/docs/stages, or others of the documents. `instead`: words that stand
    for the reader's own. `passed_over`: commands that are not run, and why. `quick`: it is followed whenever the tests
    run.
    """

    stage: tuple[str, ...] = ()
    instead: dict[str, str] = field(default_factory=dict)
    passed_over: dict[str, str] = field(default_factory=dict)
    quick: bool = False


SANDBOX = {"https://shop.example.com": "http://127.0.0.1:8091", "https://erp.example.com": "http://127.0.0.1:8092"}
KEYS = {
    "CONSUMER-KEY": "consumer-key",
    "CONSUMER-SECRET": "consumer-secret",
    "ACCESS-TOKEN": "sandbox",
    "TOKEN-SECRET": "token-secret",
    "ERP-TOKEN": "sandbox",
    "ADMIN-TOKEN": "sandbox",
}
INSTALL = dict.fromkeys(("python3 -m venv .venv", "pip install --quiet ."), "it is installed on this machine")
SHOP = ("shop.md",)
WAITING = {"12 wait": "1 wait", "12 dead letters": "1 dead letter", "paypal_express": "checkmo"}
DEMO = {  # what differs from run to run; one line of its own has three on the page
    "133": "…",
    "404": "…",
    "7322": "…",
    "In 9.1 s. What went wrong on the way: 10 answered_twice, 20 busy, 8 cut_after, 13 down, 21 error_after, "
    "10 error_before,": "In … s. What went wrong on the way: …",
    "12 garbage_after, 5 late, 8 late_commits, 16 late_webhooks, 6 locked, 91 lost_webhooks, 7 reset_after, "
    "14 reset_before,": "…",
    "13 slow, 19 twice_webhooks.": "…",
}
NOW = datetime.now(UTC)
BACKED_UP = {
    "/var/lib/crossdock/backups": "backups",
    "crossdock-20261125T020000Z": "crossdock-*",
    "2026-11-25": f"{NOW - timedelta(days=1):%Y-%m-%d}",
    "17 compared": "2 compared",
}
POSTGRESQL = (
    'pg_dump --format=custom --file=crossdock.dump "$DATABASE_URL"',
    "pg_basebackup --username=postgres --pgdata=/srv/base --checkpoint=fast",
    "mv $PGDATA $PGDATA.lost",
    "cp -a /srv/base $PGDATA",
    "cat >> $PGDATA/postgresql.auto.conf <<EOF",
    "touch $PGDATA/recovery.signal",
)
ALIKE = "docs/reconciliation.md does it"
NO_BULK = "the stand-in store has no bulk under way"
NO_CONFLICT = "nobody has changed a customer on both sides"
DAY = f"--as-of {NOW - timedelta(days=1):%Y-%m-%d}..{NOW + timedelta(days=2):%Y-%m-%d}"  # over midnight too
REPLAYED = {
    "--as-of 2026-11-01..2026-12-01": DAY,
    "--as-of 2026-11-24": DAY,
    "promised 2026-11-24 00:00 to 2026-11-25 00:00 UTC: 418": "promised … to … UTC: 3",
    "415 same, 3 changed; 20511 of 2811034 bytes": "0 same, 3 changed; … bytes",
    "418 were mapped by 0.1.0-9f0c1d2e3a4b5c6d": "3 were mapped by 0.1.0-…",
    "items[].price_net": "payment.method",
    "000000123  8.20  8.2": "… NET30 NET45",
    "418 acknowledgements": "3 acknowledgements",
}
DIFFERENT = """crossdock shadow report --json | python -c 'import json, sys
print(*(one["delivery"] for one in json.load(sys.stdin)["examples"] if one["fate"] == "different"))'"""
SHADOWED = {"shadow_patience_s = 3600": "shadow_patience_s = 1", "show 4711": f"show $({DIFFERENT})"}
TOLD = {
    "slack://TOKEN/TOKEN/TOKEN/#ops": "json://127.0.0.1:8093/ops",
    "mailtos://user:password@example.com?to=sales@example.com": "mailto://127.0.0.1:8094"
    "?from=crossdock@example.com&to=sales@example.com&mode=insecure",
    "vault:notify#lead": "env:OPS_CHAT",
}
ELSEWHERE = "runs by itself in CI"
PAGES: dict[str, Page] = {
    "docs/tutorial.md": Page(quick=True),
    "docs/quickstart.md": Page(stage=("ends.md",), instead=SANDBOX | KEYS, quick=True),
    "README.md": Page(instead=DEMO, passed_over={"make test": ELSEWHERE}),
    "docs/backup.md": Page(
        stage=(*SHOP, "night.md"),
        instead=BACKED_UP,
        passed_over={
            **dict.fromkeys(POSTGRESQL, "wants a PostgreSQL; tests/recovery restores one"),
            "crossdock reconcile inventory --plan": ALIKE,
        },
    ),
    "docs/connectors.md": Page(stage=SHOP),
    "docs/customers.md": Page(
        stage=SHOP, passed_over={"crossdock customers decide shop 5 erp --side erp": NO_CONFLICT}
    ),
    "docs/doctor.md": Page(stage=("ends.md", "docs/quickstart.md"), instead=SANDBOX | KEYS),
    "docs/files.md": Page(stage=SHOP),
    "docs/fulfilment.md": Page(stage=SHOP),
    "docs/lookups.md": Page(stage=(*SHOP, "waiting.md"), instead=WAITING),
    "docs/operations-api.md": Page(stage=SHOP),
    "docs/polling.md": Page(stage=SHOP),
    "docs/prices.md": Page(stage=SHOP),
    "docs/products.md": Page(
        stage=SHOP,
        passed_over={
            "crossdock bulk list": NO_BULK,
            "crossdock bulk status 92f60753-3801-4ae9-9d1d-0ce1ac9db082 --follow": NO_BULK,
        },
    ),
    "docs/notifications.md": Page(stage=(*SHOP, "waiting.md", "people.md"), instead=TOLD),
    "docs/reconciliation.md": Page(stage=SHOP),
    "docs/replay.md": Page(stage=(*SHOP, "day.md"), instead=REPLAYED),
    "docs/sandbox.md": Page(stage=("installed.md",)),
    "docs/security.md": Page(stage=SHOP),
    "docs/shadow.md": Page(stage=("beside.md",), instead=SHADOWED),
    "docs/stock.md": Page(stage=SHOP),
}
LEFT_OUT = {  # pages that are not followed here, and why
    "docs/install.md": "wants root and systemd, Docker or a cluster; tests/deploy does it on a machine that it boots",
    "docs/upgrading.md": "wants what the installation wants; tests/deploy does it in the same place",
}


def follow(name: str, folder: Path | None = None) -> int:
    """Follow one page on a machine of its own; how many commands were run. `Untrue`: it does not say what is so.

    `folder`: the machine. One on which a page was followed before is as clean, but for the packages in `.venv`, which
    are not installed once more.
    """
    page = PAGES[name]
    with tempfile.TemporaryDirectory(prefix="follow-") as made:
        machine = folder or Path(made)
        checkout = machine / "crossdock"
        installed = INSTALL if (checkout / ".venv").exists() else {}
        check_out(checkout, keep=".venv")
        ports = free_ports()
        known = environment(machine / "home") | {"CROSSDOCK__API__PORT": ports["8080"]}
        with Reader(checkout, known, page.instead, ports, page.passed_over | installed) as reader:
            for stage in page.stage:
                place = ROOT / stage if "/" in stage else STAGES / stage
                reader.follow(place.relative_to(ROOT).as_posix(), place.read_text("utf-8"))
            reader.follow(name, (ROOT / name).read_text("utf-8"))
            return reader.done


def shells(name: str) -> list[Command]:
    """The commands of a page."""
    return [step for step in steps((ROOT / name).read_text("utf-8")) if isinstance(step, Command)]
