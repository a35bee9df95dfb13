"""Loads related instances for many instances at once: one statement for each level of each lookup.

It knows ModelInfo, queries and sessions, and gets querysets only as objects handed in or by a model's manager.
The invariant: what it caches on an instance is what the instance's own accessor would have fetched in the same snapshot.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["Prefetch", "prefetch_related_objects", "run"]


class Prefetch:
    """One lookup of `prefetch_related`, with a queryset of its own and perhaps an attribute to put the list in."""

    def __init__(self, lookup: str, queryset: Any = None, to_attr: str | None = None) -> None:
        raise NotImplementedError


def prefetch_related_objects(model_instances: Sequence[Any], *related_lookups: str | Prefetch) -> None:
    """Load what `related_lookups` name for all of `model_instances` (of one model) at once."""
    raise NotImplementedError


def run(instances: Sequence[Any], lookups: Sequence[str | Prefetch], alias: str | None = None) -> None:
    """The same for a queryset's result, in the caller's statement: reads go to the session of `alias`."""
    raise NotImplementedError
