"""The metaclass of models: from a class body to a registered model.

One of the rooms that know everything. The invariant: a class is registered only when it is whole; one whose body is
refused leaves no trace in a registry.
"""

from __future__ import annotations

import inspect
import keyword
import re
import sys
import warnings
from collections.abc import Callable
from functools import partialmethod
from pathlib import Path
from typing import Any, Final

from typing_extensions import ParamSpec, TypeVar

from modelkit import registry as registries
from modelkit.assembly.infos import Assembler
from modelkit.constraints import Index, UniqueConstraint
from modelkit.deletion import CASCADE
from modelkit.errors import FieldError, MultipleObjectsReturned, ObjectDoesNotExist, did_you_mean, spelled
from modelkit.fields.base import Field
from modelkit.fields.composite import CompositePrimaryKey
from modelkit.inheritance import check_key, check_name, inherit, model_bases, proxied, read_meta
from modelkit.managers import Manager
from modelkit.model.state import share_keys
from modelkit.modelinfo import ModelClass
from modelkit.options import Options
from modelkit.relations.base import RelationField
from modelkit.relations.foreign_key import OneToOne
from modelkit.relations.in_order import declare_order
from modelkit.signals import class_prepared

__all__ = ["ModelMeta"]

M = TypeVar("M")
P = ParamSpec("P")

_ASSEMBLER = Assembler()
_SCRIPTS: Final = ("__main__", "__mp_main__")
"""The names that a script's own module goes by, and its copy in a process that multiprocessing started."""


class ModelMeta(type):
    """The class of model classes."""

    _meta: Options

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any) -> Any:
        """Make the class `name`; a model, unless it says `root=True`: the bases that models derive from."""
        if options.pop("root", False):
            return super().__new__(mcs, name, bases, namespace, **options)
        _check_body(name, namespace)
        plain = dict(namespace)
        declared = plain.pop("Meta", None)
        contributed = {key: plain.pop(key) for key, value in namespace.items() if _contributes(value) and key != "Meta"}
        model: Any = super().__new__(mcs, name, bases, plain, **options)
        parents = model_bases(bases)
        meta = _options_of(model, declared, parents)
        meta.contribute_to_class(model, "_meta")
        try:
            _fill(model, contributed, parents)
        except BaseException:
            meta.registry.discard(model)
            raise
        if meta.abstract:
            if declared is not None:
                declared.abstract = False
                model.Meta = declared
            return model
        meta.registry.register(model)
        share_keys(model)
        return model

    def add_to_class(cls, name: str, value: Any) -> None:
        """Put `value` on the class: a field or manager in its own way, anything else as an attribute."""
        if not _contributes(value):
            setattr(cls, name, value)
            return
        if isinstance(value, Field) and not value.auto_created:
            if not isinstance(value, CompositePrimaryKey):
                check_name(cls.__name__, name)
                _check_free(cls, name)
            _check_unused(cls, name, value)
        value.contribute_to_class(cls, name)

    @property
    def _default_manager(cls) -> Any:
        return cls._meta.default_manager

    @property
    def _base_manager(cls) -> Any:
        return cls._meta.base_manager

    def _plain_manager(cls) -> Any:
        """A manager of all rows, whatever the class declares."""
        manager: Manager[Any] = Manager()
        manager.name = "_base_manager"
        manager.model = cls
        manager.auto_created = True
        return manager

    def create(cls: Callable[P, M], *args: P.args, **kwargs: P.kwargs) -> M:
        """A new instance, saved. The constructor's arguments."""
        made: Any = cls(*args, **kwargs)
        made.save(force_insert=True)
        return made  # type: ignore[no-any-return]


def _fill(model: Any, contributed: dict[str, Any], parents: list[ModelClass]) -> None:
    """What the class body declares, what the bases hand down, and what a concrete model gets beside it."""
    meta = model._meta
    if not meta.abstract:
        _add_exceptions(model, parents)
        _inherit_order(model, parents)
    for key, value in contributed.items():
        model.add_to_class(key, value)
    if meta.proxy:
        meta.setup_proxy(proxied(model, parents))
    inherit(model, parents, _parent_link)
    if not meta.abstract:
        _finish(model)


def _contributes(value: Any) -> bool:
    return not inspect.isclass(value) and hasattr(value, "contribute_to_class")


def _check_body(model: str, namespace: dict[str, Any]) -> None:
    """FieldError for a model's name that queries could not hold; a warning for the class of a field or manager where one may be meant."""
    if (
        not model.isidentifier()
        or keyword.iskeyword(model)
        or "__" in model
        or model.startswith("_")
        or model.endswith("_")
    ):
        raise FieldError(
            f"A model cannot be named '{spelled(model)}': its name is a Python identifier and no keyword, without two "
            "underscores in a row or one at either end, which separate names in queries."
        )
    for name, value in namespace.items():
        if not inspect.isclass(value) or value.__qualname__.rpartition(".")[2] == name:
            continue
        meant = "field" if issubclass(value, Field) else "manager" if issubclass(value, Manager) else None
        if meant is not None:
            warnings.warn(
                f"{model}.{name} is the class {value.__name__}, not a {meant}. "
                f"If a {meant} is meant, write {value.__name__}().",
                RuntimeWarning,
                stacklevel=3,
            )


def _check_unused(model: type, name: str, field: Field[Any]) -> None:
    """TypeError for a field that stands on a model already: each attribute needs one of its own."""
    owner: Any = field.__dict__.get("model")
    if owner is not None and any(
        known is field for known in (*owner._meta.local_fields, *owner._meta.local_many_to_many)
    ):
        raise TypeError(
            f"{model.__name__}.{name} is the same object as {owner.__name__}.{field.name}: give each its own field."
        )


def _check_free(model: Any, name: str) -> None:
    """FieldError where `name` is a method or property that all models have."""
    root = next(base for base in reversed(model.mro()) if isinstance(base, ModelMeta))
    present = root.__dict__.get(name)
    if inspect.isfunction(present) or isinstance(present, (property, classmethod, staticmethod)):
        raise FieldError(f"{model.__name__} cannot have a field named '{name}': every model has a method of that name.")


def _app_of(module: str) -> str:
    """The label of the app that a module belongs to: its top-level package.

    A script's is what it would be if the script were imported, so that both find the same rows in a file.
    """
    if module in _SCRIPTS and not hasattr(sys, "ps1"):  # an interactive session is no script, whatever started it
        main = sys.modules.get(module)
        spec, file = getattr(main, "__spec__", None), getattr(main, "__file__", None)
        if spec is not None:
            module = spec.name
        elif file is not None:
            module = re.sub(r"\W", "_", Path(file).stem)
    return module.partition(".")[0]


def _options_of(model: Any, declared: type | None, parents: list[ModelClass]) -> Options:
    """The Options that Meta, a base's Meta and the module's name give."""
    options = read_meta(model.__name__, declared or getattr(model, "Meta", None))
    if declared is None:
        options.pop("abstract", None)
    app_label = options.get("app_label") or _app_of(model.__module__)
    registry = options.get("registry") or options.get("apps")
    if registry is None:
        isolated = (parent._meta.registry for parent in parents if parent._meta.registry.namespace)
        registry = next(isolated, registries.default)
    return Options(options, app_label, registry, _ASSEMBLER)


def _add_exceptions(model: Any, parents: list[ModelClass]) -> None:
    """The model's own DoesNotExist and MultipleObjectsReturned, which are its concrete bases' too."""
    for root in (ObjectDoesNotExist, MultipleObjectsReturned):
        name = "DoesNotExist" if root is ObjectDoesNotExist else "MultipleObjectsReturned"
        bases = tuple(getattr(parent, name) for parent in parents if not parent._meta.abstract) or (root,)
        body = {"__module__": model.__module__, "__qualname__": f"{model.__qualname__}.{name}"}
        setattr(model, name, type(name, bases, body))


def _inherit_order(model: Any, parents: list[ModelClass]) -> None:
    """What a concrete base says about order holds where Meta says nothing."""
    base = next(iter(parents), None)
    if base is not None and not base._meta.abstract:
        meta = model._meta
        if "ordering" not in meta.original_attrs:
            meta.ordering = base._meta.ordering
        if "get_latest_by" not in meta.original_attrs:
            meta.get_latest_by = base._meta.get_latest_by


def _parent_link(parent: ModelClass, name: str) -> Any:
    link: Any = OneToOne(parent, CASCADE, parent_link=True, name=name, auto_created=True)
    return link


def _finish(model: Any) -> None:
    """Key, managers, docstring: what a concrete class gets when its fields are known."""
    meta = model._meta
    _give_key(model)
    check_key(model)
    for field in (*meta.local_fields, *meta.private_fields):
        if isinstance(field, RelationField):
            field.check_ends()
    _check_names(model)
    if not meta.managers:
        if any(field.name == "objects" for field in meta.fields):
            raise ValueError(f"{model.__name__} has a field named 'objects': declare a manager under another name.")
        manager: Manager[Any] = Manager()
        manager.auto_created = True
        manager.contribute_to_class(model, "objects")
    _add_neighbours(model)
    if meta.order_with_respect_to and not meta.proxy:
        declare_order(model)
    if model.__dict__.get("__doc__") is None:
        model.__doc__ = f"{model.__name__}({', '.join(field.name for field in meta.fields)})"
    if class_prepared.receivers:
        class_prepared.send(model)


def _add_neighbours(model: Any) -> None:
    """get_next_by_FOO() and get_previous_by_FOO() for each date that is never null."""
    for field in model._meta.local_fields:
        if field.concrete and not field.null and field.get_internal_type() in ("DateField", "DateTimeField"):
            for name, forward in ((f"get_next_by_{field.name}", True), (f"get_previous_by_{field.name}", False)):
                if name not in model.__dict__:
                    setattr(model, name, partialmethod(model._neighbour, field, forward))


def _give_key(model: Any) -> None:
    """The primary key where none is declared: the link to the first parent, or an automatic id."""
    meta = model._meta
    if meta.pk is not None:
        return
    link = next((link for link in meta.parents.values() if link is not None), None)
    if link is not None:
        link.primary_key = True
        link.serialize = False
        meta.pk = link
        meta.expire(table=True)
    elif model._has_implicit_key:
        if any(field.name == "id" for field in (*meta.local_fields, *meta.local_many_to_many)):
            raise FieldError(
                f"{model.__name__} has a field named 'id' that is not its primary key: give it primary_key=True, "
                "or another name."
            )
        kind: Any = meta.registry.default_auto_field(meta.app_label)
        key = kind("ID", primary_key=True, auto_created=True)
        key.contribute_to_class(model, "id")
        meta.auto_field = key


def _names(given: Any) -> tuple[Any, ...]:
    """One name or several, as a tuple."""
    return (given,) if isinstance(given, str) else tuple(given or ())


def _plain_name(key: Any) -> str | None:
    """The field that an order's key names on the model itself; None for what leads further, or is no name."""
    name = key.removeprefix("-") if isinstance(key, str) else "?"
    return None if name in {"?", "pk"} or "__" in name else name


def _check_names(model: Any) -> None:
    """FieldError where Meta names a field that does not exist."""
    meta = model._meta
    known = meta._forward_fields_map
    named: list[tuple[str, str]] = [("unique_together", name) for group in meta.unique_together for name in group]
    for constraint in meta.constraints:
        if isinstance(constraint, UniqueConstraint):
            option = f"constraints ('{constraint.name}')"
            named.extend((option, name) for name in (*constraint.fields, *constraint.include))
    for index in meta.indexes:
        if isinstance(index, Index):
            option = f"indexes ('{index.name}')"
            named.extend((option, name) for name in (*(name for name, _ in index.fields_orders), *index.include))
    for option, keys in (("ordering", meta.ordering), ("get_latest_by", _names(meta.get_latest_by))):
        named.extend((option, name) for key in keys if (name := _plain_name(key)) is not None)
    for option, name in named:
        if name not in known:
            raise FieldError(
                f"{model.__name__}.Meta.{option} names '{name}', which is no field.{did_you_mean(name, known)}"
            )
        if known[name].composite and option not in {"ordering", "get_latest_by"}:
            parts = ", ".join(known[name].field_names)
            raise FieldError(
                f"{model.__name__}.Meta.{option} names '{name}', which has no column of its own: name {parts} instead."
            )
