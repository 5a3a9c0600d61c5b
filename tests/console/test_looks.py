"""Every page in a real browser: for those who cannot see well, in the light, in the dark, and on a phone.

`CROSSDOCK_SCREENSHOTS=FOLDER` keeps pictures of them (`make screenshots`).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from crossdock.console.navigation import ENTRIES
from crossdock.operations import dead
from crossdock.storage.shadows import ShadowFilter
from tests.console.conftest import PHONE, WIDE, Sight, Viewer
from tests.unit.operations.desks import Bench

pytestmark = pytest.mark.xdist_group("browser")
KINDS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": WIDE},
    "dark": {"color_scheme": "dark", "viewport": WIDE},
    "phone": {"color_scheme": "light", "viewport": PHONE, "has_touch": True},
}
EVERYTHING = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
# the document is the same one: in the dark its colours are others, on a phone where things stand too
RULES: dict[str, dict[str, Any]] = {
    "light": EVERYTHING,
    "dark": {"runOnly": {"type": "rule", "values": ["color-contrast"]}},
    "phone": {"runOnly": {"type": "rule", "values": ["color-contrast", "target-size", "landmark-one-main", "region"]}},
}


def pages(at: Bench) -> dict[str, str]:
    """By the name of their picture."""
    cause = dead.causes(at.desk).causes[0]
    letter, other, *_ = dead.letters(at.desk, cause.id)
    return {entry.name: entry.path for entry in ENTRIES} | {
        "search": "/console/deliveries?search=nothing",
        "delivery": f"/console/deliveries/{letter.id}",
        "correct": f"/console/deliveries/{letter.id}/correct",
        "cause": f"/console/dead/cause/{cause.id}",
        "replay": f"/console/dead/replay?id={letter.id}&id={other.id}",
        "resolve": f"/console/deliveries/{letter.id}/resolve",
        "comparison": f"/console/shadow/{different(at)}",
        "compare-again": "/console/shadow/again?fate=missing",
        "pause": "/console/connections/erp/resume",
        "not-there": "/console/deliveries/999999",
    }


def different(at: Bench) -> int:
    return at.store.shadows.listed(ShadowFilter(fate="different"))[0].delivery


def violations(page: Page, kind: str = "light") -> list[str]:
    options = RULES[kind] | {"resultTypes": ["violations"]}
    found = Axe().run(page, options=options).response["violations"]
    return [f"{one['id']}: {node['target']} {node['failureSummary']}" for one in found for node in one["nodes"]]


@pytest.mark.parametrize("kind", KINDS)
def test_every_page_can_be_read_by_everybody(filled: Bench, signed_in: Viewer, kind: str) -> None:
    page = signed_in("admin", reduced_motion="reduce", **KINDS[kind])
    for name, path in pages(filled).items():
        page.goto(path)
        assert violations(page, kind) == [], f"{path} {kind}"
        assert page.evaluate("document.documentElement.scrollWidth") <= KINDS[kind]["viewport"]["width"], path
        keep(page, f"{name}-{kind}")


@pytest.mark.parametrize("kind", KINDS)
def test_the_login_can_be_read_by_everybody(sight: Sight, kind: str) -> None:
    page = sight.page(**KINDS[kind])
    page.goto("/console/login")
    assert violations(page) == []
    keep(page, f"login-{kind}")


@pytest.mark.parametrize("kind", ["dark", "phone"])
def test_a_question_in_a_dialog_can_be_read_by_everybody(signed_in: Viewer, kind: str) -> None:
    page = signed_in("admin", **KINDS[kind])
    page.goto("/console/dead")
    page.get_by_role("link", name="Try again").first.click()
    page.get_by_role("dialog").get_by_label("Why?").wait_for()
    assert violations(page) == []
    keep(page, f"dialog-{kind}")


def test_the_menu_of_a_phone_leads_on(signed_in: Viewer) -> None:
    page = signed_in("viewer", **KINDS["phone"])
    page.goto("/console")
    page.get_by_text("Menu", exact=True).tap()
    assert violations(page) == []
    page.get_by_role("link", name="Dead letters", exact=False).first.tap()
    page.wait_for_url("**/console/dead")


PICTURED = {"overview-light", "overview-dark", "overview-phone", "delivery-light", "dialog-dark"}


def keep(page: Page, name: str) -> None:
    folder = os.environ.get("CROSSDOCK_SCREENSHOTS")
    if folder and (name in PICTURED or os.environ.get("CROSSDOCK_SCREENSHOTS_ALL")):
        page.screenshot(path=Path(folder) / f"console-{name}.png")
