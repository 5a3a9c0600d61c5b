"""Acknowledgements: the target's number, back to where the document came from. Pure."""

from __future__ import annotations

import msgspec

from crossdock.contract.flow import Duty
from crossdock.contract.message import Message, Receipt
from crossdock.flows.keys import effect_key
from crossdock.model.change import Acknowledgement


def acknowledge_order(message: Message, target: str, receipt: Receipt) -> Duty:
    """The duty to tell the source which number its order has at the target."""
    record = Acknowledgement(
        subject_id=message.subject,
        number=message.reference,
        external_id=receipt.number or receipt.external_id,
        target=target,
    )
    return Duty(
        flow="acknowledgements",
        target=message.source,
        key=effect_key(message.source, "order", message.subject, "acknowledge", target),
        payload=msgspec.json.encode(record),
    )
