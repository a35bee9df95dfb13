"""Names of models, and relations to models that do not exist yet, as data.

A registry knows model classes by their `_meta` and relation fields by `field.bind(target)`. Several registries never share
models: an isolated one is collected with its models once nothing else holds them. The invariant: a relation is either
bound to the class that its target's name means now, or listed in `unresolved()`.
"""

from __future__ import annotations

import importlib
import itertools
import threading
from typing import Any, TypeAlias

from modelkit import signals
from modelkit.checks import CheckMessage
from modelkit.database import namespaces
from modelkit.errors import ImproperlyConfigured, did_you_mean, shorten
from modelkit.fields.numbers import AutoField, BigAutoField, SmallAutoField
from modelkit.inheritance import repoint
from modelkit.ir.schema import Table
from modelkit.modelinfo import ModelClass
from modelkit.records import dataclass

__all__ = [
    "AutoFieldChoice",
    "Pending",
    "Registry",
    "check",
    "default",
    "get",
    "models",
    "set_default_auto_field",
    "unresolved",
]

AutoFieldChoice: TypeAlias = type[AutoField[Any]] | str | None
"""The class of automatic keys: itself or its import path; None where every model is to declare its key."""

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Pending:
    """A relation that waits for its target: `model`.`field` names `target` ("app.Model")."""

    model: ModelClass
    field: Any
    target: str

    def __str__(self) -> str:
        return f"{self.model._meta.label}.{self.field.name} -> {self.target}"


class Registry:
    """Model classes by label.

    `namespace` keeps the tables of registries apart where they share a store; `default_auto_field` is as in
    `set_default_auto_field()`.
    """

    def __init__(self, *, namespace: str | None = None, default_auto_field: AutoFieldChoice = BigAutoField) -> None:
        self.namespace = f"registry-{next(_numbers)}" if namespace is None else namespace
        self.lock = threading.RLock()
        self._models: dict[str, ModelClass] = {}
        self._pending: dict[str, list[Pending]] = {}
        self._auto_fields: dict[str | None, AutoFieldChoice] = {}
        self.set_default_auto_field(default_auto_field)
        namespaces[self.namespace] = self

    # -- looking up

    def models(self, app_label: str | None = None, *, include_auto_created: bool = False) -> list[ModelClass]:
        """All models (of one app) in the order they were defined in; those made for many-to-many relations on demand."""
        return [
            model
            for model in self._models.values()
            if (app_label is None or model._meta.app_label == app_label)
            and (include_auto_created or not model._meta.auto_created)
        ]

    def get(self, label: str, model_name: str | None = None) -> ModelClass:
        """The model "app.Model", in any case; LookupError with the near miss.

        The two parts may be passed one by one.
        """
        if model_name is not None:
            label = f"{label}.{model_name}"
        found = self.find(label)
        if found is None:
            known = [model._meta.label for model in self.models()]
            if "." not in label:
                raise LookupError(
                    f"A model is looked up as 'app_label.ModelName', not {label!r}.{did_you_mean(label, known)}"
                )
            raise LookupError(f"There is no model '{label}'.{did_you_mean(label, known)}")
        return found

    def find(self, label: str) -> ModelClass | None:
        """The model "app.Model", in any case, or None."""
        return self._models.get(_key(label))

    def table_named(self, name: str) -> Table | None:
        """The table of that name, which stores ask for when they first meet it. Linear in the models."""
        model = self.model_of_table(name)
        table: Table | None = None if model is None else model._meta.table
        return table

    def model_of_table(self, name: str) -> ModelClass | None:
        """The model whose rows are in the table of that name, no proxy. Linear in the models."""
        models = list(self._models.values())
        return next((model for model in models if model._meta.db_table == name and not model._meta.proxy), None)

    def unresolved(self) -> list[Pending]:
        """Relations whose target has not been defined."""
        return [pending for waiting in self._pending.values() for pending in waiting]

    def hint(self, target: str) -> str:
        """The near miss for the name of a model that does not exist."""
        return did_you_mean(target, [model._meta.label for model in self.models()])

    def check(self, app_label: str | None = None) -> list[CheckMessage]:
        """What may be wrong with the models (of one app), model by model. Quadratic in the models."""
        return [finding for model in self.models(app_label) for finding in model.check()]

    # Django's names for these
    get_model = get
    get_models = models

    # -- keys of models that declare none

    def set_default_auto_field(self, field: AutoFieldChoice, *, app_label: str | None = None) -> None:
        """Give models without a primary key of their own an `id` of class `field`: all of them, or those of one app.

        `field` is AutoField, BigAutoField, SmallAutoField or a subclass of one: the class, or its import path, which is
        followed when the first model needs it. None refuses such models. What an app is given goes before what all are;
        models that are defined already keep their key.

        Raises ValueError for a class of any other kind, TypeError for what is no class.
        """
        if isinstance(field, type):
            _check_auto_field(field, field.__name__)
        elif field is not None and not isinstance(field, str):
            raise TypeError(f"A default key is a class such as BigAutoField, or its import path, not {shorten(field)}.")
        self._auto_fields[app_label] = field

    def default_auto_field(self, app_label: str) -> type[AutoField[Any]]:
        """The class of the `id` that models of an app get which declare no primary key.

        Raises ImproperlyConfigured where there is to be none, or where its path leads nowhere; ValueError where that
        leads to another kind of class.
        """
        chosen = self._auto_fields.get(app_label, self._auto_fields[None])
        if chosen is None:
            raise ImproperlyConfigured(
                f"'{app_label}' has no default key (default_auto_field is None): declare a field with primary_key=True."
            )
        return _imported_auto_field(chosen) if isinstance(chosen, str) else chosen

    # -- taking in

    def refer(self, model: ModelClass, field: Any, target: str) -> None:
        """Bind `field` of `model` to the model named `target`: now, or when that is defined."""
        with self.lock:
            found = self.find(target)
            if found is not None and found._meta.label_lower != model._meta.label_lower:
                field.bind(found)
            else:
                self._pending.setdefault(_key(target), []).append(Pending(model, field, target))

    def register(self, model: ModelClass) -> None:
        """Take in a finished class, in place of a former one of the same label, and bind what waited for it.

        Raises RuntimeError where another module defines a model of that label.
        """
        meta = model._meta
        key = meta.label_lower
        with self.lock:
            former = self._models.get(key)
            if former is not None:
                self._check_same(former, model)
                moved = [*self._retire(former), *self._through(former)]
            else:
                moved = []
            self._models[key] = model
            if former is not None:
                repoint(former, model)
            for field in moved:
                field.bind(model)
            for pending in self._pending.pop(key, ()):
                pending.field.bind(model)
            for known in self._models.values():
                if former is not None:
                    known._meta.expire(table=True)
                elif known._meta.waits:
                    known._meta.expire()
        for signal in _MODEL_SIGNALS:
            signal.named_sender(meta.label, model, self)

    def _check_same(self, former: ModelClass, model: ModelClass) -> None:
        if former.__module__ != model.__module__:
            raise RuntimeError(
                f"There are two models '{model._meta.label}': one in {former.__module__}, one in {model.__module__}. "
                "Give one of them another Meta.app_label, or a Meta.registry of its own."
            )

    def _retire(self, former: ModelClass) -> list[Any]:
        """Undo what `former` has bound; the relations of other models that led to it."""
        for waiting in self._pending.values():
            waiting[:] = [pending for pending in waiting if pending.model is not former]
        self._pending = {target: waiting for target, waiting in self._pending.items() if waiting}
        shared = former._meta.proxy
        own = () if shared else (*former._meta.local_fields, *former._meta.local_many_to_many)
        for field in (*own, *former._meta.private_fields):
            if field.is_relation and field.remote_field is not None:
                field.unbind()
        incoming = [field for field in former._meta.incoming if not issubclass(field.model, former)]
        for field in incoming:
            field.unbind()
        return [field for field in incoming if self.find(field.model._meta.label) is field.model]

    def _through(self, model: ModelClass) -> list[Any]:
        """What waits for a model in place of `model`, by which many-to-many relations were declared to go; as fields do."""
        if model._meta.auto_created:
            return []
        return [
            field.await_through(model._meta.label)
            for known in self._models.values()
            for field in known._meta.local_many_to_many
            if field.remote_field.through is model
        ]

    def discard(self, model: ModelClass) -> None:
        """Undo what an unfinished class has bound; a former class of its label shows its relations again."""
        with self.lock:
            self._retire(model)
            former = self.find(model._meta.label)
            if former is not None and former is not model:
                for field in (*former._meta.local_fields, *former._meta.local_many_to_many):
                    if field.is_relation and field.resolved:
                        field.bind(field.related_model)

    def forget(self, model: ModelClass) -> None:
        """Take `model` out of the registry; relations to it are unbound."""
        label = model._meta.label
        with self.lock:
            if self.find(label) is model:
                del self._models[_key(label)]
                for field in (*self._retire(model), *self._through(model)):
                    self._pending.setdefault(_key(label), []).append(Pending(field.model, field, label))

    def __repr__(self) -> str:
        return f"<Registry {self.namespace or 'default'}: {len(self._models)} models>"


def _imported_auto_field(path: str) -> type[AutoField[Any]]:
    """The class of automatic keys at an import path."""
    module_name, _, name = path.rpartition(".")
    try:
        module = importlib.import_module(module_name)
        found: type[AutoField[Any]] = getattr(module, name)
    except (ImportError, ValueError, AttributeError) as error:
        raise ImproperlyConfigured(
            f"The default key '{path}' cannot be imported ({error}).{did_you_mean(path, _AUTO_FIELDS)}"
        ) from error
    _check_auto_field(found, path)
    return found


def _check_auto_field(kind: Any, name: str) -> None:
    if not (isinstance(kind, type) and issubclass(kind, AutoField)):
        raise ValueError(  # noqa: TRY004 - a class, as asked for, but a wrong one
            f"The default key '{name}' is no AutoField, BigAutoField, SmallAutoField or subclass of one. Keys of another "
            "kind are declared: in an abstract base, where many models are to have them."
        )


_AUTO_FIELDS = tuple(f"modelkit.{kind.__name__}" for kind in (AutoField, BigAutoField, SmallAutoField))


def _key(label: str) -> str:
    app_label, _, name = label.rpartition(".")
    return f"{app_label}.{name.lower()}"


_MODEL_SIGNALS = [signal for signal in vars(signals).values() if isinstance(signal, signals.ModelSignal)]

default = Registry(namespace="")
"""Where models are registered that name no other registry in their Meta."""


signals.ModelSignal.home = default


def models(app_label: str | None = None, *, include_auto_created: bool = False) -> list[ModelClass]:
    """The default registry's models."""
    return default.models(app_label, include_auto_created=include_auto_created)


def get(label: str, model_name: str | None = None) -> ModelClass:
    """A model of the default registry."""
    return default.get(label, model_name)


def check(app_label: str | None = None) -> list[CheckMessage]:
    """What may be wrong with the default registry's models (of one app)."""
    return default.check(app_label)


def unresolved() -> list[Pending]:
    """Relations in the default registry whose target has not been defined."""
    return default.unresolved()


def set_default_auto_field(field: AutoFieldChoice, *, app_label: str | None = None) -> None:
    """Choose the class of `id` for the default registry's models that declare no primary key, all or one app's."""
    default.set_default_auto_field(field, app_label=app_label)
