"""Which hosts a connection may ask: those of its settings, whatever answers name."""

from __future__ import annotations

import pytest

from crossdock.erp.netsuite.client import _path_of
from crossdock.erp.netsuite.settings import NetsuiteSettings
from crossdock.erp.rest.settings import RestSettings
from crossdock.magento.settings import MagentoSettings
from crossdock.transport.connection import check_settings

TOKEN = {"scheme": "bearer", "token": "env:T"}


def test_an_erp_is_asked_at_its_address_and_where_its_tokens_come_from() -> None:
    made = check_settings(RestSettings, "erp", {"base_url": "https://erp.example:8443/api", "auth": TOKEN})
    assert made.http_options(lambda _: "x").hosts == {"erp.example:8443"}


def test_a_store_is_asked_at_its_address() -> None:
    made = MagentoSettings.model_validate({"base_url": "https://shop.example", "auth": TOKEN})
    assert made.http_options().hosts == {"shop.example:443"}


def test_an_address_that_is_reckoned_from_an_account_counts() -> None:
    auth = {"scheme": "oauth2", "client_id": "env:C", "certificate_id": "c", "private_key": "env:K"}
    told = {"account": "1234567_SB1", "auth": auth, "taxes": {"mode": "details"}}
    made = check_settings(NetsuiteSettings, "erp", told)
    assert made.http_options(lambda _: "x").hosts == {"1234567-sb1.suitetalk.api.netsuite.com:443"}


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example/async/1",
        "//evil.example/async/1",
        "@evil.example/async/1",
        ".evil.example/async/1",
        "/async/1",
    ],
)
def test_the_place_of_a_job_stays_behind_our_own_host(location: str) -> None:
    path = _path_of(location)
    assert path.startswith("/")
    assert not path.startswith("//")
