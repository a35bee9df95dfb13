"""Methods that take the names of fields as text: order_by(), only(), defer(), select_related(), prefetch_related() and others.

Knows one query and its call. The invariant: text that is not written out in the call is not checked.
"""

from __future__ import annotations

from collections.abc import Iterable

from mypy.nodes import CallExpr, Decorator, Expression, FuncDef, SetExpr, StrExpr, TypeInfo
from mypy.types import CallableType, Instance, Type

from modelkit.errors import did_you_mean
from modelkit.mypy_plugin import names
from modelkit.mypy_plugin.carrying import rows_carrying
from modelkit.mypy_plugin.expressions import inspect
from modelkit.mypy_plugin.facts import class_called
from modelkit.mypy_plugin.keywords import keywords, positional
from modelkit.mypy_plugin.lookups import Unfit, understood
from modelkit.mypy_plugin.members import Column, Relation, unknown
from modelkit.mypy_plugin.models import Model
from modelkit.mypy_plugin.naming import ANY_NAME
from modelkit.mypy_plugin.paths import Missing, Named
from modelkit.mypy_plugin.query import Query
from modelkit.mypy_plugin.values import arguments
from modelkit.mypy_plugin.variables import items_of

__all__ = [
    "chosen",
    "distinguished",
    "inspect_key",
    "of_prefetched",
    "of_rows",
    "ordered",
    "own_field",
    "prefetched",
    "related",
    "updated_fields",
]


def _field(query: Query, text: StrExpr, name: str, *, rest: bool) -> None:
    """Report a text that names no field; `rest`: transforms may follow it."""
    end = query.end_of(text, name)
    if end is None or not end.rest or (isinstance(end.member, Named) and not rest):
        return
    if not rest:
        query.fail(f'{end.label} has no field "{end.rest[0]}".', text)
        return
    use = understood(end, query.call)
    if isinstance(use, Unfit):
        query.fail(use, text)


def ordered(query: Query, call: CallExpr, signature: CallableType) -> CallableType:
    """order_by(), earliest(), latest(): names, descending with a hyphen, or expressions."""
    for argument in arguments(query, call):
        inspect_key(query, argument)
    return signature


def inspect_key(query: Query, key: Expression) -> None:
    """Report what a key of an order names that the query does not have."""
    if not isinstance(key, StrExpr):
        inspect(query, key)
    elif key.value != "?":
        _field(query, key, key.value.removeprefix("-").removeprefix("+"), rest=True)


def chosen(query: Query, call: CallExpr, signature: CallableType) -> CallableType:
    """only(), defer(), dates(): names of fields."""
    for argument in arguments(query, call)[: 1 if "kind" in signature.arg_names else None]:
        if isinstance(argument, StrExpr):
            _field(query, argument, argument.value, rest=False)
    return signature


def distinguished(query: Query, call: CallExpr, signature: CallableType) -> CallableType:
    """distinct(): names of fields, also of what is inside of them."""
    for argument in arguments(query, call):
        if isinstance(argument, StrExpr):
            _field(query, argument, argument.value, rest=True)
    return signature


def of_rows(query: Query, call: CallExpr, signature: CallableType) -> CallableType:
    """bulk_update(), bulk_create(), in_bulk(): names of the model's own fields in lists."""
    given = dict(keywords(call))
    lists = [given.get(option) for option in ("fields", "update_fields", "unique_fields", "field_name")]
    if "fields" in signature.arg_names and len(positional(call)) > 1:
        lists.append(positional(call)[1])
    for text in _texts(query, lists):
        own_field(query, text)
    return signature


def updated_fields(query: Query, call: CallExpr, signature: CallableType) -> CallableType:
    """save(update_fields=...), refresh_from_db(fields=...), full_clean(exclude=...) of an instance."""
    given = dict(keywords(call))
    for text in _texts(query, (given.get(option) for option in ("update_fields", "fields", "exclude"))):
        own_field(query, text)
    return signature


def _texts(query: Query, values: Iterable[Expression | None]) -> Iterable[StrExpr]:
    for value in values:
        if isinstance(value, StrExpr):
            yield value
        elif value is not None:
            items = value.items if isinstance(value, SetExpr) else items_of(value, query.call) or []
            yield from (item for item in items if isinstance(item, StrExpr))


def own_field(query: Query, text: StrExpr, name: str | None = None) -> None:
    """Report a text that names no field of the model, and no relation that leads to it."""
    model = Model(query.info, query.call)
    name = text.value if name is None else name
    if not model.understood or name == "pk" or model.has_other(name):
        return
    if model.member(name) is None:
        query.fail(Missing(model.name, name, did_you_mean(name, model.members())), text)


def related(query: Query, call: CallExpr, signature: CallableType) -> CallableType:
    """select_related(): ways over relations that lead to one row."""
    for argument in arguments(query, call):
        if not isinstance(argument, StrExpr):
            continue
        end = query.end_of(argument)
        if end is None or isinstance(end.member, Named):
            continue
        if end.rest:
            query.fail(f'{end.label} has no relation "{end.rest[0]}".', argument)
        elif isinstance(end.member, Column):
            query.fail(f"{end.label} is no relation: there is nothing to select along.", argument)
        elif end.many:
            query.fail(f"{end.label} leads to several rows: use prefetch_related().", argument)
    return signature


def prefetched(query: Query, call: CallExpr, signature: CallableType) -> CallableType:
    """prefetch_related(): attributes that lead to other rows, by text or in a Prefetch."""
    for argument in arguments(query, call):
        text: Expression | None = argument
        if isinstance(argument, CallExpr):
            kind = class_called(argument.callee)
            if kind is None or kind.fullname != names.PREFETCH:
                continue
            given = positional(argument)
            text = given[0] if given else dict(keywords(argument)).get("lookup")
        if isinstance(text, StrExpr):
            _attributes(query, text, to_attrs=_to_attrs(call))
    return signature


def _to_attrs(call: CallExpr) -> frozenset[str]:
    """The attributes that Prefetch(to_attr=...) of the same call make: later names may begin with them."""
    inner = [keywords(argument) for argument in call.args if isinstance(argument, CallExpr)]
    return frozenset(
        value.value for given in inner for name, value in given if name == "to_attr" and isinstance(value, StrExpr)
    )


def of_prefetched(query: Query, call: CallExpr, receiver: Instance, default: Type) -> Type:
    """What prefetch_related() gives: the same rows, with what Prefetch(to_attr=...) names as an attribute, a list."""
    attributes: dict[str, Type] = {}
    for argument in positional(call):
        if not isinstance(argument, CallExpr):
            if not isinstance(argument, StrExpr):
                attributes[ANY_NAME] = unknown()
            continue
        options = dict(keywords(argument))
        given = positional(argument)
        path = given[0] if given else options.get("lookup")
        name = given[2] if len(given) > 2 else options.get("to_attr")
        if isinstance(path, StrExpr) and isinstance(name, StrExpr) and "__" not in path.value:
            target = _target(query, path.value)
            row: Type = Instance(target, []) if target is not None else unknown()
            attributes[name.value] = query.call.instance("builtins.list", row)
    return rows_carrying(receiver, query, attributes) if attributes else default


def _target(query: Query, attribute: str) -> TypeInfo | None:
    """The model that an attribute of the query's model leads to."""
    model = Model(query.info, query.call)
    own = model.declared(attribute)
    if isinstance(own, Relation):
        return own.target
    return next((each.target for each in model.reverse() if each.accessor == attribute), None)


def _is_property(info: TypeInfo, name: str) -> bool:
    """Whether a model's class defines an attribute of that name by code, which may give instances, too."""
    symbol = info.get(name)
    return symbol is not None and isinstance(symbol.node, (Decorator, FuncDef))


def _attributes(query: Query, text: StrExpr, to_attrs: frozenset[str]) -> None:
    info = query.info
    for name in text.value.split("__"):
        model = Model(info, query.call)
        if not model.understood or model.has_other(name) or name in to_attrs or _is_property(info, name):
            return
        relations = {each.accessor: each for each in model.reverse() if each.accessor is not None}
        own = model.declared(name)
        found = own if own is not None else relations.get(name)
        if isinstance(found, Relation) and found.target is not None:
            info = found.target
            continue
        if isinstance(found, Relation):
            return
        if found is None and model.member(name) is not None:
            return
        if found is None:
            near = did_you_mean(name, [*(each for each in model.members() if each != "pk"), *relations])
            query.fail(f'"{model.name}" has no attribute "{name}" to prefetch.{near}', text)
        else:
            query.fail(f"{model.name}.{name} is no relation: there is nothing to prefetch.", text)
        return
