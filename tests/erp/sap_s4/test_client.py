"""Logins, CSRF tokens with their cookies, and what is done once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from crossdock.conformance.faults import Fault
from crossdock.errors import ConfigurationError, Misconfigured, OutcomeUnknown, Unauthorized, Unreachable
from crossdock.flows import FLOWS
from crossdock.sandbox.erps.sap_s4 import StandIn
from crossdock.sandbox.erps.sap_s4 import stand_in as stand_ins
from crossdock.sandbox.faults import Faults
from tests.erp.sap_s4.proxy import Proxy
from tests.erp.sap_s4.samples import change, key_of, order
from tests.erp.sap_s4.tables import connected

ORDERS = FLOWS["orders"]


def put(connector: Any, number: int) -> Any:
    return connector.sink(ORDERS).put(order(number), key_of(number))


def fetches(proxy: Proxy) -> int:
    return sum(seen.headers.get("x-csrf-token") == "Fetch" for seen in proxy.seen)


def posts(proxy: Proxy) -> int:
    return sum(seen.method == "POST" for seen in proxy.seen)


def test_a_token_is_fetched_once_and_goes_with_every_cookie(proxy: Proxy) -> None:
    connector = connected(proxy.url)
    put(connector, 1)
    put(connector, 2)

    assert fetches(proxy) == 1
    sent = [seen.headers for seen in proxy.seen if seen.method == "POST"]
    assert len({one["x-csrf-token"] for one in sent}) == 1
    assert all("sap-usercontext=" in one["cookie"] and "SAP_SESSIONID" in one["cookie"] for one in sent)
    assert "path=" not in sent[0]["cookie"]


def test_a_token_that_does_not_hold_any_more_is_fetched_anew_and_the_write_sent_once_more(
    proxy: Proxy, stand_in: StandIn
) -> None:
    connector = connected(proxy.url)
    put(connector, 1)
    stand_in.do(stand_in.sessions.clear)
    put(connector, 2)

    assert (fetches(proxy), posts(proxy)) == (2, 3)
    assert sorted(stand_in.there()) == ["000000001", "000000002"]


def test_a_token_that_never_holds_is_tried_twice_and_no_more(proxy: Proxy, stand_in: StandIn) -> None:
    stand_in._has_token = lambda asked: False  # type: ignore[method-assign]
    with pytest.raises(Unauthorized, match="CSRF"):
        put(connected(proxy.url), 1)
    assert posts(proxy) == 2


def test_many_threads_share_one_token(proxy: Proxy, stand_in: StandIn) -> None:
    connector = connected(proxy.url)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: put(connector, number), range(1, 17)))

    assert fetches(proxy) == 1
    assert len(set(stand_in.there())) == 16


def test_no_token_is_fetched_for_reading(proxy: Proxy) -> None:
    assert connected(proxy.url).probe().ok
    assert fetches(proxy) == 0


def test_a_server_without_tokens_is_not_what_was_meant(proxy: Proxy, stand_in: StandIn) -> None:
    from crossdock.sandbox.wire import Answer

    stand_in._session = lambda: Answer(body={"d": {}})  # type: ignore[method-assign]  # some other OData server
    with pytest.raises(Misconfigured, match="Fetch"):
        put(connected(proxy.url), 1)


def test_oauth_tokens_are_fetched_and_renewed_after_a_401(proxy: Proxy, stand_in: StandIn) -> None:
    login = {
        "scheme": "oauth2",
        "token_url": f"{proxy.url}{stand_ins.TOKEN_PATH}",
        "client_id": "env:USER",
        "client_secret": "env:SECRET",
    }
    connector = connected(proxy.url, auth=login)
    put(connector, 1)
    assert len(stand_in.bearers) == 1
    stand_in.do(stand_in.bearers.clear)
    with pytest.raises(Unauthorized):  # young tokens are not fetched twice: another thread may just have done so
        put(connector, 2)
    assert stand_in.there() == ["000000001"]


def test_a_wrong_password_is_unauthorized_and_the_probe_says_so(proxy: Proxy) -> None:
    login = {"scheme": "basic", "username": "env:USER", "password": "env:SECRET"}
    health = connected(proxy.url, auth=login).probe()

    assert not health.ok
    assert health.detail.startswith("unauthorized")


def test_a_certificate_needs_one() -> None:
    with pytest.raises(ConfigurationError, match="client_certificate"):
        connected("https://s4.example.com", auth={"scheme": "certificate"})


def test_the_client_goes_with_every_request(proxy: Proxy) -> None:
    put(connected(proxy.url, sap_client="100"), 1)

    assert all("sap-client=100" in seen.target for seen in proxy.seen)


def test_where_nobody_answers_nothing_was_sent() -> None:
    with pytest.raises(Unreachable):
        put(connected("http://127.0.0.1:9"), 1)


def test_a_batch_that_is_cut_off_is_an_unknown_outcome(stand_in: StandIn) -> None:
    connector = connected(stand_in.url)
    put(connector, 1)
    stand_in.lottery.faults = Faults(classes={"change": {"cut_after": 1.0}})
    with pytest.raises(OutcomeUnknown):
        connector.sink(FLOWS["cancellations"]).put(change(1), "key")
    assert stand_in.there() == []
    stand_in.lottery.faults = Faults()
    found = connector.sink(FLOWS["cancellations"]).find(change(1), "key")
    assert found is not None
    assert found.found


def test_a_reset_after_the_order_was_made_doubles_nothing(proxy: Proxy, stand_in: StandIn) -> None:
    connector = connected(proxy.url)
    put(connector, 9)  # the token is there: the fault meets the order itself
    proxy.inject(Fault.RESET_AFTER)
    with pytest.raises(OutcomeUnknown):
        put(connector, 1)

    receipt = put(connector, 1)  # each put looks first

    assert receipt.found
    assert stand_in.there().count("000000001") == 1
