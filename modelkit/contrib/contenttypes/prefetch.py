"""GenericPrefetch: a Prefetch through a generic foreign key, with a queryset for each model it may lead to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from modelkit.prefetch import Prefetch

__all__ = ["GenericPrefetch"]


class GenericPrefetch(Prefetch):
    """One lookup that leads to instances of several models, each read through its queryset of `querysets`.

    Raises ValueError for a queryset that gives no instances.
    """

    def __init__(self, lookup: str, querysets: Iterable[Any], to_attr: str | None = None) -> None:
        self.querysets = list(querysets)
        for queryset in self.querysets:
            Prefetch(lookup, queryset)
        super().__init__(lookup, to_attr=to_attr)

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        state["querysets"] = []
        for queryset in self.querysets:
            unread = queryset._chain()
            unread._result_cache = []
            state["querysets"].append(unread)
        return state
