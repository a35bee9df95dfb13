"""Random list-append histories and their check by cycles, after Elle (Kingsbury and Alvaro, 2020) and Adya's definitions.

Rows hold lists to which transactions append values that are never used twice, so that what a read gives shows which
transactions it follows. `record` runs interleaved transactions on a store, by one thread and a seed: every history is
reproducible. `check` builds the graph of dependencies of what committed and looks for what the level forbids. Nothing in here
knows how a store validates.

    python -m tests.transactions.histories --transactions 1000000 --seed 7 --isolation serializable
"""

from __future__ import annotations

import argparse
import itertools
import random
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Final

from modelkit.errors import TransactionConflict
from modelkit.ir.expr import Col, Compare, Param
from modelkit.ir.query import Assignment, RowOutput, Select, Source, Update
from modelkit.ir.schema import Column, Index, Table
from modelkit.ir.types import BooleanType, IntegerType, JsonType
from modelkit.stores.base import Isolation
from modelkit.stores.memory.store import MemoryStore

KEYS: Final = 8
GROUPS: Final = 3
OPEN: Final = 4
ROUND: Final = 200
"""Transactions on one store: lists stay short."""

_INTEGER, _BOOLEAN, _JSON = IntegerType(), BooleanType(), JsonType()


def _table(*indexes: Index) -> Table:
    columns = (Column("key", _INTEGER), Column("group", _INTEGER), Column("values", _JSON))
    return Table("lists", columns, (0,), indexes=indexes, label="List")


SCANNED, INDEXED = _table(), _table(Index("by_group", (1,)))
GROUP_TABLE = Table("groups", (Column("id", _INTEGER),), (0,), label="Group")


def _where(table: Table, column: int) -> Select:
    test = Compare(_BOOLEAN, False, "eq", Col(_INTEGER, False, 0, column), Param(_INTEGER, False, 0))
    return Select((Source(table),), (RowOutput(0),), test, bare=True)


class Queries:
    """The statements on one table."""

    def __init__(self, table: Table) -> None:
        self.by_key = _where(table, 0)
        self.by_group = _where(table, 1)
        self.set = Update(_where(table, 0), (Assignment(2, Param(_JSON, False, 1)),))
        sources = (Source(GROUP_TABLE), Source(table, 0, (0,), (1,), many=True))
        test = Compare(_BOOLEAN, False, "eq", Col(_INTEGER, False, 0, 0), Param(_INTEGER, False, 0))
        self.joined = Select(sources, (RowOutput(1),), test, bare=True)


QUERIES: Final = {table: Queries(table) for table in (SCANNED, INDEXED)}

Read = tuple[int, tuple[int, ...]]
"""A key and its list, empty where there was no row."""


@dataclass
class Attempt:
    """One transaction as it went. `number` is the name of its values: value // 100."""

    number: int
    began: int = 0
    """How many had committed when its snapshot was taken."""
    committed: int = 0
    """Its place in the order of commits, 0 for none."""
    reads: list[Read] = field(default_factory=list)
    appends: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    written: int = 0
    plan: list[str] = field(default_factory=list)
    session: Any = None
    mark: Any = None


def record(seed: int, transactions: int, isolation: Isolation) -> list[Attempt]:
    """Run `transactions` interleaved on a new store, and tell what they read and wrote."""
    chance = random.Random(seed)
    table = chance.choice([SCANNED, INDEXED])
    store = MemoryStore()
    store.define([table, GROUP_TABLE])
    store.insert(GROUP_TABLE, [(group,) for group in range(GROUPS)])
    done: list[Attempt] = []
    running: list[Attempt] = []
    commits = 0
    while len(done) < transactions:
        while len(running) < OPEN:
            attempt = Attempt(len(done) + len(running) + 1)
            attempt.plan = chance.choices(("read", "group", "join", "append", "append", "mark"), k=chance.randint(1, 5))
            attempt.session, attempt.began = store.begin(isolation=isolation), -1
            running.append(attempt)
        attempt = running[chance.randrange(len(running))]
        if attempt.plan:
            if attempt.began < 0:
                attempt.began = commits
            take_step(attempt, attempt.plan.pop(), chance, QUERIES[table], table)
            continue
        running.remove(attempt)
        done.append(attempt)
        if chance.random() < 0.1:
            attempt.session.rollback()
            continue
        try:
            attempt.session.commit()
        except TransactionConflict:
            continue
        commits += 1
        attempt.committed = commits
    for attempt in running:
        attempt.session.rollback()
        done.append(attempt)
    store.close()
    return done


def take_step(attempt: Attempt, step: str, chance: random.Random, queries: Queries, table: Table) -> None:
    session = attempt.session
    key, group = chance.randrange(KEYS), chance.randrange(GROUPS)
    match step:
        case "read":
            rows = session.select(queries.by_key, (key,))
            attempt.reads.append((key, tuple(rows[0][2]) if rows else ()))
        case "group" | "join":
            rows = session.select(queries.by_group if step == "group" else queries.joined, (group,))
            found = {row[0]: tuple(row[2]) for row in rows if row is not None}
            attempt.reads += [(key, found.get(key, ())) for key in range(KEYS) if key % GROUPS == group]
        case "append":
            _append(attempt, key, queries, table)
        case "mark":
            mark = session.savepoint()
            before = {known: list(values) for known, values in attempt.appends.items()}
            _append(attempt, key, queries, table)
            if chance.random() < 0.7:
                session.rollback_to(mark)
                attempt.appends = defaultdict(list, before)


def _append(attempt: Attempt, key: int, queries: Queries, table: Table) -> None:
    attempt.written += 1
    value = attempt.number * 100 + attempt.written
    rows = attempt.session.select(queries.by_key, (key,))
    present = list(rows[0][2]) if rows else []
    attempt.reads.append((key, tuple(present)))
    if rows:
        attempt.session.update(queries.set, (key, [*present, value]))
    else:
        attempt.session.insert(table, [(key, key % GROUPS, [value])])
    attempt.appends[key].append(value)


def check(history: list[Attempt], isolation: Isolation) -> list[str]:
    """What `isolation` forbids and happened, in words; nothing where all is well."""
    committed = {attempt.number: attempt for attempt in history if attempt.committed}
    problems: list[str] = []
    orders = _orders(committed.values(), problems)
    plain: dict[int, set[int]] = defaultdict(set)
    anti: dict[int, set[int]] = defaultdict(set)
    for order in orders.values():
        writers = [value // 100 for value in order]
        for before, after in itertools.pairwise(writers):
            if before != after:
                plain[before].add(after)
    for attempt in committed.values():
        _depend(attempt, orders, committed, plain, anti, problems)
    if problems:
        return problems
    if isolation == "serializable":
        return _cycles(committed, plain, anti)
    return _skews(committed, plain, anti)


def _orders(attempts: Any, problems: list[str]) -> dict[int, list[int]]:
    """The order in which values were appended to each key: the longest list that somebody read or left."""
    longest: dict[int, tuple[int, ...]] = {}
    for attempt in attempts:
        for key, values in attempt.reads:
            if len(values) > len(longest.get(key, ())):
                longest[key] = values
    for attempt in attempts:
        # What was appended last may never have been read: it follows what its own transaction read there.
        for key, values in attempt.appends.items():
            seen = max((read for known, read in attempt.reads if known == key), key=len)
            whole = (*[value for value in seen if value not in values], *values)
            if len(whole) > len(longest.get(key, ())):
                longest[key] = whole
    for attempt in attempts:
        for key, values in attempt.reads:
            foreign = tuple(value for value in values if value // 100 != attempt.number)
            if foreign != longest.get(key, ())[: len(foreign)]:
                problems.append(f"{attempt.number} read {foreign} of {key}, which is no beginning of {longest[key]}")
    return {key: list(values) for key, values in longest.items()}


def _depend(
    attempt: Attempt,
    orders: dict[int, list[int]],
    committed: dict[int, Attempt],
    plain: dict[int, set[int]],
    anti: dict[int, set[int]],
    problems: list[str],
) -> None:
    me = attempt.number
    for key, values in attempt.reads:
        foreign = [value for value in values if value // 100 != me]
        order = orders.get(key, [])
        if foreign:
            writer = committed.get(foreign[-1] // 100)
            if writer is None:
                problems.append(f"{me} read {foreign[-1]}, which was never committed")
                continue
            if writer.appends[key][-1] != foreign[-1]:
                problems.append(f"{me} read {foreign[-1]} in the middle of its transaction")
            plain[writer.number].add(me)
        following = next((value for value in order[len(foreign) :] if value // 100 != me), None)
        if following is not None:
            anti[me].add(following // 100)


def _cycles(committed: dict[int, Attempt], plain: dict[int, set[int]], anti: dict[int, set[int]]) -> list[str]:
    """Cycles over all dependencies and real time, by Kahn's topological sort: what is left over lies on or behind one.

    Real time is a chain of moments, one for each commit: a transaction follows the moment at which its snapshot was taken,
    and stands before that of its commit. One that wrote nothing stands before nothing in it but what read or wrote.
    """
    edges: dict[Any, set[Any]] = defaultdict(set)
    for number in committed:
        edges[number] |= plain[number] | anti[number]
    for attempt in committed.values():
        edges["moment", attempt.began].add(attempt.number)
        edges[attempt.number].add(("moment", attempt.committed))
    for moment in range(len(committed)):
        edges["moment", moment].add(("moment", moment + 1))
    degrees: dict[Any, int] = defaultdict(int)
    for targets in edges.values():
        for target in targets:
            degrees[target] += 1
    free = [node for node in list(edges) if not degrees[node]]
    left = edges.keys() | degrees.keys()
    while free:
        node = free.pop()
        left.discard(node)
        for target in edges.get(node, ()):
            degrees[target] -= 1
            if not degrees[target]:
                free.append(target)
    stuck = sorted(node for node in left if isinstance(node, int))
    return [f"a cycle among the transactions {stuck[:12]}"] if stuck else []


def _skews(committed: dict[int, Attempt], plain: dict[int, set[int]], anti: dict[int, set[int]]) -> list[str]:
    """Cycles with at most one anti-dependency, which snapshots forbid: a path of dependencies leads back along one."""
    backwards = [
        f"{target} depends on {number}, which committed later"
        for number, targets in plain.items()
        for target in targets
        if target in committed and committed[target].committed <= committed[number].committed
    ]
    skewed = [
        f"{number} did not see {target}, on which it depends"
        for number, targets in anti.items()
        for target in targets
        if target in committed and _reaches(target, number, plain)
    ]
    return backwards + skewed


def _reaches(start: int, goal: int, edges: dict[int, set[int]]) -> bool:
    seen, waiting = {start}, [start]
    while waiting:
        for target in edges.get(waiting.pop(), ()):
            if target == goal:
                return True
            if target not in seen:
                seen.add(target)
                waiting.append(target)
    return False


def run(transactions: int, seed: int, isolation: Isolation) -> tuple[int, list[str]]:
    """Check histories until there are so many transactions; how many committed, and the first problems with their seed."""
    committed = done = number = 0
    while done < transactions:
        history = record(seed + number, ROUND, isolation)
        problems = check(history, isolation)
        if problems:
            return committed, [f"seed {seed + number}: {problem}" for problem in problems]
        done += len(history)
        committed += sum(attempt.committed > 0 for attempt in history)
        number += 1
    return committed, []


def main() -> int:
    parser = argparse.ArgumentParser(description="Random histories of transactions, checked by cycles.")
    parser.add_argument("--transactions", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--isolation", choices=("serializable", "snapshot"), default="serializable")
    options = parser.parse_args()
    start = time.perf_counter()
    committed, problems = run(options.transactions, options.seed, options.isolation)
    print(f"{committed} of {options.transactions} committed, {time.perf_counter() - start:.1f} s")
    print("\n".join(problems[:20]) or "no anomaly")
    return bool(problems)


if __name__ == "__main__":
    raise SystemExit(main())
