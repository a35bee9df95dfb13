"""Tables as JSON and back, with the expressions in their constraints.

Knows the IR. The invariant: `table_of(name, schema_of(table))` is held to what `table` is held to, but for formulas that
run functions: a function has no form in a file, so these are `withheld`, and hold again once the model is defined.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any, Final, TypeAlias

from modelkit.ir import expr as expressions
from modelkit.ir import types
from modelkit.ir.analysis import nodes_of
from modelkit.ir.schema import Check, Column, Formula, Index, Reference, Table, Unique, Withheld
from modelkit.stores.memory.files.values import decode_any, encode_any

__all__ = ["Schema", "schema_of", "table_of"]

Schema: TypeAlias = dict[str, Any]

_TYPES: Final[dict[str, type[types.ScalarType]]] = {
    kind.name: kind for kind in vars(types).values() if isinstance(kind, type) and issubclass(kind, types.ScalarType)
}
_NODES: Final[dict[str, type[Any]]] = {
    kind.__name__: kind
    for kind in vars(expressions).values()
    if isinstance(kind, type) and issubclass(kind, expressions.Node)
}


class _Unstorable(Exception):
    """A part of a formula has no form in a file."""


def schema_of(table: Table) -> Schema:
    """`table` as JSON. Linear in its declarations."""
    made: Schema = {
        "label": table.label,
        "columns": [_column(column) for column in table.columns],
        "key": list(table.key),
        "indexes": list(_stored(table.indexes)),
        "uniques": list(_stored(table.uniques)),
        "checks": list(_stored(table.checks)),
        "references": [_plain(reference) for reference in table.references],
    }
    withheld = [_plain(part) for part in (*table.withheld, *_withheld(table))]
    if withheld:
        made["withheld"] = withheld
    return made


def table_of(name: str, schema: Schema) -> Table:
    """The table that `schema` was made of. Raises KeyError, TypeError or ValueError for what is no schema."""
    return Table(
        name,
        tuple([_column_of(column) for column in schema["columns"]]),
        tuple(schema["key"]),
        tuple([Index(**_read(index)) for index in schema["indexes"]]),
        tuple([Unique(**_read(unique)) for unique in schema["uniques"]]),
        tuple([Check(**_read(check)) for check in schema["checks"]]),
        tuple([Reference(**_read(reference)) for reference in schema["references"]]),
        label=schema["label"],
        withheld=tuple([Withheld(**_read(part)) for part in schema.get("withheld", ())]),
    )


def _withheld(table: Table) -> Iterator[Withheld]:
    """What `table` is held to and its stored form does not say."""
    for place, column in enumerate(table.columns):
        if column.generated is not None and not _is_storable(column.generated):
            yield Withheld(column.name, tuple(sorted({place, *_columns_of([column.generated])})))
    constraints: list[Unique | Check] = [*table.uniques, *table.checks]
    for constraint in constraints:
        if not _is_storable(constraint):
            match constraint:
                case Unique(columns=columns, expressions=expressions_, condition=condition):
                    formulas = [*expressions_, *([] if condition is None else [condition])]
                case Check(condition=condition):
                    columns, formulas = (), [condition]
            yield Withheld(constraint.name, tuple(sorted({*columns, *_columns_of(formulas)})))


def _is_storable(part: Formula | Unique | Check) -> bool:
    try:
        _write(part) if isinstance(part, Formula) else _plain(part)
    except _Unstorable:
        return False
    return True


def _columns_of(formulas: Iterable[Formula]) -> set[int]:
    return {node.column for formula in formulas for node in nodes_of(formula.expr) if isinstance(node, expressions.Col)}


def _column(column: Column) -> Schema:
    made: Schema = {"name": column.name, "type": _type(column.type)}
    for flag in ("nullable", "auto", "sensitive"):
        if getattr(column, flag):
            made[flag] = True
    if column.label:
        made["label"] = column.label
    for name in ("default", "generated"):
        formula = getattr(column, name)
        if formula is not None:
            try:
                made[name] = _write(formula)
            except _Unstorable:
                continue
    return made


def _column_of(made: Schema) -> Column:
    given = {name: _value(value) for name, value in made.items() if name != "type"}
    return Column(type=_type_of(made["type"]), **given)


def _type(type_: types.ScalarType) -> Schema:
    return {"is": type_.name, **{part.name: getattr(type_, part.name) for part in fields(type_)}}


def _type_of(made: Schema) -> types.ScalarType:
    return _TYPES[made["is"]](**{name: value for name, value in made.items() if name != "is"})


def _plain(part: Any) -> Schema:
    return {each.name: _write(getattr(part, each.name)) for each in fields(part)}


def _stored(parts: Iterable[Index | Unique | Check]) -> Iterable[Schema]:
    for part in parts:
        try:
            yield _plain(part)
        except _Unstorable:
            continue


def _read(made: Schema) -> dict[str, Any]:
    return {name: _value(value) for name, value in made.items()}


def _write(value: Any) -> Any:
    """A part of a declaration as JSON. A tuple is a list; what else is a class of the IR is an object that names it."""
    match value:
        case None | bool() | int() | str():
            return value
        case tuple():
            return [_write(part) for part in value]
        case types.ScalarType():
            return {"type": _type(value)}
        case Formula(expr=expr, params=params):
            return {"formula": _write(expr), "params": [_constant(param) for param in params]}
        case expressions.Const():
            made = {"node": "Const", "type": _write(value.type), "nullable": value.nullable}
            return {**made, "value": {"constant": _constant(value.value)}}
        case expressions.Node() if type(value).__name__ in _NODES:
            parts = {each.name: _write(getattr(value, each.name)) for each in fields(value)}
            return {"node": type(value).__name__, **parts}
        case _:
            raise _Unstorable


def _constant(value: Any) -> Any:
    try:
        return encode_any(value)
    except TypeError as error:
        raise _Unstorable from error


def _value(made: Any) -> Any:
    match made:
        case list():
            return tuple([_value(part) for part in made])
        case {"formula": expr, "params": params}:
            return Formula(_value(expr), tuple([decode_any(param) for param in params]))
        case {"node": name}:
            return _NODES[name](**{part: _value(value) for part, value in made.items() if part != "node"})
        case {"constant": value}:
            return decode_any(value)
        case {"type": type_}:
            return _type_of(type_)
        case _:
            return made
