"""Suspends the cyclic garbage collector while much is built of which nothing is garbage.

Knows nothing else. The invariant: the collector is on again when the last of those who suspended it at the same time is
done, if it was on when the first began.
"""

from __future__ import annotations

import gc
import threading
from typing import Final

__all__ = ["LARGE", "without_collection"]

LARGE: Final = 500
"""From this many rows on, what is made of them is built without the collector: it would look at all of it again and again."""


class _Suspension:
    """`with without_collection:`; one for the process, since two threads that each restore what they found leave it off."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._depth = 0
        self._was_on = False

    def __enter__(self) -> None:
        with self._lock:
            if not self._depth:
                self._was_on = gc.isenabled()
                gc.disable()
            self._depth += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._depth -= 1
            if not self._depth and self._was_on:
                gc.enable()


without_collection: Final = _Suspension()
"""To be entered by any number of threads, and again inside."""
