"""Functions applied: from a function and the terms of its arguments to a Call of the right type.

Knows functions, scalar types and terms; reads no names. The invariant: what a FunctionDef is called with is of the types that the
function says it takes, and the Call's type is that of the values it gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from typing import Any, Final

from modelkit.errors import FieldError
from modelkit.expressions.functions import Func
from modelkit.fields.base import Field
from modelkit.functions.comparison import Cast, Coalesce, NullIf
from modelkit.functions.temporal import (
    DATE_KINDS,
    DURATION_PARTS,
    TIME_KINDS,
    Extract,
    Form,
    TruncBase,
    extraction,
    truncation,
)
from modelkit.ir import expr as ir
from modelkit.ir.expr import INTEGER, Call, Expr
from modelkit.ir.types import (
    AnyType,
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
from modelkit.resolve.casts import as_text, cast, converted
from modelkit.resolve.query import Term

__all__ = ["applied", "common_type", "field_of", "result_of", "type_of"]


def field_of(output: Any) -> Field[Any] | None:
    """The field that an output_field is."""
    return output if isinstance(output, Field) else None


def type_of(output: Any) -> ScalarType | None:
    """The scalar type that an output_field names."""
    if isinstance(output, Field):
        return output.scalar_type
    return output if isinstance(output, ScalarType) else None


@singledispatch
def applied(node: Any, terms: Sequence[Term]) -> Term:  # noqa: ARG001 - each kind of function takes them
    """The function that `node` is, applied to `terms` in place of its arguments; FieldError where it is none."""
    raise FieldError(f"{node!r} is no function.")


@applied.register(Func)
def _call(node: Func, terms: Sequence[Term]) -> Term:
    """A Call of the function, its arguments converted to what it takes."""
    function = node.called
    type_ = result_of(node, [term.expr.type for term in terms])
    args = tuple(
        _taken(term.expr, wanted) for term, wanted in zip(terms, _wanted(node, len(terms), type_), strict=True)
    )
    nullable = not function.strict or any(arg.nullable for arg in args)
    given = FloatType() if node.result == "real" else type_
    return _known(node, terms, cast(Call(given, nullable, function, args), type_))


def _taken(expr: Expr, wanted: ScalarType | None) -> Expr:
    """An argument as a function takes it: text of anything, numbers of numbers, all else as it is."""
    match wanted:
        case None:
            return expr
        case TextType():
            return as_text(expr)
        case _:
            return cast(expr, wanted)


def _wanted(node: Func, number: int, type_: ScalarType) -> list[ScalarType | None]:
    """The types that the arguments are converted to."""
    if node.result == "common":
        return [type_] * number
    if node.result == "real":
        return [FloatType()] * number
    takes = node.takes or (None,)
    return [takes[min(place, len(takes) - 1)] for place in range(number)]


def _known(node: Func, terms: Sequence[Term], expr: Expr) -> Term:
    """The term of a function, with the field that knows its values: the one declared, or the first argument's where it keeps its type."""
    declared = field_of(node.declared)
    if declared is not None or not terms:
        return Term(expr, declared)
    first = terms[0]
    return Term(expr, first.field if type(first.expr.type) is type(expr.type) else None)


def result_of(node: Func, types: Sequence[ScalarType]) -> ScalarType:
    """The type of what `node` gives for arguments of these types."""
    declared = type_of(node.declared)
    if declared is not None:
        return declared
    match node.result:
        case ScalarType() as fixed:
            return fixed
        case "common":
            return common_type(types, repr(node))
        case "real":
            return DecimalType() if any(isinstance(type_, DecimalType) for type_ in types) else FloatType()
        case "first":
            return types[0] if types else AnyType()


_NUMBERS: Final = (IntegerType, DecimalType, FloatType)
"""Numbers, each of which can be made of those before it."""


def common_type(types: Sequence[ScalarType], shown: str) -> ScalarType:
    """The type that values of all of `types` can be made; FieldError where there is none."""
    known = [type_ for type_ in types if not isinstance(type_, AnyType)]
    if not known:
        return AnyType()
    first = known[0]
    if all(type(type_) is type(first) for type_ in known):
        return first
    if all(isinstance(type_, _NUMBERS) for type_ in known):
        return max(known, key=lambda type_: _NUMBERS.index(type(type_)))
    names = ", ".join(dict.fromkeys(type_.name for type_ in known))
    raise FieldError(f"{shown} contains mixed types: {names}. You must set output_field, or Cast() some of them.")


# -- functions with a way of their own


@applied.register(Coalesce)
def _coalesce(node: Coalesce, terms: Sequence[Term]) -> Term:
    type_ = result_of(node, [term.expr.type for term in terms])
    items = tuple(_taken(term.expr, type_) for term in terms)
    return _known(node, terms, ir.Coalesce(type_, all(item.nullable for item in items), items))


@applied.register(NullIf)
def _null_if(node: NullIf, terms: Sequence[Term]) -> Term:
    first, second = (term.expr for term in terms)
    common = common_type([first.type, second.type], repr(node))
    args = (cast(first, common), cast(second, common))
    return _known(node, terms, Call(common, True, node.called, args))


@applied.register(Cast)
def _cast(node: Cast, terms: Sequence[Term]) -> Term:
    wanted = type_of(node.declared)
    if wanted is None:
        raise FieldError(f"{node!r} needs an output_field that is a field, not {node.declared!r}.")
    return Term(converted(terms[0].expr, wanted), field_of(node.declared))


_OUTPUT_FORMS: Final[dict[type[ScalarType], Form]] = {DateType: "date", TimeType: "time", DateTimeType: "datetime"}


def _name_of(term: Term) -> str:
    """How a message names what a function of dates is applied to."""
    field = term.field
    return f"{type(field).__name__} '{field.name}'" if field is not None else f"a {term.expr.type.name}"


@applied.register(Extract)
def _extract(node: Extract, terms: Sequence[Term]) -> Term:
    (term,) = terms
    expr = term.expr
    if not isinstance(expr.type, (DateType, TimeType, DateTimeType, DurationType, AnyType)):
        raise ValueError(  # noqa: TRY004 - Django's exception
            f"Extract input expression must be DateField, DateTimeField, TimeField, or DurationField, not {_name_of(term)}."
        )
    if node.tzinfo is not None and not isinstance(expr.type, (DateTimeType, AnyType)):
        raise ValueError(f"tzinfo can only be used with DateTimeField, not with {_name_of(term)}.")
    if isinstance(expr.type, DateType) and node.part in TIME_KINDS:
        raise ValueError(f"Cannot extract time component '{node.part}' from {_name_of(term)}.")
    if isinstance(expr.type, TimeType) and node.part not in TIME_KINDS:
        raise ValueError(f"Cannot extract date component '{node.part}' from {_name_of(term)}.")
    of_duration = isinstance(expr.type, DurationType)
    if of_duration and node.part not in DURATION_PARTS:
        raise ValueError(f"Cannot extract component '{node.part}' from {_name_of(term)}.")
    function = extraction(node.part, node.tzinfo, of_duration=of_duration)
    return Term(Call(type_of(node.declared) or INTEGER, expr.nullable, function, (expr,)), field_of(node.declared))


@applied.register(TruncBase)
def _trunc(node: TruncBase, terms: Sequence[Term]) -> Term:
    (term,) = terms
    expr, kind = term.expr, node.unit
    if not isinstance(expr.type, (DateType, TimeType, DateTimeType)):
        raise TypeError(f"{_name_of(term)} isn't a DateField, TimeField, or DateTimeField.")
    wanted = result_of(node, [expr.type])
    form = _OUTPUT_FORMS.get(type(wanted))
    if form is None:
        raise ValueError("output_field must be either DateField, TimeField, or DateTimeField")
    if node.tzinfo is not None and not isinstance(expr.type, DateTimeType):
        raise ValueError(f"tzinfo can only be used with DateTimeField, not with {_name_of(term)}.")
    lacking = {DateType: (*TIME_KINDS, "time"), TimeType: (*DATE_KINDS, "date")}.get(type(expr.type), ())
    if kind in lacking or (type(wanted) is not type(expr.type) and not isinstance(expr.type, DateTimeType)):
        declared = field_of(node.declared)
        target = type(declared).__name__ if declared is not None else "DateTimeField"
        raise ValueError(f"Cannot truncate {_name_of(term)} to {target}.")
    return _known(node, terms, Call(wanted, expr.nullable, truncation(kind, node.tzinfo, form), (expr,)))
