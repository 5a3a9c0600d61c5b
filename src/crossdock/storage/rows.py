"""Rows to records and back."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy.engine import Row

from crossdock.contract.flow import Known
from crossdock.contract.message import Message
from crossdock.delivery.records import Delivery, State
from crossdock.delivery.store import DeliveryView

EDITED = "edited"  # the channel of a message whose body a person has put in place


def payload_subject(source: str, subject: str) -> str:
    """Whose key a body is encrypted under: one key a subject."""
    return f"{source}:{subject}"


def encode_memo(memo: dict[str, str]) -> str:
    """A memo as text."""
    return msgspec.json.encode(memo).decode()


def decode_memo(text: str) -> dict[str, str]:
    """A memo from text."""
    return msgspec.json.decode(text, type=dict[str, str])


def message_values(message: Message) -> dict[str, Any]:
    """A message's columns, but for its body."""
    return {
        "id": message.id,
        "source": message.source,
        "flow": message.flow,
        "subject": message.subject,
        "reference": message.reference,
        "version": message.version,
        "content": message.content,
        "occurred_at": message.occurred_at,
        "read_at": message.read_at,
        "trace": message.trace,
    }


def message_of(row: Row[Any], body: bytes) -> Message:
    """A message from a row that has its columns under an `m_` prefix."""
    return Message(
        id=row.m_id,
        source=row.m_source,
        flow=row.m_flow,
        subject=row.m_subject,
        reference=row.m_reference,
        version=row.m_version,
        content=row.m_content,
        occurred_at=row.m_occurred_at,
        read_at=row.m_read_at,
        trace=row.m_trace,
        payload=body,
    )


def delivery_of(row: Row[Any], message: Message) -> Delivery:
    """A leased delivery."""
    return Delivery(
        id=row.id,
        message=message,
        flow=row.flow,
        source=row.source,
        target=row.target,
        subject=row.subject,
        reference=row.reference,
        key=row.key,
        lane=row.lane,
        priority=row.priority,
        state=State(row.state),
        attempts=row.attempts,
        unexpected=row.unexpected,
        opened_at=row.opened_at,
        due_at=row.due_at,
        fence=row.fence,
        generation=row.generation,
        leased_until=row.leased_until,
        maybe_sent=row.maybe_sent,
        sent_at=row.sent_at,
        memo=decode_memo(row.memo),
        reason=row.reason,
        edited=row.m_channel == EDITED,
    )


def view_of(row: Row[Any]) -> DeliveryView:
    """A delivery as people see it."""
    return DeliveryView(
        id=row.id,
        flow=row.flow,
        source=row.source,
        target=row.target,
        subject=row.subject,
        reference=row.reference,
        key=row.key,
        state=State(row.state),
        attempts=row.attempts,
        created_at=row.created_at,
        due_at=row.due_at,
        settled_at=row.settled_at,
        maybe_sent=row.maybe_sent,
        code=row.code,
        reason=row.reason,
        owner=row.owner,
        resolved=row.resolved_why,
    )


def known_of(row: Row[Any]) -> Known:
    """A promise as a look sees it."""
    return Known(
        flow=row.flow,
        target=row.target,
        key=row.key,
        state=row.state,
        maybe_sent=row.maybe_sent,
        attempts=row.attempts,
        memo=decode_memo(row.memo),
    )
