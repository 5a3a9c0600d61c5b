"""Stored payloads, encrypted under a key per subject that the master key wraps.

Erasing a person is destroying the wrapped key: what it sealed stays where it is and says nothing any more, and the
audit chain over it still holds. The holes left open: a backup of the database made before has the wrapped key too, and
a process keeps unwrapped keys in memory until `forget`.

    sealed payload  = version | nonce (12) | AES-256-GCM(subject's key, zstd(plaintext)), bound to the context
    wrapped key     = version | master key's id (4) | nonce (12) | AES-256-GCM(wrapping key, subject's key)

The wrapping key is derived from the master key by HKDF. So was the fingerprint key once, and still is where nothing is
kept; a database keeps it, wrapped, so that a rotation of the master key changes no fingerprint.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import secrets as randomness
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import NewType

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from crossdock.errors import ConfigurationError, Unreadable
from crossdock.security.secrets import resolve

WrappedKey = NewType("WrappedKey", bytes)

KEY_BYTES = 32

_VERSION = b"\x01"
_NONCE_BYTES = 12
_ID_BYTES = 4
HEAD_BYTES = len(_VERSION) + _ID_BYTES
_LEVEL = 3
_CACHED_KEYS = 4096
_LARGEST = 256 * 1024 * 1024
_WRAPPING = b"crossdock:v1:wrapping"
_FINGERPRINT = b"crossdock:v1:fingerprint"


class _Master:
    """What is derived from one master key. `head` begins whatever it wraps."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ConfigurationError([f"security.master_key: needs {KEY_BYTES} bytes, has {len(key)}"])
        self.wrapping = AESGCM(_derived(key, _WRAPPING))
        self.fingerprint_key = _derived(key, _FINGERPRINT)
        self.proof = _derived(key, b"crossdock:v1:id")
        self.head = _VERSION + sha256(self.proof).digest()[:_ID_BYTES]


class Envelope:
    """Seals under one master key, opens under that one and `former` ones. Safe for threads."""

    def __init__(self, master_key: bytes, former: Sequence[bytes] = ()) -> None:
        masters = [_Master(key) for key in (master_key, *former)]
        self._master = masters[0]
        self._masters = {one.head: one for one in reversed(masters)}
        if len(self._masters) != len({one.proof for one in masters}):  # one chance in four thousand million
            raise ConfigurationError(["security.master_key: has the same id as a former one; make another one"])
        self._fingerprint_key = self._master.fingerprint_key
        self._cipher = lru_cache(maxsize=_CACHED_KEYS)(self._fresh_cipher)
        self._codec = _Codec()

    def new_subject_key(self) -> WrappedKey:
        """A new random key, wrapped: to be stored beside the subject, and destroyed to erase it."""
        return self._wrap(randomness.token_bytes(KEY_BYTES))

    def seal(self, wrapped: bytes, plaintext: bytes, context: bytes) -> bytes:
        """`plaintext`, compressed and encrypted. Opening it takes the same `context` (row id and column, say)."""
        nonce = randomness.token_bytes(_NONCE_BYTES)
        squeezed = self._codec.compressor.compress(plaintext)
        return _VERSION + nonce + self._cipher(bytes(wrapped)).encrypt(nonce, squeezed, _VERSION + context)

    def open(self, wrapped: bytes, sealed: bytes, context: bytes) -> bytes:
        """What was sealed. Raises Unreadable where it was changed, moved or sealed under another key."""
        if sealed[:1] != _VERSION:
            raise Unreadable("a sealed payload is of a version that this program does not know")
        nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            squeezed = self._cipher(bytes(wrapped)).decrypt(nonce, body, _VERSION + context)
            return self._codec.decompressor.decompress(squeezed, max_output_size=_LARGEST)
        except (InvalidTag, ValueError, zstandard.ZstdError) as error:
            raise Unreadable("a sealed payload does not open: it was changed, moved, or is another key's") from error

    def fingerprint(self, text: str) -> str:
        """A keyed digest of `text`, the same for `A@x` and ` a@X `: finds an e-mail's rows without storing it."""
        return hmac.new(self._fingerprint_key, text.strip().casefold().encode(), sha256).hexdigest()

    @property
    def head(self) -> bytes:
        """How all begins that is wrapped under the master key."""
        return self._master.head

    @property
    def former(self) -> frozenset[bytes]:
        """How all begins that is wrapped under a former master key which is known here."""
        return frozenset(self._masters) - {self.head}

    def rewrap(self, wrapped: bytes) -> WrappedKey:
        """The same subject's key under the master key. What it sealed is not touched."""
        return self._wrap(self._unwrap(wrapped))

    def first_fingerprint_key(self, wrapped: bytes | None) -> WrappedKey:
        """The key of fingerprints as it was before it was kept: derived from the master key that wrapped this."""
        master = self._master if wrapped is None else self._master_of(wrapped)
        return self._wrap(master.fingerprint_key)

    def keep_fingerprints(self, wrapped: bytes) -> None:
        """From now on by this key, which outlives the master key."""
        self._fingerprint_key = self._unwrap(wrapped)

    def forget(self) -> None:
        """Drop every unwrapped key from memory; after an erasure."""
        self._cipher.cache_clear()

    def _wrap(self, subject_key: bytes) -> WrappedKey:
        nonce, master = randomness.token_bytes(_NONCE_BYTES), self._master
        return WrappedKey(master.head + nonce + master.wrapping.encrypt(nonce, subject_key, master.head))

    def _unwrap(self, wrapped: bytes) -> bytes:
        master, rest = self._master_of(wrapped), wrapped[HEAD_BYTES:]
        try:
            return master.wrapping.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], master.head)
        except (InvalidTag, ValueError) as error:
            raise Unreadable("a wrapped key does not open: it was changed") from error

    def _master_of(self, wrapped: bytes) -> _Master:
        head = bytes(wrapped[:HEAD_BYTES])
        if head[:1] != _VERSION:
            raise Unreadable("a wrapped key is of a version that this program does not know")
        if head not in self._masters:
            told = f"the payloads here were sealed under another master key ({key_id(head)}, not {key_id(self.head)})"
            raise ConfigurationError([f"security.master_key: {told}: add it to security.old_master_keys"])
        return self._masters[head]

    def _fresh_cipher(self, wrapped: bytes) -> AESGCM:
        return AESGCM(self._unwrap(wrapped))


def key_id(wrapped: bytes) -> str:
    """Under which master key it is wrapped: 8 hex digits, from which nobody can tell the key."""
    return bytes(wrapped[len(_VERSION) : HEAD_BYTES]).hex()


def master_key_from(ref: str, environ: Mapping[str, str] = os.environ) -> bytes:
    """The master key that `ref` points to: 32 bytes in base64. Raises ConfigurationError."""
    return read_master_key(resolve(ref, environ, key="security.master_key"))


def read_master_key(text: str, setting: str = "security.master_key") -> bytes:
    """The key in its base64. Raises ConfigurationError."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise ConfigurationError([f"{setting}: is not base64"]) from None
    if len(key) != KEY_BYTES:
        raise ConfigurationError([f"{setting}: needs {KEY_BYTES} bytes in base64, has {len(key)}"])
    return key


def create_master_key_file(path: Path) -> None:
    """A new random master key in `path`, for its owner only. Whole or not at all, and never over an older one.

    Raises ConfigurationError where the file is there already: what was sealed under its key would be lost.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{randomness.token_hex(8)}.new")
    try:
        _write_private(draft, base64.b64encode(randomness.token_bytes(KEY_BYTES)) + b"\n")
        os.link(draft, path)  # fails where `path` is there, unlike a rename
    except FileExistsError:
        raise ConfigurationError([f"{path}: there is a master key already; it is left as it is"]) from None
    except OSError as error:
        raise ConfigurationError([f"{path}: cannot be written: {error.strerror}"]) from error
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()


def _write_private(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _derived(master_key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(master_key)


class _Codec(threading.local):
    """zstd contexts are not safe for threads and dear to make: one pair a thread."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=_LEVEL)
        self.decompressor = zstandard.ZstdDecompressor()
