"""Loads related instances for many instances at once: one statement for each level of each lookup.

It knows ModelInfo, queries and sessions, and gets querysets only as objects handed in or by a model's manager.
The invariant: what it caches on an instance is what the instance's own accessor would have fetched in the same snapshot.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from itertools import chain, repeat
from operator import attrgetter
from typing import Any, Final

from modelkit.database import session, statement
from modelkit.dealing import dealt_by_attributes, dealt_by_rows_between
from modelkit.errors import ObjectDoesNotExist, did_you_mean, shorten
from modelkit.expressions.conditions import Q
from modelkit.garbage import without_collection
from modelkit.loading import Grouping, Groups, OwnedGroups, load, load_groups, reads_plainly, sets_plainly
from modelkit.modelinfo import ModelInfo, Relation, back_of, held, info_of, is_key, kept_as
from modelkit.owners import ABSENT, LISTS, Known, attach, kept, owned
from modelkit.resolve import filtering, finishers, shapes
from modelkit.resolve.query import Query

__all__ = ["Prefetch", "Prefetched", "aprefetch_related_objects", "prefetch_related_objects", "run"]

SEPARATOR: Final = "__"


class Prefetch:
    """One lookup of `prefetch_related`, with a queryset of its own and perhaps an attribute to put the result in.

    `to_attr` takes a list (to-one relations: the instance or None) instead of the relation's own cache.
    Raises ValueError for a queryset that gives no instances.
    """

    def __init__(self, lookup: str, queryset: Any = None, to_attr: str | None = None) -> None:
        if not isinstance(lookup, str):
            raise TypeError(f"A relation to prefetch is given by name or as a Prefetch, not as {shorten(lookup)}.")
        queryset = _all_of(queryset, lookup)
        if queryset is not None and queryset.query.style != "entity":
            raise ValueError(
                "The queryset of a Prefetch must give instances: values(), values_list() and into() do not."
            )
        self.prefetch_through = lookup
        self.prefetch_to = lookup
        if to_attr:
            self.prefetch_to = SEPARATOR.join([*lookup.split(SEPARATOR)[:-1], to_attr])
        self.queryset = queryset
        self.to_attr = to_attr

    def add_prefix(self, prefix: str) -> None:
        """Make the lookup start one or more levels further up."""
        self.prefetch_through = prefix + SEPARATOR + self.prefetch_through
        self.prefetch_to = prefix + SEPARATOR + self.prefetch_to

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        if self.queryset is not None:
            state["queryset"] = _emptied(self.queryset)
        return state

    def __eq__(self, other: object) -> bool:
        return self.prefetch_to == other.prefetch_to if isinstance(other, Prefetch) else NotImplemented

    def __hash__(self) -> int:
        return hash((type(self), self.prefetch_to))

    def __repr__(self) -> str:
        return f"<Prefetch {self.prefetch_to}>"


def _all_of(queryset: Any, lookup: str) -> Any:
    """The queryset of a Prefetch; TypeError for what is none, a manager too."""
    if queryset is not None and not hasattr(queryset, "_prefetch_related_lookups"):
        way = f": {shorten(queryset)} is a manager, and its all() is one" if hasattr(queryset, "get_queryset") else ""
        raise TypeError(f"Prefetch({lookup!r}, ...) takes a queryset, not {shorten(queryset)}{way}.")
    return queryset


def _emptied(queryset: Any) -> Any:
    """A copy of `queryset` that holds no rows, and so reads none where it is pickled."""
    copied = queryset._chain()
    copied._result_cache = []
    return copied


class Prefetched(list[Any]):
    """What was prefetched through a queryset of the user's own, which further filters start from."""

    __slots__ = ("queryset",)

    def __init__(self, found: Iterable[Any], queryset: Any) -> None:
        super().__init__(found)
        self.queryset = queryset

    def __getstate__(self) -> tuple[None, dict[str, Any]]:
        return None, {"queryset": None if self.queryset is None else _emptied(self.queryset)}


def prefetch_related_objects(model_instances: Sequence[Any], *related_lookups: str | Prefetch) -> None:
    """Load what `related_lookups` name for all of `model_instances` (of one model) at once.

    What is cached on them already is not read again. Raises AttributeError for a name that the instances lack, ValueError
    for one that is no relation. One statement for each level of each lookup.
    """
    if not model_instances:
        return
    alias = getattr(model_instances[0], "__dict__", {}).get("_db")
    with statement(alias, reading=True):
        run(model_instances, related_lookups, alias)


async def aprefetch_related_objects(model_instances: Sequence[Any], *related_lookups: str | Prefetch) -> None:
    """As prefetch_related_objects()."""
    prefetch_related_objects(model_instances, *related_lookups)


def run(instances: Sequence[Any], lookups: Sequence[str | Prefetch], alias: str | None = None) -> None:
    """The same for a queryset's result, in the caller's statement: reads go to the session of `alias`."""
    if instances:
        with without_collection:
            _Run(instances, alias).all(lookups)


class _Lookup:
    """One lookup to follow: the user's Prefetch, and whether it came with a queryset on the way."""

    __slots__ = ("automatic", "prefetch")

    def __init__(self, given: str | Prefetch, prefix: str = "") -> None:
        if prefix:
            given = copy.copy(given) if isinstance(given, Prefetch) else Prefetch(given)
            given.add_prefix(prefix)
        self.prefetch = given if isinstance(given, Prefetch) else Prefetch(given)
        self.automatic = bool(prefix)


class _Run:
    """One call: the instances found so far under each path, and the relations that were followed."""

    def __init__(self, instances: Sequence[Any], alias: str | None) -> None:
        self.instances = instances
        self.alias = alias
        self.done: dict[str, Sequence[Any]] = {}
        self.followed: set[Relation] = set()
        self.waiting: list[_Lookup] = []

    def all(self, lookups: Sequence[str | Prefetch]) -> None:
        """Follow `lookups` and those that come with the querysets on the way."""
        self.waiting = [_Lookup(lookup) for lookup in reversed(lookups)]
        while self.waiting:
            lookup = self.waiting.pop()
            if lookup.prefetch.prefetch_to not in self.done:
                self.follow(lookup)
            elif lookup.prefetch.queryset is not None:
                raise ValueError(
                    f"'{lookup.prefetch.prefetch_to}' is prefetched twice, now with another queryset. "
                    "Name the lookup with the queryset first, or give it a to_attr."
                )

    def follow(self, lookup: _Lookup) -> None:
        """Walk one lookup, level by level."""
        through = lookup.prefetch.prefetch_through.split(SEPARATOR)
        names = lookup.prefetch.prefetch_to.split(SEPARATOR)
        instances = self.instances
        for level, attribute in enumerate(through):
            path = SEPARATOR.join(names[: level + 1])
            known = self.done.get(path)
            if known is not None:
                instances = known
                continue
            if not instances or not hasattr(instances[0], "__dict__"):
                return
            last = level == len(through) - 1
            to_attr = names[level] if last and lookup.prefetch.to_attr else None
            found: list[Any] = []
            for alike in _apart(instances, attribute):
                found.extend(self.step(alike, attribute, lookup, path, to_attr, last=last))
            if path in self.done:
                self.done[path] = found
            instances = found

    def step(
        self, instances: Sequence[Any], name: str, lookup: _Lookup, path: str, to_attr: str | None, *, last: bool
    ) -> list[Any]:
        """One level of a lookup from instances of one model: what `name` leads to."""
        if to_attr is not None:
            _check_free(info_of(type(instances[0])), to_attr)
        virtual = _virtual(type(instances[0]), name)
        if virtual is not None:
            return self.fetch_virtual(instances, virtual, lookup, path, to_attr, last=last)
        relation = self.relation(instances[0], name, lookup.prefetch, last)
        if relation is None:
            return _traversed(instances, name if to_attr is None else to_attr)
        untouched = to_attr is None and _keep_none(instances, relation)
        missing = list(instances) if untouched else [each for each in instances if not _has(each, relation, to_attr)]
        if not missing:
            return _traversed(instances, name if to_attr is None else to_attr)
        level = self.level(relation, path, to_attr, lookup.prefetch.queryset if last else None)
        level.untouched = untouched
        # Who comes next starts from what was found.
        found = level.fill(missing, listed=bool(not last or self.waiting or level.nested))
        if level.own is not None or not (lookup.automatic and relation in self.followed):
            self.done[path] = found
            self.waiting.extend(_Lookup(each, path) for each in reversed(level.nested))
        self.followed.add(relation)
        return found

    def fetch_virtual(
        self, instances: Sequence[Any], field: Any, lookup: _Lookup, path: str, to_attr: str | None, *, last: bool
    ) -> list[Any]:
        """What a relation without a column leads to, which knows itself how it is read."""
        if last and lookup.prefetch.queryset is not None:
            raise ValueError(
                f"'{path}' leads to rows of any model: use GenericPrefetch, which takes a queryset for each of them."
            )
        querysets = getattr(lookup.prefetch, "querysets", ()) if last else ()
        missing = [each for each in instances if to_attr is not None or not field.is_cached(each)]
        if missing:
            for each, related in zip(missing, field.prefetched(missing, querysets, self.alias), strict=True):
                if to_attr is None:
                    field.keep(each, related)
                else:
                    setattr(each, to_attr, related)
            self.done[path] = ()
        return _traversed(instances, field.name if to_attr is None else to_attr)

    @staticmethod
    def relation(instance: Any, name: str, prefetch: Prefetch, last: bool) -> Relation | None:
        """The relation `name` of the instances; None where it is another attribute that only leads on."""
        model = type(instance)
        info = info_of(model) if hasattr(model, "_meta") else None
        relation = _relation(model, name) if info is not None else None
        if relation is None:
            path = prefetch.prefetch_through
            inside = "" if path == name else f" (in prefetch_related('{path}'))"
            if info is not None:
                info.require(name)
            if not hasattr(model, name) and not hasattr(instance, name):
                near = did_you_mean(name, _prefetchable(info)) if info is not None else ""
                raise AttributeError(f"{model.__name__} has no '{name}' to prefetch{inside}.{near}")
            if last:
                raise ValueError(f"'{name}' of {model.__name__} is no relation, so it cannot be prefetched{inside}.")
        return relation

    def level(self, relation: Relation, path: str, to_attr: str | None, own: Any) -> _Level:
        """How one level is read, through the user's `own` queryset where there is one."""
        if own is not None:
            _check_model(own.model, relation, path)
        queryset = own if own is not None else _queryset(relation)
        return _Level(relation, queryset, queryset._db or self.alias, to_attr, own)


def _prefetchable(info: ModelInfo) -> list[str]:
    """What prefetch_related() takes on a model: for messages."""
    return [*info.accessors, *(field.name for field in info.model._meta.private_fields if field.goes_by)]


def _apart(instances: Sequence[Any], name: str) -> Iterable[Sequence[Any]]:
    """`instances` by model, where a relation to rows of any model led to several; together where one statement reads all."""
    kinds = list(dict.fromkeys(map(type, instances)))
    if len(kinds) == 1:
        return (instances,)
    relations = [_relation(kind, name) for kind in kinds if hasattr(kind, "_meta")]
    known = [relation for relation in relations if relation is not None]
    if len(known) == len(kinds):
        same = {(relation.target, relation.remote, tuple(relation.restriction)) for relation in known}
        generic = all(relation.kind == "reverse_generic" for relation in known)
        if len(same) == 1 and (generic or len({relation.field for relation in known}) == 1):
            return (instances,)
    return ([each for each in instances if type(each) is kind] for kind in kinds)


def _virtual(model: Any, name: str) -> Any:
    """The relation without a column of that name that knows itself how it is read; None where there is none."""
    if not hasattr(model, "_meta"):
        return None
    fields = model._meta.private_fields
    return next((field for field in fields if field.name == name and hasattr(field, "prefetched")), None)


def _check_model(model: Any, relation: Relation, path: str) -> None:
    """ValueError where a Prefetch's queryset is of a model that its relation does not lead to."""
    given, wanted = info_of(model).concrete, info_of(relation.target).concrete
    if not issubclass(given, wanted) and not issubclass(wanted, given):
        raise ValueError(  # noqa: TRY004 - the queryset's type is right, its model is not
            f"Prefetch('{path}') leads to {wanted.__name__}, and its queryset is of {given.__name__}."
        )


def _relation(model: Any, name: str) -> Relation | None:
    """The relation behind the accessor `name` of a model, or of a parent, whose accessors its children have too."""
    for kind in model.__mro__:
        meta = kind.__dict__.get("_meta")
        if meta is not None and not meta.abstract and name in info_of(kind).accessors:
            return info_of(kind).accessors[name]
    return None


def _queryset(relation: Relation) -> Any:
    """What the relation's accessor starts from: to-one relations are not hidden by a default manager."""
    target = relation.target
    return (target._default_manager if relation.many else target._base_manager).get_queryset()


def _check_free(info: ModelInfo, to_attr: str) -> None:
    if to_attr in info.named or to_attr in info.accessors:
        raise ValueError(f"to_attr='{to_attr}' conflicts with a field of {info.name}: choose a name that is free.")


def _keep_none(instances: Sequence[Any], relation: Relation) -> bool:
    """Whether `instances` surely keep nothing where `relation` would be cached, and may be given it without asking.

    For one to many: no list at all.
    """
    plain = all(reads_plainly(kind) and sets_plainly(kind) for kind in set(map(type, instances)))
    return plain and not any(map(hasattr, instances, repeat(LISTS if relation.many else relation.cache)))


def _has(instance: Any, relation: Relation, to_attr: str | None) -> bool:
    """Whether what would be fetched is cached on `instance`."""
    state = instance.__dict__
    if to_attr is not None:
        return to_attr in state
    if relation.many:
        return relation.cache in state.get(LISTS, ())
    related = kept(state, relation.cache)
    if related is ABSENT:
        return False
    if related is None or relation.kind == "reverse_one_to_one":
        return True
    return bool(held(related.__dict__, relation.remote) == held(state, relation.local))


def _traversed(instances: Sequence[Any], name: str) -> list[Any]:
    """What the attribute `name` of all `instances` holds: related instances, or lists of them."""
    found: list[Any] = []
    for instance in instances:
        cached = instance.__dict__.get(LISTS)
        if cached is not None and name in cached:
            found.extend(cached[name])
            continue
        try:
            value = getattr(instance, name)
        except ObjectDoesNotExist:
            continue
        if isinstance(value, list):
            found.extend(value)
        elif value is not None:
            found.append(value)
    return found


def _replaces(lookup: str | Prefetch, relation: Relation) -> bool:
    """Whether a nested lookup brings other instances for the owners than those at hand."""
    return isinstance(lookup, Prefetch) and lookup.queryset is not None and lookup.prefetch_to == relation.field.name


class _Level:
    """One relation from instances at hand, read in one statement and cached on them."""

    def __init__(self, relation: Relation, queryset: Any, alias: str | None, to_attr: str | None, own: Any) -> None:
        self.relation = relation
        self.alias = alias
        self.to_attr = to_attr
        self.own = own
        """The user's own queryset, where it was one."""
        self.known: Known = queryset._known_related_objects
        self.query, self.cut = _unsliced(queryset.query)
        self.nested: tuple[str | Prefetch, ...] = queryset._prefetch_related_lookups
        self.knows_owner = not any(_replaces(each, relation) for each in self.nested)
        self.untouched = False
        """Whether the instances at hand keep nothing prefetched, and may be given attributes without asking."""

    def fill(self, instances: list[Any], *, listed: bool) -> list[Any]:
        """Load and cache what the relation leads to from `instances`; the related instances, of to-many ones where `listed`."""
        relation = self.relation
        generic = relation.kind == "reverse_generic"
        keys: list[Any] = list(map(relation.field.own_key if generic else attrgetter(*relation.local), instances))
        wanted = dict.fromkeys(keys)
        if len(relation.local) == 1:
            wanted.pop(None, None)
        else:
            wanted = {key: None for key in wanted if is_key(key)}
        asked = bool(wanted) and not shapes.is_empty(self.query)
        if not relation.many:
            found = self.single(tuple(wanted)) if asked else []
            attach(found, self.known)
            self.cache_single(instances, keys, found)
            return found
        groups: Groups = {key: [] for key in wanted}
        if asked:
            if generic:
                self.generic(instances, groups)
            elif relation.through is not None:
                self.through(groups)
            else:
                self.direct(groups, dict(zip(keys, instances, strict=True)))
        if self.cut != _WHOLE:
            groups = {key: group[self.cut] for key, group in groups.items()}
        alone = len(groups) == len(keys)
        lists = list(groups.values()) if alone else [groups.get(key, []) for key in keys]
        self.cache_lists(instances, lists)
        found = list(chain.from_iterable(groups.values())) if listed or self.known else []
        attach(found, self.known)
        return found

    def single(self, wanted: tuple[Any, ...]) -> list[Any]:
        """Instances whose remote attributes are one of `wanted`."""
        fetch = finishers.fetch(shapes.ordered(shapes.among(self.query, self.relation.remote, wanted), ()))
        return load(fetch, session(self.alias).select(fetch.select, fetch.params), self.alias)

    def direct(self, groups: Groups, owners: dict[Any, Any]) -> None:
        """The same, each put into the group whose key it holds, and told of the one of `owners` with that key."""
        relation = self.relation
        query = shapes.among(self.query, relation.remote, tuple(groups))
        kept = ""
        taking: Groups | OwnedGroups = groups
        if relation.kind == "reverse_foreign_key" and self.knows_owner:
            kept, taking = kept_as(relation.field.name), owned(groups, owners)
        fetch = finishers.fetch(query)
        dealing = query.shape.compiled.get("dealing")
        if dealing is None:
            dealing = query.shape.compiled["dealing"] = dealt_by_attributes(fetch, relation.remote)
        rows = session(self.alias).select(dealing.select, fetch.params)
        if not dealing.select.dealt:
            _give(load(fetch, rows, self.alias), relation.remote, kept, taking)
            return
        if dealing.convert is not None:
            rows = [(part, dealing.convert(owner)) for part, owner in rows]
        load_groups(fetch, rows, self.alias, Grouping("by owner", kept), taking)

    def generic(self, instances: list[Any], groups: Groups) -> None:
        """Instances that name one of `instances` (of any model with such a relation), each put into its group."""
        (remote,) = self.relation.remote
        by_model: dict[Any, dict[Any, None]] = {}
        for instance in instances:
            if instance.pk is not None:
                by_model.setdefault(type(instance), {})[instance.pk] = None
        either = Q()
        for model, keys in by_model.items():
            relation = _relation(model, self.relation.name)
            assert relation is not None
            lookups: dict[str, Any] = {f"{remote}__in": list(keys), **relation.restriction}
            either |= Q(**lookups)
        fetch = finishers.fetch(filtering.filtered(self.query, (either,), {}))
        for each in load(fetch, session(self.alias).select(fetch.select, fetch.params), self.alias):
            group = groups.get(self.relation.field.owner_key(each, self.alias))
            if group is not None:
                group.append(each)

    def through(self, groups: Groups) -> None:
        """Instances at the other end of a many-to-many relation, each put into the group that it was found for."""
        back, wanted = back_of(self.relation), tuple(groups)
        query = _sharing(self.query)
        if len(back.remote) == 1:
            query = filtering.filtered(query, (), {f"{back.name}__{back.remote[0]}__in": wanted})
        else:
            query = shapes.related_to_any(query, back, wanted)
        fetch = finishers.fetch(query)
        dealing = query.shape.compiled.get("dealing")
        if dealing is None:
            dealing = query.shape.compiled["dealing"] = dealt_by_rows_between(fetch, back)
        rows = session(self.alias).select(dealing.select, fetch.params)
        if not dealing.select.dealt:
            rows = [(*row, [owner]) for *row, owner in rows]
        if dealing.convert is not None:
            rows = [(*row, list(map(dealing.convert, owners))) for *row, owners in rows]
        load_groups(fetch, rows, self.alias, Grouping("by row"), groups)

    def cache_lists(self, instances: list[Any], lists: list[list[Any]]) -> None:
        """Give each instance its list."""
        cache = self.relation.cache
        if self.to_attr is not None:
            for instance, found in zip(instances, lists, strict=True):
                setattr(instance, self.to_attr, found)
            return
        if self.own is not None:
            lists = [Prefetched(found, self.own) for found in lists]
        if self.untouched:
            for instance, found in zip(instances, lists, strict=True):
                instance._prefetched_objects_cache = {cache: found}
        else:
            for instance, found in zip(instances, lists, strict=True):
                instance.__dict__.setdefault(LISTS, {})[cache] = found

    def cache_single(self, instances: list[Any], keys: list[Any], found: list[Any]) -> None:
        """Give each instance the one related to it, or None."""
        relation = self.relation
        cache = relation.cache
        by_key = dict(zip(map(attrgetter(*relation.remote), found), found, strict=True))
        other_cache = _other_cache(relation)
        for key, instance in zip(keys, instances, strict=True):
            related = by_key.get(key)
            if related is not None and other_cache is not None:
                related.__dict__[other_cache] = instance
            if self.to_attr is not None:
                setattr(instance, self.to_attr, related)
                continue
            instance.__dict__[cache] = related
            if related is None and is_key(key) and relation.kind != "reverse_one_to_one":
                instance.__dict__.setdefault("_related_keys", {})[cache] = key


_WHOLE: Final = slice(None)


def _unsliced(query: Query) -> tuple[Query, slice]:
    """`query` without its slice, and that slice: it is taken of each instance's own rows."""
    shape = query.shape
    if not query.is_sliced:
        return query, _WHOLE
    start = query.params[shape.offset.slot] if shape.offset is not None else 0
    stop = None if shape.limit is None else start + query.params[shape.limit.slot]
    made = shape.compiled.get("unsliced")
    if made is None:
        made = shape.compiled["unsliced"] = shape.evolve(limit=None, offset=None)
    return Query(made, query.params), slice(start, stop)


def _sharing(query: Query) -> Query:
    """`query`, whose next filter shares all of its joins."""
    shape = query.shape
    if len(shape.sources) == 1:
        return query
    made = shape.compiled.get("sharing")
    if made is None:
        made = shape.compiled["sharing"] = shape.evolve(sticky=frozenset(range(len(shape.sources))))
    return Query(made, query.params)


def _give(found: list[Any], attnames: tuple[str, ...], kept: str, groups: Groups | OwnedGroups) -> None:
    """Put each of `found` into the group whose key it holds as `attnames`, as `load_groups` does."""
    for each, key in zip(found, map(attrgetter(*attnames), found), strict=True):
        taken: Any = groups.get(key)
        if taken is None:
            continue
        if kept:
            taken, owner = taken
            each.__dict__.setdefault(kept, owner)
        taken.append(each)


def _other_cache(relation: Relation) -> str | None:
    """Where an instance found along a one-to-one relation caches the one it was found for."""
    if relation.kind == "reverse_one_to_one":
        return kept_as(relation.field.name)
    if relation.kind == "foreign_key":
        return None
    for other in info_of(relation.target).accessors.values():
        if other.field is relation.field and other.kind == "reverse_one_to_one":
            return other.cache
    return None
