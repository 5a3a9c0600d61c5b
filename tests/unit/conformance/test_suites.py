"""The suites pass what is sound and fail what is broken, each breakage by the test that is meant for it."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

SUITE = """
from tests.unit.conformance.{module} import {base}

class TestIt({base}):
    __test__ = True
    broken = {broken!r}
"""
SINKS = {
    "declares-nothing": "test_a_document_can_be_deduped_or_found",
    "takes-any-flow": "test_an_undeclared_flow_has_no_sink",
    "preview-sends": "test_a_preview_sends_nothing",
    "probe-fails": "test_the_probe_answers",
    "does-it-and-refuses": "test_refused_data_is_rejected",
    "does-not-dedupe": "test_put_twice_under_one_key_is_there_once",
    "swallows-doubt": "test_an_unknown_outcome_is_told_and_mended",
    "calls-doubt-temporary": "test_an_unknown_outcome_is_told_and_mended",
    "names-no-id": "test_put_once_is_there_once",
    "calls-all-temporary": "test_a_refused_login_is_unauthorized",
    "forgets-the-pause": "test_a_limit_says_when_to_come_back",
    "names-people": "test_errors_name_no_person",
    "finds-anything": "test_nothing_is_found_before_it_is_put",
    "found-in-silence": "test_what_was_put_is_found",
}
SOURCES = {
    "first-page-only": "test_everything_new_is_seen",
    "strictly-later": "test_ties_on_one_time_stamp_are_all_seen",
    "watermark-is-now": "test_each_page_can_be_gone_on_from",
    "pages-by-offset": "test_a_change_between_two_pages_loses_nothing",
    "never-ends": "test_everything_new_is_seen",
    "does-not-say-it-ended": "test_a_scan_ends_and_says_so",
    "watermark-is-no-json": "test_watermarks_survive_being_stored",
    "id-without-version": "test_a_change_is_seen_again",
    "id-by-clock": "test_the_same_state_has_the_same_id",
    "names-another-flow": "test_messages_name_their_flow_and_subject",
    "parses-something-else": "test_what_is_there_can_be_read_and_parsed",
    "does-not-say-when": "test_what_is_there_can_be_read_and_parsed",
    "reads-what-is-not-there": "test_what_is_not_there_is_none",
}
ROWS = {
    "declares-nothing": "test_the_flow_is_declared",
    "takes-any-flow": "test_an_undeclared_flow_has_no_source",
    "cannot-be-read": "test_a_full_run_tells_everything_and_all_can_be_read",
    "first-page-only": "test_a_full_run_tells_everything_and_all_can_be_read",
    "tells-all-again": "test_a_scan_tells_what_changed_since",
    "watermark-is-no-json": "test_any_page_can_be_gone_on_from",
    "watermark-runs-ahead": "test_a_full_run_can_be_gone_on_with",
    "pages-by-offset": "test_a_change_between_two_pages_is_not_lost",
    "passes-over-the-late": "test_what_is_committed_late_is_told",
    "is-empty-when-down": "test_no_answer_is_no_empty_page",
}
BATCHES = {
    "fails-when-empty": "test_no_rows_are_no_trouble",
    "always-well": "test_one_bad_row_costs_one_row_and_is_named_by_its_place",
    "one-bad-one-all": "test_one_bad_row_costs_one_row_and_is_named_by_its_place",
    "loses-the-order": "test_one_bad_row_costs_one_row_and_is_named_by_its_place",
    "one-too-few": "test_each_row_has_its_outcome_and_is_there",
    "refuses-the-same": "test_the_same_rows_twice_are_harmless",
    "keeps-the-first": "test_a_newer_state_takes_the_place_of_the_older_one",
    "gives-up": "test_what_breaks_in_the_middle_is_told_row_by_row_and_mended",
    "hides-doubt": "test_what_breaks_in_the_middle_is_told_row_by_row_and_mended",
}
MODULES = {"MemoryRowsSuite": "fake_rows", "MemoryBatchesSuite": "fake_rows"}


def run(pytester: pytest.Pytester, base: str, broken: str, only: str = "test") -> tuple[dict[str, int], set[str]]:
    pytester.makepyfile(SUITE.format(module=MODULES.get(base, "fakes"), base=base, broken=broken))
    record = pytester.inline_run("-q", "-p", "no:cacheprovider", "-k", only)
    passed, skipped, failed = record.listoutcomes()
    names = {report.nodeid.split("::")[-1].split("[")[0] for report in failed}
    return {"passed": len(passed), "skipped": len(skipped)}, names


@pytest.mark.parametrize("base", ["MemorySinkSuite", "MemorySourceSuite", *MODULES])
def test_what_is_sound_passes_whole(pytester: pytest.Pytester, base: str) -> None:
    counts, failed = run(pytester, base, "")
    assert failed == set()
    assert counts["passed"] > 10
    assert counts["skipped"] == 0


@pytest.mark.parametrize(("broken", "test"), SINKS.items())
def test_a_broken_sink_fails(pytester: pytest.Pytester, broken: str, test: str) -> None:
    assert test in run(pytester, "MemorySinkSuite", broken, test)[1]


@pytest.mark.parametrize(("broken", "test"), SOURCES.items())
def test_a_broken_source_fails(pytester: pytest.Pytester, broken: str, test: str) -> None:
    assert test in run(pytester, "MemorySourceSuite", broken, test)[1]


@pytest.mark.parametrize(("broken", "test"), ROWS.items())
def test_a_broken_source_of_rows_fails(pytester: pytest.Pytester, broken: str, test: str) -> None:
    assert test in run(pytester, "MemoryRowsSuite", broken, test)[1]


@pytest.mark.parametrize(("broken", "test"), BATCHES.items())
def test_a_broken_sink_of_batches_fails(pytester: pytest.Pytester, broken: str, test: str) -> None:
    assert test in run(pytester, "MemoryBatchesSuite", broken, test)[1]


def test_what_is_not_declared_is_skipped_in_sight(pytester: pytest.Pytester) -> None:
    counts, failed = run(pytester, "MemorySinkSuite", "declares-nothing")
    assert failed == {"test_a_document_can_be_deduped_or_found"}
    assert counts["skipped"] >= 5
