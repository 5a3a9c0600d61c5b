"""Files that are made to do harm cost a line of text and nothing else."""

from __future__ import annotations

import gc
import io
import zipfile
from pathlib import Path

import pytest
from openpyxl import Workbook

from crossdock.cli.imports import inert
from crossdock.errors import InvalidPayload
from crossdock.feeds import files
from crossdock.feeds.files import open_rows

SHEET = (
    b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    b'<row r="1"><c r="A1" t="inlineStr"><is><t>sku</t></is></c></row>'
    b'<row r="2"><c r="A2" t="inlineStr"><is><t>%s</t></is></c></row></sheetData></worksheet>'
)
LAUGHS = (
    b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">
<!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;"><!ENTITY f "&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;">
<!ENTITY g "&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;"><!ENTITY h "&g;&g;&g;&g;&g;&g;&g;&g;&g;&g;">]>
"""
    + SHEET % b"&h;&h;&h;"
)
OUTSIDE = (
    b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>
"""
    + SHEET % b"&a;"
)


def book(path: Path, **parts: bytes) -> Path:
    """A workbook with one word in it, some of its parts replaced."""
    made = Workbook()
    sheet = made.active
    assert sheet is not None
    sheet.append(["sku", "qty"])
    sheet.append(["A-1", "seven"])
    kept = io.BytesIO()
    made.save(kept)
    with zipfile.ZipFile(kept) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            short = name.rpartition("/")[2].removesuffix(".xml")
            new.writestr(name, parts.get(short, old.read(name)))
    return path


def test_a_workbook_is_read(tmp_path: Path) -> None:
    assert list(open_rows(book(tmp_path / "a.xlsx"))) == [(2, {"sku": "A-1", "qty": "seven"})]


def test_a_sheet_of_our_making_is_read(tmp_path: Path) -> None:
    assert list(open_rows(book(tmp_path / "a.xlsx", sheet1=SHEET % b"A-1"))) == [(2, {"sku": "A-1"})]


def test_a_workbook_that_unfolds_without_end_is_not_unfolded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST_PART", 100_000)
    bomb = book(tmp_path / "a.xlsx", sheet1=b" " * 5_000_000)
    assert bomb.stat().st_size < 20_000
    with pytest.raises(InvalidPayload, match=r"sheet1\.xml in it is larger than 100000 bytes"):
        list(open_rows(bomb))


@pytest.mark.parametrize("part", [LAUGHS, OUTSIDE], ids=["laughs", "outside"])
def test_no_entity_of_its_xml_is_followed(tmp_path: Path, part: bytes) -> None:
    try:
        text = repr(list(open_rows(book(tmp_path / "a.xlsx", sheet1=part))))
    except InvalidPayload as error:
        text = str(error)
    assert len(text) < 1000
    assert "root:" not in text


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"<html>", b"PK\x05\x06" + b"\0" * 18])
def test_what_is_no_workbook_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.xlsx").write_bytes(content)
    with pytest.raises(InvalidPayload, match="no workbook"):
        list(open_rows(tmp_path / "a.xlsx"))


@pytest.mark.parametrize("part", ["sheet1", "workbook"])
def test_a_workbook_that_breaks_off_is_told_and_not_kept_open(tmp_path: Path, part: str) -> None:
    broken = book(tmp_path / "a.xlsx", **{part: (SHEET % b"A-1").replace(b"</sheetData>", b"</nothing>")})
    with pytest.raises(InvalidPayload, match="no workbook") as told:
        list(open_rows(broken))
    files_here = [file for file in gc.get_objects() if isinstance(file, io.FileIO) and file.name == str(broken)]
    assert [file.closed for file in files_here] == [True] * len(files_here), told


@pytest.mark.parametrize("line", [b"[" * 100_000, b'{"a":' * 100_000, b'{"a": ' + b"9" * 10_000 + b"}", b"\xff"])
def test_a_line_that_no_decoder_can_read_is_told_with_its_number(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"sku": "A"}\n' + line)
    rows = open_rows(tmp_path / "a.jsonl")
    assert next(rows) == (1, {"sku": "A"})
    with pytest.raises(InvalidPayload, match="line 2"):
        next(rows)


def test_a_field_without_an_end_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('sku,qty\n"' + "x" * 1_000_000)
    with pytest.raises(InvalidPayload, match="field larger than field limit"):
        list(open_rows(tmp_path / "a.csv"))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_spreadsheet_carries_out_what_a_report_quotes(text: str) -> None:
    assert inert(text) == f"'{text}"
    assert inert(f"A{text}") == f"A{text}"
