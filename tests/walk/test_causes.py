"""Dead letters by cause, on the command line: seen, and tried again together."""

from __future__ import annotations

from pathlib import Path

from tests.material import needs_shared
from tests.walk.test_operators import served

pytestmark = needs_shared


def test_all_letters_of_one_cause_are_tried_again(tmp_path: Path) -> None:
    for desk in served(tmp_path, ""):
        letter, number = desk.refused()
        (cause,) = desk.told("dead", "causes")
        assert (cause["count"], cause["code"], cause["owner"]) == (1, letter["code"], "business")
        assert cause["at_risk"]["counted"] == 1  # its grand total is read from the record of a real order
        assert "unknown SKU" in desk.says("dead", "causes")
        assert "0 of 0" in desk.says("dead", "replay", "--cause", "0" * 16)
        assert "1 of 1" in desk.says(*cause["cli"].split()[1:], "--why", "known by now")
        desk.delivered(number)
        assert desk.told("dead", "causes") == []
