"""Where these tests keep their files: in memory where the machine has such a place, since they wait for the disk very often."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

SHARED = Path("/dev/shm")


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """A directory of the test's own."""
    if not SHARED.is_dir():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=SHARED) as name:
        yield Path(name)
