from __future__ import annotations

import datetime as dt
import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from crossdock.errors import ConfigurationError, Misconfigured, OutcomeUnknown, Unreachable
from crossdock.transport.deadline import end_in
from crossdock.transport.http import (
    Exchange,
    Http,
    HttpOptions,
    HttpRequest,
    hosts_in,
    is_loopback,
    refuse_plain_http,
)
from tests.recorded_server import Reply, serve
from tests.unit.transport import wires

QUICK = HttpOptions(connect_timeout=0.3, read_timeout=0.4, total_timeout=0.8)  # where no answer is to come in time
PATIENT = HttpOptions(connect_timeout=20, read_timeout=30, total_timeout=60, max_response_bytes=1000)  # where one is


def send(url: str, options: HttpOptions = PATIENT, seen: list[Exchange] | None = None) -> None:
    http = Http(options, None if seen is None else seen.append)
    try:
        http.send(HttpRequest(method="POST", url=url, body=b"{}"))
    finally:
        http.close()


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "talk",
    [
        wires.reset_after_reading,
        wires.close_after_reading,
        wires.silent,
        wires.dripping,
        wires.answering(HEAD + b"Content-Length: 100\r\n\r\nabc"),
        wires.answering(HEAD + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\nabc"),
        wires.answering(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nabcde"),
        wires.answering(HEAD + b"Conte"),
        wires.answering(b"nonsense\r\n\r\n"),
        wires.answering(HEAD + b"Content-Length: 2000\r\n\r\n" + b"x" * 2000),
    ],
    ids=["reset", "close", "silent", "drip", "cut", "chunk", "gzip", "cut head", "garbage", "too large"],
)
def test_once_it_may_have_arrived_the_outcome_is_unknown(talk: Callable[[socket.socket], None]) -> None:
    options = QUICK if talk in {wires.silent, wires.dripping} else PATIENT
    with wires.raw_server(talk) as port, pytest.raises(OutcomeUnknown):
        send(f"http://127.0.0.1:{port}/orders", options)


def test_every_cookie_is_kept_and_of_other_repeated_headers_the_first() -> None:
    head = HEAD + b"Set-Cookie: a=1; path=/\r\nX-One: 1\r\nset-cookie: b=2\r\nX-One: 2\r\nContent-Length: 0\r\n\r\n"
    with wires.raw_server(wires.answering(head)) as port:
        http = Http(PATIENT)
        answer = http.send(HttpRequest(method="GET", url=f"http://127.0.0.1:{port}/"))
        http.close()

    assert answer.cookies == ("a=1; path=/", "b=2")
    assert answer.headers["x-one"] == "1"


def test_a_refused_connection_means_that_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unreachable, match="refused"):
        send(f"http://127.0.0.1:{port}/")


def test_an_unknown_host_means_that_nothing_was_sent() -> None:
    with pytest.raises(Unreachable):
        send("https://crossdock-nowhere.invalid/")


def test_a_connection_that_never_comes_means_that_nothing_was_sent() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]  # fill the queue: the next one hangs
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        with pytest.raises(Unreachable):
            send(f"http://127.0.0.1:{listener.getsockname()[1]}/", QUICK)
        for one in waiting:
            one.close()


def test_a_full_pool_means_that_nothing_was_sent() -> None:
    arrived, gone = threading.Event(), threading.Event()

    def hold(connection: socket.socket) -> None:
        connection.recv(65536)
        arrived.set()
        gone.wait(60)

    http = Http(HttpOptions(connect_timeout=0.2, read_timeout=80, total_timeout=90, pool_size=1))
    with wires.raw_server(hold) as port, ThreadPoolExecutor(1) as pool:
        request = HttpRequest(method="GET", url=f"http://127.0.0.1:{port}/")
        first = pool.submit(http.send, request)
        assert arrived.wait(30)
        with pytest.raises(Unreachable, match="no free connection"):
            http.send(request)
        gone.set()
        assert isinstance(first.exception(30), OutcomeUnknown)
    http.close()


def test_a_redirect_is_an_answer_and_is_never_followed() -> None:
    with serve(lambda one: Reply(302, headers={"Location": "/elsewhere"})) as server:
        http = Http()
        response = http.send(HttpRequest(method="POST", url=f"{server.url}/a", body=b"{}"))
        http.close()
    assert response.status == 302
    assert server.named() == ["POST /a"]


def test_only_the_hosts_of_the_connection_are_asked() -> None:
    with serve(lambda one: Reply(200, {})) as ours, serve(lambda one: Reply(200, {})) as other:
        options = HttpOptions(hosts=hosts_in([ours.url, "not an address", "https://[bad/", "env:TOKEN"]))
        send(f"{ours.url}/a", options)
        for url in (
            other.url,
            f"{ours.url}@{other.url.removeprefix('http://')}/a",
            f"{ours.url}x/",
            "https://127.0.0.1/",
        ):
            with pytest.raises(Misconfigured, match=r"none of this connection's hosts|not an address|only https"):
                send(url, options)
    assert (ours.named(), other.named()) == (["POST /a"], [])


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://erp.example", "erp.example:443"),
        ("https://ERP.example:8443/a?b", "erp.example:8443"),
        ("http://[::1]/", "::1:80"),
        ("https://erp.example@evil.example/", "evil.example:443"),
        ("erp.example", ""),
        ("https://x:y/", ""),
    ],
)
def test_a_host_is_told_with_its_port(url: str, place: str) -> None:
    assert hosts_in([url]) == ({place} if place else set())


def test_any_status_is_returned_with_lower_case_headers_and_the_clock() -> None:
    with serve(lambda one: Reply(500, b"oops", {"X-Thing": "A"})) as server:
        http = Http()
        response = http.send(HttpRequest(method="GET", url=f"{server.url}/a"))
        http.close()
    assert (response.status, response.body, response.headers["x-thing"]) == (500, b"oops", "A")
    assert response.date() == dt.datetime(2026, 11, 23, 6, tzinfo=dt.UTC)


def test_gzip_is_asked_for_and_undone() -> None:
    with serve(lambda one: Reply(200, gzip.compress(b"[1]"), {"Content-Encoding": "gzip"})) as server:
        http = Http()
        response = http.send(HttpRequest(method="GET", url=server.url))
        http.close()
    assert server.asked[0].headers["accept-encoding"] == "gzip"
    assert response.body == b"[1]"


def test_a_bomb_is_stopped_while_it_unfolds() -> None:
    bomb = gzip.compress(b"0" * 5_000_000)
    with (
        serve(lambda one: Reply(200, bomb, {"Content-Encoding": "gzip"})) as server,
        pytest.raises(OutcomeUnknown, match="larger than 1000"),
    ):
        send(server.url)


def test_a_query_is_encoded_without_plus_signs() -> None:
    with serve(lambda one: Reply(200, {})) as server:
        http = Http()
        http.send(HttpRequest(method="GET", url=f"{server.url}/a", query=(("a[0]", "x y+z&à"), ("b", ""))))
        http.close()
    assert server.asked[0].raw_query == "a%5B0%5D=x%20y%2Bz%26%C3%A0&b="


@pytest.mark.parametrize(
    "url", ["http://shop.example.com/", "http://10.0.0.1/", "ftp://127.0.0.1/", "nonsense", "http://[bad/", "https://"]
)
def test_what_is_not_https_is_refused(url: str) -> None:
    with pytest.raises(Misconfigured):
        send(url)


def test_plain_http_is_allowed_by_setting_and_on_loopback() -> None:
    refuse_plain_http("http://shop.example.com/", allowed=True)
    refuse_plain_http("http://[::1]:8080/", allowed=False)
    refuse_plain_http("http://localhost/", allowed=False)
    assert not is_loopback("localhost.example.com")


def test_errors_tell_the_host_and_no_address() -> None:
    with wires.raw_server(wires.close_after_reading) as port, pytest.raises(OutcomeUnknown) as caught:
        send(f"http://user:pa55word@127.0.0.1:{port}/orders?token=s3cret")
    assert "pa55word" not in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert f"127.0.0.1:{port}" in str(caught.value)


def test_the_observer_sees_the_exchange_without_credentials() -> None:
    seen: list[Exchange] = []
    with serve(lambda one: Reply(200, {"ok": True})) as server:
        http = Http(HttpOptions(), seen.append)
        request = HttpRequest(
            method="POST",
            url=f"{server.url}/a",
            query=(("key", "s3cret"),),
            headers={"Authorization": "s3cret"},
            body=b"{}",
        )
        http.send(request)
        http.send(HttpRequest(method="POST", url=f"{server.url}/login", body=b"s3cret", private=True))
        http.close()
    assert [(one.method, one.url_path, one.status, one.request_body) for one in seen] == [
        ("POST", "/a", 200, b"{}"),
        ("POST", "/login", 200, None),
    ]
    assert seen[0].response_body == b'{"ok": true}'
    assert seen[1].response_body is None
    assert "s3cret" not in repr(seen)


def test_the_observer_sees_failures_too() -> None:
    seen: list[Exchange] = []
    with wires.raw_server(wires.close_after_reading) as port, pytest.raises(OutcomeUnknown):
        send(f"http://127.0.0.1:{port}/a", seen=seen)
    assert seen[0].status is None
    assert seen[0].error.startswith("outcome-unknown: ")


def test_a_missing_ca_file_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="ca_file"):
        Http(HttpOptions(ca_file=str(tmp_path / "none.pem")))


def certificate(folder: Path, host: str) -> tuple[Path, Path]:
    """A CA and a leaf signed by it: (ca.pem, leaf.pem with key)."""
    now = dt.datetime.now(dt.UTC)

    def make(subject: str, key: ec.EllipticCurvePrivateKey, signer: ec.EllipticCurvePrivateKey, *, ca: bool) -> bytes:
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test CA")]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if not ca:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    ca_file, leaf_file = folder / "ca.pem", folder / "leaf.pem"
    ca_file.write_bytes(make("test CA", ca_key, ca_key, ca=True))
    leaf_file.write_bytes(make("leaf", key, ca_key, ca=False) + pem)
    return ca_file, leaf_file


def tls(context: ssl.SSLContext) -> Callable[[socket.socket], None]:
    def talk(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(65536)
            secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")

    return talk


def context_of(leaf: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf)
    return context


def test_a_certificate_must_be_known_and_fit_the_host(tmp_path: Path) -> None:
    ca, leaf = certificate(tmp_path, "localhost")
    trusting = msgspec.structs.replace(PATIENT, ca_file=str(ca))
    with wires.raw_server(tls(context_of(leaf))) as port:
        send(f"https://localhost:{port}/", trusting)
        with pytest.raises(Misconfigured, match="TLS"):
            send(f"https://localhost:{port}/")
        with pytest.raises(Misconfigured, match="TLS"):
            send(f"https://127.0.0.1:{port}/", trusting)


def test_old_tls_is_refused(tmp_path: Path) -> None:
    ca, leaf = certificate(tmp_path, "localhost")
    context = context_of(leaf)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLS"):
        context.minimum_version = ssl.TLSVersion.TLSv1_1
    with pytest.warns(DeprecationWarning, match="TLS"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    options = msgspec.structs.replace(PATIENT, ca_file=str(ca))
    with wires.raw_server(tls(context)) as port, pytest.raises((Misconfigured, Unreachable)):
        send(f"https://localhost:{port}/", options)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_newer_tls_is_spoken(tmp_path: Path, version: ssl.TLSVersion) -> None:
    ca, leaf = certificate(tmp_path, "localhost")
    context = context_of(leaf)
    context.minimum_version = context.maximum_version = version
    options = msgspec.structs.replace(PATIENT, ca_file=str(ca))
    with wires.raw_server(tls(context)) as port:
        send(f"https://localhost:{port}/", options)


def test_a_server_that_asks_for_our_certificate_gets_the_one_of_the_settings(tmp_path: Path) -> None:
    ca, leaf = certificate(tmp_path, "localhost")
    (tmp_path / "other").mkdir()
    _, stranger = certificate(tmp_path / "other", "localhost")
    context = context_of(leaf)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(ca)
    plain = msgspec.structs.replace(PATIENT, ca_file=str(ca))
    ours = msgspec.structs.replace(plain, client_certificate=leaf.read_text())
    theirs = msgspec.structs.replace(plain, client_certificate=stranger.read_text())
    with wires.raw_server(tls(context)) as port:
        send(f"https://localhost:{port}/", ours)
        for refused in (plain, theirs):
            with pytest.raises((Misconfigured, OutcomeUnknown, Unreachable)):
                send(f"https://localhost:{port}/", refused)


def test_tls_to_a_plain_port_is_a_setting_and_not_an_unknown_outcome() -> None:
    with (
        wires.raw_server(wires.answering(b"HTTP/1.1 400 no\r\n\r\n")) as port,
        pytest.raises(Misconfigured, match="TLS"),
    ):
        send(f"https://127.0.0.1:{port}/")


@pytest.fixture
def ended() -> Iterator[None]:
    yield
    end_in(None)


@pytest.mark.usefixtures("ended")
def test_after_the_attempts_end_nothing_is_sent_any_more() -> None:
    heard: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        heard.append(connection.recv(65536))

    end_in(-0.001)
    with wires.raw_server(talk) as port, pytest.raises(Unreachable, match="time of this attempt"):
        send(f"http://127.0.0.1:{port}/orders")
    assert heard == []


@pytest.mark.usefixtures("ended")
def test_no_request_outlives_the_attempt_whatever_its_own_deadlines_allow() -> None:
    patient = HttpOptions(connect_timeout=5, read_timeout=30, total_timeout=60)
    started = time.monotonic()
    with wires.raw_server(wires.silent) as port:
        end_in(1.5)  # enough to begin with, on a busy machine too
        with pytest.raises(OutcomeUnknown):
            send(f"http://127.0.0.1:{port}/orders", patient)
    assert time.monotonic() - started < 25
