"""Dataclasses whose methods are written when they are first called: half of the time that the package takes to be imported
would else go into methods of classes of which a program uses a few.

To type checkers, `fields()`, `replace()` and readers they are plain dataclasses. The invariant: a method that was written
does what that of a plain dataclass does.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, Field, FrozenInstanceError
from reprlib import recursive_repr
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any

from modelkit.codegen import Source, identifier

__all__ = ["dataclass"]


def _lazy_dataclass(
    cls: type[Any] | None = None,
    /,
    *,
    init: bool = True,
    eq: bool = True,
    frozen: bool = False,
    slots: bool = False,
    weakref_slot: bool = False,
) -> Any:
    """As `dataclasses.dataclass`."""

    def decorate(cls: type[Any]) -> Any:
        if cls.__doc__ is None:
            cls.__doc__ = cls.__name__  # else the signature of __init__ would be looked up for it
        hashed = "__hash__" in cls.__dict__
        with _thawed(cls):
            made: Any = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots, weakref_slot=weakref_slot)(
                cls
            )
        made.__dataclass_params__.frozen = frozen
        fields = dataclasses.fields(made)
        methods: dict[str, Any] = {"__repr__": _shown([field.name for field in fields if field.repr])}
        if init:
            methods["__init__"] = _late(made, "__init__", lambda: _init(made, fields, frozen=frozen))
        if eq:
            compared = [field.name for field in fields if field.compare]
            methods["__eq__"] = _late(made, "__eq__", lambda: _eq(made, compared))
            if not hashed:
                methods["__hash__"] = _late(made, "__hash__", lambda: _hash(made, compared)) if frozen else None
        if frozen:
            methods |= _frozen(made, frozenset(field.name for field in fields))
            if slots:
                methods |= {"__getstate__": _state_of, "__setstate__": _take_state}
        for name, method in methods.items():
            if name not in cls.__dict__ or (name == "__hash__" and not hashed):
                setattr(made, name, method)
        return made

    return decorate if cls is None else decorate(cls)


@contextmanager
def _thawed(cls: type[Any]) -> Iterator[None]:
    """Let a class whose own methods do not freeze it inherit from those that are frozen: its methods are given to it later."""
    marks = [base.__dict__["__dataclass_params__"] for base in cls.__mro__ if "__dataclass_params__" in base.__dict__]
    frozen = [mark for mark in marks if mark.frozen]
    for mark in frozen:
        mark.frozen = False
    try:
        yield
    finally:
        for mark in frozen:
            mark.frozen = True


def _late(cls: Any, name: str, write: Callable[[], Callable[..., Any]]) -> Callable[..., Any]:
    """A method that puts the one that `write` gives into its own place when it is first called."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        written = write()
        setattr(cls, name, written)
        return written(self, *args, **kwargs)

    method.__name__, method.__qualname__ = name, f"{cls.__qualname__}.{name}"
    return method


def _init(cls: Any, fields: Sequence[Field[Any]], *, frozen: bool) -> Callable[..., Any]:
    source = Source(f"{cls.__qualname__}.__init__")
    parameters, lines = ["self"], list[str]()
    for field in fields:
        name = value = identifier(field.name)
        made = field.default_factory is not MISSING
        if field.init:
            default = ""
            if made or field.default is not MISSING:
                default = f"={source.bind(MISSING if made else field.default, 'default')}"
            parameters.append(name + default)
        elif field.default is not MISSING:
            value = source.bind(field.default, "default")
        elif not made:
            continue
        if made:
            factory = f"{source.bind(field.default_factory, 'factory')}()"
            value = f"{factory} if {name} is {source.bind(MISSING, 'default')} else {name}" if field.init else factory
        lines.append(_assignment(source, cls, name, value, frozen=frozen))
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    with source.block(f"def __init__({', '.join(parameters)}):"):
        for line in lines or ["pass"]:
            source.line(line)
    return source.function("__init__")


def _assignment(source: Source, cls: Any, name: str, value: str, *, frozen: bool) -> str:
    if not frozen:
        return f"self.{name} = {value}"
    slot = getattr(cls, name, None)
    if isinstance(slot, MemberDescriptorType):
        return f"{source.bind(slot.__set__, f'set_{name}')}(self, {value})"
    return f"{source.bind(object.__setattr__, 'set')}(self, {source.bind(name, 'name')}, {value})"


def _values(names: Sequence[str], of: str) -> str:
    return f"({' '.join(f'{of}.{identifier(name)},' for name in names)})"


def _eq(cls: Any, names: Sequence[str]) -> Callable[..., Any]:
    source = Source(f"{cls.__qualname__}.__eq__")
    with source.block("def __eq__(self, other):"):
        source.line("if other.__class__ is self.__class__:")
        source.line(f"    return {_values(names, 'self')} == {_values(names, 'other')}")
        source.line("return NotImplemented")
    return source.function("__eq__")


def _hash(cls: Any, names: Sequence[str]) -> Callable[..., Any]:
    source = Source(f"{cls.__qualname__}.__hash__")
    with source.block("def __hash__(self):"):
        source.line(f"return hash({_values(names, 'self')})")
    return source.function("__hash__")


def _shown(names: Sequence[str]) -> Callable[[Any], str]:
    @recursive_repr()
    def __repr__(self: Any) -> str:  # noqa: N807 - it becomes the method of that name
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    return __repr__


def _frozen(cls: Any, names: frozenset[str]) -> dict[str, Any]:
    def __setattr__(self: Any, name: str, value: Any) -> None:  # noqa: N807 - as above
        if type(self) is cls or name in names:
            raise FrozenInstanceError(f"cannot assign to field {name!r}")
        super(cls, self).__setattr__(name, value)

    def __delattr__(self: Any, name: str) -> None:  # noqa: N807 - as above
        if type(self) is cls or name in names:
            raise FrozenInstanceError(f"cannot delete field {name!r}")
        super(cls, self).__delattr__(name)

    return {"__setattr__": __setattr__, "__delattr__": __delattr__}


def _state_of(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _take_state(self: Any, state: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)


if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    dataclass = _lazy_dataclass
