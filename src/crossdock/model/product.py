"""Products: what the ERP says of one, as far as it may say it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from crossdock.model.base import Record

Removal = Literal["", "ignore", "disable", "delete"]


class Picture(Record, frozen=True, kw_only=True):
    """One image. `source` is an https address or a file below the connection's folder of images.

    `digest` is the SHA-256 of its bytes in hex, where the ERP tells it: what is there already is then not even read.
    """

    source: str
    digest: str = ""
    label: str = ""
    roles: tuple[str, ...] = ()  # image, small_image, thumbnail, swatch_image


class Variants(Record, frozen=True, kw_only=True):
    """Of a configurable product: the SKUs of its children, and the attributes in which they differ, in order."""

    attributes: tuple[str, ...]
    children: tuple[str, ...]


class Product(Record, frozen=True, kw_only=True):
    """What is to be true of one product of the store.

    `values` holds attributes as text by their codes, options by their labels, several of them as a tuple; None is an
    emptied one. None for websites, categories, pictures and variants: nothing is said of them. All this goes into a
    product that is not there yet; of one that is there only what `owned` names is touched. `kind` and `attribute_set`
    are those of a new product and never changed; "" is not said. `removal` is what becomes of it, where the ERP has it
    no more.
    """

    sku: str
    kind: str = ""
    attribute_set: str = ""
    default_set: str = ""  # of a new product, where the row says none
    values: dict[str, str | tuple[str, ...] | None] = {}
    websites: tuple[str, ...] | None = None
    categories: tuple[str, ...] | None = None
    pictures: tuple[Picture, ...] | None = None
    variants: Variants | None = None
    owned: tuple[str, ...] = ()
    creates: bool = True
    makes_options: bool = False
    removal: Removal = ""
    as_of: datetime | None = None
    version: str = ""
