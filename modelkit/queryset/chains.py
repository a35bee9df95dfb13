"""The steps of a chain that keep the type of its rows: which rows, in what order, with what loaded along.

Knows resolve; reads and writes nothing. The invariant: a step gives a new queryset and leaves the old one as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from typing_extensions import TypeVar

from modelkit.errors import NotSupportedError, shorten
from modelkit.expressions.base import Combinable, Node
from modelkit.expressions.conditions import Condition
from modelkit.expressions.faces import Cond, Expr, Order
from modelkit.modelinfo import info_of
from modelkit.prefetch import Prefetch
from modelkit.queryset import rows
from modelkit.queryset.aio import AsyncQueries
from modelkit.resolve import annotating, filtering, outputs, shapes, untrusted
from modelkit.resolve.paths import SEPARATOR
from modelkit.resolve.query import Query, refuse

__all__ = ["Chain"]

M = TypeVar("M")
Row_co = TypeVar("Row_co", covariant=True, default=M)


class Chain(AsyncQueries[M, Row_co]):
    """Queries on model M that give rows of one type, and the steps from one to the next.

    Positional arguments are typed expressions (`User.age >= 18`) or Q objects, keywords are Django's lookups.
    """

    model: type[M]
    query: Query
    _db: str | None = None
    _prefetch_related_lookups: tuple[Any, ...] = ()

    if not TYPE_CHECKING:

        def __class_getitem__(cls, _parameters: object) -> Self:
            """The class itself: `isinstance(rows, QuerySet[Article])` is a test like any other."""
            return cls

    def _evolved(self, query: Query) -> Self:
        """The same queryset with another query."""
        raise NotImplementedError

    def _chain(self) -> Self:
        """A copy without results."""
        raise NotImplementedError

    def _gives_instances(self) -> bool:
        return self.query.style == "entity"

    # -- narrowing

    def all(self) -> Self:
        """The same rows, read anew."""
        return self._chain()

    def filter(self, *conditions: Cond[M] | Condition | Combinable, **lookups: Any) -> Self:
        """The rows that meet all conditions and lookups. Raises FieldError at once for a name or value that does not fit."""
        return self._evolved(filtering.filtered(self.query, conditions, lookups))

    def exclude(self, *conditions: Cond[M] | Condition | Combinable, **lookups: Any) -> Self:
        """The rows that do not meet all of these together."""
        return self._evolved(filtering.filtered(self.query, conditions, lookups, verb="exclude"))

    def complex_filter(self, filter_obj: Cond[M] | Condition | Combinable | Mapping[str, Any]) -> Self:
        """As filter(), of one condition or a mapping of lookups."""
        return self.filter(**filter_obj) if isinstance(filter_obj, Mapping) else self.filter(filter_obj)

    def filter_untrusted(self, data: Mapping[str, Any], *, allow: Iterable[str]) -> Self:
        """As filter(**data), of data from outside: FieldError for a lookup that `allow` does not hold by its whole name."""
        return self.filter(**untrusted.lookups(info_of(self.model), data, allow))

    def none(self) -> Self:
        """No rows; nothing is asked of the store."""
        return self._evolved(shapes.nothing(self.query))

    def distinct(self, *fields: str) -> Self:
        """Without repeated rows; with `fields`, the first row for each of their values."""
        return self._evolved(shapes.distinct(self.query, fields))

    # -- order

    def order_by(self, *keys: str | Order[M] | Expr[M, Any] | Node) -> Self:
        """In the order of `keys`: names ("-age" descending, "?" shuffled), typed or other expressions. None: in no order."""
        return self._evolved(shapes.ordered(self.query, keys))

    def reverse(self) -> Self:
        """In the opposite order."""
        if self.query.is_sliced:
            raise TypeError("The order cannot be reversed after a slice was taken.")
        return self._evolved(shapes.reversed_(self.query))

    # -- what comes back

    def only(self, *fields: str) -> Self:
        """Instances that hold these fields and the key; others are read on first access."""
        return self._evolved(outputs.only(self.query, fields))

    def defer(self, *fields: str | None) -> Self:
        """Instances without these fields, which are read on first access; `defer(None)` takes all in again."""
        return self._evolved(outputs.deferred(self.query, fields))

    def select_related(self, *fields: str | None) -> Self:
        """Load these to-one relations along; without arguments all that cannot be null; `select_related(None)` none."""
        refuse(self.query.shape, "select_related")
        if not self._gives_instances():
            raise TypeError("select_related() does not go with values(), values_list() or into().")
        if fields == (None,):
            return self._evolved(outputs.related(self.query, None))
        names = tuple([name for name in fields if name is not None])
        return self._evolved(outputs.related(self.query, names or True))

    def prefetch_related(self, *lookups: Any) -> Self:
        """Load these to-many (or to-one) relations along, with one statement each; `prefetch_related(None)` none."""
        refuse(self.query.shape, "prefetch_related")
        for lookup in lookups:
            name = lookup.prefetch_to if isinstance(lookup, Prefetch) else lookup
            if isinstance(name, str) and name.split(SEPARATOR)[0] in self.query.shape.filtered:
                raise ValueError(
                    f"prefetch_related({name!r}) is not supported with a FilteredRelation: "
                    "select_related() loads its rows along, Prefetch(..., queryset=...) those of the relation itself."
                )
        clone = self._chain()
        clone._prefetch_related_lookups = () if lookups == (None,) else (*self._prefetch_related_lookups, *lookups)
        return clone

    def alias(self, *expressions_: Node, **named: Any) -> Self:
        """Name expressions for later calls, without making them part of the results."""
        rows.by_faces("alias", expressions_, named)
        return self._evolved(annotating.annotated(self.query, expressions_, named, select=False))

    def using(self, alias: str | None) -> Self:
        """The same, on the store connected as `alias`."""
        if alias is not None and not isinstance(alias, str):
            raise TypeError(
                f"using() takes an alias, not {shorten(alias)}: connect(store, alias=...) gives a store one."
            )
        clone = self._chain()
        clone._db = alias
        return clone

    def select_for_update(
        self, nowait: bool = False, skip_locked: bool = False, of: Sequence[str] = (), no_key: bool = False
    ) -> Self:
        """The same rows; a transaction that read them commits only if nobody else changed them. Never waits."""
        if nowait or skip_locked:
            raise NotSupportedError(
                "select_for_update() never waits here: there is nothing for nowait or skip_locked to do."
            )
        return self._evolved(shapes.locked(self.query))

    def union(self, *others: Any, all: bool = False) -> Self:
        """The rows of this and the other querysets, each once unless `all`; what columns they have is up to this one."""
        combined: Self = rows.united(self, others, all=all)
        return combined

    def intersection(self, *others: Any) -> Self:
        """The rows in this and in all other querysets."""
        combined: Self = rows.intersected(self, others)
        return combined

    def difference(self, *others: Any) -> Self:
        """The rows that are in none of the other querysets."""
        combined: Self = rows.subtracted(self, others)
        return combined
