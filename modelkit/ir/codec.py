"""JSON values inside the store: how they are copied, frozen for comparison, and told from SQL's NULL.

Knows plain Python data only. Its one invariant: what `copy_json` returns shares no mutable part with what it was given.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any, Final, final

__all__ = ["JSON_NULL", "JsonNull", "copy_json", "freeze_json", "load_json", "store_json"]


@final
class JsonNull:
    """The JSON value `null` as a store keeps it: a value, where None is SQL's NULL."""

    _only: JsonNull | None = None

    def __new__(cls) -> JsonNull:
        if cls._only is None:
            cls._only = super().__new__(cls)
        return cls._only

    def __repr__(self) -> str:
        return "JSON_NULL"

    def __reduce__(self) -> tuple[type[JsonNull], tuple[()]]:
        return (JsonNull, ())


JSON_NULL: Final = JsonNull()


def store_json(value: Any) -> Any:
    """A private canonical copy of `value`: dicts with text keys, lists, str, int, float, bool; None inside stays None.

    Tuples become lists. The outermost None is the caller's to map (NULL or JSON_NULL).
    Raises TypeError that names the class which is not JSON, ValueError for NaN, the infinities and texts that no database
    stores. Linear in the size.
    """
    match value:
        case None | bool():
            return value
        case str():
            return _text(value)
        case int():
            return int(value)
        case float():
            if not math.isfinite(value):
                raise ValueError(f"{value!r} is not JSON")
            return float(value)
        case dict():
            copied = {}
            for key, item in value.items():
                if not isinstance(key, str):
                    raise TypeError(f"a JSON object's keys are text, not {type(key).__name__}")
                copied[_text(key)] = store_json(item)
            return copied
        case list() | tuple():
            return [store_json(item) for item in value]
        case JsonNull():
            return value
        case _:
            raise TypeError(f"{type(value).__name__} is not JSON")


def _text(value: str) -> str:
    """A text inside JSON, as a plain str; ValueError for one that no database stores."""
    text = str.__str__(value)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("a text holds a lone surrogate, which no database stores") from None
    if "\0" in text:
        raise ValueError("a text holds a NUL character, which no database stores")
    return text


def copy_json(value: Any) -> Any:
    """A copy of a canonical JSON value that shares no list or dict with it. Linear in the size."""
    if isinstance(value, dict):
        return {key: copy_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copy_json(item) for item in value]
    return value


def load_json(value: Any) -> Any:
    """What a user is given for a stored JSON value: a copy, JSON_NULL as None."""
    return None if value is JSON_NULL else copy_json(value)


def freeze_json(value: Any) -> Hashable:
    """A hashable form, equal exactly where the JSON values are: key order ignored, 1 == 1.0, but True != 1. Linear."""
    if isinstance(value, dict):
        return ("o", frozenset((key, freeze_json(item)) for key, item in value.items()))
    if isinstance(value, list):
        return ("a", tuple([freeze_json(item) for item in value]))
    if isinstance(value, bool):
        return ("b", value)
    if value is None or value is JSON_NULL:
        return ("n",)
    frozen: Hashable = value
    return frozen
