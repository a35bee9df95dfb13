"""What reading and assigning a to-one relation on an instance does: fetch, cache, type check, keys, the other side's cache.

The descriptors of relations call these with the accessor's name; the Relation itself is looked up in the
present ModelInfo of the instance's class, so inherited and redefined relations are always read as they are now.

The invariant: an instance that `instance` keeps for a foreign key is handed out only while it stands for
the present value of the key attribute. It does where its own key equals that value, where it has lost its key (deleted),
or where `instance.__dict__["_related_keys"]` notes that very value for the name: an instance assigned before it was saved
is noted with the key it had then, a prefetch that found nothing with the key it looked for.
"""

from __future__ import annotations

from typing import Any

from modelkit.database import session
from modelkit.errors import shorten
from modelkit.loading import load
from modelkit.modelinfo import ModelInfo, Relation, held, info_of, is_key, kept_as
from modelkit.owners import ABSENT, kept
from modelkit.resolve import filtering, finishers, shapes

__all__ = [
    "alias_of",
    "forward_get",
    "forward_set",
    "is_cached",
    "missing_class",
    "reverse_one_get",
    "reverse_one_set",
    "value_of",
]


def forward_get(instance: Any, name: str) -> Any:
    """The instance that the foreign key `name` of `instance` points to; None where the key is null and may be.

    Raises RelatedObjectDoesNotExist (a DoesNotExist of the target and an AttributeError) where there is none but must be.
    One statement where it is not cached.
    """
    info = info_of(type(instance))
    relation = info.accessors[name]
    state = instance.__dict__
    related = _standing(instance, state, relation)
    if related is ABSENT:
        key = _key(instance, relation)
        notes = state.get("_related_keys")
        if notes is not None:
            notes.pop(relation.cache, None)
        found = is_key(key)
        related = _from_parent(info, relation, state) if found else None
        if related is None and found:
            related = _fetch_forward(instance, relation, key)
        state[relation.cache] = related
    if related is None and not relation.field.null:
        raise missing_class(info, relation)(f"{_label(info, relation)}: this {info.name} has no related instance.")
    return related


def is_cached(instance: Any, name: str) -> bool:
    """Whether the to-one relation `name` of `instance` can be read without a statement."""
    relation = info_of(type(instance)).accessors[name]
    if relation.kind == "reverse_one_to_one":
        return relation.cache in instance.__dict__
    return _standing(instance, instance.__dict__, relation) is not ABSENT


def forward_set(instance: Any, name: str, value: Any) -> None:
    """Point the foreign key `name` of `instance` at `value` (an instance of the target, saved or not, or None).

    Sets the key attributes, caches `value`, and for a one-to-one key caches `instance` on the other side.
    Raises ValueError for anything else.
    """
    info = info_of(type(instance))
    relation = info.accessors[name]
    state = instance.__dict__
    notes = state.get("_related_keys")
    if notes is not None:
        notes.pop(relation.cache, None)
    if value is None:
        _let_go(state, relation)
        for attname in relation.local:
            state[attname] = None
        state[relation.cache] = None
    else:
        _check_type(info, relation, value, info_of(relation.target).concrete)
        _share_alias(instance, value)
        for attname, remote in zip(relation.local, relation.remote, strict=True):
            state[attname] = value_of(value, remote)
        state[relation.cache] = value
        key = held(state, relation.local)
        if not is_key(key) or "_adding" in value.__dict__:
            state.setdefault("_related_keys", {})[relation.cache] = key
        if relation.kind != "foreign_key":
            _cache_reverse(relation, value, instance)
    if relation.kind == "parent":
        _inherit_keys(state, relation, value)


def reverse_one_get(instance: Any, name: str) -> Any:
    """The instance whose one-to-one key points to `instance`; RelatedObjectDoesNotExist where there is none.

    One statement where nothing is cached; that there is none is cached too.
    """
    info, relation = _reverse_one(instance, name)
    state = instance.__dict__
    related = state.get(relation.cache, ABSENT)
    if related is ABSENT:
        related = None
        key = _key(instance, relation)
        if is_key(key) and is_key(instance.pk):
            related = _fetch(relation, key, alias_of(instance), {"instance": instance})
            if related is not None:
                related.__dict__[kept_as(relation.field.name)] = instance
            state[relation.cache] = related
    if related is None:
        raise missing_class(info, relation)(f"{_label(info, relation)}: this {info.name} has no related instance.")
    return related


def reverse_one_set(instance: Any, name: str, value: Any) -> None:
    """Make `value` the one whose one-to-one key points to `instance`; None takes the key off the cached one.

    Nothing is saved. Raises ValueError for anything that is no instance of the other model.
    """
    info, relation = _reverse_one(instance, name)
    if value is None:
        related = instance.__dict__.pop(relation.cache, None)
        if related is not None:
            setattr(related, relation.field.name, None)
        return
    _check_type(info, relation, value, relation.target)
    _share_alias(value, instance)
    forward_set(value, relation.field.name, instance)
    instance.__dict__[relation.cache] = value


def _reverse_one(instance: Any, name: str) -> tuple[ModelInfo, Relation]:
    """The relation behind an accessor, and the model that has it: a child has the accessor to itself from its parent."""
    for kind in type(instance).__mro__:
        info = info_of(kind)
        info.require(name)
        relation = info.accessors.get(name)
        if relation is not None:
            return info, relation
    raise LookupError(f"{type(instance).__name__} has no relation behind '{name}'.")


def missing_class(info: ModelInfo, relation: Relation) -> type[Exception]:
    """The RelatedObjectDoesNotExist of one accessor: a DoesNotExist of the target and an AttributeError."""
    found = info.made.get(("missing", relation.name))
    if found is None:
        found = type(
            "RelatedObjectDoesNotExist",
            (relation.target.DoesNotExist, AttributeError),
            {
                "__module__": info.model.__module__,
                "__qualname__": f"{info.model.__qualname__}.{relation.accessor}.RelatedObjectDoesNotExist",
            },
        )
        info.made["missing", relation.name] = found
    error: type[Exception] = found
    return error


def alias_of(instance: Any) -> str:
    """The alias of the store that `instance` belongs to, or will be saved to by default."""
    alias: str | None = instance.__dict__.get("_db")
    return alias or "default"


def _label(info: ModelInfo, relation: Relation) -> str:
    return f"{info.name}.{relation.accessor}"


def value_of(instance: Any, attname: str) -> Any:
    """An attribute that holds a column's value; one that was deferred is loaded."""
    state = instance.__dict__
    return state[attname] if attname in state else getattr(instance, attname)


def _key(instance: Any, relation: Relation) -> Any:
    """The value that the relation goes by on its near side: a tuple where these are several."""
    local = relation.local
    if len(local) == 1:
        return value_of(instance, local[0])
    return tuple([value_of(instance, attname) for attname in local])


def _standing(instance: Any, state: dict[str, Any], relation: Relation) -> Any:
    """The cached instance (or None) where it stands for the present key; ABSENT where nothing does."""
    related = kept(state, relation.cache)
    if related is ABSENT:
        return ABSENT
    if related is not None and any(attname not in state for attname in relation.local):
        return related
    key = _key(instance, relation)
    noted = state.get("_related_keys")
    if noted is not None and relation.cache in noted:
        return related if noted[relation.cache] == key else ABSENT
    if related is None:
        return ABSENT if is_key(key) else None
    own = held(related.__dict__, relation.remote)
    return related if own == key or not is_key(own) else ABSENT


def _from_parent(info: ModelInfo, relation: Relation, state: dict[str, Any]) -> Any:
    """What an inherited foreign key's own class has cached, where the instance came from walking down from its parent."""
    owner = relation.field.model
    if owner is info.concrete:
        return None
    for link in info.accessors.values():
        parent = state.get(link.cache) if link.kind == "parent" and issubclass(link.target, owner) else None
        if parent is not None:
            related = _standing(parent, parent.__dict__, relation)
            return None if related is ABSENT else related
    return None


def _fetch_forward(instance: Any, relation: Relation, key: Any) -> Any:
    """The target with that key; DoesNotExist of the target where a reference that is not enforced points nowhere."""
    if relation.kind == "parent":
        parent = _own_parent(instance, relation)
        if parent is not None:
            _cache_reverse(relation, parent, instance)
            return parent
    related = _fetch(relation, key, alias_of(instance), {"instance": instance})
    if related is None:
        target = info_of(relation.target)
        raise relation.target.DoesNotExist(
            f"{info_of(type(instance)).name}.{relation.accessor} points to the {target.name} whose {', '.join(relation.remote)} is "
            f"{shorten(key)}, which does not exist."
        )
    if held(related.__dict__, relation.remote) != key:
        instance.__dict__.setdefault("_related_keys", {})[relation.cache] = key
    if relation.kind != "foreign_key":
        _cache_reverse(relation, related, instance)
    return related


def _fetch(relation: Relation, key: Any, alias: str, hints: dict[str, Any]) -> Any:
    """The one instance of the relation's target with that key, through the target's base manager; None where there is none."""
    target = relation.target
    manager = target._base_manager
    remote = relation.remote
    lookups = {remote[0]: key} if len(remote) == 1 else dict(zip(remote, key, strict=True))
    if not manager._plain:
        return manager.db_manager(alias, hints=hints).filter(**lookups).first()
    query = filtering.filtered(shapes.root(info_of(target)), (), lookups)
    fetch = finishers.fetch(query)
    rows = session(alias).select(fetch.select, fetch.params)
    return load(fetch, rows, alias)[0] if rows else None


def _own_parent(instance: Any, relation: Relation) -> Any:
    """The parent made from the child's own attributes, all of which it has; None where one of them is deferred."""
    state = instance.__dict__
    attributes = info_of(relation.target).attributes
    if not all(attribute.attname in state for attribute in attributes):
        return None
    parent = relation.target.__new__(relation.target)
    own = parent.__dict__
    for attribute in attributes:
        own[attribute.attname] = state[attribute.attname]
    for name in ("_adding", "_db"):
        if name in state:
            own[name] = state[name]
    return parent


def _check_type(info: ModelInfo, relation: Relation, value: Any, wanted: Any) -> None:
    if not isinstance(value, wanted):
        keyed = not relation.kind.startswith("reverse") and not hasattr(value, "_meta") and len(relation.local) == 1
        raise ValueError(  # noqa: TRY004 - Django's type for it
            f"{_label(info, relation)} must be a '{info_of(relation.target).name}' instance"
            f"{' or None' if relation.optional else ''}, not {shorten(value)}."
            f"{f' A key goes to {relation.local[0]!r}.' if keyed else ''}"
        )


def _share_alias(instance: Any, other: Any) -> None:
    """An unsaved instance goes where the one it is related to is; two from different stores cannot be related."""
    state, known = instance.__dict__, other.__dict__
    if "_adding" not in state and "_adding" not in known:
        if state.get("_db") != known.get("_db") and alias_of(instance) != alias_of(other):
            raise ValueError(
                f"{shorten(instance)} is stored in '{alias_of(instance)}' and {shorten(other)} in '{alias_of(other)}': "
                "a relation cannot lead from one store to another."
            )
        return
    if state.get("_db") is None and "_adding" in state:
        state["_db"] = alias_of(other)
    if known.get("_db") is None and "_adding" in known:
        known["_db"] = alias_of(instance)


def _reverse_cache(relation: Relation) -> str | None:
    """Where the target caches the instance that points to it by this one-to-one key; None where its accessor is hidden."""
    target = info_of(relation.target)
    for other in target.accessors.values():
        if other.field is relation.field and other.kind == "reverse_one_to_one":
            return other.cache
    return None


def _cache_reverse(relation: Relation, related: Any, instance: Any) -> None:
    cache = _reverse_cache(relation)
    if cache is not None:
        related.__dict__[cache] = instance


def _let_go(state: dict[str, Any], relation: Relation) -> None:
    """Clear what the formerly related instance caches of this one: deleting it must not reach here."""
    related = state.get(relation.cache) if relation.kind != "foreign_key" else None
    if related is not None:
        cache = _reverse_cache(relation)
        if cache is not None:
            related.__dict__[cache] = None


def _inherit_keys(state: dict[str, Any], relation: Relation, value: Any) -> None:
    """A child has its parent's keys, all the way up."""
    for level in info_of(relation.target).levels:
        for attribute in level.attributes:
            if attribute.field.primary_key:
                state[attribute.attname] = None if value is None else value_of(value, attribute.attname)
