"""Meta.order_with_respect_to: rows that keep an order of their own among those of one related row.

Knows querysets through managers, and of a model `_meta`. The invariant: among the rows of one related row a new one comes last.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial, partialmethod
from typing import Any

from modelkit.errors import FieldError
from modelkit.fields.numbers import OrderWrt
from modelkit.modelinfo import ModelClass

__all__ = ["declare_order", "give_order_methods", "take_order_methods"]


def declare_order(model: ModelClass) -> None:
    """Give `model`, whose Meta names a relation to be ordered by, the field `_order` and the methods of its instances.

    Raises FieldError where what is named is no relation to one row, TypeError where Meta has an ordering too.
    """
    meta = model._meta
    name = meta.order_with_respect_to
    field = next((field for field in meta.local_fields if name in {field, field.name, field.attname}), None)
    if field is None or not field.is_relation:
        raise FieldError(
            f"{model.__name__}.Meta.order_with_respect_to names '{name}', which is no foreign key of the model's own."
        )
    if meta.original_attrs.get("ordering"):
        raise TypeError(f"{model.__name__}.Meta has both ordering and order_with_respect_to: one of them is the order.")
    meta.order_with_respect_to = field
    meta.ordering = ("_order",)
    if not any(isinstance(own, OrderWrt) for own in meta.local_fields):
        model.add_to_class("_order", OrderWrt())
    meta.take_place = partial(_take_places, model)
    model.get_next_in_order = partialmethod(_beside, forward=True)
    model.get_previous_in_order = partialmethod(_beside, forward=False)


def give_order_methods(field: Any, target: ModelClass) -> None:
    """Where the rows of the field's model are ordered by it: the methods of the related rows, get_MODEL_order() and set_MODEL_order()."""
    model = field.model
    if model._meta.order_with_respect_to in (field, field.name):
        setattr(target, f"get_{model._meta.model_name}_order", partialmethod(_keys, field=field))
        setattr(target, f"set_{model._meta.model_name}_order", partialmethod(_set_keys, field))


def take_order_methods(field: Any, target: ModelClass) -> None:
    """Undo `give_order_methods`."""
    model = field.model
    if model._meta.order_with_respect_to in (field, field.name):
        for name in (f"get_{model._meta.model_name}_order", f"set_{model._meta.model_name}_order"):
            if name in target.__dict__:
                delattr(target, name)


def _take_places(model: ModelClass, instances: Iterable[Any], using: str | None) -> None:
    """Number new rows of `model`, each after all that belong to the same row. One statement for each of these, by the key's index."""
    places: dict[Any, int] = {}
    field = model._meta.order_with_respect_to
    for instance in instances:
        key = getattr(instance, field.attname)
        place = places.get(key)
        if place is None:
            rows = _siblings(instance, model, model._base_manager.using(using))
            last = rows.order_by("-_order").values_list("_order", flat=True).first()
            place = 0 if last is None else last + 1
        instance._order = place
        places[key] = place + 1


def _siblings(instance: Any, model: ModelClass, rows: Any) -> Any:
    field = model._meta.order_with_respect_to
    value = getattr(instance, field.attname)
    return rows.filter(**({f"{field.name}__isnull": True} if value is None else {field.attname: value}))


def _ordered(instance: Any) -> ModelClass:
    """The class, of the instance's own or an ancestor, that says by what its rows are ordered."""
    meta = instance._meta
    owners = (meta.concrete_model, *meta.all_parents)
    return next(owner for owner in owners if owner._meta.order_with_respect_to)


def _beside(instance: Any, *, forward: bool) -> Any:
    """The row after (before) this one in their order; DoesNotExist where there is none."""
    manager = type(instance)._default_manager.using(instance._state.db)
    here = manager.filter(pk=instance.pk).values("_order")[:1]
    rows = _siblings(instance, _ordered(instance), manager).filter(**{f"_order__{'gt' if forward else 'lt'}": here})
    found = rows.order_by("_order" if forward else "-_order").first()
    if found is None:
        where = "after" if forward else "before"
        raise type(instance).DoesNotExist(
            f"{type(instance).__name__} matching query does not exist: there is none {where} {instance.pk!r} in its order."
        )
    return found


def _keys(instance: Any, *, field: Any) -> Any:
    """The primary keys of the rows that belong to this one, in their order, as a queryset."""
    rows = field.model._default_manager.using(instance._state.db).filter(**{field.name: instance})
    return rows.order_by("_order").values_list("pk", flat=True)


def _set_keys(instance: Any, field: Any, id_list: Iterable[Any], using: str | None = None) -> None:
    """Put the rows that belong to this one into the order of their primary keys in `id_list`; others stay as they are."""
    model = field.model
    rows = model._default_manager.using(using or instance._state.db).filter(**{field.name: instance})
    rows.bulk_update([model(pk=key, _order=place) for place, key in enumerate(id_list)], ["_order"])
