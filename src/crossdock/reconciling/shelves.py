"""Where a side's entries wait until it is known which buckets differ: in memory while few, then in a file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import msgspec

from crossdock.reconciliation.buckets import Entry

IN_MEMORY = 8_000_000  # bytes
ENCODER = msgspec.json.Encoder()
DECODER = msgspec.json.Decoder(Entry)


class FileShelf:
    """See reconciliation.buckets.Shelf. A temporary file that nobody else can read, gone with the `with`."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  closed by __exit__

    def add(self, bucket: int, entry: Entry) -> None:
        """One more."""
        self._file.write(b"%d\t%b\n" % (bucket, ENCODER.encode(entry)))

    def within(self, buckets: frozenset[int]) -> Iterator[tuple[int, Entry]]:
        """Only their lines are read as entries."""
        self._file.seek(0)
        for line in self._file:
            bucket, _, told = line.partition(b"\t")
            if (number := int(bucket)) in buckets:
                yield number, DECODER.decode(told)

    def all(self) -> Iterator[Entry]:
        """Every entry, in the order in which they came."""
        self._file.seek(0)
        return (DECODER.decode(line.partition(b"\t")[2]) for line in self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
