from __future__ import annotations

from collections.abc import Iterator

import pytest
from modelkit.stores.memory.store import MemoryStore

from modelkit.database import use_store


@pytest.fixture(autouse=True)
def store() -> Iterator[MemoryStore]:
    made = MemoryStore()
    with use_store(made):
        yield made
