"""What `_meta` tells libraries that walk over models: admin sites, serializers, schema generators."""

from __future__ import annotations

import copy
import pickle

import pytest

from modelkit import (
    CASCADE,
    CharField,
    FieldDoesNotExist,
    FieldError,
    ForeignKey,
    ForeignObject,
    GeneratedField,
    IntegerField,
    Lower,
    ManyToMany,
    Model,
    OneToOne,
    Registry,
)
from modelkit.contrib.contenttypes import ContentType, GenericForeignKey, GenericRelation


class Sticker(Model):
    text = CharField(max_length=20)
    content_type = ForeignKey(ContentType, CASCADE)
    object_id = IntegerField()
    thing = GenericForeignKey()

    class Meta:
        app_label = "introspection"


class Named(Model):
    name = CharField(max_length=20)
    plain = GeneratedField(expression=Lower("name"), output_field=CharField(max_length=20), db_persist=True)

    class Meta:
        app_label = "introspection"
        abstract = True

    @property
    def shout(self) -> str:
        return self.name.upper()


class Place(Named):
    seats = IntegerField(db_default=4)
    tags = GenericRelation(Sticker)
    near = ManyToMany("self")

    class Meta:
        app_label = "introspection"


class Bar(Place):
    beers = ManyToMany("Beer", related_name="bars")
    secret = ManyToMany("Beer", related_name="+")


class Beer(Named):
    origin = ForeignKey(Place, CASCADE, related_name="brews")
    unseen = ForeignKey(Place, CASCADE, related_name="+", null=True)
    king = OneToOne(Bar, CASCADE, null=True)

    class Meta:
        app_label = "introspection"
        verbose_name = "pint"


class Local(Bar):
    class Meta:
        app_label = "introspection"
        proxy = True


def names(fields) -> list[str]:
    return [field.name for field in fields]


def test_fields_come_parents_first_and_reverse_relations_before_all():
    meta = Bar._meta
    assert names(meta.fields) == ["id", "name", "plain", "seats", "place_ptr"]
    assert names(meta.local_fields) == ["place_ptr"]
    assert names(meta.concrete_fields) == names(meta.fields)
    assert names(meta.many_to_many) == ["near", "beers", "secret"]
    assert names(meta.local_many_to_many) == ["beers", "secret"]
    assert names(meta.private_fields) == ["tags"]
    assert names(meta.get_fields()) == [
        *["brews", "beer"],
        *["id", "name", "plain", "seats", "place_ptr"],
        *["near", "beers", "secret", "tags"],
    ]


def test_parents_and_hidden_relations_are_asked_for():
    own = Bar._meta.get_fields(include_parents=False)
    assert names(own) == ["beer", "place_ptr", "beers", "secret", "tags"]
    hidden = set(names(Bar._meta.get_fields(include_hidden=True))) - set(names(Bar._meta.get_fields()))
    assert hidden == {"+", "Place_near+", "near_rel_+", "Bar_beers+", "Bar_secret+"}
    assert "_introspection_bar_secret_+" in names(Beer._meta.get_fields(include_hidden=True))
    assert names(Bar._meta.related_objects) == ["near_rel_+", "brews", "beer"]


def test_a_proxy_shows_what_its_concrete_model_has():
    assert names(Local._meta.get_fields()) == names(Bar._meta.get_fields())
    assert Local._meta.concrete_model is Bar
    assert Local._meta.proxy_for_model is Bar
    assert Local._meta.pk is Bar._meta.pk


def test_ancestors_come_nearest_first():
    assert Local._meta.all_parents == (Bar, Place)
    assert Bar._meta.get_parent_list() == [Place]
    assert Bar._meta.get_ancestor_link(Place).name == "place_ptr"
    assert Bar._meta.get_base_chain(Place) == [Place]


def test_labels_and_verbose_names():
    assert (Beer._meta.label, Beer._meta.label_lower) == ("introspection.Beer", "introspection.beer")
    assert (Beer._meta.verbose_name, Beer._meta.verbose_name_plural) == ("pint", "pints")
    assert (Beer._meta.verbose_name_raw, str(Beer._meta)) == ("pint", "introspection.beer")
    assert Bar._meta.verbose_name == "bar"


def test_a_field_is_found_by_name_attname_and_the_far_sides_by_theirs():
    assert Beer._meta.get_field("origin") is Beer._meta.get_field("origin_id")
    assert Place._meta.get_field("brews").field is Beer._meta.get_field("origin")
    assert Beer._meta.get_field("bars").many_to_many
    with pytest.raises(FieldDoesNotExist, match=r"Beer has no field 'orign'\. Did you mean 'origin'"):
        Beer._meta.get_field("orign")


def test_a_field_says_what_it_is_without_being_asked_for_its_class():
    by_name = {field.name: field for field in Bar._meta.get_fields()}
    assert {name for name, field in by_name.items() if field.is_relation} == {
        *["brews", "beer", "place_ptr", "near", "beers", "secret", "tags"]
    }
    assert {name for name, field in by_name.items() if field.auto_created and not field.concrete} == {"brews", "beer"}
    assert (by_name["brews"].one_to_many, by_name["beer"].one_to_one, by_name["beers"].many_to_many) == (True,) * 3
    assert by_name["brews"].related_model is Beer
    assert by_name["place_ptr"].related_model is Place


def test_what_the_store_may_fill_in_is_told():
    assert names(Bar._meta.db_returning_fields) == ["id", "plain", "seats"]


def test_properties_are_what_a_keyword_may_set_beside_fields():
    assert Bar._meta._property_names == {"pk", "shout"}


def test_lists_of_fields_say_that_they_are_shared():
    fields = Bar._meta.get_fields()
    with pytest.raises(AttributeError, match=r"get_fields\(\).*list\("):
        fields += ("more",)
    for name in ("fields", "concrete_fields", "local_concrete_fields", "many_to_many", "related_objects"):
        with pytest.raises(AttributeError, match=f"{name} .*list"):
            getattr(Bar._meta, name).append("more")
    assert list(fields) == list(Bar._meta.get_fields())
    assert isinstance(fields, tuple)


def test_a_list_of_fields_can_be_copied():
    listed = Bar._meta.fields
    assert copy.copy(listed) == listed
    assert type(pickle.loads(pickle.dumps(type(listed)("fields", [1, 2])))) is type(listed)


def test_a_relation_that_goes_by_missing_fields_can_be_looked_at_and_not_used():
    class Lost(Model):
        target = ForeignObject(Place, CASCADE, from_fields=["nowhere"], to_fields=["id"], related_name="lost")

        class Meta:
            app_label = "introspection"
            registry = Registry()

    assert Lost._meta.get_field("target").related_model is Place
    with pytest.raises(FieldError, match=r"Lost\.target.*: Lost has no field 'nowhere'"):
        Lost.objects.count()
