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


def __getattr__(name: str) -> Any:
    return lookup(name)
