"""Choices: enumerations whose members have labels, and the list form that every kind of choices is brought into.

Knows no field. Normal form: a list of (value, label) pairs, where a group is (name, list of pairs).
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

__all__ = [
    "CalledChoices",
    "Choices",
    "ChoicesType",
    "IntegerChoices",
    "TextChoices",
    "display_of",
    "flatten",
    "normalise",
]

Pairs: TypeAlias = Sequence[tuple[Any, Any]]


def _is_text(value: object) -> bool:
    """Whether `value` is text, or stands for text that is made when it is shown (a lazy translation)."""
    return isinstance(value, str) or hasattr(type(value), "casefold")


class ChoicesType(enum.EnumMeta):
    """The class of choices classes: takes a label as the last item of a member's tuple, else makes one of its name."""

    def __new__(metacls, classname: str, bases: Any, classdict: Any, **options: Any) -> Any:
        labels: list[Any] = []
        for name in classdict._member_names:
            value = classdict[name]
            if isinstance(value, (list, tuple)) and len(value) > 1 and _is_text(value[-1]):
                *parts, label = value
                value = parts[0] if len(parts) == 1 else tuple(parts)
            else:
                label = name.replace("_", " ").title()
            labels.append(label)
            dict.__setitem__(classdict, name, value)
        made: Any = super().__new__(metacls, classname, bases, classdict, **options)
        enum.unique(made)
        members: list[Any] = list(made.__members__.values())
        for member, label in zip(members, labels, strict=True):
            if not hasattr(member, "_label_"):
                member._label_ = label
        return made

    if not TYPE_CHECKING:

        def __contains__(cls, member: object) -> bool:
            if not isinstance(member, enum.Enum):
                return any(own.value == member for own in cls)
            return super().__contains__(member)

    def _blank(cls) -> Any:
        """The label of the blank choice, None where there is none."""
        return getattr(cls, "__empty__", None)

    @property
    def names(cls) -> list[str]:
        """The members' names, led by __empty__ where there is a blank choice."""
        blank = [] if cls._blank() is None else ["__empty__"]
        return blank + [member.name for member in cast("Any", cls)]

    @property
    def choices(cls) -> list[tuple[Any, Any]]:
        """(value, label) of each member, led by (None, `__empty__`) where there is a blank choice."""
        label = cls._blank()
        blank = [] if label is None else [(None, label)]
        return blank + [(member.value, member.label) for member in cast("Any", cls)]

    @property
    def labels(cls) -> list[str]:
        """The labels, in the order of the members."""
        return [label for _, label in cls.choices]

    @property
    def values(cls) -> list[Any]:
        """The values, in the order of the members."""
        return [value for value, _ in cls.choices]


class Choices(enum.Enum, metaclass=ChoicesType):
    """The base of enumerations for `choices=`. Two members never have one value."""

    do_not_call_in_templates = enum.nonmember(True)
    """Django's templates call what can be called, which an enumeration can."""

    @enum.property  # a member may be called so, too
    def label(self) -> str:
        """The human-readable name."""
        return cast("str", cast("Any", self)._label_)

    def __str__(self) -> str:
        return str(self.value)

    def __repr__(self) -> str:
        return f"{type(self).__qualname__}.{self.name}"


class IntegerChoices(int, Choices):
    """Choices whose values are whole numbers."""


class TextChoices(str, Choices):
    """Choices whose values are text; auto() gives a member's name."""

    @staticmethod
    def _generate_next_value_(name: str, start: int, count: int, last_values: list[Any]) -> str:  # noqa: ARG004 - as enum calls it
        return name


class CalledChoices(Sequence[tuple[Any, Any]]):
    """Choices that `func` gives, called each time they are read: they may change while the program runs."""

    __hash__ = None  # type: ignore[assignment]  # as a list, which it equals

    def __init__(self, func: Callable[[], Any]) -> None:
        self.func = func

    def _pairs(self) -> Pairs:
        return normalise(self.func()) or ()

    def __len__(self) -> int:
        return len(self._pairs())

    def __getitem__(self, index: Any) -> Any:
        return self._pairs()[index]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, CalledChoices):
            return self.func == other.func or self._pairs() == other._pairs()
        return self._pairs() == other

    def __repr__(self) -> str:
        return repr(self._pairs())


def normalise(choices: Any) -> Pairs | None:
    """`choices` in normal form: from an enumeration, a mapping (of mappings: groups), pairs, groups, or a callable giving one.

    None stays None; a callable is not called before the choices are read. Raises TypeError for anything else.
    """
    if choices is None or isinstance(choices, CalledChoices):
        return choices
    if isinstance(choices, ChoicesType):
        return choices.choices
    if isinstance(choices, type) and issubclass(choices, enum.Enum):
        return [(member.value, member.name) for member in choices]
    if callable(choices):
        return CalledChoices(choices)
    if isinstance(choices, Mapping):
        choices = choices.items()
    if isinstance(choices, str) or not isinstance(choices, Iterable):
        raise TypeError(f"choices are pairs, a mapping, an enumeration or a callable, not {choices!r}.")
    return [_pair(item) for item in choices]


def _pair(item: Any) -> tuple[Any, Any]:
    if isinstance(item, str) or not isinstance(item, (tuple, list)) or len(item) != 2:
        raise TypeError(f"A choice is a pair of value and label, or a group's name with its choices, not {item!r}.")
    value, label = item
    if isinstance(label, (list, tuple, Mapping, ChoicesType)):
        return (value, normalise(label))
    return (value, label)


def flatten(choices: Pairs | None) -> list[tuple[Any, Any]]:
    """The (value, label) pairs of choices in normal form, groups opened."""
    flat: list[tuple[Any, Any]] = []
    for value, label in choices or ():
        if isinstance(label, (list, CalledChoices)):
            flat.extend(flatten(label))
        else:
            flat.append((value, label))
    return flat


def display_of(choices: Pairs | None, value: Any) -> Any:
    """The label of `value` as text, or `value` itself where it is not among the choices."""
    plain = value.value if isinstance(value, enum.Enum) else value
    for key, label in flatten(choices):
        if key == plain and isinstance(key, bool) == isinstance(plain, bool):
            return str(label)
    return plain
