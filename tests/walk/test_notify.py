"""Telling people, for real: an ERP that breaks, Apprise, a receiver and a mailbox."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from crossdock.api.serving import Serving
from crossdock.app import Crossdock, Role, utc_now
from crossdock.cli.main import app
from crossdock.incidents.texts import Wording
from crossdock.notifying.composed import watch_of
from crossdock.notifying.watch import Watch
from crossdock.operations import dead, incidents
from crossdock.operations.dead import Choice
from crossdock.operations.desk import Desk
from crossdock.security.tokens import NewToken, hash_of, new_token
from crossdock.settings import NotificationSettings, Settings
from crossdock.storage.listing import Filter
from tests.databases import postgres_url
from tests.material import needs_shared
from tests.recorded_server import Asked, Reply, serve
from tests.walk.files import toml
from tests.walk.telling import CALM, Receiver, posted, receiving, secret
from tests.walk.test_operations_api import let_in
from tests.walk.world import Erp, Shop, recorded, settings, until

pytestmark = needs_shared
MANY = 500 if os.environ.get("CROSSDOCK_LONG") == "1" else 150
SOON = {"gather_s": 0, "clear_s": 0.5}


class Broken(Erp):
    """Refuses every order while it is `broken`, and says whose it is."""

    def __init__(self) -> None:
        super().__init__()
        self.broken = True

    def answer(self, asked: Asked) -> Reply:
        if self.broken and asked.method == "POST" and asked.path == "/orders":
            order = asked.json()
            return Reply(422, {"message": f"tax rule for {order['order_number']} of {order['customer']} is missing"})
        return super().answer(asked)


class Town:
    """A shop, an ERP that is broken, and a receiver of messages."""

    def __init__(self, folder: Path, stack: ExitStack, database: str = "") -> None:
        self.folder = folder
        self.shop, self.erp = Shop(), Broken()
        shop = stack.enter_context(serve(self.shop.answer))
        erp = stack.enter_context(serve(self.erp.answer))
        self.receiver: Receiver = stack.enter_context(receiving())
        self.mailbox, self.mail = stack.enter_context(posted())
        self.settings = settings(folder, shop.url, erp.url, database)
        self.set(targets=[self.receiver.url()])

    def set(self, targets: list[str], **told: Any) -> Settings:
        rules = CALM | {"audiences": {"devops": {"targets": targets, "owners": ["business", "devops"]}}} | told
        api = self.settings.api.model_copy(update={"port": 0})
        notifications = NotificationSettings.model_validate(rules)
        self.settings = self.settings.model_copy(update={"notifications": notifications, "api": api})
        return self.settings

    def orders(self, first: int, count: int) -> None:
        order = recorded("001_smoke")
        for number in range(first, first + count):
            self.shop.add(order, entity_id=number, increment_id=f"{number:09}")

    def file(self) -> Path:
        path = self.folder / "crossdock.toml"
        path.write_text(toml(self.settings.model_dump(mode="json", exclude_defaults=True)))
        return path

    def says(self, *verb: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, [*verb, "-c", str(self.file())], env={"COLUMNS": "300"})
        assert result.exit_code == code, (verb, result.output, result.exception)
        return result.output


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with ExitStack() as stack:
        yield Town(tmp_path, stack)


class Rounds:
    """A watch over a Crossdock that runs, on a clock that the test moves."""

    def __init__(self, crossdock: Crossdock) -> None:
        self.ahead = timedelta(0)
        self.watch: Watch = watch_of(crossdock, clock=self.clock)
        self.desk = Desk(crossdock, self.clock)

    def clock(self) -> datetime:
        return utc_now() + self.ahead

    def round(self, after: float) -> None:
        self.ahead += timedelta(seconds=after)
        assert self.watch.round()
        until(lambda: not self.watch._posts.is_busy())

    def letters(self) -> int:
        return len(self.desk.store.operations.dead(Filter(), 10_000))


def test_a_broken_erp_is_one_message_then_it_grows_then_it_is_repaired(town: Town) -> None:
    crossdock = Crossdock(town.settings)
    rounds = Rounds(crossdock)
    crossdock.start()
    try:
        town.orders(1, MANY)
        until(lambda: rounds.letters() > 0, 60)
        rounds.round(0)
        until(lambda: rounds.letters() == MANY, 120)
        for _ in range(6):
            rounds.round(15)
        (told,) = town.receiver.came
        assert told["title"] == f"[Crossdock] error: {MANY} dead letters of orders to erp (rejected)"
        assert told["type"] == "failure"
        assert f"Money at risk: {MANY * Decimal(str(recorded('001_smoke')['grand_total']))}" in told["message"]

        town.orders(MANY + 1, MANY)
        until(lambda: rounds.letters() == 2 * MANY, 120)
        rounds.round(15)
        assert len(town.receiver.came) == 1
        rounds.round(900)
        assert town.receiver.titles()[1:] == [f"growing: {2 * MANY} dead letters of orders to erp (rejected)"]

        town.erp.broken = False
        now = Desk(crossdock)  # workers' clock is not ahead
        (cause,) = dead.causes(now).causes
        dead.replay(now, Choice(cause=cause.id, limit=10_000), "user:ada", "the tax rule is there")
        until(lambda: len(set(town.erp.numbers())) == 2 * MANY, 120)
        rounds.round(15)
        rounds.round(300)
        assert town.receiver.titles()[2:] == [f"resolved: {2 * MANY} dead letters of orders to erp (rejected)"]
        assert f"Done: replay {2 * MANY}" in town.receiver.came[2]["message"]
        assert len(set(town.receiver.refs())) == 3
        assert not [one for one in town.receiver.came if personal(one)]
    finally:
        rounds.watch.stop()
        crossdock.stop()


def personal(told: dict[str, Any]) -> list[str]:
    order = recorded("001_smoke")
    words = [order["customer_email"], order["customer_lastname"], order["billing_address"]["lastname"], "tax rule for"]
    return [word for word in words if word and word in str(told)]


def running(town: Town, *roles: frozenset[Role]) -> list[Serving]:
    made = [Serving(town.settings, roles=one) for one in roles]
    for one in made:
        one.start()
    return made


EVERYTHING = frozenset(Role)


def seen_over_http(serving: Serving) -> None:
    """Seen, acknowledged once, counted; not by whoever may only read."""
    with httpx.Client(base_url=f"{serving.url}/api/v1", headers=let_in(serving, "read", "operate")) as client:
        (one,) = client.get("/incidents").json()
        assert (one["kind"], one["count"], one["told"]) == ("dead", 1, ["devops"])
        why = {"why": "I am at it"}
        assert client.post(f"/incidents/{one['id']}/acknowledge", json=why).json()["changed"]
        assert not client.post(f"/incidents/{one['id']}/acknowledge", json=why).json()["changed"]
        assert client.post(f"/incidents/{one['id']}/acknowledge", json={"why": " "}).status_code == 400
        assert client.post("/incidents/999/acknowledge", json=why).status_code == 404
        assert client.get("/incidents", params={"state": "bad"}).status_code == 400
        assert client.get("/incidents", params={"state": "resolved"}).json() == []
        (told,) = client.get(f"/incidents/{one['id']}").json()["messages"]
        assert (told["audience"], told["transition"]) == ("devops", "opened")
    secret = new_token()
    serving.crossdock.store.access.add_token(
        NewToken(name="reader", hash=hash_of(secret), scopes=("read",)), "x", utc_now()
    )
    reader = {"Authorization": f"Bearer {secret}"}
    assert httpx.post(f"{serving.url}/api/v1/incidents/1/acknowledge", json=why, headers=reader).status_code == 403
    assert httpx.get(f"{serving.url}/console/no-such-page").status_code == 404
    for page in ("/console/incidents/", Wording(public_url=serving.url).link(one["id"]).removeprefix(serving.url)):
        assert httpx.get(f"{serving.url}{page}").status_code in {303, 401}, (
            "a page of the console, for who is logged in"
        )
    counted = httpx.get(f"{serving.url}/metrics").text
    assert 'crossdock_incidents_open{kind="dead",severity="error"} 1.0' in counted
    assert httpx.get(f"{serving.url}/health/ready").status_code == 200


@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.services)])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of uvicorn's websockets, which nothing here uses
def test_it_is_told_once_by_chat_and_by_mail_however_many_processes_run(tmp_path: Path, processes: int) -> None:
    with ExitStack() as stack:
        database = stack.enter_context(postgres_url()) if processes > 1 else ""
        town = Town(tmp_path, stack, database)
        town.set([town.receiver.url(), secret(tmp_path, "mail", town.mail)], **SOON)
        serving = running(town, *[EVERYTHING] * processes)
        try:
            town.orders(1, 1)
            until(lambda: len(town.receiver.came) == 1)
            until(lambda: len(town.mailbox.mails) == 1)
            ((subject, text),) = town.mailbox.mails
            assert subject == "[Crossdock] error: 1 dead letter of orders to erp (rejected)"
            assert "crossdock dead list --flow orders --target erp --code rejected" in text
            seen_over_http(serving[0])
            town.erp.broken = False
            desk = Desk(serving[-1].crossdock)
            (one,) = incidents.every(desk)
            assert one.acknowledged_by == "token:desk"
            dead.replay(desk, Choice(cause=one.cause), "user:ada", "repaired")
            until(lambda: len(town.receiver.came) == 2)
            until(lambda: len(town.mailbox.mails) == 2)
        finally:
            for one_of_them in serving:
                one_of_them.stop()
        assert [title.split(":")[0] for title in town.receiver.titles()] == ["error", "resolved"]
        assert [subject.split()[1] for subject, _ in town.mailbox.mails] == ["error:", "resolved:"]


def test_the_command_line_tells_tries_and_acknowledges(town: Town) -> None:
    town.set([town.receiver.url(), secret(town.folder, "mail", town.mail)], **SOON)
    assert "nothing is wrong" in town.says("notify", "preview")
    crossdock = Crossdock(town.settings)
    rounds = Rounds(crossdock)
    crossdock.start()
    town.orders(1, 1)
    until(lambda: rounds.letters() == 1)
    crossdock.stop()

    seen = town.says("notify", "preview", "--texts")
    assert "devops, now: [Crossdock] error: 1 dead letter of orders to erp (rejected)" in seen
    assert "For example: 000000001" in seen
    assert town.receiver.came == []
    assert "no incidents (open)" in town.says("incidents", "list")

    watched = Crossdock(town.settings, roles=frozenset())
    rounds = Rounds(watched)
    rounds.round(0)
    rounds.round(1)
    rounds.watch.stop()
    watched.store.close()
    assert len(town.receiver.came) == 1
    assert "1 dead letter of orders to erp (rejected)" in town.says("incidents", "list")
    assert "it was told already" in town.says("notify", "preview")
    shown = town.says("incidents", "show", "1")
    assert "crossdock dead list --flow orders" in shown
    assert "sent" in shown
    assert "is acknowledged" in town.says("incidents", "acknowledge", "1", "--why", "I am at it")
    assert "was acknowledged already" in town.says("incidents", "acknowledge", "1", "--why", "me too", code=1)
    assert "I am at it" in town.says("incidents", "show", "1")
    assert "not-there" in town.says("incidents", "show", "99", code=1)

    town.receiver.came.clear()
    town.mailbox.mails.clear()
    assert town.says("notify", "test").count("taken") == 2
    assert town.receiver.titles() == ["a test message"]
    assert town.mailbox.mails[0][0] == "[Crossdock] a test message"


def test_a_test_says_which_target_failed_and_why_and_gives_no_secret_away(
    town: Town, request: pytest.FixtureRequest
) -> None:
    password = "hunter22secret"
    away = town.receiver.url().replace("json://", f"json://crossdock:{password}@")
    town.set([secret(town.folder, "chat", away), secret(town.folder, "wrong", f"nosuch://{password}")])
    town.receiver.up = False
    request.addfinalizer(partial(logging.getLogger().setLevel, logging.getLogger().level))
    logging.getLogger().setLevel(logging.ERROR)  # a quiet log keeps no reason from being told
    said = town.says("notify", "test", "--audience", "devops", code=1)
    assert "2 of 2 did not take it" in said
    assert "503" in said, said
    assert "no URL that Apprise knows" in said
    assert password not in said
    assert "there is no audience 'boss'" in town.says("notify", "test", "--audience", "boss", code=2)


def test_own_texts_are_used_and_wrong_ones_are_refused_before_anything_starts(town: Town) -> None:
    texts = town.folder / "texts"
    texts.mkdir()
    (texts / "opened.txt").write_text("$connection: $count\nHello. $summary\nMoney: $money\n")
    town.set([town.receiver.url()], templates=str(texts), **SOON)
    crossdock = Crossdock(town.settings, roles=frozenset())
    crossdock.store.pause("erp", "unauthorized: HTTP 401", "crossdock", utc_now())
    rounds = Rounds(crossdock)
    rounds.round(0)
    rounds.round(1)
    rounds.watch.stop()
    assert town.receiver.came[0]["title"] == "erp:"
    assert town.receiver.came[0]["message"] == "Hello. erp does not know us any more: it is paused"
    crossdock.store.close()
    (texts / "opened.txt").write_text("$person\n")
    (texts / "closed.txt").write_text("x\n")
    said = town.says("notify", "preview", code=2)
    assert "opened.txt: there is no $person" in said
    assert "closed.txt: is none of" in said


@pytest.mark.parametrize("where", ["notices-owed", "notice-sent"])
def test_a_process_that_is_killed_between_commit_and_mark_costs_no_message(town: Town, where: str) -> None:
    crossdock = Crossdock(town.set([town.receiver.url()], **SOON), roles=frozenset())
    crossdock.store.pause("erp", "unauthorized: HTTP 401", "crossdock", utc_now())
    told = [sys.executable, "-m", "tests.chaos.notify_child", str(town.file()), where]
    child = subprocess.run(told, check=False, timeout=60, capture_output=True, env=os.environ)
    assert child.returncode == -9, child.stderr
    sent = len(town.receiver.came)
    assert sent == (where == "notice-sent")
    rounds = Rounds(crossdock)
    for _ in range(3):
        rounds.round(60)
    rounds.watch.stop()
    crossdock.store.close()
    assert len(town.receiver.came) == sent + 1
    assert len(set(town.receiver.refs())) == 1, "the same message, by its reference"
