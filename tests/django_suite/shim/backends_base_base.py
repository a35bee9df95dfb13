"""`django.db.backends.base.base`."""

from __future__ import annotations

from tests.django_suite.shim.connection import BaseDatabaseWrapper

__all__ = ["NO_DB_ALIAS", "BaseDatabaseWrapper"]

NO_DB_ALIAS = "__no_db__"
