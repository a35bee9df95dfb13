"""Disks that fail on request, and stores in files to fail with."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from modelkit.ir.schema import DEFAULT
from modelkit.stores.memory.files.system import System
from modelkit.stores.memory.store import MemoryStore
from tests.stores.samples import every, team_and_user

TEAM, USER = team_and_user()
EVERY_TEAM, EVERY_USER = every(TEAM), every(USER)


class Crash(BaseException):
    """The machine stopped: nothing after this happens."""


class Disk(System):
    """Counts the calls that touch the disk; the one with the number `fails` raises `error`, or all from it on where it `stays` so.

    `short` lets that call, where it writes, write a part before.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.fails = -1
        self.error: BaseException | None = None
        self.stays = False
        self.short = False

    def fail(self, number: int, error: BaseException, *, stays: bool = False, short: bool = False) -> None:
        """Let the `number`-th call from now on raise `error`."""
        self.calls = []
        self.fails, self.error, self.stays, self.short = number, error, stays, short

    def heal(self) -> None:
        """Fail no more."""
        self.fails = -1

    def _is_failing(self, name: str) -> bool:
        self.calls.append(name)
        number = len(self.calls)
        return number == self.fails or (self.stays and 0 < self.fails <= number)

    def _call(self, name: str) -> None:
        if self._is_failing(name):
            assert self.error is not None
            raise self.error

    def open(self, path: Path, *, append: bool = False) -> int:
        self._call("open")
        return super().open(path, append=append)

    def write_some(self, descriptor: int, data: memoryview) -> int:
        if self._is_failing("write"):
            if self.short:
                super().write_some(descriptor, data[: len(data) // 2])
            assert self.error is not None
            raise self.error
        # In two parts, as a system may.
        return super().write_some(descriptor, data[: max(1, len(data) // 2)])

    def sync(self, descriptor: int) -> None:
        self._call("sync")
        super().sync(descriptor)

    def truncate(self, descriptor: int, size: int) -> None:
        self._call("truncate")
        super().truncate(descriptor, size)

    def rename(self, path: Path, to: Path) -> None:
        self._call("rename")
        super().rename(path, to)

    def sync_directory(self, path: Path) -> None:
        self._call("sync_directory")
        super().sync_directory(path)

    def read(self, path: Path) -> bytes:
        self._call("read")
        return super().read(path)


def opened(file: Path, **options: Any) -> MemoryStore:
    """The store in `file`, with the sample tables."""
    store = MemoryStore(file=file, **options)
    store.define([TEAM, USER])
    return store


def abandon(store: MemoryStore) -> None:
    """Let go of a store's files as a process does that ends."""
    journal = store._committer.journal
    assert journal is not None
    journal.release()


def user(name: str, **values: Any) -> tuple[Any, ...]:
    """A user's row to insert."""
    return (DEFAULT, name, values.get("age"), values.get("team"), values.get("code"))


def dump(store: MemoryStore) -> list[Any]:
    """All rows of both tables."""
    return [store.select(EVERY_TEAM, ()), store.select(EVERY_USER, ())]


def copied(file: Path, to: Path) -> Path:
    """A copy of a store's files in another directory, without its lock."""
    to.mkdir()
    for path in files(file):
        shutil.copy(path, to)
    return to / file.name


def files(file: Path) -> Iterable[Path]:
    """The snapshot and the log."""
    return [path for path in (file, file.with_name(f"{file.name}.log")) if path.exists()]


def reopened(file: Path, to: Path) -> list[Any]:
    """What a copy of a store's files holds."""
    with warnings.catch_warnings():
        # What a crash leaves may be torn.
        warnings.simplefilter("ignore", RuntimeWarning)
        store = opened(copied(file, to))
    rows = dump(store)
    store._check()
    store.close()
    return rows
