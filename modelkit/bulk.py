"""Writes many instances of one model in one statement.

It knows ModelInfo and sessions. The invariant: all rows of one call are written, or none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

__all__ = ["bulk_create"]


def bulk_create(
    model: Any,
    instances: Iterable[Any],
    *,
    batch_size: int | None = None,
    ignore_conflicts: bool = False,
    update_conflicts: bool = False,
    update_fields: Sequence[str] | None = None,
    unique_fields: Sequence[str] | None = None,
    using: str | None = None,
) -> list[Any]:
    """Insert `instances` and give them as a list, keys set. No signals, no save()."""
    raise NotImplementedError
