"""Whether a test reached modelkit at all: one that passes without proves nothing."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import modelkit

__all__ = ["Entered", "watch"]

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
