from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, Playwright, expect, sync_playwright

from crossdock.identity.compose import logins_of
from crossdock.security.access import Role
from crossdock.storage.engine import open_engine
from crossdock.storage.migrate import migrate
from tests.console.filled import fill
from tests.console.rooms import LOGIN, LOOKUPS, Room, opened, served, session
from tests.databases import missing, sqlite_url
from tests.unit.operations.desks import Bench, bench

CHROMIUM = os.environ.get("CROSSDOCK_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or ""
WIDE, PHONE = {"width": 1360, "height": 900}, {"width": 390, "height": 844}
Viewer = Callable[..., Page]
PATIENCE_MS = 60_000  # where others work on the same cores
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once, copied for each test: that is quicker than making it each time."""
    folder = tmp_path_factory.mktemp("empty")
    engine = open_engine(sqlite_url(folder))
    migrate(engine)
    engine.dispose()
    return folder / "crossdock.sqlite"


@pytest.fixture
def room(tmp_path: Path, empty_database: Path) -> Iterator[Room]:
    """An empty console, in this process."""
    shutil.copy(empty_database, tmp_path)
    with opened(tmp_path) as made:
        yield made


# not for the session: while it runs, it has this thread's event loop, which others start their own in
@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """A real one, without a window."""
    if not CHROMIUM:
        missing("Chromium")
    try:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"], timeout=120_000)
    except Error:
        missing("Chromium")
    yield started
    started.close()


class Sight:
    """Pages of a console at `url`, and what went wrong in them that nobody expected."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser, self.url = browser, url
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []

    def page(self, secret: str = "", **options: Any) -> Page:
        """A browser of its own; `secret`: its session. `options` as of Playwright's `new_context`."""
        context = self._browser.new_context(base_url=self.url, **{"viewport": WIDE} | options)
        context.set_default_timeout(PATIENCE_MS)
        if secret:
            context.add_cookies([{"name": "crossdock", "value": secret, "url": self.url}])
        self._contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        # a policy that is broken, a script that cannot be loaded; answers of 4xx are asked for by tests
        page.on(
            "console",
            lambda told: (
                self.complaints.append(told.text) if told.type == "error" and "status of 4" not in told.text else None
            ),
        )
        return page

    def close(self) -> None:
        for context in self._contexts:
            context.close()
        assert self.complaints == []


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A desk with a busy morning on it. It is looked at and not changed."""
    with bench(tmp_path_factory.mktemp("filled"), login=LOGIN, lookups=LOOKUPS) as at:
        fill(at)
        yield at


@pytest.fixture(scope="session")
def filled_url(filled: Bench) -> Iterator[str]:
    with served(filled) as url:
        yield url


@pytest.fixture(scope="session")
def keys(filled: Bench) -> dict[str, str]:
    """The session of each role at the filled desk."""
    return {role: session(logins_of(filled.crossdock), role, role) for role in Role}


@pytest.fixture
def sight(browser: Browser, filled_url: str) -> Iterator[Sight]:
    """Looks at the filled desk. At its end nothing may have gone wrong in any page."""
    made = Sight(browser, filled_url)
    yield made
    made.close()


@pytest.fixture
def signed_in(sight: Sight, keys: dict[str, str]) -> Viewer:
    """A page of somebody with this role, at the filled desk."""
    return lambda role="admin", **options: sight.page(keys[role], **options)
