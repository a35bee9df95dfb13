"""Deletes instances and querysets with all that hangs on them: an iterative collector, no recursion.

It knows ModelInfo, queries, sessions and signals. The invariant: everything that one call deletes or nulls is collected
before the first row is written, and written in one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["delete_instances", "delete_queryset"]


def delete_instances(
    instances: Sequence[Any], using: str | None = None, *, keep_parents: bool = False, origin: Any = None
) -> tuple[int, dict[str, int]]:
    """Delete `instances` (of one model) and what cascades from them: how many rows in all, and by model label.

    Afterwards their primary key is None. Raises ProtectedError, RestrictedError.
    """
    raise NotImplementedError


def delete_queryset(queryset: Any) -> tuple[int, dict[str, int]]:
    """Delete what `queryset` finds, and what cascades from it: how many rows in all, and by model label."""
    raise NotImplementedError
