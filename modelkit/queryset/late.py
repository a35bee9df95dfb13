"""Querysets that come with their results, as those of prefetched relations do: the rest of one is found when it is asked for.

It knows querysets and managers by their attributes only. The invariant: whoever builds on such a queryset finds it as if it had been
made in full.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from modelkit.owners import LISTS

__all__ = ["Late", "late_alias", "late_model", "late_query", "with_results"]


class Source(Protocol):
    """What makes a queryset that came with its results in full, from the instance whose results they are.

    It is a class, and none of its instances: that would be kept as long as the queryset.
    """

    model: Any

    @classmethod
    def reads_from(cls, instance: Any) -> str | None:
        """The alias of the store that the queryset reads from; None: the default."""
        ...

    @classmethod
    def full_queryset(cls, instance: Any) -> Any:
        """The queryset that would find the same results."""
        ...


class Late:
    """What an attribute of querysets is on their class: reached where a queryset has none of its own yet, it is found by `find`."""

    def __init__(self, find: Callable[[Any, type[Source]], Any]) -> None:
        self._find = find

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, queryset: Any, owner: Any = None) -> Any:
        if queryset is None:
            return self
        source = queryset.__dict__.get("_made_by")
        if source is None:
            raise AttributeError(f"{type(queryset).__name__} has no {self._name} yet.")
        return self._find(queryset, source)


def late_query(queryset: Any, source: type[Source]) -> Any:
    """The query, and with it all that the full queryset has: from now on `queryset` is one."""
    full = source.full_queryset(queryset._made_for)
    queryset.model = full.model
    queryset._db = full._db
    queryset._hints = full._hints
    queryset._known_related_objects = full._known_related_objects
    queryset._prefetch_related_lookups = full._prefetch_related_lookups
    queryset.query = full.query
    del queryset._made_by, queryset._made_for
    return full.query


def late_model(_: Any, source: type[Source]) -> Any:
    """The model."""
    return source.model


def late_alias(queryset: Any, source: type[Source]) -> str | None:
    """The alias."""
    return source.reads_from(queryset._made_for)


def with_results(kind: type[Any], cache: str, otherwise: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The `get_queryset` of related managers whose querysets, of class `kind`, come with what was prefetched as `cache`.

    `otherwise` makes the queryset of a manager whose instance keeps no such list. All that does not change from one instance
    to the next is found here, once: the function is called for each instance of a prefetched result.
    """
    new = object.__new__

    def get_queryset(manager: Any) -> Any:
        instance = manager.instance
        lists = getattr(instance, LISTS, None)
        if lists is not None:
            found = lists.get(cache)
            if found.__class__ is list and manager._db is None:
                made: Any = new(kind)
                made._result_cache = found
                made._made_by = manager.__class__
                made._made_for = instance
                return made
        return otherwise(manager)

    return get_queryset
