"""What rows tell of items and customers, and what they leave out."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from crossdock.erp.dynamics_bc.catalog import Catalog, People, Prices, names_in
from crossdock.erp.dynamics_bc.client import chunks
from crossdock.erp.dynamics_bc.connector import build
from crossdock.erp.dynamics_bc.documents import told_lines
from crossdock.erp.dynamics_bc.mapping import line_in, order_of
from crossdock.erp.dynamics_bc.settings import BcSettings, CatalogSettings, PeopleSettings, PriceSettings
from crossdock.flows import customer_rows
from crossdock.sandbox.erps.dynamics_bc import BcServer, settings
from crossdock.transport.connection import check_settings

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
NOBODY: Any = None
PERSON = {
    "number": "C1",
    "displayName": "Ana Maria Silva",
    "type": "Person",
    "email": "ana@silva.example; office@silva.example",
    "addressLine1": "Rua 1",
    "city": "Lisboa",
    "country": "PRT",
    "phoneNumber": "+351 1 234567",
    "postalCode": "1000",
    "lastModifiedDateTime": "2026-11-25T10:00:00.5Z",
}


def test_a_price_says_whether_its_tax_is_in_it_and_nought_is_none() -> None:
    prices = Prices(PriceSettings(scope="STD", currency="EUR"))
    rows = [
        {"number": "A", "unitPrice": Decimal("9.99"), "priceIncludesTax": True},
        {"number": "B", "unitPrice": Decimal(5)},
        {"number": "C", "unitPrice": Decimal(0)},
    ]
    assert [(row["sku"], row["tax"]) for row in prices.rows(NOBODY, rows, NOW)] == [
        ("A", "included"),
        ("B", "excluded"),
    ]


def test_an_item_that_is_blocked_is_disabled_and_an_empty_field_is_not_said() -> None:
    catalog = Catalog(CatalogSettings(fields={"name": "displayName", "ean": "gtin"}))
    rows = [{"number": "A", "displayName": "Shirt", "gtin": "", "blocked": True}]
    (row,) = catalog.rows(NOBODY, rows, NOW)
    assert row == {"sku": "A", "name": "Shirt", "status": "disabled", "as_of": NOW.isoformat()}


def test_a_person_is_told_with_the_address_where_the_store_could_take_it() -> None:
    people = People(PeopleSettings(countries={"PRT": "PT"}))
    (row,) = people.rows(NOBODY, [PERSON], NOW)
    read = customer_rows.read(row, "base", NOW)
    assert (read.number, read.fields["email"], read.fields["first_name"]) == ("C1", "ana@silva.example", "Ana Maria")
    assert read.fields["addresses.main"]["country"] == "PT"
    assert read.changed_at == datetime(2026, 11, 25, 10, 0, 0, 500000, tzinfo=UTC)
    (without,) = People(PeopleSettings()).rows(NOBODY, [PERSON], NOW)
    assert "addresses" not in without, "a country of three letters is none of the store's"


def test_a_company_has_no_persons_name_and_one_without_an_address_is_nobody() -> None:
    company = PERSON | {"type": "Company", "displayName": "Silva Lda"}
    (row,) = People(PeopleSettings()).rows(NOBODY, [company, PERSON | {"email": ""}], NOW)
    assert not {"first_name", "last_name", "addresses"} & row.keys()
    assert names_in({"type": "Person", "displayName": "Cher"}) == ("", "")


def test_marks_and_references_are_ours_or_nobodys(server: BcServer) -> None:
    told = check_settings(BcSettings, "erp", settings(server.url, external_prefix="eu-"))
    assert (order_of("EU-7", told), order_of("US-7", told), order_of(None, told)) == ("7", "", "")
    assert (line_in("#11"), line_in("# 11"), line_in("11"), line_in(None)) == ("11", "", "", "")


def test_lines_of_one_of_ours_are_added_up_and_others_left_out() -> None:
    lines = [{"sequence": 1, "quantity": 2}, {"sequence": 2, "quantity": 1}, {"sequence": 3, "quantity": 5}]
    marks = {("SO1", "1"): "11", ("SO1", "2"): "11", ("SO2", "3"): "12"}
    assert told_lines(lines, marks, "SO1") == [{"line": "11", "qty": Decimal(3)}]


def test_an_address_bears_so_many_values() -> None:
    values = [f"SKU-{number:012}" for number in range(200)]
    told = list(chunks(values, "number"))
    assert [one for some in told for one in some] == values
    assert 1 < len(told) < 20
    assert list(chunks([], "number")) == []


def test_the_probe_tells_what_cannot_be_read(server: BcServer) -> None:
    reads: dict[str, Any] = {"shipments": {}, "inventory": {}}
    assert build("erp", settings(server.url, reads=reads)).probe().ok
    missing = build("erp", settings(server.url, company="NOBODY")).probe()
    assert (missing.ok, "no company NOBODY" in missing.detail) == (False, True)
    nowhere = build("erp", settings(server.url, location="MOON")).probe()
    assert "no MOON among its locations" in nowhere.detail
