"""Expressions that choose or that reach the query around, spelled so that checkers follow them: `case()` and `outer()`.

Knows faces and nodes. The invariant: what comes back has the methods of what goes in: a case of texts is a text.
"""

from __future__ import annotations

import datetime
import decimal
from typing import Any, Final, overload

from typing_extensions import TypeVar

from modelkit.errors import shorten
from modelkit.expressions.base import Node, Path, Value
from modelkit.expressions.conditional import Case, OuterRef, When
from modelkit.expressions.faces import (
    BoolExpr,
    Cond,
    Expr,
    NumExpr,
    StrExpr,
)
from modelkit.expressions.temporal import DateExpr, DateTimeExpr, DurationExpr, TimeExpr
from modelkit.ir.types import (
    BooleanType,
    DateTimeType,
    DateType,
    DecimalType,
    DurationType,
    FloatType,
    IntegerType,
    ScalarType,
    TextType,
    TimeType,
)

__all__ = ["case", "face_for", "outer"]

M = TypeVar("M")
T = TypeVar("T")
N = TypeVar("N", bound=float | decimal.Decimal)

_BY_VALUE: Final[tuple[tuple[type | tuple[type, ...], type[Expr[Any, Any]]], ...]] = (
    (bool, BoolExpr),
    (str, StrExpr),
    ((int, float, decimal.Decimal), NumExpr),
    (datetime.datetime, DateTimeExpr),
    (datetime.date, DateExpr),
    (datetime.time, TimeExpr),
    (datetime.timedelta, DurationExpr),
)

_BY_TYPE: Final[dict[type[ScalarType], type[Expr[Any, Any]]]] = {
    BooleanType: BoolExpr,
    TextType: StrExpr,
    IntegerType: NumExpr,
    FloatType: NumExpr,
    DecimalType: NumExpr,
    DateTimeType: DateTimeExpr,
    DateType: DateExpr,
    TimeType: TimeExpr,
    DurationType: DurationExpr,
}


def face_for(type_: ScalarType) -> type[Expr[Any, Any]]:
    """The face of expressions of a scalar type."""
    return _BY_TYPE.get(type(type_), Expr)


def _face_of(results: list[Any]) -> type[Expr[Any, Any]]:
    """The face that suits all of `results`, faces and constants; Expr where none does."""
    found = set()
    for result in results:
        if isinstance(result, Expr):
            found.add(type(result))
        elif result is not None:
            found.add(next((face for kind, face in _BY_VALUE if isinstance(result, kind)), Expr))
    return found.pop() if len(found) == 1 else Expr


@overload
def case(  # pyright: ignore[reportOverlappingOverload]
    *branches: tuple[Cond[M], bool | Expr[M, bool]], default: bool | Expr[M, bool]
) -> BoolExpr[M, bool]: ...
@overload
def case(  # pyright: ignore[reportOverlappingOverload]
    *branches: tuple[Cond[M], str | Expr[M, str]], default: str | Expr[M, str]
) -> StrExpr[M, str]: ...
@overload
def case(*branches: tuple[Cond[M], N | Expr[M, N]], default: N | Expr[M, N]) -> NumExpr[M, N]: ...
@overload
def case(  # type: ignore[overload-overlap]
    *branches: tuple[Cond[M], bool | Expr[M, bool] | Expr[M, bool | None] | None],
    default: bool | Expr[M, bool] | Expr[M, bool | None] | None = None,
) -> BoolExpr[M, bool | None]: ...
@overload
def case(  # type: ignore[overload-overlap]
    *branches: tuple[Cond[M], str | Expr[M, str] | Expr[M, str | None] | None],
    default: str | Expr[M, str] | Expr[M, str | None] | None = None,
) -> StrExpr[M, str | None]: ...
@overload
def case(
    *branches: tuple[Cond[M], N | Expr[M, N] | Expr[M, N | None] | None],
    default: N | Expr[M, N] | Expr[M, N | None] | None = None,
) -> NumExpr[M, N | None]: ...
@overload
def case(*branches: tuple[Cond[M], T | Expr[M, T]], default: T | Expr[M, T]) -> Expr[M, T]: ...
@overload
def case(*branches: tuple[Cond[M], T | Expr[M, T]]) -> Expr[M, T | None]: ...
def case(*branches: tuple[Cond[Any], Any], default: Any = None) -> Any:
    """The value beside the first condition that a row meets, else `default`; a text is a text here, not a field's name.

    Raises TypeError where a branch is no pair of a condition and a value.

    >>> case((User.age >= 18, "adult"), (User.age >= 13, "teen"), default="child")  # doctest: +SKIP
    """
    if not branches:
        raise TypeError(
            "case() takes pairs of a condition and a value: case((User.age >= 18, 'adult'), default='child')."
        )
    cases = [When(condition, then=_result(result)) for condition, result in map(_checked, branches)]
    made = Case(*cases, default=_result(default))
    return _face_of([result for _, result in branches] + [default])(made)


def _checked(branch: object) -> tuple[Cond[Any], Any]:
    match branch:
        case (Cond() as condition, result):
            return condition, result
    raise TypeError(f"case() takes pairs of a condition and a value, not {shorten(branch)}.")


def _result(value: Any) -> Node:
    return value.node if isinstance(value, Expr) else Value(value)


@overload
def outer(face: StrExpr[Any, T]) -> StrExpr[Any, T]: ...
@overload
def outer(face: NumExpr[Any, T]) -> NumExpr[Any, T]: ...
@overload
def outer(face: BoolExpr[Any, T]) -> BoolExpr[Any, T]: ...
@overload
def outer(face: DateExpr[Any, T]) -> DateExpr[Any, T]: ...
@overload
def outer(face: DateTimeExpr[Any, T]) -> DateTimeExpr[Any, T]: ...
@overload
def outer(face: Expr[Any, T]) -> Expr[Any, T]: ...
def outer(face: Expr[Any, Any]) -> Expr[Any, Any]:
    """A field of the query around the one it stands in, for the querysets in exists() and subquery().

    Raises TypeError for anything but a field; call its functions on the result: `outer(User.name).lower()`.

    >>> exists(Book.objects.filter(Book.title == outer(Author.name)))  # doctest: +SKIP
    """
    match face:
        case Expr(node=Path(names=names)):
            return type(face)(OuterRef("__".join(names)))
    raise TypeError(f"outer() takes a field, such as outer(User.name), not {shorten(face)}.")
