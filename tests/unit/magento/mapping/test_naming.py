"""Whatever stands about a person in what the store gives is named, so that no refusal repeats it."""

from __future__ import annotations

from crossdock.magento.mapping.naming import people_in
from tests.canaries import CANARIES, planted
from tests.material import needs_shared
from tests.walk.world import recorded


@needs_shared
def test_all_of_a_buyer_is_named() -> None:
    assert set(CANARIES) <= set(people_in(planted(recorded("001_smoke"))))


def test_a_customers_own_attributes_may_hold_anything() -> None:
    attributes = [{"attribute_code": "nickname", "value": "Piepmatz"}, {"attribute_code": "points", "value": 7}]
    told = people_in({"id": 7, "website_id": "1", "lastname": "Heron", "dob": " ", "custom_attributes": attributes})
    assert told == ("Heron", "Piepmatz")
