"""TLS: is it spoken, may we trust it, and until when does its certificate hold?"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import msgspec

from crossdock.contract.findings import Check, Finding
from crossdock.model.base import Record
from crossdock.transport.http import is_loopback

TLS = Check(
    name="tls",
    title="Every address speaks TLS that we may trust, and its certificate holds for a while",
    why="When a certificate ends, everything to and from that address stops at that minute.",
    told_as="a certificate that ends soon, or is not to be trusted",
)
UNENCRYPTED = msgspec.structs.replace(TLS, told_as="")  # that does not come with time
CHECKS = (TLS,)
SOON, VERY_SOON = timedelta(days=30), timedelta(days=7)
PATIENCE_S = 5.0
SECURE = {"https": 443, "amqps": 5671}
PLAIN = frozenset({"http", "amqp"})
ADDRESS = re.compile(r"url|address|issuer|endpoint")  # of settings; a scope or a namespace only looks like one


class Address(Record, frozen=True, kw_only=True):
    """Something that we connect to, or that connects to us. `where`: the setting that names it."""

    where: str
    scheme: str
    host: str
    port: int
    ca_file: str = ""


class Shown(Record, frozen=True, kw_only=True):
    """What a server showed: the TLS version, and until when its certificate holds. `refused`: why it is not trusted."""

    version: str = ""
    holds_until: datetime | None = None
    refused: str = ""


def addresses(where: str, value: Any, ca_file: str = "") -> Iterator[Address]:
    """Every address in a table of the settings, each host and port once."""
    seen: set[tuple[str, str, int]] = set()
    for name, text in _texts(where, value):
        parts = urlsplit(text)
        if parts.scheme not in {*SECURE, *PLAIN} or not parts.hostname:
            continue
        port = parts.port or SECURE.get(parts.scheme) or 80
        if (parts.scheme, parts.hostname, port) not in seen:
            seen.add((parts.scheme, parts.hostname, port))
            yield Address(where=name, scheme=parts.scheme, host=parts.hostname, port=port, ca_file=ca_file)


def _texts(where: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, Mapping):
        for name, part in value.items():
            if isinstance(part, Mapping) or ADDRESS.search(str(name)):
                yield from _texts(f"{where}.{name}", part)


def shown_by(address: Address) -> Shown:
    """Connects, and says nothing. Raises OSError where nobody answers."""
    context = ssl.create_default_context()
    try:
        if address.ca_file:
            context.load_verify_locations(address.ca_file)
    except OSError as error:
        return Shown(refused=f"ca_file {address.ca_file} cannot be read: {error.strerror or error}")
    try:
        with (
            socket.create_connection((address.host, address.port), PATIENCE_S) as plain,
            context.wrap_socket(plain, server_hostname=address.host) as secure,
        ):
            return _seen(secure)
    except ssl.SSLCertVerificationError as error:
        return Shown(refused=str(error.verify_message))
    except ssl.SSLError as error:
        return Shown(refused=f"no TLS that we speak: {error.reason}")


def _seen(secure: ssl.SSLSocket) -> Shown:
    told = (secure.getpeercert() or {}).get("notAfter")
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(told)), UTC) if told else None
    return Shown(version=secure.version() or "", holds_until=ends)


def certificate(address: Address, shown: Shown, now: datetime) -> list[Finding]:
    """Pure."""
    name = f"{address.host}:{address.port} ({address.where})"
    if shown.refused:
        mend = "renew or complete its certificate; one of your own authority's goes into the connection's ca_file"
        return [TLS.error(f"{name} is not to be trusted: {shown.refused}", mend)]
    if shown.holds_until is None:
        return [TLS.unseen(f"{name} shows no certificate", "look with `openssl s_client -connect HOST:PORT`")]
    told = f"{name}: {shown.version}, its certificate holds until {shown.holds_until:%Y-%m-%d}"
    left = shown.holds_until - now
    if left < VERY_SOON:
        return [TLS.error(told, "renew its certificate now, and see why that does not happen by itself")]
    if left < SOON:
        return [TLS.warning(told, "renew its certificate")]
    return [TLS.ok(told)]


def unencrypted(address: Address) -> list[Finding]:
    """Pure: of an address without TLS."""
    name = f"{address.scheme}://{address.host}:{address.port} ({address.where})"
    if is_loopback(address.host):
        return [TLS.ok(f"{name} is this machine: nothing leaves it")]
    mend = f"use {'amqps' if address.scheme == 'amqp' else 'https'}://; credentials and people's data go over it"
    return [TLS.warning(f"{name} is not encrypted", mend)]


def check_of(address: Address) -> Check:
    """Of one address."""
    return UNENCRYPTED if address.scheme in PLAIN else TLS


def look_at(address: Address, now: datetime) -> list[Finding]:
    """One address, asked now."""
    if address.scheme in PLAIN:
        return unencrypted(address)
    try:
        return certificate(address, shown_by(address), now)
    except OSError as error:
        told = f"{address.host}:{address.port} ({address.where}) does not answer: {error.strerror or error}"
        return [TLS.unseen(told, f"openssl s_client -connect {address.host}:{address.port}")]
