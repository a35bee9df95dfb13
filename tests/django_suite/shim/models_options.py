"""`django.db.models.options`: modelkit's Options, with the registry that `isolate_apps` exchanges."""

# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from typing import Any

from django.apps import apps

from modelkit import registry
from tests.django_suite.shim.facade import lookup

__all__ = ["Options"]


class _Exchangeable(type):
    """Lets `Options.default_apps = isolated` begin an isolation, and setting it back end one."""

    present: Any = apps
    known: frozenset[Any] = frozenset()

    @property
    def default_apps(cls) -> Any:
        return _Exchangeable.present

    @default_apps.setter
    def default_apps(cls, chosen: Any) -> None:
        """Models that were defined during an isolation leave modelkit's registry at its end."""
        if chosen is apps:
            for model in reversed(registry.default.models(include_auto_created=True)):
                if model not in _Exchangeable.known:
                    registry.default.forget(model)
        elif _Exchangeable.present is apps:
            _Exchangeable.known = frozenset(registry.default.models(include_auto_created=True))
        _Exchangeable.present = chosen


class Options(metaclass=_Exchangeable):
    """What Django's test utilities know of options: where new models are registered."""


def __getattr__(name: str) -> Any:
    return lookup(name)
