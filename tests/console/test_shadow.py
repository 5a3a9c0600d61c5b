"""The page of shadows: counts that lead to their deliveries, values of nobody, and comparing once more."""

from __future__ import annotations

import re
from html import unescape

import pytest

from crossdock.contract.shadow import SHADOW
from crossdock.storage.shadows import ShadowFilter
from tests.console.filled import shadows
from tests.console.rooms import Room
from tests.unit.operations.desks import LEASE


@pytest.fixture
def compared(room: Room) -> Room:
    shadows(room.at)
    return room


def texts(page: str) -> str:
    """As it is read."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))


def test_it_counts_by_route_and_field_and_leads_on(compared: Room) -> None:
    page = compared.page("/console/shadow")
    told = texts(page)
    assert "orders store to erp 1 2 1 1 1" in told
    assert "items[].price orders at erp 2 000005005 , 000005001" in told
    assert "erp does not give back, so not compared: note" in told
    assert "crossdock shadow report" in told
    path = "/console/shadow?source=store&target=erp&flow=orders&fate=missing"
    assert f'href="{path}"' in unescape(page)
    missing = texts(compared.page(path)).partition("Comparisons")[2]
    assert "000005002" in missing
    assert "000005001" not in missing
    assert "is one of" in compared.page("/console/shadow?fate=odd", status=400)


def test_a_comparison_shows_values_but_those_about_a_person_to_nobody(compared: Room) -> None:
    (first, _) = compared.at.store.shadows.listed(ShadowFilter(fate="different"))
    for role in ("viewer", "admin"):
        page = compared.page(f"/console/shadow/{first.delivery}", by=role)
        assert "items[0].price 19.99 19.90" in texts(page)
        assert "customer.email *** ***" in texts(page)
        assert "eve@example.com" not in page
        assert f'href="/console/deliveries/{first.delivery}"' in page
    assert f'href="/console/shadow/{first.delivery}"' in compared.page(f"/console/deliveries/{first.delivery}")
    compared.page("/console/shadow/999999", status=404)


def test_a_list_is_shown_page_by_page(compared: Room) -> None:
    rows = compared.at.store.shadows.listed(ShadowFilter())
    page = texts(compared.page(f"/console/shadow?after={rows[-2].delivery}")).partition("Comparisons")[2]
    assert rows[-1].reference in page
    assert rows[-2].reference not in page
    assert "1 delivery, by their numbers First" in page


def test_comparing_again_is_asked_for_with_a_reason_and_by_who_may(compared: Room) -> None:
    path = "/console/shadow/again"
    assert path not in compared.page("/console/shadow")
    assert f'href="{path}"' in compared.page("/console/shadow", by="operator")
    compared.page(path, status=403)
    asked = texts(compared.page(f"{path}?fate=different", by="operator"))
    assert "Compare 2 deliveries again" in asked
    assert "crossdock shadow again --fate different --why" in asked
    assert "The reason is missing" in compared.send(path, fate="different", why=" ", status=400).text
    answer = compared.send(path, fate="different", why="the prices are mended")
    assert answer.headers["location"] == "/console/shadow?fate=different&told=compared&n=2"
    assert "2 deliveries will be compared again" in compared.page(answer.headers["location"], by="operator")
    leased = compared.at.store.lease("w", compared.at.clock.now, compared.at.clock.now + LEASE, {"erp": 9}, limit=9)
    assert [one.reference for one in leased] == ["000005001", "000005005"]
    assert all(SHADOW in one.memo for one in leased)
    again = compared.send(path, fate="different", why="once more")  # they are under way
    assert "told=as-it-was" in again.headers["location"]
