"""Sealed payloads open only whole, in their place and under their key."""

from __future__ import annotations

import base64
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.errors import ConfigurationError, StorageError
from crossdock.security.envelope import Envelope, create_master_key_file, key_id, master_key_from

MASTER = bytes(range(32))
OTHER = bytes(range(1, 33))
ENVELOPE = Envelope(MASTER)
SUBJECT = ENVELOPE.new_subject_key()


@given(st.binary(max_size=5000), st.binary(max_size=40))
def test_what_was_sealed_opens(plaintext: bytes, context: bytes) -> None:
    assert ENVELOPE.open(SUBJECT, ENVELOPE.seal(SUBJECT, plaintext, context), context) == plaintext


@given(st.binary(max_size=300), st.data())
def test_any_changed_byte_is_found(plaintext: bytes, data: st.DataObject) -> None:
    sealed = bytearray(ENVELOPE.seal(SUBJECT, plaintext, b"row 1"))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(StorageError):
        ENVELOPE.open(SUBJECT, bytes(sealed), b"row 1")


@given(st.binary(max_size=50), st.integers(0, 60))
def test_a_cut_payload_is_found(plaintext: bytes, length: int) -> None:
    sealed = ENVELOPE.seal(SUBJECT, plaintext, b"")
    with pytest.raises(StorageError):
        ENVELOPE.open(SUBJECT, sealed[: min(length, len(sealed) - 1)], b"")


def test_a_payload_in_another_rows_place_does_not_open() -> None:
    sealed = ENVELOPE.seal(SUBJECT, b"x", b"row 1")
    with pytest.raises(StorageError, match="does not open"):
        ENVELOPE.open(SUBJECT, sealed, b"row 2")


def test_another_subjects_key_does_not_open_it() -> None:
    sealed = ENVELOPE.seal(SUBJECT, b"x", b"")
    with pytest.raises(StorageError, match="does not open"):
        ENVELOPE.open(ENVELOPE.new_subject_key(), sealed, b"")


def test_the_same_text_never_looks_the_same_twice() -> None:
    assert len({ENVELOPE.seal(SUBJECT, b"x", b"") for _ in range(50)}) == 50
    assert len({ENVELOPE.new_subject_key() for _ in range(50)}) == 50


def test_it_is_compressed_and_unreadable() -> None:
    plaintext = b'{"email":"jane@example.com"}' * 200
    sealed = ENVELOPE.seal(SUBJECT, plaintext, b"")
    assert len(sealed) < 200
    assert b"jane" not in sealed


def test_another_process_with_the_same_master_key_opens_it() -> None:
    assert Envelope(MASTER).open(SUBJECT, ENVELOPE.seal(SUBJECT, b"x", b""), b"") == b"x"


def test_another_master_key_says_that_it_is_the_wrong_one() -> None:
    with pytest.raises(ConfigurationError, match="another master key"):
        Envelope(OTHER).open(SUBJECT, ENVELOPE.seal(SUBJECT, b"x", b""), b"")


@pytest.mark.parametrize("at", [0, 6, 20, -1])
def test_a_changed_wrapped_key_is_found(at: int) -> None:
    broken = bytearray(SUBJECT)
    broken[at] ^= 1
    with pytest.raises(StorageError):
        ENVELOPE.seal(bytes(broken), b"x", b"")


def test_a_wrapped_key_that_is_cut_is_found() -> None:
    with pytest.raises(StorageError):
        ENVELOPE.seal(SUBJECT[:8], b"x", b"")


def test_a_new_master_key_keeps_what_was_sealed() -> None:
    both, new = Envelope(OTHER, [MASTER]), Envelope(OTHER)
    sealed = ENVELOPE.seal(SUBJECT, b"x", b"c")
    assert both.open(SUBJECT, sealed, b"c") == b"x"
    moved = both.rewrap(SUBJECT)
    assert (key_id(SUBJECT), key_id(moved)) == (key_id(ENVELOPE.head), key_id(new.head))
    assert new.open(moved, sealed, b"c") == b"x"
    with pytest.raises(ConfigurationError, match="old_master_keys"):
        ENVELOPE.open(moved, new.seal(moved, b"x", b""), b"")


def test_what_is_new_goes_under_the_master_key_not_a_former_one() -> None:
    assert Envelope(OTHER, [MASTER]).new_subject_key().startswith(Envelope(OTHER).head)


def test_a_process_that_knows_the_next_key_reads_what_another_writes_with_it() -> None:
    """The step before a fleet's rotation (docs/secrets.md)."""
    still_old, already_new = Envelope(MASTER, [OTHER]), Envelope(OTHER, [MASTER])
    wrapped = already_new.new_subject_key()
    assert still_old.open(wrapped, already_new.seal(wrapped, b"x", b""), b"") == b"x"
    assert still_old.new_subject_key().startswith(ENVELOPE.head)


def test_a_master_key_that_is_named_twice_does_no_harm() -> None:
    assert Envelope(MASTER, [MASTER]).open(SUBJECT, ENVELOPE.seal(SUBJECT, b"x", b""), b"") == b"x"


def test_fingerprints_outlive_the_master_key_once_their_key_is_kept() -> None:
    both = Envelope(OTHER, [MASTER])
    kept = both.first_fingerprint_key(SUBJECT)
    both.keep_fingerprints(kept)
    assert both.fingerprint("jane@example.com") == ENVELOPE.fingerprint("jane@example.com")
    alone = Envelope(OTHER)
    alone.keep_fingerprints(both.rewrap(kept))
    assert alone.fingerprint("jane@example.com") == ENVELOPE.fingerprint("jane@example.com")


def test_forgetting_empties_the_cache_and_costs_only_time() -> None:
    envelope = Envelope(MASTER)
    sealed = envelope.seal(SUBJECT, b"x", b"")
    assert envelope._cipher.cache_info().currsize == 1
    envelope.forget()
    assert envelope._cipher.cache_info().currsize == 0
    assert envelope.open(SUBJECT, sealed, b"") == b"x"


def test_threads_share_one_envelope() -> None:
    wrong: list[int] = []

    def work(number: int) -> None:
        for turn in range(100):
            text = f"{number}:{turn}".encode() * 300
            if ENVELOPE.open(SUBJECT, ENVELOPE.seal(SUBJECT, text, b""), b"") != text:
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_fingerprints_find_the_same_address_however_it_is_written() -> None:
    assert ENVELOPE.fingerprint(" Jane@Example.com ") == ENVELOPE.fingerprint("jane@example.com")
    assert ENVELOPE.fingerprint("jane@example.com") != ENVELOPE.fingerprint("john@example.com")
    assert ENVELOPE.fingerprint("jane@example.com") != Envelope(OTHER).fingerprint("jane@example.com")
    assert Envelope(MASTER).fingerprint("a@b.example") == Envelope(MASTER).fingerprint("a@b.example")


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_master_key_has_32_bytes(length: int) -> None:
    with pytest.raises(ConfigurationError, match="needs 32 bytes"):
        Envelope(bytes(length))
    with pytest.raises(ConfigurationError, match=r"needs 32 bytes|is not set"):
        master_key_from("env:KEY", {"KEY": base64.b64encode(bytes(length)).decode()})


def test_a_master_key_is_base64() -> None:
    with pytest.raises(ConfigurationError, match="not base64") as caught:
        master_key_from("env:KEY", {"KEY": "canary!"})
    assert "canary" not in str(caught.value)


def test_a_made_master_key_file_is_private_and_works(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "master.key"
    create_master_key_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert len(master_key_from(f"file:{path}")) == 32
    assert [*path.parent.iterdir()] == [path]


def test_a_master_key_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    create_master_key_file(path)
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="left as it is"):
        create_master_key_file(path)
    assert path.read_bytes() == before
    assert [*tmp_path.iterdir()] == [path]


def test_of_racing_makers_one_wins(tmp_path: Path) -> None:
    path, made = tmp_path / "master.key", []
    gate = threading.Barrier(6)

    def work() -> None:
        gate.wait()
        try:
            create_master_key_file(path)
        except ConfigurationError:
            return
        made.append(path.read_bytes())

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [path.read_bytes()]
