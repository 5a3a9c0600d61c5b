"""Trace contexts as they come, are kept, and begin."""

from __future__ import annotations

import pytest

from crossdock.telemetry import traces

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{SPAN}-01"


def test_what_comes_is_kept() -> None:
    assert traces.read(GOOD) == GOOD
    assert traces.read(f"  {GOOD} ") == GOOD
    assert (traces.id_of(GOOD), traces.span_of(GOOD), traces.is_sampled(GOOD)) == (TRACE, SPAN, True)


@pytest.mark.parametrize(("flags", "kept"), [("00", "00"), ("01", "01"), ("03", "01"), ("02", "00"), ("ff", "01")])
def test_of_the_flags_the_first_counts(flags: str, kept: str) -> None:
    assert traces.read(f"00-{TRACE}-{SPAN}-{flags}") == f"00-{TRACE}-{SPAN}-{kept}"


def test_a_later_version_is_read_as_far_as_we_know_it() -> None:
    assert traces.read(f"01-{TRACE}-{SPAN}-01-more") == GOOD
    assert traces.read(f"cc-{TRACE}-{SPAN}-01") == GOOD


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-01\n00-{TRACE}-{SPAN}-01",
        "00-\uff14bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ],
)
def test_what_is_none_is_none(header: str) -> None:
    assert traces.read(header) == ""


def test_a_new_trace_is_one_that_others_can_read_and_is_known_as_ours() -> None:
    made = {traces.begun() for _ in range(100)}
    assert len(made) == 100
    assert all(traces.read(one) == one and traces.is_root(one) and len(one) == traces.LENGTH for one in made)
    assert not traces.is_root(GOOD)
    assert not traces.is_root("")


def test_of_no_trace_there_is_no_id() -> None:
    assert (traces.id_of(""), traces.span_of("")) == ("", "")
