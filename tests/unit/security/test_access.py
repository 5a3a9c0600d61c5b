"""Roles and scopes, from where a request comes, how often: the decisions alone."""

from __future__ import annotations

import ipaddress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.errors import ConfigurationError
from crossdock.security.access import ERP, EVERY_ERP, ROLES, SCOPES, Permission, Person, Role, Token, may
from crossdock.security.limits import Limiter
from crossdock.security.network import UNKNOWN, address_of, caller, is_within, networks, plain
from crossdock.security.passwords import Passwords, problems_of
from crossdock.security.tokens import checked, hash_of, is_token, new_token
from crossdock.security.users import checked_name, checked_role, csrf_of, is_of_form, new_session

ADDRESS = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)


@given(st.sets(st.sampled_from(SCOPES)))
def test_a_token_may_what_its_scopes_name_and_never_more_than_they_lead_to(scopes: set[str]) -> None:
    token = Token(id=1, name="t", scopes=frozenset(scopes))
    for permission in Permission:
        named = permission in scopes or (EVERY_ERP in scopes and permission in ERP)
        led = permission == Permission.READ and bool(scopes & {"operate", "approve", "admin"})
        led = led or (permission in {Permission.OPERATE, Permission.APPROVE} and "admin" in scopes)
        assert may(token, permission) == (named or led)


@given(st.sets(st.text(max_size=20)))
def test_scopes_that_nobody_knows_allow_nothing(scopes: set[str]) -> None:
    token = Token(id=1, name="t", scopes=frozenset(scopes - set(SCOPES)))
    assert token.permissions == frozenset()


def test_each_role_has_all_of_the_one_below() -> None:
    roles = [ROLES[one] for one in Role]
    assert all(low < high for low, high in pairwise(roles))
    assert not any(role & {*ERP, Permission.INTAKE} for role in roles), "people push nothing"
    assert Person(id=1, name="ada", role=Role.VIEWER).actor == "user:ada"


def test_every_token_is_another_one_and_looks_like_one() -> None:
    made = {new_token() for _ in range(100)}
    assert len(made) == 100
    assert all(map(is_token, made))
    assert not any(
        map(is_token, ["", "xd_", "xd_short", new_token() + "x", new_token()[:-1] + "é", new_token() + "\n"])
    )
    assert hash_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, B.1


def test_a_token_that_cannot_be_is_refused_with_every_reason() -> None:
    assert checked("sap", ["read", "erp:*", "read"], "erp", ["erp"]) == ("read", "erp:*")
    with pytest.raises(ConfigurationError) as found:
        checked("Sap!", ["write"], "other", ["erp"])
    assert len(found.value.problems) == 3
    for scopes, connection in ((["erp:prices:write"], ""), ([], "erp"), (["erp:*"], "gone")):
        with pytest.raises(ConfigurationError):
            checked("sap", scopes, connection, ["erp"])


@given(ADDRESS, st.lists(ADDRESS, max_size=5))
def test_without_trusted_proxies_the_other_end_is_who_asks(peer: str, hops: list[str]) -> None:
    assert address_of(peer, [", ".join(hops)], ()) == plain(peer)


@given(st.lists(ADDRESS, max_size=5), ADDRESS, st.integers(0, 3))
def test_whoever_asks_cannot_write_where_they_come_from(claimed: list[str], real: str, proxies: int) -> None:
    """The client sends a header of its own; each proxy of ours adds the address that it was asked from."""
    trusted = networks(["10.0.0.0/8"])
    if is_within(plain(real), trusted):
        return
    ours = [f"10.0.0.{n + 1}" for n in range(proxies + 1)]
    chain = [*claimed, real, *ours[:-1]]
    assert address_of(ours[-1], [",".join(chain)], trusted) == plain(real)
    assert address_of(ours[-1], chain, trusted) == plain(real), "as headers of their own"


@given(st.text(max_size=60), st.lists(st.text(max_size=60), max_size=4))
def test_whatever_a_header_holds_the_answer_is_an_address_or_nobodys(peer: str, forwarded: list[str]) -> None:
    found = address_of(peer, forwarded, networks(["0.0.0.0/0", "::/0"]))
    assert found == UNKNOWN or str(ipaddress.ip_address(found)) == found
    assert not is_within(UNKNOWN, networks(["0.0.0.0/0", "::/0"]))


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_in_an_ipv6_one_is_itself(address: ipaddress.IPv4Address) -> None:
    for text in (f"::ffff:{address}", f"[::ffff:{address}]:80", f"{address}:80", f" {address} "):
        assert plain(text) == str(address)
    assert caller(str(address)) == str(address)


def test_one_line_is_one_caller() -> None:
    assert caller("2001:db8::1") == caller("2001:db8::ffff") == "2001:db8::/64"
    assert caller("") == ""


@given(st.integers(1, 50), st.lists(st.floats(0, 30), max_size=200))
def test_never_more_than_the_bucket_and_what_flows_in(rate: int, pauses: list[float]) -> None:
    limiter, now, taken = Limiter(rate), 0.0, 0
    for pause in pauses:
        now += pause
        wait = limiter.take("a", now)
        taken += wait == 0
        assert taken <= rate + now * rate / 60 + 1e-6
        if wait:
            assert limiter.take(f"other {now}", now) == 0
            assert Limiter.take(limiter, "a", now + wait + 1e-6) == 0
            taken, now = taken + 1, now + wait + 1e-6


@given(st.lists(st.integers(0, 500), max_size=300))
def test_the_memory_of_a_limiter_is_bounded(callers: list[int]) -> None:
    limiter = Limiter(5, most=20)
    for n, one in enumerate(callers):
        limiter.take(str(one), float(n))
        assert len(limiter) <= 20


def test_a_clock_that_goes_back_gives_nothing() -> None:
    limiter = Limiter(1)
    assert limiter.take("a", 1000) == 0
    assert limiter.take("a", 0) > 0
    assert Limiter(0).take("a", 0) == 0


def test_a_password_holds_as_it_is_and_in_no_other_way() -> None:
    passwords = Passwords()
    kept = passwords.hash("Zürich is nice")
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,")
    assert passwords.holds(kept, "Zu\u0308rich is nice"), "the same letters from another keyboard"
    for wrong in ("zürich is nice", "Zürich is nice ", "", "x" * 5000):
        assert not passwords.holds(kept, wrong)
    for nothing in ("", "no hash", "$argon2id$v=19$m=65536,t=3,p=4$short$x"):
        assert not passwords.holds(nothing, "the password of nobody")
    assert not passwords.is_old(kept)
    assert passwords.hash("Zürich is nice") != kept


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaaa", "abababababab", "Administrator", "x" * 1025])
def test_passwords_that_are_none(password: str) -> None:
    found = problems_of(password, "administrator")
    assert found
    assert password not in str(found)
    assert problems_of("correct horse battery", "administrator") == []


def test_what_a_form_carries_is_of_one_session() -> None:
    one, other = new_session(), new_session()
    assert is_of_form(csrf_of(one), one)
    assert not is_of_form(csrf_of(one), other)
    assert not is_of_form(csrf_of(""), "")
    assert one not in csrf_of(one)


@pytest.mark.parametrize("name", ["", "a:b", "oidc:ada", "Ä", "a b", "x" * 65, "-a", "<b>"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(ConfigurationError):
        checked_name(name)
    assert checked_name(" Ada@Example.com ") == "ada@example.com"
    with pytest.raises(ConfigurationError):
        checked_role("owner")
