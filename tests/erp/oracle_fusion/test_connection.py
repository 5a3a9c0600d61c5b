"""Logins, settings, faults of a lottery, and the fields that a request may have."""

from __future__ import annotations

import json
from typing import Any

import pytest

from crossdock.erp.oracle_fusion.connector import build
from crossdock.errors import ConfigurationError, DeliveryError, Unauthorized
from crossdock.flows import FLOWS
from crossdock.sandbox.erps.oracle_fusion import StandIn
from crossdock.sandbox.erps.oracle_fusion.fields import LINE, ORDER, Table, problems
from crossdock.sandbox.faults import Faults
from tests.erp.oracle_fusion.oracle import connected, serving
from tests.erp.oracle_fusion.samples import key_of, order
from tests.material import SHARED, needs_shared

EXAMPLE = SHARED / "contracts/oracle-fusion/salesOrdersForOrderHub.example.json"


def oauth(server: StandIn, client_in: str = "header") -> dict[str, Any]:
    login = {"scheme": "oauth2", "token_url": f"{server.url}/oauth2/v1/token", "client_in": client_in}
    return login | {"client_id": "env:ID", "client_secret": "env:SECRET", "scope": "urn:opc:resource:fusion:demo:scm/"}


def secrets(ref: str) -> str:
    return {"env:ID": "client", "env:SECRET": "secret", "env:WRONG": "nobody"}[ref]


@pytest.mark.parametrize("client_in", ["header", "body"])
def test_a_token_is_fetched_once_and_again_after_a_401(oracle: StandIn, client_in: str) -> None:
    now = [0.0]
    connector = build("erp", {**oracle.table(), "auth": oauth(oracle, client_in)}, resolve=secrets)
    auth: Any = connector._client._auth._auth  # type: ignore[attr-defined]
    auth._clock = lambda: now[0]
    for number in (1, 2):
        connector.sink(FLOWS["orders"]).put(order(number), key_of(number))
    assert len(oracle.tokens) == 1
    oracle.tokens.clear()
    now[0] += 60
    connector.sink(FLOWS["orders"]).put(order(3), key_of(3))
    assert len(oracle.tokens) == 1
    assert len(oracle.there()) == 3


def test_a_refused_client_is_unauthorized(oracle: StandIn) -> None:
    login = oauth(oracle) | {"client_id": "env:WRONG"}
    connector = build("erp", {**oracle.table(), "auth": login}, resolve=secrets)
    with pytest.raises(Unauthorized):
        connector.sink(FLOWS["orders"]).put(order(1), key_of(1))
    assert not connector.probe().ok


def test_a_wrong_password_is_unauthorized(oracle: StandIn) -> None:
    connector = build("erp", oracle.table(), resolve=lambda _ref: "wrong")
    with pytest.raises(Unauthorized):
        connector.sink(FLOWS["orders"]).find(order(1), key_of(1))


def test_the_probe_says_what_it_is_for(oracle: StandIn) -> None:
    assert connected(oracle).probe().ok
    assert "unreachable" in connected(oracle, url="http://127.0.0.1:9").probe().detail


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"flows": ["holds"]}, "hold.code"),
        ({"flows": ["cancellations"]}, "cancel.reason"),
        ({"customer": {"lookup_by": "{email}"}}, "{email}"),
        ({"framework_version": 1}, "framework_version"),
        ({"reads": {"inventory": {"organizations": ["V1"], "page_size": 500}}}, "page_size"),
        ({"source_system": "A:B"}, "source_system"),
        ({"url": "http://elsewhere.example"}, "plain http"),
    ],
)
def test_settings_that_cannot_be_run_are_refused(oracle: StandIn, more: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        connected(oracle, **more)


def test_nothing_is_lost_or_doubled_in_a_storm() -> None:
    storm = {
        "reset_after": 0.2,
        "error_after": 0.2,
        "garbage_after": 0.1,
        "reset_before": 0.1,
        "down": 0.05,
        "busy": 0.05,
    }
    with serving(Faults(classes={"writes": storm, "reads": {"reset_before": 0.05, "error_before": 0.05}})) as server:
        sink = connected(server).sink(FLOWS["orders"])
        for number in range(1, 41):
            delivered = None
            for _ in range(60):
                try:
                    # what the spine does: find first wherever something may have been sent
                    delivered = sink.find(order(number), key_of(number)) or sink.put(order(number), key_of(number))
                    break
                except DeliveryError:
                    continue
            assert delivered is not None
        assert sorted(server.there()) == [f"{number:09}" for number in range(1, 41)]
        assert len(server.orders.kept) == 40
        assert sum(server.drawn().values()) > 20


def test_a_field_that_the_contract_does_not_have_is_refused(oracle: StandIn) -> None:
    body = dict(connected(oracle).preview(FLOWS["orders"], order(1)))
    sent = json.loads(json.dumps(body, default=float))
    assert list(problems(sent, ORDER)) == []
    assert list(problems(sent | {"Colour": "red"}, ORDER)) == ["Unknown attribute Colour"]
    assert list(problems(sent | {"SubmittedFlag": "true"}, ORDER)) != []
    assert list(problems(sent | {"TransactionOn": "2026-11-20T09:30:05"}, ORDER)) != []
    sent["lines"][0]["charges"][0]["Discount"] = 1
    assert list(problems(sent, ORDER)) == ["Unknown attribute lines[0].charges[0].Discount"]


@needs_shared
def test_the_known_example_fits_the_table() -> None:
    body = json.loads(EXAMPLE.read_text(encoding="utf-8"))["body"]
    assert list(problems(body, ORDER)) == []


@needs_shared
def test_what_is_sent_beyond_the_known_example_is_named(oracle: StandIn) -> None:
    """Each of these is in the README, with where its name comes from."""
    body = json.loads(EXAMPLE.read_text(encoding="utf-8"))["body"]
    assert _names(ORDER) - _keys(body) == {
        "RequestedFulfillmentOrganizationCode",
        "PaymentTerms",
        "CustomerPONumber",
        "ShippingCarrier",
        "ShippingServiceLevel",
        "ShippingMode",
        "ShippingInstructions",
        "Comments",
        "CustomerAccountId",
        "PartyId",
        "TransactionCategoryCode",
        "TaxClassificationCode",
        "HeaderCurrencyCode",
        "HeaderCurrencyUnitPrice",
        "HeaderCurrencyExtendedAmount",
    }
    assert "TaxClassificationCode" in LINE


def _names(table: Table) -> set[str]:
    return {name for key, kind in table.items() for name in {key} | (_names(kind) if isinstance(kind, dict) else set())}


def _keys(value: Any) -> set[str]:
    if isinstance(value, list):
        return {name for one in value for name in _keys(one)}
    return (
        {name for key, inside in value.items() for name in {key} | _keys(inside)} if isinstance(value, dict) else set()
    )
