"""People at work, in a real browser before a Crossdock that runs: between a sandbox store and an ERP that says no."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from crossdock.api.serving import Serving
from crossdock.sandbox.run import StoreServer
from crossdock.security.access import Role
from crossdock.security.users import fence
from crossdock.settings import Settings
from tests.console.conftest import Sight, Viewer
from tests.console.rooms import PASSWORD, Room, add_user, served
from tests.recorded_server import Asked, Reply, serve
from tests.walk.world import Erp, settings, until

pytestmark = [
    pytest.mark.xdist_group("browser"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of uvicorn's websockets, which nothing here uses
]


class Picky(Erp):
    """Takes orders whose every SKU it knows."""

    def __init__(self) -> None:
        super().__init__()
        self.unknown: set[str] = set()

    def answer(self, asked: Asked) -> Reply:
        if asked.method == "POST" and asked.path == "/orders":
            skus = {line["sku"] for line in asked.json()["items"]}
            with self.lock:
                unknown = sorted(skus & self.unknown)
            if unknown:
                return Reply(422, {"message": f"unknown SKU {unknown[0]}", "field": "items[0].sku"})
        return super().answer(asked)


class Works:
    """The three of them, and who has a login: ada, an operator."""

    def __init__(self, shop: StoreServer, erp: Picky, serving: Serving) -> None:
        self.shop, self.erp, self.serving = shop, erp, serving

    def order(self) -> tuple[str, str]:
        """A new order in the store: its number and a SKU of it, which the ERP does not know from then on."""
        with self.erp.lock:  # the order may be on its way to the ERP before we know its SKU
            (number,) = self.shop.place(1, ["simple"])
            placed = self.shop.do(lambda store: store.orders[number])
            sku = placed["items"][0]["sku"]
            self.erp.unknown.add(sku)
        return placed["increment_id"], sku

    def acknowledged(self) -> int:
        return self.shop.do(lambda store: sum("ext_order_id" in one for one in store.orders.values()))

    def dead(self) -> int:
        return sum(count for (_, _, state), count in self.serving.crossdock.store.counts().items() if state == "dead")


def told(folder: Path, shop: str, erp: str) -> Settings:
    made: dict[str, Any] = settings(folder, shop, erp).model_dump(exclude_unset=True)
    return Settings.model_validate(made | {"api": {"port": 0}, "login": {"plain_http": True}})


@pytest.fixture
def works(tmp_path: Path) -> Iterator[Works]:
    shop, erp = StoreServer(seed=7, token="t0ken"), Picky()
    shop.start()
    with serve(erp.answer) as erp_server:
        serving = Serving(told(tmp_path, shop.url, erp_server.url))
        serving.start()
        add_user(serving.crossdock, "ada", Role.OPERATOR)
        try:
            yield Works(shop, erp, serving)
        finally:
            serving.stop()
            shop.stop()


@pytest.fixture
def desk(browser: Browser, works: Works) -> Iterator[Page]:
    """Ada's browser, logged in by her password."""
    sight = Sight(browser, works.serving.url)
    page = sight.page()
    log_in(page, "ada", PASSWORD)
    page.wait_for_url("**/console")
    yield page
    sight.close()


def log_in(page: Page, name: str, password: str) -> None:
    page.goto("/console/login")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def test_an_operator_finds_out_why_an_order_is_missing_repairs_it_and_proves_it_is_there_once(
    works: Works, desk: Page
) -> None:
    expect(desk.get_by_text("live", exact=True)).to_be_visible()
    number, sku = works.order()
    # the number beside the menu's entry comes by itself
    expect(desk.get_by_role("link", name="Dead letters 1")).to_be_visible(timeout=60_000)

    desk.get_by_role("link", name="Deliveries", exact=True).click()
    desk.get_by_label("Find").fill(number)
    desk.get_by_role("button", name="Show").click()
    desk.get_by_role("row").filter(has_text="dead letter").get_by_role("link", name=number).click()
    expect(desk.locator("#story")).to_contain_text("HTTP 422")
    request = desk.get_by_role("region", name="Request").first
    expect(request).to_contain_text(number)
    assert "@" not in request.inner_text(), "an operator sees nobody's address"

    desk.get_by_role("link", name="Correct and try again").click()
    record = desk.get_by_label("Record")
    record.fill(record.input_value().replace(f'"{sku}"', f'"{sku}-RENAMED"'))
    desk.get_by_label("Why?").fill("the ERP calls it otherwise since today")
    desk.get_by_role("button", name="Check, keep and try again").click()
    expect(desk.get_by_role("status").first).to_contain_text("corrected")

    # what becomes of it is seen without loading the page again
    expect(desk.locator("#story").get_by_text("delivered").first).to_be_visible(timeout=60_000)
    expect(desk.locator("#story")).to_contain_text("SO-1")
    expect(desk.locator("#story")).to_contain_text("user:ada")
    until(lambda: works.acknowledged() == 1, 60)
    assert works.erp.numbers() == [number]
    (_, order) = works.erp.kept[0]
    assert [line["sku"] for line in order["items"]] == [f"{sku}-RENAMED"]


def test_letters_of_one_cause_are_tried_again_together_once_it_is_gone(works: Works, desk: Page) -> None:
    numbers = sorted(works.order()[0] for _ in range(4))
    until(lambda: works.dead() == 4, 60)
    desk.get_by_role("link", name="Dead letters").first.click()
    expect(desk.get_by_role("heading", name="unknown SKU")).to_be_visible()
    works.erp.unknown.clear()
    desk.get_by_role("link", name="Try again").click()
    dialog = desk.get_by_role("dialog")
    expect(dialog).to_contain_text("Try 4 letters again")
    expect(dialog).to_contain_text("EUR")
    dialog.get_by_label("Why?").fill("the catalog was loaded")
    dialog.get_by_role("button", name="Try again").click()
    expect(desk.get_by_role("status").first).to_contain_text("4 letters will be tried again")
    expect(desk.get_by_text("No dead letters.")).to_be_visible(timeout=60_000)
    until(lambda: works.acknowledged() == 4, 60)
    assert sorted(works.erp.numbers()) == numbers


def test_whoever_fails_too_often_is_locked_out_even_with_the_right_password(browser: Browser, room: Room) -> None:
    add_user(room.at.crossdock, "ada", Role.VIEWER)
    with served(room.at) as url:
        sight = Sight(browser, url)
        page = sight.page()
        page.goto("/console/deliveries")
        page.wait_for_url("**/console/login")
        for _ in range(3):
            log_in(page, "ada", "wrong password")
            expect(page.get_by_role("alert")).to_contain_text("wrong, or there were too many attempts")
        log_in(page, "ada", PASSWORD)
        expect(page.get_by_role("alert")).to_contain_text("too many attempts")
        room.at.store.users.unlock("ada", fence("user", "ada", 3), "test", room.at.clock.now)
        log_in(page, "ada", PASSWORD)
        page.wait_for_url("**/console")
        page.get_by_role("button", name="Log out").first.click()
        page.wait_for_url("**/console/login")
        page.goto("/console")
        page.wait_for_url("**/console/login")
        sight.close()


def test_everything_can_be_done_by_the_keyboard_alone(browser: Browser, room: Room) -> None:
    add_user(room.at.crossdock, "ada", Role.OPERATOR)
    with served(room.at) as url:
        sight = Sight(browser, url)
        page = sight.page()
        page.goto("/console/login")
        expect(page.get_by_label("Name")).to_be_focused()
        page.keyboard.type("ada")
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/console")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
        page.keyboard.press("Enter")
        pause = page.get_by_role("link", name="Pause").first
        tab_to(page, "Pause")
        assert pause.evaluate("one => getComputedStyle(one).outlineStyle") == "solid"
        read_again(page)
        expect(pause).to_be_focused()  # though it is another one by now
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog").get_by_label("Why?")).to_be_focused()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_be_hidden()
        expect(pause).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog").get_by_label("Why?")).to_be_focused()
        page.keyboard.type("the ERP is being upgraded")
        page.keyboard.press("Tab")
        assert focused(page) == "Pause"
        page.keyboard.press("Enter")
        expect(page.get_by_role("status").first).to_contain_text("Paused")
        sight.close()
    (paused,) = room.at.store.paused()
    assert (paused.by, paused.reason) == ("user:ada", "the ERP is being upgraded")


def read_again(page: Page) -> None:
    """As if something had changed: until the page shows what it has read."""
    page.evaluate("document.getElementById('overview').dataset.old = 'yes'; htmx.trigger(document.body, 'changed')")
    page.wait_for_selector("#overview:not([data-old])")


def tab_to(page: Page, name: str) -> None:
    for _ in range(40):
        page.keyboard.press("Tab")
        if focused(page) == name:
            return
    pytest.fail(f"{name} is not reached")


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.textContent.trim()"))


def test_everything_works_without_scripts(browser: Browser, room: Room) -> None:
    room.at.dead(1)
    room.at.clock.forward(seconds=1)
    add_user(room.at.crossdock, "ada", Role.OPERATOR)
    with served(room.at) as url:
        sight = Sight(browser, url)
        page = sight.page(java_script_enabled=False)
        log_in(page, "ada", PASSWORD)
        page.get_by_role("link", name="Dead letters").first.click()
        page.get_by_role("link", name="unknown SKU").click()
        page.get_by_label("Letter 000000001").check()
        page.get_by_role("button", name="Resolve the chosen").click()
        page.get_by_label("Why?").fill("entered by hand")
        page.get_by_role("button", name="Mark as dealt with").click()
        expect(page.get_by_role("status")).to_contain_text("1 letter marked as dealt with")
        expect(page.get_by_text("No dead letters.")).to_be_visible()
        sight.close()


def test_what_a_page_asks_by_itself_is_told_from_what_somebody_asks(signed_in: Viewer) -> None:
    page = signed_in("operator")
    page.goto("/console")
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    page.get_by_text("Looks: 1 planned").click()
    with page.expect_request(lambda asked: "hx-request" in asked.headers) as by_itself:
        read_again(page)
    expect(page.get_by_role("columnheader", name="Planned")).to_be_visible()
    assert by_itself.value.headers["x-crossdock-background"] == "1"
    with page.expect_request("**/resume") as by_hand:
        page.get_by_role("link", name="Resume").click()
    assert "hx-request" in by_hand.value.headers
    assert "x-crossdock-background" not in by_hand.value.headers


def test_a_viewer_is_not_asked_what_they_may_not_do(signed_in: Viewer) -> None:
    page = signed_in("viewer")
    page.goto("/console/dead")
    assert page.get_by_role("link", name=re.compile("Try again|Resolve")).count() == 0
    page.goto("/console")
    assert page.get_by_role("link", name=re.compile("Pause|Resume")).count() == 0
