"""What a snapshot and its log say together, before anything is made of it: tables with rows in JSON.

Knows files' contents, not stores. The invariant: an image is that of a whole number of commits.
"""

from __future__ import annotations

import json
from collections.abc import Hashable
from typing import Any

from modelkit.errors import StoreCorrupt
from modelkit.stores.memory.files.document import FORMAT, compact, parsed
from modelkit.stores.memory.files.records import HEADER, records
from modelkit.stores.memory.files.schema import Schema

__all__ = ["EMPTY", "Image", "TableImage", "read_image"]


class TableImage:
    """One table: its schema, its next number, its rows by key in their order."""

    def __init__(self, schema: Schema, number: int) -> None:
        self.schema = schema
        self.next = number
        self.key: list[int] = schema["key"]
        self.rows: dict[Hashable, list[Any]] = {}

    def key_of(self, row: list[Any]) -> Hashable:
        """A row's key as one hashable value."""
        return _hashable([row[place] for place in self.key])

    def fill(self, rows: list[list[Any]]) -> None:
        """Add rows."""
        key_of = self.key_of
        for row in rows:
            self.rows[key_of(row)] = row

    def change(self, changes: list[list[Any]]) -> None:
        """Replace rows, each given by its key before: in place, unless its key is another one now."""
        renamed: dict[Hashable, tuple[Hashable, list[Any]]] = {}
        for key, row in changes:
            before, after = _hashable(key), self.key_of(row)
            if before not in self.rows:
                raise KeyError(key)
            if before == after:
                self.rows[before] = row
            else:
                renamed[before] = after, row
        if renamed:
            self.rows = dict([renamed.get(key, (key, row)) for key, row in self.rows.items()])


def _hashable(key: list[Any]) -> Hashable:
    if len(key) == 1 and isinstance(key[0], (int, str)):
        return key[0]
    return compact(key)


class Image:
    """All tables after the last whole commit. `sequence` counts the commits, `whole` is where the last one ends in the log."""

    def __init__(self) -> None:
        self.sequence = 0
        self.tables: dict[str, TableImage] = {}
        self.commits = 0
        """How many of them the log holds."""
        self.whole = 0

    def apply(self, record: dict[str, Any]) -> None:
        """Take in one commit."""
        for name, schema in record.get("schemas", {}).items():
            known = self.tables.get(name)
            fresh = self.tables[name] = TableImage(schema, known.next if known is not None else 1)
            if known is not None:
                fresh.rows = known.rows
        for name, changes in record.get("tables", {}).items():
            table = self.tables[name]
            for key in changes.get("deleted", ()):
                del table.rows[_hashable(key)]
            table.change(changes.get("changed", []))
            table.fill(changes.get("added", []))
        for name, number in record.get("next", {}).items():
            self.tables[name].next = number
        self.sequence = record["sequence"]
        self.commits += 1


def read_image(snapshot: bytes, log: bytes, name: str) -> Image:
    """What stands in a snapshot and the log beside it. Raises StoreCorrupt with the file and the offset. Linear."""
    image = Image()
    document = parsed(snapshot, name)
    image.sequence = document["sequence"]
    for table, stored in document["tables"].items():
        image.tables[table] = made = TableImage(stored["schema"], stored["next"])
        made.fill(stored["rows"])
    beside = f"{name}.log"
    for end, payload in records(log, beside):
        offset, image.whole = end - len(payload) - HEADER - 1, end
        try:
            record = json.loads(payload)
            if record["sequence"] <= document["sequence"] and not image.commits:
                # A crash after the snapshot was renamed and before the log was cut.
                continue
            if record["sequence"] != image.sequence + 1:
                raise StoreCorrupt(
                    beside, offset, f"commit {record['sequence']} follows commit {image.sequence}: some are missing"
                )
            image.apply(record)
        except (KeyError, TypeError, ValueError) as error:
            raise StoreCorrupt(beside, offset, f"a record does not fit what stands before it ({error!r})") from error
    return image


EMPTY = {"modelkit": FORMAT, "sequence": 0, "tables": {}}
"""The document of a new file."""
