"""kill -9 between every two steps of customers' walks: nobody is there twice, and both sides end alike."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from crossdock.sandbox.run import ErpServer, StoreServer
from tests.databases import postgres_url, sqlite_url
from tests.walk.files import toml
from tests.walk.test_customers import with_customers
from tests.walk.test_sandbox_bugs import TOKEN, configured
from tests.walk.world import until

ROOT = Path(__file__).parent.parent.parent
STEPS = [("page-stored", 1), ("after-look", 2), ("after-send", 1), ("after-send", 3), ("before-settle", 3)]


@contextmanager
def child(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    running = subprocess.Popen([sys.executable, "-m", "tests.chaos.customer_child", *arguments], cwd=ROOT)
    try:
        yield running
    finally:
        if running.poll() is None:
            running.terminate()
        running.wait(60)


def survive(folder: Path, point: str, nth: int, database: str) -> None:
    shop, erp = StoreServer(seed=5, token=TOKEN), ErpServer(seed=6, token=TOKEN)
    shop.start()
    erp.start()
    try:
        for number, row in (
            ("X-2", {"email": "customer2@example.com", "website": "base", "vat_id": "IT2"}),
            ("P-1", {"email": "p1@example.com", "first_name": "P", "last_name": "One"}),
        ):
            erp.do(lambda one, number=number, row=row: one.people.edit(number, row))  # type: ignore[misc]
        settings = with_customers(configured(folder, shop, erp), database, {})
        path = folder / "crossdock.toml"
        path.write_text(toml(settings.model_dump(mode="json", exclude_unset=True)))
        with child(str(path), point, str(nth)) as doomed:
            assert doomed.wait(60) == -9, "it did not come to that step"

        def is_right() -> bool:
            rows = shop.do(lambda store: [dict(row) for row in store.customers.values()])
            known = erp.do(lambda one: {number: dict(row) for number, row in one.people.kept.items()})
            emails = sorted(row["email"] for row in rows)
            right = emails == [
                "customer1@example.com",
                "customer2@example.com",
                "customer3@example.com",
                "p1@example.com",
            ]
            vat = next((row.get("taxvat") for row in rows if row["id"] == 2), "")
            references = sorted(row["reference"] for row in known.values() if "reference" in row)
            return right and vat == "IT2" and references == ["1", "2", "3"] and len(known) == 4

        with child(str(path), "never", "1"):
            until(is_right, 60)
        assert is_right(), "it did not stay so"
    finally:
        shop.stop()
        erp.stop()


@pytest.mark.parametrize(("point", "nth"), STEPS)
def test_killed_at_any_step_nobody_is_there_twice(tmp_path: Path, point: str, nth: int) -> None:
    survive(tmp_path, point, nth, sqlite_url(tmp_path))


@pytest.mark.services
@pytest.mark.parametrize(("point", "nth"), [("after-send", 2)])
def test_the_same_on_postgresql(tmp_path: Path, point: str, nth: int) -> None:
    with postgres_url() as url:
        survive(tmp_path, point, nth, url)
