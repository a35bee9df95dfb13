"""What rows are made of and changed to: constructors, create(), update(), get_or_create(), update_or_create().

Knows one query and its call. The invariant: what is called missing is a value without which no row could be saved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mypy.nodes import CallExpr, Decorator, Expression, TypeInfo, Var
from mypy.types import CallableType, Instance, NoneType, Type, UnionType, get_proper_type

from modelkit.errors import did_you_mean
from modelkit.mypy_plugin import names
from modelkit.mypy_plugin.call import Keyword, Place
from modelkit.mypy_plugin.conditions import checked
from modelkit.mypy_plugin.expressions import inspect, inspect_stored, pairs_of
from modelkit.mypy_plugin.facts import is_model
from modelkit.mypy_plugin.filling import is_whole
from modelkit.mypy_plugin.keywords import is_text, is_written_out, keywords, positional, spread
from modelkit.mypy_plugin.lookups import scalar_of, widened
from modelkit.mypy_plugin.members import Column, Member, Relation, allows_none, optional, unknown
from modelkit.mypy_plugin.models import Model
from modelkit.mypy_plugin.query import Query
from modelkit.mypy_plugin.reverse import concrete
from modelkit.mypy_plugin.signatures import open_to_spread, with_keywords

__all__ = ["constructed", "created", "found_or_created", "updated"]


def constructed(query: Query, call: CallExpr, signature: CallableType) -> CallableType:
    """The signature of a model's constructor for this call; an instance may be filled in later."""
    return _made(query, call, signature, asked=lambda: is_whole(call, query.call))


def created(query: Query, call: CallExpr, signature: CallableType, *, related: bool) -> CallableType:
    """The signature of create(**values); `related`: by a relation's manager, which adds the key itself."""
    return _made(query, call, signature, asked=lambda: not related)


def _made(query: Query, call: CallExpr, signature: CallableType, *, asked: Callable[[], bool]) -> CallableType:
    model = Model(query.info, query.call)
    given = keywords(call)
    known = {}
    for name, value in given:
        type_ = _assigned(model, name)
        if type_ is None:
            _report_unknown(query, model, name, Keyword(name, value))
        else:
            known[name] = unknown() if _is_text(query, model, name, value) else _given(query, type_, value)
        inspect(query, value)
    _inspect_spread(query, call)
    plain = all(not kind.is_star() and not kind.is_positional() for kind in call.arg_kinds)
    several = len(known) < len(given) or any(_fills_several(model, name) for name, _ in given)
    if plain and not several and model.understood and not _fills_itself(query.info):
        named = dict(given).keys()
        missing = [member.name for member in _needed(model) if named.isdisjoint((member.name, f"{member.name}_id"))]
        if missing and "pk" not in named and asked():
            listed = ", ".join(f'"{name}"' for name in missing)
            values = "a value" if len(missing) == 1 else "values"
            query.fail(f'"{model.name}" needs {values} for {listed}: no default, and never NULL', call)
    return with_keywords(signature, known)


def _given(query: Query, type_: Type, value: Expression) -> Type:
    """What a new row takes for a field: a value, or an expression that the store works out."""
    taken = widened(type_, query.call)
    return taken if is_written_out(value) else UnionType.make_union([taken, query.call.instance(names.NODE)])


def _is_text(query: Query, model: Model, name: str, value: Expression) -> bool:
    """Whether a value is written as text that the field reads: "2024-01-01", "3.50"."""
    column = model.declared(name)
    kind = column.kind if isinstance(column, Column) else None
    return kind is not None and is_text(scalar_of(kind), value, query)


def _report_unknown(query: Query, model: Model, name: str, place: Place) -> None:
    if not model.understood or model.has_other(name) or _is_settable(model, name):
        return
    known = model.declared(name)
    if isinstance(known, Relation):
        query.fail(f"{model.name}.{name} leads to several rows: set them once the instance is saved.", place)
    else:
        query.fail(f'"{model.name}" has no field "{name}".{did_you_mean(name, _own_names(model))}', place)


def _own_names(model: Model) -> Iterator[str]:
    return (name for name in model.members() if isinstance(model.declared(name), Column) or name in _forward(model))


def _forward(model: Model) -> set[str]:
    return {member.name for member in model.columns()}


def _assigned(model: Model, name: str) -> Type | None:
    """What an attribute of instances takes; None where there is no such field."""
    key = model.key
    member: Member | None = key if name == "pk" else model.declared(name)
    if isinstance(member, Column):
        value = member.value if not _is_fallible(member) else unknown()
        return optional(value) if key is not None and key.name == member.name else value
    if isinstance(member, Relation) and not member.many:
        if member.target is None or name == "pk":
            return unknown()
        target = Instance(concrete(member.target), [])
        return UnionType.make_union([target, NoneType()]) if member.nullable else target
    return unknown() if name == "pk" else None


def _is_fallible(column: Column) -> bool:
    """Whether the field may take values of other types than it gives: one that somebody wrote."""
    return column.kind is not None and not column.kind.module_name.startswith("modelkit.")


def _needed(model: Model) -> Iterator[Member]:
    """The fields without whose value no row can be saved."""
    for member in model.columns():
        facts = member.facts
        if facts is None or facts.defaulted or facts.null or facts.blank or facts.parent_link:
            continue
        if facts.kind == names.FOREIGN_OBJECT:
            continue
        if isinstance(member, Column):
            scalar = scalar_of(member.kind) if member.kind is not None else None
            if scalar is None or scalar.name == "text" or allows_none(member.value):
                continue
        elif member.nullable:
            continue
        yield member


def _fills_itself(info: TypeInfo) -> bool:
    """Whether the class has a say in how its instances are made or saved."""
    own = [base for base in info.mro if is_model(base) and base.fullname not in names.ROOTS]
    return any(name in base.names for base in own for name in ("__init__", "save", "asave", "__new__"))


def _fills_several(model: Model, name: str) -> bool:
    """Whether an attribute sets other fields: a relation that goes by several, or to rows of any model."""
    symbol = model.info.get(name)
    node = symbol.node if symbol is not None else None
    said = get_proper_type(node.type) if isinstance(node, Var) and node.type is not None else None
    kinds = (names.GENERIC_FOREIGN_KEY, names.FOREIGN_OBJECT)
    return isinstance(said, Instance) and any(said.type.has_base(kind) for kind in kinds)


def _is_settable(model: Model, name: str) -> bool:
    """Whether instances have an attribute of that name that is no field: a property with a setter, a virtual relation."""
    symbol = model.info.get(name)
    node = symbol.node if symbol is not None else None
    if isinstance(node, Decorator):
        return False
    if isinstance(node, Var):
        said = get_proper_type(node.type) if node.type is not None else None
        known = said.type if isinstance(said, Instance) else None
        return known is not None and (
            known.fullname == "builtins.property" or known.has_base(names.GENERIC_FOREIGN_KEY)
        )
    return node is not None and getattr(node, "is_property", False)


def updated(query: Query, call: CallExpr, signature: CallableType) -> CallableType:
    """The signature of update(**values): fields of the model's own rows, values and expressions."""
    model = Model(query.info, query.call)
    known = {}
    for name, value in keywords(call):
        inspect(query, value)
        type_ = _assigned(model, name)
        if type_ is None:
            _report_unknown(query, model, name, Keyword(name, value))
        else:
            stored = _stored(query, model, name, type_, written_out=is_written_out(value))
            known[name] = unknown() if _is_text(query, model, name, value) else stored
            inspect_stored(query, name, value)
    _inspect_spread(query, call)
    return with_keywords(signature, known)


def _stored(query: Query, model: Model, name: str, type_: Type, *, written_out: bool) -> Type:
    """What update() takes for a field: a relation's key too, and what is computed."""
    member = model.declared(name)
    items = [widened(type_, query.call)]
    if isinstance(member, Relation):
        items.append(model.key_of(member).value)
    if not written_out:
        anything = unknown()
        items += [query.call.instance(kind, anything, anything) for kind in (names.FACE, names.QUERYSET)]
        items.append(query.call.instance(names.NODE))
    return UnionType.make_union(items)


def found_or_created(query: Query, call: CallExpr, signature: CallableType) -> CallableType:
    """The signature of get_or_create() and update_or_create(): lookups, and values in `defaults`."""
    named = [value for option, value in keywords(call) if option in {"defaults", "create_defaults"}]
    for values in (*positional(call), *named):
        _inspect_values(query, values)
    return checked(query, call, open_to_spread(signature, call))


def _inspect_spread(query: Query, call: CallExpr) -> None:
    """Report what is wrong in the values of `**{...}`."""
    for values in spread(call):
        _inspect_values(query, values)


def _inspect_values(query: Query, values: Expression) -> None:
    """Report what is wrong in a dict of values that is written out."""
    model = Model(query.info, query.call)
    query, pairs = pairs_of(query, values)
    for key, value in pairs:
        inspect(query, value)
        type_ = _assigned(model, key.value)
        if type_ is None:
            _report_unknown(query, model, key.value, key)
        elif not _is_text(query, model, key.value, value):
            given = query.call.type_of(value, type_)
            if not _is_computed(given):
                query.check_value(key.value, given, widened(type_, query.call), value)


def _is_computed(given: Type) -> bool:
    """Whether a value is an expression, or a function that gives it, or of a kind that is not compared."""
    proper = get_proper_type(given)
    return not isinstance(proper, Instance) or proper.type.has_base(names.NODE)
