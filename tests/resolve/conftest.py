from __future__ import annotations

import pytest

from tests.resolve.models import library


@pytest.fixture
def rows(store: object) -> None:
    """The library's rows, in the test's own store."""
    library()
