"""One query on one model, as far as mypy knows it: the model, and the names that annotate() and alias() gave.

What a query named travels in its types: `QuerySet[User, User]` where User carries further attributes (mypy's `extra_attrs`, which
it uses for hasattr()). The invariant: a queryset's type says the same of names as the queryset would.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final

from mypy.maptype import map_instance_to_supertype
from mypy.nodes import StrExpr, TypeInfo
from mypy.types import ExtraAttrs, Instance, TupleType, Type, TypedDictType, TypeVarType, get_proper_type

from modelkit.mypy_plugin import names
from modelkit.mypy_plugin.call import Call, Place
from modelkit.mypy_plugin.facts import is_model
from modelkit.mypy_plugin.members import unknown
from modelkit.mypy_plugin.paths import End, Missing, Way, walk

__all__ = ["ANY_NAME", "Query", "carrying", "query_of", "retyped", "rows_carrying"]


ANY_NAME: Final = "*"
"""Among the attributes of rows: there are more, whose names are not known, such as those of a Prefetch kept in a variable."""


@dataclasses.dataclass(frozen=True, slots=True)
class Query:
    """A model and what the query named, in one call."""

    info: TypeInfo
    named: Mapping[str, Type]
    call: Call

    def walk(self, name: str) -> Way:
        """Where a name leads."""
        return walk(self.info, name, self.call, self.named)

    def end_of(self, text: StrExpr, name: str | None = None) -> End | None:
        """Where a text that is written out leads; an error there and None where it leads nowhere."""
        way = self.walk(text.value if name is None else name)
        if isinstance(way, Missing):
            self.call.fail(str(way), text)
            return None
        return way

    def fail(self, message: object, place: Place) -> None:
        """Report an error there."""
        self.call.fail(str(message), place)

    def plus(self, named: Mapping[str, Type]) -> Query:
        """The same query with more names."""
        return dataclasses.replace(self, named={**self.named, **named})


def query_of(receiver: Type, call: Call) -> Query | None:
    """The query that a queryset or manager of this type makes; None where the model is not known."""
    proper = get_proper_type(receiver)
    if isinstance(proper, TypeVarType):
        proper = get_proper_type(proper.upper_bound)
    queries = call.info(names.QUERIES)
    if not isinstance(proper, Instance) or queries is None or not proper.type.has_base(names.QUERIES):
        return None
    model = get_proper_type(map_instance_to_supertype(proper, queries).args[0])
    if isinstance(model, TypeVarType):
        model = get_proper_type(model.upper_bound)
    if not isinstance(model, Instance) or not is_model(model.type) or model.type.fullname in names.ROOTS:
        return None
    return Query(model.type, model.extra_attrs.attrs if model.extra_attrs is not None else {}, call)


def carrying(receiver: Instance, query: Query, named: Mapping[str, Type], *, rows: bool) -> Type:
    """The type of a queryset that has named more; `rows`: its rows have the names as attributes or keys, too."""
    queries = query.call.info(names.QUERIES)
    if queries is None:
        return receiver
    model, row = map_instance_to_supertype(receiver, queries).args
    proper = get_proper_type(model)
    if not isinstance(proper, Instance):
        return receiver
    richer = _with_attributes(proper, named)
    kept = _row(row, named, query) if rows else row
    if receiver.args and _is_plain(receiver):
        generic = [richer if get_proper_type(arg) == proper else arg for arg in receiver.args[:1]]
        args = [*generic, *([kept] if len(receiver.args) > 1 else [])]
        if len(args) == len(receiver.args) and (len(args) > 1 or rows):
            return receiver.copy_modified(args=args)
    return query.call.instance(names.QUERYSET, richer, kept)


def rows_carrying(receiver: Instance, query: Query, named: Mapping[str, Type]) -> Type:
    """The type of a queryset whose instances have more attributes, of which the query itself knows nothing."""
    richer = carrying(receiver, query, named, rows=True)
    queries = query.call.info(names.QUERIES)
    proper = get_proper_type(richer)
    if queries is None or not isinstance(proper, Instance):
        return receiver
    row = map_instance_to_supertype(proper, queries).args[1]
    return retyped(receiver, query, row)


def retyped(receiver: Instance, query: Query, row: Type) -> Type:
    """The type of a queryset on the same model whose rows are of type `row`."""
    queries = query.call.info(names.QUERIES)
    model = get_proper_type(map_instance_to_supertype(receiver, queries).args[0]) if queries is not None else None
    if not isinstance(model, Instance):
        return receiver
    return query.call.instance(names.QUERYSET, _with_attributes(model, query.named) if query.named else model, row)


def _is_plain(receiver: Instance) -> bool:
    """Whether the class's parameters are the model and the row, or the model alone, which is the row."""
    return len(receiver.args) in (1, 2) and receiver.type.fullname.startswith("modelkit.")


def _with_attributes(model: Instance, named: Mapping[str, Type]) -> Instance:
    known = model.extra_attrs.attrs if model.extra_attrs is not None else {}
    made = model.copy_modified()
    made.extra_attrs = ExtraAttrs({**known, **named}, set(), None)
    return made


def _row(row: Type, named: Mapping[str, Type], query: Query) -> Type:
    proper = get_proper_type(row)
    if isinstance(proper, Instance) and is_model(proper.type):
        return _with_attributes(proper, named)
    if isinstance(proper, TypedDictType):
        return query.call.row({**proper.items, **named})
    if isinstance(proper, TupleType):
        return proper.copy_modified(items=[*proper.items, *named.values()])
    return unknown()
