"""One HTTP client for all ends. The only module that knows which library sends.

What the library's errors mean was tried out, not read (tests/unit/transport/test_http.py keeps it so): pyreqwest raises
ConnectError and ConnectTimeoutError also when the connection stood and the request was on its way (a reset after the
other side did it, a time-out while waiting for the answer). Only the cause "client error (Connect)" and a full pool
prove that nothing was sent.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from pyreqwest.client import SyncClient, SyncClientBuilder
from pyreqwest.exceptions import (
    BuilderError,
    DetailedPyreqwestError,
    PoolTimeoutError,
    PyreqwestError,
)
from pyreqwest.response import SyncResponse

from crossdock.errors import ConfigurationError, DeliveryError, Misconfigured, OutcomeUnknown, Unreachable
from crossdock.log import path_without_emails
from crossdock.model.base import Record
from crossdock.telemetry.spans import Attributes, current
from crossdock.transport.deadline import remaining
from crossdock.transport.kept import Beside, asked_of, headers_of
from crossdock.transport.looking import refuse_writes
from crossdock.transport.tape import playing
from crossdock.transport.wire import Exchange, HttpRequest, HttpResponse, Observer

__all__ = ["Exchange", "Http", "HttpOptions", "HttpRequest", "HttpResponse", "Observer"]

# Shorter than the keep-alive of common servers (5 s and more): a connection that the other side is about to close
# would turn an ordinary write into an unknown outcome.
IDLE_SECONDS = 4.0
TLS_WORDS = ("certificate", "corrupt message", "fatal alert", "protocol version", "peer is incompatible")


class HttpOptions(Record, frozen=True, kw_only=True):
    """Deadlines in seconds. Keep `connect_timeout` below `read_timeout`, else a failed connect counts as unknown.

    `client_certificate`: a certificate and its key in PEM, with which we show who we are (mutual TLS).
    `pinned`: a host and the address at which it is, whatever DNS says by then.
    `hosts`: the only ones that are asked, as `host:port`; empty: any.
    """

    connect_timeout: float = 5
    read_timeout: float = 30
    total_timeout: float = 60
    max_response_bytes: int = 50_000_000
    allow_plain_http: bool = False
    ca_file: str = ""
    client_certificate: str = ""
    pool_size: int = 32
    system_proxy: bool = False
    user_agent: str = "crossdock"
    pinned: tuple[str, str] = ("", "")
    hosts: frozenset[str] = frozenset()


class Http:
    """Sends requests; safe to share between threads."""

    def __init__(self, options: HttpOptions | None = None, observe: Observer | None = None) -> None:
        self._options = options or HttpOptions()
        self._observe = observe
        self._client = _build(self._options)

    def send(self, request: HttpRequest) -> HttpResponse:
        """The answer, whatever its status; a redirect is an answer too and is never followed.

        Raises Unreachable (nothing was sent), OutcomeUnknown (sent, no answer), Misconfigured (TLS, plain http, a bad
        address), Rejected for a write while this thread only looks.
        """
        if (tape := playing()) is not None:
            return tape.answer(request)
        started = time.monotonic()
        with current().child(request.method, _described(request)) as span:
            try:
                refuse_plain_http(request.url, allowed=self._options.allow_plain_http)
                refuse_elsewhere(request.url, self._options.hosts)
                refuse_late()
                refuse_writes(request)
                response = self._exchange(request, span.headers(), started)
            except DeliveryError as error:
                span.told({}, failed=error.code)
                self._tell(request, None, started, f"{error.code}: {error}")
                raise
            failed = str(response.status) if response.status >= 400 else ""
            span.told({"http.response.status_code": response.status}, failed=failed)
        self._tell(request, response, started, "")
        return response

    def close(self) -> None:
        """Closes the pool."""
        self._client.close()

    def _exchange(self, request: HttpRequest, more: Mapping[str, str], started: float) -> HttpResponse:
        headers = {**more, **request.headers} if more else request.headers
        try:
            builder = self._client.request(request.method, request.full_url()).headers(headers)
            if (left := remaining()) is not None:
                builder = builder.timeout(timedelta(seconds=min(left, self._options.total_timeout)))
            if request.body is not None:
                builder = builder.body_bytes(request.body)
            sendable = builder.build_streamed()
        except (ValueError, PyreqwestError) as error:
            raise Misconfigured(f"{_host(request.url)}: not a request that can be sent") from error
        try:
            with sendable as answer:
                return self._read(answer, started)
        except PyreqwestError as error:
            raise explain(error, _host(request.url)) from error

    def _read(self, answer: SyncResponse, started: float) -> HttpResponse:
        headers: dict[str, str] = {}
        cookies: list[str] = []
        for name, value in answer.headers.items():
            headers.setdefault(name.lower(), value)
            cookies += [value] if name.lower() == "set-cookie" else []
        body = bytearray()
        while (chunk := answer.body_reader.read_chunk()) is not None:
            body += chunk
            if len(body) > self._options.max_response_bytes:
                raise OutcomeUnknown(f"the answer is larger than {self._options.max_response_bytes} bytes")
        elapsed = int((time.monotonic() - started) * 1000)
        return HttpResponse(
            status=answer.status, headers=headers, body=bytes(body), elapsed_ms=elapsed, cookies=tuple(cookies)
        )

    def _tell(self, request: HttpRequest, response: HttpResponse | None, started: float, error: str) -> None:
        if self._observe is None:
            return
        self._observe(
            Exchange(
                method=request.method,
                url_path=urlsplit(request.url).path,
                request_body=None if request.private else request.body,
                response_body=None if request.private or response is None else response.body,
                status=response.status if response else None,
                elapsed_ms=int((time.monotonic() - started) * 1000),
                error=error,
                beside=_beside(request, response),
                date=response.headers.get("date", "") if response else "",
            )
        )


def _beside(request: HttpRequest, response: HttpResponse | None) -> Beside:
    if request.private:
        return Beside(private=True)
    headers = {} if response is None else headers_of(response.headers)
    return Beside(asked=asked_of(request.full_url()), looks=request.looks, headers=headers)


def explain(error: PyreqwestError, host: str) -> DeliveryError:
    """The library's error as ours, by whether anything was sent. Unsure counts as sent."""
    causes = _causes(error)
    text = f"{host}: {causes[-1][:120]}"
    if isinstance(error, BuilderError):
        return Misconfigured(text)
    if isinstance(error, PoolTimeoutError):
        return Unreachable(f"{host}: no free connection")
    if "client error (Connect)" not in causes:
        return OutcomeUnknown(text)
    if any(word in cause.lower() for cause in causes for word in TLS_WORDS):
        return Misconfigured(f"TLS: {text}")
    return Unreachable(text)


def refuse_plain_http(url: str, *, allowed: bool) -> None:
    """Misconfigured for http:// to anything but this machine itself, unless a setting allows it."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError as error:
        raise Misconfigured("not an address") from error
    if parts.scheme == "https" or (parts.scheme == "http" and (allowed or is_loopback(host))):
        return
    raise Misconfigured(f"{host or 'no host'}: only https is sent to (allow_plain_http permits http)")


def refuse_elsewhere(url: str, hosts: frozenset[str]) -> None:
    """Misconfigured for a host that is none of these: an answer may name any, and our login would go there."""
    if hosts and _place(url) not in hosts:
        raise Misconfigured(f"{_host(url)}: is none of this connection's hosts")


def hosts_in(texts: Iterable[str]) -> frozenset[str]:
    """`host:port` of each that is an http address."""
    return frozenset(filter(None, map(_place, texts)))


def _place(url: str) -> str:
    """`host:port`, or "" for what is no http address."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return ""
    return f"{parts.hostname}:{port}" if parts.hostname and port and parts.scheme in {"http", "https"} else ""


def refuse_late() -> None:
    """Unreachable where the attempt's time is over: another worker may have taken over by the time of an answer."""
    left = remaining()
    if left is not None and left <= 0:
        raise Unreachable("the time of this attempt is over: nothing was sent")


def is_loopback(host: str) -> bool:
    """Whether a host name means this machine itself, without asking DNS."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _described(request: HttpRequest) -> Attributes:
    """By OpenTelemetry's names; no query, since it may ask for a person by an address."""
    try:
        parts = urlsplit(request.url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:  # it will be refused as no address
        return {"http.request.method": request.method}
    return {
        "http.request.method": request.method,
        "server.address": parts.hostname or "",
        "server.port": port,
        "url.path": path_without_emails(parts.path),
    }


def _causes(error: PyreqwestError) -> list[str]:
    details = error.details if isinstance(error, DetailedPyreqwestError) else None
    causes = [cause["message"] for cause in (details["causes"] if details else None) or ()]
    return [cause for cause in causes if "for url" not in cause] or [type(error).__name__]  # a url may hold a secret


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc.rpartition("@")[2] or "no host"
    except ValueError:
        return "no host"


def _build(options: HttpOptions) -> SyncClient:
    def seconds(value: float) -> timedelta:
        return timedelta(seconds=value)

    builder = (
        SyncClientBuilder()
        .user_agent(options.user_agent)
        .follow_redirects(False)
        .referer(False)
        .connect_timeout(seconds(options.connect_timeout))
        .read_timeout(seconds(options.read_timeout))
        .timeout(seconds(options.total_timeout))
        .pool_timeout(seconds(options.connect_timeout))
        .pool_idle_timeout(seconds(IDLE_SECONDS))
        .max_connections(options.pool_size)
        .min_tls_version("TLSv1.2")
        .brotli(False)
        .zstd(False)
        .deflate(False)
        .gzip(True)
    )
    if not options.system_proxy:
        builder = builder.no_proxy()
    if options.pinned[0]:
        builder = builder.resolve(*options.pinned, 0)  # the port is the address's own
    if options.ca_file:
        builder = builder.add_root_certificate_pem(_certificates(options.ca_file))
    if options.client_certificate:
        builder = builder.identity_pem(options.client_certificate.encode())
    try:
        return builder.build()
    except (ValueError, PyreqwestError) as error:
        text = "TLS: the client cannot be built (are ca_file and client_certificate PEM?)"
        raise ConfigurationError([text]) from error


def _certificates(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ConfigurationError([f"ca_file: cannot read {path}"]) from error
