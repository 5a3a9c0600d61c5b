from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from crossdock.errors import MappingError
from crossdock.operations.correcting import ABSENT, restored
from crossdock.operations.masking import HIDDEN


@pytest.mark.parametrize(
    ("edited", "stored", "made"),
    [
        ({"a": HIDDEN}, {"a": "Ada"}, {"a": "Ada"}),
        ({"a": {"b": HIDDEN, "c": 2}}, {"a": {"b": 1, "c": 1}}, {"a": {"b": 1, "c": 2}}),
        ({"a": [HIDDEN, "x"]}, {"a": ["Ada", "Eve"]}, {"a": ["Ada", "x"]}),
        ({"a": HIDDEN}, {"a": {"deep": "Ada"}}, {"a": {"deep": "Ada"}}),
        ({}, {"a": "Ada"}, {}),
        ({"price": Decimal("19.990")}, {}, {"price": Decimal("19.990")}),
        # by id, whatever was taken away or moved
        (
            {"lines": [{"id": 2, "name": HIDDEN}, {"id": 3, "name": "new"}]},
            {"lines": [{"id": 1, "name": "one"}, {"id": 2, "name": "two"}]},
            {"lines": [{"id": 2, "name": "two"}, {"id": 3, "name": "new"}]},
        ),
        ({"a": ["x"]}, {"a": ["Ada", "Eve"]}, {"a": ["x"]}),
    ],
)
def test_what_is_hidden_is_put_back_from_where_it_was(edited: Any, stored: Any, made: Any) -> None:
    assert restored(edited, stored, "") == made


@pytest.mark.parametrize(
    ("edited", "stored"),
    [
        ({"a": HIDDEN}, {}),
        ({"a": {"b": HIDDEN}}, {"a": "Ada"}),
        ({"a": [HIDDEN]}, {"a": ["Ada", "Eve"]}),
        ({"a": [HIDDEN, HIDDEN, HIDDEN]}, {"a": ["Ada", "Eve"]}),
        ({"lines": [{"id": 9, "name": HIDDEN}]}, {"lines": [{"id": 1, "name": "one"}]}),
        (HIDDEN, ABSENT),
    ],
)
def test_where_nothing_can_be_put_back_it_is_told(edited: Any, stored: Any) -> None:
    with pytest.raises(MappingError):
        restored(edited, stored, "")
