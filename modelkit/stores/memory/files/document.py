"""The snapshot: one JSON document, a row a line, whose last key is the checksum of all before it.

Knows JSON and bytes, not tables. The invariant: `parsed(written(document))` is `document`, and no other bytes are taken for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final
from zlib import crc32

from modelkit.errors import StoreCorrupt

__all__ = ["FORMAT", "compact", "parsed", "written"]

FORMAT: Final = 1
_TAIL: Final = b',\n"crc32": "%08x"\n}\n'
_TAIL_LENGTH: Final = len(_TAIL % 0)


_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def compact(value: Any) -> str:
    """A value as JSON without blanks; the same text for the same value in every run."""
    return _ENCODER.encode(value)


def written(document: dict[str, Any]) -> bytes:
    """The bytes of a document: `modelkit`, `sequence`, `tables` by name with their schema, next number and rows. Linear."""
    body = "".join(_lines(document)).encode()
    return body + _TAIL % crc32(body)


def _lines(document: dict[str, Any]) -> Iterator[str]:
    yield f'{{\n"modelkit": {document["modelkit"]:d},\n"sequence": {document["sequence"]:d},\n"tables": {{'
    for number, (name, table) in enumerate(document["tables"].items()):
        rows = ",\n".join(map(compact, table["rows"]))
        yield f"{',' if number else ''}\n{compact(name)}: {{\n"
        yield f'"schema": {compact(table["schema"])},\n"next": {table["next"]:d},\n"rows": [\n{rows}\n]}}'
    yield "\n}"


def parsed(data: bytes, name: str) -> dict[str, Any]:
    """The document in `data`. Raises StoreCorrupt for anything else, a file that somebody else wrote included. Linear."""
    body, tail = data[:-_TAIL_LENGTH], data[-_TAIL_LENGTH:]
    if not data.startswith(b'{\n"modelkit": '):
        raise StoreCorrupt(name, 0, "this is no file of modelkit's" if data else "the file is empty")
    if tail != _TAIL % crc32(body):
        raise StoreCorrupt(
            name, 0, f"somewhere in its {len(data)} bytes the file does not match its checksum, or it is cut"
        )
    try:
        document: dict[str, Any] = json.loads(data)
    except ValueError as error:
        raise StoreCorrupt(name, 0, f"this is no JSON document: {error}") from error
    if document["modelkit"] != FORMAT:
        raise StoreCorrupt(name, 0, f"this is written in format {document['modelkit']}, which is not known here")
    return document
