"""Pictures of products: read from an address or a file, and known again by their digest.

Magento tells no digest of what it holds. So ours is in the file's name, `cd-<40 hex digits of the SHA-256>.jpg`, which
Magento keeps (with a number behind it where there is such a file): what the store has is told by the store alone, and
nothing goes up twice. Pictures of other names are somebody else's and stay.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from crossdock.errors import NotReady, Rejected, Temporary
from crossdock.magento.client import MagentoClient, segment
from crossdock.magento.mapping.products import Entry, parse_entry
from crossdock.magento.settings import ProductSettings
from crossdock.magento.shelf import PRODUCTS
from crossdock.model.base import Record
from crossdock.model.product import Picture
from crossdock.transport.fetch import Fetcher, FetchOptions

OURS = re.compile(r"(?:^|/)cd-([0-9a-f]{40})(?:_\d+)?\.\w+$")
LENGTH = 40
KINDS = {
    b"\xff\xd8\xff": ("jpg", "image/jpeg"),
    b"\x89PNG\r\n\x1a\n": ("png", "image/png"),
    b"GIF8": ("gif", "image/gif"),
}
Row = dict[str, Any]


class Read(Record, frozen=True, kw_only=True):
    """A picture's bytes."""

    picture: Picture
    body: bytes

    @property
    def digest(self) -> str:
        """Of the bytes themselves."""
        return sha256(self.body).hexdigest()


class Pictures:
    """Reads them. Raises Rejected where one never can be had, NotReady where it may be later."""

    def __init__(self, settings: ProductSettings, ca_file: str = "", fetcher: Fetcher | None = None) -> None:
        self._most = settings.image_max_bytes
        self._folder = Path(settings.image_folder).resolve() if settings.image_folder else None
        hosts = frozenset(host.casefold() for host in settings.image_private_hosts)
        options = FetchOptions(max_bytes=self._most, private_hosts=hosts, ca_file=ca_file)
        self._fetcher = fetcher or Fetcher(options)

    def read(self, picture: Picture) -> Read:
        """Its bytes, as the record says they are."""
        remote = picture.source.startswith("https://")
        body = self._fetcher.fetch(picture.source) if remote else self._file(picture.source)
        found = Read(picture=picture, body=body)
        if picture.digest and found.digest != picture.digest:
            raise Rejected("an image's sha256 is another than the row says")
        return found

    def digest(self, picture: Picture) -> str:
        """Told, or found by reading it."""
        return picture.digest or self.read(picture).digest

    def _file(self, name: str) -> bytes:
        """Only below the folder, wherever its name or a link leads to."""
        if self._folder is None:
            raise Rejected("images as files need products.image_folder")
        path = (self._folder / name).resolve()
        if not path.is_relative_to(self._folder):
            raise Rejected("an image is outside of products.image_folder")
        try:
            if path.stat().st_size > self._most:
                raise Rejected(f"an image is larger than {self._most} bytes")
            return path.read_bytes()
        except FileNotFoundError as error:
            raise NotReady(f"there is no image {path.name[:60]!r} in products.image_folder yet") from error
        except OSError as error:
            raise NotReady(f"the image {path.name[:60]!r} cannot be read") from error


class Gallery:
    """The pictures of a store's products. Raises DeliveryError."""

    def __init__(self, client: MagentoClient, pictures: Pictures) -> None:
        self._client = client
        self._pictures = pictures

    def entries_for(self, pictures: Sequence[Picture]) -> list[Row]:
        """For a product that is made: they go with it, in one call."""
        return [_entry(self._pictures.read(one), place) for place, one in enumerate(pictures, 1)]

    def lacking(self, sku: str, pictures: Sequence[Picture]) -> bool:
        """Whether there is anything to do."""
        wanted = [self._pictures.digest(one)[:LENGTH] for one in pictures]
        have = self._ours(sku)
        if set(have) != set(wanted):
            return True
        return any(
            _told(have[name], one, place) for place, (name, one) in enumerate(zip(wanted, pictures, strict=True), 1)
        )

    def lost(self, sku: str, digests: Iterable[str]) -> bool:
        """Whether one of these is not there."""
        return not self._ours(sku).keys() >= {*digests}

    def bring(self, sku: str, pictures: Sequence[Picture]) -> int:
        """What is missing goes up, what is otherwise is corrected, what we put there before and is named no more goes.

        How many calls that took.
        """
        left, calls = self._ours(sku), 0
        for place, picture in enumerate(pictures, 1):
            entry = left.pop(self._pictures.digest(picture)[:LENGTH], None)
            if entry is None:
                self._client.post(_path(sku), {"entry": _entry(self._pictures.read(picture), place)})
            elif told := _told(entry, picture, place):
                self._client.put(f"{_path(sku)}/{entry.id}", {"entry": told})
            else:
                continue
            calls += 1
        for entry in left.values():
            self._client.delete(f"{_path(sku)}/{entry.id}")
        return calls + len(left)

    def _ours(self, sku: str) -> dict[str, Entry]:
        """By the part of the digest that is in the name."""
        rows = self._client.get(_path(sku))
        if not isinstance(rows, list):
            raise Temporary("the store tells a product's pictures in an unknown form")
        entries = [parse_entry(row) for row in rows]
        return {name: entry for entry in entries if (name := digest_in(entry.file))}


def digest_in(file: str) -> str:
    """The part of it that is in a file's name; empty where the name is none of ours."""
    found = OURS.search(file)
    return found[1] if found else ""


def _path(sku: str) -> str:
    return f"{PRODUCTS}/{segment(sku)}/media"


def _entry(read: Read, place: int) -> Row:
    suffix, kind = next((told for mark, told in KINDS.items() if read.body.startswith(mark)), ("", ""))
    if not kind:
        raise Rejected("an image is neither JPEG nor PNG nor GIF")
    data = base64.b64encode(read.body).decode()
    content = {"base64_encoded_data": data, "type": kind, "name": f"cd-{read.digest[:LENGTH]}.{suffix}"}
    return _words(read.picture, place) | {"content": content}


def _told(entry: Entry, picture: Picture, place: int) -> Row:
    """What is to be written of one that is there; nothing where it is so already."""
    same = (entry.label, entry.position, {*entry.types}) == (picture.label, place, {*picture.roles})
    return {} if same else _words(picture, place) | {"id": entry.id, "file": entry.file}


def _words(picture: Picture, place: int) -> Row:
    told = {"media_type": "image", "label": picture.label, "position": place, "disabled": False}
    return told | {"types": list(picture.roles)}


__all__ = ["Gallery", "Pictures", "digest_in"]
