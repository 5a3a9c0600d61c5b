"""How deep a body may be: told from its bytes and from what was read of them alike."""

from __future__ import annotations

from typing import Any

import hypothesis
import msgspec
import pytest
from hypothesis import strategies as st

from crossdock.errors import InvalidPayload
from crossdock.magento.hints import MAX_DEPTH, decode_json, is_deep, refuse_deep

LEAVES = st.none() | st.booleans() | st.integers(-9, 9) | st.text('[]{}"\\a', max_size=5)
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("[]{", max_size=2), inner)
)


@hypothesis.given(JSON, st.integers(1, 6))
def test_both_ways_of_telling_agree(value: Any, limit: int) -> None:
    try:
        # many small ones beside it: a body with few brackets is not looked at more closely
        refuse_deep(msgspec.json.encode([value, [[] for _ in range(limit)]]), limit)
    except InvalidPayload:
        assert is_deep([value, [[]]], limit)
    else:
        assert not is_deep([value, [[] for _ in range(limit)]], limit)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_the_limit_is_exact_and_no_depth_ends_the_process(opening: str, closing: str) -> None:
    def body(depth: int) -> bytes:
        return (opening * depth + ("1" if closing == "}" else "") + closing * depth).encode()

    assert decode_json(body(MAX_DEPTH))
    for depth in (MAX_DEPTH + 1, 900, 100_000):
        with pytest.raises(InvalidPayload, match="deeper"):
            decode_json(body(depth))
