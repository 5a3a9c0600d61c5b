"""Every connection, whatever its kind: each check seen to fail, and seen to be content."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from crossdock.app import Crossdock
from crossdock.contract.connector import Health
from crossdock.contract.findings import Asked, Finding, Level
from crossdock.delivery.store import Pause
from crossdock.doctor import certificates, ends
from crossdock.doctor.certificates import Address
from crossdock.doctor.ends import Rehearsed
from crossdock.doctor.examined import examinations
from crossdock.errors import Misconfigured, Temporary, Unauthorized
from tests.recorded_server import Reply, serve
from tests.unit.operations.desks import CLOSED
from tests.walk.world import settings

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


def the(findings: list[Finding]) -> Finding:
    (found,) = findings
    return found


def test_connection_fails_where_it_does_not_answer_or_does_not_know_us() -> None:
    found = the(ends.answers(Health(ok=False, detail="unauthorized: HTTP 401")))
    assert found.level is Level.ERROR
    assert "credentials" in found.mend
    assert "firewall" in the(ends.answers(Health(ok=False, detail="unreachable: refused"))).mend


def test_connection_is_satisfied() -> None:
    assert the(ends.answers(Health(ok=True, detail="12 orders"))).level is Level.OK


WELL = Health(ok=True, detail="answers")


@pytest.mark.parametrize(
    ("seconds", "level"),
    [
        (20, Level.OK),
        (-20, Level.OK),
        (60, Level.WARNING),
        (-60, Level.WARNING),
        (400, Level.ERROR),
        (-400, Level.ERROR),
    ],
)
def test_erp_clock_fails_where_the_two_are_apart(seconds: int, level: Level) -> None:
    found = the(ends.clock(WELL, NOW + timedelta(seconds=seconds), NOW, NOW + timedelta(seconds=1)))
    assert found.level is level
    assert "ERP's clock" in found.what


def test_erp_clock_fails_to_see_where_nobody_answers_and_is_looked_at_by_hand_without_a_date() -> None:
    silent = the(ends.clock(Health(ok=False, detail="unreachable"), None, NOW, NOW))
    assert (silent.level, silent.by_hand) == (Level.UNSEEN, False)
    assert the(ends.clock(WELL, None, NOW, NOW)).by_hand


@pytest.mark.parametrize(("hours", "level"), [(0, Level.OK), (-2, Level.ERROR), (2, Level.ERROR)])
def test_erp_clock_is_satisfied_or_not_by_what_a_real_answer_says(tmp_path: Path, hours: int, level: Level) -> None:
    def answer(_asked: object) -> Reply:
        return Reply(200, {}, {"Date": format_datetime(datetime.now(UTC) + timedelta(hours=hours), usegmt=True)})

    with serve(answer) as erp:
        crossdock = Crossdock(settings(tmp_path, CLOSED, erp.url))
        try:
            told = [one for one in examinations(crossdock, list) if one.check is ends.CLOCK]
            assert [one.subject for one in told] == ["erp"], "a store has a check of its own"
            assert the(list(told[0].look())).level is level
        finally:
            crossdock.store.close()


def test_paused_fails_and_says_by_whom_and_why() -> None:
    paused = [Pause(connection="erp", reason="stocktaking", since=NOW, by="cli:ada")]
    found = the(ends.paused("erp", paused))
    assert (found.level, found.mend) == (Level.ERROR, "crossdock resume erp")
    assert "by cli:ada: stocktaking" in found.what


def test_paused_is_satisfied_where_another_is() -> None:
    paused = [Pause(connection="store", reason="stocktaking", since=NOW, by="cli:ada")]
    assert the(ends.paused("erp", paused)).level is Level.OK


def refusing(error: Exception) -> Asked:
    def ask() -> object:
        raise error

    return Asked(right="to read prices", for_what="prices", ask=ask)


FINE = Asked(right="to read inventory", for_what="inventory", ask=lambda: None)


@pytest.mark.parametrize("error", [Unauthorized("HTTP 403"), Misconfigured("no such set")])
def test_reading_fails_where_a_flow_cannot_be_read(error: Exception) -> None:
    found = the(ends.reading([FINE, refusing(error)]))
    assert found.level is Level.ERROR
    assert found.what.startswith("prices cannot be read")


def test_reading_is_satisfied_and_says_nothing_of_what_it_could_not_ask() -> None:
    assert the(ends.reading([FINE])).what == "inventory can be read"
    with pytest.raises(Temporary):
        ends.reading([refusing(Temporary("busy"))])


def test_mapping_fails_by_reason_with_the_newest_order_of_each() -> None:
    tried = [
        Rehearsed(order="9", target="erp", stopped="mapping: taxes: no code for 7"),
        Rehearsed(order="8", target="erp"),
        Rehearsed(order="7", target="erp", stopped="mapping: taxes: no code for 7"),
    ]
    found = the(ends.mapping(tried))
    assert found.level is Level.ERROR
    assert found.what == "2 orders of the newest would not go to erp, as 9: mapping: taxes: no code for 7"


def test_mapping_is_satisfied() -> None:
    assert "the newest 1 order:" in the(ends.mapping([Rehearsed(order="8", target="erp")])).what
    assert the(ends.mapping([])).level is Level.OK


# --- TLS ------------------------------------------------------------------------------------------------------------


def certified(folder: Path, ends_at: datetime) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=400))
        .not_valid_after(ends_at)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "server.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return file


@contextmanager
def served(file: Path) -> Iterator[int]:
    """A server that shakes hands, and no more; its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    listener = socket.create_server(("127.0.0.1", 0))

    def shake() -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            try:
                context.wrap_socket(plain, server_side=True).close()
            except (ssl.SSLError, OSError):
                plain.close()

    thread = threading.Thread(target=shake, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def at(port: int, file: Path | None = None, scheme: str = "https") -> Address:
    return Address(where="connections.erp.url", scheme=scheme, host="localhost", port=port, ca_file=str(file or ""))


@pytest.mark.parametrize(("days", "level"), [(60, Level.OK), (20, Level.WARNING), (3, Level.ERROR), (-1, Level.ERROR)])
def test_tls_fails_where_a_certificate_ends(tmp_path: Path, days: int, level: Level) -> None:
    file = certified(tmp_path, datetime.now(UTC) + timedelta(days=days))
    with served(file) as port:
        found = the(certificates.look_at(at(port, file), datetime.now(UTC)))
    assert found.level is level
    assert ("expired" in found.what) is (days < 0)


def test_tls_fails_where_nobody_vouches_for_it(tmp_path: Path) -> None:
    with served(certified(tmp_path, datetime.now(UTC) + timedelta(days=60))) as port:
        found = the(certificates.look_at(at(port), datetime.now(UTC)))
    assert found.level is Level.ERROR
    assert "ca_file" in found.mend


def test_tls_fails_where_the_authoritys_file_is_not_there(tmp_path: Path) -> None:
    found = the(certificates.look_at(at(1, tmp_path / "nothing.pem"), NOW))
    assert found.level is Level.ERROR
    assert "nothing.pem cannot be read" in found.what


def test_tls_fails_where_the_other_side_speaks_none() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            plain, _ = listener.accept()
            plain.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            plain.recv(1000)
            plain.close()

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        found = the(certificates.look_at(at(listener.getsockname()[1]), NOW))
        thread.join(5)
    assert found.level is Level.ERROR
    assert "no TLS" in found.what


def test_tls_fails_to_look_where_nobody_answers() -> None:
    assert the(certificates.look_at(at(1), NOW)).level is Level.UNSEEN


def test_tls_fails_for_plain_http_beyond_this_machine() -> None:
    address = Address(where="connections.erp.url", scheme="http", host="erp.example", port=80)
    assert the(certificates.look_at(address, NOW)).level is Level.WARNING


def test_tls_is_satisfied_within_this_machine() -> None:
    assert the(certificates.look_at(at(80, scheme="http"), NOW)).level is Level.OK


def test_every_address_of_a_connection_is_looked_at_once() -> None:
    table = {
        "url": "https://erp.example/api",
        "auth": {"token_url": "https://login.example:8443/t", "secret": "env:S"},
        "second_url": "https://erp.example/other",
        "scope": "https://api.example/.default",
        "name": "not an address",
    }
    found = [(one.where, one.host, one.port) for one in certificates.addresses("connections.erp", table, "/ca")]
    assert found == [
        ("connections.erp.url", "erp.example", 443),
        ("connections.erp.auth.token_url", "login.example", 8443),
    ]
