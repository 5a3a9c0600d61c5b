"""Tables by which people say what a code is called on the other side."""

from __future__ import annotations

import pytest

from crossdock.contract.lookups import NO_LOOKUPS, FixedLookups, Named
from crossdock.errors import MissingEntry


def test_a_missing_entry_names_the_table_and_the_value() -> None:
    with pytest.raises(MissingEntry, match=r"lookups\.payment_terms: has no entry for 'cash'"):
        FixedLookups({"payment_terms": {"checkmo": "N30"}}).find("payment_terms", "cash")


def test_no_table_is_no_answer() -> None:
    assert NO_LOOKUPS.find("payment_terms", "cash") is None
    assert not NO_LOOKUPS.has("payment_terms")


def test_a_connection_calls_its_tables_what_it_likes() -> None:
    named = Named(FixedLookups({"sap_terms": {"checkmo": "N30"}}), {"payment_terms": "sap_terms"})
    assert named.find("payment_terms", "checkmo") == "N30"
    assert named.has("payment_terms")
    with pytest.raises(MissingEntry, match="sap_terms"):
        named.find("payment_terms", "cash")
