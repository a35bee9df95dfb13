"""Choices: enumerations with labels, and every form that `choices=` takes."""

import enum

import pytest

from modelkit.errors import ValidationError
from modelkit.fields import CharField, IntegerChoices, IntegerField, TextChoices
from modelkit.fields.choices import Choices, flatten, normalise


class Suit(IntegerChoices):
    DIAMOND = 1, "Diamond"
    SPADE = 2, "Spade"
    LAST_ONE = 3


class Year(TextChoices):
    FRESHMAN = "FR", "Freshman"
    SOPHOMORE = "SO"
    __empty__ = "(Unknown)"


class Auto(TextChoices):
    ONE = enum.auto()
    TWO = enum.auto()


class Place(float, Choices):
    ORIGIN = 0.0, "here"


def test_members_have_values_labels_and_names():
    assert (Suit.SPADE.value, Suit.SPADE.label, Suit.SPADE.name) == (2, "Spade", "SPADE")
    assert Suit.LAST_ONE.label == "Last One"
    assert Suit.choices == [(1, "Diamond"), (2, "Spade"), (3, "Last One")]
    assert Suit.values == [1, 2, 3]
    assert Suit.labels == ["Diamond", "Spade", "Last One"]
    assert Suit.names == ["DIAMOND", "SPADE", "LAST_ONE"]


def test_a_blank_choice_leads():
    assert Year.choices == [(None, "(Unknown)"), ("FR", "Freshman"), ("SO", "Sophomore")]
    assert Year.names == ["__empty__", "FRESHMAN", "SOPHOMORE"]
    assert Year.values == [None, "FR", "SO"]


def test_auto_gives_names():
    assert Auto.values == ["ONE", "TWO"]


def test_a_member_is_its_value():
    assert Suit.SPADE == 2
    assert Suit(2) is Suit.SPADE
    assert Year.FRESHMAN == "FR"
    assert str(Year.FRESHMAN) == "FR"
    assert f"{Suit.SPADE}" == "2"
    assert repr(Suit.SPADE) == "Suit.SPADE"
    assert Place.ORIGIN.label == "here"


def test_membership_is_by_member_or_value():
    assert 2 in Suit
    assert Suit.SPADE in Suit
    assert 9 not in Suit
    assert "FR" in Year


def test_a_value_twice_is_refused():
    with pytest.raises(ValueError, match="B -> A"):

        class Twice(IntegerChoices):
            A = 1, "a"
            B = 1, "b"


def test_a_member_may_be_called_label():
    named = TextChoices("named", "label stamp")
    assert [(member.name, member.label) for member in named] == [("label", "Label"), ("stamp", "Stamp")]


def test_templates_do_not_call_choices():
    assert Year.do_not_call_in_templates is True
    assert "do_not_call_in_templates" not in Year.__members__


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        (None, None),
        ([("a", "A")], [("a", "A")]),
        ((["a", "A"],), [("a", "A")]),
        ({"a": "A"}, [("a", "A")]),
        ({"g": {"a": "A"}}, [("g", [("a", "A")])]),
        ([("g", [("a", "A")]), ("b", "B")], [("g", [("a", "A")]), ("b", "B")]),
        (lambda: [("a", "A")], [("a", "A")]),
        ((pair for pair in [("a", "A")]), [("a", "A")]),
        (Suit, Suit.choices),
        ([("g", Suit)], [("g", Suit.choices)]),
        (enum.Enum("Plain", {"A": "a"}), [("a", "A")]),
    ],
)
def test_every_form_comes_to_the_same(given, normal):
    assert normalise(given) == normal


@pytest.mark.parametrize("given", ["ab", 3, ["ab"], [("a", "b", "c")], [3]])
def test_what_is_no_choices_is_refused(given):
    with pytest.raises(TypeError):
        normalise(given)


def test_groups_open_flat():
    assert flatten(normalise({"g": {"a": "A"}, "b": "B"})) == [("a", "A"), ("b", "B")]
    assert flatten(None) == []


def test_display_is_the_label_or_the_value_itself(holder, put):
    put(IntegerField(choices={"g": {1: "one"}}, null=True), "size")
    put(CharField(choices=Year), "year")
    assert holder(size=1).get_size_display() == "one"
    assert holder(size=7).get_size_display() == 7
    assert holder(size=True).get_size_display() is True
    assert holder(year=Year.FRESHMAN).get_year_display() == "Freshman"
    assert holder(year=None).get_year_display() == "(Unknown)"
    assert holder(size=None).get_size_display() is None


def test_a_display_method_of_the_class_s_own_is_kept(holder, put):
    holder.get_size_display = lambda _: "mine"
    put(IntegerField(choices=[(1, "one")]), "size")
    assert holder(size=1).get_size_display() == "mine"


def test_choices_for_a_selection(put):
    field = put(IntegerField(choices=[(1, "one")]))
    assert field.get_choices() == [("", "---------"), (1, "one")]
    assert field.get_choices(include_blank=False) == [(1, "one")]
    assert put(CharField(choices=Year)).get_choices() == Year.choices


def test_callable_choices_are_called_when_they_are_read(holder, put):
    known = {1: "one"}
    calls = []

    def choices():
        calls.append(1)
        return known

    field = put(IntegerField(choices=choices), "size")
    assert not calls
    assert holder(size=1).get_size_display() == "one"
    known[2] = "two"
    assert holder(size=2).get_size_display() == "two"
    assert field.choices == [(1, "one"), (2, "two")]
    assert field.choices[-1] == (2, "two")
    assert field.choices[:1] == [(1, "one")]
    assert field.flatchoices == [(1, "one"), (2, "two")]
    assert field.deconstruct()[3]["choices"] is choices
    with pytest.raises(ValidationError):
        field.clean(3, None)


def test_choices_may_be_set_later_in_any_form(holder, put):
    field = put(IntegerField(choices=()), "size")
    field.choices = {"g": {1: "one"}}
    assert field.choices == [("g", [(1, "one")])]
    assert holder(size=1).get_size_display() == "one"
