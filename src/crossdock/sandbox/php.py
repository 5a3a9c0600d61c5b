"""Answers as PHP writes them: JSON in one line of ASCII with escaped slashes, errors in other forms where asked for.

Readers that compare bytes must live with it.
"""

from __future__ import annotations

import re
from typing import Any
from xml.sax.saxutils import escape

import msgspec

from crossdock.sandbox.faults import HTML
from crossdock.sandbox.wire import ENCODER, Answer, Asked

SORRY = b"<!doctype html>\n<html><head><title>There has been an error processing your request</title></head></html>\n"
FOREIGN = re.compile(r"[^\x00-\x7f]")


def encode(value: Any) -> bytes:
    """Decimals stay numbers; text outside ASCII becomes an escape, or two beyond the first plane."""
    body = ENCODER.encode(value)
    if not body.isascii():
        body = FOREIGN.sub(_escaped, body.decode()).encode("ascii")
    return body.replace(b"/", b"\\/")  # a slash can stand in texts only


def told(asked: Asked, answer: Answer) -> Answer:
    """With its bytes; an error in the form that `Accept` asks for (recorded)."""
    if answer.raw is not None:
        return answer
    if answer.status >= 400 and (other := _in_other_form(asked, answer)):
        return other
    return msgspec.structs.replace(answer, raw=encode(answer.body), body=None)


def _in_other_form(asked: Asked, answer: Answer) -> Answer | None:
    """An error for those who accept no JSON: XML, or an HTML page with status 500. None for the rest."""
    accept = asked.headers.get("accept", "")
    if accept == "application/xml":
        text = escape(str(answer.body.get("message", "")) if isinstance(answer.body, dict) else "")
        raw = f'<?xml version="1.0"?>\n<response>\n  <message>{text}</message>\n</response>\n'.encode()
        return Answer(status=answer.status, raw=raw, headers={"Content-Type": "application/xml; charset=utf-8"})
    return Answer(status=500, raw=SORRY, headers=HTML) if accept == "text/html" else None


def _escaped(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be")
    return "".join(f"\\u{units[n] << 8 | units[n + 1]:04x}" for n in range(0, len(units), 2))
