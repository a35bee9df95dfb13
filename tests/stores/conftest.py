"""The stores that the conformance suite runs over, and what holds after each of its tests."""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from modelkit.stores.memory.commit import CLOSED
from modelkit.stores.memory.store import MemoryStore
from tests.stores.samples import team_and_user

STORES: dict[str, Callable[[Path], Any]] = {
    "memory": lambda _: MemoryStore(),
    "file": lambda directory: MemoryStore(file=directory / "db.json", sync="off"),
}
"""Every store that keeps the contract."""

SHARED = Path("/dev/shm")


def kept(store: MemoryStore) -> dict[str, list[Any]]:
    """All rows of a memory store by table."""
    states = store._catalog.states()
    return {state.name: [row for chunk in state.latest.chunks() for row in chunk if row] for state in states}


@pytest.fixture(params=sorted(STORES))
def store(request: pytest.FixtureRequest) -> Iterator[Any]:
    """An empty store. After the test no snapshot is open, the collector runs, and the store is sound."""
    with tempfile.TemporaryDirectory(dir=SHARED if SHARED.is_dir() else None) as name:
        made = STORES[request.param](Path(name))
        yield made
        assert gc.isenabled()
        if made._committer.publishing is not CLOSED:
            assert made.stats()["open_snapshots"] == 0, "the test left a snapshot open"
            made._check()
            rows = {table: found for table, found in kept(made).items() if found}
            made._committer.journal and made._committer.journal.release()
            if request.param == "file":
                again = STORES["file"](Path(name))
                assert {table: found for table, found in kept(again).items() if found} == rows, "the file differs"
                again._check()
                again.close()
        made._committer.journal = None
        made.close()


@pytest.fixture
def db(store: Any) -> SimpleNamespace:
    """The store with Team and User defined."""
    team, user = team_and_user()
    store.define([team, user])
    return SimpleNamespace(store=store, team=team, user=user)
