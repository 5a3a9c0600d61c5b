"""Stored payloads, encrypted under a key per subject that the master key wraps.

Erasing a person is destroying the wrapped key: what it sealed stays where it is and says nothing any more, and the
audit chain over it still holds. The holes left open: a backup of the database made before has the wrapped key too, and
a process keeps unwrapped keys in memory until `forget`.

    sealed payload  = version | nonce (12) | AES-256-GCM(subject's key, zstd(plaintext)), bound to the context
    wrapped key     = version | master key's id (4) | nonce (12) | AES-256-GCM(wrapping key, subject's key)

The wrapping key and the fingerprint key are derived from the master key by HKDF, each for its one purpose.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import secrets as randomness
import threading
from collections.abc import Mapping
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

from crossdock.errors import ConfigurationError, StorageError
from crossdock.security.secrets import resolve

WrappedKey = NewType("WrappedKey", bytes)

KEY_BYTES = 32

_VERSION = b"\x01"
_NONCE_BYTES = 12
_ID_BYTES = 4
_LEVEL = 3
_CACHED_KEYS = 4096
_LARGEST = 256 * 1024 * 1024
_WRAPPING = b"crossdock:v1:wrapping"
_FINGERPRINT = b"crossdock:v1:fingerprint"


class Envelope:
    """Seals and opens under one master key. Safe for threads."""

    def __init__(self, master_key: bytes) -> None:
        if len(master_key) != KEY_BYTES:
            raise ConfigurationError([f"security.master_key: needs {KEY_BYTES} bytes, has {len(master_key)}"])
        self._wrapping = AESGCM(_derived(master_key, _WRAPPING))
        self._fingerprint_key = _derived(master_key, _FINGERPRINT)
        self._id = sha256(_derived(master_key, b"crossdock:v1:id")).digest()[:_ID_BYTES]
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
        """What was sealed. Raises StorageError where it was changed, moved or sealed under another key."""
        if sealed[:1] != _VERSION:
            raise StorageError("a sealed payload is of a version that this program does not know")
        nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            squeezed = self._cipher(bytes(wrapped)).decrypt(nonce, body, _VERSION + context)
            return self._codec.decompressor.decompress(squeezed, max_output_size=_LARGEST)
        except (InvalidTag, ValueError, zstandard.ZstdError) as error:
            raise StorageError("a sealed payload does not open: it was changed, moved, or is another key's") from error

    def fingerprint(self, text: str) -> str:
        """A keyed digest of `text`, the same for `A@x` and ` a@X `: finds an e-mail's rows without storing it."""
        return hmac.new(self._fingerprint_key, text.strip().casefold().encode(), sha256).hexdigest()

    def forget(self) -> None:
        """Drop every unwrapped key from memory; after an erasure."""
        self._cipher.cache_clear()

    def _wrap(self, subject_key: bytes) -> WrappedKey:
        nonce = randomness.token_bytes(_NONCE_BYTES)
        head = _VERSION + self._id
        return WrappedKey(head + nonce + self._wrapping.encrypt(nonce, subject_key, head))

    def _unwrap(self, wrapped: bytes) -> bytes:
        head, rest = wrapped[: 1 + _ID_BYTES], wrapped[1 + _ID_BYTES :]
        if head[:1] != _VERSION:
            raise StorageError("a wrapped key is of a version that this program does not know")
        if head[1:] != self._id:
            raise ConfigurationError(["security.master_key: the payloads here were sealed under another master key"])
        try:
            return self._wrapping.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], head)
        except (InvalidTag, ValueError) as error:
            raise StorageError("a wrapped key does not open: it was changed") from error

    def _fresh_cipher(self, wrapped: bytes) -> AESGCM:
        return AESGCM(self._unwrap(wrapped))


def rewrap(wrapped: bytes, old: Envelope, new: Envelope) -> WrappedKey:
    """The same subject's key under a new master key. What it sealed is not touched; fingerprints are new ones."""
    return new._wrap(old._unwrap(wrapped))  # noqa: SLF001  one matter, two keys; the bare key goes nowhere else


def master_key_from(ref: str, environ: Mapping[str, str] = os.environ) -> bytes:
    """The master key that `ref` points to: 32 bytes in base64. Raises ConfigurationError."""
    text = resolve(ref, environ, key="security.master_key")
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise ConfigurationError(["security.master_key: is not base64"]) from None
    if len(key) != KEY_BYTES:
        raise ConfigurationError([f"security.master_key: needs {KEY_BYTES} bytes in base64, has {len(key)}"])
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
