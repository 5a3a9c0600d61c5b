"""`crossdock map order` over orders of a real store."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from crossdock.cli.map_order import map_order
from crossdock.cli.order_files import orders_in
from crossdock.errors import InvalidPayload
from tests.material import SHARED, needs_shared

SMOKE = SHARED / "magento/orders/001_smoke.json"
BUNDLE = SHARED / "magento/orders/014_bundle_fix_b.json"
STORE = """
[connections.erp]
kind = "rest"
base_url = "https://erp.example"
[connections.erp.auth]
scheme = "bearer"
token = "env:ERP_TOKEN"
"""

runner = CliRunner()
app = typer.Typer()
app.command()(map_order)


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    path = tmp_path / "wrong.json"
    path.write_text(SMOKE.read_text().replace('"grand_total":88.16', '"grand_total":88.17', 1))
    return path


@pytest.mark.parametrize(
    ("saved", "count"),
    [
        (b'{"entity_id": 1, "items": []}', 1),
        (b' [{"entity_id": 1}, {"entity_id": 2}]', 2),
        (b'{"items": [{"entity_id": 1}, {"entity_id": 2}], "total_count": 2}', 2),
        (b'{"items": null, "total_count": 0}', 0),
        (b'{"order": {"entity_id": 1}, "credit_memos": []}', 1),
        (b'\xef\xbb\xbf{"entity_id": 1}', 1),
        ('{"entity_id": 1}'.encode("utf-16"), 1),
    ],
)
def test_every_way_of_saving_orders_is_read(saved: bytes, count: int) -> None:
    found = list(orders_in(saved))
    assert len(found) == count
    assert all(b"entity_id" in one for one in found)


@pytest.mark.parametrize("saved", [b"", b"<html>", b"3", b"[1", b"\xff\xfe\x00"])
def test_what_holds_no_orders_is_refused(saved: bytes) -> None:
    with pytest.raises(InvalidPayload):
        list(orders_in(saved))


def test_numbers_are_not_touched_on_the_way() -> None:
    assert list(orders_in(b'[{"grand_total": 19.990}]')) == [b'{"grand_total": 19.990}']


@needs_shared
def test_it_shows_the_lines_the_payload_and_the_proof() -> None:
    shown = runner.invoke(app, [str(BUNDLE)])
    assert shown.exit_code == 0, shown.output
    assert "└ OD-B777" in shown.output
    assert '"order_number": "000000131"' in shown.output
    assert "✓ adds up by header" in shown.output
    assert "✓ adds up by rows" in shown.output


@needs_shared
def test_exit_code_1_names_each_order_that_does_not_add_up(wrong: Path) -> None:
    shown = runner.invoke(app, ["--show", "proof", str(SMOKE), str(wrong)])
    assert shown.exit_code == 1
    assert "wrong.json: order 000000118: the money does not add up" in shown.stderr
    assert "+0.01" in shown.stderr
    assert "001_smoke.json: order" not in shown.stderr


@needs_shared
def test_one_bad_order_hides_none_of_the_others(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    path.write_text(f"[{SMOKE.read_text()}, 3, {BUNDLE.read_text()}]")
    shown = runner.invoke(app, ["--show", "proof", str(path), str(tmp_path / "absent.json")])
    assert shown.exit_code == 1
    assert "000000118" in shown.stdout
    assert "000000131" in shown.stdout
    assert "list.json (2 of 3)" in shown.stderr
    assert "absent.json" in shown.stderr


@needs_shared
def test_json_is_one_list_for_scripts(wrong: Path) -> None:
    shown = runner.invoke(app, ["--json", str(SMOKE), str(wrong)])
    good, bad = json.loads(shown.stdout)
    assert (good["order"]["number"], good["proof_holds"]) == ("000000118", True)
    assert good["payload"]["order_number"] == "000000118"
    assert bad["proof_holds"] is False
    assert "refused" in bad
    assert "refused" not in good


@needs_shared
def test_standard_input_is_a_file_like_any_other() -> None:
    shown = runner.invoke(app, ["--show", "proof", "-"], input=SMOKE.read_bytes())
    assert shown.exit_code == 0
    assert "standard input" in shown.stdout


@needs_shared
def test_the_routes_own_rules_hold_for_a_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "crossdock.toml"
    store = STORE.replace("erp", "store").replace("ERP", "STORE").replace('"rest"', '"magento"')
    route = '[[routes]]\nsource = "store"\ntarget = "erp"\n[routes.options]\nbundles = "prorata"\n'
    config.write_text(STORE + store + route)
    monkeypatch.setenv("ERP_TOKEN", "t")
    monkeypatch.setenv("STORE_TOKEN", "t")
    shown = runner.invoke(app, ["--json", "--to", "erp", "--config", str(config), str(BUNDLE)])
    assert shown.exit_code == 0, shown.output
    assert [row["sku"] for row in json.loads(shown.stdout)[0]["payload"]["items"]][:2] == ["OD-B777", "OD-B099"]


@needs_shared
@pytest.mark.parametrize("options", [["--bundles", "some"], ["--show", "half"]])
def test_a_choice_that_there_is_not_is_refused(options: list[str]) -> None:
    shown = runner.invoke(app, [*options, str(SMOKE)])
    assert shown.exit_code == 2
    assert options[0] in shown.stderr


@needs_shared
def test_nothing_in_an_order_acts_on_the_terminal(tmp_path: Path) -> None:
    sent = json.loads(SMOKE.read_text())
    sent["items"][0]["sku"] = "[red]A\x1b[2JB"
    path = tmp_path / "order.json"
    path.write_text(json.dumps(sent))
    shown = runner.invoke(app, [str(path)])
    assert "\x1b" not in shown.output
    assert "[red]A" in shown.output
