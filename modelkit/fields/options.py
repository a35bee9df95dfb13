"""What every field may be told: the options by name and type, with their defaults.

It knows no field. The invariant: an option that is not among these is a class's own, in its `option_defaults`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Generic

from typing_extensions import TypedDict, TypeVar

__all__ = ["DEFAULTS", "NOT_PROVIDED", "FieldOptions", "Options", "Validator"]

T = TypeVar("T")


class NOT_PROVIDED:  # noqa: N801 - Django's name
    """Stands for an option that was not passed, where None would be one."""


Validator = Callable[[Any], object]


class FieldOptions(TypedDict, total=False):
    """The options whose type does not depend on the field's value."""

    name: str | None
    primary_key: bool
    unique: bool
    blank: bool
    db_index: bool
    editable: bool
    serialize: bool
    auto_created: bool
    sensitive: bool
    unique_for_date: str | None
    unique_for_month: str | None
    unique_for_year: str | None
    choices: Any
    help_text: str
    db_column: str | None
    db_comment: str | None
    db_tablespace: str | None
    db_default: Any
    validators: Iterable[Validator]
    error_messages: Mapping[str, str] | None


class Options(FieldOptions, Generic[T], total=False):
    """The options of every field of T."""

    default: T | Callable[[], T]


DEFAULTS: Final[Mapping[str, Any]] = {
    "name": None,
    "primary_key": False,
    "max_length": None,
    "unique": False,
    "blank": False,
    "null": False,
    "db_index": False,
    "default": NOT_PROVIDED,
    "editable": True,
    "serialize": True,
    "unique_for_date": None,
    "unique_for_month": None,
    "unique_for_year": None,
    "choices": None,
    "help_text": "",
    "db_column": None,
    "db_comment": None,
    "db_tablespace": None,
    "auto_created": False,
    "validators": (),
    "error_messages": None,
    "db_default": NOT_PROVIDED,
    "sensitive": False,
}
