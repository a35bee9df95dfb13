"""`django.db`."""

from __future__ import annotations

from typing import Any

from modelkit.errors import (
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
)
from modelkit.version import PICKLED_BY
from tests.django_suite.shim.connection import Connections
from tests.django_suite.shim.statements import statements

__all__ = [
    "DEFAULT_DB_ALIAS",
    "DJANGO_VERSION_PICKLE_KEY",
    "DataError",
    "DatabaseError",
    "Error",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
    "close_old_connections",
    "connection",
    "connections",
    "reset_queries",
    "router",
]

DEFAULT_DB_ALIAS = "default"
DJANGO_VERSION_PICKLE_KEY = PICKLED_BY

connections = Connections(statements)
connection = connections[DEFAULT_DB_ALIAS]


class Router:
    """Everything is on the default store."""

    routers: list[Any] = []

    def db_for_read(self, model: Any, **_: Any) -> str:
        return DEFAULT_DB_ALIAS

    def db_for_write(self, model: Any, **_: Any) -> str:
        return DEFAULT_DB_ALIAS

    def allow_relation(self, *_: Any, **__: Any) -> bool:
        return True

    def allow_migrate(self, *_: Any, **__: Any) -> bool:
        return True

    def allow_migrate_model(self, *_: Any, **__: Any) -> bool:
        return True


router = Router()


def reset_queries(**_: Any) -> None:
    """Forget the statements logged so far."""
    statements.clear()


def close_old_connections(**_: Any) -> None:
    """A store does not age."""
