"""What an action came to, as the next page says it. The address carries a word and a number, never a text."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlencode

from litestar import Response

from crossdock.console.words import counted
from crossdock.identity.pages import led_to

TEXTS: Mapping[str, str] = MappingProxyType(
    {
        "paused": "Paused. Nothing is sent to it until it is resumed; what comes in waits.",
        "resumed": "Resumed. What waited goes now.",
        "as-it-was": "It stood so already: nothing was changed.",
        "replayed": "{letters} will be tried again under the same key.",
        "replayed-some": "{letters} will be tried again under the same key. There are more: repeat it for the next.",
        "resolved": "{letters} marked as dealt with.",
        "resolved-some": "{letters} marked as dealt with. There are more: repeat it for the next.",
        "none": "Nothing was done: there was no such dead letter any more.",
        "corrected": "The record was corrected and will be tried again under the same key.",
        "approved": "Approved: it goes on.",
        "refused": "Refused: nothing of it is put in place.",
        "comparing": "The comparison has begun. What differs appears here as it is found.",
        "compared": "{deliveries} will be compared again, with the mapping and the settings of now.",
        "compared-some": "{deliveries} will be compared again. There are more: `crossdock shadow again` takes all.",
        "repaired": "{repairs} begun, each on the road that everything else goes. Compare again to see it mended.",
        "nothing-left": "Nothing was left to be done: it was repaired already, or has moved on since.",
        "repair-failed": "Not all of it could be done now: the ERP could not be read. What was done is shown below.",
        "reading": "It is being read. What it comes to appears here.",
        "being-read": "Another process is reading it just now: nothing was done.",
        "schedule-paused": "Paused. It is read no more until it is resumed.",
        "schedule-resumed": "Resumed. What came due meanwhile is caught up, once.",
        "lookup-put": "Published: it counts from now on. {letters} that waited for it will be tried again.",
        "acknowledged": "Noted: you are at it. It is passed on to nobody else.",
        "examined": "Everything was looked at. What is not well stands first.",
        "lookup-dropped": "Taken back: what the settings file says counts again.",
    }
)


def done(back: str, word: str, count: int = 0) -> Response[bytes]:
    """See `back`, which says what was done. `word` is one of TEXTS; `back` may have a query."""
    if word not in TEXTS:
        raise KeyError(word)
    told = urlencode({"told": word} | ({"n": str(count)} if count else {}))
    return led_to(f"{back}{'&' if '?' in back else '?'}{told}")


def text_of(query: Mapping[str, str]) -> str:
    """Of an address that `done` has made; "" of any other."""
    given = query.get("n", "0")
    count = int(given) if given.isascii() and given.isdigit() and len(given) < 9 else 0
    told = {"letters": counted(count, "letter"), "repairs": counted(count, "repair")}
    told |= {"deliveries": counted(count, "delivery", "deliveries")}
    return TEXTS.get(query.get("told", ""), "").format(**told)


__all__ = ["TEXTS", "done", "text_of"]
