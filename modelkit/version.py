"""Which modelkit this is, and a warning where pickled data comes from another. Knows nothing else."""

from __future__ import annotations

import warnings
from typing import Any, Final

from modelkit.errors import shorten

__all__ = ["PICKLED_BY", "__version__", "check_pickled"]

__version__ = "0.1.0"

PICKLED_BY: Final = "_modelkit_version"
"""The key under which a pickled instance or queryset keeps the version that wrote it."""


def check_pickled(state: dict[str, Any], what: str) -> dict[str, Any]:
    """`state` without its version; RuntimeWarning where that is missing or not this one: `what` may not be whole."""
    kept = dict(state)
    version = kept.pop(PICKLED_BY, None)
    if version != __version__:
        said = "does not say by which version" if version is None else f"was pickled by version {shorten(version)}"
        warnings.warn(
            f"This {what} {said} of modelkit; this is version {__version__}. What it holds may have another form here.",
            RuntimeWarning,
            stacklevel=3,
        )
    return kept
