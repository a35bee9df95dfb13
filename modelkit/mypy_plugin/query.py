"""One query on one model, as far as mypy knows it: the model, and the names that annotate() and alias() gave.

What a query named travels in its types: `QuerySet[User, User]` where User carries further attributes (mypy's `extra_attrs`, which
it uses for hasattr()). The invariant: a queryset's type says the same of names as the queryset would.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from mypy.maptype import map_instance_to_supertype
from mypy.messages import format_type
from mypy.nodes import Expression, StrExpr, TypeInfo, Var
from mypy.subtypes import is_subtype
from mypy.types import ExtraAttrs, Instance, Type, TypeVarType, get_proper_type

from modelkit.mypy_plugin import names
from modelkit.mypy_plugin.call import Call, Place
from modelkit.mypy_plugin.facts import is_model
from modelkit.mypy_plugin.members import Relation
from modelkit.mypy_plugin.naming import ANY_NAME, may_give
from modelkit.mypy_plugin.paths import End, Missing, Way, walk
from modelkit.mypy_plugin.variables import named_before

__all__ = ["Query", "attributes", "marked", "query_of"]


class Query(NamedTuple):
    """A model and what the query named, in one call."""

    info: TypeInfo
    named: Mapping[str, Type]
    call: Call
    queryset: TypeInfo | None = None
    """The class of the queryset that the call is on, and `source` the expression; None where there is none."""
    source: Expression | None = None
    through: frozenset[Var] = frozenset()
    """The variables that were followed to the expression that is looked at."""

    def walk(self, name: str) -> Way:
        """Where a name leads."""
        way = walk(self.info, name, self.call, self.named)
        if isinstance(way, Missing):
            return None if self._may_have(name.partition("__")[0]) else way
        computed = ANY_NAME in self.named and way is not None and isinstance(way.member, Relation) and way.rest
        return None if computed else way

    def _may_have(self, name: str) -> bool:
        """Whether the query may have been given a name that its type does not tell."""
        if ANY_NAME in self.named or (self.queryset is not None and may_give(self.queryset, name)):
            return True
        return self.source is not None and named_before(self.source, name, self.queryset, self.call)

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

    def check_value(self, name: str, given: Type, takes: Type, value: Expression) -> None:
        """Report a value of type `given` where `name` takes another one."""
        if not is_subtype(given, takes):
            told, wanted = (format_type(each, self.call.api.options) for each in (given, takes))
            self.fail(f'"{name}" has incompatible type {told}; expected {wanted}', value)

    def inside(self, variable: Var) -> Query:
        """The same query, looking at what a variable was assigned before."""
        return self._replace(call=self.call.looking_back(), through=self.through | {variable})

    def plus(self, named: Mapping[str, Type]) -> Query:
        """The same query with more names."""
        return self._replace(named={**self.named, **named})


def query_of(receiver: Type, call: Call, source: Expression | None = None) -> Query | None:
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
    return Query(model.type, _named(proper, model), call, proper.type, source)


# -- names on querysets


def marked(queryset: Instance, named: Mapping[str, Type]) -> Instance:
    """The type of a queryset with marks of its own for the names that it gave.

    mypy takes types for the same that differ in attributes of their arguments only, and would forget the names where a variable of the
    plain type is assigned one that has them: `rows = rows.annotate(...)`. What an instance itself has more, it keeps.
    """
    made = queryset.copy_modified()
    made.extra_attrs = ExtraAttrs({f"<{name}>": type_ for name, type_ in named.items()}, set(), None) if named else None
    return made


def attributes(instance: Instance) -> Mapping[str, Type]:
    """What an instance's type has more than its class."""
    return instance.extra_attrs.attrs if instance.extra_attrs is not None else {}


def _named(queryset: Instance, model: Instance) -> Mapping[str, Type]:
    """The names that a queryset's type tells, by its marks and by its model's attributes."""
    if queryset.extra_attrs is None and model.extra_attrs is None:
        return {}
    marks = attributes(queryset).items()
    return {**attributes(model), **{name[1:-1]: type_ for name, type_ in marks if name.startswith("<")}}
