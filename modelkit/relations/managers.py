"""Managers of the many side of a foreign key: `team.members`.

A related manager is the target's default manager class with what relates it to one instance mixed in; the class is made
once per relation. It knows ModelInfo and Relation, querysets and managers; it never reads a field's descriptor.
"""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["refuse_assignment", "reverse_manager"]


def reverse_manager(instance: Any, name: str) -> Any:
    """The manager for accessor `name` of `instance`, a reverse foreign key."""
    raise NotImplementedError


def refuse_assignment(owner: Any, name: str, value: Any) -> NoReturn:
    """Raise the TypeError for `team.members = [...]`, naming `.set()`; for the `__set__` of to-many descriptors."""
    raise NotImplementedError
