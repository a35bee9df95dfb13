"""What Model.check() finds: beside the fields' own findings, what shows only once all models are defined.

Knows Options, managers and registries. The invariant: looking reads no row and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelkit.checks import CheckMessage, complaint, error
from modelkit.errors import Error, FieldDoesNotExist, FieldError, ImproperlyConfigured, ValidationError, did_you_mean
from modelkit.modelinfo import ModelClass

__all__ = ["of_model"]

_REFUSALS = (FieldError, FieldDoesNotExist, ImproperlyConfigured, ValidationError, Error, ValueError, TypeError)
"""What the code that a model is run by raises for names and values that do not fit."""

_DATES = frozenset({"DateField", "DateTimeField"})


def of_model(model: ModelClass) -> Iterator[CheckMessage]:
    """The findings about a model and its own fields. Linear in the models of its registry."""
    meta = model._meta
    if not meta.proxy:
        for field in (*meta.local_fields, *meta.local_many_to_many, *meta.private_fields):
            yield from field.check()
    if meta.abstract:
        return
    yield from _of_table(model)
    yield from _of_managers(model)
    waiting = [pending for pending in meta.registry.unresolved() if pending.model is model]
    for pending in waiting:
        yield error(
            meta.get_field(pending.field.name),
            "fields.E300",
            f"Leads to '{pending.target}', which has not been defined.{meta.registry.hint(pending.target)}",
            "Import the module that defines it, or mend the name.",
        )
    if not waiting:
        yield from _of_names(model)


def _of_table(model: ModelClass) -> Iterator[CheckMessage]:
    meta = model._meta
    if meta.proxy or not meta.managed:
        return
    for other in meta.registry.models(include_auto_created=True):
        if (
            other is not model
            and not other._meta.proxy
            and other._meta.managed
            and other._meta.db_table == meta.db_table
        ):
            yield error(
                model,
                "models.E028",
                f"Its rows would lie in the table '{meta.db_table}', as those of {other._meta.label} do.",
                "Give one of them another Meta.db_table, or make it a proxy of the other.",
            )


def _of_managers(model: ModelClass) -> Iterator[CheckMessage]:
    for option in ("default_manager", "base_manager"):
        try:
            getattr(model._meta, option)
        except ValueError as refused:
            yield error(model, "modelkit.E004", str(refused), f"Mend Meta.{option}_name.")


def _of_names(model: ModelClass) -> Iterator[CheckMessage]:
    """What names fields: constraints, indexes, generated values, orders, far sides, unique_for_date, limit_choices_to."""
    meta = model._meta
    try:
        _ = meta.table, meta.info
    except _REFUSALS as refused:
        yield error(model, "models.E012", complaint(refused))
        return
    rows = model._plain_manager()
    latest = meta.get_latest_by or ()
    for option, keys in (
        ("ordering", meta.ordering),
        ("get_latest_by", (latest,) if isinstance(latest, str) else latest),
    ):
        try:
            rows.order_by(*keys)
        except _REFUSALS as refused:
            yield error(model, "models.E015", f"Meta.{option}: {complaint(refused)}")
    for declared in meta.reverse_names.values():
        try:
            declared.require(model)
        except FieldError as refused:
            yield error(model, "modelkit.E006", str(refused))
    for field in () if meta.proxy else (*meta.local_fields, *meta.local_many_to_many):
        yield from _of_unique_for(field)
        if field.is_relation:
            yield from _of_limit(field)


def _of_unique_for(field: Any) -> Iterator[CheckMessage]:
    known = {other.name: other for other in field.model._meta.fields}
    for kind, name in field.unique_for:
        if name not in known:
            yield error(
                field,
                "modelkit.E005",
                f"unique_for_{kind} names '{name}', which is no field.{did_you_mean(name, known)}",
            )
        elif known[name].get_internal_type() not in _DATES:
            yield error(field, "modelkit.E005", f"unique_for_{kind} names '{name}', which holds no date.")


def _of_limit(field: Any) -> Iterator[CheckMessage]:
    limit = field.remote_field.limit_choices_to
    if callable(limit):
        return
    try:
        field.target_model()._plain_manager().complex_filter(limit)
    except _REFUSALS as refused:
        yield error(field, "modelkit.E003", f"limit_choices_to: {complaint(refused)}")
