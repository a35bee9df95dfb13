"""What tests of code on modelkit need: `buggify`, which makes commits fail on purpose.

Knows stores. The invariant: with the same seed, the same commits of a single thread fail in the same way.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from modelkit.errors import NotSupportedError, StoreError, TransactionConflict
from modelkit.stores.base import Store
from modelkit.stores.memory.store import MemoryStore
from modelkit.transaction import DEFAULT, store_of

__all__ = ["Buggified", "buggify"]


class Buggified:
    """How often commits were made to fail."""

    def __init__(self, seed: int, conflicts: float, errors: float) -> None:
        self.seed = seed
        self.conflicts = 0
        self.errors = 0
        self._chance = random.Random(seed)
        self._shares = conflicts, errors

    def __repr__(self) -> str:
        return f"<buggify seed {self.seed}: {self.conflicts} conflicts, {self.errors} errors>"

    def strike(self, *, transaction: bool) -> None:
        """Fail the commit that is about to be made, perhaps. Only a transaction can conflict: a statement alone never does."""
        drawn = self._chance.random()
        conflicts, errors = self._shares
        if drawn < errors:
            self.errors += 1
            raise StoreError(f"The commit was not saved: buggify (seed {self.seed}) says so.")
        if transaction and drawn < errors + conflicts:
            self.conflicts += 1
            raise TransactionConflict(
                f"buggify (seed {self.seed}) says that another transaction was first: nothing was saved; run the whole "
                "transaction again (retry() does).",
                kind="write",
            )


@contextmanager
def buggify(
    seed: int, *, conflicts: float = 0.2, errors: float = 0.05, using: str | None = None
) -> Iterator[Buggified]:
    """Let random commits of a memory store fail inside the `with`, to test what an application does about it.

    Args:
        seed: decides which; say it in what a failing test prints.
        conflicts: the share of transactions that raise TransactionConflict when they commit.
        errors: the share of commits that raise StoreError.
        using: the alias of the store.

    Raises:
        ValueError: shares that are no shares.
        NotSupportedError: another kind of store.
    """
    if conflicts < 0 or errors < 0 or conflicts + errors > 1:
        raise ValueError(f"conflicts and errors are shares of all commits, not {conflicts} and {errors}.")
    store: Store | Any = store_of(using or DEFAULT)
    if not isinstance(store, MemoryStore):
        raise NotSupportedError("buggify() makes the commits of a memory store fail.")
    trouble = Buggified(seed, conflicts, errors)
    with store.troubled(trouble.strike):
        yield trouble
