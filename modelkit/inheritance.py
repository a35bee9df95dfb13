"""What a model class takes from its bases: options of Meta, fields of abstract bases, links to concrete parents.

Knows classes by their `_meta` and fields generically. The invariant: a field stands on one class; what an abstract base
declares is copied to each class that inherits it, what a concrete base declares stays there.
"""

from __future__ import annotations

import copy
import keyword
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from modelkit.errors import FieldError, ImproperlyConfigured, did_you_mean
from modelkit.modelinfo import ModelClass

__all__ = [
    "META_OPTIONS",
    "check_key",
    "check_name",
    "inherit",
    "is_model",
    "model_bases",
    "proxied",
    "read_meta",
    "repoint",
]

META_OPTIONS = frozenset(
    """
    abstract app_label apps auto_created base_manager_name constraints db_table db_table_comment db_tablespace
    default_manager_name default_permissions default_related_name get_latest_by indexes managed order_with_respect_to
    ordering permissions proxy registry required_db_features required_db_vendor select_on_save swappable
    unique_together verbose_name verbose_name_plural
    """.split()
)

_RESERVED = frozenset({"pk", "_adding", "_db", "_meta", "_related_keys", "_prefetched_objects_cache", "_state"})

MakeLink = Callable[[ModelClass, str], Any]


def is_model(base: type) -> bool:
    """Whether `base` is a model class proper, not the root of all."""
    return "_meta" in base.__dict__


def model_bases(bases: Iterable[type]) -> list[ModelClass]:
    """Those of `bases` that are models."""
    return [base for base in bases if is_model(base)]


def read_meta(owner: str, meta: type | None) -> dict[str, Any]:
    """The options that class `meta` holds, its own and its bases'; TypeError for one that does not exist."""
    if meta is None:
        return {}
    found = {name: getattr(meta, name) for name in dir(meta) if not name.startswith("_")}
    unknown = sorted(found.keys() - META_OPTIONS)
    if unknown:
        raise TypeError(f"{owner}.Meta has no option '{unknown[0]}'.{did_you_mean(unknown[0], META_OPTIONS)}")
    return found


def check_name(owner: str, name: str) -> None:
    """FieldError where no field of model `owner` can be called `name`."""
    reason = None
    if not name.isidentifier() or unicodedata.normalize("NFKC", name) != name:
        reason = "it is not a Python identifier in its normal form"
    elif keyword.iskeyword(name):
        reason = "it is a Python keyword"
    elif "__" in name:
        reason = "two underscores separate names in queries"
    elif name.endswith("_"):
        reason = "a lookup after it would begin with its underscore"
    elif name in _RESERVED:
        reason = "the name is in use on every model"
    if reason is not None:
        raise FieldError(f"{owner} cannot have a field named '{name}': {reason}.")


def proxied(model: ModelClass, parents: Iterable[ModelClass]) -> ModelClass:
    """The one concrete base that `model` is a proxy of; TypeError where there is none, or several, or a field with it."""
    name = model.__name__
    base = None
    for parent in parents:
        if parent._meta.abstract:
            if parent._meta.fields:
                raise TypeError(
                    f"The proxy {name} cannot inherit fields: its abstract base {parent.__name__} has some."
                )
        elif base is None:
            base = parent
        elif parent._meta.concrete_model is not base._meta.concrete_model:
            raise TypeError(f"The proxy {name} has several concrete bases: {base.__name__} and {parent.__name__}.")
    if base is None:
        raise TypeError(f"The proxy {name} has no concrete base to stand for.")
    own = [*model._meta.local_fields, *model._meta.local_many_to_many]
    if own:
        raise FieldError(f"The proxy {name} cannot have fields of its own, such as '{own[0].name}'.")
    return base


def inherit(model: ModelClass, parents: list[ModelClass], make_link: MakeLink) -> None:
    """Give `model` what its `parents` have: copies of abstract bases' fields, links to concrete ones.

    `make_link(parent, name)` makes a parent link. Raises FieldError where names clash.
    """
    meta = model._meta
    own = () if meta.proxy else (*meta.local_fields, *meta.local_many_to_many, *meta.private_fields)
    own_names = {field.name for field in own}
    declared_links = _declared_links(model, parents)
    inherited: set[str] = set()
    for base in model.mro():
        if base not in parents:
            inherited.update(base.__dict__)
            continue
        if base._meta.abstract:
            _copy_fields(model, base, own_names, inherited)
        else:
            _refuse_clashes(model, base, own_names)
            inherited.update(field.name for field in (*base._meta.local_fields, *base._meta.local_many_to_many))
            _link(model, base._meta.concrete_model, declared_links, own_names, make_link)
        for field in base._meta.private_fields:
            if field.name not in own_names:
                copy.copy(field).contribute_to_class(model, field.name)
    meta.expire()
    if not meta.abstract and not meta.proxy:
        _refuse_shared_names(model)


def _declared_links(model: ModelClass, parents: list[ModelClass]) -> dict[str, Any]:
    """Parent links that are written out, on the class or an abstract base, by the parent's label."""
    found = {}
    for base in (*(parent for parent in reversed(parents) if parent._meta.abstract), model):
        for field in base._meta.local_fields:
            if field.is_relation and getattr(field.remote_field, "parent_link", False):
                target = field.remote_field.model
                label = target if isinstance(target, str) else target._meta.label
                found[label.rpartition(".")[2].lower()] = field
    return found


def _copy_fields(model: ModelClass, base: ModelClass, own_names: set[str], inherited: set[str]) -> None:
    links: Mapping[ModelClass, Any] = base._meta.parents
    copied = dict(links)
    for field in (*base._meta.local_fields, *base._meta.local_many_to_many):
        if field.name in own_names or field.name in model.__dict__ or field.name in inherited:
            continue
        new = copy.deepcopy(field)
        new.contribute_to_class(model, field.name)
        for parent, link in links.items():
            if link is field:
                copied[parent] = new
    model._meta.parents.update(copied)


def _refuse_clashes(model: ModelClass, base: ModelClass, own_names: set[str]) -> None:
    for field in (*base._meta.fields, *base._meta.many_to_many):
        if field.name in own_names:
            raise FieldError(
                f"The field '{field.name}' of {model.__name__} clashes with the field of that name that it inherits from "
                f"{field.model.__name__}. Rename one of them."
            )


def _refuse_shared_names(model: ModelClass) -> None:
    """FieldError where two fields, of the model or of concrete ancestors, would be one attribute of its instances."""
    meta = model._meta
    used: dict[str, Any] = {}
    for owner in (*meta.all_parents, model):
        fields = owner._meta.local_fields
        for field in (*fields, *owner._meta.local_many_to_many):
            other = used.get(field.name) or used.get(field.attname)
            if other is not None and other is not field:
                raise FieldError(
                    f"{model.__name__} cannot have the field '{field.name}' of {field.model.__name__} beside "
                    f"'{other.name}' of {other.model.__name__}: both would be one attribute. Rename one of them."
                )
            used[field.name] = used[field.attname] = field


def _link(
    model: ModelClass, parent: ModelClass, declared: Mapping[str, Any], own_names: set[str], make_link: MakeLink
) -> None:
    meta = model._meta
    if meta.proxy:
        meta.parents[parent] = None
        return
    link = declared.get(parent._meta.model_name)
    if link is not None:
        if link.model is not model:
            if link.name not in model.__dict__:
                copy.deepcopy(link).contribute_to_class(model, link.name)  # its abstract base's turn comes later
            link = model._meta.get_field(link.name)
    else:
        name = f"{parent._meta.model_name}_ptr"
        if name in own_names:
            raise FieldError(
                f"{model.__name__} needs the name '{name}' for its link to {parent.__name__}. "
                "Rename the field, or make it the link: OneToOne(..., parent_link=True)."
            )
        link = make_link(parent, name)
        link.contribute_to_class(model, name)
    meta.parents[parent] = link


def repoint(former: ModelClass, model: ModelClass) -> None:
    """Let what derives from `former` derive from `model`, which was defined in its place: classes, parent links and proxies."""
    if issubclass(model, former):
        return
    for child in type.__subclasses__(former):
        child.__bases__ = tuple(model if base is former else base for base in child.__bases__)
    waiting = [child for child in type.__subclasses__(model) if is_model(child)]
    seen: set[ModelClass] = set()
    while waiting:
        child = waiting.pop()
        if child in seen:
            continue
        seen.add(child)
        waiting.extend(kind for kind in type.__subclasses__(child) if is_model(kind))
        meta: Any = child.__dict__["_meta"]
        if former in meta.parents:
            meta.parents = {model if parent is former else parent: link for parent, link in meta.parents.items()}
            link = meta.parents[model]
            if link is not None and link.resolved:
                link.bind(model)
        if meta.proxy and meta.concrete_model is former:
            meta.setup_proxy(model if meta.proxy_for_model is former else meta.proxy_for_model)
        meta.expire(table=True)


def check_key(model: ModelClass) -> None:
    """ImproperlyConfigured where a finished concrete model has no primary key, FieldError where its parts do not make one."""
    key = model._meta.pk
    if key is not None and key.composite and key.model is model:
        key.check_parts()
    if key is None:
        raise ImproperlyConfigured(
            f"{model.__name__} has no primary key. Give one field primary_key=True, or derive from Model, which has an id."
        )
