"""What happens when mypy is not as expected: the hook gives mypy's own answer, and says so, once.

A plugin that raises ends the whole run of mypy; one that only knows less leaves a query unchecked. The invariant: no exception of a
hook reaches mypy, but for those that mypy itself ends a run by.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from typing import Any, Final, TypeVar

from mypy.errors import CompileError

__all__ = ["KNOWN", "guarded", "is_known", "say_once"]

KNOWN: Final = ((1, 16), (2, 5))
"""The versions of mypy that the plugin was tested under: from the first, below the second."""

T = TypeVar("T")

_said: set[str] = set()


def is_known(version: str) -> bool:
    """Whether this version of mypy is among those that the plugin knows."""
    parts = version.split("+", maxsplit=1)[0].split(".")
    try:
        found = int(parts[0]), int(parts[1])
    except (ValueError, IndexError):
        return False
    return KNOWN[0] <= found < KNOWN[1]


def say_once(subject: str, message: str) -> None:
    """Print a line about `subject` to standard error, unless that was done before."""
    if subject not in _said:
        _said.add(subject)
        print(f"modelkit.mypy_plugin: {message}", file=sys.stderr)  # noqa: T201 - mypy has no channel for plugins


def guarded(name: str, hook: Callable[[Any], T], default: Callable[[Any], T]) -> Callable[[Any], T]:
    """`hook`, but what `default` gives where it raises."""

    def called(context: Any) -> T:
        try:
            return hook(context)
        except CompileError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever mypy's inner state does, a check of types goes on
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{place.filename.rpartition('/')[2]}:{place.lineno}"
            say_once(
                name,
                f"{name} is left unchecked here and wherever this happens again: {type(error).__name__} at {where} "
                f"({error}). Please report it.",
            )
            return default(context)

    return called
