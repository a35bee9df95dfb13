"""Managers of many-to-many relations, `book.tags`, and the one way to get a related manager of either kind."""

from __future__ import annotations

from typing import Any

__all__ = ["many_manager", "related_manager"]


def many_manager(instance: Any, name: str) -> Any:
    """The manager for accessor `name` of `instance`, one side of a many-to-many relation."""
    raise NotImplementedError


def related_manager(instance: Any, name: str) -> Any:
    """The manager for the to-many accessor `name` of `instance`, whatever its kind; what descriptors call.

    Raises ValueError where `instance` has no key yet.
    """
    raise NotImplementedError
