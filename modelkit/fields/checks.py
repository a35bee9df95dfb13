"""What Field.check() finds in the options of any scalar field: values that the field itself would not take.

Knows a field by what it offers, and no class of fields.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelkit.checks import CheckMessage, complaint, error, warning
from modelkit.errors import ValidationError, shorten
from modelkit.fields.choices import CalledChoices
from modelkit.ir.types import TextType

__all__ = ["of_options"]


def of_options(field: Any) -> Iterator[CheckMessage]:
    """The findings about validators, choices and the default, none of which is called."""
    for validator in field.validators:
        if not callable(validator):
            yield error(
                field,
                "fields.E008",
                f"The validator {shorten(validator)} cannot be called.",
                "Pass a function of a value.",
            )
    if field.is_relation or field.composite or field.generated:
        return
    if field.choices is not None and not isinstance(field.choices, CalledChoices):
        yield from _of_choices(field)
    if field.has_default() and not callable(field.default):
        yield from _of_default(field)


def _of_choices(field: Any) -> Iterator[CheckMessage]:
    for value, _ in field.flatchoices:
        refusal = None if value in field.empty_values else _refusal(field, value)
        if refusal is None:
            continue
        kind = field.scalar_type
        if isinstance(kind, TextType) and isinstance(value, str):
            yield error(
                field,
                "fields.E009",
                f"The choice {shorten(value)} does not fit: {refusal}",
                "Give the field a greater max_length.",
            )
        else:
            yield error(field, "modelkit.E002", f"The choice {shorten(value)} is no value of the field: {refusal}")


def _of_default(field: Any) -> Iterator[CheckMessage]:
    value = field.default
    if value is None or hasattr(value, "node") or hasattr(value, "resolve_expression"):
        return
    refusal = _refusal(field, value)
    if refusal is not None:
        yield error(field, "modelkit.E001", f"The default {field.shown(value)} is no value of the field: {refusal}")
    elif (
        field.choices is not None
        and not isinstance(field.choices, CalledChoices)
        and value not in field.empty_values
        and all(value != choice for choice, _ in field.flatchoices)
    ):
        yield warning(field, "modelkit.W001", f"The default {field.shown(value)} is not one of the choices.")


def _refusal(field: Any, value: Any) -> str | None:
    """Why `field` could not store `value`; None where it could."""
    try:
        field.fitted(value)
    except (ValidationError, ValueError, TypeError) as refused:
        return complaint(refused)
    return None
