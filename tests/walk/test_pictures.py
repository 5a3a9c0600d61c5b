"""Pictures of products: up once, known again by their digest, and what the store really holds then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from crossdock.magento.pictures import digest_in
from crossdock.sandbox.faults import NONE, Faults
from tests.databases import sqlite_url
from tests.walk.test_bulks import QUICK
from tests.walk.test_products import Row, World, database, product, world_with
from tests.walk.world import settled, until

__all__ = ["database"]
JPEG, PNG, OTHER = b"\xff\xd8\xff one", b"\x89PNG\r\n\x1a\n two", b"\xff\xd8\xff three"
FILES = {"one.jpg": JPEG, "sub/two.png": PNG, "three.jpg": OTHER, "text.jpg": b"no picture"}


@contextmanager
def gallery(
    folder: Path, database: str, faults: Faults = NONE, *, wait_s: float = 20, **options: Any
) -> Iterator[World]:
    images = folder / "images"
    for name, body in FILES.items():
        (images / name).parent.mkdir(parents=True, exist_ok=True)
        (images / name).write_bytes(body)
    (folder / "secret.jpg").write_bytes(JPEG)
    (images / "link.jpg").symlink_to(folder / "secret.jpg")
    settings: Row = {"image_folder": str(images), "image_max_bytes": 1000, "bulk_from": 3}
    deadlines = None if faults is NONE else QUICK  # so short that a slow machine alone would miss them
    with world_with(folder, database, faults, settings, deadlines, wait_s=wait_s, **options) as world:
        yield world


def digest(body: bytes) -> str:
    return sha256(body).hexdigest()


def shown(world: World, sku: str) -> list[tuple[bytes, str, list[str]]]:
    """Of each picture in its place: the bytes that the store keeps, its label, its roles."""
    rows = world.shop.do(lambda store: [dict(one) for one in store.catalog.rows[sku.casefold()].get("media", [])])
    files = world.shop.do(lambda store: dict(store.pictures.files))
    placed = sorted(rows, key=lambda one: one["position"])
    return [(files[one["file"]], one["label"], sorted(one["types"])) for one in placed]


def uploads(world: World) -> int:
    return world.shop.do(lambda store: store.pictures.count)


MAIN = ["image", "small_image", "thumbnail"]


def test_a_new_product_is_made_with_its_pictures(tmp_path: Path, database: str) -> None:
    with gallery(tmp_path, database) as world:
        told = [{"source": "one.jpg", "label": "Front"}, "sub/two.png"]
        assert world.pushed(product("NEW-1", images=told)) == ["applied"]
        assert shown(world, "NEW-1") == [(JPEG, "Front", MAIN), (PNG, "", [])]
        assert world.writes("media") == 0, "they went with it"


def test_nothing_goes_up_twice_and_what_is_named_no_more_goes(tmp_path: Path, database: str) -> None:
    with gallery(tmp_path, database) as world:
        by_hand = {"id": 900, "media_type": "image", "label": "", "position": 9, "disabled": False, "types": []}
        world.shop.do(lambda store: store.pictures.files.update({"/b/y/by-hand.jpg": b"hand"}))
        world.shop.do(
            lambda store: store.catalog.rows["sim-0001"].update(media=[by_hand | {"file": "/b/y/by-hand.jpg"}])
        )
        assert world.pushed(product("SIM-0001", images="one.jpg|sub/two.png")) == ["applied"]
        assert shown(world, "SIM-0001") == [(JPEG, "", MAIN), (PNG, "", []), (b"hand", "", [])]
        assert uploads(world) == 2
        assert world.pushed(product("SIM-0001", images="sub/two.png|one.jpg")) == ["applied"]
        assert shown(world, "SIM-0001") == [(PNG, "", MAIN), (JPEG, "", []), (b"hand", "", [])]
        assert uploads(world) == 2, "only places and roles changed"
        assert world.pushed(product("SIM-0001", images="three.jpg")) == ["applied"]
        assert shown(world, "SIM-0001") == [(OTHER, "", MAIN), (b"hand", "", [])]
        assert uploads(world) == 3
        writes = world.writes("media")
        assert world.pushed(product("SIM-0001", images="three.jpg", description="other")) == ["applied"]
        assert world.writes("media") == writes


def test_the_same_picture_at_two_products_is_known_at_both(tmp_path: Path) -> None:
    """The store puts a number behind the second file's name."""
    with gallery(tmp_path, sqlite_url(tmp_path)) as world:
        rows = [product(f"NEW-{n}", images="one.jpg") for n in (1, 2)]
        assert world.pushed(*rows) == ["applied", "applied"]
        assert world.pushed(*[row | {"description": "more"} for row in rows]) == ["applied", "applied"]
        assert uploads(world) == 2
        files = world.shop.do(lambda store: sorted(store.pictures.files))
        assert files[1].endswith("_1.jpg")
        assert {digest_in(one) for one in files} == {digest(JPEG)[:40]}


def test_a_picture_whose_digest_is_told_is_not_even_read(tmp_path: Path) -> None:
    with gallery(tmp_path, sqlite_url(tmp_path)) as world:
        told = [{"source": "one.jpg", "sha256": digest(JPEG)}]
        assert world.pushed(product("SIM-0001", images=told)) == ["applied"]
        (tmp_path / "images/one.jpg").unlink()
        assert world.pushed(product("SIM-0001", images=told, description="more")) == ["applied"]
        assert shown(world, "SIM-0001") == [(JPEG, "", MAIN)]


@pytest.mark.parametrize(
    ("images", "why"),
    [
        ("../secret.jpg", "outside of products.image_folder"),
        ("link.jpg", "outside of products.image_folder"),
        ("/etc/passwd", "outside of products.image_folder"),
        ("text.jpg", "neither JPEG nor PNG nor GIF"),
        ([{"source": "one.jpg", "sha256": "0" * 64}], "sha256 is another"),
        ("http://example.com/a.jpg", "neither https nor a file"),
        ("https://127.0.0.1/a.jpg", "no public address"),
        ("https://169.254.169.254/latest/meta-data", "no public address"),
    ],
)
def test_what_must_not_be_read_costs_its_row_alone(tmp_path: Path, images: Any, why: str) -> None:
    with gallery(tmp_path, sqlite_url(tmp_path)) as world:
        told = world.push(product("NEW-1"), product("NEW-2", images=images), product("NEW-3")).json()["rows"]
        assert [one["outcome"] for one in told] == ["applied", "rejected", "applied"], told
        assert why in told[1]["reason"]
        assert world.told("NEW-2") is None


def test_a_picture_that_is_not_there_yet_is_waited_for_with_its_product(tmp_path: Path) -> None:
    with gallery(tmp_path, sqlite_url(tmp_path), wait_s=1) as world:
        late = tmp_path / "images/late.jpg"
        world.push(product("NEW-1", images="late.jpg"), product("NEW-2"))
        until(lambda: world.told("NEW-2") is not None)
        assert world.told("NEW-1") is None, "it is made with its pictures or not yet"
        late.write_bytes(JPEG)
        until(lambda: settled(world.crossdock))
        assert shown(world, "NEW-1") == [(JPEG, "", MAIN)]


def test_a_store_that_fails_in_the_middle_holds_each_picture_once(tmp_path: Path) -> None:
    faults = Faults(classes={"write": {"down": 0.2, "error_after": 0.1, "reset_after": 0.15, "locked": 0.1}})
    with gallery(tmp_path, sqlite_url(tmp_path), faults) as world:
        rows = [product(f"SIM-000{n}", images="one.jpg|sub/two.png") for n in (1, 2, 3)]
        world.push(*rows, product("NEW-1", images="three.jpg"))
        until(lambda: settled(world.crossdock), 60)
        for n in (1, 2, 3):
            assert shown(world, f"SIM-000{n}") == [(JPEG, "", MAIN), (PNG, "", [])]
        assert shown(world, "NEW-1") == [(OTHER, "", MAIN)]


def test_pictures_that_are_the_stores_are_written_once_with_the_product(tmp_path: Path) -> None:
    owned, initial = ["description"], ["name", "price", "images"]
    with gallery(tmp_path, sqlite_url(tmp_path), owned=owned, initial=initial) as world:
        assert world.pushed(product("NEW-1", images="one.jpg")) == ["applied"]
        assert world.pushed(product("NEW-1", images="three.jpg", description="x")) == ["applied"]
        assert shown(world, "NEW-1") == [(JPEG, "", MAIN)]
        assert world.pushed(product("SIM-0001", images="three.jpg", description="x")) == ["applied"]
        assert shown(world, "SIM-0001") == []
