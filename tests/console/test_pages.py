"""Every page as each role gets it, without a browser: what it shows, to whom, and what it never shows."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from html import unescape
from pathlib import Path

import pytest

from crossdock.console.navigation import ENTRIES
from crossdock.console.told import TEXTS, done
from crossdock.contract.message import Message
from crossdock.delivery.records import State
from crossdock.feeds.levels import FeedState, NewFeed
from crossdock.security.access import Role
from crossdock.security.headers import POLICY
from crossdock.storage.listing import Filter
from crossdock.storage.trail_search import AuditFilter
from tests.console.filled import fill, sent
from tests.console.rooms import Room
from tests.unit.operations.records import order

ROLES = tuple(Role)
NEVER_EMPTY = {"schedules", "lookups", "settings", "audit"}
HOSTILE = '"><script>alert(1)</script>&{{7*7}}'


def letter(room: Room, number: int = 1, **more: object) -> int:
    return room.at.dead(number, record=order(number), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda one: one.name)
def test_every_page_of_the_navigation_is_there_empty_and_full(room: Room, entry: object) -> None:
    path = entry.path  # type: ignore[attr-defined]
    empty = room.page(path, by="admin")
    assert entry.name in NEVER_EMPTY or "nothing" in empty.lower() or 'class="empty"' in empty  # type: ignore[attr-defined]
    fill(room.at)
    page = room.page(path, by="admin")
    assert f'<a href="{path}" aria-current="page"' in page


@pytest.mark.parametrize("path", ["/console", "/console/deliveries", "/console/dead", "/console/deliveries/1/correct"])
def test_nobody_is_led_to_the_login_and_a_dialog_too(room: Room, path: str) -> None:
    answer = room.ask("GET", path, by="")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/login")
    part = room.ask("GET", path, by="", headers={"HX-Request": "true"})
    assert (part.status_code, part.headers["hx-redirect"]) == (401, "/console/login")


def test_every_page_goes_out_with_its_policy_and_has_nothing_inline(room: Room) -> None:
    number = letter(room)
    for path in (
        "/console",
        "/console/login",
        "/console/deliveries",
        f"/console/deliveries/{number}",
        "/console/dead",
        "/console/nothing",
    ):
        answer = room.ask("GET", path, by="admin")
        assert answer.headers["content-security-policy"] == POLICY, path
        assert answer.headers["cache-control"] == "no-store"
        assert not re.search(r"<style|<script(?! src=)|\sstyle=|\son[a-z]+=|javascript:", answer.text), path
        assert not re.search(r'(src|href)="(https?:)?//', answer.text), path


def test_scripts_and_styles_are_kept_and_theirs_alone(room: Room) -> None:
    page = room.ask("GET", "/console/login", by="").text
    found = re.findall(r'(?:src|href)="(/console/static/[^"]+)"', room.page("/console"))
    assert {one.rpartition("/")[2] for one in found} == {"console.css", "console.js", "htmx.min.js", "mark.svg"}
    assert "/console/static/" in page
    for path in found:
        answer = room.ask("GET", path, by="")
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert room.ask("GET", found[0].replace("/static/", "/static/0"), by="").status_code == 404
    assert room.ask("GET", "/console/static/../../../../etc/passwd", by="").status_code in {404, 400}


def acts(page: str) -> set[str]:
    return {
        unescape(one).partition("?")[0] for one in re.findall(r'(?:href|action|formaction)="(/console/[^"]*)"', page)
    }


@pytest.mark.parametrize("role", ROLES)
def test_nobody_is_shown_what_they_may_not_do(room: Room, role: Role) -> None:
    number = letter(room)
    cause = re.search(r"/console/dead/cause/(\w+)", room.page("/console/dead"))
    assert cause
    shown = set().union(
        *(
            acts(room.page(path, by=role))
            for path in ("/console", "/console/dead", f"/console/deliveries/{number}", cause[0])
        )
    )
    changing = {one for one in shown if one.rpartition("/")[2] in {"pause", "resume", "replay", "resolve", "correct"}}
    if role is Role.VIEWER:
        assert changing == set()
    else:
        assert changing == {
            "/console/connections/erp/pause",
            "/console/connections/store/pause",
            "/console/dead/replay",
            "/console/dead/resolve",
            *(f"/console/deliveries/{number}/{verb}" for verb in ("replay", "resolve", "correct")),
        }


@pytest.mark.parametrize("verb", ["replay", "resolve", "correct"])
def test_a_viewer_may_neither_ask_nor_do(room: Room, verb: str) -> None:
    number = letter(room)
    path = f"/console/deliveries/{number}/{verb}"
    told = room.page(path, status=403)
    assert "operate" in told
    room.send(path, by="viewer", status=403, why="x")
    room.send("/console/connections/erp/pause", by="viewer", status=403, why="x")
    assert room.at.store.paused() == []
    assert room.at.store.delivery(number)[0].state is State.DEAD  # type: ignore[index]


@pytest.mark.parametrize("csrf", ["", "other"])
def test_a_form_of_another_page_does_nothing(room: Room, csrf: str) -> None:
    number = letter(room)
    for path in (
        f"/console/deliveries/{number}/replay",
        "/console/dead/replay",
        "/console/connections/erp/pause",
        "/console/logout",
    ):
        answer = room.ask("POST", path, by="operator", data={"csrf": csrf, "why": "x", "ids": str(number)})
        assert answer.status_code == 403, path
        assert "load the page again" in answer.text
    assert room.at.store.paused() == []
    assert room.at.store.delivery(number)[0].state is State.DEAD  # type: ignore[index]


@pytest.mark.parametrize("role", ROLES)
def test_only_an_admin_sees_what_is_about_a_person(room: Room, role: Role) -> None:
    number = room.at.order(1, record=order(1))
    room.at.settle(
        State.DEAD, code="rejected", reason="HTTP 422", attempts=(sent(room.at, 422, '{"contact":"Ada Example"}'),)
    )
    pages = room.page(f"/console/deliveries/{number}", by=role)
    if role is not Role.VIEWER:
        pages += room.page(f"/console/deliveries/{number}/correct", by=role)
    for word in ("ada@example.com", "Ada Example", "Via Roma"):
        assert (word in pages) == (role is Role.ADMIN and (word != "Via Roma" or "correct" in pages)), word
    assert "19.990" in pages, "numbers keep their digits"


def test_hostile_words_are_words(room: Room) -> None:
    number = room.at.order(1, record=order(1))
    room.at.settle(
        State.DEAD, code="rejected", reason=HOSTILE, attempts=(sent(room.at, 422, json.dumps({"status": HOSTILE})),)
    )
    room.at.store.pause("erp", HOSTILE, f"user:{HOSTILE}", room.at.clock.now)
    for path in (
        "/console",
        "/console/dead",
        f"/console/deliveries/{number}",
        f"/console/deliveries/{number}/correct",
        f"/console/deliveries/{number}/replay",
        "/console/deliveries",
    ):
        for query in ("", f"?search={HOSTILE}&flow={HOSTILE}&code={HOSTILE}&told={HOSTILE}&n={HOSTILE}"):
            answer = room.ask("GET", path + query, by="admin")
            assert answer.status_code in {200, 400}, answer.text
            assert "<script>alert" not in answer.text, path
            assert "49" not in re.findall(r"&amp;(\d+)", answer.text), path
    assert "&lt;script&gt;" in room.page(f"/console/deliveries/{number}")


def test_an_act_asks_for_a_reason_and_is_audited_with_the_person(room: Room) -> None:
    number = letter(room)
    path = f"/console/deliveries/{number}/replay"
    asked = room.page(path, by="operator")
    assert f"crossdock dead replay {number}" in asked
    assert 'name="why"' in asked
    part = room.page(path, by="operator", headers={"HX-Request": "true"})
    assert "<html" not in part
    assert 'name="csrf"' in part
    again = room.send(path, status=400, why="  ")
    assert "The reason is missing" in again.text
    answer = room.send(path, why="the SKU is known by now")
    assert answer.headers["location"] == f"/console/deliveries/{number}?told=replayed&n=1"
    assert "1 letter will be tried again" in room.page(answer.headers["location"])
    (row,) = room.at.store.operations.audit(audit_of("replay"), room.at.desk.names).rows
    assert (row.actor, row.detail) == ("user:oidc:operator", "the SKU is known by now")
    assert room.page(path, by="operator", status=409)


def audit_of(operation: str) -> AuditFilter:
    return AuditFilter(operation=operation, people=True)


def test_letters_of_a_cause_are_tried_again_together_and_what_died_later_is_left_alone(room: Room) -> None:
    for number in (1, 2):
        letter(room, number)
    room.at.clock.forward(seconds=30)
    page = unescape(room.page("/console/dead", by="operator"))
    found = re.search(r'href="(/console/dead/replay\?[^"]+)"', page)
    assert found
    room.at.clock.forward(seconds=30)
    late = letter(room, 3)
    room.at.desk.remembered.forget()
    asked = room.page(found[1], by="operator")
    assert "Try 2 letters again" in asked
    assert "EUR" in asked
    form = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', unescape(asked)))
    answer = room.send("/console/dead/replay", **form | {"why": "known by now"})
    assert answer.headers["location"] == "/console/dead?told=replayed&n=2"
    assert room.at.store.delivery(late)[0].state is State.DEAD  # type: ignore[index]
    twice = room.send("/console/dead/replay", **form | {"why": "known by now"})
    assert twice.headers["location"] == "/console/dead?told=none"


def test_chosen_letters_are_resolved(room: Room) -> None:
    first, second = letter(room, 1), letter(room, 2)
    asked = room.page(f"/console/dead/resolve?id={first}", by="operator")
    assert "Resolve 1 letter" in asked
    assert "cannot be taken back" in asked
    room.send("/console/dead/resolve", ids=str(first), why="entered by hand")
    states = [room.at.store.operations.page(filter_of(number))[0].word() for number in ("1", "2")]
    assert states == ["resolved", "dead"], second
    assert "entered by hand" in room.page(f"/console/deliveries/{first}")


def filter_of(subject: str) -> Filter:
    return Filter(places=(("store", subject),))


def test_a_connection_is_paused_and_resumed(room: Room) -> None:
    asked = room.page("/console/connections/erp/pause", by="operator")
    assert "crossdock pause erp" in asked
    answer = room.send("/console/connections/erp/pause", why="upgrade")
    assert "Nothing is sent to it" in room.page(answer.headers["location"])
    page = room.page("/console", by="operator")
    assert "erp is paused" in page
    assert "upgrade" in page
    assert room.send("/console/connections/erp/pause", why="again").headers["location"].endswith("told=as-it-was")
    assert "upgrade" in room.page("/console/connections/erp/resume", by="operator")
    room.send("/console/connections/erp/resume", why="done")
    assert "erp is paused" not in room.page("/console")
    room.page("/console/connections/nobody/pause", by="operator", status=404)


def test_a_system_that_does_not_answer_is_told(room: Room) -> None:
    answer = room.ask("POST", "/console/connections/erp/probe", data={"csrf": room.csrf("viewer")})
    assert answer.status_code == 200
    assert "does not answer" in answer.text


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("state=wrong", "state"),
        ("since=yesterday", "no date and time"),
        ("cursor=wrong", "cursor"),
    ],
)
def test_what_cannot_be_asked_is_told_in_the_page(room: Room, query: str, told: str) -> None:
    page = room.page(f"/console/deliveries?{query}", status=400)
    assert told in re.findall(r'role="alert">([^<]*)<', page)[0]


def test_a_search_finds_by_number_and_by_address_which_is_written_nowhere(room: Room) -> None:
    number = letter(room, 7, email="eve@example.com")
    letter(room, 8)
    for wanted in ("000000007", "eve@example.com", room.at.store.fingerprint_of("eve@example.com")):
        page = room.page("/console/deliveries", params={"search": wanted})
        assert re.findall(r'href="/console/deliveries/(\d+)"', page) == [str(number)], wanted
        assert ("explain" in page) == ("@" not in wanted)
    assert "Nothing fits" in room.page("/console/deliveries?search=000000009")


def test_the_list_goes_on_where_the_page_ends(room: Room) -> None:
    for number in range(60):
        room.at.order(number + 1)
    first = room.page("/console/deliveries?flow=orders")
    behind = unescape(re.findall(r'rel="next" href="([^"]+)"', first)[0])
    assert "flow=orders" in behind
    second = room.page(behind)
    shown = [re.findall(r'href="/console/deliveries/(\d+)"', page) for page in (first, second)]
    assert [len(one) for one in shown] == [50, 10]
    assert len({*shown[0], *shown[1]}) == 60


def test_a_page_that_is_not_there_and_a_delivery_that_is_not(room: Room) -> None:
    assert "There is no such page" in room.page("/console/nothing", status=404)
    assert "There is no such page" in room.page("/console/deliveries/none", status=404)
    told = room.page("/console/deliveries/999", status=404)
    assert "there is no delivery 999" in told
    assert '<nav aria-label="Pages">' in told


def test_a_database_that_fails_is_told_in_a_page(room: Room, tmp_path: Path) -> None:
    room.page("/console")
    with closing(sqlite3.connect(tmp_path / "crossdock.sqlite")) as database:
        database.execute("ALTER TABLE deliveries RENAME TO elsewhere")
    room.at.desk.remembered.forget()
    told = room.page("/console", status=503)
    assert "the database failed" in told
    assert '<nav aria-label="Pages">' in told


def test_a_batch_that_is_held_is_told_on_the_first_page(room: Room) -> None:
    assert "batch is held" not in room.page("/console")
    now, levels = room.at.clock.now, room.at.store.levels
    message = Message(id="f", source="erp", flow="inventory", subject="feed", occurred_at=now, payload=b"{}")
    feed = levels.take_feed(
        NewFeed(message=message, flow="inventory", target="store", channel="push", fingerprint="f"), now
    )
    levels.close_feed(feed, FeedState.HELD, 5, "75 % of the rows would fall to zero")
    room.at.desk.remembered.forget()
    assert "1 batch is held" in room.page("/console")


def test_what_was_done_is_one_of_our_own_sentences() -> None:
    with pytest.raises(KeyError):
        done("/console", "made up")
    for word in TEXTS:
        assert done("/console?x=1", word, 3).headers["location"] == f"/console?x=1&told={word}&n=3"
