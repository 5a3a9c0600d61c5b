"""The ERP's number, written back to its order: by reading first, so that it may be done any number of times."""

from __future__ import annotations

import html
from typing import Any

from crossdock.contract.message import Receipt
from crossdock.errors import OutcomeUnknown, Rejected, Temporary
from crossdock.magento.client import MagentoClient, segment
from crossdock.magento.mapping.naming import people_in
from crossdock.model.change import Acknowledgement
from crossdock.transport.told import naming_nobody


class AcknowledgementSink:
    """The sink of the flow `acknowledgements`: `ext_order_id`, then a comment that no customer sees.

    Both are narrow calls. `POST /V1/orders` with `entity_id` and `ext_order_id` alone changed nothing else on a real
    2.4.7 (it moves `updated_at` and fires `sales.order.created` and `sales.order.paid` once more: the content hash
    keeps that from becoming work). The comment carries no status: a status can only be wrong there.
    """

    def __init__(self, client: MagentoClient, *, comment: bool = True) -> None:
        self._client = client
        self._comment = comment

    def put(self, record: Acknowledgement, key: str) -> Receipt:  # noqa: ARG002 - the order itself is what dedupes
        """Writes what is not there yet. Raises DeliveryError; OutcomeUnknown is answered by `find`."""
        order = self._order(record)
        if order is None:
            raise Rejected("the store has no such order", status=404)
        numbered, commented = self._state(order, record)
        with naming_nobody(people_in(order)):
            if not numbered:
                self._write_number(record)
            if not commented:
                self._write_comment(record)
        return _receipt(record, found=numbered and commented)

    def find(self, record: Acknowledgement, key: str) -> Receipt | None:  # noqa: ARG002
        """A receipt where number and comment both stand in the order."""
        order = self._order(record)
        if order is None or not all(self._state(order, record)):
            return None
        return _receipt(record, found=True)

    def preview(self, record: Acknowledgement) -> dict[str, Any]:
        """The bodies that `put` would send to an order that has neither."""
        bodies = {"POST V1/orders": number_body(record)}
        if self._comment:
            bodies[f"POST {_comments_path(record)}"] = comment_body(record)
        return bodies

    def _order(self, record: Acknowledgement) -> dict[str, Any] | None:
        answer = self._client.find(f"V1/orders/{segment(record.subject_id)}")
        order = None if answer is None else answer.json()
        if order is not None and not isinstance(order, dict):
            raise Temporary("an order in an unknown form")
        return order

    def _state(self, order: dict[str, Any], record: Acknowledgement) -> tuple[bool, bool]:
        numbered = order.get("ext_order_id") == record.external_id
        return numbered, not self._comment or has_comment(order, comment_text(record))

    def _write_number(self, record: Acknowledgement) -> None:
        answer = self._client.post("V1/orders", number_body(record))
        if not isinstance(answer, dict) or answer.get("ext_order_id") != record.external_id:
            raise OutcomeUnknown("the store's answer does not show the number")

    def _write_comment(self, record: Acknowledgement) -> None:
        if self._client.post(_comments_path(record), comment_body(record)) is not True:
            raise OutcomeUnknown("the store's answer does not say that the comment was kept")


def comment_text(record: Acknowledgement) -> str:
    """What people read in the order's history."""
    return f"ERP order {record.external_id} (crossdock)"


def has_comment(order: dict[str, Any], text: str) -> bool:
    """Whether the order's history holds this comment already, escaped or not."""
    histories = order.get("status_histories") or ()
    return any(html.unescape(str(one.get("comment") or "")).strip() == text for one in histories)


def number_body(record: Acknowledgement) -> dict[str, Any]:
    """The narrow save: these two fields and no other."""
    return {"entity": {"entity_id": int(record.subject_id), "ext_order_id": record.external_id}}


def comment_body(record: Acknowledgement) -> dict[str, Any]:
    """A comment that is neither shown nor mailed."""
    return {
        "statusHistory": {
            "comment": comment_text(record),
            "is_customer_notified": 0,
            "is_visible_on_front": 0,
            "parent_id": int(record.subject_id),
        }
    }


def _comments_path(record: Acknowledgement) -> str:
    return f"V1/orders/{segment(record.subject_id)}/comments"


def _receipt(record: Acknowledgement, *, found: bool) -> Receipt:
    return Receipt(external_id=record.subject_id, number=record.number, found=found)
