"""Django's source on sys.path with `django.db` replaced: a finder that serves the shim's modules in its place.

The invariant: exception classes that both sides define are one class before any other module of Django is imported.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from pathlib import Path
from types import ModuleType

import modelkit.deprecation
import modelkit.errors
from tests.django_suite.shim.facade import Facade

__all__ = ["install"]

SHIM = Path(__file__).resolve().parent / "shim"
SERVED = (
    "django.db",
    "django.contrib.contenttypes.fields",
    "django.contrib.contenttypes.models",
    "django.contrib.contenttypes.prefetch",
    "django.core.paginator",
)
DJANGOS_OWN = ("django.db.models.fields.files",)
"""Modules below those that are served which are Django's nevertheless: fields that stand on modelkit's."""
SHARED_ERRORS = (
    "FieldDoesNotExist",
    "FieldError",
    "ImproperlyConfigured",
    "MultipleObjectsReturned",
    "ObjectDoesNotExist",
    "ObjectNotUpdated",
    "ValidationError",
)


class _Finder(MetaPathFinder):
    """Serves `django.db` and what is below it, and the generic relations."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if not any(fullname == served or fullname.startswith(served + ".") for served in SERVED):
            return None
        if fullname in DJANGOS_OWN:
            django = importlib.import_module("django")
            place = Path(str(django.__path__[0])).parent.joinpath(*fullname.split(".")).with_suffix(".py")
            return importlib.util.spec_from_file_location(fullname, place)
        written = _written(fullname)
        if written is not None:
            return importlib.util.spec_from_file_location(fullname, written, submodule_search_locations=[])
        return importlib.machinery.ModuleSpec(fullname, _FacadeLoader(), is_package=True)


def _written(fullname: str) -> Path | None:
    """The shim's own file for a module, where it has one: `django.db.models.options` is `shim/models_options.py`."""
    name = "_".join(fullname.split(".")[2:]) or "db"
    path = SHIM / f"{name}.py"
    return path if path.exists() else None


class _FacadeLoader(Loader):
    """Makes a module whose names are modelkit's, looked up when they are asked for."""

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return Facade(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run."""


def install(source: Path) -> None:
    """Put Django's source and its tests on sys.path, with modelkit beneath.

    Raises RuntimeError where Django was imported before.
    """
    if "django" in sys.modules:
        raise RuntimeError("Django is imported already: the overlay needs a process of its own.")
    sys.path[:0] = [str(source), str(source / "tests")]
    sys.meta_path.insert(0, _Finder())
    exceptions = importlib.import_module("django.core.exceptions")
    for name in SHARED_ERRORS:
        setattr(exceptions, name, getattr(modelkit.errors, name))
    deprecation = importlib.import_module("django.utils.deprecation")
    deprecation.RemovedInDjango60Warning = modelkit.deprecation.DeprecatedSpelling  # type: ignore[attr-defined]
    handlers = importlib.import_module("django.utils.connection")
    handlers.ConnectionDoesNotExist = modelkit.errors.ImproperlyConfigured  # type: ignore[attr-defined]
