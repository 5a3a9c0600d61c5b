"""The verbs that look at both ends, against the sandbox store; and what no verb may do, whatever it is given."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from crossdock.app import utc_now
from crossdock.cli.main import app
from crossdock.sandbox.run import StoreServer
from tests.material import needs_shared
from tests.recorded_server import Reply, serve
from tests.walk.files import toml
from tests.walk.test_operators import ORDER, Desk, served
from tests.walk.world import Erp, recorded, settings, until

SECRET = "subscr1ption-t0ken"
EVENTS = ["sales.order.created", "sales.order.paid"]


class Console:
    """The command line, over a sandbox store with the Async Events module and an ERP."""

    def __init__(self, folder: Path, shop: StoreServer, erp_url: str) -> None:
        self.shop, self._folder, self._erp_url = shop, folder, erp_url
        (folder / "hook").write_text(SECRET)
        (folder / "hook").chmod(0o600)
        self.file = folder / "crossdock.toml"
        self.write()

    def write(self, **hooks: Any) -> None:
        tables = settings(self._folder, self.shop.url, self._erp_url).model_dump(mode="json", exclude_defaults=True)
        tables["connections"]["store"]["webhooks"] = {
            "enabled": True,
            "format": "async-events",
            "secrets": [f"file:{self._folder}/hook"],
            "public_url": "https://crossdock.example",
            "events": EVENTS,
        } | hooks
        self.file.write_text(toml(tables))

    def says(self, *verb: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, [*verb, "-c", str(self.file)], env={"COLUMNS": "300"})
        assert result.exit_code == code, (verb, result.output, result.exception)
        return result.output

    def findings(self, *only: str, code: int = 0) -> dict[tuple[str, str], tuple[str, str]]:
        """(subject, check) -> (level, what), of one finding each."""
        chosen = [word for name in only for word in ("--only", name)]
        found = json.loads(self.says("doctor", "--json", *chosen, code=code))["findings"]
        return {(one["subject"], one["check"]): (one["level"], one["what"]) for one in found}


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Console]:
    shop = StoreServer(token="t0ken")
    shop.start()
    try:
        with serve(Erp().answer) as erp:
            yield Console(tmp_path, shop, erp.url)
    finally:
        shop.stop()


def test_missing_subscriptions_are_made_once_listed_and_found_by_the_doctor(at: Console) -> None:
    assert "no subscriptions" in at.says("store", "list")
    level, what = at.findings(code=1)["store", "magento-subscriptions"]
    assert level == "error"
    assert "sales.order.created" in what
    assert "mend: crossdock store subscribe" in at.says("doctor", code=1)
    assert "2 subscriptions made, 0 were there" in at.says("store", "subscribe")
    assert "0 subscriptions made, 2 were there" in at.says("store", "subscribe")
    rows = at.says("store", "list").splitlines()
    addresses = [f"on  {event} -> https://crossdock.example/webhooks/store/{event}" for event in EVENTS]
    assert [row[6:] for row in rows] == addresses
    findings = at.findings("connection", "magento-subscriptions")
    assert findings == {
        ("store", "connection"): ("ok", findings["store", "connection"][1]),
        ("store", "magento-subscriptions"): ("ok", "all 2 there and on"),
        ("erp", "connection"): ("ok", "answers when asked for an order"),
    }
    assert at.shop.do(lambda store: SECRET not in str(store.hooks.subscriptions))


def test_a_subscription_that_was_switched_off_is_bad_news(at: Console) -> None:
    at.says("store", "subscribe")
    at.shop.do(lambda store: next(iter(store.hooks.subscriptions.values())).update(status=False))
    assert "OFF sales.order.created" in at.says("store", "list")
    assert "missing or off: sales.order.created" in at.says("doctor", code=1)


def test_what_cannot_be_subscribed_is_refused_in_words(at: Console) -> None:
    at.write(public_url="")
    assert "public_url: needed for subscriptions" in at.says("store", "subscribe", code=2)
    at.write(events=["sales.order.unholded"])
    assert "never sent by the module" in at.says("store", "subscribe", code=2)
    assert "no such Magento connection" in at.says("store", "list", "erp", code=2)


def test_the_doctor_names_what_does_not_answer_and_what_is_paused(at: Console, tmp_path: Path) -> None:
    at.says("store", "subscribe")
    (tmp_path / "token").write_text("not the token")
    level, what = at.findings(code=1)["store", "connection"]
    assert level == "error"
    assert what.startswith("unauthorized")
    assert "not the token" not in at.says("doctor", code=1)
    (tmp_path / "token").write_text("t0ken")
    at.says("pause", "erp", "--why", "stocktaking")
    assert at.findings(code=1)["erp", "paused"][1].endswith("stocktaking")
    at.says("resume", "erp")
    assert "ERROR" not in at.says("doctor", "--only", "paused", "--only", "connection")


def test_a_store_whose_webhooks_are_trusted_is_not_asked(at: Console) -> None:
    tables = settings(at.file.parent, "http://127.0.0.1:1", "http://127.0.0.1:1").model_dump(
        mode="json", exclude_defaults=True
    )
    hooks = {"enabled": True, "format": "magento", "payload": "trusted", "secrets": [f"file:{at.file.parent}/hook"]}
    tables["connections"]["store"] |= {"webhooks": hooks, "polling": {"enabled": False}}
    at.file.write_text(toml(tables))
    assert at.findings(code=1)["store", "connection"][0] == "ok"


def test_shown_settings_tell_where_secrets_are_and_never_what_they_are(at: Console, tmp_path: Path) -> None:
    tables = settings(tmp_path, at.shop.url, at.shop.url).model_dump(mode="json", exclude_defaults=True)
    tables["database"] = {"url": "postgresql://crossdock:s3same@db.example/crossdock"}
    tables["connections"]["erp"]["auth"] = {"scheme": "bearer", "token": "pl41n-t0ken"}
    at.file.write_text(toml(tables))
    for shown in (at.says("config", "show"), at.says("config", "show", "--json")):
        assert "s3same" not in shown
        assert "pl41n-t0ken" not in shown
        assert "***" in shown
        assert f"file:{tmp_path}/token" in shown
        assert "t0ken" not in shown.replace("pl41n-t0ken", "").replace(f"{tmp_path}/token", "")


def test_only_a_connection_that_there_is_can_be_paused(at: Console) -> None:
    assert "no connection erpp, only erp, store" in at.says("pause", "erpp", "--why", "a slip", code=2)
    assert json.loads(at.says("status", "--json"))["paused"] == []
    assert "nothing was owed to anybody yet" in at.says("status")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    yield from served(tmp_path, "")


@needs_shared
def test_nothing_unresolved_expires_however_old_and_a_replay_works_afterwards(desk: Desk) -> None:
    letter, number = desk.refused()
    crossdock = desk.made()
    far = utc_now() + timedelta(days=36_500)
    try:
        crossdock.store.seal_audit()
        while crossdock.store.forget_bodies(far):
            pass
        assert crossdock.store.forget_rows(far, far) == 0
    finally:
        crossdock.store.close()
    assert json.loads(desk.says("dead", "show", str(letter["id"]), "--record"))["number"]
    assert "HTTP 422" in desk.says("explain", "order", str(number))
    desk.says("dead", "replay", "--order", recorded(ORDER)["increment_id"])
    desk.delivered(number)
    assert [key for key, _ in desk.erp.kept] == [letter["key"]]
    crossdock = desk.made()
    try:
        crossdock.store.seal_audit()
        assert crossdock.store.forget_rows(far, far) > 0
    finally:
        crossdock.store.close()
    assert "were let go by age" in desk.says("audit", "verify")


@needs_shared
def test_a_hash_noted_elsewhere_shows_a_tail_that_was_cut_and_written_anew(desk: Desk) -> None:
    for why in ("one", "two"):
        desk.says("pause", "erp", "--why", why)
        desk.says("resume", "erp")
    head = desk.says("audit", "verify").strip().rsplit(" ", 1)[1]
    desk.says("pause", "erp", "--why", "three")
    assert "The noted hash is that of row 4" in desk.says("audit", "verify", "--noted", head)
    with sqlite3.connect(desk.folder / "crossdock.sqlite") as thief:
        thief.execute("DELETE FROM audit WHERE position >= 4")
    thief.close()
    desk.says("resume", "erp")
    assert "4 rows, unbroken" in desk.says("audit", "verify")
    assert "cut off or written anew" in desk.says("audit", "verify", "--noted", head, code=1)
    assert "hexadecimal" in desk.says("audit", "verify", "--noted", "last one", code=2)


@needs_shared
@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("[/red] closes nothing", "[/red] closes nothing"),
        ("[bold]loud[/bold]", "[bold]loud[/bold]"),
        ("\x1b[31mred\x1b[0m and \x07 a bell", "[31mred [0m and   a bell"),
    ],
)
def test_what_a_target_says_is_shown_as_text_whatever_it_is(desk: Desk, hostile: str, shown: str) -> None:
    desk.erp.before.append(Reply(422, {"message": hostile}))
    desk.shop.add(recorded(ORDER))
    with desk.running():
        until(lambda: bool(desk.told("dead", "list")))
    for verb in (("dead", "list"), ("explain", "order", recorded(ORDER)["increment_id"])):
        text = desk.says(*verb)
        assert shown in text
        assert "\x1b" not in text
        assert "\x07" not in text
