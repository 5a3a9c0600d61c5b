"""From where a request comes, and whether that is allowed. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
UNKNOWN = ""  # an address that nothing is known of: it is in no list
LONGEST = 50  # hops of a header that are looked at
LONGEST_ADDRESS = 80  # characters, with port, zone and blanks


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """`10.0.0.0/8`, `192.0.2.7`, `2001:db8::/32`. Raises ValueError, also where bits of the host are set."""
    return tuple(map(ipaddress.ip_network, texts))


def is_within(address: str, allowed: Sequence[Network]) -> bool:
    """Whether it is in one of them."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in one for one in allowed if one.version == found.version)


def address_of(peer: str, forwarded: Sequence[str], trusted: Sequence[Network]) -> str:
    """Who really asks: the last hop that is no proxy of ours.

    `peer` is the other end of the connection; `forwarded` are the X-Forwarded-For headers in their order. Only what
    a trusted proxy has added is read, from right to left. What is no address is nobody's: UNKNOWN.
    """
    found = plain(peer)
    hops = [one.strip() for one in ",".join(forwarded).split(",")] if forwarded else []
    for hop in reversed(hops[-LONGEST:]):
        if not is_within(found, trusted):
            return found
        found = plain(hop)
    return found


def plain(text: str) -> str:
    """An address in its one form: without a port or a zone, an IPv4 address in an IPv6 one as itself."""
    return _plain(text) if len(text) <= LONGEST_ADDRESS else UNKNOWN


@lru_cache(maxsize=4096)
def _plain(text: str) -> str:
    """Kept, since the same few ask again and again, and each webhook waits for it."""
    inner = text.strip()
    if inner.startswith("["):
        inner = inner[1:].partition("]")[0]
    elif inner.count(":") == 1:
        inner = inner.partition(":")[0]
    try:
        found = ipaddress.ip_address(inner.partition("%")[0])
    except ValueError:
        return UNKNOWN
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return str(found)


def caller(address: str) -> str:
    """Under which name an address is counted: of IPv6 its /64, since one line has so many."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return address if found.version == 4 else str(ipaddress.ip_network((address, 64), strict=False))
