"""Trace contexts as text, in the form of the W3C's `traceparent` (Trace Context, level 1). Pure, but for the luck.

A message keeps the context under which it came, so that whoever carries it, in another process and days later, goes on
in the same trace. A trace that begins with us has a root whose span id is the beginning of its trace id: by that its
span can be told later, once the message is stored.
"""

from __future__ import annotations

import os
import re

LENGTH = 55
_FORM = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
_NO_TRACE, _NO_SPAN = "0" * 32, "0" * 16


def read(header: str) -> str:
    """A `traceparent` that somebody sent, in our version of it; "" where it is none. What follows it is left out."""
    found = _FORM.fullmatch(header.strip())
    if found is None or found[1] == "ff" or found[2] == _NO_TRACE or found[3] == _NO_SPAN:
        return ""
    if found[1] == "00" and len(header.strip()) != LENGTH:
        return ""
    return written(found[2], found[3], sampled=int(found[4], 16) & 1 == 1)


def written(trace_id: str, span_id: str, *, sampled: bool) -> str:
    """As it is kept and sent."""
    return f"00-{trace_id}-{span_id}-{int(sampled):02x}"


def begun() -> str:
    """The root of a new trace. Whether it is recorded is decided by its id, wherever that is asked."""
    trace_id = os.urandom(16).hex()
    if trace_id.startswith(_NO_SPAN):  # once in 2**64; neither id may be zero
        return begun()
    return written(trace_id, trace_id[:16], sampled=True)


def id_of(trace: str) -> str:
    """The trace id of a kept context; "" of none."""
    return trace[3:35]


def span_of(trace: str) -> str:
    """Its span id; "" of none."""
    return trace[36:52]


def is_sampled(trace: str) -> bool:
    """Whether who wrote it records it, or may."""
    return trace.endswith("1")


def is_root(trace: str) -> bool:
    """Whether it is one of ours that nothing came before."""
    return bool(trace) and id_of(trace).startswith(span_of(trace))
