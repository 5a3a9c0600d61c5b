"""What a store says of a bulk, as recorded from a real one, and what is made of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from crossdock.errors import DeliveryError, MappingError, Rejected, Temporary
from crossdock.magento.mapping.bulk import COMPLETE, FAILED, RETRIABLE, Operation, failure, parse_bulk
from tests.material import SHARED, needs_shared


def answer(name: str) -> Any:
    return json.loads((SHARED / f"magento/recordings/{name}.json").read_text())["response_body"]


@needs_shared
def test_a_bulk_of_good_and_bad_products_is_counted_over_all_states() -> None:
    for name in ("bulk_products_post_status", "bulk_products_post_detailed"):
        bulk = parse_bulk(answer(name))
        assert (bulk.state.total, bulk.state.successful, bulk.state.failed, bulk.state.open) == (4, 2, 2, 0)
        assert (bulk.state.status, bulk.state.user_id) == (3, 1)
        assert bulk.state.start_time == "2026-11-23 05:06:19"
        assert len(bulk.state.reasons) == 2
    assert [bulk.operations[place].sku for place in range(4)] == ["BLK-1", "BLK-2", "BLK-BAD", "BLK-3"]


@needs_shared
def test_an_operation_that_is_not_listed_has_not_ended() -> None:
    told = answer("bulk_products_post_status")
    bulk = parse_bulk(told | {"operations_list": told["operations_list"][:1]})
    assert (bulk.state.total, bulk.state.open, bulk.state.status, bulk.ended) == (4, 3, 1, 1)
    bulk = parse_bulk(told | {"operations_list": []})
    assert (bulk.state.total, bulk.state.open, bulk.state.status) == (4, 4, 0)


@needs_shared
def test_a_lock_time_out_is_temporary_though_the_store_calls_it_not_retriable() -> None:
    bulk = parse_bulk(answer("lockwait_async_put_status"))
    assert bulk.operations[0].status == FAILED
    assert isinstance(failure(bulk.operations[0]), Temporary)


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        (Operation(place=0, status=RETRIABLE, message="anything"), Temporary),
        (Operation(place=0, status=FAILED, message="Deadlock found when trying to get lock", code=1213), Temporary),
        (Operation(place=0, status=FAILED, message="Something went wrong."), Temporary),
        (Operation(place=0, status=FAILED, message="URL key for specified store already exists."), Rejected),
        (Operation(place=0, status=5, message="Invalid"), Rejected),
    ],
)
def test_a_failure_is_judged_by_what_it_says(operation: Operation, kind: type[DeliveryError]) -> None:
    found = failure(operation)
    assert type(found) is kind
    assert operation.message in str(found)


@pytest.mark.parametrize("row", [None, [], {}, {"operations_list": [1]}, {"operations_list": [{"id": "x"}]}])
def test_an_unknown_form_is_told(row: Any) -> None:
    with pytest.raises(MappingError):
        parse_bulk(row)


def test_what_is_broken_inside_tells_no_sku() -> None:
    row = {
        "id": 0,
        "status": COMPLETE,
        "result_serialized_data": "{broken",
        "serialized_data": '{"meta_information":1}',
    }
    assert parse_bulk({"operations_list": [row]}).operations[0].sku == ""
