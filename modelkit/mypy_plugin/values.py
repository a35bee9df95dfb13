"""What expressions by name give: `F("age") + 1` an int, `Max("born")` a date or None, `Case(...)` what its cases give.

Reads syntax as `expressions` does, and the types that `resolve` itself gives arithmetic, functions and windows. The invariant: a type
is what every row has there, or Any.
"""

from __future__ import annotations

import dataclasses
import sys
from typing import Any, Final

from mypy.maptype import map_instance_to_supertype
from mypy.nodes import ARG_POS, ARG_STAR, CallExpr, Expression, NameExpr, OpExpr, StrExpr, TypeInfo, Var
from mypy.types import Instance, TupleType, Type, TypedDictType, UnionType, get_proper_type, remove_dups

from modelkit.expressions.aggregates import Aggregate
from modelkit.expressions.functions import Coalesce, Func
from modelkit.expressions.windows import WindowFunction
from modelkit.functions.comparison import Cast
from modelkit.ir.types import DecimalType, FloatType, ScalarType
from modelkit.mypy_plugin import names
from modelkit.mypy_plugin.facts import class_called
from modelkit.mypy_plugin.keywords import keywords, positional
from modelkit.mypy_plugin.lookups import Unfit, python_type, scalar_of, scalar_of_values, understood
from modelkit.mypy_plugin.members import Relation, allows_none, keys_of, optional, rows_behind, unknown, without_none
from modelkit.mypy_plugin.paths import End
from modelkit.mypy_plugin.query import Query
from modelkit.mypy_plugin.reverse import concrete
from modelkit.mypy_plugin.variables import items_of, values_of
from modelkit.resolve.expressions import arithmetic_type
from modelkit.resolve.windows import PLACES

__all__ = ["are_told", "arguments", "arithmetic", "built_in_of", "held", "is_computed", "value_of", "variable_of"]


def variable_of(expression: NameExpr) -> Var:
    """The variable that a name stands for, which it does for sure."""
    if not isinstance(expression.node, Var):
        raise TypeError(expression.name)
    return expression.node


def held(query: Query, expression: NameExpr) -> list[Expression]:
    """What a variable of an expression or a queryset holds, where that can be told."""
    variable = expression.node
    if not isinstance(variable, Var) or variable in query.through:
        return []
    kind = get_proper_type(variable.type) if variable.type is not None else None
    if not isinstance(kind, Instance) or not (kind.type.has_base(names.NODE) or kind.type.has_base(names.QUERIES)):
        return []
    return values_of(expression, query.call)


def built_in_of(kind: TypeInfo) -> Any:
    """The class itself, of this package's own expressions; None for any other."""
    module = sys.modules.get(kind.module_name) if kind.module_name.startswith("modelkit.") else None
    return getattr(module, kind.name, None)


def arguments(query: Query, call: CallExpr) -> list[Expression]:
    """The arguments of a call that are passed by position, with those that are spread from what is written out."""
    found: list[Expression] = []
    for name, kind, value in zip(call.arg_names, call.arg_kinds, call.args, strict=True):
        if kind is ARG_STAR:
            found.extend(items_of(value, query.call) or [])
        elif name is None and kind is ARG_POS:
            found.append(value)
    return found


def are_told(query: Query, call: CallExpr) -> bool:
    """Whether all arguments of a call are known: nothing is spread but what is written out."""
    spread = [(kind, value) for kind, value in zip(call.arg_kinds, call.args, strict=True) if kind.is_star()]
    return all(kind is ARG_STAR and items_of(value, query.call) is not None for kind, value in spread)


def is_computed(query: Query, value: Expression) -> bool:
    """Whether a value is an expression by name, which mypy knows nothing of."""
    match value:
        case CallExpr():
            kind = class_called(value.callee)
            return kind is not None and kind.has_base(names.NODE)
        case OpExpr():
            return is_computed(query, value.left) or is_computed(query, value.right)
        case NameExpr():
            kept = held(query, value)
            return len(kept) == 1 and is_computed(query.inside(variable_of(value)), kept[0])
        case _:
            return False


def value_of(query: Query, expression: Expression) -> Type:
    """The type of the values that an expression gives; Any where it is not known."""
    match expression:
        case OpExpr():
            return _combined(query, expression)
        case StrExpr():
            return _value_at(query, expression.value)
        case NameExpr() if len(kept := held(query, expression)) == 1:
            return value_of(query.inside(variable_of(expression)), kept[0])
        case CallExpr():
            kind = class_called(expression.callee)
            if kind is not None and kind.has_base(names.NODE):
                return _given(query, kind, expression)
    proper = get_proper_type(query.call.type_of(expression))
    if isinstance(proper, Instance) and proper.type.has_base(names.FACE):
        face = query.call.info(names.FACE)
        return map_instance_to_supertype(proper, face).args[1] if face is not None else unknown()
    if isinstance(proper, Instance) and scalar_of_values(proper) is not None:
        return proper.copy_modified(last_known_value=None)
    return unknown()


def _value_at(query: Query, name: str) -> Type:
    way = query.walk(name)
    use = understood(way, query.call) if isinstance(way, End) else None
    if use is None or isinstance(use, Unfit):
        return unknown()
    return use.value if use.lookup.name == "exact" else query.call.instance("builtins.bool")


def _held_at(query: Query, name: str) -> Type:
    """What F gives: of a relation the keys, which a query then knows as such."""
    way = query.walk(name)
    value = _value_at(query, name)
    relation = way.member if isinstance(way, End) and not way.rest else None
    if isinstance(relation, Relation) and relation.target is not None:
        return keys_of(concrete(relation.target), value)
    return value


def _given(query: Query, kind: TypeInfo, call: CallExpr) -> Type:
    """What an expression's class gives for these arguments."""
    first = next(iter(positional(call)), None)
    if kind.fullname == names.NAMED_FIELD and isinstance(first, StrExpr):
        return _held_at(query, first.value)
    value = _made(query, kind, call, first)
    return value if rows_behind(value) is None else keys_of(None, value)


def _made(query: Query, kind: TypeInfo, call: CallExpr, first: Expression | None) -> Type:
    """What an expression gives that computes its value."""
    if kind.fullname in {names.CONDITIONS, names.EXISTS}:
        return query.call.instance("builtins.bool")
    if kind.fullname == names.SUBQUERY and len(call.args) == 1:
        return _selected(query, call.args[0])
    if kind.fullname == names.CONSTANT and first is not None:
        return _constant(query, first)
    if kind.fullname == names.CASE:
        return _chosen(query, call)
    if kind.fullname == names.WINDOW:
        function = first if first is not None else dict(keywords(call)).get("expression")
        return value_of(query, function) if function is not None else unknown()
    built_in = built_in_of(kind)
    if built_in is None or any(name == "output_field" for name, _ in keywords(call)):
        return unknown()
    if issubclass(built_in, Aggregate):
        return _aggregated(query, built_in, call, first)
    if issubclass(built_in, Cast):
        return _cast(query, positional(call))
    if issubclass(built_in, WindowFunction):
        return _in_window(query, built_in, first)
    if issubclass(built_in, Func) and built_in.__dict__.get("output_field") is None:
        return _computed(query, built_in, positional(call))
    return unknown()


def _chosen(query: Query, call: CallExpr) -> Type:
    """What Case gives: the one type of all that it may choose, or None where nothing is said for the other rows."""
    options = dict(keywords(call))
    if "output_field" in options:
        return unknown()
    chosen = [_then(case) for case in positional(call)]
    default = options.get("default")
    if isinstance(default, NameExpr) and default.fullname == "builtins.None":
        default = None
    values = [value_of(query, each) if each is not None else unknown() for each in (*chosen, *filter(None, [default]))]
    kinds = remove_dups([without_none(value) for value in values])
    if len(kinds) != 1 or scalar_of_values(kinds[0]) is None:
        return unknown()
    null = default is None or any(map(allows_none, values))
    return optional(kinds[0]) if null else kinds[0]


def _then(case: Expression) -> Expression | None:
    """What stands for the rows of one When."""
    if not isinstance(case, CallExpr):
        return None
    given = positional(case)
    return given[1] if len(given) > 1 else dict(keywords(case)).get("then")


def _in_window(query: Query, kind: Any, first: Expression | None) -> Type:
    """What a function gives that has values in windows alone: a place, or a value of another row."""
    place = PLACES.get(kind.function)
    if place is not None:
        return python_type(place, query.call)
    value = value_of(query, first) if first is not None else unknown()
    return optional(value) if scalar_of_values(value) is not None else unknown()


def _selected(query: Query, inner: Expression) -> Type:
    """The value of a subquery: the one column of its row, or None where there is no row."""
    queryset = get_proper_type(query.call.type_of(inner))
    queries = query.call.info(names.QUERIES)
    if not isinstance(queryset, Instance) or queries is None or not queryset.type.has_base(names.QUERIES):
        return unknown()
    row = get_proper_type(map_instance_to_supertype(queryset, queries).args[1])
    match row:
        case TypedDictType():
            values = list(row.items.values())
        case TupleType():
            values = row.items
        case Instance() if row.type.has_base(names.BARE_MODEL) or row.type.fullname == "builtins.dict":
            return unknown()
        case _:
            values = [row]
    return optional(values[0]) if len(values) == 1 else unknown()


def _constant(query: Query, value: Expression) -> Type:
    """The type of a constant."""
    proper = get_proper_type(query.call.type_of(value))
    return proper.copy_modified(last_known_value=None) if isinstance(proper, Instance) else unknown()


def _aggregated(query: Query, kind: Any, call: CallExpr, first: Expression | None) -> Type:
    result = kind.result
    defaulted = any(name == "default" for name, _ in keywords(call))
    if isinstance(result, ScalarType):
        return python_type(result, query.call)
    value = without_none(value_of(query, first)) if first is not None else unknown()
    proper = get_proper_type(value)
    if result == "mean" and isinstance(proper, Instance) and proper.type.fullname in {"builtins.int", "builtins.bool"}:
        value = query.call.instance("builtins.float")
    if isinstance(get_proper_type(value), Instance):
        return value if defaulted else optional(value)
    return unknown()


def _computed(query: Query, kind: Any, arguments: list[Expression]) -> Type:
    values = [value_of(query, argument) for argument in arguments]
    null = any(allows_none(value) for value in values)
    result = kind.result
    if isinstance(result, ScalarType):
        value = python_type(result, query.call)
    elif result == "first" and values:
        value = without_none(values[0])
    elif result == "common" and values:
        value = UnionType.make_union(remove_dups([without_none(each) for each in values]))
        null = all(allows_none(each) for each in values) if issubclass(kind, Coalesce) else null
    else:
        return unknown()
    return optional(value) if null else value


def _cast(query: Query, arguments: list[Expression]) -> Type:
    """What Cast gives: values of the field that it names."""
    field = arguments[1] if len(arguments) == 2 else None
    kind = class_called(field.callee) if isinstance(field, CallExpr) else None
    scalar = scalar_of(kind) if kind is not None else None
    if scalar is None:
        return unknown()
    value = python_type(scalar, query.call)
    return optional(value) if allows_none(value_of(query, arguments[0])) else value


_OPERATORS: Final = {"+": "+", "-": "-", "*": "*", "/": "/", "%": "%", "**": "^"}
"""Python's operators that are arithmetic between expressions, and what the package calls them."""


@dataclasses.dataclass(frozen=True, slots=True)
class Arithmetic:
    """The types of both sides, and what they give together: None where they do not go together."""

    left: ScalarType
    right: ScalarType
    result: ScalarType | None
    nullable: bool


def arithmetic(query: Query, expression: OpExpr) -> Arithmetic | None:
    """What an operator between expressions gives; None where the type of a side is not known."""
    if expression.op not in _OPERATORS or not is_computed(query, expression):
        return None
    sides = (_side(query, expression.left), _side(query, expression.right))
    left, right = map(scalar_of_values, sides)
    if left is None or right is None:
        return None
    left, right = _beside(query, expression.left, left, right), _beside(query, expression.right, right, left)
    result = arithmetic_type(_OPERATORS[expression.op], left, right)
    return Arithmetic(left, right, result, any(map(allows_none, sides)))


def _side(query: Query, side: Expression) -> Type:
    """The type of one side; a text is a constant there, and no name."""
    return query.call.instance("builtins.str") if isinstance(side, StrExpr) else value_of(query, side)


def _beside(query: Query, side: Expression, scalar: ScalarType, other: ScalarType) -> ScalarType:
    """The type of one side: a constant with a point is a decimal beside one."""
    is_decimal = isinstance(scalar, FloatType) and isinstance(other, DecimalType) and not is_computed(query, side)
    return DecimalType() if is_decimal else scalar


def _combined(query: Query, expression: OpExpr) -> Type:
    """What arithmetic gives; Any where it cannot be told."""
    found = arithmetic(query, expression)
    if found is None or found.result is None:
        return unknown()
    value = python_type(found.result, query.call)
    return optional(value) if found.nullable else value
