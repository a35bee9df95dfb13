"""Expressions outside of any query: what type they have, and whether a condition holds of values that stand for names.

Knows what resolves expressions in queries, and has it resolve them where there is no table. The invariant: what is said of an
expression here holds in every query that it may stand in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from modelkit.errors import FieldError, did_you_mean, spelled
from modelkit.expressions.aggregates import Aggregate
from modelkit.expressions.base import Expression, F, Node, Path, Value
from modelkit.expressions.conditional import OuterRef, When
from modelkit.expressions.conditions import Condition, RelatedAggregate, RelatedCount
from modelkit.expressions.functions import Func
from modelkit.expressions.semantics import semantics
from modelkit.expressions.structure import rebuilt
from modelkit.expressions.windows import Window
from modelkit.fields.base import Field
from modelkit.fields.json import JSONField
from modelkit.fields.numbers import BooleanField, DecimalField, FloatField, IntegerField, PositiveIntegerField
from modelkit.fields.other import BinaryField, UUIDField
from modelkit.fields.temporal import DateField, DateTimeField, DurationField, TimeField
from modelkit.fields.text import CharField
from modelkit.ir.expr import BOOLEAN, INTEGER, Expr
from modelkit.ir.schema import Formula, Table
from modelkit.ir.types import (
    BinaryType,
    BooleanType,
    DateTimeType,
    DateType,
    DecimalType,
    DurationType,
    FloatType,
    IntegerType,
    JsonType,
    ScalarType,
    TextType,
    TimeType,
    UuidType,
)
from modelkit.modelinfo import ModelInfo
from modelkit.resolve.conditions import of_values
from modelkit.resolve.expressions import of_one_row, resolve
from modelkit.resolve.functions import field_of, type_of
from modelkit.resolve.joins import Context, Scope
from modelkit.resolve.paths import Route
from modelkit.resolve.query import Annotation

__all__ = ["condition_on", "output_field"]

_NOWHERE: Final = ModelInfo(object, object, "no model", "", Table("", (), ()), (), {}, {}, {}, (), ())


class _NoTable(Scope):
    """A scope in which the annotations are all that names may mean."""

    __slots__ = ()

    def route(self, names: tuple[str, ...], shown: str) -> Route:
        near = did_you_mean(names[0], tuple(self.annotations))
        raise FieldError(f"'{spelled(names[0])}' has no value outside of a query (in {shown}).{near}")


# -- types

_FIELDS: Final[dict[type[ScalarType], type[Field[Any]]]] = {
    BooleanType: BooleanField,
    IntegerType: IntegerField,
    FloatType: FloatField,
    DecimalType: DecimalField,
    TextType: CharField,
    BinaryType: BinaryField,
    DateType: DateField,
    TimeType: TimeField,
    DateTimeType: DateTimeField,
    DurationType: DurationField,
    UuidType: UUIDField,
    JsonType: JSONField,
}
"""The field for values of which the type alone is known."""


def output_field(node: Node) -> Field[Any]:
    """The field of the values of `node`. Raises FieldError where it has none of its own, or only a query would tell."""
    term = resolve(_NoTable.over(_NOWHERE, "annotate"), _typed_null(node), Context(None))
    type_ = term.expr.type
    if isinstance(term.field, Field):
        return term.field
    if isinstance(type_, IntegerType) and type_.low >= 0:
        return PositiveIntegerField()
    kind = _FIELDS.get(type(type_))
    if kind is None:
        raise FieldError(f"{node!r} has an unknown type: say it with output_field.")
    return kind()


def _typed_null(part: Any) -> Any:
    """`part` with NULLs of their types in place of all that says its type: a type follows from nothing else."""
    match part:
        case F() | Path() | OuterRef() | RelatedAggregate():
            raise FieldError(
                f"{part!r} has a type in a query alone: say it with ExpressionWrapper(..., output_field=...)."
            )
        case Func() | Aggregate() if part.declared is None and isinstance(part.result, ScalarType):
            return Value(None, part.result)
        case Value(given=None):
            return part
        case Expression() if part.declared is not None:
            if type_of(part.declared) is None:
                raise FieldError(f"The output_field of {part!r} is no field: {part.declared!r}.")
            return Value(None, field_of(part.declared) or type_of(part.declared))
        case Func(args=(first, *_)) if part.result == "first" and type(part).function is part.definition is None:
            return _typed_null(first)
        case RelatedCount():
            return Value(None, INTEGER)
        case Condition():
            return Value(None, BOOLEAN)
        case When():
            return When(Value(True), then=_typed_null(part.result))
        case Window(expression=Aggregate() as aggregate):
            return _typed_null(aggregate)
        case Window(expression=function):
            return Window(rebuilt(function, _typed_null))
        case Node():
            return rebuilt(part, _typed_null)
        case tuple():
            return tuple(map(_typed_null, part))
        case _:
            return part


# -- values


def condition_on(values: Mapping[str, Any], condition: Node) -> Formula:
    """`condition` where names stand for `values` (constants, or expressions of such), as a formula over no row.

    Raises FieldError for other names, and for what only a query can compute.
    """

    def make(scope: Scope, context: Context) -> Expr:
        for name, value in values.items():
            scope.annotations[name] = Annotation(resolve(scope, value, context), True, name)
        return of_values(scope, condition, context)

    return Formula(*of_one_row(_NoTable.over(_NOWHERE, "check"), make))


semantics.output_field = output_field
