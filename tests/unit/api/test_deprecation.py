"""The first version tells when it is given up; the second never does."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from litestar import get
from litestar.testing import TestClient
from prometheus_client import CollectorRegistry

from crossdock.api.application import create_app
from crossdock.api.deprecation import headers_of
from crossdock.settings import Settings

DAY, END = date(2026, 12, 1), date(2027, 6, 1)


@pytest.mark.parametrize(
    ("deprecated", "sunset", "told"),
    [
        (None, None, {}),
        (DAY, None, {"Deprecation": "@1796083200", "Link": '</docs>; rel="deprecation"'}),
        (None, END, {"Sunset": "Tue, 01 Jun 2027 00:00:00 GMT", "Link": '</docs>; rel="sunset"'}),
        (
            DAY,
            END,
            {
                "Deprecation": "@1796083200",
                "Sunset": "Tue, 01 Jun 2027 00:00:00 GMT",
                "Link": '</docs>; rel="deprecation", </docs>; rel="sunset"',
            },
        ),
    ],
)
def test_what_is_told_by_which_days(deprecated: date | None, sunset: date | None, told: dict[str, str]) -> None:
    assert headers_of(deprecated, sunset, "/docs") == told


@get("/rest/V1/thing", sync_to_thread=False)
def first() -> str:
    return "1"


@get("/rest/V2/thing", sync_to_thread=False)
def second() -> str:
    return "2"


def test_every_answer_of_the_first_version_tells_it_and_no_other() -> None:
    told = headers_of(DAY, END, "/docs")
    app = create_app(None, lambda: {"status": "ok"}, CollectorRegistry(), [first, second], told_of_first=told)
    with TestClient(app) as client:
        for path in ("/rest/V1/thing", "/rest/V1/nothing"):
            assert {name: client.get(path).headers.get(name) for name in told} == told
        for path in ("/rest/V2/thing", "/health/live", "/openapi.json"):
            assert not {"deprecation", "sunset"} & set(client.get(path).headers)


def test_without_a_day_nothing_is_told() -> None:
    app = create_app(None, lambda: {"status": "ok"}, CollectorRegistry(), [first])
    with TestClient(app) as client:
        assert not {"deprecation", "sunset", "link"} & set(client.get("/rest/V1/thing").headers)


def test_the_days_are_days_of_the_settings(tmp_path: Path) -> None:
    told = Settings.model_validate({"api": {"v1_deprecated_on": "2026-12-01", "v1_sunset_on": "2027-06-01"}}).api
    assert (told.v1_deprecated_on, told.v1_sunset_on) == (DAY, END)
