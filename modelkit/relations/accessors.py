"""What reading and assigning a to-one relation on an instance does: fetch, cache, type check, keys, the other side's cache.

The descriptors in `relations/fields.py` call these with the accessor's name; the Relation itself is looked up in the
present ModelInfo of the instance's class, so inherited and redefined relations are always read as they are now.

The invariant: a related instance cached in `instance.__dict__[relation.cache]` is handed out only while it stands for the
instance's present key. It does where its own key equals the key attribute's value, where it has lost its key (deleted), or
where `instance.__dict__["_related_keys"]` notes for its name the very value that the key attribute has (an instance assigned
before it was saved is noted with None; a prefetch that found nothing notes the key it looked for).
"""

from __future__ import annotations

from typing import Any

__all__ = ["cached_related", "forward_get", "forward_set", "reverse_one_get", "reverse_one_set"]


def forward_get(instance: Any, name: str) -> Any:
    """The instance that the foreign key `name` of `instance` points to; None where the key is null and may be.

    Raises RelatedObjectDoesNotExist (a DoesNotExist of the target and an AttributeError) where there is none but must be.
    One statement where it is not cached.
    """
    raise NotImplementedError


def forward_set(instance: Any, name: str, value: Any) -> None:
    """Point the foreign key `name` of `instance` at `value` (an instance of the target, saved or not, or None).

    Sets the key attributes, caches `value`, and for a one-to-one key caches `instance` on the other side.
    Raises ValueError for anything else.
    """
    raise NotImplementedError


def reverse_one_get(instance: Any, name: str) -> Any:
    """The instance whose one-to-one key points to `instance`; RelatedObjectDoesNotExist where there is none."""
    raise NotImplementedError


def reverse_one_set(instance: Any, name: str, value: Any) -> None:
    """Make `value` the one whose one-to-one key points to `instance`; None takes the key off the cached one.

    Nothing is saved. Raises ValueError for anything that is no instance of the other model.
    """
    raise NotImplementedError


def cached_related(instance: Any, name: str) -> Any:
    """What `forward_get` would hand out without a statement; None where nothing (valid) is cached."""
    raise NotImplementedError
