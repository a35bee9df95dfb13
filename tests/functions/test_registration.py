"""Lookups, transforms, functions and aggregates of one's own: what they say, where they are registered, what is refused."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest

from modelkit import (
    CASCADE,
    Aggregate,
    BigIntegerField,
    CharField,
    DateField,
    DateTimeField,
    EmailField,
    F,
    FieldError,
    FloatField,
    ForeignKey,
    Func,
    IntegerField,
    Lookup,
    Model,
    NotSupportedError,
    Q,
    SlugField,
    SmallIntegerField,
    Transform,
    URLField,
    Value,
)
from modelkit.fields import Field
from modelkit.functions import Abs, Chr, Length, Lower
from modelkit.ir.expr import AggregateDef, FunctionDef
from modelkit.ir.types import IntegerType, TextType


class Parity(Transform):
    """0 for even numbers, 1 for odd ones."""

    lookup_name = "parity"
    result = IntegerType()

    @staticmethod
    def python(number: int) -> int:
        return number % 2


class Folded(Transform):
    lookup_name = "folded"
    bilateral = True
    result = TextType()

    @staticmethod
    def python(text: str) -> str:
        return text.casefold()


class DividesBy(Lookup):
    """A number that the right side divides."""

    lookup_name = "divides_by"

    @staticmethod
    def python(number: int, divisor: int) -> bool:
        return number % divisor == 0


class Nothing(Lookup):
    """True of NULL and of 0: it is asked about NULL too."""

    lookup_name = "nothing"
    strict = False
    can_use_none_as_rhs = True

    @staticmethod
    def python(number: int | None, _: Any) -> bool:
        return not number


class Clamp(Func):
    """The number, at least the second and at most the third argument."""

    arity = 3

    @staticmethod
    def python(number: int, low: int, high: int) -> int:
        return max(low, min(number, high))


class Product(Aggregate):
    name = "product"
    function = AggregateDef("product", lambda: 1, lambda state, value: state * value, lambda state: state, empty=1)


class Shop(Model):
    name = CharField(max_length=20)

    class Meta:
        app_label = "registration"


class Item(Model):
    name = CharField(max_length=20)
    slug = SlugField()
    number = IntegerField(null=True)
    small = SmallIntegerField(default=4)
    made = DateTimeField(null=True)
    shop = ForeignKey(Shop, CASCADE, null=True, related_name="items")

    class Meta:
        app_label = "registration"
        ordering = ["pk"]


@pytest.fixture(autouse=True)
def items() -> None:
    shops = [Shop.objects.create(name=name) for name in ("one", "two")]
    for name, number, shop in [("Ann", -3, shops[0]), ("bob", 4, shops[1]), ("CYD", None, shops[1]), ("bo", 6, None)]:
        Item.objects.create(name=name, slug=name.lower(), number=number, shop=shop)


class Registering:
    """Registers for the length of a test."""

    def __init__(self) -> None:
        self.done: list[tuple[Any, Any, str | None]] = []

    def __call__(self, holder: Any, registered: Any, name: str | None = None) -> None:
        assert holder.register_lookup(registered, name) is registered
        self.done.append((holder, registered, name))


@pytest.fixture
def register() -> Iterator[Registering]:
    registering = Registering()
    yield registering
    for holder, registered, name in registering.done:
        holder.unregister_lookup(registered, name)


def names(*conditions: Any, **lookups: Any) -> list[str]:
    return [item.name for item in Item.objects.filter(*conditions, **lookups)]


def test_a_transform_stands_wherever_names_do(register: Registering) -> None:
    register(IntegerField, Parity)
    assert names(number__parity=1) == ["Ann"]
    assert names(number__parity__lt=1) == ["bob", "bo"]
    assert names(~Q(number__parity=1)) == ["bob", "CYD", "bo"]
    assert list(Item.objects.values_list("number__parity", flat=True)) == [1, 0, None, 0]
    assert list(Item.objects.annotate(x=F("number__parity") + 10).values_list("x", flat=True)) == [11, 10, None, 10]
    assert [item.name for item in Item.objects.order_by("-number__parity", "pk")] == ["Ann", "bob", "bo", "CYD"]
    assert [shop.name for shop in Shop.objects.filter(items__number__parity=1)] == ["one"]
    assert Item.objects.filter(number__parity=0).update(number=F("number__parity")) == 2


def test_a_lookup_reads_values_and_expressions(register: Registering) -> None:
    register(IntegerField, DividesBy)
    assert names(number__divides_by=3) == ["Ann", "bo"]
    assert names(number__divides_by=F("small")) == ["bob"]
    assert names(DividesBy(F("number"), 3)) == ["Ann", "bo"]
    assert names(DividesBy(Length("name"), 2)) == ["bo"]
    assert [item.name for item in Item.objects.exclude(number__divides_by=3)] == ["bob", "CYD"]
    with pytest.raises(ValueError, match="number"):
        names(number__divides_by="x")


def test_null_reaches_only_what_asks_for_it(register: Registering) -> None:
    register(IntegerField, DividesBy)
    register(IntegerField, Nothing)
    assert names(number__divides_by=1) == ["Ann", "bob", "bo"]
    assert names(number__nothing=None) == ["CYD"]
    with pytest.raises(ValueError, match="None"):
        names(number__divides_by=None)


def test_a_bilateral_transform_changes_both_sides(register: Registering) -> None:
    register(CharField, Folded)
    assert names(name__folded="BOB") == ["bob"]
    assert names(name__folded__startswith="BO") == ["bob", "bo"]
    assert names(name__folded__in=["ANN", "Cyd"]) == ["Ann", "CYD"]
    assert names(name__folded=F("slug")) == ["Ann", "bob", "CYD", "bo"]


def test_what_a_class_has_its_subclasses_have(register: Registering) -> None:
    register(IntegerField, Parity)
    register(CharField, Folded)
    register(DateField, Abs, "magnitude")
    assert names(small__parity=0) == ["Ann", "bob", "CYD", "bo"]
    assert names(slug__folded="BOB") == ["bob"]
    for kind, base in [
        (BigIntegerField, IntegerField),
        (EmailField, CharField),
        (URLField, CharField),
        (DateTimeField, DateField),
    ]:
        assert issubclass(kind, base)
        assert base.get_lookups().items() <= kind.get_lookups().items()
    with pytest.raises(FieldError, match="parity"):
        names(name__parity=1)


def test_one_field_may_have_a_name_of_its_own(register: Registering) -> None:
    field = Item._meta.get_field("number")
    register(field, Parity)
    assert names(number__parity=1) == ["Ann"]
    with pytest.raises(FieldError, match="parity"):
        names(small__parity=0)


def test_the_nearer_registration_wins(register: Registering) -> None:
    register(Field, Lower, "shown")
    register(CharField, Length, "shown")
    assert list(Item.objects.values_list("name__shown", flat=True)) == [3, 3, 3, 2]
    register(Item._meta.get_field("name"), Folded, "shown")
    assert list(Item.objects.values_list("name__shown", flat=True)) == ["ann", "bob", "cyd", "bo"]


def test_a_transform_may_have_lookups_of_its_own(register: Registering) -> None:
    register(CharField, Length)
    register(Length, DividesBy)
    assert names(name__length__divides_by=2) == ["bo"]
    with pytest.raises(FieldError, match="divides_by"):
        names(number__divides_by=2)


def test_a_relation_may_have_names_for_its_key(register: Registering) -> None:
    register(ForeignKey, Parity)
    one = Shop.objects.get(name="one")
    assert names(shop__parity=one.pk % 2) == ["Ann"]
    assert names(shop__parity__gt=5) == []
    assert list(Item.objects.values_list("shop__parity", flat=True)) == [1, 0, 0, None]
    assert [item.name for item in Item.objects.order_by("-shop__parity", "pk")] == ["Ann", "bob", "CYD", "bo"]
    assert [shop.name for shop in Shop.objects.filter(items__parity=0)] == ["two"]
    register(Item._meta.get_field("shop"), DividesBy)
    assert names(shop__divides_by=2) == ["bob", "CYD"]


def test_a_name_is_forgotten_when_it_is_taken_back() -> None:
    IntegerField.register_lookup(Parity)
    assert names(number__parity=1) == ["Ann"]
    IntegerField.unregister_lookup(Parity)
    with pytest.raises(FieldError, match="parity"):
        names(number__parity=1)
    with pytest.raises(FieldError, match="parity"):
        IntegerField.unregister_lookup(Parity)


def test_a_field_may_find_its_lookups_itself() -> None:
    class Lenient(IntegerField[Any]):
        def get_lookup(self, lookup_name: str) -> Any:
            return DividesBy if lookup_name.startswith("by_") else super().get_lookup(lookup_name)

        def get_transform(self, lookup_name: str) -> Any:
            return Parity if lookup_name.startswith("odd") else super().get_transform(lookup_name)

    class Lent(Model):
        number = Lenient()

        class Meta:
            app_label = "registration"

    for number in (2, 3, 6):
        Lent.objects.create(number=number)
    assert [row.number for row in Lent.objects.filter(number__by_any_name=3)] == [3, 6]
    assert [row.number for row in Lent.objects.filter(number__oddness=1)] == [3]
    assert [row.number for row in Lent.objects.filter(number__gt=2)] == [3, 6]


def test_a_field_tells_what_its_names_mean(register: Registering) -> None:
    field = Item._meta.get_field("number")
    register(IntegerField, Parity)
    register(field, DividesBy)
    assert field.get_transform("parity") is Parity
    assert field.get_transform("divides_by") is None
    assert field.get_lookup("divides_by") is DividesBy
    assert field.get_lookup("parity") is None
    assert field.get_lookup("exact").__name__ == "Exact"
    assert field.get_lookup("nonsense") is None
    assert {"parity", "divides_by"} <= field.get_lookups().keys()


def test_a_function_stands_wherever_expressions_do() -> None:
    clamped = Clamp("number", 0, Value(5))
    assert list(Item.objects.values_list(clamped, flat=True)) == [0, 4, None, 5]
    assert [item.name for item in Item.objects.filter(number=clamped)] == ["bob"]
    assert [item.name for item in Item.objects.order_by(clamped.desc(), "pk")] == ["bo", "bob", "Ann", "CYD"]
    Item.objects.update(number=Clamp(F("number"), 0, 5))
    assert list(Item.objects.values_list("number", flat=True)) == [0, 4, None, 5]
    with pytest.raises(TypeError, match="3 arguments"):
        Clamp("number")


def test_a_function_may_be_passed_as_its_definition() -> None:
    hypot = FunctionDef("hypot", math.hypot, sql="HYPOT")
    made = Func("number", Value(4), function=hypot, output_field=FloatField())
    assert list(Item.objects.values_list(made, flat=True))[:2] == [5.0, math.hypot(4, 4)]
    assert list(Item.objects.values_list(Func(F("name"), function="UPPER"), flat=True))[1] == "BOB"


def test_an_aggregate_has_every_clause_of_the_built_in_ones() -> None:
    assert Item.objects.aggregate(Product("number")) == {"number__product": -72}
    assert Item.objects.filter(number=0).aggregate(p=Product("number")) == {"p": 1}
    assert Item.objects.aggregate(p=Product("number", filter=Q(number__gt=0))) == {"p": 24}
    grouped = Shop.objects.annotate(p=Product("items__number")).order_by("pk")
    assert list(grouped.values_list("name", "p")) == [("one", -3), ("two", 4)]
    assert [shop.name for shop in grouped.filter(p__gt=0)] == ["two"]


class Silent(Transform):
    lookup_name = "silent"


class SilentLookup(Lookup):
    lookup_name = "silent_lookup"


def test_what_does_not_say_what_it_computes_is_refused_where_it_is_used(register: Registering) -> None:
    register(IntegerField, Silent)
    register(IntegerField, SilentLookup)
    with pytest.raises(NotSupportedError, match=r"Silent .*python"):
        names(number__silent=1)
    with pytest.raises(NotSupportedError, match=r"SilentLookup .*python"):
        names(number__silent_lookup=1)
    with pytest.raises(NotSupportedError, match="SOUNDEX"):
        list(Item.objects.values_list(Func("name", function="SOUNDEX")))


@pytest.mark.parametrize("name", ["two__parts", "", "1st", "with space", "ﬁ-x"])
def test_a_name_that_queries_could_not_say_is_refused(name: str) -> None:
    with pytest.raises(FieldError, match="lookup_name"):
        IntegerField.register_lookup(Parity, name)


def test_a_class_without_a_name_needs_one(register: Registering) -> None:
    class Unnamed(Transform):
        @staticmethod
        def python(number: int) -> int:
            return -number

    with pytest.raises(FieldError, match="lookup_name"):
        IntegerField.register_lookup(Unnamed)
    register(IntegerField, Unnamed, "opposite")
    assert names(number__opposite=3) == ["Ann"]


def test_an_error_in_a_function_names_itself_and_ends_the_statement(register: Registering) -> None:
    class Broken(Transform):
        lookup_name = "broken"

        @staticmethod
        def python(number: int) -> int:
            raise RuntimeError(f"no {number}")

    register(IntegerField, Broken)
    with pytest.raises(RuntimeError, match="no -3"):
        names(number__broken=1)
    assert Item.objects.count() == 4


def test_chr_reads_any_whole_number(register: Registering) -> None:
    register(IntegerField, Chr)
    Item.objects.filter(number__lt=0).delete()
    assert names(number__chr=chr(6)) == ["bo"]
