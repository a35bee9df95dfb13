"""What a query hands out: values(), only(), defer(), select_related()."""

from __future__ import annotations

from typing import Any, Literal

from modelkit.resolve.query import Query, Style

__all__ = ["deferred", "only", "related", "values"]


def values(query: Query, names: tuple[Any, ...], *, style: Style, **expressions: Any) -> Query:
    """`query` with rows of values: of `names` (all concrete fields where there are none) and of `expressions`."""
    raise NotImplementedError


def only(query: Query, names: tuple[str, ...]) -> Query:
    """`query` loading these fields (and the key) alone, the others on first access."""
    raise NotImplementedError


def deferred(query: Query, names: tuple[str | None, ...]) -> Query:
    """`query` leaving these fields too for first access; `(None,)` loads all again."""
    raise NotImplementedError


def related(query: Query, names: tuple[str, ...] | Literal[True] | None) -> Query:
    """`query` loading these to-one relations along; True: all that are not nullable; None: no more any."""
    raise NotImplementedError
