"""What tests know of the interpreter that runs them."""

from __future__ import annotations

import sys
import sysconfig
from typing import Final

__all__ = ["CLASSES_STAY", "is_free_threaded"]

CLASSES_STAY: Final = bool(sysconfig.get_config_var("Py_GIL_DISABLED")) and sys.version_info < (3, 14)
"""Whether classes and functions are never collected once there was a second thread: CPython 3.13 built without a global lock."""


def is_free_threaded() -> bool:
    """Whether threads of this interpreter run at the same time."""
    enabled = getattr(sys, "_is_gil_enabled", None)
    return enabled is not None and not enabled()
