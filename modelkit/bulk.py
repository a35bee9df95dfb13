"""Writes many instances of one model in one statement.

It knows ModelInfo and sessions. The invariant: all rows of one call are written, or none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from modelkit.database import statement
from modelkit.errors import FieldDoesNotExist, did_you_mean
from modelkit.ir.query import Conflict
from modelkit.ir.schema import Row
from modelkit.loading import LARGE, without_collection
from modelkit.modelinfo import ModelInfo, info_of
from modelkit.persistence import LevelPlan, check_related, mark_saved, plan_of, take_filled

__all__ = ["bulk_create"]


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
    with statement(using) as running:
        for group in (with_key, without_key):
            for batch in _batches(group, batch_size):
                rows = _rows(level, batch)
                stored = running.insert(level.table, rows, conflict)
                if conflict is None or conflict.action == "update" or group is with_key:
                    _took_in(level, batch, rows, stored, using)
    return made


def _by_key(instances: list[Any], level: LevelPlan) -> tuple[list[Any], list[Any]]:
    """Those that have a primary key, or get one from a default, and those whose key the store makes."""
    if len(level.key) != 1:
        return instances, []
    attribute = level.key[0]
    attname, make = attribute.attname, attribute.field.get_pk_value_on_save
    with_key, without_key = [], []
    for instance in instances:
        if instance.__dict__.get(attname) is None:
            key = make(instance)
            if key is None:
                without_key.append(instance)
                continue
            setattr(instance, attname, key)
        with_key.append(instance)
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


def _rows(level: LevelPlan, instances: list[Any]) -> list[Row]:
    if len(instances) < LARGE:
        return [level.row(instance) for instance in instances]
    with without_collection():
        return [level.row(instance) for instance in instances]


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
    columns = []
    for name in names:
        attribute = info.key[0] if name == "pk" and len(info.key) == 1 else info.named.get(name)
        if attribute is None and name not in info.relations:
            raise FieldDoesNotExist(
                f"{info.name} has no field '{name}' (in {option} of bulk_create()).{did_you_mean(name, info.named)}"
            )
        if attribute is None:
            raise ValueError(f"bulk_create() takes fields with a column in {option}, and {info.name}.{name} has none.")
        columns.append(attribute.column)
    return tuple(columns)
