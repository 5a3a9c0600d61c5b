from __future__ import annotations

from collections.abc import Iterator

import pytest

from crossdock.sandbox.erps.oracle_fusion import StandIn
from tests.erp.oracle_fusion.oracle import serving


@pytest.fixture
def oracle() -> Iterator[StandIn]:
    with serving() as server:
        yield server
