"""What an instance that was prefetched keeps of the one that it was prefetched for, and how kept instances are read.

The rows of a reverse relation and the row that owns them know each other: the owner keeps the list in which they stand. If
they kept the owner in turn, every result would be a heap of cycles, left to the garbage collector. So they keep an `Owner`,
a weak reference, which is exchanged for the instance when somebody asks for it. An owner that is gone by then is made
again, over the very attributes that it had, so that nothing is read for it; only the lists that it kept went with it.

What a queryset knows of its rows beforehand, as a related manager's does, is attached to them here, too.

It knows instances by their `__dict__` alone. The invariant: who reads an instance's `__dict__` for a related instance does
so by `kept`, so that nobody else meets an Owner.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias
from weakref import ref

__all__ = ["ABSENT", "LISTS", "Known", "Owner", "among_others", "attach", "kept", "owner_of", "without_owners"]

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
    kind: type[Any]
    state: dict[str, Any]


def owner_of(instance: Any) -> Owner:
    """What those keep that `instance` owns."""
    # Not an __init__: this is done for each owner of a result, and takes a third of the time.
    made = Owner(instance, _leave_lists)
    made.again = None
    made.kind = type(instance)
    made.state = instance.__dict__
    return made


def _leave_lists(owner: Owner) -> None:
    """The owner goes: its attributes, which are kept, must not keep its lists, whose members keep them."""
    owner.state.pop(LISTS, None)


def _instance(owner: Owner) -> Any:
    """The instance, or where it is gone the one that stands for it."""
    found = owner()
    if found is None:
        found = owner.again
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
