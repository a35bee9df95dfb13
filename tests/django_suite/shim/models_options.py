"""`django.db.models.options`: modelkit's Options, with the registry that `isolate_apps` exchanges."""

# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings

from modelkit import registry
from modelkit.signals import ModelSignal
from tests.django_suite.shim.facade import lookup

__all__ = ["Options"]


class _Exchangeable(type):
    """Lets `Options.default_apps = isolated` begin an isolation, and setting it back end one."""

    present: Any = apps

    @property
    def default_apps(cls) -> Any:
        return _Exchangeable.present

    @default_apps.setter
    def default_apps(cls, chosen: Any) -> None:
        """Models that are defined during an isolation go to a registry of their own."""
        _Exchangeable.present = chosen
        registry.default = ModelSignal.home = USUAL if chosen is apps else registry_of(chosen)


USUAL = registry.default


def registry_of(of_django: Any) -> registry.Registry:
    """The registry of modelkit's that stands behind one of Django's: behind its global one the default."""
    if of_django is apps:
        return USUAL
    found: registry.Registry | None = of_django.__dict__.get("_modelkit")
    if found is None:
        made = registry.Registry(default_auto_field=under_our_name(settings.DEFAULT_AUTO_FIELD))
        found = of_django.__dict__["_modelkit"] = made
        for config in of_django.app_configs.values():
            if config._is_default_auto_field_overridden:
                found.set_default_auto_field(under_our_name(config.default_auto_field), app_label=config.label)
    return found


def under_our_name(path: str | None) -> str | None:
    """The import path of one of Django's fields as modelkit spells it."""
    return path and path.replace("django.db.models.", "modelkit.", 1)


class Options(metaclass=_Exchangeable):
    """What Django's test utilities know of options: where new models are registered."""


def __getattr__(name: str) -> Any:
    return lookup(name)
