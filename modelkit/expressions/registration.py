"""Where lookups and transforms are registered: on classes of fields and of transforms, and on single fields.

Knows names and classes, no query. The invariant: what is registered nearer wins (a field, then its class, then that class's
bases), and whoever remembers what names mean (`on_change`) is told before a registration returns.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Final, Protocol, TypeAlias

from typing_extensions import TypeVar

from modelkit.errors import FieldError, did_you_mean

__all__ = ["Named", "Registrable", "Written", "on_change"]

_listeners: Final[list[Callable[[], object]]] = []


def on_change(listener: Callable[[], object]) -> None:
    """Call `listener` whenever a lookup or transform is registered or taken back."""
    _listeners.append(listener)


class Named(Protocol):
    """What can be registered: a class of lookups or transforms, which says its name."""

    lookup_name: ClassVar[str | None]


L = TypeVar("L", bound=type[Any])
_Table: TypeAlias = dict[str, "type[Any]"]


class _OnBoth:
    """A method that a class and an instance have alike; it is handed whichever it was asked of."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self.__doc__ = function.__doc__

    def __get__(self, instance: Any, owner: Any) -> Any:
        return partial(self._function, owner if instance is None else instance)


def _own_table(holder: Any) -> _Table:
    """What is registered on this very class or object."""
    table: _Table = holder.__dict__.get("class_lookups" if isinstance(holder, type) else "instance_lookups", {})
    return table


def _name_of(registered: Any, name: str | None) -> str:
    found = name if name is not None else getattr(registered, "lookup_name", None)
    if not isinstance(found, str) or not found.isidentifier() or "__" in found:
        raise FieldError(
            f"{getattr(registered, '__name__', registered)} needs a lookup_name to be registered: an identifier without "
            f"two underscores in a row, not {found!r}."
        )
    return found


def _register(holder: Any, registered: L, lookup_name: str | None = None) -> L:
    """Make `registered`, a class of lookups or transforms, known here as `lookup_name` (its own name)."""
    attribute = "class_lookups" if isinstance(holder, type) else "instance_lookups"
    setattr(holder, attribute, {**_own_table(holder), _name_of(registered, lookup_name): registered})
    _tell()
    return registered


def _unregister(holder: Any, registered: Any, lookup_name: str | None = None) -> None:
    """Take back what was registered here; FieldError where nothing was."""
    attribute = "class_lookups" if isinstance(holder, type) else "instance_lookups"
    table = dict(_own_table(holder))
    name = _name_of(registered, lookup_name)
    if table.pop(name, None) is None:
        raise FieldError(f"No lookup or transform '{name}' is registered on {holder!r}.{did_you_mean(name, table)}")
    setattr(holder, attribute, table)
    _tell()


def _registered(holder: Any) -> _Table:
    """All that is registered here, by name: what stands nearer wins."""
    kind = holder if isinstance(holder, type) else type(holder)
    found: _Table = {}
    for base in reversed(kind.__mro__):
        found.update(_own_table(base))
    if not isinstance(holder, type):
        found.update(_own_table(holder))
    return found


def _tell() -> None:
    for listener in _listeners:
        listener()


class Written:
    """A class that may say in Python what it computes: `python`, a callable of canonical values, best a static method."""

    __slots__ = ()

    python: Any = None


class Registrable:
    """A class whose own class, subclasses and instances take lookups and transforms by name."""

    __slots__ = ()

    register_lookup: ClassVar[Any] = _OnBoth(_register)
    unregister_lookup: ClassVar[Any] = _OnBoth(_unregister)
    _unregister_lookup: ClassVar[Any] = _OnBoth(_unregister)
    get_lookups: ClassVar[Any] = _OnBoth(_registered)
