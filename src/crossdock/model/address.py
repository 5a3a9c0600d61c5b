"""Where something goes, and who is there."""

from __future__ import annotations

from crossdock.model.base import Record


class Address(Record, frozen=True, kw_only=True):
    """One postal address. `country` is ISO 3166-1 alpha-2; absent parts are empty, never None."""

    first_name: str = ""
    last_name: str = ""
    company: str = ""
    street: tuple[str, ...] = ()
    city: str = ""
    region: str = ""
    region_code: str = ""
    postcode: str = ""
    country: str = ""
    telephone: str = ""
    email: str = ""
    vat_id: str = ""

    @property
    def name(self) -> str:
        """First and last name, as one line."""
        return f"{self.first_name} {self.last_name}".strip()
