"""The plugin's answers to what mypy asks of a name, at every call and attribute of a project: which hook is for it, if any.

The invariant: an answer follows from the name alone, or it is dropped when what else it follows from changes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Answers"]

T = TypeVar("T")


class Answers(dict[str, T], Generic[T]):
    """Full name -> hook; each is worked out once, so that the next look takes no Python at all."""

    def __init__(self, ask: Callable[[str], T]) -> None:
        super().__init__()
        self._ask = ask

    def __missing__(self, fullname: str) -> T:
        answer = self[fullname] = self._ask(fullname)
        return answer
