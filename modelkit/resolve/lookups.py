"""One lookup, from its parts to IR: transforms and JSON keys over a left side, then the lookup itself.

Knows the table of lookups, terms and operands; joins are made before. The invariant: a lookup that the type of its left
side does not have raises FieldError with the nearest that it has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from modelkit.errors import FieldError, did_you_mean, shorten
from modelkit.expressions import builtins
from modelkit.expressions.lookups import (
    JSON_LOOKUPS,
    LOOKUPS,
    LookupDef,
    TransformDef,
    find_lookup,
    find_transform,
    names_for,
)
from modelkit.fields.base import Field
from modelkit.ir.expr import (
    BOOLEAN,
    JSON,
    TEXT,
    And,
    Call,
    Compare,
    Const,
    Expr,
    In,
    IsNull,
    JsonKey,
    Match,
    Not,
    Param,
    Subquery,
)
from modelkit.ir.query import Select
from modelkit.ir.types import (
    AnyType,
    BooleanType,
    DecimalType,
    FloatType,
    IntegerType,
    JsonType,
    ScalarType,
    TextType,
)
from modelkit.resolve import operands
from modelkit.resolve.casts import comparable
from modelkit.resolve.joins import Leaf, Slots, constant
from modelkit.resolve.paths import Route, names_of
from modelkit.resolve.query import Convert, Term, itself

__all__ = [
    "Built",
    "Chain",
    "Operand",
    "build",
    "chain",
    "conjunction",
    "is_null",
    "keyed",
    "related_chain",
    "transformed",
]

_RELATED: Final = frozenset({"exact", "in", "gt", "gte", "lt", "lte", "isnull"})
_SAME: Final = LOOKUPS["exact"]

Operand: TypeAlias = "Leaf | Term | Select | tuple[Leaf | Term, ...]"
"""What stands on the right, resolved: a value, an expression, a query of one column, or several values and expressions."""


@dataclass(frozen=True, slots=True)
class Chain:
    """The names after a field, understood: transforms and JSON keys in their order, then the lookup."""

    links: tuple[TransformDef | str, ...]
    lookup: LookupDef
    type: ScalarType


@dataclass(frozen=True, slots=True)
class Built:
    """A lookup as IR. `null`: it asks whether the left is NULL (True), is not (False), or something else (None)."""

    expr: Expr
    null: bool | None = None


def chain(type_: ScalarType, rest: tuple[str, ...], label: str, context: str, field: Field[Any] | None = None) -> Chain:
    """Understand the names after a left side of `type_`; FieldError names the one that does not fit."""
    links: list[TransformDef | str] = []
    for position, name in enumerate(rest):
        last = position == len(rest) - 1
        if last:
            lookup = find_lookup(name, type_)
            if lookup is not None:
                return Chain(tuple(links), lookup, type_)
        transform = find_transform(name, type_)
        if transform is not None:
            links.append(transform)
            type_ = transform.output
        elif isinstance(type_, JsonType):
            links.append(name)
        else:
            kind = type(field).__name__ if field is not None and not links else type_.name
            raise FieldError(
                f"{label} ({kind}) has no lookup or transform '{name}' (in {context}).{did_you_mean(name, names_for(type_))}"
            )
    return Chain(tuple(links), JSON_LOOKUPS.get("exact", _SAME), type_)


def related_chain(route: Route, type_: ScalarType, context: str) -> Chain:
    """Understand the names after a relation: a few lookups on its key, or an error about the field meant."""
    if not route.rest:
        return Chain((), _SAME, type_)
    name = route.rest[0]
    if len(route.rest) == 1 and name in _RELATED:
        return Chain((), LOOKUPS[name], type_)
    if find_transform(name, type_) is not None:
        return chain(type_, route.rest, f"{route.owner.name}.{route.names[-1]}", context)
    assert route.target is not None
    target = route.target
    if name in LOOKUPS:
        raise FieldError(
            f"{route.owner.name}.{route.names[-1]} is a relation to {target.name}, which has no lookup '{name}' of its own "
            f"(in {context}). Name a field of {target.name}, as in {route.names[-1]}__{target.attributes[-1].name}__{name}."
        )
    raise FieldError(
        f"{target.name} has no field '{name}' (in {context}).{did_you_mean(name, (*names_of(target), *_RELATED))}"
    )


def transformed(slots: Slots, term: Term, links: tuple[TransformDef | str, ...]) -> Term:
    """`term` with transforms and JSON keys applied."""
    expr, field = term.expr, term.field
    for link in links:
        if isinstance(link, str):
            key: str | int = int(link) if link.isascii() and link.removeprefix("-").isdigit() else link
            expr, field = JsonKey(JSON, True, expr, slots.param(AnyType(), constant(key), itself)), None
        else:
            expr, field = Call(link.output, expr.nullable, link.function, (expr,)), None
    return Term(expr, field) if links else term


def keyed(slots: Slots, term: Term, keys: tuple[str | int, ...]) -> Term:
    """What stands in a JSON term under `keys`."""
    expr = term.expr
    for key in keys:
        expr = JsonKey(JSON, True, expr, slots.param(AnyType(), constant(key), itself))
    return Term(expr)


def is_null(expr: Expr, wanted: bool) -> Expr:
    """Whether `expr` is NULL, or is not."""
    test = IsNull(BOOLEAN, False, expr)
    return test if wanted else Not(BOOLEAN, False, test)


def conjunction(items: list[Expr]) -> Expr:
    """All of `items`, at least one."""
    return items[0] if len(items) == 1 else And(BOOLEAN, any(item.nullable for item in items), tuple(items))


def build(slots: Slots, left: Term, found: Chain, operand: Operand, label: str) -> Built:
    """The lookup `found` of `left` (before its transforms) with `operand`."""
    term = transformed(slots, left, found.links)
    lookup = found.lookup
    type_ = term.expr.type
    label = f"{label}__{lookup.name}" if lookup is not _SAME else label
    convert = operands.value_of(type_, term.field)
    if term.key_of is not None:
        convert = operands.related(term.key_of, convert)
    if (
        isinstance(operand, Leaf)
        and operand.value is None
        and not (isinstance(type_, JsonType) and lookup.form == "compare")
    ):
        if lookup.name in {"exact", "iexact"}:
            return Built(is_null(term.expr, True), True)
        raise ValueError(f"{label} takes a value, and None is none. Use isnull to ask for NULL.")
    show = operands.show_of(left.field)
    match lookup.form:
        case "compare":
            return Built(_compare(slots, term.expr, lookup, operand, convert, operands.canonical(type_, term.field)))
        case "match":
            return Built(_match(slots, term.expr, lookup, operand, label, show))
        case "in":
            return Built(_in(slots, term, operand, convert, label))
        case "range":
            return Built(_range(slots, term.expr, operand, convert, label, show))
        case "isnull":
            return _isnull(term.expr, operand, label)
        case "call":
            return Built(_call(slots, term.expr, lookup, operand, label))


_NUMERIC: Final = (IntegerType, FloatType, DecimalType, BooleanType)


def _ordered_together(left: ScalarType, right: ScalarType) -> bool:
    """Whether a value of one type can be greater or less than one of the other."""
    if isinstance(left, (AnyType, JsonType)) or isinstance(right, (AnyType, JsonType)):
        return True
    return type(left) is type(right) or (isinstance(left, _NUMERIC) and isinstance(right, _NUMERIC))


def _compared(op: Any, left: Expr, right: Expr) -> Compare:
    left, right = comparable(left, right)
    if op not in {"eq", "ne"} and not _ordered_together(left.type, right.type):
        raise FieldError(
            f"Values of type {left.type.name} and of type {right.type.name} have no common order: one cannot be greater "
            "or less than the other."
        )
    return Compare(BOOLEAN, left.nullable or right.nullable, op, left, right)


def _compare(
    slots: Slots, left: Expr, lookup: LookupDef, operand: Operand, convert: Convert, canonical: type | None
) -> Expr:
    op = lookup.op
    if isinstance(operand, Leaf):
        if isinstance(left.type, JsonType) and op not in {"eq", "ne"}:
            left, convert = _json_ordered(left, operand.value)
        straight = type(operand.value) is canonical
        right: Expr = slots.param(left.type, operand, itself if straight else operands.bound(left.type, convert, op))
    elif isinstance(operand, Term):
        right = operand.expr
    elif isinstance(operand, Select):
        right = Subquery(left.type, True, operand)
    else:
        raise TypeError(f"{lookup.name} takes one value, not several.")
    return _compared(op, left, right)


def _json_ordered(left: Expr, value: Any) -> tuple[Expr, Convert]:
    """A JSON value as what can be compared with `value` by size: its number, or its text."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return Call(FloatType(), True, builtins.JSON_NUMBER, (left,)), float
    return Call(TEXT, True, builtins.JSON_STRING, (left,)), str


def _text_of(left: Expr) -> Expr:
    if isinstance(left.type, (TextType, AnyType)):
        return left
    if isinstance(left.type, JsonType):
        return Call(TEXT, True, builtins.JSON_TEXT, (left,))
    return Call(TEXT, left.nullable, builtins.TO_TEXT, (left,))


def _match(slots: Slots, left: Expr, lookup: LookupDef, operand: Operand, label: str, show: operands.Show) -> Expr:
    kind: Any = lookup.op
    item = _text_of(left)
    if isinstance(operand, Leaf):
        expression = lookup.operand == "regex"
        convert = operands.regex(label, show, fold=lookup.fold) if expression else operands.pattern(left.type)
        plain = type(operand.value) is str and convert is operands.as_text
        pattern: Expr = slots.param(TEXT, operand, itself if plain else convert)
    elif isinstance(operand, Term):
        pattern = _text_of(operand.expr)
    else:
        raise TypeError(f"{label} takes one text, not several.")
    return Match(BOOLEAN, item.nullable or pattern.nullable, kind, lookup.fold, item, pattern)


def _in(slots: Slots, left: Term, operand: Operand, convert: Convert, label: str) -> Expr:
    choices: Param | tuple[Expr, ...] | Select
    if isinstance(operand, Leaf):
        plain = operands.canonical(left.expr.type, left.field)
        name = label.removesuffix("__in")
        choices = slots.param(
            left.expr.type, operand, operands.members(convert, name, operands.show_of(left.field), plain)
        )
        return In(BOOLEAN, left.expr.nullable, left.expr, choices)
    if isinstance(operand, Select):
        return In(BOOLEAN, True, left.expr, operand)
    if isinstance(operand, Term):
        raise TypeError(f"{label} takes several values or a queryset, not one expression.")
    choices = tuple(_either(slots, left.expr.type, item, convert) for item in operand if _given(item))
    return In(BOOLEAN, True, left.expr, choices)


def _given(item: Leaf | Term) -> bool:
    return not (isinstance(item, Leaf) and item.value is None)


def _either(slots: Slots, type_: ScalarType, item: Leaf | Term, convert: Convert) -> Expr:
    if isinstance(item, Term):
        return item.expr
    return Const(type_, True, None) if item.value is None else slots.param(type_, item, convert)


def _range(slots: Slots, left: Expr, operand: Operand, convert: Convert, label: str, show: operands.Show) -> Expr:
    low: Expr
    high: Expr
    lower, upper = operands.bound(left.type, convert, "ge"), operands.bound(left.type, convert, "le")
    if isinstance(operand, Leaf):
        name = label.removesuffix("__range")
        low = slots.param(left.type, operand, operands.pair(lower, 0, name, show))
        high = slots.param(left.type, operand, operands.pair(upper, 1, name, show))
    elif isinstance(operand, tuple) and len(operand) == 2:
        low, high = _either(slots, left.type, operand[0], lower), _either(slots, left.type, operand[1], upper)
    else:
        raise ValueError(f"{label} takes two values.")
    return conjunction([_compared("ge", left, low), _compared("le", left, high)])


def _isnull(left: Expr, operand: Operand, label: str) -> Built:
    if not isinstance(operand, Leaf) or not isinstance(operand.value, bool):
        shown = shorten(operand.value) if isinstance(operand, Leaf) else "an expression"
        raise ValueError(  # noqa: TRY004 - Django's exception
            f"{label} takes True or False, not {shown}."
        )
    return Built(is_null(left, operand.value), operand.value)


def _call(slots: Slots, left: Expr, lookup: LookupDef, operand: Operand, label: str) -> Expr:
    assert lookup.function is not None
    if isinstance(operand, Term):
        right = operand.expr
    elif isinstance(operand, Leaf):
        convert: Convert = operands.value_of(JSON, None)
        if lookup.operand == "key":
            convert = str
        elif lookup.operand == "keys":
            convert = operands.json_keys(label)
        right = slots.param(JSON, operand, convert)
    else:
        raise TypeError(f"{label} takes one value, not several.")
    return Call(BOOLEAN, left.nullable or right.nullable, lookup.function, (left, right))
