"""dates() and datetimes(): the different moments of a field, cut to a unit.

It knows queries and functions of values; querysets come by duck type. The invariant: each moment is given once, in order,
and NULL is none.
"""

from __future__ import annotations

import datetime
from typing import Any, Final

from modelkit.expressions.base import F
from modelkit.expressions.functions import Func
from modelkit.functions.temporal import truncation
from modelkit.ir.expr import FunctionDef
from modelkit.ir.types import DateTimeType, DateType, TimeType
from modelkit.modelinfo import ModelInfo
from modelkit.resolve import annotating, filtering, outputs, shapes
from modelkit.resolve.query import Query

__all__ = ["dates", "datetimes"]

DATES: Final = ("year", "month", "week", "day")
TIMES: Final = ("hour", "minute", "second")


def dates(queryset: Any, field_name: str, kind: str, order: str) -> Any:
    """The query of the dates of a field, cut to `kind`. ValueError for a kind, order or field of another sort."""
    _check(kind, DATES, order)
    return _cut(queryset.query, field_name, truncation(kind, None, "date"), DateType(), order, (DateType, DateTimeType))


def datetimes(queryset: Any, field_name: str, kind: str, order: str, tzinfo: datetime.tzinfo | None) -> Any:
    """The query of the datetimes of a field, cut to `kind` on a clock of `tzinfo` (None: the current time zone)."""
    _check(kind, (*DATES, *TIMES), order)
    function = truncation(kind, tzinfo, "datetime")
    return _cut(queryset.query, field_name, function, DateTimeType(), order, (DateTimeType,))


def _check(kind: str, kinds: tuple[str, ...], order: str) -> None:
    if kind not in kinds:
        raise ValueError(f"'kind' must be one of {', '.join(map(repr, kinds))}, not {kind!r}.")
    if order not in {"ASC", "DESC"}:
        raise ValueError(f"'order' must be 'ASC' or 'DESC', not {order!r}.")


def _cut(query: Query, name: str, function: FunctionDef, output: Any, order: str, kinds: tuple[type, ...]) -> Query:
    info = query.info
    cut, whole = _free(info, "cut"), _free(info, "moment")
    named = {cut: Func(F(name), function=function, output_field=output), whole: F(name)}
    made = annotating.annotated(query, (), named, select=True)
    term = made.shape.annotations[whole].term
    if not isinstance(term.expr.type, kinds):
        kind = type(term.field).__name__ if term.field is not None else term.expr.type.name
        if not isinstance(term.expr.type, (DateType, DateTimeType, TimeType)):
            raise TypeError(f"'{name}' isn't a DateField, TimeField, or DateTimeField: it is a {kind}.")
        wanted = "datetimes" if DateType not in kinds else "dates or datetimes"
        raise ValueError(f"'{name}' holds no {wanted}: it is a {kind}.")  # noqa: TRY004 - as Django: the name is at fault
    values = outputs.values(made, (cut,), style="flat")
    found = filtering.filtered(shapes.distinct(values, ()), (), {f"{whole}__isnull": False})
    return shapes.ordered(found, (f"-{cut}" if order == "DESC" else cut,))


def _free(info: ModelInfo, name: str) -> str:
    """`name`, made longer until no field of the model has it."""
    while name in info.named or name in info.relations:
        name += "x"
    return name
