"""What a commit costs that waits for the disk, against SQLite's (WAL, synchronous=FULL), on one file system in one run.

Each round makes some commits of one new row with each contender, in turn, and the medians of all commits are compared: the
disk's pauses hit whom they hit. An append that is waited for, and nothing more, is measured beside them as the disk's own share.
"""

from __future__ import annotations

import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from modelkit import CharField, IntegerField, MemoryStore, Model
from modelkit.database import use_store
from modelkit.ir.schema import DEFAULT, Column, Table
from modelkit.ir.types import IntegerType, TextType

__all__ = ["LIMIT", "compared", "report"]

LIMIT = 1.5
"""A synced journal commit takes at most so many times SQLite's."""

COMMITS = 20
"""Of each contender in a round."""

Commit = Callable[[int], object]


class Entry(Model):
    """The row that is committed."""

    text = CharField(max_length=100)
    number = IntegerField()

    class Meta:
        app_label = "durability"


@contextmanager
def _sqlite(directory: Path) -> Iterator[Commit]:
    connection = sqlite3.connect(directory / "sqlite.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE entry (id INTEGER PRIMARY KEY, text TEXT NOT NULL, number INTEGER NOT NULL)")
    statement = "INSERT INTO entry (text, number) VALUES (?, ?)"
    yield lambda number: connection.execute(statement, (f"entry {number}", number))
    connection.close()


@contextmanager
def _journal(directory: Path) -> Iterator[Commit]:
    table = Table(
        "entry",
        (Column("id", IntegerType(), auto=True), Column("text", TextType(100)), Column("number", IntegerType())),
        (0,),
    )
    store = MemoryStore(file=directory / "store.json")
    store.define([table])
    yield lambda number: store.insert(table, [(DEFAULT, f"entry {number}", number)])
    store.close()


@contextmanager
def _models(directory: Path) -> Iterator[Commit]:
    store = MemoryStore(file=directory / "models.json")
    with use_store(store):
        yield lambda number: Entry.objects.create(text=f"entry {number}", number=number)
    store.close()


@contextmanager
def _append(directory: Path) -> Iterator[Commit]:
    descriptor = os.open(directory / "plain.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    wait = getattr(os, "fdatasync", os.fsync)

    def commit(number: int) -> None:
        os.write(descriptor, b"%0100d\n" % number)
        wait(descriptor)

    yield commit
    os.close(descriptor)


CONTENDERS = {"sqlite3": _sqlite, "journal": _journal, "create()": _models, "append and fdatasync": _append}


def compared(rounds: int, directory: Path | None = None) -> dict[str, float]:
    """The median seconds of a commit by contender. `directory` is where the files are made: by default, the working one."""
    times: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    with tempfile.TemporaryDirectory(dir=directory or Path.cwd()) as place, ExitStack() as stack:
        commits = {name: stack.enter_context(made(Path(place))) for name, made in CONTENDERS.items()}
        for round_ in range(rounds):
            for name, commit in commits.items():
                for number in range(round_ * COMMITS, (round_ + 1) * COMMITS):
                    began = time.perf_counter()
                    commit(number)
                    times[name].append(time.perf_counter() - began)
    return {name: statistics.median(taken) for name, taken in times.items()}


def report(medians: dict[str, float]) -> tuple[str, bool]:
    """The figures as text, and whether the journal is within its limit."""
    base = medians["sqlite3"]
    lines = [f"{name:<22}{seconds * 1e6:8.1f} us   x{seconds / base:.2f}" for name, seconds in medians.items()]
    ratio = medians["journal"] / base
    verdict = "met" if ratio <= LIMIT else "MISSED"
    return "\n".join([*lines, f"journal against SQLite: x{ratio:.2f} (<= {LIMIT:g}): {verdict}"]), ratio <= LIMIT
