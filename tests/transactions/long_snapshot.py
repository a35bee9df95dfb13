"""One snapshot held over very many commits: what it keeps, and what the store holds, before, meanwhile and after.

`python -m tests.transactions.long_snapshot --commits 1000000` prints the figures. The commits are updates by key, a queue that is
filled and emptied, and transactions over both tables; the snapshot is a transaction's, one of `store.snapshot()`, or that
of a stream that was read in part. What is held is counted, object by object, from the store on: the same in every run.
"""

from __future__ import annotations

import argparse
import gc
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

from modelkit.ir.schema import DEFAULT
from modelkit.stores.memory.store import MemoryStore
from tests.stores.samples import AGE, NAME, delete_where, every, set_where, team_and_user

__all__ = ["HOLDERS", "Figures", "measure"]

SAMPLES = 10
"""How often the figures are taken while the commits are made."""

TEAM, USER = team_and_user()
EVERY = every(USER)
SET_AGE, SET_NAME, DELETE_TEAM = set_where(USER, AGE), set_where(USER, NAME), delete_where(TEAM)


class Holder:
    """What holds the snapshot: `rows` reads it, `release` lets go of it."""

    def __init__(self, store: MemoryStore) -> None:
        self.store = store

    def rows(self) -> list[Any]:
        """The users as they were."""
        raise NotImplementedError

    def release(self) -> None:
        """Let go."""
        raise NotImplementedError


class Transaction(Holder):
    """A transaction that reads."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store)
        self.transaction = store.begin()
        self.transaction.select(EVERY, ())

    def rows(self) -> list[Any]:
        return self.transaction.select(EVERY, ())

    def release(self) -> None:
        self.transaction.rollback()


class Snapshot(Holder):
    """`store.snapshot()`, to which the store is put back."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store)
        self.snapshot = store.snapshot()

    def rows(self) -> list[Any]:
        self.store.restore(self.snapshot)
        return self.store.select(EVERY, ())

    def release(self) -> None:
        self.snapshot.close()


class Stream(Holder):
    """A stream of which one chunk was taken."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store)
        self.stream = store.stream(EVERY, (), 100)
        self.first = next(self.stream)

    def rows(self) -> list[Any]:
        return [*self.first, *(row for chunk in self.stream for row in chunk)]

    def release(self) -> None:
        self.first = []
        self.stream = iter(())


HOLDERS: dict[str, Callable[[MemoryStore], Holder]] = {
    "transaction": Transaction,
    "snapshot": Snapshot,
    "stream": Stream,
}


@dataclass
class Moment:
    """What is held after so many commits: kept versions, containers by their class, and bytes of resident memory (0: unknown)."""

    commits: int
    kept: int
    held: Counter[str]
    resident: int

    def __str__(self) -> str:
        return (
            f"{self.commits:>9,} commits: {self.kept:>6,} kept versions, {self.held.total():>7,} objects "
            f"({self.held['tuple']:,} tuples), {self.resident / 1e6:6.1f} MB resident"
        )


@dataclass
class Figures:
    """The figures of one run. `same`: the snapshot read at the end what it read at the beginning."""

    before: Moment
    held: list[Moment] = field(default_factory=list)
    after: Moment | None = None
    same: bool = False
    seconds: float = 0.0

    def __str__(self) -> str:
        lines = [f"before  {self.before}", *(f"held    {moment}" for moment in self.held), f"freed   {self.after}"]
        return "\n".join([*lines, f"{self.seconds:.0f} s, {'the same rows' if self.same else 'OTHER ROWS'} at the end"])


def resident() -> int:
    """Bytes of resident memory; 0 where the system does not say."""
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[1]) * resource.getpagesize() if status.exists() else 0


CODE = (type, ModuleType, FunctionType, BuiltinFunctionType, CodeType)
"""Leads to the whole program."""


def held(*roots: object) -> Counter[str]:
    """How many containers of each class can be reached from `roots`, but for code and what it leads to."""
    found: Counter[str] = Counter()
    seen: set[int] = set()
    waiting = list(roots)
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, CODE):
            continue
        seen.add(id(one))
        parts = gc.get_referents(one)
        if parts or isinstance(one, (list, dict)):
            found[type(one).__name__] += 1
            waiting += parts
    return found


def moment(store: MemoryStore, commits: int, holder: Holder | None = None) -> Moment:
    """What is held now by the store, and by `holder`."""
    gc.collect()
    return Moment(commits, store.stats()["kept_versions"], held(store, holder), resident())


def commits(store: MemoryStore, number: int, rows: int) -> Iterator[int]:
    """Make `number` commits, which leave as many rows as there were; how many were made, after each."""
    queue = 0
    for done in range(1, number + 1):
        key = done * 7919 % rows + 1
        match done % 8:
            case 0 | 1:
                transaction = store.begin(isolation="snapshot")
                transaction.update(SET_AGE, (key, done % 1000))
                transaction.update(SET_NAME, (key % rows + 1, f"user {done:09}"))
                transaction.commit()
            case 2 | 4:
                (row,) = store.insert(TEAM, [(DEFAULT, f"job {done:09}")])
                assert row is not None
                queue = row[0]
            case 3 | 5:
                store.delete(DELETE_TEAM, (queue,))
            case _:
                store.update(SET_AGE, (key, done % 1000))
        yield done


def measure(kind: str, number: int, *, rows: int) -> Figures:
    """Hold a snapshot of `kind` over `number` commits to `rows` rows, an odd number, so that each of them is changed."""
    store = MemoryStore()
    store.define([TEAM, USER])
    store.insert(USER, [(DEFAULT, f"user {row:09}", row % 1000, None, None) for row in range(rows)])
    # What is made once, such as plans, is there before.
    for _ in commits(store, 16 * (rows // 8), rows):
        pass
    warm = HOLDERS[kind](store)
    warm.rows()
    warm.release()
    del warm
    seen = hash(tuple(store.select(EVERY, ())))
    began = time.perf_counter()
    figures = Figures(moment(store, 0))
    holder = HOLDERS[kind](store)
    for done in commits(store, number, rows):
        if done % max(8, number // SAMPLES // 8 * 8) == 0:
            figures.held.append(moment(store, done, holder))
    figures.same = hash(tuple(holder.rows())) == seen
    holder.release()
    del holder
    figures.after = moment(store, number)
    figures.seconds = time.perf_counter() - began
    store._check()
    store.close()
    return figures


def main(arguments: list[str] | None = None) -> int:
    """Print the figures of each kind."""
    parser = argparse.ArgumentParser(prog="python -m tests.transactions.long_snapshot", description=__doc__)
    parser.add_argument("--commits", type=int, default=1_000_000, help="how many (1000000)")
    parser.add_argument("--rows", type=int, default=9_999, help="of the table that is changed, an odd number (9999)")
    parser.add_argument(
        "--kinds", nargs="+", choices=list(HOLDERS), default=list(HOLDERS), help="what holds the snapshot"
    )
    options = parser.parse_args(arguments)
    for kind in options.kinds:
        print(
            f"held by a {kind}:\n{measure(kind, options.commits, rows=options.rows)}\n",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
