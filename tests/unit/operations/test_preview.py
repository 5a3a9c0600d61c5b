"""What an entry or other settings would change: in recorded orders, shown without what is about a person."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from crossdock.contract.message import Message
from crossdock.delivery.intake import arrival_of
from crossdock.errors import ConfigurationError, MappingError, Stale
from crossdock.flows import LOOKS
from crossdock.operations import lookups, preview
from crossdock.settings import LookupSettings
from tests.material import needs_shared
from tests.unit.operations.desks import Bench, bench
from tests.walk.world import recorded

pytestmark = needs_shared
TERMS = {"terms": LookupSettings(missing="ask", entries={"checkmo": "NET30", "banktransfer": "NET10"})}


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path, lookups=TERMS) as made:
        yield made


def read(at: Bench, payload: dict[str, Any]) -> None:
    """As a look at it in the store has read it."""
    message = Message(
        id=f"poll:{payload['entity_id']}",
        source="store",
        flow=LOOKS.name,
        subject=str(payload["entity_id"]),
        reference=payload["increment_id"],
        occurred_at=at.clock.now,
        read_at=at.clock.now,
        payload=msgspec.json.encode(payload),
    )
    at.store.record([arrival_of(LOOKS, message, "poll")], at.clock.now)


def settings(at: Bench, payloads: str) -> preview.Preview:
    return preview.of_settings(at.desk, f"[connections.erp.payloads.orders]\n{payloads}\n")


def test_another_mapping_changes_what_it_says_and_nothing_is_kept(at: Bench) -> None:
    read(at, recorded("001_smoke"))
    before = at.store.counts()
    same = settings(at, "")
    assert [(one.target, one.orders, one.same, one.changed) for one in same.targets] == [("erp", 1, 1, 0)]
    (erp,) = settings(at, 'fields = {"channel" = "\'web\'"}').targets
    assert (erp.same, erp.changed) == (0, 1)
    (change,) = erp.fields
    assert (change.field, change.before, change.after) == ("channel", "null", '"web"')
    assert change.order == recorded("001_smoke")["increment_id"]
    assert at.store.counts() == before


def test_only_the_parts_that_say_what_is_sent_can_be_tried(at: Bench) -> None:
    for text, named in (
        ('[connections.erp]\nurl = "http://elsewhere"\n', r"connections\.erp\.url"),
        ('[connections.erp.auth]\ntoken = "file:/etc/passwd"\n', r"connections\.erp\.auth"),
        ('[database]\nurl = "sqlite:///x"\n', "database"),
        ("[connections.nobody.payloads]\n", r"connections\.nobody"),
        ("[[[", "settings is no TOML|settings"),
        ("a" * (preview.LARGEST + 1), "settings"),
    ):
        with pytest.raises(MappingError, match=named):
            preview.of_settings(at.desk, text)
    with pytest.raises(ConfigurationError):
        preview.of_settings(at.desk, '[[routes]]\nsource = "nowhere"\ntarget = "erp"\n')


def test_an_entry_is_seen_and_a_person_is_not(at: Bench, tmp_path: Path) -> None:
    told = at.desk.settings.model_dump(exclude_unset=True)
    told["connections"]["erp"]["payloads"] = {
        "orders": {"lookups": {"payment.method": "terms", "customer.email": "terms"}}
    }
    at.desk.settings = type(at.desk.settings).model_validate(told)
    order = recorded("001_smoke")
    read(at, order)
    email, method = order["customer_email"], order["payment"]["method"]
    lookups.put(at.desk, "terms", email, "someone@example.com", "test", "a table somebody has misused")
    shown = preview.of_entry(at.desk, "terms", method, "NET14").targets[0].fields
    assert [(one.field, one.before, one.after) for one in shown] == [("payment.method", '"NET30"', '"NET14"')]
    (masked,) = preview.of_entry(at.desk, "terms", email, None).targets
    assert "someone@example.com" not in str(masked.fields)
    assert masked.stops, "without its entry the order would wait"


def test_an_entry_s_history_is_told_and_can_be_gone_back_to(at: Bench) -> None:
    for entry, why in (("NET14", "as agreed: with finance"), ('a "quoted": one', "odd")):
        lookups.put(at.desk, "terms", "checkmo", entry, "user:ada", why)
        at.clock.forward(seconds=1)
    lookups.drop(at.desk, "terms", "checkmo", "user:bob", "no more")
    found = lookups.history(at.desk, "terms", "checkmo")
    assert [(one.by, one.entry, one.dropped, one.why) for one in found] == [
        ("user:bob", None, True, "no more"),
        ("user:ada", 'a "quoted": one', False, "odd"),
        ("user:ada", "NET14", False, "as agreed: with finance"),
    ]
    assert lookups.history(at.desk, "terms", "banktransfer") == []


def test_whoever_saw_an_older_entry_does_not_overwrite_the_newer_one(at: Bench) -> None:
    seen = lookups.one(at.desk, "terms", "checkmo").tag
    lookups.put(at.desk, "terms", "checkmo", "NET14", "user:ada", "first")
    with pytest.raises(Stale):
        lookups.put(
            at.desk,
            "terms",
            "checkmo",
            "NET7",
            "user:bob",
            "second",
            lookups.stands_as(at.desk, "terms", "checkmo", [seen]),
        )
    assert lookups.one(at.desk, "terms", "checkmo").entry == "NET14"
