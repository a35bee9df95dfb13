"""Querysets inside other queries, spelled so that checkers follow them: `exists()` and `subquery()`.

Knows querysets and faces. The invariant: neither asks the store anything; the query around does.
"""

from __future__ import annotations

import decimal
from typing import Any, overload

from typing_extensions import TypeVar

from modelkit.errors import shorten
from modelkit.expressions.conditional import Exists, Subquery
from modelkit.expressions.faces import BoolExpr, Cond, Expr, NumExpr, StrExpr
from modelkit.expressions.typed import face_for
from modelkit.queryset.queries import Queries
from modelkit.resolve.skeleton import query_in

__all__ = ["exists", "subquery"]

M = TypeVar("M")
T = TypeVar("T")
N = TypeVar("N", bound=float | decimal.Decimal)


def exists(rows: Queries[Any, Any]) -> Cond[object]:
    """Whether `rows` (a queryset or manager, perhaps with `outer()` in its conditions) has any, for each row of the query around.

    Raises TypeError for what is no queryset.
    """
    if query_in(rows) is None:
        raise TypeError(f"exists() takes a queryset, not {shorten(rows)}.")
    return Cond(Exists(rows))


@overload
def subquery(rows: Queries[M, bool]) -> BoolExpr[Any, bool | None]: ...  # pyright: ignore[reportOverlappingOverload]
@overload
def subquery(rows: Queries[M, bool | None]) -> BoolExpr[Any, bool | None]: ...  # type: ignore[overload-overlap]
@overload
def subquery(rows: Queries[M, str]) -> StrExpr[Any, str | None]: ...
@overload
def subquery(rows: Queries[M, str | None]) -> StrExpr[Any, str | None]: ...  # type: ignore[overload-overlap]
@overload
def subquery(rows: Queries[M, N]) -> NumExpr[Any, N | None]: ...
@overload
def subquery(rows: Queries[M, N | None]) -> NumExpr[Any, N | None]: ...
@overload
def subquery(rows: Queries[M, T]) -> Expr[Any, T | None]: ...
def subquery(rows: Queries[Any, Any]) -> Expr[Any, Any]:
    """The value of the first row of `rows`, for each row of the query around; None where there is none.

    `rows` is a queryset of single values: `.values_list(Book.title, flat=True)`. Raises TypeError for any other.
    """
    query = query_in(rows)
    if query is None or query.shape.values is None or len(query.shape.values) != 1:
        raise TypeError(
            f"subquery() takes a queryset of single values, as values_list(field, flat=True), not {shorten(rows)}."
        )
    return face_for(query.shape.values[0][1].expr.type)(Subquery(rows))
