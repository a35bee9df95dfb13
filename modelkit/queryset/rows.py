"""Reading: how a queryset's query becomes results.

It knows queries, sessions and loading. What it is handed is a queryset by duck type (`query`, `model`, `_db`, ...), so that
it stands below the classes. The invariant: what one call reads, prefetched rows included, is of one snapshot.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, Protocol

from modelkit import prefetch
from modelkit.database import reads_of, session, statement
from modelkit.errors import FieldError, did_you_mean, shorten
from modelkit.expressions.base import Face
from modelkit.ir.expr import INTEGER, And, Col, Compare, Expr, Param
from modelkit.ir.query import Select
from modelkit.ir.schema import Table
from modelkit.loading import Load, load, loader
from modelkit.modelinfo import is_key
from modelkit.owners import Known, among_others, attach
from modelkit.resolve import aggregation, filtering, finishers, shapes
from modelkit.resolve.combinations import joined
from modelkit.resolve.query import Fetch, Query, SetOperation, check_stores, refuse
from modelkit.signals import post_init, pre_init
from modelkit.transaction import DEFAULT, running, store_of

__all__ = [
    "Reading",
    "by_faces",
    "check_combinable",
    "check_format",
    "contained",
    "counted",
    "edge",
    "existing",
    "in_bulk",
    "in_chunks",
    "intersected",
    "known_to_both",
    "looked_up",
    "picked",
    "read",
    "single",
    "subtracted",
    "summarised",
    "united",
]

MANY: Final = 21
"""As many rows as get() reads at most, so that its message can say how many there are, up to a point."""

DEFAULT_CHUNK: Final = 2000

EXPLAIN_FORMATS: Final = ("TEXT",)
"""What explain() can give, compared without regard to case."""

_NEGATIVE: Final = "Querysets have no negative indexes: reverse the order, or make a list first."


class Reading(Protocol):
    """What reading needs of a queryset."""

    model: Any
    query: Query
    _db: str | None
    _prefetch_related_lookups: tuple[Any, ...]
    _known_related_objects: Known


def finished(queryset: Reading, fetch: Fetch, rows: list[Any]) -> list[Any]:
    """The results for `rows`, all but prefetching."""
    results = load(fetch, rows, queryset._db)
    if queryset._known_related_objects and fetch.entity is not None:
        attach(_instances(fetch, results), queryset._known_related_objects)
    return results


def read(queryset: Reading) -> list[Any]:
    """All results of `queryset`."""
    query = queryset.query
    if shapes.finds_nothing(query, queryset._db):
        return []
    fetch = finishers.fetch(query)
    if not queryset._prefetch_related_lookups or fetch.entity is None:
        rows = session(queryset._db).select(fetch.select, fetch.params)
        return finished(queryset, fetch, rows)
    with statement(queryset._db, reading=True) as running:
        rows = running.select(fetch.select, fetch.params)
        results = finished(queryset, fetch, rows)
        if results:
            prefetch.run(_instances(fetch, results), queryset._prefetch_related_lookups, queryset._db)
    return results


def _instances(fetch: Fetch, results: list[Any]) -> list[Any]:
    """The instances among `results`, which typed annotations make tuples."""
    return [result[0] for result in results] if fetch.style == "row" else results


def check_format(name: str | None) -> None:
    """ValueError where explain() knows no format `name`."""
    if name is not None and name.upper() not in EXPLAIN_FORMATS:
        raise ValueError(
            f"{shorten(name)} is not a recognized format of explain(). Allowed formats: {', '.join(EXPLAIN_FORMATS)}."
        )


def in_chunks(queryset: Reading, chunk: int) -> Iterator[Any]:
    """The results of `queryset`, loaded `chunk` at a time, all from the snapshot that the first one is read from."""
    query = queryset.query
    if shapes.finds_nothing(query, queryset._db):
        return
    fetch = finishers.fetch(query)
    if queryset._prefetch_related_lookups and fetch.entity is not None:
        yield from _prefetched_chunks(queryset, fetch, chunk)
        return
    for rows in session(queryset._db).stream(fetch.select, fetch.params, chunk):
        yield from finished(queryset, fetch, rows)


def _prefetched_chunks(queryset: Reading, fetch: Fetch, chunk: int) -> Iterator[Any]:
    """The results chunk by chunk, with what is prefetched for each read from the snapshot of the first."""
    alias = queryset._db
    current = running(alias)
    transaction = store_of(alias or DEFAULT).begin() if current is None else current.transaction
    try:
        with reads_of(transaction, alias) if current is None else statement(alias, reading=True) as reading:
            chunks = reading.stream(fetch.select, fetch.params, chunk)
        for rows in chunks:
            results = finished(queryset, fetch, rows)
            with reads_of(transaction, alias) if current is None else statement(alias, reading=True):
                prefetch.run(_instances(fetch, results), queryset._prefetch_related_lookups, alias)
            yield from results
    finally:
        if current is None:
            transaction.rollback()


def _finds_one(select: Select, table: Table) -> bool:
    """Whether `where` pins the key, or all that is unique together, of the root table to parameters: at most one row is found."""
    if len(select.sources) > 1 or select.offset is not None:
        return False
    parts: tuple[Expr, ...] = (
        select.where.items if isinstance(select.where, And) else (select.where,) if select.where else ()
    )
    pinned = {
        part.left.column
        for part in parts
        if isinstance(part, Compare)
        and part.op == "eq"
        and isinstance(part.left, Col)
        and isinstance(part.right, Param)
    }
    alone = [unique.columns for unique in table.uniques if unique.condition is None and not unique.deferred]
    return any(columns and pinned.issuperset(columns) for columns in (table.key, *alone))


class _One:
    """How get() reads queries of one shape: with a bound on the number of rows, in no order, unless it is a slice."""

    __slots__ = ("fetch", "load", "more", "ranges", "select", "sure")

    def __init__(self, query: Query) -> None:
        fetch = finishers.fetch(query)
        select = fetch.select
        self.fetch = fetch._replace(params=())
        self.more = fetch.params[len(query.params) :]
        if select.limit is None and not select.distinct_on and not _finds_one(select, query.info.table):
            select = replace(select, limit=Param(INTEGER, False, len(fetch.params)), order=())
            self.more = (*self.more, MANY)
        self.select = select
        self.load: Load | None = None
        if fetch.entity is not None and fetch.style == "entity":
            self.load = loader(fetch)
        self.ranges, fails, stores = shapes.needed(query.shape)
        self.sure = fails is None and not stores
        """Whether nothing but `ranges` is to be asked before the store is."""

    def read(self, queryset: Reading, params: tuple[Any, ...]) -> Any:
        """The one result for these parameters of the query, all but prefetching; raises what single() does."""
        if shapes.out_of_reach(self.ranges, params):
            raise _not_one(queryset.model, 0)
        rows = session(queryset._db).select(self.select, params + self.more)
        if len(rows) != 1:
            raise _not_one(queryset.model, len(rows))
        if self.load is None or pre_init.receivers or post_init.receivers:
            results = finished(queryset, self.fetch, rows)
        else:
            results = self.load(rows, queryset._db)
            if queryset._known_related_objects:
                attach(results, queryset._known_related_objects)
        return results[0]


def looked_up(manager: Reading, root: Query, lookups: Mapping[str, Any]) -> Any:
    """`manager.get(**lookups)`, where `root` is all of the manager's rows.

    No query is made for it where a call of the same structure was resolved before: its values are the parameters.
    """
    values = (*lookups.values(),)
    shape = filtering.taking(root.shape, lookups, values)
    plan: _One | None = None if shape is None else shape.compiled.get("get")
    if plan is None or not plan.sure:
        return single(manager, filtering.filtered(root, (), lookups, verb="get"))
    return plan.read(manager, values)


def single(queryset: Reading, query: Query) -> Any:
    """The one result of `query`; DoesNotExist or MultipleObjectsReturned of the model where there is not exactly one."""
    compiled = query.shape.compiled
    plan: _One | None = compiled.get("get")
    if plan is None:
        plan = compiled["get"] = _One(query)
    if not plan.sure and shapes.finds_nothing(query, queryset._db):
        raise _not_one(queryset.model, 0)
    if queryset._prefetch_related_lookups and plan.fetch.entity is not None:
        with statement(queryset._db, reading=True):
            found = plan.read(queryset, query.params)
            prefetch.run(_instances(plan.fetch, [found]), queryset._prefetch_related_lookups, queryset._db)
        return found
    return plan.read(queryset, query.params)


def _not_one(model: Any, number: int) -> Exception:
    """What get() raises where it found none, or several."""
    error: Exception
    if not number:
        error = model.DoesNotExist(f"No {model.__name__} matches the query.")
    else:
        found = f"more than {MANY - 1}" if number == MANY else str(number)
        error = model.MultipleObjectsReturned(f"get() found {found} {model.__name__} objects where one was asked for.")
    return error


def _bound(value: Any) -> int | None:
    """A number in square brackets, at most as large as a list can be; TypeError where it is none."""
    if value is None:
        return None
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"A queryset is indexed by whole numbers and slices, not by {type(value).__name__}.") from None
    return min(number, sys.maxsize - 1)


def picked(queryset: Any, index: Any) -> Any:
    """`queryset[index]`: a row, a queryset for a slice, or a list for a slice with a step."""
    if not isinstance(index, slice):
        index = _bound(index)
        if index is None:
            raise TypeError("A queryset is indexed by whole numbers and slices, not by NoneType.")
    cache = queryset._result_cache
    if isinstance(index, slice):
        start, stop = _bound(index.start), _bound(index.stop)
        if (start is not None and start < 0) or (stop is not None and stop < 0):
            raise ValueError(_NEGATIVE)
        if cache is not None:
            return cache[index]
        part = queryset._evolved(shapes.sliced(queryset.query, start, stop))
        return list(part)[:: index.step] if index.step else part
    if index < 0:
        raise ValueError(_NEGATIVE)
    if cache is not None:
        return cache[index]
    rows = read(queryset._evolved(shapes.sliced(queryset.query, index, index + 1)))
    if not rows:
        raise IndexError(f"There is no row {index}.")
    return rows[0]


def counted(queryset: Reading) -> int:
    """How many rows there are."""
    query = queryset.query
    if shapes.finds_nothing(query, queryset._db):
        return 0
    select, params = finishers.counted(query)
    number: int = session(queryset._db).select(select, params)
    return number


def summarised(queryset: Reading, aggregates: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
    """aggregate(): a dict for aggregates with names; for typed ones a tuple, or for one alone its value."""
    query = queryset.query
    fetch, typed, stores = aggregation.summarised(query, aggregates, named)
    check_stores(stores, queryset._db)
    row = aggregation.over_nothing(fetch) if shapes.finds_nothing(query, queryset._db) else None
    rows = session(queryset._db).select(fetch.select, fetch.params) if row is None else [row]
    result = load(fetch, rows)[0]
    return result[0] if typed and len(result) == 1 else result


def existing(queryset: Reading) -> bool:
    """Whether there is a row."""
    query = queryset.query
    if shapes.finds_nothing(query, queryset._db):
        return False
    select, params = finishers.existing(query)
    found: bool = session(queryset._db).select(select, params)
    return found


def contained(queryset: Any, obj: Any) -> bool:
    """Whether `obj` is among the results."""
    refuse(queryset.query.shape, "contains")
    if not queryset._gives_instances():
        raise TypeError("contains() looks for instances: it does not go with values(), values_list() or into().")
    meta = getattr(obj, "_meta", None)
    if meta is None or isinstance(obj, type):
        raise TypeError(f"contains() takes an instance of a model, not {shorten(obj)}.")
    if meta.concrete_model is not queryset.model._meta.concrete_model:
        return False
    if not is_key(obj.pk):
        raise ValueError("contains() takes an instance that has a primary key: save it first.")
    if queryset._result_cache is not None:
        return obj in queryset._result_cache
    found: bool = queryset.filter(pk=obj.pk).exists()
    return found


def in_bulk(queryset: Any, keys: Iterable[Any] | None, field_name: str) -> dict[Any, Any]:
    """The rows whose `field_name` is among `keys` (None: all), by that value."""
    if queryset.query.is_sliced:
        raise TypeError("in_bulk() cannot be used after a slice was taken: it has no limit and no offset.")
    if not queryset._gives_instances():
        raise TypeError("in_bulk() gives instances: it does not go with values(), values_list() or into().")
    info = queryset.query.info
    attribute = info.key[0] if field_name == "pk" else info.named.get(field_name)
    if field_name != "pk":
        _check_unique(queryset, attribute, field_name)
    if keys is None:
        found: Any = queryset
    else:
        wanted = list(keys)
        if not wanted:
            return {}
        found = queryset.filter(**{f"{field_name}__in": wanted}).order_by()
    name = "pk" if field_name == "pk" else attribute.attname
    return {getattr(result, name): result for result in found}


def _check_unique(queryset: Any, attribute: Any, field_name: str) -> None:
    if attribute is None:
        raise FieldError(
            f"{queryset.model.__name__} has no field '{field_name}' (in in_bulk(field_name=...))."
            f"{did_you_mean(field_name, queryset.query.info.named)}"
        )
    alone = any(
        unique.columns == (attribute.column,) and unique.condition is None
        for unique in queryset.query.info.table.uniques
    )
    if not (attribute.field.unique or alone or queryset.query.shape.distinct_on == (field_name,)):
        raise ValueError(f"in_bulk()'s field_name must name a unique field, and '{field_name}' is not unique.")


def by_faces(what: str, arguments: tuple[Any, ...], named: Iterable[str] = ()) -> bool:
    """Whether the arguments of `what` are faces; TypeError where faces and names are mixed."""
    faces = sum(isinstance(argument, Face) for argument in arguments)
    if not faces:
        return False
    if faces != len(arguments) or any(True for _ in named):
        raise TypeError(
            f"{what}() takes either typed expressions (Model.field) or names, not both in one call: "
            "the first give typed rows, the second Django's."
        )
    return True


def edge(queryset: Any, fields: tuple[Any, ...], *, last: bool) -> Any:
    """The first (or last) row in the order of `fields`, or of Meta.get_latest_by."""
    latest_by = queryset.model._meta.get_latest_by
    keys = fields or ((latest_by,) if isinstance(latest_by, str) else latest_by)
    if not keys:
        raise ValueError("earliest() and latest() take fields to order by, unless Meta.get_latest_by names them.")
    if queryset.query.is_sliced:
        raise TypeError("earliest() and latest() change the order, which cannot be done after a slice was taken.")
    query = shapes.ordered(queryset.query, tuple(keys))
    query = shapes.sliced(shapes.reversed_(query) if last else query, None, 1)
    return single(queryset, query)


def check_combinable(left: Any, right: Any, operator: str) -> None:
    """TypeError where two querysets do not combine by `operator`."""
    if not hasattr(right, "query"):
        raise TypeError(f"A queryset combines by {operator} with another queryset, not with {type(right).__name__}.")
    if left.query.shape.combination is not None or right.query.shape.combination is not None:
        raise TypeError(
            f"Cannot use {operator} operator with combined queryset: combine its parts by {operator} instead."
        )
    if right.query.info.concrete is not left.query.info.concrete:
        raise TypeError(f"{left.model.__name__} and {right.model.__name__} querysets cannot be combined by {operator}.")
    if (left.query.is_sliced or right.query.is_sliced) and operator == "&":
        raise TypeError("Querysets cannot be combined by & after a slice was taken.")


def united(queryset: Any, others: tuple[Any, ...], *, all: bool) -> Any:
    """The rows of several querysets; those that are none() are left out."""
    _check_querysets("union", others)
    operation: SetOperation = "union all" if all else "union"
    if not shapes.is_empty(queryset.query):
        return _set_operation(queryset, operation, others)
    full = [other for other in others if not shapes.is_empty(other.query)]
    if len(full) < 2:
        return full[0] if full else queryset
    return _set_operation(full[0], operation, tuple(full[1:]))


def intersected(queryset: Any, others: tuple[Any, ...]) -> Any:
    """The rows in all querysets."""
    _check_querysets("intersection", others)
    empty = next((each for each in (queryset, *others) if shapes.is_empty(each.query)), None)
    return _set_operation(queryset, "intersect", others) if empty is None else empty


def subtracted(queryset: Any, others: tuple[Any, ...]) -> Any:
    """The rows of a queryset that are in none of the others."""
    _check_querysets("difference", others)
    return queryset if shapes.is_empty(queryset.query) else _set_operation(queryset, "except", others)


def _check_querysets(method: str, others: tuple[Any, ...]) -> None:
    for other in others:
        if not isinstance(getattr(other, "query", None), Query):
            raise TypeError(f"{method}() takes querysets, not {shorten(other)}.")


def _set_operation(queryset: Any, operation: SetOperation, others: tuple[Any, ...]) -> Any:
    made = queryset._evolved(joined(operation, (queryset.query, *[other.query for other in others])))
    if made._known_related_objects and operation in ("union", "union all"):
        made._known_related_objects = among_others(made._known_related_objects)
    return made


def known_to_both(left: Reading, right: Reading, *, alternatives: bool) -> Known:
    """The related instances that either queryset knows; as `alternatives` they find rows of others, too."""
    merged = dict(left._known_related_objects)
    for relation, instances in right._known_related_objects.items():
        merged[relation] = {**merged.get(relation, {}), **instances}
    return among_others(merged) if alternatives else merged
