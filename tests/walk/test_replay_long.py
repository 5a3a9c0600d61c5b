"""A long period: one carried order multiplied in the database, replayed in the same memory however many there are."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, func, insert, select
from sqlalchemy.engine import Connection

from crossdock.storage.tables import archived_deliveries, archived_messages, audit, deliveries, messages
from tests.databases import sqlite_url
from tests.long import at_length
from tests.material import needs_shared
from tests.recorded_server import serve
from tests.walk.files import toml
from tests.walk.test_replay import STAMP, World
from tests.walk.world import Erp, Shop, settings

FEW, MANY = 1_000, 10_500  # orders; each is a look, an order and an acknowledgement
MONTH = 202611
MEASURED = """
import resource, sys
from crossdock.cli.main import app
try:
    app()
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""


def carried(folder: Path) -> dict[str, Any]:
    """One order, to its acknowledgement; the settings' tables."""
    shop, erp = Shop(), Erp()
    with serve(shop.answer) as one, serve(erp.answer) as two:
        tables = settings(folder, one.url, two.url, sqlite_url(folder)).model_dump(mode="json", exclude_defaults=True)
        world = World(folder, shop, erp, tables)
        try:
            world.day(["001_smoke"])
        finally:
            world.stop()
    return tables


def multiplied(connection: Connection, first: int, last: int) -> None:
    """The same under other subjects, in the archive, where keys are not single. Bodies are shared: each names the
    subject that it is sealed for.
    """
    heard = [row._asdict() for row in connection.execute(select(messages).where(messages.c.seq < 1_000))]
    owed = [row._asdict() for row in connection.execute(select(deliveries).where(deliveries.c.id < 1_000))]
    said = [row._asdict() for row in connection.execute(select(audit).where(audit.c.id < 1_000))]
    for table, key, rows in ((archived_messages, "seq", heard), (archived_deliveries, "id", owed), (audit, "id", said)):
        for begin in range(first, last, 500):
            many = [another(table.name, key, row, n) for n in range(begin, min(begin + 500, last)) for row in rows]
            connection.execute(insert(table), many)


def another(table: str, key: str, row: dict[str, Any], number: int) -> dict[str, Any]:
    made = row | {key: row[key] + number * 1_000}
    if table == "archived_messages":
        return made | {"month": MONTH, "id": f"{row['id']}:{number}", "subject": f"{row['subject']}-{number}"}
    if table == "archived_deliveries":
        seq = row["message_seq"] + number * 1_000
        return made | {"month": MONTH, "message_seq": seq, "subject": f"{row['subject']}-{number}"}
    delivery = None if row["delivery_id"] is None else row["delivery_id"] + number * 1_000
    return made | {"position": None, "delivery_id": delivery, "entity_id": f"{row['entity_id']}-{number}"}


def replayed(folder: Path) -> tuple[dict[str, Any], int]:
    """What it tells, and the most memory that its process had, in kilobytes."""
    now = datetime.now(UTC)
    period = f"{now - timedelta(hours=1):{STAMP}}..{now + timedelta(minutes=1):{STAMP}}"
    words = ["replay", "--as-of", period, "--dry-run", "--json", "--config", str(folder / "now.toml")]
    done = subprocess.run([sys.executable, "-c", MEASURED, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), int(done.stderr.split()[-1])


@needs_shared
@pytest.mark.slow
@pytest.mark.timeout(600)
@at_length("ten thousand deliveries")
def test_ten_times_as_many_deliveries_need_no_more_memory(tmp_path: Path) -> None:
    tables = carried(tmp_path)
    (tmp_path / "now.toml").write_text(toml(tables))
    engine = create_engine(tables["database"]["url"])
    used = []
    for first, last in ((1, FEW), (FEW, MANY)):
        with engine.begin() as connection:
            multiplied(connection, first, last)
            count = select(func.count()).where(archived_deliveries.c.flow == "orders")
            orders = 1 + connection.execute(count).scalar_one()
        found, most = replayed(tmp_path)
        used.append(most)
        assert found["counts"]["same"] == found["deliveries"] == orders == last
    engine.dispose()
    few, many = used
    assert many < few + 30_000
