"""full_clean() and its parts: fields one by one, then uniqueness and constraints by asking the store.

Knows Options, querysets through managers, and how a formula is run on one row. The invariant: validating changes nothing
but the instance's own values, which clean_fields() brings into their fields' types.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from modelkit.constraints import NON_FIELD, UniqueConstraint, unique_error
from modelkit.errors import ObjectDoesNotExist, ValidationError
from modelkit.expressions.base import F, Node
from modelkit.expressions.conditions import Condition
from modelkit.expressions.semantics import semantics
from modelkit.ir.schema import DEFAULT
from modelkit.modelinfo import ModelClass, info_of, is_key
from modelkit.records import dataclass
from modelkit.resolve import conditions, expressions, standalone
from modelkit.stores.memory.compiler import compile_formula

__all__ = ["clean_fields", "evaluated", "full_clean", "validate_constraints", "validate_unique"]


def full_clean(instance: Any, exclude: Iterable[str] | None, validate_unique: bool, validate_constraints: bool) -> None:
    """clean_fields(), clean(), validate_unique() and validate_constraints(); one ValidationError with all that failed."""
    errors: dict[str, list[ValidationError]] = {}
    left_out = set(exclude or ())

    def attempt(check: Any, *args: Any, **options: Any) -> None:
        try:
            check(*args, **options)
        except ValidationError as error:
            error.update_error_dict(errors)
        left_out.update(name for name in errors if name != NON_FIELD)

    attempt(instance.clean_fields, exclude=left_out)
    attempt(instance.clean)
    if validate_unique:
        attempt(instance.validate_unique, exclude=left_out)
    if validate_constraints:
        attempt(instance.validate_constraints, exclude=left_out)
    if errors:
        raise ValidationError(errors)


def clean_fields(instance: Any, exclude: Collection[str]) -> None:
    """Clean every field but those in `exclude`; blank ones that may be blank are left as they are."""
    errors: dict[str, Any] = {}
    for field in instance._meta.fields:
        if field.name in exclude or field.generated:
            continue
        try:
            value = getattr(instance, field.attname)
        except ObjectDoesNotExist:  # what a relation that goes by several fields names has no row, or names none
            errors[field.name] = field.no_row(instance).error_list
            continue
        if value is DEFAULT or (field.blank and value in field.empty_values):
            continue
        try:
            setattr(instance, field.attname, field.clean(value, instance))
        except ValidationError as error:
            errors[field.name] = error.error_list
    if errors:
        raise ValidationError(errors)


# -- uniqueness


@dataclass(frozen=True, slots=True)
class _Together:
    """Rows of `model` must differ in `names`."""

    model: ModelClass
    names: tuple[str, ...]

    def violated(self, instance: Any) -> ValidationError | None:
        lookups: dict[str, Any] = {}
        for name in self.names:
            field = instance._meta.get_field(name)
            value = DEFAULT if field.generated else getattr(instance, field.attname)
            if value is DEFAULT:
                value = evaluated(instance, F(field.name), field.model)
            if value is None or (field in self.model._meta.pk_fields and not instance._state.adding):
                return None
            lookups[field.name if field.is_relation else field.attname] = value
        rows = _others(self.model, instance, lookups)
        if not rows.exists():
            return None
        error: ValidationError = instance.unique_error_message(self.model, self.names)
        return error

    @property
    def key(self) -> str:
        """What the error stands under."""
        return self.names[0] if len(self.names) == 1 else NON_FIELD


@dataclass(frozen=True, slots=True)
class _OnDate:
    """Rows of `model` of one date, month or year must differ in field `name`."""

    model: ModelClass
    kind: str
    name: str
    date_name: str

    def violated(self, instance: Any) -> ValidationError | None:
        date = getattr(instance, self.date_name)
        if date is None:
            return None
        parts = {
            part: getattr(date, part) for part in (("day", "month", "year") if self.kind == "date" else (self.kind,))
        }
        lookups = {f"{self.date_name}__{part}": number for part, number in parts.items()}
        lookups[self.name] = getattr(instance, instance._meta.get_field(self.name).attname)
        if not _others(self.model, instance, lookups).exists():
            return None
        error: ValidationError = instance.date_error_message(self.kind, self.name, self.date_name)
        return error

    @property
    def key(self) -> str:
        """What the error stands under."""
        return self.name


def _others(model: ModelClass, instance: Any, lookups: dict[str, Any]) -> Any:
    """Rows of `model` that meet `lookups`, the instance's own left out."""
    rows = model._default_manager.using(instance._state.db).filter(**lookups)
    key = instance._get_pk_val(model._meta)
    return rows if instance._state.adding or not is_key(key) else rows.exclude(pk=key)


def unique_checks(
    instance: Any, exclude: Collection[str], include_meta_constraints: bool = False
) -> tuple[list[_Together], list[_OnDate]]:
    """What validate_unique() looks at: unique fields and groups, and uniqueness by date, none of them in `exclude`."""
    together: list[_Together] = []
    on_dates: list[_OnDate] = []
    meta = instance._meta
    classes = [meta.model, *(parent for parent in meta.all_parents)]
    for model in classes:
        groups = list(model._meta.unique_together)
        if include_meta_constraints:
            groups.extend(tuple(constraint.fields) for constraint in model._meta.total_unique_constraints)
        together.extend(_Together(model, group) for group in groups if not any(name in exclude for name in group))
        concrete = model._meta.concrete_model._meta
        for field in concrete.local_fields:
            if field.name in exclude:
                continue
            if field.unique:
                names = (
                    tuple(part.name for part in field.fields)
                    if field is concrete.pk and field.composite
                    else (field.name,)
                )
                if not any(name in exclude for name in names):
                    together.append(_Together(model, names))
            on_dates.extend(
                _OnDate(model, kind, field.name, date_name)
                for kind, date_name in field.unique_for
                if date_name not in exclude
            )
    return together, on_dates


def validate_unique(instance: Any, exclude: Collection[str]) -> None:
    """Raise ValidationError where another row has what must be unique. A statement for each check."""
    errors: dict[str, list[ValidationError]] = {}
    together, on_dates = unique_checks(instance, exclude)
    checks: list[_Together | _OnDate] = [*together, *on_dates]
    for check in checks:
        error = check.violated(instance)
        if error is not None:
            errors.setdefault(check.key, []).append(error)
    if errors:
        raise ValidationError(errors)


def unique_error_message(instance: Any, model: ModelClass, names: tuple[str, ...]) -> ValidationError:
    """The error for rows that agree in `names`."""
    return unique_error(model, instance, names)


def date_error_message(instance: Any, kind: str, name: str, date_name: str) -> ValidationError:
    """The error for rows of one date that agree in field `name`."""
    meta = instance._meta
    field = meta.get_field(name)
    params = {
        "model": instance,
        "model_name": str(meta.verbose_name).capitalize(),
        "lookup_type": kind,
        "field": name,
        "field_label": str(field.verbose_name).capitalize(),
        "date_field": date_name,
        "date_field_label": str(meta.get_field(date_name).verbose_name),
    }
    return ValidationError(field.error_messages["unique_for_date"], code="unique_for_date", params=params)


# -- constraints


def _constraints(instance: Any) -> Iterator[tuple[ModelClass, Any]]:
    meta = instance._meta
    for model in (meta.model, *meta.all_parents):
        for constraint in model._meta.constraints:
            yield model, constraint


def validate_constraints(instance: Any, exclude: Collection[str]) -> None:
    """Raise ValidationError where the instance would break a constraint of Meta."""
    errors: dict[str, list[ValidationError]] = {}
    alias = instance._state.db
    for model, constraint in _constraints(instance):
        try:
            constraint.validate(model, instance, exclude=exclude, using=alias)
        except ValidationError as error:
            single = (
                isinstance(constraint, UniqueConstraint)
                and len(constraint.fields) == 1
                and getattr(error, "code", None) == "unique"
            )
            if single:
                errors.setdefault(constraint.fields[0], []).append(error)
            else:
                error.update_error_dict(errors)
    if errors:
        raise ValidationError(errors)


def evaluated(instance: Any, node: Node, model: ModelClass | None = None) -> Any:
    """The value of `node` for the instance as it is, read over the row that `model` (its own) would store.

    A condition gives True, False, or None. Raises FieldError where `node` reads more than the model's own table.
    """
    info = info_of(model or type(instance))
    formula = conditions.formula(info, node) if isinstance(node, Condition) else expressions.formula(info, node)
    level = info.levels[-1]
    row: list[Any] = [None] * len(level.table.columns)
    columns = level.table.columns
    for attribute in level.attributes:
        value = None if attribute.field.generated else getattr(instance, attribute.attname)
        if value is DEFAULT:
            default = columns[attribute.column].default
            row[attribute.column] = None if default is None else compile_formula(default)(())
        else:
            row[attribute.column] = attribute.field.coerce(value)
    for number, column in enumerate(columns):
        if column.generated is not None:
            row[number] = compile_formula(column.generated)(tuple(row))
    return compile_formula(formula)(tuple(row))


def _holds(condition: Node, values: Mapping[str, Any]) -> bool | None:
    found: bool | None = compile_formula(standalone.condition_on(values, condition))(())
    return found


semantics.holds = _holds
