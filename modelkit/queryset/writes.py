"""Writing through a queryset: create, get_or_create, update_or_create, update, delete.

It knows queries, sessions and instances' own save(); querysets come by duck type. The invariant: a write that fails
inside a transaction breaks its innermost block, and one outside leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelkit import deletion
from modelkit.database import session, statement
from modelkit.errors import FieldError, IntegrityError, did_you_mean, spelled
from modelkit.fields.base import Field
from modelkit.resolve import filtering, finishers, shapes
from modelkit.resolve import writes as resolving
from modelkit.resolve.paths import names_of
from modelkit.resolve.query import refuse
from modelkit.retrying import standing
from modelkit.transaction import Atomic, mark_broken

__all__ = ["create", "delete", "get_or_create", "update", "update_or_create"]


def create(queryset: Any, values: dict[str, Any]) -> Any:
    """A new instance, saved."""
    model = queryset.model
    reverse = _reverse_names(model)
    if reverse and not reverse.isdisjoint(values):
        names = ", ".join(sorted(reverse.intersection(values)))
        raise ValueError(f"{model.__name__}: create() cannot set the other side of a one-to-one relation ({names}).")
    made = model(**values)
    made.save(force_insert=True, using=queryset._db)
    return made


def _reverse_names(model: Any) -> frozenset[str]:
    """The accessors of one-to-one relations that others declare towards `model`."""
    info = model._meta.info
    names: frozenset[str] | None = info.made.get("reverse one-to-one")
    if names is None:
        names = info.made["reverse one-to-one"] = frozenset(
            relation.accessor
            for relation in info.relations.values()
            if relation.kind == "reverse_one_to_one" and relation.accessor is not None
        )
    return names


def _called(value: Any) -> Any:
    return value() if callable(value) else value


def _new_values(queryset: Any, lookups: Mapping[str, Any], defaults: Mapping[str, Any] | None) -> dict[str, Any]:
    """What get_or_create() makes a new row of; FieldError where a name is no field."""
    values = {name: value for name, value in lookups.items() if "__" not in name}
    values.update(defaults or {})
    _check_names(queryset.model, values, "get_or_create")
    return values


def _check_names(model: Any, values: Mapping[str, Any], verb: str) -> None:
    """FieldError for a name that is neither a field of `model` nor a property that can be set."""
    info = model._meta.info
    for name in values:
        if name != "pk" and name not in info.named and name not in info.relations and not _is_settable(model, name):
            near = did_you_mean(name, names_of(info))
            raise FieldError(
                f"{model.__name__} has no field '{spelled(name)}' (in defaults or lookups of {verb}()).{near}"
            )


def _is_settable(model: Any, name: str) -> bool:
    """Whether instances have an attribute `name` to set that is no field with a column: a property, a virtual relation."""
    if any(field.name == name for field in model._meta.private_fields):
        return True
    found = getattr(model, name, None)
    return isinstance(found, property) and found.fset is not None


def get_or_create(queryset: Any, defaults: Mapping[str, Any] | None, lookups: dict[str, Any]) -> tuple[Any, bool]:
    """The row that `lookups` find, or a new one: the instance, and whether it was made."""
    model = queryset.model
    try:
        return queryset.get(**lookups), False
    except model.DoesNotExist:
        values = _new_values(queryset, lookups, defaults)
        try:
            with Atomic(queryset._db):
                return queryset.create(**{name: _called(value) for name, value in values.items()}), True
        except IntegrityError:
            try:
                return queryset.get(**lookups), False
            except model.DoesNotExist:
                pass
            raise


def update_or_create(
    queryset: Any,
    defaults: Mapping[str, Any] | None,
    create_defaults: Mapping[str, Any] | None,
    lookups: dict[str, Any],
) -> tuple[Any, bool]:
    """The row that `lookups` find, changed to `defaults`, or a new one with `create_defaults` (None: `defaults`)."""
    changes = defaults or {}
    for_new = changes if create_defaults is None else create_defaults
    with Atomic(queryset._db):
        found, created = queryset.select_for_update().get_or_create(for_new, **lookups)
        if created:
            return found, True
        _check_names(queryset.model, changes, "update_or_create")
        for name, value in changes.items():
            setattr(found, name, _called(value))
        found.save(using=queryset._db, update_fields=_changed_names(found, changes))
        return found, False


def _changed_names(instance: Any, changes: Mapping[str, Any]) -> set[str] | None:
    """What save() writes of `instance` after `changes`: these and what computes itself; None (all) where one is no field."""
    info = instance._meta.info
    key = {attribute.name for attribute in info.key} | {attribute.attname for attribute in info.key}
    names = set(changes)
    if not names.issubset(info.named.keys() - key):
        return None
    computed = {
        attribute.name
        for attribute in info.attributes
        if attribute.name not in key and type(attribute.field).pre_save is not Field.pre_save
    }
    return names | computed


def update(queryset: Any, assignments: tuple[Any, ...], values: dict[str, Any]) -> int:
    """Set fields of all rows; how many there were."""
    query = queryset.query
    refuse(query.shape, "update")
    if query.is_sliced:
        raise TypeError("update() cannot be used after a slice was taken.")
    steps = resolving.updates(query, assignments, values, queryset._db)
    if shapes.finds_nothing(query, queryset._db) or not steps:
        return 0
    alias = queryset._db
    if len(steps) == 1:
        try:
            return session(alias).update(*steps[0])
        except BaseException as error:
            mark_broken(alias, error)
            raise

    def each_table() -> int:
        with statement(alias) as running:
            keys = running.select(*finishers.keys(query))
            found = filtering.filtered(shapes.root(query.info), (), {"pk__in": keys})
            by_table = resolving.updates(found, assignments, values, alias)
            return max([running.update(step, params) for step, params in by_table])

    return standing(alias, each_table)


def delete(queryset: Any) -> tuple[int, dict[str, int]]:
    """Delete all rows with what hangs on them: how many in all, and by model label."""
    query = queryset.query
    refuse(query.shape, "delete")
    if query.is_sliced:
        raise TypeError("delete() cannot be used with 'limit' or 'offset': call it before the slice is taken.")
    if query.shape.distinct_on:
        raise TypeError("delete() cannot be used after distinct(*fields).")
    if not queryset._gives_instances():
        raise TypeError("delete() cannot be used after values(), values_list() or into().")
    return deletion.delete_queryset(queryset)
