"""Dataclasses whose methods are written late behave as plain ones do, before and after."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import weakref
from dataclasses import FrozenInstanceError, field
from typing import Any, ClassVar

import pytest

from modelkit.records import dataclass


@dataclass(frozen=True, slots=True)
class Point:
    """A place."""

    x: int
    y: int = 2
    tags: list[str] = field(default_factory=list, compare=False)
    shared: ClassVar[int] = 7


@dataclass(frozen=True, slots=True)
class Named(Point):
    name: str = "?"


@dataclass(slots=True)
class Counter:
    total: int = 0
    seen: dict[str, int] = field(init=False, default_factory=dict, repr=False)
    steps: int = field(init=False, default=1)

    def __post_init__(self) -> None:
        self.total += 1


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class Alone:
    value: Any


@dataclass(frozen=True, slots=True)
class Folded:
    """Compares without regard to case."""

    text: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Folded) and other.text.lower() == self.text.lower()

    def __hash__(self) -> int:
        return hash(self.text.lower())

    def __repr__(self) -> str:
        return f"<{self.text}>"


@dataclass(frozen=True, slots=True, init=False)
class Own:
    both: tuple[int, int]

    def __init__(self, one: int, other: int) -> None:
        object.__setattr__(self, "both", (one, other))


def test_values_are_taken_by_position_and_by_name_with_defaults():
    for _ in range(2):
        assert (Point(1).x, Point(1).y, Point(1, y=5).y, Point(x=3).x) == (1, 2, 5, 3)
        assert Named(1, 2, [], "n").name == "n"
    assert Point(1).tags is not Point(1).tags
    assert Point.shared == 7


@pytest.mark.parametrize("arguments", [{}, {"x": 1, "z": 2}])
def test_wrong_arguments_are_refused(arguments):
    for _ in range(2):
        with pytest.raises(TypeError, match="__init__"):
            Point(**arguments)


def test_equality_is_by_values_and_class():
    for _ in range(2):
        assert Point(1) == Point(1, 2, ["not compared"])
        assert Point(1) != Point(2)
        assert Point(1) != Named(1)
        assert Point(1) != (1, 2)
        assert hash(Point(1)) == hash(Point(1, 2, ["x"]))
    assert {Point(1): "a"}[Point(1)] == "a"


def test_a_subclass_that_is_used_first_does_not_give_its_methods_to_its_base():
    @dataclass(frozen=True, slots=True)
    class Base:
        x: int

    @dataclass(frozen=True, slots=True)
    class Child(Base):
        y: int

    assert Child(1, 2) == Child(1, 2)
    assert hash(Child(1, 2)) == hash(Child(1, 2))
    assert Base(1) == Base(1)
    assert hash(Base(1)) != hash(Child(1, 2))
    assert repr(Child(1, 2)).endswith("Child(x=1, y=2)")


def test_one_that_may_change_has_no_hash():
    made = Counter()
    made.total = 5
    assert (made.total, made.seen, made.steps) == (5, {}, 1)
    assert repr(made) == "Counter(total=5, steps=1)"
    with pytest.raises(TypeError, match="unhashable"):
        hash(made)
    with pytest.raises(TypeError, match="seen"):
        Counter(seen={})  # type: ignore[call-arg]


def test_frozen_ones_do_not_change():
    point = Point(1)
    with pytest.raises(FrozenInstanceError, match="'x'"):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError, match="'x'"):
        del point.x
    with pytest.raises(FrozenInstanceError, match="'new'"):
        point.new = 2  # type: ignore[attr-defined]
    assert point.x == 1


def test_identity_where_equality_is_not_asked_for():
    one = Alone(1)
    assert one != Alone(1)
    assert len({one, Alone(1)}) == 2
    assert weakref.ref(one)() is one


def test_methods_of_the_class_body_stay():
    assert Folded("A") == Folded("a")
    assert hash(Folded("A")) == hash(Folded("a"))
    assert repr(Folded("A")) == "<A>"
    assert Own(1, 2).both == (1, 2)
    assert Own(1, 2) == Own(1, 2)


def test_they_are_dataclasses():
    assert dataclasses.is_dataclass(Point)
    assert [each.name for each in dataclasses.fields(Named)] == ["x", "y", "tags", "name"]
    assert dataclasses.replace(Named(1), name="n") == Named(1, name="n")
    match Point(1, 5):
        case Point(x, y):
            assert (x, y) == (1, 5)


def test_they_are_copied_and_pickled():
    for made in (Point(1, 2, ["a"]), Named(1, 2, ["a"], "n")):
        for other in (copy.copy(made), copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
            assert other == made
            assert other.tags == ["a"]


def test_one_that_holds_itself_is_shown():
    made = Alone([])
    made.value.append(made)
    assert repr(made) == "Alone(value=[...])"


def test_plain_dataclasses_may_inherit_from_them():
    @dataclasses.dataclass(frozen=True)
    class Further(Point):
        z: int = 3

    assert (Further(1).z, Further(1).y) == (3, 2)
    assert Further(1) == Further(1)
    with pytest.raises(FrozenInstanceError):
        Further(1).x = 2  # type: ignore[misc]
    assert Point(1) == Point(1)
    with pytest.raises(FrozenInstanceError):
        Point(1).x = 2  # type: ignore[misc]
