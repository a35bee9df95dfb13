"""Modules of `django.db` that are nothing but names: each is modelkit's, or a stand-in that says it is missing."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any, NoReturn

import modelkit
from tests.django_suite.shim.standins import OF_FILES, STAND_INS, Unbuilt

__all__ = ["Facade", "Unbuilt", "lookup"]

ROOMS = (
    "modelkit",
    "modelkit.functions",
    "modelkit.expressions",
    "modelkit.expressions.predicates",
    "modelkit.fields",
    "modelkit.fields.base",
    "modelkit.fields.options",
    "modelkit.relations",
    "modelkit.relations.foreign_key",
    "modelkit.relations.many_to_many",
    "modelkit.relations.sides",
    "modelkit.relations.accessors",
    "modelkit.relations.managers",
    "modelkit.queryset",
    "modelkit.queryset.queries",
    "modelkit.queryset.rows",
    "modelkit.queryset.queryset",
    "modelkit.managers",
    "modelkit.model",
    "modelkit.model.base",
    "modelkit.model.metaclass",
    "modelkit.options",
    "modelkit.deletion",
    "modelkit.prefetch",
    "modelkit.enums",
    "modelkit.errors",
    "modelkit.signals",
    "modelkit.contrib.contenttypes",
    "modelkit.paginator",
)

SPELLED = {
    "BaseManager": "Manager",
    "CombinedExpression": "Combined",
    "ForeignObjectRel": "Side",
    "ModelBase": "ModelMeta",
    "NegatedExpression": "Negated",
}
"""Django's name -> modelkit's, where they differ."""

SUBMODULES = frozenset(
    "aggregates base constants constraints deletion enums expressions fields functions indexes lookups manager options"
    " query query_utils signals sql utils".split()
)

CONSTANTS = {"GET_ITERATOR_CHUNK_SIZE": 100, "LOOKUP_SEP": "__", "MAX_GET_RESULTS": 21}


class _Missing(type):
    """The type of stand-ins for names that modelkit does not have."""

    def __call__(cls, *_: Any, **__: Any) -> NoReturn:
        raise Unbuilt(f"modelkit has no '{cls.__name__}'.")

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise Unbuilt(f"modelkit has no '{cls.__name__}', of which '{name}' was asked.")


def lookup(name: str, first: tuple[str, ...] = ()) -> Any:
    """modelkit's object under Django's `name`, a stand-in, or a class that raises Unbuilt where it is used.

    `first` are rooms to look in before all others.
    """
    if name in CONSTANTS:
        return CONSTANTS[name]
    wanted = SPELLED.get(name) or name
    for room in (*first, *ROOMS):
        try:
            module = importlib.import_module(room)
        except ModuleNotFoundError as error:
            if error.name is None or not room.startswith(error.name):
                raise
            continue
        if wanted in vars(module):
            return vars(module)[wanted]
    if name in OF_FILES:
        return getattr(importlib.import_module("django.db.models.fields.files"), name)
    return STAND_INS.get(name) or _Missing(name, (), {"__module__": modelkit.__name__})


class Facade(ModuleType):
    """A module that finds each name when it is asked for."""

    __path__ = []
    __all__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in SUBMODULES and self.__name__.startswith("django.db.models"):
            return importlib.import_module(f"{self.__name__}.{name}")
        found = lookup(name, ("modelkit.functions",) if "functions" in self.__name__ else ())
        setattr(self, name, found)
        return found
