"""What an instance that was prefetched keeps of the one that it was prefetched for, and how kept instances are read.

The rows of a reverse relation and the row that owns them know each other: the owner keeps the list in which they stand. If
they kept the owner in turn, every result would be a heap of cycles, left to the garbage collector. So they keep an `Owner`,
a weak reference, which is exchanged for the instance when somebody asks for it. An owner that is gone by then is made
again, over the very attributes that it had, its lists among them, so that nothing is read again. When an owner goes whose
rows nobody else holds, nobody can ask, and its lists go with it.

What a queryset knows of its rows beforehand, as a related manager's does, is attached to them here, too.

It knows instances by their `__dict__` alone. The invariant: who reads an instance's `__dict__` for a related instance does
so by `kept`, so that nobody else meets an Owner.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias
from weakref import ref

from modelkit.errors import InternalError

__all__ = ["ABSENT", "LISTS", "Known", "Owner", "among_others", "attach", "kept", "owned", "without_owners"]

Known: TypeAlias = "Mapping[Any, Mapping[tuple[Any, ...], Any]]"
"""The instances through which rows are found, by relation and key."""

_OTHERS: Final[tuple[()]] = ()
"""Stands among the keys of known instances where rows of others may be found, too."""

ABSENT: Final[Any] = object()
"""Stands for what is not kept."""

LISTS: Final = "_prefetched_objects_cache"
"""The attribute under which an instance keeps the lists that were prefetched."""


def attach(results: Iterable[Any], known: Known) -> None:
    """Give results the related instances that they were found through, where none was loaded along."""
    for relation, instances in known.items():
        cache = relation.cache
        only = next(iter(instances)) if len(instances) == 1 else ()
        for result in results:
            if cache in result.__dict__:
                continue
            for name, value in zip(relation.local, only, strict=False):
                result.__dict__.setdefault(name, value)
            instance = instances.get(tuple([result.__dict__.get(name) for name in relation.local]))
            if instance is not None:
                result.__dict__[cache] = instance


def among_others(known: Known) -> Known:
    """What is known of rows among which those of others may be."""
    return {relation: {**instances, _OTHERS: None} for relation, instances in known.items()}


class Owner(ref[Any]):
    """A weak reference to an instance, with what it takes to make it again: its class, and its attributes themselves."""

    __slots__ = ("again", "kind", "state")

    again: Any
    """The instance that was made in its stead; not set where none was."""
    kind: type[Any]
    state: dict[str, Any]


_owning: Final[set[int]] = set()
"""The ids of classes of which instances were owners. One of a class that is gone does no harm: it makes us look twice."""


def owned(groups: Mapping[Any, list[Any]], instances: Mapping[Any, Any]) -> dict[Any, tuple[list[Any], Owner]]:
    """`groups`, each with what its members keep of the one of `instances` with the same key, whose list it is."""
    found = {}
    for key, group in groups.items():
        instance = instances[key]
        # Not an __init__: this is done for each owner of a result, and takes a third of the time.
        owner = Owner(instance, _leave)
        owner.kind = instance.__class__
        owner.state = instance.__dict__
        found[key] = group, owner
    _owning.update(map(id, set(map(type, instances.values()))))
    return found


def _leave(owner: Owner) -> None:
    """The owner goes. Its attributes keep its lists, whose members keep its attributes: that must end where nobody else does."""
    lists = owner.state.get(LISTS)
    if lists and not _are_held(lists):
        del owner.state[LISTS]


_references: Final[Any] = getattr(sys, "getrefcount", None)
"""How many references there are to an object, where Python counts them."""


def _counted(lists: Mapping[str, list[Any]]) -> tuple[int, int]:
    """What `_are_held` counts for a list that only a dict keeps, and for a member that only its list keeps."""
    for members in lists.values():
        of_list = _references(members)
        for member in members:
            return of_list, _references(member)
    raise InternalError("there is a list with a member to count")


_LIST_ALONE, _MEMBER_ALONE = _counted({"": [object()]}) if _references is not None else (0, 0)


def _are_held(lists: Mapping[str, Any]) -> bool:
    """Whether anybody else holds one of these lists, one of their members, or what belongs to these in turn."""
    if _references is None:
        return True
    # Not by max(map(...)) and the like: this is done for each owner of a result, and its lists are short.
    for members in lists.values():
        if _references(members) > _LIST_ALONE or not isinstance(members, list):
            return True
        for member in members:
            if _references(member) > _MEMBER_ALONE:
                return True
        # The members of one list are of one class, that of the rows that were read.
        if members and id(type(members[0])) in _owning and any(map(_is_owner_of_held, members)):
            return True
    return False


def _is_owner_of_held(instance: Any) -> bool:
    lists = instance.__dict__.get(LISTS)
    return bool(lists) and _are_held(lists)


def _instance(owner: Owner) -> Any:
    """The instance, or where it is gone the one that stands for it."""
    found = owner()
    if found is None:
        found = getattr(owner, "again", None)
    if found is None:
        found = owner.again = object.__new__(owner.kind)
        found.__dict__ = owner.state
    return found


def kept(state: dict[str, Any], place: str) -> Any:
    """What an instance with the `__dict__` `state` keeps under `place`: a related instance, None, or ABSENT where it keeps nothing."""
    found = state.get(place, ABSENT)
    if found.__class__ is Owner:
        found = state[place] = _instance(found)
    return found


def without_owners(state: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of an instance's `__dict__` that holds the instances themselves, to be pickled or copied."""
    copied = dict(state)
    for name in state:
        kept(copied, name)
    return copied
