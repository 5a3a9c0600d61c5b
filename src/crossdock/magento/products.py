"""Products into a store.

What the store has is read first. Of a product that is there only those fields go which the source owns and which are
not so already, and of what comes back it is seen whether they were kept: a real 2.4.7 drops an unknown attribute
without a word, takes an option that there is not, and answers 200 (recorded). POST is an upsert; `all` the only scope.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from crossdock.contract.batches import Outcome
from crossdock.contract.ledger import Handed
from crossdock.contract.message import Receipt
from crossdock.errors import (
    DeliveryError,
    MappingError,
    Misconfigured,
    NotReady,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Temporary,
    Unauthorized,
    UnderWay,
    Unreachable,
)
from crossdock.flows.products import content
from crossdock.magento.bulk import Bulks, Look, Parcel
from crossdock.magento.client import MagentoClient, segment
from crossdock.magento.directory import Directory
from crossdock.magento.mapping.products import (
    DECODER,
    DISABLED,
    Row,
    Standing,
    Wanted,
    changes,
    differing,
    parse_product,
    told,
)
from crossdock.magento.pictures import Gallery, digest_in
from crossdock.magento.shelf import PRODUCTS, Shelf
from crossdock.magento.wishes import NEW, resolved
from crossdock.model.base import Record
from crossdock.model.product import Picture, Product

MADE = "made"
GALLERY = "media_gallery_entries"
PATIENCE = 3  # failures in a row that say nothing of the products, after which the rest is not tried
OF_THE_STORE = (Unauthorized, Misconfigured, RateLimited, Unreachable)


class Plan(Record, frozen=True, kw_only=True):
    """What is to be done for one product. Without a body there is nothing to save; `wanted` is what is to be true."""

    key: str
    product: Product
    standing: Standing | None
    wanted: Wanted = Wanted()
    body: Row = msgspec.field(default_factory=dict)
    names: tuple[str, ...] = ()
    deletes: bool = False
    pictures: tuple[Picture, ...] | None = None  # of a product that is there; a new one's are in its body
    detail: str = "as it was"


class ProductSink:
    """The sink of the flow `products`."""

    def __init__(self, client: MagentoClient, directory: Directory, bulks: Bulks, gallery: Gallery) -> None:
        self._client = client
        self._gallery = gallery
        self._directory = directory
        self._bulks = bulks
        self._shelf = Shelf(client)

    def put(self, record: Product, key: str) -> Receipt:
        """One alone. Raises DeliveryError."""
        outcome = self.put_many([(record, key)])[0]
        if isinstance(outcome, Receipt):
            return outcome
        raise outcome

    def find(self, record: Product, key: str) -> Receipt | None:
        """A receipt where there is nothing left to do. Raises DeliveryError."""
        plan = self._plan(record, self._shelf.all_of(_skus([record])), key)
        if (
            plan.body
            or plan.deletes
            or (plan.pictures is not None and self._gallery.lacking(record.sku, plan.pictures))
        ):
            return None
        return _receipt(plan, found=True)

    def put_many(self, rows: Sequence[tuple[Product, str]]) -> list[Outcome]:
        """One outcome a row. Children go before the products that are made of them.

        What was handed over before is looked at first: nothing goes for a product while the store has one of ours.
        """
        asked = {key: product for product, key in rows}
        try:
            outcomes = self._looked(asked, self._bulks.noted([*asked]))
        except DeliveryError as error:
            return [error] * len(rows)
        for is_parent in (False, True):
            left = {key: one for key, one in asked.items() if key not in outcomes}
            outcomes |= self._carried(
                {key: one for key, one in left.items() if (one.variants is not None) is is_parent}
            )
        return [outcomes[key] for _, key in rows]

    def compared(self, records: Sequence[Product]) -> list[dict[str, tuple[str, str]] | None]:
        """Of each, what the store does not have as it is wanted: (wanted, there). None: it has no such product.

        Says nothing of pictures. Reads only; where the store lacks a name that is wanted, that is what differs.
        """
        known = self._shelf.all_of(_skus(records))
        return [self._compared(one, known) for one in records]

    def _compared(self, product: Product, known: Mapping[str, Standing]) -> dict[str, tuple[str, str]] | None:
        standing = known.get(product.sku.casefold())
        if standing is None:
            return {} if product.removal else None
        if product.removal:
            gone = product.removal == "ignore" or standing.values.get("status") == DISABLED
            return {} if gone else {"status": (f"removed: {product.removal}", told(standing, "status"))}
        owned = [name for name in product.owned if name != "images"]
        try:
            wanted = resolved(msgspec.structs.replace(product, makes_options=False), owned, self._directory, known)
        except (Rejected, NotReady) as error:
            return {"(names)": ("", str(error))}
        whole = self._shelf.one(standing.sku) or standing if wanted.children is not None else standing
        return {name: (told(wanted, name), told(whole, name)) for name in differing(wanted, whole)}

    def preview(self, record: Product) -> dict[str, Any]:
        """What it would have written, by the names that the record gives; the ids are the store's."""
        said = {name: value for name, value in record.values.items() if name in record.owned}
        return {f"POST {PRODUCTS}": {"product": {"sku": record.sku} | said}}

    def _carried(self, products: Mapping[str, Product]) -> dict[str, Outcome]:
        if not products:
            return {}
        outcomes: dict[str, Outcome] = {}
        plans: dict[str, Plan] = {}
        try:
            known = self._shelf.all_of(_skus(products.values()))
            for key, product in products.items():
                try:
                    plans[key] = self._plan(product, known, key)
                except (Rejected, NotReady) as error:
                    outcomes[key] = error
        except DeliveryError as error:  # nothing of these was sent
            return dict.fromkeys(products, error)
        saves = {key: plan for key, plan in plans.items() if plan.body and GALLERY not in plan.body}
        if self._bulks.takes(len(saves)):
            outcomes |= self._handed_over(saves)
        return outcomes | self._sent({key: plan for key, plan in plans.items() if key not in outcomes})

    # --- what the store has in its own queue -----------------------------------------------------------------------

    def _handed_over(self, plans: Mapping[str, Plan]) -> dict[str, Outcome]:
        """UnderWay for what the store took. One entry of a wrong type refuses them all: then they go one by one."""
        parcels = [
            Parcel(key=key, body=plan.body, content=content(plan.product), detail=plan.detail[:255])
            for key, plan in plans.items()
        ]
        try:
            return dict(zip(plans, self._bulks.send(parcels), strict=True))
        except Rejected:
            return {}
        except DeliveryError as error:
            return dict.fromkeys(plans, error)

    def _looked(self, products: Mapping[str, Product], noted: Mapping[str, Handed]) -> dict[str, Outcome]:
        """Of those that were handed over: what became of them. What is free to go again, or is newer, is left out."""
        try:
            looks = self._bulks.look(noted, {key: products[key].sku for key in noted}) if noted else {}
            waits = {key: one.error for key, one in looks.items() if isinstance(one.error, UnderWay)}
            ended = [key for key in looks if key not in waits]
            told = [key for key in ended if not looks[key].lost and noted[key].content == content(products[key])]
            known = self._shelf.all_of(_skus(products[key] for key in told)) if told else {}
            settled = {key: self._settled(products[key], looks[key], noted[key], known) for key in told}
            self._bulks.close(ended)
        except DeliveryError as error:
            return dict.fromkeys(noted, error)
        return {**waits, **settled}

    def _settled(self, product: Product, look: Look, noted: Handed, known: Mapping[str, Standing]) -> Outcome:
        """By what the store holds, whatever it says: complete may have dropped a field, failed may have been done."""
        standing = known.get(product.sku.casefold())
        try:
            lost = self._lacking(product, standing, known, made=noted.detail == MADE)
        except (Rejected, NotReady) as error:
            return look.error or error
        if standing is not None and not lost:
            pictures = product.pictures if "images" in product.owned and noted.detail != MADE else None
            plan = Plan(key=noted.key, product=product, standing=standing, pictures=pictures, detail=noted.detail)
            try:
                return self._pictured(plan, _receipt(plan, found=True))
            except DeliveryError as error:
                return error
        if look.error is not None:
            return look.error
        return _not_kept(lost) if standing is not None else Temporary("the store says that it made it, and has it not")

    def _lacking(
        self, product: Product, standing: Standing | None, known: Mapping[str, Standing], *, made: bool
    ) -> list[str]:
        if standing is None:
            return []
        if product.removal:
            return [*_removal(product, standing, "").names]
        wanted = resolved(product, None if made else product.owned, self._directory, known)
        names = differing(wanted, standing)
        return differing(wanted, self._shelf.one(standing.sku) or standing) if names else names

    # --- what is to be done ----------------------------------------------------------------------------------------

    def _plan(self, product: Product, known: Mapping[str, Standing], key: str) -> Plan:
        standing = known.get(product.sku.casefold())
        if product.removal:
            return _removal(product, standing, key)
        if standing is None:
            return self._new(product, known, key)
        if product.kind and product.kind != standing.kind:
            raise Rejected(f"is a {standing.kind} product at the store: a type is never changed")
        if product.attribute_set and self._directory.set_id(product.attribute_set) != standing.set_id:
            raise Rejected("has another attribute set at the store: it is never changed")
        wanted = resolved(product, product.owned, self._directory, known)
        names = differing(wanted, standing)
        if {"categories", "variants"}.intersection(names):  # the list did not tell these, or not all of them
            standing = self._shelf.one(standing.sku) or standing
            names = differing(wanted, standing)
        pictures = product.pictures if "images" in product.owned else None
        if not names:
            return Plan(key=key, product=product, standing=standing, wanted=wanted, pictures=pictures)
        return Plan(
            key=key,
            product=product,
            standing=standing,
            wanted=wanted,
            body={"sku": standing.sku} | changes(names, wanted, standing),
            names=tuple(names),
            pictures=pictures,
            detail=f"changed: {', '.join(names)}",
        )

    def _new(self, product: Product, known: Mapping[str, Standing], key: str) -> Plan:
        kind = product.kind or "simple"
        if not product.creates:
            raise Rejected("the store has no product of this SKU (products.create)")
        if kind not in NEW:
            raise Rejected(f"a {kind} product is not made by this flow")
        wanted = resolved(product, None, self._directory, known)
        names = _names(wanted)
        fixed = {
            "sku": product.sku,
            "type_id": kind,
            "attribute_set_id": self._directory.set_id(product.attribute_set or product.default_set),
        }
        entries = self._gallery.entries_for(product.pictures) if product.pictures else []
        return Plan(
            key=key,
            product=product,
            standing=None,
            wanted=wanted,
            body=fixed | changes(names, wanted, None) | ({GALLERY: entries} if entries else {}),
            names=tuple(names),
            detail=MADE,
        )

    # --- doing it --------------------------------------------------------------------------------------------------

    def _sent(self, plans: Mapping[str, Plan]) -> dict[str, Outcome]:
        """One call a product. Where the store itself fails, the rest is left for later."""
        outcomes: dict[str, Outcome] = {}
        failed: list[DeliveryError] = []
        for key, plan in plans.items():
            if failed and isinstance(failed[-1], OF_THE_STORE):
                outcomes[key] = failed[-1]
                continue
            if len(failed) >= PATIENCE:
                outcomes[key] = Temporary(f"not sent: {PATIENCE} products in a row failed before it")
                continue
            try:
                outcomes[key] = self._done(plan)
            except DeliveryError as error:
                outcomes[key] = error
                failed = [*failed, error] if _tells_of_the_store(error) else []
                continue
            failed = [] if plan.body else failed
        return outcomes

    def _done(self, plan: Plan) -> Receipt:
        if plan.deletes:
            return self._deleted(plan)
        receipt = self._saved(plan) if plan.body else _receipt(plan, found=True)
        return self._pictured(plan, receipt)

    def _saved(self, plan: Plan) -> Receipt:
        answer = self._client.fetch("POST", PRODUCTS, body={"product": plan.body})
        try:
            kept = parse_product(DECODER.decode(answer.body))
        except MappingError as error:
            raise OutcomeUnknown("the store's answer does not show the product") from error
        self._see(plan.wanted, kept)
        self._see_pictures(plan.body.get(GALLERY) or (), kept)
        return _receipt(plan, found=False, number=kept.id)

    def _see_pictures(self, entries: Sequence[Row], kept: Standing) -> None:
        wanted = {digest_in(one["content"]["name"]) for one in entries}
        if not wanted.issubset(digest_in(one.file) for one in kept.gallery) and self._gallery.lost(kept.sku, wanted):
            raise _not_kept(["images"])

    def _pictured(self, plan: Plan, receipt: Receipt) -> Receipt:
        if plan.pictures is None or plan.standing is None:
            return receipt
        calls = self._gallery.bring(plan.standing.sku, plan.pictures)
        if not calls:
            return receipt
        return msgspec.structs.replace(receipt, detail=f"{receipt.detail}; images: {calls}", found=False)

    def _see(self, wanted: Wanted, kept: Standing) -> None:
        """An answer does not tell everything: what it seems to lack is read. Raises Rejected for what was not kept."""
        if differing(wanted, kept):
            lost = differing(wanted, self._shelf.one(kept.sku) or kept)
            if lost:
                raise _not_kept(lost)

    def _deleted(self, plan: Plan) -> Receipt:
        try:
            self._client.delete(f"{PRODUCTS}/{segment(plan.product.sku)}")
        except Rejected as error:
            if error.status != 404:
                raise
        return _receipt(plan, found=False)


def _removal(product: Product, standing: Standing | None, key: str) -> Plan:
    if standing is None:
        return Plan(key=key, product=product, standing=None, detail="is not there")
    if product.removal == "delete":
        return Plan(key=key, product=product, standing=standing, deletes=True, detail="deleted")
    wanted = Wanted(values={"status": str(DISABLED)} if product.removal == "disable" else {})
    names = differing(wanted, standing)
    body = {"sku": standing.sku} | changes(names, wanted, standing) if names else {}
    return Plan(
        key=key,
        product=product,
        standing=standing,
        wanted=wanted,
        body=body,
        names=tuple(names),
        detail="disabled" if names else "left as it was",
    )


def _tells_of_the_store(error: DeliveryError) -> bool:
    return isinstance(error, (Temporary, OutcomeUnknown, *OF_THE_STORE)) and not isinstance(error, NotReady)


def _not_kept(names: Sequence[str]) -> Rejected:
    return Rejected(f"the store did not keep: {', '.join(names)} (is it in the product's attribute set?)")


def _skus(products: Any) -> set[str]:
    """Their own and their children's."""
    return {sku for one in products for sku in (one.sku, *(one.variants.children if one.variants else ()))}


def _names(wanted: Wanted) -> list[str]:
    told = {"websites": wanted.website_ids, "categories": wanted.category_ids, "variants": wanted.children}
    return [*wanted.values, *(name for name, value in told.items() if value is not None)]


def _receipt(plan: Plan, *, found: bool, number: int | None = None) -> Receipt:
    own = number or (plan.standing.id if plan.standing else None)
    return Receipt(external_id="" if own is None else str(own), found=found, detail=plan.detail)
