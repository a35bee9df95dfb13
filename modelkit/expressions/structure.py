"""Equality and hashing by structure, for nodes that hold anything.

Knows dataclasses, no node. The invariant: what is the same has the same digest, and constants of different types are
never the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

__all__ = ["digest", "extras", "part_names", "rebuilt", "same"]

_NAMES: dict[type, tuple[str, ...]] = {}


def part_names(kind: type) -> tuple[str, ...]:
    """The names of a node class's parts."""
    names = _NAMES.get(kind)
    if names is None:
        names = _NAMES[kind] = tuple(field.name for field in fields(kind)) if is_dataclass(kind) else ()
    return names


def extras(node: object) -> dict[str, Any]:
    """What an instance of a class that somebody wrote holds besides its parts."""
    found: dict[str, Any] = getattr(node, "__dict__", _NOTHING)
    return found


_NOTHING: dict[str, Any] = {}


def rebuilt(node: Any, change: Callable[[Any], Any]) -> Any:
    """A copy of `node` with `change(part)` in place of each of its parts."""
    copied = object.__new__(type(node))
    for name in part_names(type(node)):
        object.__setattr__(copied, name, change(getattr(node, name)))
    for name, value in extras(node).items():
        object.__setattr__(copied, name, value)
    return copied


def _is_free_field(value: object) -> bool:
    """Whether `value` is a field that belongs to no model: as an output_field it only says its class."""
    return hasattr(value, "creation_counter") and getattr(value, "name", "") is None


def same(left: Any, right: Any) -> bool:
    """Structural equality that never confuses True, 1 and 1.0, and survives values whose == is not a truth value."""
    if left is right:
        return True
    if type(left) is not type(right):
        return False
    if _is_free_field(left) and _is_free_field(right):
        return True
    if isinstance(left, (tuple, list)):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(item, right[key]) for key, item in left.items())
    try:
        return bool(left == right)
    except Exception:  # noqa: BLE001 - a foreign == that fails says that the two are not known to be equal
        return False


def digest(value: Any) -> int:
    """A hash that agrees with `same`, for unhashable values too."""
    if isinstance(value, (tuple, list)):
        return hash((tuple, *map(digest, value)))
    if _is_free_field(value):
        return hash(type(value))
    if isinstance(value, dict):
        return hash((type(value), frozenset((key, digest(item)) for key, item in value.items())))
    try:
        return hash((type(value), value))
    except TypeError:
        return hash(type(value))
