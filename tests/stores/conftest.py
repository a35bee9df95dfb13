"""The stores that the conformance suite runs over, and what holds after each of its tests."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from modelkit.stores.memory.store import MemoryStore
from tests.stores.samples import team_and_user

STORES: dict[str, Callable[[], Any]] = {"memory": MemoryStore}
"""Every store that keeps the contract."""


@pytest.fixture(params=sorted(STORES))
def store(request: pytest.FixtureRequest) -> Iterator[Any]:
    """An empty store. After the test no snapshot is open, the collector runs, and the store is sound."""
    made = STORES[request.param]()
    yield made
    assert gc.isenabled()
    assert made.stats()["open_snapshots"] == 0, "the test left a snapshot open"
    made._check()
    made.close()


@pytest.fixture
def db(store: Any) -> SimpleNamespace:
    """The store with Team and User defined."""
    team, user = team_and_user()
    store.define([team, user])
    return SimpleNamespace(store=store, team=team, user=user)
