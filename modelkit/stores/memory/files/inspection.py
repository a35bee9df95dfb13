"""What is in a store's files, where damage begins, and cutting the log there: what `python -m modelkit fsck` says and does.

Knows files, not stores. The invariant: nothing is removed that was not kept beside before.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from modelkit.errors import StoreCorrupt, StoreError, StoreLocked
from modelkit.records import dataclass
from modelkit.stores.memory.files.image import Image, read_image
from modelkit.stores.memory.files.system import System

__all__ = ["Findings", "cut_log", "inspect"]


@dataclass(slots=True)
class Findings:
    """What stands in the files: `image` as far as it can be read, `damage` where that ends, `torn` bytes of an unfinished commit."""

    file: Path
    snapshot_size: int
    log_size: int
    image: Image | None = None
    damage: StoreCorrupt | None = None
    torn: int = 0

    @property
    def is_sound(self) -> bool:
        """Whether a store opens them."""
        return self.damage is None

    def text(self) -> Iterator[str]:
        """The findings for people, line by line."""
        image = self.image
        if image is not None:
            yield f"{self.file}: {self.snapshot_size} bytes, whole"
            yield f"{self.file}.log: {self.log_size} bytes, {image.commits} commits, whole up to byte {image.whole}"
            yield f"last commit: {image.sequence}"
            for name, table in sorted(image.tables.items()):
                yield f"  {table.schema['label'] or name}: {len(table.rows)} rows, next number {table.next}"
        if self.torn:
            yield f"the last {self.torn} bytes of the log are a commit that was never finished: opening sets them aside"
        if self.damage is not None:
            yield f"damaged: {self.damage}"


def inspect(file: str | os.PathLike[str]) -> Findings:
    """What stands in the files of the store `file`. They are only read. Raises StoreError where there is none. Linear."""
    path = Path(file)
    log_path = path.with_name(f"{path.name}.log")
    try:
        snapshot = path.read_bytes()
        log = log_path.read_bytes() if log_path.exists() else b""
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}.") from error
    found = Findings(path, len(snapshot), len(log))
    try:
        found.image = read_image(snapshot, log, str(path))
        found.torn = len(log) - found.image.whole
    except StoreCorrupt as damage:
        found.damage = damage
        if damage.file != str(path):
            found.image = read_image(snapshot, log[: damage.offset], str(path))
    return found


def cut_log(file: str | os.PathLike[str], offset: int) -> Path:
    """Cut the log of the store `file` at `offset`; where the removed bytes are kept.

    Raises StoreLocked where it is open, StoreError for an offset at which no commit ends: what is left would be damaged.
    """
    path, system = Path(file), System()
    log_path, lock_path = path.with_name(f"{path.name}.log"), path.with_name(f"{path.name}.lock")
    lock = system.lock(lock_path)
    if lock is None:
        raise StoreLocked(str(path), None)
    try:
        snapshot, log = path.read_bytes(), log_path.read_bytes()
        if not 0 <= offset <= len(log) or read_image(snapshot, log[:offset], str(path)).whole != offset:
            raise StoreError(f"No commit ends at byte {offset} of {log_path}: nothing was cut.")
        kept = _free_name(path, offset)
        descriptor = system.open(kept)
        try:
            system.write(descriptor, log[offset:])
            system.sync(descriptor)
        finally:
            system.close(descriptor)
        system.sync_directory(path.parent)
        descriptor = system.open(log_path, append=True)
        try:
            system.truncate(descriptor, offset)
            system.sync(descriptor)
        finally:
            system.close(descriptor)
    except OSError as error:
        raise StoreError(f"{log_path} cannot be cut: {error.strerror}.") from error
    finally:
        system.unlock(lock_path, lock)
    return kept


def _free_name(path: Path, offset: int) -> Path:
    """A name beside the log that nobody has."""
    number = 0
    while True:
        name = path.with_name(f"{path.name}.log.cut-{offset}{f'-{number}' if number else ''}")
        if not name.exists():
            return name
        number += 1
