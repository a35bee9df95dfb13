"""Whether a test reached modelkit at all: one that passes without proves nothing.

It did where it called into modelkit, or read a model or a field that modelkit made.
"""

from __future__ import annotations

import sys
import threading
import unittest
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import modelkit

__all__ = ["Entered", "reads", "watch"]

_PACKAGE = str(Path(modelkit.__file__).resolve().parent)
_GENERATED = "<modelkit"


class Entered:
    """Truthy once a function of modelkit, or one that it generated, has been called."""

    def __init__(self) -> None:
        self._seen = False

    def __bool__(self) -> bool:
        return self._seen

    def profile(self, frame: FrameType, event: str, argument: Any) -> None:
        """A profile function that takes itself away at the first call into modelkit."""
        if event == "call" and frame.f_code.co_filename.startswith((_PACKAGE, _GENERATED)):
            self._seen = True
            sys.setprofile(None)


@contextmanager
def watch() -> Iterator[Entered]:
    """Look for calls into modelkit inside the `with`, in this thread and in those that it starts."""
    seen = Entered()
    threading.setprofile(seen.profile)
    sys.setprofile(seen.profile)
    try:
        yield seen
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def reads(case: unittest.TestCase, method: Callable[..., Any]) -> bool:
    """Whether the body of a test names a model, a field or another object of modelkit's: of its module, or of the case."""
    while hasattr(method, "__wrapped__"):
        method = method.__wrapped__
    code, names = getattr(method, "__code__", None), getattr(method, "__globals__", {})
    if code is None:
        return False
    return any(_is_made(names.get(name)) or _is_made(getattr(case, name, None)) for name in _names(code))


def _names(code: CodeType) -> Iterator[str]:
    """The names of globals and attributes in a function and in those inside it."""
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)


def _is_made(value: Any) -> bool:
    """Whether `value` is a model or another object of a class of modelkit's, or holds such."""
    if isinstance(value, dict):
        return any(map(_is_made, value)) or any(map(_is_made, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(_is_made, value))
    return type(value).__module__.partition(".")[0] == modelkit.__name__
