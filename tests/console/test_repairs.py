"""People who put things right, in a real browser before a Crossdock that runs: drifts, held batches, lookups."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from crossdock.api.serving import Serving
from crossdock.identity.compose import logins_of
from crossdock.security.access import Role
from crossdock.settings import Settings
from tests.console.conftest import Sight
from tests.console.rooms import session
from tests.databases import sqlite_url
from tests.walk.reconciled import Town, stock
from tests.walk.world import until

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of uvicorn's websockets, which nothing uses
GUARD = {"zero_percent": 20, "least_rows": 3, "jump_factor": 0}
LOOKUPS = {"terms": {"missing": "ask", "entries": {"checkmo": "NET30"}}}
PAYLOADS = {"orders": {"lookups": {"payment.method": "terms"}}}
SKUS = range(1, 9)


class Works:
    """A town whose Crossdock runs, and whoever looks at it."""

    def __init__(self, town: Town, serving: Serving, sight: Sight) -> None:
        self.town, self.serving, self.sight = town, serving, sight

    def page(self, role: Role) -> Page:
        return self.sight.page(session(logins_of(self.serving.crossdock), role, role))

    def levels(self) -> dict[int, float | None]:
        return {number: self.town.level(f"SIM-{number:04}") for number in SKUS}

    def told(self) -> list[str]:
        """What the ERP was told of the orders' payments, in their order."""
        return self.town.erp.do(lambda erp: [one["payload"]["payment"]["method"] for one in erp.orders])

    def carried(self, *methods: str) -> None:
        """The ERP was told so, and it is known here that it was: the ERP has an order before its delivery is settled."""
        until(lambda: self.told() == [*methods], 60)
        self.town.settled(self.serving.crossdock, "orders")


@pytest.fixture
def works(tmp_path: Path, browser: Browser) -> Iterator[Works]:
    with ExitStack() as stack:
        options = {"inventory": {"warehouses": {"MI": "wh_milan", "RM": "wh_rome"}, "guard": GUARD}}
        town = Town(tmp_path, sqlite_url(tmp_path), stack, options=options)
        town.lists("stock", *(stock(number, number + 7) for number in SKUS))
        town.lists("stock", *(stock(number, 40, "RM") for number in (1, 2, 3)))  # the store begins with these
        town.scan()
        told = town.settings.model_dump(exclude_unset=True) | {"lookups": LOOKUPS, "login": {"plain_http": True}}
        told["connections"]["erp"]["payloads"] = PAYLOADS
        serving = Serving(Settings.model_validate(told))
        serving.start()
        stack.callback(serving.stop)
        sight = Sight(browser, serving.url)
        made = Works(town, serving, sight)
        until(lambda: made.levels() == {number: number + 7 for number in SKUS}, 60)
        town.settled(serving.crossdock, "inventory")
        yield made
        sight.close()


def says_why(page: Page, why: str, verb: str) -> None:
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    dialog.get_by_label("Why?").fill(why)
    dialog.get_by_role("button", name=verb).click()


def test_a_drift_is_found_named_repaired_and_proven_repaired(works: Works) -> None:
    works.town.overwrite("SIM-0002", 500)
    page = works.page(Role.OPERATOR)
    page.goto("/console/reconciliation")
    page.get_by_role("button", name="Compare inventory of store and erp now").click()
    expect(page.get_by_role("status")).to_contain_text("has begun")
    row = page.get_by_role("row", name="inventory of store and erp").first
    expect(row).to_contain_text("done")
    row.get_by_role("link", name="1", exact=True).click()
    drift = page.get_by_role("row", name="wh_milan/sim-0002")
    for text in ("quantity", "500", "9", "overwritten in store", "owed to the store again"):
        expect(drift).to_contain_text(text)
    drift.get_by_role("checkbox").check()
    page.get_by_role("button", name="Repair the chosen").click()
    expect(page.get_by_role("heading", name="Repair 1 difference")).to_be_visible()
    expect(page.get_by_text("crossdock reconcile apply")).to_contain_text("--key wh_milan/sim-0002")
    page.get_by_label("Why?").fill("somebody typed it in by hand")
    page.get_by_role("button", name="Repair", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("1 repair begun")
    expect(page.get_by_role("row", name="wh_milan/sim-0002")).to_contain_text("repaired")
    until(lambda: works.town.level("SIM-0002") == 9, 60)
    page.goto("/console/reconciliation")
    page.get_by_role("button", name="Compare inventory of store and erp now").click()
    runs = page.get_by_role("region", name="Comparisons").get_by_role("row", name="inventory")
    expect(runs).to_have_count(2)  # before that the newest is the one from above, and done
    newest = runs.first
    expect(newest).to_contain_text("done")
    newest.get_by_role("link").click()
    expect(page.get_by_text("Both sides are the same.")).to_be_visible()
    trail = works.serving.crossdock.store.audit_export(bodies=False)
    (done,) = [row for row in trail if row["operation_type"] == "reconcile"]
    assert done["actor"].endswith("operator")
    assert "somebody typed it in by hand" in done["detail"]


def test_a_viewer_sees_the_drifts_and_cannot_repair_them(works: Works) -> None:
    works.town.overwrite("SIM-0002", 500)
    work = works.serving.crossdock.reconciling
    run = work.compare(work.of("inventory")[0], "test")
    assert run is not None
    page = works.page(Role.VIEWER)
    page.goto(f"/console/reconciliation/{run.id}")
    expect(page.get_by_role("row", name="wh_milan/sim-0002")).to_be_visible()
    expect(page.get_by_role("checkbox")).to_have_count(0)
    expect(page.get_by_text("Repair all")).to_have_count(0)
    page.goto(f"/console/reconciliation/{run.id}/apply")
    expect(page.get_by_role("heading")).to_contain_text("Forbidden")


def test_a_held_batch_is_understood_and_approved_by_keyboard(works: Works) -> None:
    works.town.lists("stock", *(stock(number, 0) for number in SKUS))
    works.town.scan()
    page = works.page(Role.APPROVER)
    page.goto("/console/held")
    expect(page.get_by_role("heading", name="8 of 8 rows go to zero, more than 20")).to_be_visible()
    assert works.levels() == {number: number + 7 for number in SKUS}, "nothing of it was sent"
    page.get_by_role("link", name="Approve").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("8 rows of 8 inventory of store")
    expect(page.get_by_role("dialog").get_by_label("Why?")).to_be_focused()
    page.keyboard.type("stock-taking: the shelves are empty")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Approved")
    expect(page.get_by_text("Nothing is held.")).to_be_visible()
    until(lambda: works.levels() == dict.fromkeys(SKUS, 0), 60)


def test_an_operator_cannot_approve_and_a_refused_batch_is_never_sent(works: Works) -> None:
    works.town.lists("stock", *(stock(number, 0) for number in SKUS))
    works.town.scan()
    operator = works.page(Role.OPERATOR)
    operator.goto("/console/held")
    expect(operator.get_by_text("Only an approver decides")).to_be_visible()
    expect(operator.get_by_role("link", name="Approve")).to_have_count(0)
    page = works.page(Role.APPROVER)
    page.goto("/console/held")
    page.get_by_role("link", name="Refuse").click()
    says_why(page, "the export was empty", "Refuse")
    expect(page.get_by_text("Nothing is held.")).to_be_visible()
    works.town.settled(works.serving.crossdock, "inventory")
    assert works.levels() == {number: number + 7 for number in SKUS}


def test_a_mapping_is_previewed_published_and_rolled_back(works: Works) -> None:
    works.town.shop.place(3, ["simple"])
    works.carried(*["NET30"] * 3)
    page = works.page(Role.OPERATOR)
    page.goto("/console/lookups")
    page.get_by_role("link", name="Change checkmo of terms").click()
    page.get_by_label("The target is told").fill("NET14")
    page.get_by_role("button", name="See what it would change").click()
    expect(page.get_by_text("3 would change")).to_be_visible()
    change = page.get_by_role("row", name="payment.method")
    expect(change).to_contain_text("NET30")
    expect(change).to_contain_text("NET14")
    assert works.told() == ["NET30"] * 3, "nothing was sent"
    page.get_by_label("Why?").fill("as agreed with finance")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("status")).to_contain_text("Published")
    works.town.shop.place(1, ["simple"])
    works.carried(*["NET30"] * 3, "NET14")
    page.get_by_role("link", name="Change checkmo of terms").click()
    expect(page.get_by_role("row", name="as agreed with finance")).to_contain_text("NET14")
    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_text("4 would change")).to_be_visible()
    page.get_by_label("Why?").fill("finance has thought again")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("status")).to_contain_text("Taken back")
    works.town.shop.place(1, ["simple"])
    works.carried(*["NET30"] * 3, "NET14", "NET30")


def test_other_settings_are_tried_on_the_orders_that_came(works: Works) -> None:
    works.town.shop.place(2, ["simple"])
    works.carried(*["NET30"] * 2)
    page = works.page(Role.ADMIN)
    page.goto("/console/mappings")
    page.get_by_label("Settings, as TOML").fill('[lookups.terms.entries]\ncheckmo = "NET7"\n')
    page.get_by_role("button", name="See what it would change").click()
    expect(page.get_by_role("row", name="payment.method")).to_contain_text("NET7")
    page.get_by_label("Settings, as TOML").fill('[connections.erp]\nurl = "http://elsewhere"\n')
    page.get_by_role("button", name="See what it would change").click()
    expect(page.get_by_role("alert")).to_contain_text("connections.erp.url")
    assert works.told() == ["NET30"] * 2


def test_the_doctor_is_asked_and_tells_how_to_mend(works: Works) -> None:
    page = works.page(Role.ADMIN)
    page.goto("/console/settings")
    expect(page.get_by_text("Nobody has asked")).to_be_visible()
    page.get_by_role("button", name="Look now").click(timeout=60_000)
    expect(page.get_by_role("status")).to_contain_text("Everything was looked at", timeout=60_000)
    expect(page.get_by_text("How to mend it").first).to_be_attached()
    viewer = works.page(Role.VIEWER)
    viewer.goto("/console/settings")
    expect(viewer.get_by_role("heading", name="Doctor")).to_have_count(0)


def test_a_road_is_read_paused_and_resumed(works: Works) -> None:
    works.town.lists("stock", stock(1, 77))
    page = works.page(Role.OPERATOR)
    page.goto("/console/schedules")
    page.get_by_role("link", name="Read now").click()
    says_why(page, "the ERP has new stock", "Read now")
    expect(page.get_by_role("status")).to_contain_text("being read")
    until(lambda: works.town.level("SIM-0001") == 77, 60)
    page.get_by_role("link", name="Pause").click()
    says_why(page, "the ERP is upgraded", "Pause")
    expect(page.get_by_role("row", name="erp/store/inventory")).to_contain_text("paused")
    page.get_by_role("link", name="Resume").click()
    says_why(page, "it is back", "Resume")
    expect(page.get_by_role("link", name="Pause")).to_be_visible()
