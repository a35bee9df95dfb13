"""Writes one instance: save, refresh and what they share.

It knows ModelInfo, sessions and signals. The invariant: a row holds canonical values only, made field by field, and an
instance is marked as saved only after its row was written.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, Final, TypeAlias

from modelkit.codegen import Source, identifier
from modelkit.database import session, statement
from modelkit.errors import FieldDoesNotExist, ObjectNotUpdated, OptimisticLockError, did_you_mean, shorten
from modelkit.expressions.base import F, Face, Node, Value
from modelkit.fields.base import Field
from modelkit.fields.numbers import VersionField
from modelkit.ir.analysis import nodes_of, subselects
from modelkit.ir.expr import BOOLEAN, INTEGER, And, Arith, Col, Compare, Const, Expr, Param
from modelkit.ir.query import Assignment, RowOutput, Select, Update, ValueOutput
from modelkit.ir.query import Source as TableSource
from modelkit.ir.schema import DEFAULT, Column, Row, Table
from modelkit.loading import converter
from modelkit.modelinfo import Attribute, Level, ModelInfo, Relation, held, info_of, is_key, kept_as, values_of
from modelkit.records import dataclass
from modelkit.resolve import conditions, expressions, shapes, writes
from modelkit.signals import post_save, pre_save
from modelkit.stores.memory.compiler import compile_formula
from modelkit.transaction import DEFAULT as DEFAULT_ALIAS
from modelkit.transaction import mark_broken

__all__ = [
    "LevelPlan",
    "SavePlan",
    "check_related",
    "insert_rows",
    "load_deferred",
    "mark_saved",
    "plan_of",
    "refresh",
    "row_of",
    "save",
    "stored_by",
    "take_filled",
]

Build: TypeAlias = Callable[[Any], Row]
"""A row (or the values of some columns) of an instance."""

_NO_NOTES: Final[dict[str, Any]] = {}

MOST_UPDATES: Final = 200
"""As many sets of fields as are remembered for a table."""

FORWARD: Final = frozenset({"foreign_key", "one_to_one", "parent"})


@dataclass(eq=False, slots=True)
class LevelPlan:
    """How the row of one level of a model is written. `filled`: what the store may fill in, with how a stored value is read.

    `parents` are (own link, key of the parent) by attname, for each parent that the level's model links to.
    """

    model: Any
    table: Table
    attributes: tuple[Attribute, ...]
    key: tuple[Attribute, ...]
    row: Build
    filled: tuple[tuple[int, str, Callable[[Any], Any] | None], ...]
    parents: tuple[tuple[str, str, str], ...]
    makers: tuple[tuple[str, Callable[[Any], Any]], ...]
    """What makes a missing key of an instance, by attname."""
    key_has_default: bool
    finder: Select
    """Finds the row by its key."""
    updates: dict[tuple[frozenset[str] | None, bool], tuple[Update, Build, tuple[Attribute, ...]] | None]
    """For names of fields (None: all) and whether raw: the Update, its parameters of an instance, the fields; None for no columns."""
    version: Attribute | None = None
    """Counts the row's saves, where the model wants that."""
    take_place: Callable[[Iterable[Any], str | None], None] | None = None
    """Where rows have an order of their own: what numbers new ones."""

    def raw_row(self, instance: Any) -> Row:
        """The row as it is, without what pre_save() makes of it."""
        return _builder("raw row", self.attributes, self.table, adding=True, raw=True)(instance)


@dataclass(eq=False, slots=True)
class SavePlan:
    """How instances of a model are written: level by level, after the forward relations were looked at."""

    info: ModelInfo
    levels: tuple[LevelPlan, ...]
    forward: tuple[Relation, ...]
    virtual: tuple[Any, ...]
    """The relations without a column, which say themselves whether an instance may be written."""
    names: frozenset[str]
    """What update_fields may name."""
    attnames: frozenset[str]
    versioned: bool
    generated: tuple[str, ...]
    """The attnames of what the store makes of a row's other values: forgotten where these were written."""
    silent: bool
    """An automatic through model: no signals."""


def plan_of(info: ModelInfo) -> SavePlan:
    """The plan for a model; made once for each ModelInfo."""
    plan: SavePlan | None = info.made.get("save")
    if plan is None:
        plan = info.made["save"] = _planned(info)
    return plan


def _planned(info: ModelInfo) -> SavePlan:
    keys = {(number, column) for number, level in enumerate(info.levels) for column in level.table.key}
    own = [attribute for attribute in info.attributes if not attribute.field.generated]
    writable = [attribute for attribute in own if (attribute.level, attribute.column) not in keys]
    levels = tuple(_level_plan(info, level) for level in info.levels)
    return SavePlan(
        info,
        levels,
        tuple(relation for relation in info.relations.values() if relation.kind in FORWARD),
        tuple(field for field in info.model._meta.private_fields if hasattr(field, "check_saved")),
        frozenset(name for attribute in writable for name in (attribute.name, attribute.attname)),
        frozenset(attribute.attname for attribute in own),
        any(level.version is not None for level in levels),
        tuple(attribute.attname for attribute in info.attributes if attribute.field.generated),
        bool(info.model._meta.auto_created),
    )


def _level_plan(info: ModelInfo, level: Level) -> LevelPlan:
    table = level.table
    attributes = tuple(sorted(level.attributes, key=lambda attribute: attribute.column))
    key = tuple(attribute for column in table.key for attribute in attributes if attribute.column == column)
    filled = tuple(
        (attribute.column, attribute.attname, converter(attribute.field))
        for attribute in attributes
        if _is_filled(table.columns[attribute.column]) or attribute.field.db_returning
    )
    parents = tuple(
        (relation.local[0], relation.remote[0], relation.cache)
        for relation in (info if level.model is info.concrete else info_of(level.model)).relations.values()
        if relation.kind == "parent"
    )
    return LevelPlan(
        level.model,
        table,
        attributes,
        key,
        _builder(f"row of {info.label}", attributes, table, adding=True),
        filled,
        parents,
        tuple((part.attname, part.field.get_pk_value_on_save) for part in key if _makes_key(part.field)),
        all(attribute.field.has_default() or attribute.field.has_db_default() for attribute in key),
        _by_key(key, table, 0),
        {},
        next((attribute for attribute in attributes if isinstance(attribute.field, VersionField)), None),
        level.model._meta.take_place,
    )


def _is_filled(column: Column) -> bool:
    return column.auto or column.default is not None or column.generated is not None


def _makes_key(field: Field[Any]) -> bool:
    return field.has_default() or type(field).get_pk_value_on_save is not Field.get_pk_value_on_save


# -- values


class _Expression(Exception):
    """An attribute of an instance holds an expression that a statement must compute."""


def stored_by(field: Field[Any], *, adding: bool = False) -> Callable[[Any], Any]:
    """What makes a value of an instance the one that is stored, where it is not of the canonical type already.

    Raises _Expression for an expression in a row that is there, and in a new one for one with a query in it.
    """
    coerce = field.coerce
    kind = type(field)
    if kind.get_db_prep_value is not Field.get_db_prep_value or kind.get_db_prep_save is not Field.get_db_prep_save:
        prepared = field.get_db_prep_save
        scalar = field.scalar_type

        def coerce(value: Any) -> Any:
            value = prepared(value, None)
            return None if value is None else scalar.coerce(value)

    def stored(value: Any) -> Any:
        if value is None or value is DEFAULT:
            return value
        if isinstance(value, (Node, Face)):
            node = value.node if isinstance(value, Face) else value
            if not adding:
                raise _Expression
            value = node.value if isinstance(node, Value) else _computed(field, node)
        return coerce(value)

    return stored


def _computed(field: Field[Any], node: Node) -> Any:
    """The value of an expression for a new row; ValueError where it reads a column: there is no row yet."""
    formula = expressions.formula(info_of(field.model), node)
    if any(isinstance(part, Col) for part in nodes_of(formula.expr)):
        raise ValueError(
            f"{field.label} of a new row cannot be {node!r}: it reads a column, and there is no row yet. "
            "F() is for rows that are there: save() the row first, or pass a value."
        )
    if any(True for _ in subselects(formula.expr)):
        raise _Expression
    return compile_formula(formula)(())


def row_of(level: LevelPlan, instance: Any, alias: str | None) -> Row:
    """The row that `instance` is to be inserted as; queries in its attributes are answered first."""
    try:
        return level.row(instance)
    except _Expression:
        return _row_of_expressions(level, instance, alias)


def _row_of_expressions(level: LevelPlan, instance: Any, alias: str | None) -> Row:
    """As `row_of`, where attributes hold expressions: these stand there again afterwards, as what was asked for."""
    d = instance.__dict__
    asked = {
        attribute.attname: node
        for attribute in level.attributes
        if isinstance(node := d.get(attribute.attname), (Node, Face))
    }
    info = info_of(level.model)
    try:
        for attname, node in asked.items():
            formula = expressions.formula(info, node)
            answer = Select((TableSource(level.table),), (ValueOutput(formula.expr),), _NEVER, group=())
            ((d[attname],),) = session(alias).select(answer, formula.params)
        return level.row(instance)
    finally:
        d.update(asked)


_NEVER: Final = Const(BOOLEAN, False, False)


def _builder(title: str, attributes: Collection[Attribute], table: Table, *, adding: bool, raw: bool = False) -> Build:
    """A function that gives the stored values of an instance's `attributes`, in their order.

    Values of the canonical type pass after one look at their type; all others go through the field. A key that finds a row
    is taken as it is: what pre_save() would make of it is the key of no row.
    """
    source = Source(title)
    values: list[str] = []
    with source.block("def build(instance):"):
        source.line("d = instance.__dict__")
        for attribute in attributes:
            field = attribute.field
            if field.generated:
                values.append(source.bind(DEFAULT, "default"))
                continue
            value = f"v_{len(values)}"
            values.append(value)
            found_by = not adding and attribute.column in table.key
            if type(field).pre_save is not Field.pre_save and not raw and not found_by:
                source.line(f"{value} = {source.bind(field.pre_save, 'pre_save')}(instance, {adding})")
            else:
                attname = identifier(attribute.attname)
                with source.block("try:"):
                    source.line(f"{value} = d['{attname}']")
                with source.block("except KeyError:"):
                    source.line(f"{value} = instance.{attname}")
            canonical = field.canonical_type
            test = (
                "if True:" if canonical is None else f"if type({value}) is not {source.bind(canonical, 'canonical')}:"
            )
            with source.block(test):
                source.line(f"{value} = {source.bind(stored_by(field, adding=adding), 'stored')}({value})")
            if adding and table.columns[attribute.column].auto:
                with source.block(f"if {value} is None:"):
                    source.line(f"{value} = {source.bind(DEFAULT, 'default')}")
        source.line(f"return ({', '.join(values)}{',' if values else ''})")
    return source.function("build")


def _update_of(
    level: LevelPlan, names: frozenset[str] | None, raw: bool
) -> tuple[Update, Build, tuple[Attribute, ...]] | None:
    """The Update by key that writes the fields `names` of a level's row (None: all); kept with the level.

    One of a versioned row finds it by its version too, whose value is the last parameter, and counts it on.
    """
    if (names, raw) in level.updates:
        return level.updates[names, raw]
    version = None if raw else level.version
    key = {attribute.column for attribute in (*level.key, *([version] if version else []))}
    chosen = tuple(
        attribute
        for attribute in level.attributes
        if attribute.column not in key
        and not attribute.field.generated
        and (names is None or attribute.name in names or attribute.attname in names)
    )
    made = None
    if chosen or version:
        found_by = (*level.key, version) if version else level.key
        assignments = [
            Assignment(attribute.column, Param(attribute.type, True, slot)) for slot, attribute in enumerate(chosen)
        ]
        if version:
            count = Col(version.type, False, 0, version.column)
            assignments.append(
                Assignment(version.column, Arith(version.type, False, "+", count, Const(INTEGER, False, 1)))
            )
        build = _builder(f"update of {level.table.label}", (*chosen, *found_by), level.table, adding=False, raw=raw)
        made = (Update(_by_key(found_by, level.table, len(chosen)), tuple(assignments)), build, chosen)
    if len(level.updates) >= MOST_UPDATES:
        level.updates.clear()
    level.updates[names, raw] = made
    return made


def _by_key(key: tuple[Attribute, ...], table: Table, slot: int) -> Select:
    """What finds a row by its key, whose values stand at `slot` and after."""
    tests: list[Expr] = [
        Compare(BOOLEAN, False, "eq", Col(part.type, False, 0, part.column), Param(part.type, False, slot + number))
        for number, part in enumerate(key)
    ]
    where = tests[0] if len(tests) == 1 else And(BOOLEAN, False, tuple(tests))
    return Select((TableSource(table),), (RowOutput(0),), where, bare=True)


# -- saving


def check_related(instance: Any, plan: SavePlan, operation: str) -> None:
    """Look at the related instances set on `instance`: unsaved ones are refused, keys that came later are taken over."""
    d = instance.__dict__
    notes = d.get("_related_keys", _NO_NOTES)
    for relation in plan.forward:
        related = d.get(relation.cache)
        if related is None:
            continue
        present = held(d, relation.local)
        if notes and notes.get(relation.cache, present) != present:
            del d[relation.cache], notes[relation.cache]
            continue
        if not is_key(related.pk):
            if relation.kind != "foreign_key":
                related.__dict__.pop(kept_as(relation.field.remote_field.cache_name), None)
            raise ValueError(
                f"{operation}() prohibited to prevent data loss due to unsaved related object '{relation.field.name}': "
                f"save {shorten(related)} first."
            )
        if relation.local[0] in d and present != values_of(related, relation.remote):
            if relation.cache in notes and (present in relation.field.empty_values or not is_key(present)):
                setattr(instance, relation.field.name, related)
            else:
                del d[relation.cache]
    for field in plan.virtual:
        field.check_saved(instance, operation)


def mark_saved(d: dict[str, Any], alias: str | None) -> None:
    """Note in an instance's `__dict__` that its row stands in the store under `alias`."""
    d.pop("_adding", None)
    if alias is None or alias == DEFAULT_ALIAS:
        d.pop("_db", None)
    else:
        d["_db"] = alias


def save(
    instance: Any,
    *,
    force_insert: bool | tuple[type, ...] = False,
    force_update: bool = False,
    update_fields: Iterable[str] | None = None,
    using: str | None = None,
    raw: bool = False,
) -> None:
    """Write `instance`: update its row, or insert one where there is none.

    `raw` writes values as they are, without parents (fixtures). Raises IntegrityError, ValidationError or ValueError for a
    value that no column takes, ObjectNotUpdated where an update was demanded and found no row.
    """
    model = type(instance)
    plan = plan_of(model._meta.info)
    d = instance.__dict__
    alias = using or d.get("_db")
    if plan.forward and not raw:
        check_related(instance, plan, "save")
    if force_insert and (force_update or update_fields):
        raise ValueError("save() cannot force both an insert and an update.")
    names: frozenset[str] | None = None
    if update_fields is not None:
        names = _checked_names(plan, update_fields)
        if not names:
            return
    elif not force_insert and not d.keys() >= plan.attnames:
        names = _loaded_names(plan, d, alias)
    if pre_save.receivers and not plan.silent:
        pre_save.send(
            model,
            instance=instance,
            raw=raw,
            using=alias or DEFAULT_ALIAS,
            update_fields=names if update_fields is not None else None,
        )
    if len(plan.levels) == 1:
        if force_insert is not True and force_insert is not False:
            _forced_classes(plan, force_insert)
        updated = _save_level(instance, plan.levels[0], bool(force_insert), force_update, names, alias, raw)
    else:
        updated = _save_lineage(instance, plan, force_insert, force_update, names, alias, raw)
    mark_saved(d, alias)
    if updated:
        for attname in plan.generated:
            d.pop(attname, None)
    if post_save.receivers and not plan.silent:
        post_save.send(
            model,
            instance=instance,
            created=not updated,
            raw=raw,
            using=alias or DEFAULT_ALIAS,
            update_fields=names if update_fields is not None else None,
        )


def _checked_names(plan: SavePlan, update_fields: Iterable[str]) -> frozenset[str]:
    """`update_fields` as a set; ValueError where one is no field that can be updated."""
    if isinstance(update_fields, str):
        raise ValueError(  # noqa: TRY004 - as for any other name that is no field
            f"update_fields takes a list of names, not the text {update_fields!r}."
        )
    names = frozenset(update_fields)
    unknown = names - plan.names
    if unknown:
        first = min(unknown)
        raise ValueError(
            f"{plan.info.name} cannot update {', '.join(sorted(unknown))} (in update_fields): these are no fields, or "
            f"primary keys, or have no column.{did_you_mean(first, plan.names)}"
        )
    return names


def _loaded_names(plan: SavePlan, d: dict[str, Any], alias: str | None) -> frozenset[str] | None:
    """The fields that were loaded, where some were deferred: what save() writes back to the store they came from."""
    if d.get("_adding") or (alias or DEFAULT_ALIAS) != d.get("_db", DEFAULT_ALIAS):
        return None
    loaded = frozenset(name for name in plan.names & plan.attnames if name in d)
    return loaded or None


def _forced_classes(plan: SavePlan, force_insert: Any) -> tuple[type, ...]:
    """The classes whose rows are to be inserted; TypeError where `force_insert` is no bool and no tuple of bases."""
    if force_insert is True:
        return (plan.info.concrete,)
    if force_insert is False:
        return ()
    if not isinstance(force_insert, tuple):
        raise TypeError("force_insert must be a bool or tuple.")
    model = plan.info.model
    for member in force_insert:
        if not isinstance(member, type(model)):
            raise TypeError(f"Invalid force_insert member. {member!r} must be a model subclass.")
        if not issubclass(model, member):
            raise TypeError(
                f"Invalid force_insert member. {member.__qualname__} must be a base of {model.__qualname__}."
            )
    return force_insert


def _save_lineage(
    instance: Any,
    plan: SavePlan,
    force_insert: Any,
    force_update: bool,
    names: frozenset[str] | None,
    alias: str | None,
    raw: bool,
) -> bool:
    """Save level by level, the root first; whether the own row was there before."""
    forced = _forced_classes(plan, force_insert)
    d = instance.__dict__
    updated = False
    inserted: set[Any] = set()
    with statement(alias):
        for level in reversed(plan.levels):
            for link, parent_key, _ in level.parents:
                if d.get(parent_key) is None and d.get(link) is not None:
                    d[parent_key] = d[link]
        for level in plan.levels[-1:] if raw else plan.levels:
            for link, parent_key, cache in level.parents:
                if not raw and d.get(link) != d.get(parent_key):
                    d[link] = d.get(parent_key)
                    d.pop(cache, None)
            new_parent = any(parent in inserted for parent in level.model._meta.parents)
            must_insert = new_parent or any(issubclass(level.model, member) for member in forced)
            updated = _save_level(
                instance, level, must_insert, force_update and level is plan.levels[-1], names, alias, raw
            )
            if not updated:
                inserted.add(level.model)
    return updated


def _save_level(
    instance: Any,
    level: LevelPlan,
    force_insert: bool,
    force_update: bool,
    names: frozenset[str] | None,
    alias: str | None,
    raw: bool,
) -> bool:
    """Write one level's row; whether it was there before."""
    d = instance.__dict__
    for attname, make in level.makers:
        if d.get(attname) is None:
            setattr(instance, attname, make(instance))
    if not force_insert:
        demanded = force_update or names is not None
        if None in [d.get(part.attname) for part in level.key]:
            if demanded:
                raise ValueError("Cannot force an update in save() with no primary key.")
        elif demanded or raw or not level.key_has_default or "_adding" not in d:
            if _update_level(instance, level, names, alias, raw):
                return True
            if demanded:
                raise ObjectNotUpdated(
                    f"save() was to update {level.table.label} {shorten(instance.pk)}, and there is no such row."
                )
    if level.take_place is not None and not raw:
        level.take_place((instance,), alias)
    row = level.raw_row(instance) if raw else row_of(level, instance, alias)
    (stored,) = insert_rows(level, [row], alias)
    if level.filled:
        take_filled(d, level, row, stored)
    return False


def _update_level(instance: Any, level: LevelPlan, names: frozenset[str] | None, alias: str | None, raw: bool) -> bool:
    """Update one level's row; whether there is one."""
    plan = _update_of(level, names, raw)
    if plan is None:
        if names is not None:
            return True
        return bool(session(alias).select(level.finder, tuple([_key_value(instance, part) for part in level.key])))
    update, build, chosen = plan
    try:
        params = build(instance)
    except _Expression:
        return _update_with_expressions(instance, level, chosen, alias)
    try:
        found = bool(session(alias).update(update, params))
    except BaseException as error:
        mark_broken(alias, error)
        raise
    return found if level.version is None or raw else _counted(instance, level, level.version, alias, found=found)


def _counted(instance: Any, level: LevelPlan, version: Attribute, alias: str | None, *, found: bool) -> bool:
    """Whether the row of an instance was there, whose version goes on where it was; OptimisticLockError where it is stale."""
    d = instance.__dict__
    if found:
        d[version.attname] += 1
        return True
    refuse_stale(instance, level, version, alias, loaded="_adding" not in d)
    return False


def refuse_stale(
    instance: Any, level: LevelPlan, version: Attribute, alias: str | None, *, loaded: bool = True
) -> None:
    """Raise OptimisticLockError where the row of `instance` has another version, or where `loaded` and it is gone."""
    expected = getattr(instance, version.attname)
    rows = session(alias).select(level.finder, tuple([_key_value(instance, part) for part in level.key]))
    found = rows[0][version.column] if rows else None
    if found == expected or (found is None and not loaded):
        return
    what = "it was deleted" if found is None else f"it was saved as version {found}"
    raise OptimisticLockError(
        f"{level.table.label} {shorten(instance.pk)} was loaded as version {expected}, and since then {what}: nothing was "
        "saved; load it anew, change that and save again.",
        model=level.table.label,
        pk=instance.pk,
        expected=expected,
        found=found,
    )


def check_versions(instance: Any, alias: str | None) -> None:
    """Raise OptimisticLockError where `instance` is older than its row."""
    for level in plan_of(info_of(type(instance))).levels:
        if level.version is not None:
            refuse_stale(instance, level, level.version, alias)


def _key_value(instance: Any, attribute: Attribute) -> Any:
    return attribute.field.coerce(getattr(instance, attribute.attname))


def _update_with_expressions(instance: Any, level: LevelPlan, chosen: tuple[Attribute, ...], alias: str | None) -> bool:
    """Update one level's row, where some attributes hold expressions over it."""
    lookups = {part.attname: getattr(instance, part.attname) for part in level.key}
    version = level.version
    values: dict[str, Any] = {}
    if version is not None:
        lookups[version.attname] = getattr(instance, version.attname)
        values[version.name] = F(version.name) + 1
    query = conditions.filtered(shapes.root(info_of(level.model)), (), lookups)
    for attribute in chosen:
        field = attribute.field
        if type(field).pre_save is not Field.pre_save:
            values[attribute.name] = field.pre_save(instance, False)
        else:
            values[attribute.name] = getattr(instance, attribute.attname)
    with statement(alias) as running:
        found = sum([running.update(update, params) for update, params in writes.updates(query, (), values)]) > 0
        return found if version is None else _counted(instance, level, version, alias, found=found)


def insert_rows(level: LevelPlan, rows: list[Row], alias: str | None, conflict: Any = None) -> list[Row | None]:
    """Insert rows of one level; a failure breaks the running transaction."""
    try:
        return session(alias).insert(level.table, rows, conflict)
    except BaseException as error:
        mark_broken(alias, error)
        raise


def take_filled(d: dict[str, Any], level: LevelPlan, row: Row, stored: Row | None) -> None:
    """Put what the store filled in, or what an expression came to, into an instance's `__dict__`."""
    if stored is None:
        return
    for column, attname, convert in level.filled:
        if row[column] is DEFAULT or isinstance(d.get(attname), (Node, Face)):
            d[attname] = stored[column] if convert is None else convert(stored[column])


# -- reading again


def refresh(
    instance: Any, *, using: str | None = None, fields: Iterable[str] | None = None, from_queryset: Any = None
) -> None:
    """Read `instance`'s fields again (or `fields` alone), as its row is now. Raises DoesNotExist where it is gone."""
    model = type(instance)
    info = info_of(model)
    d = instance.__dict__
    wanted: list[str] | None = None
    if fields is None:
        d.pop("_prefetched_objects_cache", None)
    else:
        wanted = _without_prefetched(list(fields), d.get("_prefetched_objects_cache", {}))
        if not wanted:
            return
    base = model._base_manager.db_manager(using or d.get("_db")) if from_queryset is None else from_queryset
    if using is not None:
        base = base.using(using)
    queryset = base.filter(pk=instance.pk)
    if wanted is None:
        kept = [each.attname for each in info.attributes if each.attname in d or each.field.generated]
        if len(kept) < len(info.attributes):
            wanted = kept
    if wanted is not None:
        try:
            queryset = queryset.only(*wanted)
        except FieldDoesNotExist as error:
            raise FieldDoesNotExist(str(error).replace("in only(", "in refresh_from_db(fields=", 1)) from None
    fresh = queryset.get()
    _take_over(instance, info, fresh, named=None if fields is None else frozenset(wanted or ()))


def _without_prefetched(fields: list[str], prefetched: dict[str, Any]) -> list[str]:
    """`fields` without the names of prefetched relations, which are forgotten: the next access reads them anew."""
    kept = []
    for name in fields:
        if name in prefetched:
            del prefetched[name]
            continue
        if "__" in name:
            raise ValueError(f"refresh_from_db() reads fields of the row itself, not '{name}' over a relation.")
        kept.append(name)
    return kept


def _take_over(instance: Any, info: ModelInfo, fresh: Any, *, named: frozenset[str] | None) -> None:
    """Give `instance` the values of `fresh`, and forget related instances that it no longer points to for sure.

    `named` are the fields that were asked for, None for all.
    """
    d = instance.__dict__
    loaded = fresh.__dict__
    for attribute in info.attributes:
        if attribute.attname in loaded:
            setattr(instance, attribute.attname, loaded[attribute.attname])
            if attribute.name != attribute.attname:
                d.pop(kept_as(attribute.name), None)
    for relation in info.relations.values():
        if relation.many:
            continue
        if relation.kind in FORWARD:
            if relation.cache in loaded and all(name in loaded for name in relation.local):
                d[relation.cache] = loaded[relation.cache]
            elif named is None:
                d.pop(relation.cache, None)
        elif named is None or relation.name in named:
            d.pop(relation.cache, None)
    if "_db" in loaded:
        d["_db"] = loaded["_db"]
    elif "_adding" in d:
        d["_db"] = DEFAULT_ALIAS
    else:
        d.pop("_db", None)


def load_deferred(instance: Any, attname: str) -> Any:
    """The value of a field that was left out when `instance` was loaded, read now and kept."""
    d = instance.__dict__
    plan = plan_of(info_of(type(instance)))
    if "_adding" in d and plan.info.named[attname].field.generated:
        raise AttributeError(f"{plan.info.name}.{attname} is generated: it has a value once the instance is saved.")
    for level in plan.levels:
        for link, parent_key, _ in level.parents:
            for missing, known in ((link, parent_key), (parent_key, link)):
                if missing == attname and known in d:
                    d[attname] = d[known]
                    return d[attname]
    instance.refresh_from_db(fields=[attname])
    return d[attname]
