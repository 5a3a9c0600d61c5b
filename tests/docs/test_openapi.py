from __future__ import annotations

from pathlib import Path

from crossdock.api.schema import described

ROOT = Path(__file__).parent.parent.parent


def test_the_committed_description_is_the_served_one() -> None:
    assert (ROOT / "docs/reference/openapi.json").read_text() == described()
