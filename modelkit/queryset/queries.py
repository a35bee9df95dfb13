"""Querysets: lazy, immutable, chainable. `Queries` is what they share with managers.

A method resolves its arguments, evolves the query, and returns; reading is in `rows`, writing in `writes`. The
invariant: a queryset's query never changes, and its results, once read, are kept.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Never, Self, SupportsIndex, TypeAlias, overload

from typing_extensions import TypeVar

from modelkit import bulk
from modelkit.database import session
from modelkit.errors import not_a_goal
from modelkit.expressions.base import Combinable, Node
from modelkit.expressions.conditions import Condition
from modelkit.expressions.faces import Agg, Assign, Cond, Expr, Order
from modelkit.modelinfo import info_of
from modelkit.queryset import moments, pickling, rows, writes
from modelkit.queryset.chains import Chain
from modelkit.queryset.late import Late, late_alias, late_model, late_query
from modelkit.resolve import annotating, filtering, finishers, outputs, shapes
from modelkit.resolve.query import Query, check_stores, refuse
from modelkit.transaction import DEFAULT
from modelkit.version import PICKLED_BY, __version__, check_pickled

__all__ = ["DefaultObjects", "ManagerOf", "ModelQuerySet", "Queries", "QuerySet"]

M = TypeVar("M")
Row_co = TypeVar("Row_co", covariant=True, default=M)
U = TypeVar("U")
T1 = TypeVar("T1")
T2 = TypeVar("T2")
T3 = TypeVar("T3")
T4 = TypeVar("T4")
T5 = TypeVar("T5")
T6 = TypeVar("T6")
T7 = TypeVar("T7")
T8 = TypeVar("T8")

REPR_ROWS = 20


class Queries(Chain[M, Row_co]):
    """Queries on model M that give rows of one type: what a queryset does, and a manager too, where each begins with all()."""

    _result_cache: list[Any] | None = None

    # -- what comes back

    def values(self, *fields: str, **expressions: Any) -> QuerySet[M, dict[str, Any]]:
        """Rows as dicts of these fields (all concrete ones where none are named) and expressions."""
        if rows.by_faces("values", fields, expressions):
            raise TypeError("values() gives dicts by name: use values_list() or into() with typed expressions.")
        made: QuerySet[M, dict[str, Any]] = self._retyped(
            outputs.values(self.query, fields, style="dict", **expressions)
        )
        return made

    @overload
    def values_list(self, a: Expr[M, T1], /, *, flat: Literal[True]) -> QuerySet[M, T1]: ...
    @overload
    def values_list(self, a: Expr[M, T1], /) -> QuerySet[M, tuple[T1]]: ...
    @overload
    def values_list(self, a: Expr[M, T1], b: Expr[M, T2], /) -> QuerySet[M, tuple[T1, T2]]: ...
    @overload
    def values_list(self, a: Expr[M, T1], b: Expr[M, T2], c: Expr[M, T3], /) -> QuerySet[M, tuple[T1, T2, T3]]: ...
    @overload
    def values_list(
        self, a: Expr[M, T1], b: Expr[M, T2], c: Expr[M, T3], d: Expr[M, T4], /
    ) -> QuerySet[M, tuple[T1, T2, T3, T4]]: ...
    @overload
    def values_list(
        self, a: Expr[M, T1], b: Expr[M, T2], c: Expr[M, T3], d: Expr[M, T4], e: Expr[M, T5], /
    ) -> QuerySet[M, tuple[T1, T2, T3, T4, T5]]: ...
    @overload
    def values_list(
        self, a: Expr[M, T1], b: Expr[M, T2], c: Expr[M, T3], d: Expr[M, T4], e: Expr[M, T5], f: Expr[M, T6], /
    ) -> QuerySet[M, tuple[T1, T2, T3, T4, T5, T6]]: ...
    @overload
    def values_list(
        self,
        a: Expr[M, T1],
        b: Expr[M, T2],
        c: Expr[M, T3],
        d: Expr[M, T4],
        e: Expr[M, T5],
        f: Expr[M, T6],
        g: Expr[M, T7],
        /,
    ) -> QuerySet[M, tuple[T1, T2, T3, T4, T5, T6, T7]]: ...
    @overload
    def values_list(
        self,
        a: Expr[M, T1],
        b: Expr[M, T2],
        c: Expr[M, T3],
        d: Expr[M, T4],
        e: Expr[M, T5],
        f: Expr[M, T6],
        g: Expr[M, T7],
        h: Expr[M, T8],
        /,
    ) -> QuerySet[M, tuple[T1, T2, T3, T4, T5, T6, T7, T8]]: ...
    @overload
    def values_list(self, *fields: str | Node, flat: bool = ..., named: bool = ...) -> QuerySet[M, Any]: ...
    def values_list(self, *fields: Any, flat: bool = False, named: bool = False) -> Any:
        """Rows as tuples; `flat`: as the one value; `named`: as named tuples."""
        rows.by_faces("values_list", fields)
        if flat and named:
            raise TypeError("values_list() takes flat=True or named=True, not both.")
        if flat and len(fields) > 1:
            raise TypeError("values_list(flat=True) takes one field.")
        style: Any = "flat" if flat else "named" if named else "tuple"
        return self._retyped(outputs.values(self.query, fields, style=style))

    @overload
    def into(self, function: Callable[[T1], U], a: Expr[M, T1], /) -> QuerySet[M, U]: ...
    @overload
    def into(self, function: Callable[[T1, T2], U], a: Expr[M, T1], b: Expr[M, T2], /) -> QuerySet[M, U]: ...
    @overload
    def into(
        self, function: Callable[[T1, T2, T3], U], a: Expr[M, T1], b: Expr[M, T2], c: Expr[M, T3], /
    ) -> QuerySet[M, U]: ...
    @overload
    def into(
        self, function: Callable[[T1, T2, T3, T4], U], a: Expr[M, T1], b: Expr[M, T2], c: Expr[M, T3], d: Expr[M, T4], /
    ) -> QuerySet[M, U]: ...
    @overload
    def into(
        self,
        function: Callable[[T1, T2, T3, T4, T5], U],
        a: Expr[M, T1],
        b: Expr[M, T2],
        c: Expr[M, T3],
        d: Expr[M, T4],
        e: Expr[M, T5],
        /,
    ) -> QuerySet[M, U]: ...
    @overload
    def into(
        self,
        function: Callable[[T1, T2, T3, T4, T5, T6], U],
        a: Expr[M, T1],
        b: Expr[M, T2],
        c: Expr[M, T3],
        d: Expr[M, T4],
        e: Expr[M, T5],
        f: Expr[M, T6],
        /,
    ) -> QuerySet[M, U]: ...
    @overload
    def into(
        self,
        function: Callable[[T1, T2, T3, T4, T5, T6, T7], U],
        a: Expr[M, T1],
        b: Expr[M, T2],
        c: Expr[M, T3],
        d: Expr[M, T4],
        e: Expr[M, T5],
        f: Expr[M, T6],
        g: Expr[M, T7],
        /,
    ) -> QuerySet[M, U]: ...
    @overload
    def into(
        self,
        function: Callable[[T1, T2, T3, T4, T5, T6, T7, T8], U],
        a: Expr[M, T1],
        b: Expr[M, T2],
        c: Expr[M, T3],
        d: Expr[M, T4],
        e: Expr[M, T5],
        f: Expr[M, T6],
        g: Expr[M, T7],
        h: Expr[M, T8],
        /,
    ) -> QuerySet[M, U]: ...
    def into(self, function: Callable[..., Any], /, *fields: Any) -> Any:
        """What `function` makes of the values of these expressions, row by row."""
        rows.by_faces("into", fields)
        return self._retyped(outputs.values(self.query, fields, style="into", into=function))

    @overload
    def annotate(self, a: Expr[M, T1], /) -> QuerySet[M, tuple[M, T1]]: ...
    @overload
    def annotate(self, a: Expr[M, T1], b: Expr[M, T2], /) -> QuerySet[M, tuple[M, T1, T2]]: ...
    @overload
    def annotate(self, a: Expr[M, T1], b: Expr[M, T2], c: Expr[M, T3], /) -> QuerySet[M, tuple[M, T1, T2, T3]]: ...
    @overload
    def annotate(
        self, a: Expr[M, T1], b: Expr[M, T2], c: Expr[M, T3], d: Expr[M, T4], /
    ) -> QuerySet[M, tuple[M, T1, T2, T3, T4]]: ...
    @overload
    def annotate(
        self, a: Expr[M, T1], b: Expr[M, T2], c: Expr[M, T3], d: Expr[M, T4], e: Expr[M, T5], /
    ) -> QuerySet[M, tuple[M, T1, T2, T3, T4, T5]]: ...
    @overload
    def annotate(
        self, a: Expr[M, T1], b: Expr[M, T2], c: Expr[M, T3], d: Expr[M, T4], e: Expr[M, T5], f: Expr[M, T6], /
    ) -> QuerySet[M, tuple[M, T1, T2, T3, T4, T5, T6]]: ...
    @overload
    def annotate(
        self,
        a: Expr[M, T1],
        b: Expr[M, T2],
        c: Expr[M, T3],
        d: Expr[M, T4],
        e: Expr[M, T5],
        f: Expr[M, T6],
        g: Expr[M, T7],
        /,
    ) -> QuerySet[M, tuple[M, T1, T2, T3, T4, T5, T6, T7]]: ...
    @overload
    def annotate(
        self,
        a: Expr[M, T1],
        b: Expr[M, T2],
        c: Expr[M, T3],
        d: Expr[M, T4],
        e: Expr[M, T5],
        f: Expr[M, T6],
        g: Expr[M, T7],
        h: Expr[M, T8],
        /,
    ) -> QuerySet[M, tuple[M, T1, T2, T3, T4, T5, T6, T7, T8]]: ...
    @overload
    def annotate(self, *expressions: Node, **named: Any) -> Self: ...
    def annotate(self, *expressions_: Any, **named: Any) -> Any:
        """With names: instances that carry these expressions as attributes. With typed expressions: tuples (instance, value, ...)."""
        rows.by_faces("annotate", expressions_, named)
        return self._evolved(annotating.annotated(self.query, expressions_, named, select=True))

    @overload
    def aggregate(self, a: Agg[M, T1], /) -> T1: ...
    @overload
    def aggregate(self, a: Agg[M, T1], b: Agg[M, T2], /) -> tuple[T1, T2]: ...
    @overload
    def aggregate(self, a: Agg[M, T1], b: Agg[M, T2], c: Agg[M, T3], /) -> tuple[T1, T2, T3]: ...
    @overload
    def aggregate(self, a: Agg[M, T1], b: Agg[M, T2], c: Agg[M, T3], d: Agg[M, T4], /) -> tuple[T1, T2, T3, T4]: ...
    @overload
    def aggregate(
        self, a: Agg[M, T1], b: Agg[M, T2], c: Agg[M, T3], d: Agg[M, T4], e: Agg[M, T5], /
    ) -> tuple[T1, T2, T3, T4, T5]: ...
    @overload
    def aggregate(
        self, a: Agg[M, T1], b: Agg[M, T2], c: Agg[M, T3], d: Agg[M, T4], e: Agg[M, T5], f: Agg[M, T6], /
    ) -> tuple[T1, T2, T3, T4, T5, T6]: ...
    @overload
    def aggregate(
        self, a: Agg[M, T1], b: Agg[M, T2], c: Agg[M, T3], d: Agg[M, T4], e: Agg[M, T5], f: Agg[M, T6], g: Agg[M, T7], /
    ) -> tuple[T1, T2, T3, T4, T5, T6, T7]: ...
    @overload
    def aggregate(
        self,
        a: Agg[M, T1],
        b: Agg[M, T2],
        c: Agg[M, T3],
        d: Agg[M, T4],
        e: Agg[M, T5],
        f: Agg[M, T6],
        g: Agg[M, T7],
        h: Agg[M, T8],
        /,
    ) -> tuple[T1, T2, T3, T4, T5, T6, T7, T8]: ...
    @overload
    def aggregate(self, *aggregates: Node, **named: Any) -> dict[str, Any]: ...
    def aggregate(self, *aggregates: Any, **named: Any) -> Any:
        """With names: a dict of aggregates over all rows. With typed ones: a tuple, or for one alone its value."""
        if not rows.by_faces("aggregate", aggregates, named) and not aggregates and not named:
            return {}
        return rows.summarised(self, aggregates, named)

    def dates(self, field_name: str, kind: str, order: str = "ASC") -> QuerySet[M, datetime.date]:
        """The different dates of a field, cut to year, month, week or day."""
        made: QuerySet[M, datetime.date] = self._retyped(moments.dates(self, field_name, kind, order))
        return made

    def datetimes(
        self, field_name: str, kind: str, order: str = "ASC", tzinfo: datetime.tzinfo | None = None
    ) -> QuerySet[M, datetime.datetime]:
        """The different datetimes of a field, cut to a unit on a clock of `tzinfo` (None: the current time zone)."""
        cut = moments.datetimes(self, field_name, kind, order, tzinfo)
        made: QuerySet[M, datetime.datetime] = self._retyped(cut)
        return made

    # -- reading

    def get(self, *conditions: Cond[M] | Condition | Combinable, **lookups: Any) -> Row_co:
        """The one row that meets the conditions. Raises the model's DoesNotExist or MultipleObjectsReturned."""
        query = self.query
        if conditions or lookups:
            refuse(query.shape, "get", "(...) with filters")
            query = filtering.filtered(query, conditions, lookups, verb="get")
        row: Row_co = rows.single(self, query)
        return row

    def first(self) -> Row_co | None:
        """The first row, in the order of the primary key where no other is asked for; None where there is none."""
        if not self.query.ordered:
            return self._edge(shapes.by_key(self.query, "first"))
        if self._result_cache is not None:
            return self._result_cache[0] if self._result_cache else None
        return self._edge(self.query)

    def last(self) -> Row_co | None:
        """The last row, in the order of the primary key where no other is asked for; None where there is none."""
        if self.query.is_sliced:
            raise TypeError("last() turns the order round, which cannot be done after a slice was taken.")
        return self._edge(shapes.reversed_(shapes.by_key(self.query, "last") if not self.query.ordered else self.query))

    def _edge(self, query: Query) -> Row_co | None:
        return next(iter(self._evolved(shapes.sliced(query, None, 1))), None)

    def earliest(self, *fields: str | Order[M] | Expr[M, Any]) -> Row_co:
        """The first row in the order of `fields`, or of Meta.get_latest_by; DoesNotExist where there is none."""
        row: Row_co = rows.edge(self, fields, last=False)
        return row

    def latest(self, *fields: str | Order[M] | Expr[M, Any]) -> Row_co:
        """The last row in the order of `fields`, or of Meta.get_latest_by; DoesNotExist where there is none."""
        row: Row_co = rows.edge(self, fields, last=True)
        return row

    def count(self) -> int:
        """How many rows there are."""
        return len(self._result_cache) if self._result_cache is not None else rows.counted(self)

    def exists(self) -> bool:
        """Whether there is a row."""
        return bool(self._result_cache) if self._result_cache is not None else rows.existing(self)

    def contains(self, obj: M) -> bool:
        """Whether the instance `obj` is among the rows."""
        return rows.contained(self, obj)

    def in_bulk(self, id_list: Iterable[Any] | None = None, *, field_name: str = "pk") -> dict[Any, Row_co]:
        """The rows by primary key (or another unique field), those of `id_list` only where it is given."""
        return rows.in_bulk(self, id_list, field_name)

    def iterator(self, chunk_size: int | None = None) -> Iterator[Row_co]:
        """The rows, loaded `chunk_size` at a time from one snapshot, without keeping them."""
        if chunk_size is None:
            if self._prefetch_related_lookups:
                raise ValueError("iterator() needs a chunk_size where prefetch_related() is used.")
        elif chunk_size <= 0:
            raise ValueError("chunk_size is a positive number.")
        return rows.in_chunks(self, chunk_size or rows.DEFAULT_CHUNK)

    def explain(self, format: str | None = None, *, verbose: bool = False) -> str:
        """How the store reads the rows; `verbose` adds the generated Python. The one `format` is "text".

        Raises ValueError for another format, and for querysets of another store inside of this one.
        """
        rows.check_format(format)
        check_stores(self.query.shape.stores, self._db)
        return session(self._db).explain(finishers.fetch(self.query).select, verbose=verbose)

    if not TYPE_CHECKING:  # to checkers these are absent, as they ought to be

        def raw(self, *args: Any, **kwargs: Any) -> Never:
            """Raise NotSupportedError: no SQL is run."""
            not_a_goal("raw")

        def extra(self, *args: Any, **kwargs: Any) -> Never:
            """Raise NotSupportedError: no SQL is run."""
            not_a_goal("extra")

    def __iter__(self) -> Iterator[Row_co]:
        return iter(self._results())

    @overload
    def __getitem__(self, index: SupportsIndex) -> Row_co: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: Any) -> Any:
        return rows.picked(self, index)

    # -- writing

    def create(self, **values: Any) -> M:
        """A new instance, saved."""
        made: M = writes.create(self, values)
        return made

    def bulk_create(
        self,
        objs: Iterable[M],
        batch_size: int | None = None,
        ignore_conflicts: bool = False,
        update_conflicts: bool = False,
        update_fields: Sequence[str] | None = None,
        unique_fields: Sequence[str] | None = None,
    ) -> list[M]:
        """Insert instances in one statement, all or none; the list of them, keys set. No signals, no save().

        `ignore_conflicts` leaves out rows that break a unique constraint; `update_conflicts` writes `update_fields` into
        the rows that agree in `unique_fields`.
        """
        return bulk.bulk_create(
            self.model,
            objs,
            batch_size=batch_size,
            ignore_conflicts=ignore_conflicts,
            update_conflicts=update_conflicts,
            update_fields=update_fields,
            unique_fields=unique_fields,
            using=self._db,
        )

    def bulk_update(self, objs: Iterable[M], fields: Sequence[str], batch_size: int | None = None) -> int:
        """Write these fields of saved instances in one statement; how many rows were found."""
        number = bulk.bulk_update(self, objs, fields, batch_size)
        self._result_cache = None
        return number

    def get_or_create(self, defaults: Mapping[str, Any] | None = None, **lookups: Any) -> tuple[M, bool]:
        """The row that `lookups` find, or a new one made of them and `defaults`; and whether it was made."""
        return writes.get_or_create(self, defaults, lookups)

    def update_or_create(
        self,
        defaults: Mapping[str, Any] | None = None,
        create_defaults: Mapping[str, Any] | None = None,
        **lookups: Any,
    ) -> tuple[M, bool]:
        """The row that `lookups` find, changed to `defaults`, or a new one made of `create_defaults`; and whether it was made."""
        return writes.update_or_create(self, defaults, create_defaults, lookups)

    def update(self, *assignments: Assign[M], **values: Any) -> int:
        """Set fields of all rows, in one statement; how many rows there were. No signals, no save()."""
        number = writes.update(self, assignments, values)
        self._result_cache = None
        return number

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete all rows with what hangs on them; how many in all, and by model label. Raises ProtectedError."""
        deleted = writes.delete(self)
        self._result_cache = None
        return deleted

    # -- inner

    _known_related_objects: Mapping[Any, Mapping[tuple[Any, ...], Any]] = MappingProxyType({})

    def _results(self) -> list[Any]:
        raise NotImplementedError

    def _retyped(self, query: Query) -> Any:
        """The same queryset with another query, whose rows are of another type."""
        return self._evolved(query)


class QuerySet(Queries[M, Row_co]):
    """The rows of one query. Nothing is asked of the store before they are needed; then they are kept."""

    # What hides behind an instance's own:
    model: type[M] = Late(late_model)  # type: ignore[assignment]
    query: Query = Late(late_query)  # type: ignore[assignment]
    _db: str | None = Late(late_alias)  # type: ignore[assignment]

    _manager: ClassVar[Callable[[type[Any]], Any]]
    """Makes a manager of a queryset class; set by the floor above, which knows managers."""

    def __init__(
        self,
        model: Any = None,
        query: Query | None = None,
        using: str | None = None,
        hints: Mapping[str, Any] | None = None,
    ) -> None:
        self.model = model
        self.query = shapes.root(info_of(model)) if query is None and model is not None else query  # type: ignore[assignment]
        self._db = using
        self._hints = hints or {}
        self._result_cache = None

    _hints: Mapping[str, Any] = {}

    @classmethod
    def as_manager(cls) -> ManagerOf[Self]:
        """A manager with this class's methods: `objects = UserQuerySet.as_manager()`."""
        made: ManagerOf[Self] = cls._manager(cls)
        return made

    # -- copies

    def _clone(self) -> Self:
        """A copy without results; subclasses that keep more on themselves extend it."""
        kind = type(self)
        if kind.__init__ is QuerySet.__init__:
            clone = object.__new__(kind)
            clone.model = self.model
            clone.query = self.query
            clone._db = self._db
            clone._hints = self._hints
            clone._result_cache = None
        else:
            clone = kind(model=self.model, query=self.query, using=self._db, hints=self._hints)
        clone._prefetch_related_lookups = self._prefetch_related_lookups
        clone._known_related_objects = self._known_related_objects
        return clone

    def _chain(self) -> Self:
        return self._clone()

    def _evolved(self, query: Query) -> Self:
        clone = self._clone()
        clone.query = query
        return clone

    def __copy__(self) -> Self:
        clone = self._clone()
        clone._result_cache = self._result_cache
        return clone

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self._clone()

    def __getstate__(self) -> dict[str, Any]:
        self._results()
        query = pickling.freeze(self.query)
        state = {**self.__dict__, "query": query, PICKLED_BY: __version__}
        del state["model"]
        state.pop("_known_related_objects", None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(check_pickled(state, type(self).__name__))
        self.query = pickling.thaw(*state["query"])
        self.model = self.query.info.model

    # -- results

    def _results(self) -> list[Any]:
        found = self._result_cache
        if found is None:
            found = self._result_cache = rows.read(self)
        return found

    def __iter__(self) -> Iterator[Row_co]:
        found = self._result_cache
        return iter(self._results() if found is None else found)

    def __len__(self) -> int:
        return len(self._results())

    def __bool__(self) -> bool:
        return bool(self._results())

    def __contains__(self, row: object) -> bool:
        return row in self._results()

    def __repr__(self) -> str:
        shown: list[Any] = list(self[: REPR_ROWS + 1])
        if len(shown) > REPR_ROWS:
            shown[-1] = "...(remaining elements truncated)..."
        return f"<{self._title} {shown!r}>"

    def _described(self) -> str:
        return f"<{self._title} of {self.model.__name__}>"

    @property
    def _title(self) -> str:
        return "QuerySet" if type(self).__module__.startswith("modelkit.") else type(self).__name__

    @property
    def db(self) -> str:
        """The alias of the store that the rows are read from."""
        return self._db or DEFAULT

    @property
    def ordered(self) -> bool:
        """Whether the rows come in an order that was asked for."""
        return shapes.is_empty(self.query) or self.query.ordered

    # -- combining

    def __and__(self, other: QuerySet[M, Any]) -> Self:
        rows.check_combinable(self, other, "&")
        if shapes.is_empty(other.query):
            return self.none()
        return self if shapes.is_empty(self.query) else self._combined(other, "and")

    def __or__(self, other: QuerySet[M, Any]) -> Self:
        rows.check_combinable(self, other, "|")
        if shapes.is_empty(self.query):
            return self._evolved(other.query)
        return self if shapes.is_empty(other.query) else self._combined(other, "or")

    def __xor__(self, other: QuerySet[M, Any]) -> Self:
        rows.check_combinable(self, other, "^")
        if shapes.is_empty(self.query):
            return self._evolved(other.query)
        return self if shapes.is_empty(other.query) else self._combined(other, "xor")

    def _combined(self, other: QuerySet[M, Any], operator: Literal["and", "or", "xor"]) -> Self:
        made = self._evolved(shapes.combined(self.query, operator, other.query))
        made._known_related_objects = rows.known_to_both(made, other, alternatives=operator != "and")
        return made


ModelQuerySet: TypeAlias = QuerySet[M, M]
"""The rows of one query as instances, as `QuerySet["Book"]` is, too."""


QS_co = TypeVar("QS_co", bound=QuerySet[Any, Any], covariant=True)


class DefaultObjects:
    """What `objects` is where a model declares no manager."""

    def __get__(self, instance: None, owner: type[M], /) -> ModelQuerySet[M]:
        raise _no_objects(owner)


class ManagerOf(DefaultObjects, Generic[QS_co]):
    """A manager with the methods of a queryset class, as checkers see it: on the class, the queryset."""

    def __get__(self, instance: None, owner: type[Any], /) -> QS_co:
        raise _no_objects(owner)


def _no_objects(owner: Any) -> AttributeError:
    meta = owner._meta
    if meta.abstract:
        return AttributeError(f"{owner.__name__} is abstract: it has no manager 'objects'.")
    return AttributeError(f"{owner.__name__} has no manager 'objects': it declares {', '.join(meta.managers_map)}.")
