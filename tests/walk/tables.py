"""The same rows as a file of each form, with the types that such a file keeps."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

FORMS = ("csv", "tsv", "jsonl", "xlsx", "parquet")


def written(folder: Path, form: str, rows: Sequence[dict[str, Any]]) -> Path:
    """All of them with the columns of the first; None is an empty cell."""
    path = folder / f"rows.{form}"
    names = list(rows[0])
    cells: list[list[Any]] = [[row.get(name) for name in names] for row in rows]
    if form in {"csv", "tsv"}:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, delimiter="," if form == "csv" else "\t")
            writer.writerows([names, *([_text(one) for one in row] for row in cells)])
    elif form == "jsonl":
        told = [{name: value for name, value in row.items() if value is not None} for row in rows]
        path.write_text("".join(json.dumps(row, default=str) + "\n" for row in told))
    elif form == "xlsx":
        book = openpyxl.Workbook()
        book.active.append(names)
        for row in cells:
            book.active.append([float(one) if isinstance(one, Decimal) else one for one in row])
        book.save(path)
    else:
        columns = {name: [row[at] for row in cells] for at, name in enumerate(names)}
        pq.write_table(pa.table(columns), path)
    return path


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
