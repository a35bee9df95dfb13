"""`django.db.utils`."""

from __future__ import annotations

from typing import Any

from modelkit.version import PICKLED_BY
from tests.django_suite.shim.connection import Connections
from tests.django_suite.shim.facade import lookup

__all__ = ["DEFAULT_DB_ALIAS", "DJANGO_VERSION_PICKLE_KEY", "ConnectionHandler", "ConnectionRouter"]

DEFAULT_DB_ALIAS = "default"
DJANGO_VERSION_PICKLE_KEY = PICKLED_BY
ConnectionHandler = Connections


class ConnectionRouter:
    """Named by Django's test signals, which make one where settings change."""

    def __init__(self, routers: Any = None) -> None:
        self.routers = routers or []


def __getattr__(name: str) -> Any:
    return lookup(name)
