"""Saves one instance, level by level.

It knows plans, sessions and signals. The invariant: an instance is marked as saved only after its row was written.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from modelkit.database import session, statement
from modelkit.errors import ObjectNotUpdated, OptimisticLockError, did_you_mean, shorten
from modelkit.expressions.base import F, Face, Node
from modelkit.fields.base import Field
from modelkit.ir.schema import DEFAULT, Row
from modelkit.modelinfo import Attribute, held, info_of, is_key, kept_as, values_of
from modelkit.owners import Owner, kept
from modelkit.persistence.plans import LevelPlan, NeedsStatement, SavePlan, plan_of, row_of, update_of
from modelkit.resolve import filtering, shapes, writes
from modelkit.retrying import standing
from modelkit.signals import post_save, pre_save
from modelkit.transaction import DEFAULT as DEFAULT_ALIAS
from modelkit.transaction import mark_broken

__all__ = [
    "check_related",
    "check_versions",
    "insert_rows",
    "mark_saved",
    "save",
    "take_filled",
]

_NO_NOTES: Final[dict[str, Any]] = {}


def check_related(instance: Any, plan: SavePlan, operation: str) -> None:
    """Look at the related instances set on `instance`: unsaved ones are refused, keys that came later are taken over."""
    d = instance.__dict__
    notes = d.get("_related_keys", _NO_NOTES)
    for relation in plan.forward:
        related = d.get(relation.cache)
        if related is None:
            continue
        if related.__class__ is Owner:
            related = kept(d, relation.cache)
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
    before = dict(d)

    def saved() -> bool:
        # A failed attempt may have left keys and versions that were rolled back.
        d.clear()
        d.update(before)
        with statement(alias):
            return _save_levels(instance, plan, forced, force_update, names, alias, raw)

    return standing(alias, saved)


def _save_levels(
    instance: Any,
    plan: SavePlan,
    forced: tuple[Any, ...],
    force_update: bool,
    names: frozenset[str] | None,
    alias: str | None,
    raw: bool,
) -> bool:
    d = instance.__dict__
    updated = False
    inserted: set[Any] = set()
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
    plan = update_of(level, names, raw)
    if plan is None:
        if names is not None:
            return True
        return bool(session(alias).select(level.finder, tuple([_key_value(instance, part) for part in level.key])))
    update, build, chosen = plan
    try:
        params = build(instance)
    except NeedsStatement:
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
    query = filtering.filtered(shapes.root(info_of(level.model)), (), lookups)
    for attribute in chosen:
        field = attribute.field
        if type(field).pre_save is not Field.pre_save:
            values[attribute.name] = field.pre_save(instance, False)
        else:
            values[attribute.name] = getattr(instance, attribute.attname)

    def updated() -> bool:
        with statement(alias) as running:
            updates = writes.updates(query, (), values, alias)
            found = sum([running.update(update, params) for update, params in updates]) > 0
            return found if version is None else _counted(instance, level, version, alias, found=found)

    return standing(alias, updated)


def insert_rows(level: LevelPlan, rows: list[Row], alias: str | None) -> list[Row | None]:
    """Insert rows of one level; a failure breaks the running transaction."""
    try:
        return session(alias).insert(level.table, rows)
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
