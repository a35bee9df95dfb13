"""Names that come from outside (a request, a file): which of them a query or a new instance may take.

Knows ModelInfo and fields; it runs nothing. The invariant: a name outside the allow-list raises, it is never passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from modelkit.errors import FieldError, ValidationError, did_you_mean, shorten, spelled
from modelkit.expressions.base import Face, Node
from modelkit.modelinfo import ModelInfo

__all__ = ["lookups", "values"]


def lookups(info: ModelInfo, data: Mapping[str, Any], allow: Iterable[str]) -> dict[str, Any]:
    """`data` as lookups, each in `allow` by its whole name. FieldError for any other, TypeError for an expression."""
    return _allowed(info, data, _names(allow, "allow"), "filter_untrusted")


def values(info: ModelInfo, data: Mapping[str, Any], fields: Iterable[str]) -> dict[str, Any]:
    """`data` as constructor arguments: values of `fields`, converted and checked.

    A foreign key takes the key's value. Raises FieldError for a name outside `fields`, ValidationError by field for
    values that do not fit; ValueError where `fields` holds the primary key, or no field of the model.
    """
    names = _names(fields, "fields")
    key = {"pk", *(name for part in info.key for name in (part.name, part.attname))}
    for name in names:
        if name in key:
            raise ValueError(f"{info.name}.{name} is the primary key, which from_untrusted() never sets.")
        if name not in info.named:
            raise FieldError(
                f"{info.name} has no field '{spelled(name)}' (in fields of from_untrusted()).{did_you_mean(name, info.named)}"
            )
    made: dict[str, Any] = {}
    errors: dict[str, Any] = {}
    for name, value in _allowed(info, data, names, "from_untrusted").items():
        attribute = info.named[name]
        try:
            made[attribute.attname] = attribute.field.fitted(value)
        except ValidationError as error:
            errors[name] = error
        except (ValueError, TypeError) as error:
            errors[name] = ValidationError(str(error), code="invalid")
    if errors:
        raise ValidationError(errors)
    return made


def _names(given: Iterable[str], option: str) -> frozenset[str]:
    if isinstance(given, str):
        raise TypeError(f"{option} is a list of names, not the text {shorten(given)}.")
    return frozenset(given)


def _allowed(info: ModelInfo, data: Mapping[str, Any], names: frozenset[str], verb: str) -> dict[str, Any]:
    for name, value in data.items():
        if name not in names:
            near = did_you_mean(str(name), names)
            raise FieldError(f"'{spelled(str(name))}' is not allowed in {verb}() of {info.name}.{near}")
        if isinstance(value, (Node, Face)) or hasattr(value, "query"):
            raise TypeError(f"{verb}(): '{spelled(name)}' takes data, not {shorten(value)}.")
    return dict(data)
