"""Deletes instances and querysets with all that hangs on them: an iterative collector, no recursion.

It knows ModelInfo, queries, sessions and signals. The invariant: everything that one call deletes or changes is collected
before the first row is written, and written in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, Final, Literal

from modelkit.database import session, statement
from modelkit.errors import ProtectedError, RestrictedError, shorten
from modelkit.ir.expr import BOOLEAN, In, Or, Param
from modelkit.ir.query import Delete, RowOutput, Select, Source, Update, ValueOutput
from modelkit.ir.schema import Table
from modelkit.ir.types import ScalarType
from modelkit.loading import load
from modelkit.modelinfo import Hop, ModelInfo, Relation, info_of, is_key
from modelkit.pointing import changes, rows_under, side_by_side
from modelkit.records import dataclass
from modelkit.registry import default
from modelkit.resolve import filtering, finishers, outputs, shapes
from modelkit.resolve.query import Query, Shape
from modelkit.retrying import standing
from modelkit.signals import post_delete, pre_delete
from modelkit.stores.base import Removal, Session
from modelkit.transaction import mark_broken
from modelkit.undeclared import Undeclared

__all__ = [
    "CASCADE",
    "DO_NOTHING",
    "PROTECT",
    "RESTRICT",
    "SET",
    "SET_DEFAULT",
    "SET_NULL",
    "OnDelete",
    "delete_instances",
    "delete_queryset",
]


@dataclass(frozen=True, slots=True)
class OnDelete:
    """What becomes of the rows whose foreign key points to a deleted one. `value` is what SET sets, or a function that gives it."""

    action: Literal["CASCADE", "PROTECT", "RESTRICT", "SET_NULL", "SET_DEFAULT", "SET", "DO_NOTHING"]
    value: Any = None

    def __repr__(self) -> str:
        return f"SET({shorten(self.value)})" if self.action == "SET" else self.action


CASCADE: Final = OnDelete("CASCADE")
"""They are deleted too."""

PROTECT: Final = OnDelete("PROTECT")
"""Deleting raises ProtectedError."""

RESTRICT: Final = OnDelete("RESTRICT")
"""Deleting raises RestrictedError, unless they are deleted along by another way."""

SET_NULL: Final = OnDelete("SET_NULL")
"""Their key becomes NULL."""

SET_DEFAULT: Final = OnDelete("SET_DEFAULT")
"""Their key becomes the field's default."""

DO_NOTHING: Final = OnDelete("DO_NOTHING")
"""They stay as they are; a reference that is enforced refuses the deletion then."""


def SET(value: Any) -> OnDelete:  # noqa: N802 - Django's name
    """Their key becomes `value`; a function is called when something is deleted."""
    return OnDelete("SET", value)


@dataclass(frozen=True, eq=False, slots=True)
class _Pointer:
    """A foreign key of another model to this one, as deleting sees it.

    `local` gives of the plan's `attnames` the value that it holds, `columns` of `table` hold it there: tuples where these are
    several. `drop` removes the rows that point to one of a tuple of values, `change` sets their key. `enforced`: the store refuses a
    commit that would leave one pointing nowhere; else what was found must still be so then.
    """

    relation: Relation
    on_delete: OnDelete
    local: Callable[[Values], Any]
    columns: tuple[int, ...]
    table: Table
    type: ScalarType
    drop: Delete
    change: Update
    enforced: bool
    constants: Values = ()
    """What the parameters of `drop` and of readers hold beside the values."""


@dataclass(frozen=True, eq=False, slots=True)
class _Plan:
    """What deleting rows of a model takes: made once for each ModelInfo, and kept with it.

    `attnames` are the attributes that must be known of each row, its key first. `parents` are the other tables of its
    lineage: the class and the position in `attnames` of its key. `single`: the rows can go without a look at anything else;
    `childless`: so they can together with those of their one parent.
    `drop` removes rows of the model's own table by key. `readers` read attnames of rows that point somewhere.
    """

    info: ModelInfo
    attnames: tuple[str, ...]
    pointers: tuple[_Pointer, ...]
    parents: tuple[tuple[Any, int], ...]
    single: bool
    childless: bool
    drop: Delete
    readers: dict[tuple[_Pointer, tuple[str, ...]], Select]


def _pointer(relation: Relation, attnames: list[str]) -> _Pointer:
    attnames.extend(name for name in relation.local if name not in attnames)
    target = info_of(relation.target)
    attributes = [target.named[name] for name in relation.remote]
    table = target.levels[attributes[0].level].table
    columns = tuple(attribute.column for attribute in attributes)
    guard = next((hop.guard for hop in relation.hops if hop.guard is not None), None)
    side = relation.field.remote_field
    enforced = guard is None and side.db_constraint
    return _Pointer(
        relation,
        side.on_delete,
        itemgetter(*map(attnames.index, relation.local)),
        columns,
        table,
        attributes[0].type,
        Delete(rows_under(table, columns, guard, enforced=enforced)),
        Update(rows_under(table, columns, enforced=enforced), tuple(changes(table, columns))),
        enforced,
        () if guard is None else guard.constants,
    )


def _plan(info: ModelInfo) -> _Plan:
    found: _Plan | None = info.made.get("deletion")
    if found is None:
        attnames = [info.pk_name]
        pointers = tuple(
            _pointer(relation, attnames)
            for relation in dict.fromkeys((*info.relations.values(), *info.accessors.values()))
            if relation.kind in {"reverse_foreign_key", "reverse_one_to_one", "reverse_generic"}
            and relation.field.remote_field.on_delete.action != "DO_NOTHING"
        )
        parents = []
        for level in reversed(info.levels[:-1]):
            if level.link not in attnames:
                attnames.append(level.link)
            parents.append((level.model, attnames.index(level.link)))
        table = info.levels[-1].table
        drop = Delete(rows_under(table, table.key))
        single, childless = not pointers and not parents, not pointers and len(parents) == 1
        found = _Plan(info, tuple(attnames), pointers, tuple(parents), single, childless, drop, {})
        info.made["deletion"] = found
    return found


@dataclass(frozen=True, eq=False, slots=True)
class _Chain:
    """Deleting rows of a model and all that cascades from them as one request to the store.

    There is one where CASCADE is all that follows, over tables none of which is reached twice. `infos` say by step whose
    rows go; `below` are the steps after the root's. `by_keys` are all of them, of which those next to the root are given
    the root's keys, as it is; None where one of these wants another attribute.
    """

    infos: tuple[ModelInfo, ...]
    below: tuple[Removal, ...]
    by_keys: tuple[Removal, ...] | None

    def is_heard(self) -> bool:
        """Whether anyone listens to deletions of one of the models."""
        if not pre_delete.receivers and not post_delete.receivers:
            return False
        return any(_heard(info.model) for info in self.infos)

    def steps(self, shape: Shape, removal: Delete) -> tuple[Removal, ...]:
        """All steps, of which `removal` is the root's; kept with its shape."""
        known: tuple[_Chain, tuple[Removal, ...]] | None = shape.compiled.get("cascade")
        if known is None or known[0] is not self:
            known = shape.compiled["cascade"] = (self, (Removal(removal), *self.below))
        return known[1]

    def run(self, alias: str | None, steps: tuple[Removal, ...], params: Values) -> tuple[int, dict[str, int]]:
        """Let the store take `steps`; how many rows went, in all and by model label."""
        try:
            counts = session(alias).cascade(steps, params)
        except BaseException as error:
            mark_broken(alias, error)
            raise
        return sum(counts), {info.label: count for info, count in zip(self.infos, counts, strict=True) if count}


def _chain(plan: _Plan) -> _Chain | None:
    """The chain of a model, where there is one."""
    made = plan.info.made
    found: tuple[_Chain | None, tuple[ModelInfo, ...]] | None = made.get("deletion chain")
    if found is None or any(info.model._meta.info is not info for info in found[1]):
        found = made["deletion chain"] = _linked(plan)
    return found[0]


def _linked(plan: _Plan) -> tuple[_Chain | None, tuple[ModelInfo, ...]]:
    """A model's chain, and the models on which it depends that this is it. `plans` grows while it is walked."""
    plans = [plan]
    below: list[Removal] = []
    chained = not plan.parents
    for number, parent in enumerate(plans):
        for pointer in parent.pointers:
            target = _plan(info_of(pointer.relation.target))
            plain = pointer.on_delete.action == "CASCADE" and not pointer.constants and not target.parents
            chained = chained and plain and all(target.info.concrete is not known.info.concrete for known in plans)
            if not chained:
                return None, tuple(known.info for known in [*plans, target])
            plans.append(target)
            columns = tuple(parent.info.named[name].column for name in pointer.relation.local)
            below.append(Removal(pointer.drop, number, columns))
    infos = tuple(known.info for known in plans)
    by_keys = None
    key = tuple(attribute.attname for attribute in plan.info.key)
    if all(pointer.relation.local == key for pointer in plan.pointers):
        given = [Removal(step.drop) if step.parent == 0 else step for step in below]
        by_keys = (Removal(plan.drop), *given)
    return _Chain(infos, tuple(below), by_keys) if chained else None, infos


def _reader(plan: _Plan, pointer: _Pointer, attnames: tuple[str, ...]) -> Select:
    """What reads `attnames` of the rows (of the plan's model) that point to one of a tuple of values."""
    found = plan.readers.get((pointer, attnames))
    if found is None:
        sources = [Source(pointer.table)]
        placed: dict[tuple[Hop, ...], int] = {(): 0}
        columns = []
        for attributes in map(plan.info.key_named, attnames):
            attribute = attributes[0]
            for depth, hop in enumerate(attribute.lineage, 1):
                path = attribute.lineage[:depth]
                if path not in placed:
                    placed[path] = len(sources)
                    sources.append(Source(hop.table, placed[path[:-1]], hop.left, hop.right, hop.many, hop.optional))
            table = plan.info.levels[attribute.level].table
            places = tuple(each.column for each in attributes)
            columns.append(ValueOutput(side_by_side(table, places, placed[attribute.lineage])))
        where = pointer.drop.target.where
        found = plan.readers[pointer, attnames] = Select(
            tuple(sources), tuple(columns), where=where, locks=not pointer.enforced
        )
    return found


def _heard(model: Any) -> bool:
    """Whether anyone listens to deletions of `model`."""
    return bool(pre_delete.receivers or post_delete.receivers) and (
        pre_delete.has_listeners(model) or post_delete.has_listeners(model)
    )


Values = tuple[Any, ...]


class _Collector:
    """What one deletion deletes and changes, collected through a list of work instead of recursion."""

    def __init__(self, reads: Session, alias: str, origin: Any) -> None:
        self.session = reads
        self.alias = alias
        self.origin = origin
        self.rows: dict[Any, dict[Any, Values]] = {}
        """Model class -> key -> values of the plan's attnames."""
        self.instances: dict[Any, dict[Any, Any]] = {}
        """Model class -> key -> instance, where there are instances."""
        self.dependencies: dict[Any, set[Any]] = {}
        """Concrete model -> those whose rows go before its own do."""
        self.drops: list[tuple[_Pointer, Values]] = []
        self.changes: list[tuple[_Pointer, Any, Values]] = []
        self.protected: dict[str, list[Any]] = {}
        self.restricted: dict[_Pointer, list[Any]] = {}
        self.undeclared = Undeclared(reads)

    def add(self, model: Any, rows: Iterable[Values], instances: Iterable[Any] = ()) -> list[Values]:
        """Note rows of `model` to delete; those that are new."""
        known = self.rows.setdefault(model, {})
        new = []
        for row in rows:
            if row[0] not in known:
                known[row[0]] = row
                new.append(row)
        if instances:
            kept = self.instances.setdefault(model, {})
            for instance in instances:
                kept.setdefault(instance.pk, instance)
        return new

    def before(self, first: Any, then: Any) -> None:
        """Rows of `first` are to go before rows of `then`."""
        self.dependencies.setdefault(info_of(then).concrete, set()).add(info_of(first).concrete)
        self.rows.setdefault(first, {})

    def collect(self, model: Any, rows: list[Values], *, keep_parents: bool = False) -> None:
        """Note `rows` of `model` and all that cascades from them, depth first. Raises ProtectedError and RestrictedError."""
        frames = [self._follow(model, rows, keep_parents)]
        while frames:
            found = next(frames[-1], None)
            if found is None:
                frames.pop()
            else:
                frames.append(self._follow(*found, False))
        if self.protected or self.undeclared.protected:
            names = ", ".join([*self.protected, *self.undeclared.protected])
            raise ProtectedError(
                f"{info_of(model).name} cannot be deleted: rows that must be protected still point to it or to what would be "
                f"deleted along, through {names}. Delete or change them first.",
                [instance for found in self.protected.values() for instance in found],
            )
        self._refuse_restricted(model)

    def _follow(self, model: Any, rows: list[Values], keep_parents: bool) -> Iterator[tuple[Any, list[Values]]]:
        """Note what follows from deleting `rows` of `model`; yields what is deleted along, to be followed in turn."""
        plan = _plan(info_of(model))
        kept = {info_of(parent).concrete for parent, _ in plan.parents} if keep_parents else ()
        if not keep_parents:
            for parent, position in plan.parents:
                self._add_parents(model, parent, position, rows)
        for pointer in plan.pointers:
            if kept and info_of(pointer.relation.field.remote_field.model).concrete in kept:
                continue
            values = tuple(dict.fromkeys(filter(is_key, map(pointer.local, rows))))
            if not values:
                continue
            if pointer.constants:
                values = _as_held(pointer, values)
            if pointer.on_delete.action == "CASCADE":
                new = self._cascade(model, pointer, values)
                if new:
                    yield pointer.relation.target, new
            else:
                self._act(model, pointer, values)
        if self.undeclared:
            yield from self._follow_undeclared(plan, rows, keep_parents)

    def _follow_undeclared(
        self, plan: _Plan, rows: list[Values], keep_parents: bool
    ) -> Iterator[tuple[Any, list[Values]]]:
        """Note what follows in tables that no model declares; yields the rows of models, their parents, that go along."""
        levels = [(plan.info.levels[-1].table, 0)]
        if not keep_parents:
            levels += [(info_of(parent).levels[-1].table, position) for parent, position in plan.parents]
        for table, position in levels:
            for name, keys in self.undeclared.follow(table, [row[position] for row in rows]):
                model = default.model_of_table(name)
                assert model is not None
                info = info_of(model)
                query = shapes.among(shapes.root(info), (info.pk_name,), tuple(keys))
                heard = _heard(model)
                fetch = finishers.fetch(query if heard else outputs.values(query, _plan(info).attnames, style="tuple"))
                found = self.session.select(fetch.select, fetch.params)
                instances = load(fetch, found, self.alias) if heard else ()
                if heard:
                    found = [_values(instance, _plan(info).attnames) for instance in instances]
                new = self.add(info.concrete, found, instances)
                if new:
                    yield info.concrete, new

    def _add_parents(self, model: Any, parent: Any, position: int, rows: list[Values]) -> None:
        for child in (model, *(other for other, _ in _plan(info_of(model)).parents)):
            if child is not parent and issubclass(child, parent):
                self.before(child, parent)
        instances = []
        if model in self.instances and _heard(parent):
            found = self.instances[model]
            instances = [_parent_of(found[row[0]], parent) for row in rows if row[0] in found]
        plan = _plan(info_of(parent))
        blank = (None,) * (len(plan.attnames) - 1)
        self.add(parent, [(row[position], *blank) for row in rows], instances)

    def _act(self, model: Any, pointer: _Pointer, values: Values) -> None:
        """Do what the pointer's on_delete says with the rows that point to `values`."""
        field = pointer.relation.field
        on_delete = pointer.on_delete
        match on_delete.action:
            case "PROTECT":
                found = self._load(pointer, values)
                if found:
                    label = f"'{info_of(field.model).name}.{field.name}'"
                    self.protected.setdefault(label, []).extend(found)
            case "RESTRICT":
                found = self._load(pointer, values)
                if found:
                    self.restricted.setdefault(pointer, []).extend(found)
                    self.before(pointer.relation.target, model)
            case "SET_NULL":
                self.changes.append((pointer, None, values))
            case "SET_DEFAULT" if not callable(field.default) or self._is_pointed(pointer, values):
                self.changes.append((pointer, field.get_default(), values))
            case "SET" if not callable(on_delete.value):
                self.changes.append((pointer, on_delete.value, values))
            case "SET" if self._is_pointed(pointer, values):
                self.changes.append((pointer, on_delete.value(), values))
            case "CASCADE" | "DO_NOTHING" | "SET_DEFAULT" | "SET":
                pass

    def _is_pointed(self, pointer: _Pointer, values: Values) -> bool:
        """Whether any row points to `values`: what a callable gives is asked for, and perhaps made, for rows alone."""
        plan = _plan(info_of(pointer.relation.target))
        return bool(self.session.select(_reader(plan, pointer, plan.attnames[:1]), (values, *pointer.constants)))

    def _cascade(self, model: Any, pointer: _Pointer, values: Values) -> list[Values]:
        """Note the rows that point to `values`; those that are new and must be followed."""
        target = pointer.relation.target
        field = pointer.relation.field
        plan = _plan(info_of(target))
        heard = _heard(target)
        alone = plan.single or (plan.childless and field.remote_field.parent_link)
        if alone and not heard and not self.undeclared:
            self.drops.append((pointer, values))
            return []
        instances: Sequence[Any] = ()
        if heard:
            instances = self._load(pointer, values)
            rows = [_values(instance, plan.attnames) for instance in instances]
        else:
            rows = self.session.select(_reader(plan, pointer, plan.attnames), (values, *pointer.constants))
        new = self.add(target, rows, instances) if rows else []
        if new and not field.null:
            self.before(target, model)
        return new

    def _load(self, pointer: _Pointer, values: Values) -> list[Any]:
        """Instances of the rows that point to `values`."""
        relation = pointer.relation
        query = filtering.filtered(shapes.root(info_of(relation.target)), (), dict(relation.restriction))
        query = shapes.among(query, relation.remote, values)
        fetch = finishers.fetch(query if pointer.enforced else shapes.locked(query))
        return load(fetch, self.session.select(fetch.select, fetch.params), self.alias)

    def _refuse_restricted(self, model: Any) -> None:
        """Raise RestrictedError where a restricted row is not deleted along."""
        undeclared = self.undeclared.restricted()
        if not self.restricted and not undeclared:
            return
        dropped: dict[Any, set[Any]] = {}
        for pointer, values in self.drops:
            plan = _plan(info_of(pointer.relation.target))
            rows = self.session.select(_reader(plan, pointer, plan.attnames[:1]), (values, *pointer.constants))
            dropped.setdefault(plan.info.model, set()).update(row[0] for row in rows)
        left: dict[str, list[Any]] = {}
        for pointer, instances in self.restricted.items():
            target = pointer.relation.target
            gone = self.rows.get(target, {}).keys() | dropped.get(target, set())
            field = pointer.relation.field
            stay = [instance for instance in instances if instance.pk not in gone]
            if stay:
                left.setdefault(f"'{info_of(field.model).name}.{field.name}'", []).extend(stay)
        if left or undeclared:
            raise RestrictedError(
                f"{info_of(model).name} cannot be deleted: rows that are not deleted along still point to it, through "
                f"{', '.join([*left, *undeclared])}. Delete or change them first.",
                [instance for instances in left.values() for instance in instances],
            )

    def order(self) -> list[Any]:
        """The models in an order where rows go before those they point to; as collected where they point in a circle."""
        models = list(self.rows)
        placed: list[Any] = []
        done: set[Any] = set()
        while len(placed) < len(models):
            before = len(placed)
            for model in models:
                if model not in placed and self.dependencies.get(info_of(model).concrete, set()) <= done:
                    placed.append(model)
                    done.add(info_of(model).concrete)
            if len(placed) == before:
                return models
        return placed

    def write(self) -> tuple[int, dict[str, int]]:
        """Send the signals, delete and change what was collected; how many rows went, in all and by model label."""
        ordered = [(model, _sorted(self.rows[model])) for model in self.order()]
        for model, keys in ordered:
            if pre_delete.receivers and not _automatic(model):
                self._send(pre_delete, model, keys)
        counts: dict[str, int] = {}
        for label, number in self.undeclared.write():
            counts[label] = counts.get(label, 0) + number
        for model, drop, values in _together(self.drops):
            _count(counts, model, self.session.delete(drop, values))
        for pointer, value, values in self.changes:
            _change(self.session, pointer, value, values)
        for model, keys in ordered:
            keys.reverse()
            if keys:
                _count(counts, model, self.session.delete(_plan(info_of(model)).drop, (tuple(keys),)))
            if post_delete.receivers and not _automatic(model):
                self._send(post_delete, model, keys)
        return sum(counts.values()), counts

    def _send(self, signal: Any, model: Any, keys: list[Any]) -> None:
        instances = self.instances.get(model, {})
        for key in keys:
            instance = instances.get(key)
            if instance is not None:
                signal.send(sender=model, instance=instance, using=self.alias, origin=self.origin)

    def forget_keys(self) -> None:
        """Take the primary key off the instances of deleted rows."""
        for model, instances in self.instances.items():
            attname = info_of(model).pk_name
            for instance in instances.values():
                setattr(instance, attname, None)


def _as_held(pointer: _Pointer, values: Values) -> Values:
    """Keys as a field that is no foreign key holds them, which may be of another type."""
    relation = pointer.relation
    coerce = info_of(relation.target).named[relation.remote[0]].field.coerce
    return tuple(coerce(value) for value in values)


def _values(instance: Any, attnames: tuple[str, ...]) -> Values:
    state = instance.__dict__
    return tuple([state[attname] if attname in state else getattr(instance, attname) for attname in attnames])


def _parent_of(instance: Any, parent: Any) -> Any:
    """The instance of a parent model that belongs to `instance`, following the parent links."""
    info = info_of(type(instance))
    if info.concrete is info_of(parent).concrete:
        return instance
    for relation in info.relations.values():
        if relation.kind == "parent" and issubclass(relation.target, parent):
            return _parent_of(getattr(instance, relation.name), parent)
    return instance


def _together(drops: list[tuple[_Pointer, Values]]) -> Iterator[tuple[Any, Delete, tuple[Values, ...]]]:
    """The deletions by pointer, those from one table as one statement: the model, the Delete and its parameters."""
    by_table: dict[Any, dict[_Pointer, list[Any]]] = {}
    for pointer, values in drops:
        alike = pointer if pointer.constants else pointer.table
        by_table.setdefault(alike, {}).setdefault(pointer, []).extend(values)
    for group in by_table.values():
        pointers = tuple(group)
        model = pointers[0].relation.target
        made = info_of(model).made
        statement_ = pointers[0].drop if len(pointers) == 1 else made.get(("deletion", pointers))
        if statement_ is None:
            statement_ = made["deletion", pointers] = _any_of(pointers)
        yield model, statement_, (*(tuple(values) for values in group.values()), *pointers[0].constants)


def _any_of(pointers: tuple[_Pointer, ...]) -> Delete:
    """What deletes the rows of one table that point somewhere by any of several keys."""
    table = pointers[0].table
    tests = tuple(
        In(BOOLEAN, False, item, Param(item.type, False, slot))
        for slot, item in enumerate(side_by_side(table, pointer.columns) for pointer in pointers)
    )
    loose = not all(pointer.enforced for pointer in pointers)
    return Delete(Select((Source(table),), (RowOutput(0),), where=Or(BOOLEAN, True, tests), bare=True, locks=loose))


def _automatic(model: Any) -> bool:
    return bool(model._meta.auto_created)


def _sorted(keys: Iterable[Any]) -> list[Any]:
    listed = list(keys)
    return sorted(listed) if len(listed) > 1 else listed


def _count(counts: dict[str, int], model: Any, number: int) -> None:
    if number:
        label = info_of(model).label
        counts[label] = counts.get(label, 0) + number


def _change(writes: Session, pointer: _Pointer, value: Any, values: Values) -> None:
    """Set the foreign key of the rows that point to `values`."""
    if hasattr(value, "_meta"):
        value = getattr(value, pointer.relation.local[0])
    writes.update(pointer.change, (values, None if value is None else pointer.type.coerce(value)))


def delete_instances(
    instances: Sequence[Any], using: str | None = None, *, keep_parents: bool = False, origin: Any = None
) -> tuple[int, dict[str, int]]:
    """Delete `instances` (of one model) and what cascades from them: how many rows in all, and by model label.

    `keep_parents` leaves the rows of the model's parents, and what points to them. Afterwards the instances' primary key
    is None. Raises ProtectedError, RestrictedError; ValueError for an instance without a key.
    Complexity: a few statements for each model (and for each level of a self-reference) that rows are found of.
    """
    if not instances:
        return 0, {}
    model = type(instances[0])
    info = info_of(model)
    attname = info.pk_name
    alias = using or instances[0].__dict__.get("_db") or "default"
    for instance in instances:
        if not is_key(_values(instance, (attname,))[0]):
            raise ValueError(f"This {info.name} cannot be deleted: its key {attname} is None, so it is not stored.")
    plan = _plan(info)
    keys = tuple(dict.fromkeys(_values(instance, (attname,))[0] for instance in instances))
    counted = _deleted_at_once(plan, keys, alias)
    if counted is not None:
        for instance in instances:
            setattr(instance, attname, None)
        return counted
    origin = instances[0] if origin is None else origin
    collector, counted = standing(alias, partial(_delete_collected, instances, alias, origin, keep_parents))
    collector.forget_keys()
    for instance in instances:
        setattr(instance, attname, None)
    return counted


def _delete_collected(
    instances: Sequence[Any], alias: str, origin: Any, keep_parents: bool
) -> tuple[_Collector, tuple[int, dict[str, int]]]:
    """Collect what goes with `instances`, then delete it; the collector, and what went."""
    model = type(instances[0])
    attnames = _plan(info_of(model)).attnames
    with statement(alias, reading=True, isolation="serializable") as running:
        collector = _Collector(running, alias, origin)
        rows = collector.add(model, [_values(instance, attnames) for instance in instances], instances)
        collector.collect(model, rows, keep_parents=keep_parents)
        with statement(alias):
            return collector, collector.write()


def _deleted_at_once(plan: _Plan, keys: Values, alias: str) -> tuple[int, dict[str, int]] | None:
    """Delete the rows with `keys` in one request to the store; None, and nothing done, where that takes more."""
    if session(alias).store.undeclared():
        return None
    if plan.single and not _heard(plan.info.model):
        count = session(alias).delete(plan.drop, (keys,))
        return count, {plan.info.label: count}
    chain = _chain(plan)
    if chain is None or chain.by_keys is None or chain.is_heard():
        return None
    return chain.run(alias, chain.by_keys, (keys,))


def delete_queryset(queryset: Any) -> tuple[int, dict[str, int]]:
    """Delete what `queryset` finds, and what cascades from it: how many rows in all, and by model label."""
    query = queryset.query
    info = query.info
    model, alias = info.model, queryset.db
    if shapes.finds_nothing(query, alias):
        return 0, {}
    plan = _plan(info)
    heard = _heard(model)
    undeclared = session(alias).store.undeclared()
    if plan.single and not heard and not undeclared:
        removal, params = finishers.removal(query)
        count = session(alias).delete(removal, params)
        return count, {info.label: count} if count else {}
    chain = _chain(plan)
    if chain is not None and not undeclared and not chain.is_heard():
        removal, params = finishers.removal(query)
        return chain.run(alias, chain.steps(query.shape, removal), params)
    return standing(alias, partial(_delete_found, queryset, shapes.ordered(query, ()), alias))


def _delete_found(queryset: Any, query: Query, alias: str) -> tuple[int, dict[str, int]]:
    """Collect what `query` finds, and what goes with it, then delete it."""
    model = query.info.model
    attnames = _plan(query.info).attnames
    with statement(alias, reading=True, isolation="serializable") as running:
        collector = _Collector(running, alias, queryset)
        if _heard(model):
            fetch = finishers.fetch(query)
            instances = load(fetch, running.select(fetch.select, fetch.params), alias)
            rows = collector.add(model, [_values(instance, attnames) for instance in instances], instances)
        else:
            fetch = finishers.fetch(outputs.values(query, attnames, style="tuple"))
            rows = collector.add(model, running.select(fetch.select, fetch.params))
        collector.collect(model, rows)
        with statement(alias):
            return collector.write()
