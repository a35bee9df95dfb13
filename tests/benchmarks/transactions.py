"""What a transaction costs beside what is done in it, on a small table and on a large one: one save in a block, ten in a block.

One process; in each round every way of saving the same rows in turn, on each table; the fastest round counts.
"""

from __future__ import annotations

import gc
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import TypeAlias

from modelkit import CharField, IntegerField, MemoryStore, Model, atomic
from modelkit.transaction import DEFAULT, stores

__all__ = ["MOST_GROWTH", "MOST_MORE", "ROWS", "Times", "compared", "report"]

ROWS = (10_000, 1_000_000)
"""Of the tables."""

MOST_MORE = 3e-6
"""Seconds that a block around one save may take more than the save."""

MOST_GROWTH = 2
"""A block of ten saves in the large table takes at most so many times what it takes in the small one."""

SAVED = 100
"""As many rows are saved in a round, picked from all over the table."""

BATCH = 100_000

Times: TypeAlias = dict[str, float]
"""Seconds for one save by itself ("save"), for one in a block ("block"), for a block of ten ("ten")."""


class Account(Model):
    """The row that is saved."""

    owner = CharField(max_length=50)
    balance = IntegerField()

    class Meta:
        app_label = "transactions"


def _save(accounts: Sequence[Account]) -> None:
    for account in accounts:
        account.balance += 1
        account.save()


def _block(accounts: Sequence[Account]) -> None:
    for account in accounts:
        account.balance += 1
        with atomic():
            account.save()


def _ten(accounts: Sequence[Account]) -> None:
    for start in range(0, len(accounts), 10):
        with atomic():
            for account in accounts[start : start + 10]:
                account.balance += 1
                account.save()


Work: TypeAlias = Callable[[Sequence[Account]], None]

WAYS: dict[str, tuple[Work, int]] = {"save": (_save, 1), "block": (_block, 1), "ten": (_ten, 10)}
"""What is timed, and how many saves are one of it."""


def compared(rounds: int, sizes: Sequence[int] = ROWS) -> dict[int, Times]:
    """The seconds by the number of rows."""
    tables = {size: _table(size) for size in sizes}
    best: dict[int, Times] = {size: dict.fromkeys(WAYS, float("inf")) for size in sizes}
    gc.collect()
    gc.freeze()
    for _ in range(rounds):
        for size, (store, accounts) in tables.items():
            with _connected(store):
                for name, (work, saves) in WAYS.items():
                    began = perf_counter()
                    work(accounts)
                    taken = (perf_counter() - began) * saves / len(accounts)
                    best[size][name] = min(best[size][name], taken)
    gc.unfreeze()
    for store, _ in tables.values():
        store.close()
    return best


@contextmanager
def _connected(store: MemoryStore) -> Iterator[None]:
    """`store` serves the default alias, as connect() would have it: use_store() makes each save look for it first."""
    before = stores.get(DEFAULT)
    stores[DEFAULT] = store
    try:
        yield
    finally:
        del stores[DEFAULT]
        if before is not None:
            stores[DEFAULT] = before


def _table(size: int) -> tuple[MemoryStore, list[Account]]:
    """A store with so many accounts, and some of them."""
    store = MemoryStore()
    with _connected(store):
        for start in range(0, size, BATCH):
            numbers = range(start, min(start + BATCH, size))
            Account.objects.bulk_create([Account(owner=f"owner {number}", balance=number) for number in numbers])
        keys = random.Random(size).sample(range(1, size + 1), SAVED)
        return store, [Account.objects.get(pk=key) for key in keys]


def report(times: dict[int, Times]) -> tuple[str, bool]:
    """The figures as text, and whether they are within their limits."""
    lines = [f"{'rows':>10}{'save':>10}{'block':>10}{'more':>10}{'ten':>10}  us"]
    verdicts = []
    for size, taken in times.items():
        more = taken["block"] - taken["save"]
        figures = (taken["save"], taken["block"], more, taken["ten"])
        lines.append(f"{size:>10,}" + "".join(f"{seconds * 1e6:>10.2f}" for seconds in figures))
        text = f"atomic() around one save of {size:,} rows: {more * 1e6:.2f} us more (<= {MOST_MORE * 1e6:g})"
        verdicts.append((text, more <= MOST_MORE))
    small, large = min(times), max(times)
    growth = times[large]["ten"] / times[small]["ten"]
    text = f"ten saves in a block, {large:,} rows against {small:,}: x{growth:.2f} (<= {MOST_GROWTH:g})"
    verdicts.append((text, growth <= MOST_GROWTH))
    lines += [f"{text}: {'met' if met else 'MISSED'}" for text, met in verdicts]
    return "\n".join(lines), all(met for _, met in verdicts)
