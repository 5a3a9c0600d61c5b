"""The stand-in store's pictures of products. Not recorded: by Magento's schema and source.

Source: Catalog Product/Gallery/GalleryManagement.php, Framework Api/ImageContentValidator.php and ImageProcessor: a
name that is there already gets a number behind it, a role has one picture at a time, and no digest is told.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any

from crossdock.sandbox.wire import Answer

if TYPE_CHECKING:
    from crossdock.sandbox.routes import Call
    from crossdock.sandbox.store import Store

Row = dict[str, Any]
MARKS = {"image/jpeg": b"\xff\xd8\xff", "image/jpg": b"\xff\xd8\xff", "image/png": b"\x89PNG", "image/gif": b"GIF8"}
FORBIDDEN = re.compile(r"[\\/:*?\"<>|]")
WORDS = ("media_type", "label", "position", "disabled", "types")
MISSING = {"message": "The product that was requested doesn't exist. Verify the product and try again."}
NO_IMAGE = {"message": "No image with the provided ID was found. Verify the ID and try again."}


def entries(store: Store, call: Call) -> Answer:
    """All of one product."""
    row = store.catalog.find(call.parts[0])
    return Answer(status=404, body=MISSING) if row is None else Answer(body=row.get("media", []))


def entry(store: Store, call: Call) -> Answer:
    """One of them, read, changed or deleted."""
    row = store.catalog.find(call.parts[0])
    if row is None:
        return Answer(status=404, body=MISSING)
    kept = next((one for one in row.get("media", []) if one["id"] == int(call.parts[1])), None)
    if kept is None:
        return Answer(status=404, body=NO_IMAGE)
    if call.asked.method == "DELETE":
        row["media"].remove(kept)
        return Answer(body=True)
    if call.asked.method == "PUT":
        kept |= {name: call.body["entry"][name] for name in WORDS if name in call.body["entry"]}
        _take_roles(row, kept)
        return Answer(body=True)
    return Answer(body=kept)


def add(store: Store, call: Call) -> Answer:
    """Another one; its id."""
    row = store.catalog.find(call.parts[0])
    if row is None:
        return Answer(status=404, body=MISSING)
    if (refused := refuse(call.body["entry"])) is not None:
        return refused
    return Answer(body=keep(store, row, call.body["entry"]))


def refuse(told: Row) -> Answer | None:
    """What is wrong with a new one."""
    content = told.get("content")
    if not isinstance(content, dict):
        return _no("The image content is invalid. Verify the content and try again.")
    try:
        body = base64.b64decode(str(content.get("base64_encoded_data", "")), validate=True)
    except binascii.Error:
        body = b""
    if not body:
        return _no("The image content must be valid base64 encoded data.")
    mark = MARKS.get(str(content.get("type")))
    if mark is None or not body.startswith(mark):
        return _no("The image MIME type is not valid or not supported.")
    name = str(content.get("name", ""))
    if not name or FORBIDDEN.search(name):
        return _no("Provided image name contains forbidden characters.")
    return None


def keep(store: Store, row: Row, told: Row) -> int:
    """Its id."""
    content = told["content"]
    file = store.pictures.keep(str(content["name"]).lower(), base64.b64decode(content["base64_encoded_data"]))
    empty: Row = {"media_type": "image", "label": None, "position": 0, "disabled": False, "types": []}
    made = {"id": store.pictures.count} | empty | {name: told[name] for name in WORDS if name in told} | {"file": file}
    row.setdefault("media", []).append(made)
    _take_roles(row, made)
    return int(made["id"])


class Pictures:
    """All files, by path."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.count = 0

    def keep(self, name: str, body: bytes) -> str:
        """Where it lies then."""
        self.count += 1
        stem, _, suffix = name.rpartition(".")
        folder = f"/{name[0]}/{name[1]}"
        path, number = f"{folder}/{name}", 0
        while path in self.files:
            number += 1
            path = f"{folder}/{stem}_{number}.{suffix}"
        self.files[path] = body
        return path


def _take_roles(row: Row, mine: Row) -> None:
    for one in row["media"]:
        if one is not mine:
            one["types"] = [role for role in one["types"] if role not in mine["types"]]


def _no(text: str) -> Answer:
    return Answer(status=400, body={"message": text})
