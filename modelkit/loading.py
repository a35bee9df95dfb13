"""Result rows to instances and values, by functions generated once for each plan.

It knows ModelInfo, plans and signals. The invariant: what is loaded shares no mutable part with the store.
"""

from __future__ import annotations

from typing import Any

from modelkit.resolve.query import Fetch

__all__ = ["load"]


def load(fetch: Fetch, rows: list[Any], alias: str | None = None) -> list[Any]:
    """The results that `rows`, read by `fetch` from `alias`, stand for: fresh instances, dicts, tuples or values."""
    raise NotImplementedError
