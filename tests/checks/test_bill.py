"""The bill of materials holds what a user installs, pinned, under licences with which it can be given away."""

from __future__ import annotations

import os
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from checks import bill
from checks.runtime import pinned, runtime


def component(name: str, version: str, licence: str = "MIT") -> dict[str, Any]:
    return {
        "bom-ref": f"{name}=={version}",
        "name": name,
        "version": version,
        "licenses": [{"license": {"id": licence}}],
    }


def problems(*components: dict[str, Any], pins: dict[str, str] | None = None) -> list[str]:
    return bill.problems_of({"components": components}, {"one": "1.0"}, {"one": "1.0"} if pins is None else pins)


def test_a_whole_bill_has_no_problems() -> None:
    assert problems(component("one", "1.0"), component("beside", "2")) == []


@pytest.mark.parametrize(
    ("components", "pins", "told"),
    [
        ([], None, "one: is not in the bill in version 1.0"),
        ([component("one", "1.1")], None, "one: is not in the bill in version 1.0"),
        ([component("One", "1.0")], {}, "one: 1.0 is installed, and constraints.txt says nothing of it"),
        ([component("one", "1.0")], {"one": "0.9"}, "one: 1.0 is installed, and constraints.txt says 0.9"),
        ([component("one", "1.0", "UNKNOWN")], None, "one: no licence is known"),
        ([component("one", "1.0") | {"licenses": None}], None, "one: no licence is known"),
        ([component("one", "1.0", "AGPL-3.0-only")], None, "one: AGPL-3.0-only is not allowed"),
    ],
)
def test_what_is_missing_or_not_allowed_is_told(components: list[Any], pins: dict[str, str] | None, told: str) -> None:
    (found,) = problems(*components, pins=pins)
    assert found.startswith(told)


def test_what_is_not_installed_is_told() -> None:
    assert bill.problems_of({"components": []}, {"one": ""}, {}) == ["one: is not installed here"]


@pytest.mark.parametrize(
    ("licence", "denied"),
    [
        ("MIT", False),
        ("LGPL-3.0-only", False),
        ("GNU Lesser General Public License v3 or later (LGPLv3+)", False),
        ("MPL-2.0", False),
        ("GPL-2.0-only OR MIT", False),
        ("GPL-3.0-or-later", True),
        ("GNU General Public License v3", True),
        ("AGPL-3.0-only", True),
        ("GNU Affero General Public License", True),
        ("SSPL-1.0", True),
        ("BUSL-1.1", True),
        ("MIT AND AGPL-3.0-only", True),
        ("GPL-3.0-only OR AGPL-3.0-only", True),
    ],
)
def test_licences_under_which_we_cannot_be_given_away(licence: str, denied: bool) -> None:
    assert bill.is_denied(licence) is denied


def test_ours_holds_what_a_user_installs_and_no_tool_of_ours() -> None:
    wanted = runtime()
    made = bill.reduced(bill.installed(), wanted)
    names = {one["name"].lower() for one in made["components"]}
    assert {"litestar", "sqlalchemy", "pyreqwest", "dramatiq", "pyarrow", "hvac", "boto3"} <= names
    assert not {"pytest", "mypy", "ruff", "schemathesis"} & names
    assert bill.problems_of(made, wanted, pinned()) == []
    refs = {one["bom-ref"] for one in made["components"]} | {"root-component"}
    assert {one for row in made["dependencies"] for one in (row["ref"], *row.get("dependsOn", ()))} <= refs
    if os.environ.get("CROSSDOCK_LONG") == "1":
        import msgspec

        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(msgspec.json.encode(made).decode()) is None
