"""What people mistype around relations, and what they are told: the thing, the near miss, the way out."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from modelkit import (
    CASCADE,
    SET,
    CharField,
    DateField,
    FieldError,
    ForeignKey,
    IntegrityError,
    ManyToMany,
    Model,
    OneToOne,
    PositiveIntegerField,
    Prefetch,
    SlugField,
)
from modelkit.contrib.contenttypes import ContentType, GenericForeignKey, GenericRelation


class Musician(Model):
    name = CharField(max_length=50)

    class Meta:
        app_label = "mistakes"

    def __str__(self) -> str:
        return self.name


class Band(Model):
    name = CharField(max_length=50)
    members = ManyToMany(Musician, through="Membership", related_name="bands")
    leader = ForeignKey(Musician, CASCADE, null=True, related_name="leads")
    manager = OneToOne(Musician, CASCADE, null=True, related_name="manages")
    badges: Any = GenericRelation("Badge")

    class Meta:
        app_label = "mistakes"

    def __str__(self) -> str:
        return self.name


class Membership(Model):
    musician = ForeignKey(Musician, CASCADE)
    band = ForeignKey(Band, CASCADE)
    joined = DateField()

    class Meta:
        app_label = "mistakes"


class Badge(Model):
    word = SlugField()
    content_type = ForeignKey(ContentType, CASCADE)
    object_id = PositiveIntegerField()
    thing: Any = GenericForeignKey()

    class Meta:
        app_label = "mistakes"


@pytest.fixture
def paul() -> Musician:
    return Musician.objects.create(name="Paul")


@pytest.fixture
def beatles() -> Band:
    return Band.objects.create(name="Beatles")


JOINED = {"joined": datetime.date(1960, 8, 1)}


@pytest.mark.parametrize("several", [list, tuple, set])
def test_several_instances_are_added_one_by_one(several: Callable[..., Any], paul: Any, beatles: Any) -> None:
    with pytest.raises(TypeError, match=r"members\.add\(\*several\)"):
        beatles.members.add(several([paul]), through_defaults=JOINED)
    with pytest.raises(TypeError, match=r"leads\.add\(\*several\)"):
        paul.leads.add(several([beatles]))
    with pytest.raises(TypeError, match=r"members\.add\(\*several\)"):
        beatles.members.add(Musician.objects.all(), through_defaults=JOINED)


def test_one_instance_is_no_list_of_instances(paul: Any, beatles: Any) -> None:
    badge = Badge(word="x")
    for related, one in ((beatles.members, paul), (paul.leads, beatles), (beatles.badges, badge)):
        with pytest.raises(TypeError, match=r"\.set\(\) takes a list of instances or a queryset, not one \w+: <.*>"):
            related.set(one)
    with pytest.raises(TypeError, match=r"members\.set\(\) takes a list"):
        beatles.members.set("Paul")


def test_what_rows_between_lack_is_given_as_through_defaults(paul: Any, beatles: Any) -> None:
    with pytest.raises(IntegrityError, match=r"Membership\.joined must not be NULL") as caught:
        beatles.members.add(paul)
    assert 'members.add() fills rows of Membership from through_defaults={"joined": ...}.' in caught.value.__notes__
    with pytest.raises(TypeError, match=r"'joind'\. Did you mean 'joined'"):
        beatles.members.add(paul, through_defaults={"joind": 1})
    beatles.members.add(paul, through_defaults=JOINED)
    assert list(paul.bands.all()) == [beatles]


def test_a_key_goes_to_the_name_of_the_column(paul: Any) -> None:
    with pytest.raises(ValueError, match=r"Band\.leader must be a 'Musician' instance or None, not 1.*'leader_id'"):
        Band(leader=1)
    with pytest.raises(ValueError, match=r"Band\.leader must be a 'Musician' instance or None, not <Band.*>\.$"):
        Band(leader=Band(name="x"))
    with pytest.raises(ValueError, match=r"Musician\.manages must be a 'Band' instance or None, not 3\.$"):
        paul.manages = 3
    assert Band(leader_id=paul.pk).leader == paul


def test_the_class_has_no_related_rows() -> None:
    members: Any = Band.members
    with pytest.raises(
        AttributeError, match=r"Band\.members is a relation.*what one Band leads to is read from an instance"
    ):
        members.add(1)


@pytest.mark.parametrize(
    ("names", "error", "message"),
    [
        (("leadr",), FieldError, "Band has no to-one relation 'leadr'.*Did you mean 'leader'"),
        (("members",), FieldError, r"Band\.members is a to-many relation.*prefetch_related\(\)"),
        (("leader__bands",), FieldError, r"Musician\.bands is a to-many relation.*prefetch_related\(\)"),
        ((Musician,), TypeError, "takes names of to-one relations, not .*Musician"),
    ],
)
def test_what_select_related_cannot_follow(names: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Band.objects.select_related(*names)


def test_a_prefetch_takes_a_queryset() -> None:
    anything: Any = "x"
    with pytest.raises(TypeError, match=r"Prefetch\('members', \.\.\.\) takes a queryset, not 'x'\."):
        Prefetch("members", anything)
    assert not list(Band.objects.prefetch_related(Prefetch("members", Musician.objects.all())))


def test_set_is_called() -> None:
    chosen: Any = SET
    with pytest.raises(TypeError, match=r"SET is called, .* SET\(\.\.\.\)"):
        ForeignKey(Musician, chosen)


@pytest.mark.parametrize(
    "call",
    [
        lambda: Badge.objects.filter(thing=1),
        lambda: Badge.objects.exclude(thing__name="x"),
        lambda: Badge.objects.order_by("thing"),
        lambda: Badge.objects.values("thing"),
        lambda: Badge.objects.select_related("thing"),
        lambda: Badge.objects.update(thing=None),
        lambda: Band.objects.filter(badges__thing=1),
    ],
)
def test_queries_do_not_follow_a_generic_foreign_key(call: Callable[[], Any]) -> None:
    with pytest.raises(FieldError, match=r"Badge\.thing leads to rows of any model.*content_type and object_id"):
        call()


def test_a_generic_foreign_key_is_a_near_miss(beatles: Any) -> None:
    with pytest.raises(TypeError, match=r"'thng'\. Did you mean 'thing'"):
        Badge(thng=beatles)
    Badge.objects.create(thing=beatles, word="x")
    with pytest.raises(AttributeError, match=r"Badge has no 'thng' to prefetch\. Did you mean 'thing'"):
        list(Badge.objects.prefetch_related("thng"))
