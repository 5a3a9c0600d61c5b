"""Bytes from an address that a record names: https only, and never from inside our own network.

A record's author must not be able to make us ask what only we can reach (a cloud's metadata, an intranet): each address
that a host's name stands for is held against what is public, and the connection goes to the very address that was
checked. Redirects are followed only as far as each of them would be allowed by itself.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from urllib.parse import SplitResult, urljoin, urlsplit

from crossdock.errors import DeliveryError, Misconfigured, NotReady, Rejected
from crossdock.model.base import Record
from crossdock.transport.http import Http, HttpOptions
from crossdock.transport.wire import HttpRequest, HttpResponse

MOST_REDIRECTS = 3
BESIDE = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16")))  # lead to IPv4 addresses
Lookup = Callable[[str, int], Sequence[str]]


class FetchOptions(Record, frozen=True, kw_only=True):
    """`private_hosts`: names of hosts that may be inside our own network."""

    max_bytes: int = 10_000_000
    private_hosts: frozenset[str] = frozenset()
    ca_file: str = ""
    total_timeout: float = 30


def addresses(host: str, port: int) -> Sequence[str]:
    """All that the system's resolver tells. Raises OSError."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class Fetcher:
    """Safe for many threads."""

    def __init__(self, options: FetchOptions, lookup: Lookup = addresses) -> None:
        self._options = options
        self._lookup = lookup

    def fetch(self, url: str) -> bytes:
        """Raises Rejected where it never will be had, NotReady where it may be later. Texts name the host alone."""
        for _ in range(MOST_REDIRECTS + 1):
            response = self._asked(url)
            if not 300 <= response.status < 400:
                return self._body(url, response)
            url = urljoin(url, response.headers.get("location", ""))
        raise Rejected(f"{_host(url)}: redirects more than {MOST_REDIRECTS} times")

    def _asked(self, url: str) -> HttpResponse:
        parts = _checked(url)
        host = parts.hostname or ""
        address = self._address(host, parts.port or 443)
        http = Http(
            HttpOptions(
                total_timeout=self._options.total_timeout,
                read_timeout=min(10, self._options.total_timeout),
                connect_timeout=min(5, self._options.total_timeout / 2),
                max_response_bytes=self._options.max_bytes,
                ca_file=self._options.ca_file,
                pinned=(host, address),
            )
        )
        try:
            return http.send(HttpRequest(method="GET", url=url))
        except Misconfigured as error:
            raise Rejected(f"{host}: {error}") from error
        except DeliveryError as error:
            if "larger than" in str(error):
                raise Rejected(f"{host}: {error}") from error
            raise NotReady(f"{host}: {error}") from error
        finally:
            http.close()

    def _address(self, host: str, port: int) -> str:
        try:
            found = self._lookup(host, port)
        except (OSError, UnicodeError) as error:
            raise NotReady(f"{host}: its address is not known") from error
        if not found:
            raise NotReady(f"{host}: its address is not known")
        if host.casefold() not in self._options.private_hosts and not all(map(is_public, found)):
            raise Rejected(f"{host}: is no public address (products.image_private_hosts)")
        return found[0]

    def _body(self, url: str, response: HttpResponse) -> bytes:
        if response.status == 200 and response.body:
            return response.body
        text = f"{_host(url)}: HTTP {response.status}, {len(response.body)} bytes"
        if response.status in {408, 425, 429} or response.status >= 500:
            raise NotReady(text)
        raise Rejected(text)


def is_public(address: str) -> bool:
    """Whether an address is one of the internet's, for one host alone."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    beside = any(found in one for one in BESIDE if one.version == found.version)
    return found.is_global and not (beside or found.is_multicast or found.is_reserved or found.is_unspecified)


def _checked(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise Rejected("not an address") from error
    if parts.scheme != "https" or not host:
        raise Rejected(f"{host or 'no host'}: only https is fetched")
    if parts.username or parts.password:
        raise Rejected(f"{host}: an address with a login in it is not fetched")
    return parts


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "no host"
    except ValueError:
        return "no host"


__all__ = ["FetchOptions", "Fetcher", "is_public"]
