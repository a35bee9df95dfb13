"""`django.db.models.utils`."""

from __future__ import annotations

from typing import Any

from tests.django_suite.shim.facade import lookup

__all__ = ["AltersData"]


class AltersData:
    """A base of Django's model forms, which marks methods that templates must not call."""


def __getattr__(name: str) -> Any:
    return lookup(name)
