"""ContentType: a row for each model, so that a foreign key to it names a model.

What was found is remembered for each store, for as long as it is true: rows that a transaction made are remembered with
the transaction, and go with it or with the savepoint that is rolled back; clearing or restoring a store forgets all.
"""

from __future__ import annotations

import weakref
from typing import Any, Final

from modelkit import registry
from modelkit.fields import CharField
from modelkit.managers import Manager
from modelkit.model.base import Model
from modelkit.modelinfo import ModelClass
from modelkit.registry import Registry
from modelkit.stores.base import Store
from modelkit.transaction import DEFAULT, running, store_of

__all__ = ["ContentType", "ContentTypeManager", "natural_key"]


def natural_key(model: Any, for_concrete_model: bool = True) -> tuple[str, str]:
    """What tells the content type of a model (a class or an instance) from others: app label and model name."""
    meta = model._meta
    if for_concrete_model:
        meta = meta.concrete_model._meta
    return meta.app_label, meta.model_name


_known: Final[weakref.WeakKeyDictionary[Store, tuple[int, dict[Any, Any]]]] = weakref.WeakKeyDictionary()
"""Store -> its epoch, and content types by natural key and by id."""


def _of_store(store: Store) -> dict[Any, Any]:
    """The content types of a store that are known since it was last cleared or restored."""
    epoch, known = _known.get(store, (-1, {}))
    if epoch != store.epoch:
        known = {}
        _known[store] = (store.epoch, known)
    return known


class _Remembering:
    """A commit hook of the transaction that found a content type: the store knows it from then on."""

    def __init__(self, store: Store, found: Any) -> None:
        self.store = store
        self.epoch = store.epoch
        self.found = found

    def __call__(self) -> None:
        if self.epoch == self.store.epoch:
            _remember(_of_store(self.store), self.found)


def _remember(known: dict[Any, Any], found: Any) -> None:
    known[found.natural_key()] = known[found.pk] = found


class ContentTypeManager(Manager["ContentType"]):
    """Finds content types, by model, natural key or id, and makes those that are missing."""

    use_in_migrations = True

    def _cached(self, key: Any) -> ContentType | None:
        """The known content type of that natural key or id."""
        alias = self.db
        store = store_of(alias)
        found: ContentType | None = _of_store(store).get(key)
        current = running(alias)
        if found is None and current is not None:
            for hook, _ in current.hooks:
                if isinstance(hook, _Remembering) and hook.epoch == store.epoch:
                    kept = hook.found
                    if key in (kept.pk, kept.natural_key()):
                        return kept  # type: ignore[no-any-return]
        return found

    def _keep(self, found: ContentType) -> ContentType:
        """Remember `found`: with the running transaction, where there is one, since only that may see it."""
        alias = self.db
        store = store_of(alias)
        current = running(alias)
        if current is None:
            _remember(_of_store(store), found)
        else:
            current.add_hook(_Remembering(store, found))
        return found

    def get_by_natural_key(self, app_label: str, model: str) -> ContentType:
        """The content type of the model with that app label and (lowercase) name. Raises DoesNotExist."""
        found = self._cached((app_label, model))
        return self._keep(self.get(app_label=app_label, model=model)) if found is None else found

    def get_for_model(self, model: Any, for_concrete_model: bool = True) -> ContentType:
        """The content type of a model (a class or an instance); made where there is none.

        A proxy has that of the model it stands for, or with `for_concrete_model=False` its own.
        """
        key = natural_key(model, for_concrete_model)
        found = self._cached(key)
        if found is None:
            app_label, name = key
            try:
                found = self.get(app_label=app_label, model=name)
            except ContentType.DoesNotExist:
                found, _ = self.get_or_create(app_label=app_label, model=name)
            self._keep(found)
        return found

    def get_for_models(self, *models: Any, for_concrete_models: bool = True) -> dict[ModelClass, ContentType]:
        """Content types by model: one statement for all that are not known, and one for each that must be made."""
        keys = {model: natural_key(model, for_concrete_models) for model in models}
        found = {key: self._cached(key) for key in keys.values()}
        missing = {key for key, known in found.items() if known is None}
        if missing:
            names = {name for _, name in missing}
            labels = {label for label, _ in missing}
            for known in self.filter(app_label__in=labels, model__in=names):
                if known.natural_key() in missing:
                    found[known.natural_key()] = self._keep(known)
        made: dict[ModelClass, ContentType] = {}
        for model, key in keys.items():
            known_type = found[key]
            if known_type is None:
                known_type = found[key] = self._keep(self.create(app_label=key[0], model=key[1]))
            made[model] = known_type
        return made

    def get_for_id(self, id: int) -> ContentType:
        """The content type with that id. Raises DoesNotExist."""
        found = self._cached(id)
        return self._keep(self.get(pk=id)) if found is None else found

    def clear_cache(self) -> None:
        """Forget all that is known, of every store."""
        _known.clear()
        current = running(self.db)
        if current is not None:
            current.hooks = [entry for entry in current.hooks if not isinstance(entry[0], _Remembering)]


class ContentType(Model):
    """A model, as a row."""

    app_label = CharField(max_length=100)
    model = CharField(max_length=100)

    objects = ContentTypeManager()

    class Meta:
        app_label = "contenttypes"
        verbose_name = "content type"
        verbose_name_plural = "content types"
        unique_together = (("app_label", "model"),)

    def __str__(self) -> str:
        return self.app_labeled_name

    @property
    def name(self) -> str:
        """The model's name for people; that of the row, where there is no such model any more."""
        model = self.model_class()
        return self.model if model is None else str(model._meta.verbose_name)

    @property
    def app_labeled_name(self) -> str:
        """The same after the app's."""
        model = self.model_class()
        return self.model if model is None else f"{self.app_label.capitalize()} | {model._meta.verbose_name}"

    def model_class(self, within: Registry | None = None) -> ModelClass | None:
        """The model; None where there is no such model any more. It is looked for in the registry `within`, then in the default one."""
        label = f"{self.app_label}.{self.model}"
        return (within.find(label) if within is not None else None) or registry.default.find(label)

    def require_model(self, within: Registry | None = None) -> ModelClass:
        """As model_class(); LookupError where there is none."""
        model = self.model_class(within)
        if model is None:
            raise LookupError(f"The content type {self.app_label}.{self.model} is of no model that is defined.")
        return model

    def get_object_for_this_type(self, using: str | None = None, **lookups: Any) -> Any:
        """The one instance of the model that matches. Raises the model's DoesNotExist or MultipleObjectsReturned."""
        return self.require_model()._base_manager.using(using or self._state.db or DEFAULT).get(**lookups)

    def get_all_objects_for_this_type(self, **lookups: Any) -> Any:
        """The instances of the model that match, as a queryset."""
        return self.require_model()._base_manager.using(self._state.db or DEFAULT).filter(**lookups)

    def natural_key(self) -> tuple[str, str]:
        """App label and model name."""
        return self.app_label, self.model
