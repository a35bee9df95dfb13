"""Querysets that come with their results, as those of prefetched relations do: their query is made when it is asked for.

It knows querysets by their attributes only. The invariant: whoever builds on such a queryset finds it as if it had been
made in full.
"""

from __future__ import annotations

from typing import Any, Protocol

__all__ = ["LateQuery", "with_results"]


class LateQuery:
    """What `query` is on the class: reached where a queryset has none of its own yet, it takes over that of the full one."""

    def __get__(self, queryset: Any, owner: Any = None) -> Any:
        if queryset is None:
            return self
        source = queryset.__dict__.pop("_source", None)
        if source is None:
            raise AttributeError(f"{type(queryset).__name__} has no query yet.")
        full = source.full_queryset()
        queryset._hints = full._hints
        queryset._known_related_objects = full._known_related_objects
        queryset._prefetch_related_lookups = full._prefetch_related_lookups
        queryset.query = full.query
        return full.query


class _Source(Protocol):
    def full_queryset(self) -> Any: ...


def with_results(kind: Any, model: Any, alias: str | None, found: list[Any], source: _Source) -> Any:
    """A queryset of class `kind` with the results `found`; `source` makes the one that would find them."""
    made = object.__new__(kind)
    made.model = model
    made._db = alias
    made._result_cache = found
    made._source = source
    return made
