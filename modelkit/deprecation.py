"""Spellings that still work and that a later version refuses: how each warns, and says what to write instead.

Knows nothing of what is called. The invariant: whoever calls in the new way pays nothing, and is told nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["DeprecatedSpelling", "by_name", "warn"]


class DeprecatedSpelling(DeprecationWarning):
    """A call is spelled in a way that works now and that a later version refuses."""


def warn(message: str, *, stacklevel: int = 2) -> None:
    """Warn whoever called the caller (`stacklevel` 2; 3: its caller in turn)."""
    warnings.warn(message, DeprecatedSpelling, stacklevel=stacklevel + 1)


def by_name(call: str, options: Mapping[str, Any], given: Sequence[Any], positional: Sequence[Any]) -> list[Any]:
    """The values of a call's `options`, some of which were passed by position; warns the caller's caller.

    `options` are names with their defaults, in the order of positions; `given` what was passed by name, or the default.
    Raises TypeError, as for any function, where there are more values than names, or two for one name.
    """
    names = list(options)[: len(positional)]
    warn(f"{call}() takes its options by name: write {', '.join(f'{name}=...' for name in names)}.", stacklevel=3)
    if len(positional) > len(options):
        raise TypeError(f"{call}() takes {len(options)} options ({', '.join(options)}), not {len(positional)}.")
    for name, value in zip(names, given, strict=False):
        if value is not options[name]:
            raise TypeError(f"{call}() is given '{name}' twice: by position and by name.")
    return [*positional, *given[len(positional) :]]
