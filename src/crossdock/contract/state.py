"""Flows of states: only the newest counts, one row a subject and target. Their rules, as pure functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from crossdock.model.base import Record

R = TypeVar("R")
Raw = Mapping[str, Any]


class StateRules(Record, Generic[R], frozen=True, kw_only=True):
    """What is asked of each row of a feed.

    `reader` makes of a route's options what reads a row as it came (from a request's body, a file or a page of an
    ERP), and raises MappingError. `subject` says what the row is about: one row is kept for each. Rows of one `lane`
    go to the target in one call at a time, sorted by subject. Two records with the same `content` (at most 64
    characters) ask for nothing new. `version` sorts as text; "" stands for the order of arrival. `alarm` compares a
    record with the one before it and says what is odd about the change: "" for nothing, or a word that `guard` counts.
    """

    reader: Callable[[Raw], Callable[[Raw], R]]
    subject: Callable[[R], str]
    reference: Callable[[R], str]
    lane: Callable[[R], str]
    content: Callable[[R], str]
    version: Callable[[R], str]
    alarm: Callable[[R, R | None, Raw], str]
    guard: Callable[[Mapping[str, int], int, Raw], str]  # alarms by word, rows of the feed, options -> why it is held
