"""What was released is still kept: nobody who uses it is broken by what is published now."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from crossdock.api.freeze import breaks, freeze, published

REFERENCE = Path(__file__).parent.parent.parent / "docs" / "reference"


def test_nothing_that_was_released_is_broken() -> None:
    assert breaks(REFERENCE) == []


def test_everything_that_others_rely_on_has_its_released_copy() -> None:
    kept = {one.relative_to(REFERENCE / "released") for one in (REFERENCE / "released").rglob("*.json")}
    assert {Path("openapi.json"), Path("asyncapi.json"), Path("schemas/order-payload.schema.json")} <= kept
    assert kept <= set(published(REFERENCE))


def copied(folder: Path) -> Path:
    shutil.copytree(REFERENCE, folder / "reference")
    return folder / "reference"


def test_a_break_is_seen_and_not_frozen_unless_it_is_meant(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    openapi = folder / "openapi.json"
    document = json.loads(openapi.read_text())
    del document["paths"]["/rest/V1/erp/inventory/update"]
    openapi.write_text(json.dumps(document))
    told = ["openapi.json: /rest/V1/erp/inventory/update: the path is gone"]
    assert breaks(folder) == freeze(folder) == told
    assert freeze(folder, breaking=True) == []
    assert breaks(folder) == []


def test_a_document_that_is_gone_is_seen(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    (folder / "schemas/refund-payload.schema.json").unlink()
    assert breaks(folder) == ["schemas/refund-payload.schema.json: is gone"]
