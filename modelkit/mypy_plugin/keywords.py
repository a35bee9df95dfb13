"""Lookups by keyword: what `age__gte` of a query takes, and what is wrong with `agee__gte` or `age__gtee`.

Knows one query. The invariant: one error for a keyword, at the keyword.
"""

from __future__ import annotations

from mypy.nodes import (
    ARG_POS,
    ARG_STAR2,
    BytesExpr,
    CallExpr,
    ComplexExpr,
    DictExpr,
    Expression,
    FloatExpr,
    IntExpr,
    ListExpr,
    NameExpr,
    SetExpr,
    StrExpr,
    TupleExpr,
    UnaryExpr,
)
from mypy.types import Type

from modelkit.ir.types import ScalarType
from modelkit.mypy_plugin.call import Place
from modelkit.mypy_plugin.lookups import Unfit, Use, reads, taken, understood
from modelkit.mypy_plugin.paths import Missing
from modelkit.mypy_plugin.query import Query

__all__ = ["expected", "is_text", "is_written_out", "keywords", "positional", "spread"]


def expected(query: Query, name: str, value: Expression, place: Place) -> Type | None:
    """What the keyword `name` takes; None where that is not known, or was reported at `place`."""
    way = query.walk(name)
    if isinstance(way, Missing):
        query.fail(way, place)
        return None
    use = understood(way, query.call) if way is not None else None
    match use:
        case Unfit():
            query.fail(use, place)
            return None
        case Use():
            if use.lookup.operand == "pair" and not _may_be_pair(value):
                query.fail(f'"{name}" takes two values.', value)
                return None
            if use.lookup.operand in {"same", "iterable"} and is_text(use.scalar, value, query):
                return None
            return taken(use, query.call, computed=not is_written_out(value))
        case _:
            return None


def is_text(scalar: ScalarType | None, value: Expression, query: Query) -> bool:
    """Whether a value of a type that is written as text is written so; an error where the text reads as none."""
    if isinstance(value, (ListExpr, TupleExpr, SetExpr)):
        found = [is_text(scalar, item, query) for item in value.items]
        return bool(found) and all(found)
    read = reads(scalar, value.value) if isinstance(value, StrExpr) else None
    if read is False and scalar is not None and isinstance(value, StrExpr):
        query.fail(f'"{value.value}" does not read as a {scalar.name}', value)
    return read is not None


def _may_be_pair(value: Expression) -> bool:
    if isinstance(value, (StrExpr, BytesExpr)):
        return False
    return not isinstance(value, (ListExpr, TupleExpr)) or len(value.items) == 2


def is_written_out(value: Expression) -> bool:
    """Whether an argument is a constant or a display of constants, which stands for nothing but itself."""
    match value:
        case IntExpr() | StrExpr() | FloatExpr() | BytesExpr() | ComplexExpr():
            return True
        case UnaryExpr():
            return is_written_out(value.expr)
        case NameExpr():
            return value.fullname in {"builtins.None", "builtins.True", "builtins.False"}
        case ListExpr() | TupleExpr() | SetExpr():
            return all(map(is_written_out, value.items))
        case DictExpr():
            return True
        case _:
            return False


def keywords(call: CallExpr) -> list[tuple[str, Expression]]:
    """The arguments of a call that are passed by name."""
    return [(name, value) for name, value in zip(call.arg_names, call.args, strict=True) if name is not None]


def positional(call: CallExpr) -> list[Expression]:
    """The arguments of a call that are passed by position, without those that are spread."""
    return [value for kind, value in zip(call.arg_kinds, call.args, strict=True) if kind is ARG_POS]


def spread(call: CallExpr) -> list[Expression]:
    """The arguments of a call that are dicts of keywords: `**lookups`."""
    return [value for kind, value in zip(call.arg_kinds, call.args, strict=True) if kind is ARG_STAR2]
