"""Writes one instance: save, refresh and what they share.

It knows ModelInfo, sessions and signals. The invariant: a row holds canonical values only, made field by field by
`field.coerce`, and an instance is marked as saved only after its row was written.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["load_deferred", "refresh", "save"]


def save(
    instance: Any,
    *,
    force_insert: bool | tuple[type, ...] = False,
    force_update: bool = False,
    update_fields: Iterable[str] | None = None,
    using: str | None = None,
    raw: bool = False,
) -> None:
    """Write `instance`: update its row, or insert one where there is none.

    `raw` writes values as they are, without pre_save and parents (fixtures). Raises IntegrityError, ValidationError for a
    value that no column takes, ObjectNotUpdated where an update was demanded and found no row.
    """
    raise NotImplementedError


def refresh(
    instance: Any, *, using: str | None = None, fields: Iterable[str] | None = None, from_queryset: Any = None
) -> None:
    """Read `instance`'s fields again (or `fields` alone), as its row is now. Raises DoesNotExist where it is gone."""
    raise NotImplementedError


def load_deferred(instance: Any, attname: str) -> Any:
    """The value of a field that was left out when `instance` was loaded, read now and kept."""
    raise NotImplementedError
