"""Reads an instance's row again: all of it, some fields, or one that was left out when the instance was loaded.

It knows plans and managers. The invariant: what an instance no longer points to for sure is forgotten with its key.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from modelkit.errors import FieldDoesNotExist
from modelkit.modelinfo import ModelInfo, info_of, kept_as
from modelkit.owners import LISTS, kept
from modelkit.persistence.plans import FORWARD, plan_of
from modelkit.transaction import DEFAULT as DEFAULT_ALIAS

__all__ = ["load_deferred", "refresh"]


def refresh(
    instance: Any, *, using: str | None = None, fields: Iterable[str] | None = None, from_queryset: Any = None
) -> None:
    """Read `instance`'s fields again (or `fields` alone), as its row is now. Raises DoesNotExist where it is gone."""
    model = type(instance)
    info = info_of(model)
    d = instance.__dict__
    wanted: list[str] | None = None
    if fields is None:
        d.pop(LISTS, None)
    else:
        wanted = _without_prefetched(list(fields), d.get(LISTS, {}))
        if not wanted:
            return
    base = model._base_manager.db_manager(using or d.get("_db")) if from_queryset is None else from_queryset
    if using is not None:
        base = base.using(using)
    queryset = base.filter(pk=instance.pk)
    if wanted is None:
        present = [each.attname for each in info.attributes if each.attname in d or each.field.generated]
        if len(present) < len(info.attributes):
            wanted = present
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
                d[relation.cache] = kept(loaded, relation.cache)
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
