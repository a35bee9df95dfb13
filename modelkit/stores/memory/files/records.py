"""The log's records: how one is framed, and how a log is read to its end.

Knows bytes. The invariant: no single changed bit is taken for anything but a corruption, and no cut for anything but a
torn append: a record's own checksum covers its payload, and its header has a checksum too, without which a changed length
would make an acknowledged record look torn.

A record: 8 hex digits of the payload's crc32, 8 of its length, 8 of the crc32 of those sixteen bytes, a space, the payload, a
newline.
"""

from __future__ import annotations

from collections.abc import Iterator
from zlib import crc32

from modelkit.errors import StoreCorrupt

__all__ = ["HEADER", "framed", "records"]

HEADER = 25


def framed(payload: bytes) -> bytes:
    """The record that holds `payload`."""
    head = b"%08x%08x" % (crc32(payload), len(payload))
    return b"%b%08x %b\n" % (head, crc32(head), payload)


def records(log: bytes, name: str) -> Iterator[tuple[int, bytes]]:
    """The payloads of whole records, each with the offset at which its record ends.

    It stops at the end of `log`, or where a torn append begins. Raises StoreCorrupt with the offset for anything else.
    """
    offset = 0
    while offset < len(log):
        end = _end(log, offset, name)
        if end < 0:
            return
        yield end, log[offset + HEADER : end - 1]
        offset = end


def _end(log: bytes, offset: int, name: str) -> int:
    """Where the record at `offset` ends, -1 where it was torn."""
    header = log[offset : offset + HEADER]
    if len(header) < HEADER or not any(header):
        if len(header) < HEADER or not any(log[offset:]):
            return -1
        raise StoreCorrupt(name, offset, "a record's header is blank")
    if header[16:] != b"%08x " % crc32(header[:16]):
        raise StoreCorrupt(name, offset, "a record's header does not match its checksum")
    end = offset + HEADER + int(header[8:16], 16) + 1
    if end > len(log):
        return -1
    payload = log[offset + HEADER : end - 1]
    if header[:8] != b"%08x" % crc32(payload) or log[end - 1] != 10:
        raise StoreCorrupt(name, offset, "a record does not match its checksum")
    return end
