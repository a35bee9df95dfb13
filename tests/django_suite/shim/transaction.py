# mypy: disable-error-code="import-untyped"
"""`django.db.transaction`."""

from __future__ import annotations

from typing import Any

from modelkit.errors import TransactionManagementError
from modelkit.transaction import (
    Atomic,
    atomic,
    commit,
    get_autocommit,
    get_rollback,
    on_commit,
    rollback,
    savepoint,
    savepoint_commit,
    savepoint_rollback,
    set_autocommit,
    set_rollback,
)
from tests.django_suite.shim.facade import lookup

__all__ = [
    "Atomic",
    "TransactionManagementError",
    "atomic",
    "commit",
    "get_autocommit",
    "get_connection",
    "get_rollback",
    "mark_for_rollback_on_error",
    "on_commit",
    "rollback",
    "savepoint",
    "savepoint_commit",
    "savepoint_rollback",
    "set_autocommit",
    "set_rollback",
]


def get_connection(using: str | None = None) -> Any:
    """The connection of an alias."""
    from django.db import connections

    return connections[using or "default"]


def mark_for_rollback_on_error(using: str | None = None) -> Any:
    """An error inside breaks the block around, as it does that leaves a block without a savepoint."""
    return atomic(using, savepoint=False)


def __getattr__(name: str) -> Any:
    return lookup(name)
