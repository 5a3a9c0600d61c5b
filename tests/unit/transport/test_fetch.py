"""What is fetched because a record names it, and what never is."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crossdock.errors import NotReady, Rejected
from crossdock.transport.fetch import Fetcher, FetchOptions, is_public
from tests.unit.transport.test_http import certificate

BODY = b"\xff\xd8\xff picture"


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("192.168.0.1", False),
        ("172.16.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::1", False),
        ("nonsense", False),
    ],
)
def test_only_addresses_of_the_internet_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/a.jpg",
        "file:///etc/passwd",
        "https://user:secret@example.com/a.jpg",
        "https:///a.jpg",
        "https://[::1/a.jpg",
        "ftp://example.com/a.jpg",
    ],
)
def test_only_plain_https_is_fetched(url: str) -> None:
    with pytest.raises(Rejected) as told:
        Fetcher(FetchOptions(), lambda _host, _port: ["93.184.216.34"]).fetch(url)
    assert "secret" not in str(told.value)


@pytest.mark.parametrize("url", ["https://127.0.0.1/a", "https://localhost/a", "https://169.254.169.254/meta"])
def test_our_own_network_is_not_asked(url: str) -> None:
    with pytest.raises(Rejected, match="no public address"):
        Fetcher(FetchOptions()).fetch(url)


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    with pytest.raises(Rejected, match="no public address"):
        Fetcher(FetchOptions(), lambda _host, _port: ["93.184.216.34", "10.0.0.1"]).fetch("https://example.com/a")


def test_a_name_that_leads_nowhere_may_do_so_later() -> None:
    def lookup(_host: str, _port: int) -> list[str]:
        raise socket.gaierror(8, "unknown")

    with pytest.raises(NotReady):
        Fetcher(FetchOptions(), lookup).fetch("https://example.com/a")


class Site:
    """An https server on this machine under a name of its own."""

    def __init__(self, folder: Path, answers: dict[str, bytes]) -> None:
        self.ca, leaf = certificate(folder, "pictures.example")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(leaf)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._context, self._answers = context, answers
        self.asked: list[str] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                plain, _ = self._socket.accept()
            except OSError:
                return
            with plain, self._context.wrap_socket(plain, server_side=True) as talk:
                path = talk.recv(4000).split(b" ")[1].decode()
                self.asked.append(path)
                talk.sendall(self._answers[path])

    def stop(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


def ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def moved(to: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode()


def failed(status: int) -> bytes:
    return f"HTTP/1.1 {status} No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".encode()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    answers = {
        "/a.jpg": ok(BODY),
        "/large.jpg": ok(b"x" * 2000),
        "/moved": moved("/a.jpg"),
        "/circle": moved("/circle"),
        "/inside": moved("https://169.254.169.254/latest/meta-data"),
        "/plain": moved("http://pictures.example/a.jpg"),
        "/gone": failed(404),
        "/busy": failed(503),
        "/empty": ok(b""),
    }
    found = Site(tmp_path, answers)
    yield found
    found.stop()


@pytest.fixture
def fetch(site: Site) -> Callable[[str], bytes]:
    options = FetchOptions(max_bytes=1000, private_hosts=frozenset({"pictures.example"}), ca_file=str(site.ca))

    def lookup(host: str, _port: int) -> list[str]:
        return ["127.0.0.1"] if host == "pictures.example" else [host]

    fetcher = Fetcher(options, lookup)
    return lambda path: fetcher.fetch(f"https://pictures.example:{site.port}{path}")


def test_a_picture_is_fetched_from_the_address_that_was_checked(site: Site, fetch: Callable[[str], bytes]) -> None:
    assert fetch("/a.jpg") == BODY
    assert fetch("/moved") == BODY
    assert site.asked == ["/a.jpg", "/moved", "/a.jpg"]


@pytest.mark.parametrize(
    ("path", "kind", "why"),
    [
        ("/large.jpg", Rejected, "larger than 1000 bytes"),
        ("/circle", Rejected, "redirects more than"),
        ("/inside", Rejected, "no public address"),
        ("/plain", Rejected, "only https"),
        ("/gone", Rejected, "HTTP 404"),
        ("/empty", Rejected, "0 bytes"),
        ("/busy", NotReady, "HTTP 503"),
    ],
)
def test_what_cannot_be_had_is_told(fetch: Callable[[str], bytes], path: str, kind: type[Exception], why: str) -> None:
    with pytest.raises(kind, match=why):
        fetch(path)
