"""What operators do, by the command line's own words, to deliveries of a real walk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner, Result

from crossdock import log
from crossdock.app import Crossdock, utc_now
from crossdock.cli.main import app
from crossdock.delivery.deliver import Deliverer, Limits
from crossdock.delivery.verdict import Policy
from tests.databases import postgres_url
from tests.material import needs_shared
from tests.recorded_server import Reply, serve
from tests.walk.files import toml
from tests.walk.world import Erp, Shop, recorded, settings, until

pytestmark = needs_shared
ORDER = "001_smoke"
REFUSED = Reply(422, {"message": "unknown SKU"})


class Desk:
    """A shop, an ERP, a database, and the two ways in: a Crossdock that runs, and the command line."""

    def __init__(self, folder: Path, database: str, shop: tuple[Shop, str], erp: tuple[Erp, str]) -> None:
        self.shop, self.erp = shop[0], erp[0]
        self._settings = (folder, shop[1], erp[1], database)
        self.folder = folder
        self._file = folder / "crossdock.toml"
        self._file.write_text(toml(settings(*self._settings).model_dump(mode="json", exclude_defaults=True)))

    def set(self, connection: str, **changes: Any) -> None:
        """Other settings of a connection, for the command line."""
        told = settings(*self._settings).model_dump(mode="json", exclude_defaults=True)
        told["connections"][connection] |= changes
        self._file.write_text(toml(told))

    def made(self) -> Crossdock:
        return Crossdock(settings(*self._settings))

    @contextmanager
    def running(self) -> Iterator[Crossdock]:
        crossdock = self.made()
        crossdock.start()
        try:
            yield crossdock
        finally:
            crossdock.stop()

    def says(self, *verb: str, code: int = 0) -> str:
        result: Result = CliRunner().invoke(app, [*verb, "-c", str(self._file)], env={"COLUMNS": "400"})
        assert result.exit_code == code, (verb, result.output, result.exception)
        return result.stdout or result.output

    def told(self, *verb: str) -> Any:
        return json.loads(self.says(*verb, "--json"))

    def refused(self) -> tuple[dict[str, Any], int]:
        """One order that the ERP refuses: its dead letter, and its number in the store."""
        self.erp.before.append(REFUSED)
        number = self.shop.add(recorded(ORDER))
        with self.running():
            until(lambda: bool(self.told("dead", "list")))
        (letter,) = self.told("dead", "list")
        return letter, number

    def delivered(self, number: int) -> None:
        with self.running():
            until(lambda: "ext_order_id" in self.shop.orders[number])


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.services)])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    if request.param == "postgres":
        with postgres_url() as url:
            yield from served(tmp_path, url)
        return
    yield from served(tmp_path, "")


def served(folder: Path, database: str) -> Iterator[Desk]:
    shop, erp = Shop(), Erp()
    log.configure("error")  # on standard error
    with (
        serve(shop.answer) as shop_server,
        serve(erp.answer) as erp_server,
    ):
        yield Desk(folder, database, (shop, shop_server.url), (erp, erp_server.url))


def test_a_dead_letter_is_listed_with_its_cause_and_owner_and_found_by_every_filter(desk: Desk) -> None:
    letter, _ = desk.refused()
    assert (letter["flow"], letter["target"], letter["state"], letter["owner"]) == ("orders", "erp", "dead", "business")
    assert "unknown SKU" in letter["reason"]
    filters = {"flow": "orders", "target": "erp", "code": letter["code"], "owner": "business"}
    for name, value in (filters | {"order": recorded(ORDER)["increment_id"]}).items():
        assert [one["id"] for one in desk.told("dead", "list", f"--{name}", value)] == [letter["id"]]
        assert desk.told("dead", "list", f"--{name}", "another") == []
    assert "unknown SKU" in desk.says("dead", "list")
    assert recorded(ORDER)["customer_email"] in desk.says("dead", "show", str(letter["id"]))


def test_a_replay_keeps_the_key(desk: Desk) -> None:
    letter, number = desk.refused()
    assert "1 of 1" in desk.says("dead", "replay", str(letter["id"]))
    desk.delivered(number)
    assert [key for key, _ in desk.erp.kept] == [letter["key"]]
    assert desk.told("dead", "list") == []
    assert "0 of 1" in desk.says("dead", "replay", str(letter["id"]))  # it is no dead letter any more


def test_a_filter_replays_what_it_leaves_and_nothing_is_replayed_by_accident(desk: Desk) -> None:
    _, number = desk.refused()
    assert "give ids, a filter, or --all" in desk.says("dead", "replay", code=2)
    assert "0 of 0" in desk.says("dead", "replay", "--target", "elsewhere")
    assert "1 of 1" in desk.says("dead", "replay", "--code", "rejected")
    desk.delivered(number)


def test_an_edited_letter_goes_as_it_was_edited_however_old_under_its_key_and_the_trail_says_who_and_why(
    desk: Desk, tmp_path: Path
) -> None:
    letter, _ = desk.refused()
    record = json.loads(desk.says("dead", "show", str(letter["id"]), "--record"))
    (tmp_path / "fixed.json").write_text(json.dumps(record | {"note": "corrected by hand"}))
    desk.says("dead", "edit", str(letter["id"]), str(tmp_path / "fixed.json"), "--why", "the SKU was renamed")
    with crossdock_of(desk, hours=3) as carry:
        carry(letter["id"])
    assert [(key, order["note"]) for key, order in desk.erp.kept] == [(letter["key"], "corrected by hand")]
    (row,) = [one for one in exported(desk) if one["operation_type"] == "edit"]
    assert row["detail"] == "the SKU was renamed"
    assert row["actor"].startswith("cli:")


def test_a_resolved_letter_is_done_with_and_its_lane_goes_on(desk: Desk) -> None:
    letter, number = desk.refused()
    desk.shop.touch(number, state="canceled", status="canceled")
    desk.says("dead", "resolve", str(letter["id"]), code=2)  # not without a reason
    assert "1 of 1 resolved" in desk.says("dead", "resolve", str(letter["id"]), "--why", "entered by hand as 4711")
    assert desk.told("dead", "list") == []
    assert "entered by hand as 4711" in desk.says("explain", "order", recorded(ORDER)["increment_id"])
    assert desk.erp.kept == []


def test_nothing_is_sent_to_a_paused_connection_until_it_is_resumed(desk: Desk) -> None:
    assert "erp is paused" in desk.says("pause", "erp", "--why", "stocktaking")
    assert "paused already" in desk.says("pause", "erp", "--why", "again")
    number = desk.shop.add(recorded(ORDER))
    with desk.running() as crossdock:
        until(lambda: crossdock.store.counts().get(("orders", "erp", "pending")) == 1)
        assert [one["connection"] for one in desk.told("status")["paused"]] == ["erp"]
        assert "stocktaking" in desk.says("status")
        assert desk.erp.kept == []
        assert "goes on" in desk.says("resume", "erp")
        until(lambda: "ext_order_id" in desk.shop.orders[number])
    assert "is not paused" in desk.says("resume", "erp", code=1)


def test_the_whole_story_is_told_from_the_hint_to_the_acknowledgement(desk: Desk) -> None:
    desk.erp.before.append(Reply(503, {"message": "later"}))
    number = desk.shop.add(recorded(ORDER))
    desk.delivered(number)
    story = desk.told("explain", "order", recorded(ORDER)["increment_id"])
    texts = [f"{event['kind']} {event['flow']} {event['text']}" for event in story["events"]]
    wanted = [
        "heard looks by poll",
        "promised orders",
        "503",
        "promised acknowledgements",
        "attempt acknowledgements delivered",
    ]
    places = [next(at for at, text in enumerate(texts) if word in text) for word in wanted]
    assert places == sorted(places)
    for other in (str(number), "SO-1", "E1"):  # the store's own id, the ERP's number, the ERP's id
        assert desk.told("explain", "order", other)["events"] == story["events"]
    assert "nothing was ever heard of" in desk.says("explain", "order", "no-such-order", code=1)


def test_the_trail_is_verified_exported_and_a_person_erased_from_it(desk: Desk) -> None:
    number = desk.shop.add(recorded(ORDER))
    desk.delivered(number)
    email = recorded(ORDER)["customer_email"]
    assert "unbroken" in desk.says("audit", "verify")
    assert email not in desk.says("audit", "export")
    assert email in desk.says("audit", "export", "--bodies")
    assert "1 subjects" in desk.says("audit", "erase", "--subject", email.upper())
    assert email not in desk.says("audit", "export", "--bodies")
    assert "unbroken" in desk.says("audit", "verify")
    assert "0 subjects" in desk.says("audit", "erase", "--subject", "nobody@example.com")


def exported(desk: Desk) -> list[dict[str, Any]]:
    return [json.loads(line) for line in desk.says("audit", "export").splitlines()]


@contextmanager
def crossdock_of(desk: Desk, hours: float) -> Iterator[Any]:
    """Carries one delivery by hand, as if so many hours had gone by since it was read."""
    crossdock = desk.made()

    def later() -> Any:
        return utc_now() + timedelta(hours=hours)

    deliverer = Deliverer(crossdock.store, crossdock.connections, Policy(), Limits(), later, lambda: 0.5)

    def carry(delivery_id: int) -> None:
        leased = crossdock.store.lease("t", later(), later() + timedelta(minutes=5), {"erp": 9}, limit=9)
        (delivery,) = [one for one in leased if one.id == delivery_id]
        verdict = deliverer.carry(msgspec.structs.replace(delivery, leased_until=later() + timedelta(minutes=5)))
        assert verdict is not None
        assert verdict.state == "delivered", verdict

    try:
        yield carry
    finally:
        crossdock.store.close()
