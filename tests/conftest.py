"""What holds after every test: no snapshot left open on the default store, the garbage collector running, a store of its own."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from modelkit import MemoryStore
from modelkit.database import use_store
from modelkit.transaction import running


@pytest.fixture(autouse=True)
def store() -> Iterator[MemoryStore]:
    """A fresh memory store under the default alias; nothing of the test may linger in it."""
    fresh = MemoryStore()
    with use_store(fresh):
        yield fresh
        assert running() is None, "the test left a transaction open"
    assert gc.isenabled(), "the test left the garbage collector off"
    if fresh.stats()["open_snapshots"]:
        gc.collect()  # one that nobody refers to is closed by its finalizer
    assert fresh.stats()["open_snapshots"] == 0, "the test left a snapshot open"
