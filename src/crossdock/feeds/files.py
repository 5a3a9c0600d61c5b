"""Rows out of files, one at a time: CSV, XLSX, Parquet and JSON Lines. Each row comes with its place in the file."""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

from crossdock.errors import ConfigurationError, InvalidPayload

Placed = tuple[int, dict[str, Any]]  # a line of the file (a row of a sheet or table), from 1, and its values by name
SEPARATORS = ",;\t|"
LARGEST_PART = 1_000_000_000  # bytes of a workbook's part, unfolded: a full sheet of a million rows has a tenth of it
SAMPLE = 65_536  # characters that the separator is told by


def open_rows(path: Path, columns: Mapping[str, str] | None = None) -> Iterator[Placed]:
    """All rows of it, by the file's own column names, but for those that `columns` renames (theirs to ours).

    Raises ConfigurationError for a file that cannot be read at all, InvalidPayload for a line that cannot.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise ConfigurationError([f"{path.name}: is none of {', '.join(sorted(READERS))}"])
    if not path.is_file():
        raise ConfigurationError([f"{path}: there is no such file"])
    renamed = dict(columns or {})
    for place, row in reader(path):
        yield place, {renamed.get(name, name): value for name, value in row.items()} if renamed else row


def _csv(path: Path) -> Iterator[Placed]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        try:
            separator = _separator(file.read(SAMPLE))
            file.seek(0)
            rows = csv.reader(file, delimiter=separator, strict=True)
            names = [name.strip() for name in next(rows, [])]
            for row in rows:
                if len(row) == len(names):
                    yield rows.line_num, dict(zip(names, row, strict=True))
                elif row:
                    raise InvalidPayload(f"line {rows.line_num} has {len(row)} values, the first line {len(names)}")
        except UnicodeDecodeError as error:
            raise InvalidPayload("the file is not UTF-8 text") from error
        except csv.Error as error:
            raise InvalidPayload(f"line {rows.line_num}: {error}") from error


def _separator(sample: str) -> str:
    """What parts the names in the first line most often."""
    head = sample.partition("\n")[0]
    return max(SEPARATORS, key=head.count)


def _json_lines(path: Path) -> Iterator[Placed]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line, parse_float=str)  # a float would change what a number says
            except (ValueError, RecursionError) as error:
                raise InvalidPayload(f"line {number} is no JSON") from error
            if not isinstance(row, dict):
                raise InvalidPayload(f"line {number} is no JSON object")
            yield number, row


def _xlsx(path: Path) -> Iterator[Placed]:
    library = _library("openpyxl")
    _refuse_bomb(path)
    try:
        yield from _sheet(library, path)
    except (KeyError, ValueError, SyntaxError, zipfile.BadZipFile) as error:  # a part is missing, or is no XML
        raise InvalidPayload("the file is no workbook") from error


def _sheet(library: Any, path: Path) -> Iterator[Placed]:
    with path.open("rb") as file:  # openpyxl leaves one that it opened itself open, when it cannot be read
        book = library.load_workbook(file, read_only=True, data_only=True)
        rows = book.active.iter_rows(values_only=True)
        names = [str(name).strip() for name in next(rows, ())]
        for number, row in enumerate(rows, 2):
            if any(value is not None for value in row):
                yield number, {name: _cell(value) for name, value in zip(names, row, strict=False)}


def _refuse_bomb(path: Path) -> None:
    """A few kilobytes of ZIP can unfold to gigabytes; more than its parts are declared to have is not read of them."""
    try:
        with zipfile.ZipFile(path) as archive:
            large = [part.filename for part in archive.infolist() if part.file_size > LARGEST_PART]
    except zipfile.BadZipFile as error:
        raise InvalidPayload("the file is no workbook") from error
    if large:
        raise InvalidPayload(
            f"{large[0][:80]} in it is larger than {LARGEST_PART} bytes: cut the workbook into several"
        )


def _parquet(path: Path) -> Iterator[Placed]:
    number = 0
    with _library("pyarrow.parquet").ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=2000):
            for row in batch.to_pylist():
                number += 1
                yield number, {name: _cell(value) for name, value in row.items()}


def _cell(value: Any) -> Any:
    """As text where its type would lose or add something: a sheet keeps 12 as 12.0, and times without a zone."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, Mapping):
        return {name: _cell(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_cell(inner) for inner in value]
    return value.isoformat() if isinstance(value, date) else value


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise ConfigurationError([f"{name} is needed for this kind of file: pip install 'crossdock[bulk]'"]) from error


READERS: Mapping[str, Callable[[Path], Iterator[Placed]]] = MappingProxyType(
    {".csv": _csv, ".tsv": _csv, ".jsonl": _json_lines, ".ndjson": _json_lines, ".xlsx": _xlsx, ".parquet": _parquet}
)
