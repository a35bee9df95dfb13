"""Hermitage's anomalies (Kleppmann, 2014) at each isolation level, over threads and over tasks; the matrix is printed.

Each anomaly is a schedule of two or three transactions over two rows, and a test of what came of it: whether it happened.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Generator
from typing import Any

import pytest

from modelkit import F, IntegerField, MemoryStore, Model, Registry, TransactionConflict
from modelkit.database import use_store
from tests.transactions.schedules import Abort, Kind, Outcome, Script, run

Steps = Generator[None, None, Any]
REGISTRY = Registry()


class Account(Model):
    value = IntegerField()

    class Meta:
        app_label = "hermitage"
        registry = REGISTRY


def read(pk: int) -> int:
    return Account.objects.get(pk=pk).value


def write(pk: int, value: int) -> None:
    Account.objects.filter(pk=pk).update(value=value)


def final() -> dict[int, int]:
    return dict(Account.objects.values_list("pk", "value"))


def divisible(by: int) -> list[int]:
    return list(Account.objects.annotate(rest=F("value") % by).filter(rest=0).values_list("pk", flat=True))


Case = tuple[list[Script], list[int], Callable[[list[Outcome], dict[int, int]], bool]]


def g0() -> Case:
    """Write cycles: two transactions' writes of two rows interleave."""

    def writer(first: int, second: int) -> Callable[[], Steps]:
        def script() -> Steps:
            write(1, first)
            yield
            write(2, second)

        return script

    def happened(outcomes: list[Outcome], rows: dict[int, int]) -> bool:
        return rows not in ({1: 11, 2: 21}, {1: 12, 2: 22})

    return [writer(11, 21), writer(12, 22)], [0, 1, 0, 1], happened


def g1a() -> Case:
    """Aborted reads: a value is seen whose transaction rolls back."""

    def aborting() -> Steps:
        write(1, 101)
        yield
        raise Abort

    def reader() -> Steps:
        before = read(1)
        yield
        return before, read(1)

    return [aborting, reader], [0, 1, 0, 1], lambda outcomes, _: 101 in outcomes[1].result


def g1b() -> Case:
    """Intermediate reads: a value is seen that its own transaction overwrites."""

    def writer() -> Steps:
        write(1, 101)
        yield
        write(1, 11)

    def reader() -> Steps:
        before = read(1)
        yield
        return before, read(1)

    return [writer, reader], [0, 1, 0, 1], lambda outcomes, _: 101 in outcomes[1].result


def g1c() -> Case:
    """Circular information flow: each sees the other's write."""

    def side(own: int, value: int, other: int) -> Callable[[], Steps]:
        def script() -> Steps:
            write(own, value)
            yield
            found = read(other)
            yield
            return found

        return script

    def happened(outcomes: list[Outcome], _: dict[int, int]) -> bool:
        seen = [outcome.result for outcome in outcomes]
        return seen[0] == 22 and seen[1] == 11

    return [side(1, 11, 2), side(2, 22, 1)], [0, 1, 0, 1, 0, 1], happened


def otv() -> Case:
    """Observed transaction vanishes: a reader sees one row of a transaction and an older state of another."""

    def first() -> Steps:
        write(1, 11)
        write(2, 19)
        yield

    def second() -> Steps:
        write(1, 12)
        yield
        write(2, 18)

    def reader() -> Steps:
        one = read(1)
        yield
        two = read(2)
        yield
        return one, two, read(2), read(1)

    def happened(outcomes: list[Outcome], _: dict[int, int]) -> bool:
        return outcomes[2].result not in ((10, 20, 20, 10), (11, 19, 19, 11), (12, 18, 18, 12))

    return [first, second, reader], [0, 1, 0, 2, 1, 2, 2], happened


def pmp() -> Case:
    """Predicate-many-preceders: a predicate finds at its second reading what a commit in between added."""

    def reader() -> Steps:
        before = list(Account.objects.filter(value=30))
        yield
        return before, divisible(3)

    def writer() -> Steps:
        yield
        Account.objects.create(pk=3, value=30)

    return [reader, writer], [0, 1, 1, 0], lambda outcomes, _: 3 in outcomes[0].result[1]


def pmp_write() -> Case:
    """Predicate-many-preceders for a write's own predicate: rows are deleted by a condition that a commit changed."""

    def adder() -> Steps:
        yield
        for row in Account.objects.all():
            row.value += 10
            row.save()

    def deleter() -> Steps:
        list(Account.objects.filter(value=99))
        yield
        Account.objects.filter(value=20).delete()

    def happened(outcomes: list[Outcome], rows: dict[int, int]) -> bool:
        both = all(outcome.committed for outcome in outcomes)
        return both and rows not in ({1: 20}, {2: 30})

    return [adder, deleter], [1, 0, 0, 1], happened


def p4() -> Case:
    """Lost update: two read a row and write what they computed from it."""

    def adder(more: int) -> Callable[[], Steps]:
        def script() -> Steps:
            found = read(1)
            yield
            write(1, found + more)

        return script

    def happened(outcomes: list[Outcome], rows: dict[int, int]) -> bool:
        done = sum(more for more, outcome in zip((1, 2), outcomes, strict=True) if outcome.committed)
        return rows[1] != 10 + done

    return [adder(1), adder(2)], [0, 1, 0, 1], happened


def g_single() -> Case:
    """Read skew: one row from before a commit, another from after it."""

    def reader() -> Steps:
        one = read(1)
        yield
        return one, read(2)

    def writer() -> Steps:
        write(1, 12)
        yield
        write(2, 18)

    return [reader, writer], [0, 1, 1, 0], lambda outcomes, _: outcomes[0].result not in ((10, 20), (12, 18))


def g_single_predicate() -> Case:
    """Read skew over predicates: a condition finds a row that a commit changed to meet it."""

    def reader() -> Steps:
        read(1)
        yield
        return divisible(3)

    def writer() -> Steps:
        yield
        Account.objects.filter(value=10).update(value=12)

    return [reader, writer], [0, 1, 1, 0], lambda outcomes, _: outcomes[0].result != []


def g2_item() -> Case:
    """Write skew: both read both rows, each writes one of them."""

    def side(own: int, value: int) -> Callable[[], Steps]:
        def script() -> Steps:
            read(1), read(2)
            yield
            write(own, value)

        return script

    return [side(1, 11), side(2, 21)], [0, 1, 0, 1], _all_committed


def g2() -> Case:
    """Anti-dependency cycles over predicates: both find nothing, and each adds what the other looked for."""

    def side(pk: int, value: int) -> Callable[[], Steps]:
        def script() -> Steps:
            found = divisible(3)
            yield
            Account.objects.create(pk=pk, value=value)
            return found

        return script

    return [side(3, 30), side(4, 42)], [0, 1, 0, 1], _all_committed


def read_only() -> Case:
    """The read-only anomaly (Fekete, O'Neil and O'Neil, 2004): a reader sees a state that no order of the others explains."""

    def withdraw() -> Steps:
        total = read(1) + read(2)
        yield
        write(1, read(1) - (20 if total >= 20 else 21))

    def deposit() -> Steps:
        yield
        write(2, read(2) + 20)

    def report() -> Steps:
        yield
        return read(1), read(2)

    return [withdraw, deposit, report], [0, 1, 1, 2, 2, 0], _all_committed


def _all_committed(outcomes: list[Outcome], _: dict[int, int]) -> bool:
    return all(outcome.committed for outcome in outcomes)


ANOMALIES = {
    "G0": g0, "G1a": g1a, "G1b": g1b, "G1c": g1c, "OTV": otv, "PMP": pmp, "PMP for writes": pmp_write, "P4": p4,
    "G-single": g_single, "G-single over predicates": g_single_predicate, "G2-item": g2_item, "G2": g2, "read-only": read_only,
}  # fmt: skip
SNAPSHOT_ALLOWS = {"G2-item", "G2", "read-only"}
LEVELS = ("serializable", "snapshot")
KINDS: tuple[Kind, ...] = ("threads", "asyncio")


def happens(name: str, level: Any, kind: Kind) -> bool:
    """Whether the anomaly shows; a conflict is the only thing that may end a transaction besides its own wish."""
    scripts, order, happened = ANOMALIES[name]()
    store = MemoryStore()
    with use_store(store):
        Account.objects.bulk_create([Account(pk=1, value=10), Account(pk=2, value=0 if name == "read-only" else 20)])
    outcomes = run(kind, store, level, scripts, order)
    assert all(isinstance(outcome.error, (TransactionConflict, Abort, type(None))) for outcome in outcomes), outcomes
    assert any(outcome.committed for outcome in outcomes), "somebody always commits"
    with use_store(store):
        return happened(outcomes, final())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", ANOMALIES)
def test_anomalies_are_prevented(name: str, level: str, kind: Kind) -> None:
    assert happens(name, level, kind) == (level == "snapshot" and name in SNAPSHOT_ALLOWS)


def test_the_matrix_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    columns = list(itertools.product(LEVELS, KINDS))
    lines = [f"{'anomaly':<26}" + "".join(f"{f'{level}, {kind}':<24}" for level, kind in columns)]
    for name in ANOMALIES:
        cells = ["possible" if happens(name, level, kind) else "prevented" for level, kind in columns]
        lines.append(f"{name:<26}" + "".join(f"{cell:<24}" for cell in cells))
    with capsys.disabled():
        print("\n" + "\n".join(map(operator.methodcaller("rstrip"), lines)))
    assert sum("possible" in line for line in lines) == len(SNAPSHOT_ALLOWS)
