"""Window expressions: a function over the rows, or the groups, of a query that share a partition.

Knows scopes, expressions, aggregates and orders. The invariant: no window stands inside another, nor inside an aggregate of
its own query.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final, Literal

from modelkit.errors import FieldError, NotSupportedError
from modelkit.expressions.aggregates import Aggregate
from modelkit.expressions.windows import Window, WindowFrame, WindowFrameExclusion, WindowFunction
from modelkit.ir import expr as ir
from modelkit.ir.analysis import replaced
from modelkit.ir.expr import INTEGER, Expr, SortKey
from modelkit.ir.types import DecimalType, FloatType, IntegerType
from modelkit.resolve import aggregation, expressions, ordering
from modelkit.resolve.casts import cast
from modelkit.resolve.expressions import resolve, resolve_whole, resolver, typed
from modelkit.resolve.grouping import has_window
from modelkit.resolve.joins import Context, Scope, side_by_side
from modelkit.resolve.query import Term

__all__ = ["PLACES"]


@resolver(Window)
def _window(scope: Scope, node: Window, context: Context) -> Term:
    if context.within:
        raise FieldError(f"Cannot compute {context.within}({node!r}): windows are computed after aggregates.")
    if not context.joins:
        raise FieldError(f"Windows have no value for one row alone: {scope.verb}() cannot use {node!r}.")
    partition = side_by_side(resolve_whole(scope, item, context).expr for item in node.partition_by)
    order = tuple(key for item in node.order_by for key in ordering.node_keys(scope, item))
    frame = None if node.frame is None else _frame(node.frame, order)
    around = ir.Window(INTEGER, False, "row_number", (), partition, order, frame)
    term = _over(scope, node.expression, around, context)
    return typed(term, node.declared)


@resolver(WindowFunction)
def _alone(scope: Scope, node: WindowFunction, _context: Context) -> Term:
    raise FieldError(f"{scope.verb}() cannot use {node!r} alone: it has a value in Window({node!r}, ...).")


def _over(scope: Scope, node: Aggregate | WindowFunction, around: ir.Window, context: Context) -> Term:
    """The term of `node` over the partition, the order and the frame of `around`."""
    if isinstance(node, Aggregate):
        return _summed(scope, node, around, context)
    terms = [resolve(scope, arg, context) for arg in node.args[:1]]
    terms += [expressions.beside(scope, arg, context, terms[0]) for arg in node.args[1:]]
    _check_flat(node, [*(term.expr for term in terms), *_keys_of(around)])
    result = PLACES.get(node.function)
    if result is not None:
        made = replace(around, type=result, function=node.function, args=tuple(term.expr for term in terms))
        return typed(Term(made), node.declared)
    value, *options = terms
    args = (value.expr, *_options(value.expr, [option.expr for option in options]))
    nullable = value.expr.nullable or args[-1].nullable or len(args) < _WITH_DEFAULT
    made = replace(around, type=value.expr.type, nullable=nullable, function=node.function, args=args)
    return typed(Term(made, value.field, value.key_of), node.declared)


PLACES: Final = {
    "row_number": INTEGER,
    "rank": INTEGER,
    "dense_rank": INTEGER,
    "ntile": INTEGER,
    "percent_rank": FloatType(),
    "cume_dist": FloatType(),
}
"""The types of the functions that give places; the others give values of their first argument."""

_WITH_DEFAULT: Final = 3
"""How many arguments a neighbour has that has a value beyond the edge: the value, how far, and what stands in."""


def _options(value: Expr, options: list[Expr]) -> list[Expr]:
    """How far or which row, a whole number, and what stands in beyond the edge, which is of the value's type."""
    return [*options[:1], *(cast(default, value.type) for default in options[1:])]


def _summed(scope: Scope, node: Aggregate, around: ir.Window, context: Context) -> Term:
    """An aggregate over a frame: what its result is made into (a default, another type) is made of the window's."""
    if node.distinct:
        raise NotSupportedError(f"{node!r}: a window cannot leave out values that repeat; aggregate without distinct.")
    term = aggregation.aggregated(scope, node, context, over_groups=True)

    def windowed(expr: Expr) -> Expr | None:
        if not isinstance(expr, ir.Aggregate):
            return None
        _check_flat(node, [*expr.args, *_keys_of(around), *(() if expr.where is None else (expr.where,))])
        return replace(
            around, type=expr.type, nullable=expr.nullable, function=expr.function, args=expr.args, where=expr.where
        )

    return Term(replaced(term.expr, windowed), term.field)


def _keys_of(around: ir.Window) -> Iterable[Expr]:
    return (*around.partition, *(key.expr for key in around.order))


def _check_flat(node: Aggregate | WindowFunction, exprs: Iterable[Expr]) -> None:
    """FieldError where what a window reads is computed by another."""
    if any(map(has_window, exprs)):
        raise FieldError(
            f"Window({node!r}) reads another window, and all windows of a query are computed at once. "
            "Compute the inner one in a Subquery."
        )


_MEASURED: Final = (IntegerType, FloatType, DecimalType)


def _frame(frame: WindowFrame, order: tuple[SortKey, ...]) -> ir.Frame:
    """The frame; FieldError where it measures the distance of what has none."""
    if frame.unit is None:
        raise FieldError(f"{type(frame).__name__} does not say what its offsets count: use RowRange or ValueRange.")
    if (
        frame.unit == "range"
        and (frame.start or frame.end)
        and not (len(order) == 1 and isinstance(order[0].expr.type, _MEASURED))
    ):
        raise FieldError(f"{frame!r} measures distances: Window(order_by=...) must be one number.")
    return ir.Frame(frame.unit, frame.start, frame.end, _EXCLUSIONS[frame.exclusion or WindowFrameExclusion.NO_OTHERS])


_EXCLUSIONS: Final[dict[WindowFrameExclusion, Literal["no others", "current row", "group", "ties"]]] = {
    WindowFrameExclusion.NO_OTHERS: "no others",
    WindowFrameExclusion.CURRENT_ROW: "current row",
    WindowFrameExclusion.GROUP: "group",
    WindowFrameExclusion.TIES: "ties",
}
