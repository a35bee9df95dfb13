"""Writes many instances of one model in one statement.

It knows ModelInfo and sessions. The invariant: all rows of one call are written, or none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Any, Final

from modelkit.database import statement
from modelkit.errors import FieldDoesNotExist, did_you_mean
from modelkit.expressions.base import F, Face, Node, Value
from modelkit.expressions.functions import Func
from modelkit.garbage import LARGE, without_collection
from modelkit.ir.expr import FunctionDef
from modelkit.ir.query import Conflict
from modelkit.ir.schema import Row
from modelkit.ir.types import AnyType
from modelkit.modelinfo import Attribute, ModelInfo, info_of, is_key
from modelkit.persistence import LevelPlan, check_related, mark_saved, plan_of, row_of, stored_by, take_filled
from modelkit.retrying import standing

__all__ = ["bulk_create", "bulk_update"]


def bulk_create(
    model: Any,
    instances: Iterable[Any],
    *,
    batch_size: int | None = None,
    ignore_conflicts: bool = False,
    update_conflicts: bool = False,
    update_fields: Sequence[str] | None = None,
    unique_fields: Sequence[str] | None = None,
    using: str | None = None,
) -> list[Any]:
    """Insert `instances` and give them as a list, keys set. No signals, no save().

    ValueError where the options do not go together, or where the model has parents with tables of their own.
    """
    if batch_size is not None and batch_size <= 0:
        raise ValueError("batch_size is a positive number.")
    info = info_of(model)
    if len(info.levels) > 1:
        raise ValueError(
            f"bulk_create() writes one table, and {info.name} has {len(info.levels)}: save() its instances instead."
        )
    conflict = _conflict(info, ignore_conflicts, update_conflicts, update_fields, unique_fields)
    made = list(instances)
    if not made:
        return made
    plan = plan_of(info)
    level = plan.levels[0]
    for instance in made:
        if not isinstance(instance, info.concrete):
            raise TypeError(f"bulk_create() of {info.name} takes its instances, not {type(instance).__name__}.")
        if plan.forward:
            check_related(instance, plan, "bulk_create")
    with_key, without_key = _by_key(made, level)

    def inserted() -> None:
        with statement(using) as running:
            if level.take_place is not None:
                level.take_place(made, using)
            for group in (with_key, without_key):
                for batch in _batches(group, batch_size):
                    rows = _rows(level, batch, using)
                    stored = running.insert(level.table, rows, conflict)
                    if conflict is None or conflict.action == "update" or group is with_key:
                        _took_in(level, batch, rows, stored, using)

    standing(using, inserted)
    return made


_PICK: Final = FunctionDef("pick", dict.get, inline="{0}.get({1})", strict=False)
"""The value that a mapping has for a key."""


@cache
def _picking(parts: int) -> FunctionDef:
    """The same for a key of several values."""
    if parts == 1:
        return _PICK
    places = ", ".join(f"{{{number}}}" for number in range(1, parts + 1))
    return FunctionDef(
        f"pick_{parts}", lambda found, *key: found.get(key), inline=f"{{0}}.get(({places}))", strict=False
    )


def bulk_update(queryset: Any, instances: Iterable[Any], fields: Sequence[str], batch_size: int | None) -> int:
    """Write `fields` of saved `instances`, in one statement for each batch; how many of `queryset`'s rows there were.

    An instance that holds an expression has a statement of its own. No signals, no save(), no pre_save().
    """
    if batch_size is not None and batch_size <= 0:
        raise ValueError("batch_size is a positive number.")
    info = queryset.query.info
    chosen = _updatable(info, fields)
    plan = plan_of(info)
    relations = frozenset(relation.name for relation in plan.forward)
    given = list(instances)
    for instance in given:
        if not isinstance(instance, info.concrete):
            raise TypeError(f"bulk_update() of {info.name} takes its instances, not {type(instance).__name__}.")
        if not is_key(instance.pk):
            raise ValueError(
                "All instances that bulk_update() writes must have a primary key: save() the others first."
            )
        if relations.intersection(fields):
            check_related(instance, plan, "bulk_update")
    if not given:
        return 0

    def updated() -> int:
        with statement(queryset._db):
            return sum([_update_batch(queryset, batch, chosen) for batch in _batches(given, batch_size)])

    return standing(queryset._db, updated)


def _updatable(info: ModelInfo, fields: Sequence[str]) -> list[Attribute]:
    """The attributes that bulk_update() writes; ValueError or FieldDoesNotExist where one cannot be."""
    if not fields:
        raise ValueError("bulk_update() takes the names of the fields to write.")
    keys = {
        (attribute.level, column) for attribute in info.attributes for column in info.levels[attribute.level].table.key
    }
    chosen = []
    for name in fields:
        attribute = info.named.get(name)
        if attribute is None and name != "pk" and name not in info.relations:
            raise FieldDoesNotExist(
                f"{info.name} has no field '{name}' (in bulk_update()).{did_you_mean(name, info.named)}"
            )
        if attribute is None and name != "pk":
            raise ValueError(f"bulk_update() writes fields that have a column, and {info.name}.{name} has none.")
        if attribute is None or (attribute.level, attribute.column) in keys:
            raise ValueError(f"bulk_update() cannot change primary keys, and {info.name}.{name} is one.")
        if attribute.field.generated:
            raise ValueError(f"bulk_update() cannot write {info.name}.{name}: it is generated from other fields.")
        chosen.append(attribute)
    return chosen


def _update_batch(queryset: Any, instances: list[Any], chosen: list[Attribute]) -> int:
    """Write `chosen` of `instances`: those with plain values by one statement, whose assignments pick them by key."""
    picked: dict[str, dict[Any, Any]] = {attribute.name: {} for attribute in chosen}
    seen: set[Any] = set()
    alone: list[tuple[Any, dict[str, Any]]] = []
    converts = [(attribute, stored_by(attribute.field)) for attribute in chosen]
    keys = []
    for instance in instances:
        key = instance.pk
        if key in seen:
            continue
        seen.add(key)
        values = {attribute.name: getattr(instance, attribute.attname) for attribute in chosen}
        if any(isinstance(value, (Node, Face)) for value in values.values()):
            alone.append((key, values))
            continue
        keys.append(key)
        for attribute, convert in converts:
            picked[attribute.name][key] = convert(values[attribute.name])
    number: int = 0
    if keys:
        key = queryset.query.info.key
        parts = [F("pk")] if len(key) == 1 else [F(part.attname) for part in key]
        pick = _picking(len(parts))
        named = {
            attribute.name: Func(
                Value(picked[attribute.name], AnyType()), *parts, function=pick, output_field=attribute.field
            )
            for attribute in chosen
        }
        number += queryset.filter(pk__in=keys).update(**named)
    for key, values in alone:
        number += queryset.filter(pk=key).update(**values)
    return number


def _by_key(instances: list[Any], level: LevelPlan) -> tuple[list[Any], list[Any]]:
    """Those that have a primary key, or get one from a default, and those whose key the store makes."""
    makers = [(attribute.attname, attribute.field.get_pk_value_on_save) for attribute in level.key]
    with_key: list[Any] = []
    without_key: list[Any] = []
    for instance in instances:
        whole = True
        for attname, make in makers:
            if instance.__dict__.get(attname) is None:
                key = make(instance)
                if key is None:
                    whole = False
                else:
                    setattr(instance, attname, key)
        (with_key if whole else without_key).append(instance)
    return with_key, without_key


def _batches(instances: list[Any], size: int | None) -> Iterator[list[Any]]:
    """`instances` in runs of at most `size`; the rows of a statement are written together however long it is."""
    if size is None or size >= len(instances):
        if instances:
            yield instances
        return
    left = iter(instances)
    while batch := list(islice(left, size)):
        yield batch


def _rows(level: LevelPlan, instances: list[Any], alias: str | None) -> list[Row]:
    if len(instances) < LARGE:
        return [row_of(level, instance, alias) for instance in instances]
    with without_collection:
        return [row_of(level, instance, alias) for instance in instances]


def _took_in(
    level: LevelPlan, instances: list[Any], rows: list[Row], stored: list[Row | None], using: str | None
) -> None:
    for instance, row, kept in zip(instances, rows, stored, strict=True):
        d = instance.__dict__
        if level.filled:
            take_filled(d, level, row, kept)
        mark_saved(d, using)


def _conflict(
    info: ModelInfo,
    ignore: bool,
    update: bool,
    update_fields: Sequence[str] | None,
    unique_fields: Sequence[str] | None,
) -> Conflict | None:
    """The Conflict that the options of bulk_create() ask for; ValueError where they do not fit."""
    if ignore and update:
        raise ValueError("ignore_conflicts and update_conflicts are mutually exclusive.")
    if ignore:
        return Conflict("ignore")
    if not update:
        return None
    if not update_fields:
        raise ValueError("update_conflicts needs update_fields: the fields that are written into rows already there.")
    if not unique_fields:
        raise ValueError("update_conflicts needs unique_fields: the fields by which rows already there are found.")
    target = _columns(info, unique_fields, "unique_fields")
    columns = _columns(info, update_fields, "update_fields")
    keys = {attribute.column for attribute in info.key}
    if keys.intersection(columns):
        raise ValueError("bulk_create() cannot be used with primary keys in update_fields.")
    return Conflict("update", target, columns)


def _columns(info: ModelInfo, names: Sequence[str], option: str) -> tuple[int, ...]:
    columns: list[int] = []
    for name in names:
        attributes = info.key_named(name)
        if not attributes and name not in info.relations:
            raise FieldDoesNotExist(
                f"{info.name} has no field '{name}' (in {option} of bulk_create()).{did_you_mean(name, info.named)}"
            )
        if not attributes:
            raise ValueError(f"bulk_create() takes fields with a column in {option}, and {info.name}.{name} has none.")
        columns.extend(attribute.column for attribute in attributes)
    return tuple(columns)
