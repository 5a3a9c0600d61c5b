"""The glossary has the words of the house, and no word that nobody uses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from crossdock.delivery.records import Owner, State

ROOT = Path(__file__).parents[2]
GLOSSARY = ROOT / "docs/glossary.md"
TERMS = re.findall(r"^\| \*\*(.+?)\*\* \| (.+) \|$", GLOSSARY.read_text("utf-8"), re.MULTILINE)
HOUSE = """
    connector, connection, flow, route, message, subject, version, inbox, outbox, delivery, attempt, idempotency key,
    ordering key, lease, receipt, acknowledgement, link, watermark, checkpoint, dead letter, replay, superseded, paused,
    reconciliation, drift, audit trail
"""


@pytest.mark.parametrize("word", " ".join(HOUSE.split()).split(", "))
def test_every_word_of_the_house_is_in_it(word: str) -> None:
    assert word in dict(TERMS)


def test_it_goes_by_the_alphabet_and_has_each_word_once() -> None:
    words = [word for word, _ in TERMS]
    assert words == sorted(set(words))


def test_the_states_and_the_owners_are_told() -> None:
    told = " ".join(f"{word} {meaning}" for word, meaning in TERMS)
    assert [one for one in (*State, *Owner) if one not in told and one not in {State.PENDING, State.DELIVERED}] == []


def test_every_word_is_used_elsewhere() -> None:
    pages = [page for page in (ROOT / "docs").rglob("*.md") if page != GLOSSARY]
    files = [*pages, *(ROOT / "src/crossdock").rglob("*.py")]
    text = " ".join(" ".join(file.read_text("utf-8").split()) for file in files).lower()
    assert [
        word
        for word, _ in TERMS
        if not re.search(rf"\b{word.replace(' ', '[ _]')}(s|es)?\b", text.replace("deliveries", "delivery"))
    ] == []
