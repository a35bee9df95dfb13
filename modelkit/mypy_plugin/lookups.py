"""What may stand after a field's name (`age__gte`, `born__year__in`), and what values it takes.

Reads the package's one table of lookups, as resolve and the documentation do. Knows mypy's types; of a path its end. The invariant: a
lookup that somebody may have registered is never called unknown.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, NamedTuple

from mypy.nodes import TypeInfo
from mypy.types import Instance, Type, UnionType, get_proper_type

from modelkit import fields
from modelkit.errors import ValidationError, did_you_mean
from modelkit.expressions.lookups import (
    JSON_LOOKUPS,
    LOOKUPS,
    RELATED,
    TRANSFORMS,
    LookupDef,
    find_lookup,
    find_transform,
    names_for,
)
from modelkit.ir import types
from modelkit.mypy_plugin import names
from modelkit.mypy_plugin.call import Call
from modelkit.mypy_plugin.members import Column, Relation, allows_none, optional, rows_behind, unknown, without_none
from modelkit.mypy_plugin.models import Model
from modelkit.mypy_plugin.paths import End, Named
from modelkit.mypy_plugin.reverse import concrete
from modelkit.resolve.operands import standard_field

__all__ = [
    "Unfit",
    "Use",
    "python_type",
    "reads",
    "scalar_of",
    "scalar_of_values",
    "taken",
    "understood",
    "widened",
]

_VALUES: Final[dict[str, types.ScalarType]] = {
    "builtins.bool": types.BooleanType(),
    "builtins.int": types.IntegerType(),
    "builtins.float": types.FloatType(),
    "builtins.str": types.TextType(),
    "builtins.bytes": types.BinaryType(),
    "decimal.Decimal": types.DecimalType(),
    "datetime.date": types.DateType(),
    "datetime.time": types.TimeType(),
    "datetime.datetime": types.DateTimeType(),
    "datetime.timedelta": types.DurationType(),
    "uuid.UUID": types.UuidType(),
}
_PYTHON: Final[dict[type[types.ScalarType], str]] = {type(type_): name for name, type_ in _VALUES.items()}


class Use(NamedTuple):
    """A lookup, and what stands before it: its type, and its scalar type where that is known; `transformed`: no longer the field."""

    lookup: LookupDef
    value: Type
    end: End
    transformed: bool
    scalar: types.ScalarType | None = None


class Unfit(NamedTuple):
    """Names after a field that it does not have, and the message."""

    name: str
    message: str

    def __str__(self) -> str:
        return self.message


def understood(end: End, call: Call) -> Use | Unfit | None:
    """The lookup that an end's rest of names is; None where it cannot be told."""
    value = end.value(call)
    if not end.rest:
        return Use(LOOKUPS["exact"], value, end, transformed=False, scalar=_scalar(end, value))
    if any(name not in _BUILT_IN and call.registers(call.module, name) for name in end.rest):
        return None
    if isinstance(end.member, Relation):
        return _on_relation(end, end.member, value, call)
    if rows_behind(value) is not None:
        return _on_keys(end, value)
    scalar = _scalar(end, value)
    if scalar is None:
        return None
    transformed = False
    for position, name in enumerate(end.rest):
        last = position == len(end.rest) - 1
        lookup = find_lookup(name, scalar) if last else None
        if lookup is not None and _suits(lookup, scalar):
            return Use(lookup, value, end, transformed, scalar)
        transform = find_transform(name, scalar)
        if transform is not None:
            scalar = transform.output
            made = python_type(scalar, call)
            value = optional(made) if allows_none(value) else made
            transformed = True
        elif isinstance(scalar, types.JsonType):
            value, transformed = unknown(), True
        else:
            near = did_you_mean(name, _names_for(scalar))
            return Unfit(name, f'{end.label} ({scalar.name}) has no lookup "{name}".{near}')
    return Use(LOOKUPS["exact"], value, end, transformed, scalar)


_BUILT_IN: Final = frozenset({*LOOKUPS, *JSON_LOOKUPS, *TRANSFORMS})


def _suits(lookup: LookupDef, scalar: types.ScalarType) -> bool:
    """Whether a checker allows a lookup that the store would run: a number is no text, though it has one."""
    return lookup.operand not in {"text", "regex"} or isinstance(scalar, (types.TextType, types.JsonType))


def _names_for(scalar: types.ScalarType) -> list[str]:
    lookups = (find_lookup(name, scalar) for name in names_for(scalar))
    unsuited = {lookup.name for lookup in lookups if lookup is not None and not _suits(lookup, scalar)}
    return [name for name in names_for(scalar) if name not in unsuited]


def _on_relation(end: End, relation: Relation, value: Type, call: Call) -> Use | Unfit | None:
    """The lookup that stands after a relation: a few that its key has."""
    name = end.rest[0]
    if len(end.rest) == 1 and name in RELATED:
        return Use(LOOKUPS[name], value, end, transformed=False, scalar=_scalar(end, value))
    if relation.target is None:
        return None
    target = relation.target.name
    if name in LOOKUPS:
        return Unfit(name, f'{end.label} is a relation to {target}, which has no lookup "{name}" of its own.')
    if find_transform(name, types.AnyType()) is not None:
        return None
    near = did_you_mean(name, [*Model(relation.target, call).members(), *RELATED])
    return Unfit(name, f'"{target}" has no field "{name}".{near}')


def _on_keys(end: End, value: Type) -> Use | Unfit | None:
    """The lookup that stands after what holds the keys of a relation: one that relations have."""
    name = end.rest[0]
    if len(end.rest) == 1 and name in RELATED:
        return Use(LOOKUPS[name], value, end, transformed=False, scalar=_scalar(end, value))
    if name not in LOOKUPS and find_transform(name, types.AnyType()) is not None:
        return None
    near = did_you_mean(name, sorted(RELATED))
    return Unfit(name, f'{end.label} holds the keys of a relation, which have no lookup "{name}".{near}')


def _scalar(end: End, value: Type) -> types.ScalarType | None:
    """The scalar type of what stands at an end."""
    if isinstance(end.member, Column) and end.member.kind is not None:
        return scalar_of(end.member.kind)
    return scalar_of_values(value)


def scalar_of_values(value: Type) -> types.ScalarType | None:
    """The scalar type of values of a Python type; None where they may be of several."""
    proper = get_proper_type(without_none(value))
    return _VALUES.get(proper.type.fullname) if isinstance(proper, Instance) else None


_OVERRIDES: Final = (
    "get_internal_type",
    "internal_type",
    "scalar_type",
    "get_lookup",
    "get_transform",
    "class_lookups",
)


def scalar_of(kind: TypeInfo) -> types.ScalarType | None:
    """The scalar type of a field class: that of the built-in field that it is or derives from; None where it says otherwise."""
    for info in kind.mro:
        if info.module_name.startswith("modelkit.fields."):
            built_in: Any = getattr(fields, info.name, None)
            if built_in is not None:
                return _built_in(built_in)
        elif any(name in info.names for name in _OVERRIDES):
            return None
    return None


@lru_cache(maxsize=256)
def _built_in(kind: Any) -> types.ScalarType | None:
    options = {"CharField": {"max_length": 1}, "DecimalField": {"max_digits": 9, "decimal_places": 2}}
    try:
        made: types.ScalarType = kind(**options.get(kind.__name__, {})).scalar_type
    except (TypeError, ValueError, NotImplementedError, LookupError, AttributeError):
        return None
    return None if isinstance(made, types.AnyType) else made


def python_type(scalar: types.ScalarType, call: Call) -> Type:
    """What values of a scalar type are in Python."""
    name = _PYTHON.get(type(scalar))
    return unknown() if name is None else call.instance(name)


_WRITTEN: Final = (
    types.DecimalType, types.DateType, types.TimeType, types.DateTimeType, types.DurationType, types.UuidType,
)  # fmt: skip
"""Types whose values people write as text, which a field reads."""


def reads(scalar: types.ScalarType | None, text: str) -> bool | None:
    """Whether a field of this type reads a text as a value; None where it takes no text."""
    field = standard_field(scalar) if isinstance(scalar, _WRITTEN) else None
    if field is None:
        return None
    try:
        field.to_python(text)
    except (ValidationError, ValueError):
        return False
    return True


# -- what a lookup takes


def taken(use: Use, call: Call, *, computed: bool) -> Type:
    """What may be passed to a lookup; `computed`: the argument is not written out, and may stand for an expression or a query."""
    value = use.value
    match use.lookup.operand:
        case "same":
            return _or_computed(_compared(use, value, call), call, computed=computed)
        case "text" | "regex":
            return _or_computed(call.instance("builtins.str"), call, computed=computed)
        case "bool":
            return call.instance("builtins.bool")
        case "iterable":
            item = _compared(use, without_none(value), call)
            return _several(item, call, computed=computed)
        case "pair":
            item = _or_computed(without_none(value), call, computed=True)
            return UnionType.make_union([call.instance("typing.Sequence", item)])
        case "keys":
            return call.instance("typing.Iterable", call.instance("builtins.str"))
        case _:
            return unknown()


def _compared(use: Use, value: Type, call: Call) -> Type:
    """What a value is compared with: a relation's key with instances of the model, too."""
    member = use.end.member
    rows = rows_behind(value) if isinstance(member, Named) else None
    if rows is not None and not use.transformed:
        return UnionType.make_union([rows, value])
    if use.transformed or not isinstance(member, Relation):
        return widened(value, call)
    if member.target is None:
        return unknown()
    return UnionType.make_union([Instance(concrete(member.target), []), value])


def widened(value: Type, call: Call) -> Type:
    """Values as one writes them: whole numbers where a Decimal is stored, any kind of bytes."""
    proper = get_proper_type(value)
    items = [get_proper_type(each) for each in (proper.items if isinstance(proper, UnionType) else [proper])]
    stored = {item.type.fullname for item in items if isinstance(item, Instance)}
    more = [call.instance(name) for name in ("builtins.int",) if "decimal.Decimal" in stored]
    if "builtins.bytes" in stored:
        more += [
            call.instance("builtins.bytearray"),
            call.instance("builtins.memoryview", call.instance("builtins.int")),
        ]
    return UnionType.make_union([value, *more]) if more else value


def _or_computed(value: Type, call: Call, *, computed: bool) -> Type:
    if not computed:
        return value
    anything = unknown()
    return UnionType.make_union(
        [
            value,
            call.instance(names.NODE),
            call.instance(names.FACE, anything, anything),
            call.instance(names.QUERYSET, anything, anything),
        ]
    )


def _several(item: Type, call: Call, *, computed: bool) -> Type:
    """Several values, or a query of one column."""
    values = call.instance("typing.Iterable", _or_computed(item, call, computed=True) if computed else item)
    if not computed:
        return values
    anything = unknown()
    row = call.instance("typing.Mapping", call.instance("builtins.str"), call.instance("builtins.object"))
    columns = [
        call.instance(names.QUERYSET, anything, row),
        call.instance(names.QUERYSET, anything, call.instance("builtins.tuple", anything)),
        call.instance(names.QUERYSET, anything, call.instance(names.BARE_MODEL)),
        call.instance(names.QUERY),
        call.instance(names.NODE),
    ]
    return UnionType.make_union([values, *columns])
