"""A short storm for each kind of ERP that has a stand-in; a breaker opens after five failures and would only take time."""

from __future__ import annotations

import pytest

from crossdock.cli.demo_targets import named
from tests.chaos.erps import good, storm


@pytest.mark.slow
@pytest.mark.parametrize("erp", [name for name in named() if name != "tryton"])
def test_every_create_is_cut_off_after_it_took_effect_and_nothing_is_there_twice(erp: str) -> None:
    tally = storm(erp, 4, 3)
    assert good(tally), tally
