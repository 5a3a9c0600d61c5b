"""`crossdock new-erp`: what it writes fails for want of a sink and of a mapping, and passes once they are there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from crossdock.cli.main import app

ROOT = Path(__file__).parent.parent.parent.parent
NAME = "acme_erp"

MAPPING = '''

def build_order(order: Order, key: str, reference: str) -> dict[str, Any]:
    """The order as it is sent."""
    lines = [
        {"reference": line.id, "sku": line.sku, "net": line.amounts.net, "tax": line.amounts.tax} for line in order.lines
    ]
    totals = order.totals
    shipping = {"reference": "shipping", "sku": "SHIPPING", "net": totals.shipping, "tax": totals.shipping_tax}
    return {"reference": reference, "key": key, "currency": totals.currency, "lines": [*lines, shipping]}


def amounts_of(body: Mapping[str, Any]) -> Amounts:
    """What it comes to."""
    return summed((line["net"], line["tax"]) for line in body["lines"])
'''
PUT = """        body = build_order(order, key, self._reference(order))
        if told := difference(amounts_of(body), expected(order)):
            raise Rejected(f"the order would not come to the shop's sums: {told}")
        if found := self.find(order, key):
            return found
        made = self._client.about(people_in(order)).write("/orders", body)
        if not made.get("id"):
            raise OutcomeUnknown("the answer names no id")
        return self._receipt(made, found=False)
"""
FIND = """        there = self._client.about(people_in(order)).read("/orders", {"reference": self._reference(order)})["items"]
        if there and there[0]["body"]["key"] != key:
            raise Conflict("another's order has this reference")
        return self._receipt(there[0], found=True) if there else None

    def _reference(self, order: Order) -> str:
        return f"{self._settings.reference_prefix}{order.number}"

    def _receipt(self, told: dict[str, Any], *, found: bool) -> Receipt:
        links = {line["reference"]: line["id"] for line in told["lines"]}
        return Receipt(external_id=told["id"], number=told["number"], found=found, links=links)
"""
IMPORTS = f"""from typing import Any

from crossdock.errors import Conflict, OutcomeUnknown, Rejected
from crossdock.flows.parts import difference, expected
from crossdock.flows.personal import people_in
from crossdock_{NAME}.mapping import amounts_of, build_order
"""


def written(tmp_path: Path) -> Path:
    target = tmp_path / "package"
    result = CliRunner().invoke(app, ["new-erp", NAME, "--folder", str(target)])
    assert result.exit_code == 0, result.output
    return target


def run(target: Path, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
    paths = {"PYTHONPATH": str(ROOT / "src"), "PYTHONDONTWRITEBYTECODE": "1", **env}
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=target,
        env=os.environ | paths,
        capture_output=True,
        text=True,
        check=False,
    )


def outcomes(target: Path, *only: str) -> dict[str, str]:
    """What became of each test: "" for passed, else the first line of why not."""
    report = target / "report.xml"
    told = run(target, "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *only)
    assert told.returncode in {0, 1}, told.stdout + told.stderr
    found = {}
    for case in ET.parse(report).iter("testcase"):
        name = f"{case.get('classname', '').rpartition('.')[2]}::{case.get('name')}"
        bad = case.find("failure") if case.find("failure") is not None else case.find("error")
        found[name] = "" if bad is None else str(bad.get("message"))
    return found


def fill_in(target: Path) -> None:
    inside = target / "src" / f"crossdock_{NAME}"
    mapping, orders = inside / "mapping.py", inside / "orders.py"
    text = mapping.read_text()
    head = text[: text.index("\n\ndef build_order")].replace("import Amounts", "import Amounts, summed")
    mapping.write_text(head + MAPPING)
    text = orders.read_text()
    for name, body in (("put", PUT), ("find", FIND)):
        line = next(line for line in text.splitlines() if f'NotImplementedError("OrderSink.{name}' in line)
        text = text.replace(line + "\n", body)
    orders.write_text(text.replace("from crossdock.contract.lookups", IMPORTS + "from crossdock.contract.lookups", 1))


def test_its_tests_fail_until_the_sink_is_there_and_pass_then(tmp_path: Path) -> None:
    target = written(tmp_path)
    before = outcomes(target)
    failed = {name: why for name, why in before.items() if why}
    assert {why.partition(":")[0] for why in failed.values()} == {"NotImplementedError"}
    assert {why.partition(":")[2].strip() for why in failed.values()} >= {
        "OrderSink.put: send the order to AcmeErp",
        "OrderSink.find: look for the order in AcmeErp by our reference",
        "mapping.build_order: say the order in the words of AcmeErp",
    }
    assert "TestOrders::test_put_once_is_there_once" in failed
    assert "TestOrders::test_an_unknown_outcome_is_told_and_mended[reset-after]" in failed
    assert "test_mapping::test_net_tax_and_gross_are_the_shops" in failed
    done_already = {name for name, why in before.items() if not why}
    assert "TestOrders::test_the_flow_is_declared" in done_already
    assert "TestOrders::test_a_document_can_be_deduped_or_found" in done_already
    assert "test_package::test_the_entry_point_leads_to_the_builder" in done_already
    fill_in(target)
    after = outcomes(target)
    assert after.keys() == before.keys()
    assert {name: why for name, why in after.items() if why} == {}


@pytest.mark.parametrize(
    ("right", "wrong", "caught"),
    [
        ("if there else None", "if False else None", "TestOrders::test_what_was_put_is_found"),
        ('if not made.get("id"):', "if False:", "TestOrders::test_an_unknown_outcome_is_told_and_mended[nameless]"),
        ("links=links", "links={}", "test_orders::test_lines_are_linked"),
    ],
)
def test_a_sink_that_is_wrong_is_caught(tmp_path: Path, right: str, wrong: str, caught: str) -> None:
    target = written(tmp_path)
    fill_in(target)
    orders = target / "src" / f"crossdock_{NAME}" / "orders.py"
    text = orders.read_text()
    assert right in text
    orders.write_text(text.replace(right, wrong))
    test = caught.partition("::")[2].partition("[")[0]
    assert outcomes(target, "-k", test)[caught]


@pytest.mark.slow
def test_what_is_written_is_strictly_typed_and_in_form(tmp_path: Path) -> None:
    target = written(tmp_path)
    checked = run(
        target,
        *("mypy", "--strict", "--explicit-package-bases", "--cache-dir", str(tmp_path / "cache"), "src", "tests"),
        MYPYPATH=f"{ROOT / 'src'}:src:tests",
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    form = run(target, "ruff", "check", "--isolated", "--line-length", "120", "--select", "E,F,B,UP,SIM", ".")
    assert form.returncode == 0, form.stdout


def test_every_place_of_the_name_is_filled(tmp_path: Path) -> None:
    target = written(tmp_path)
    texts = [path.read_text() for path in target.rglob("*") if path.is_file()]
    assert not any("@name@" in text or "@Name@" in text or "@dashed@" in text for text in texts)
    assert 'name = "crossdock-acme-erp"' in (target / "pyproject.toml").read_text()
    assert (target / "src" / f"crossdock_{NAME}" / "connector.py").is_file()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Acme", "no name for a kind"),
        ("acme-erp", "no name for a kind"),
        ("class", "no name for a kind"),
        ("9lives", "no name for a kind"),
        ("acme_", "no name for a kind"),
        ("../acme", "no name for a kind"),
        ("tryton", "there already"),
        ("magento", "there already"),
    ],
)
def test_a_name_that_cannot_be_is_refused(tmp_path: Path, name: str, told: str) -> None:
    result = CliRunner().invoke(app, ["new-erp", name, "--folder", str(tmp_path / "new")])
    assert result.exit_code == 2
    assert told in result.output
    assert not (tmp_path / "new").exists()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    written(tmp_path)
    result = CliRunner().invoke(app, ["new-erp", NAME, "--folder", str(tmp_path / "package")])
    assert result.exit_code == 2
    assert "nothing is overwritten" in result.output


@pytest.mark.parametrize("inside", ["src/crossdock/erp/acme_erp", "acme_erp", "docs/../acme_erp"])
def test_it_is_not_written_into_crossdock_itself(inside: str) -> None:
    result = CliRunner().invoke(app, ["new-erp", NAME, "--folder", str(ROOT / inside)])
    assert result.exit_code == 2
    assert "inside of Crossdock itself" in result.output
    assert not (ROOT / inside).exists()
