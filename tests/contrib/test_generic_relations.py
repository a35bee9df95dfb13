"""Generic foreign keys and relations: instances, managers, queries, prefetching, deletion."""

from __future__ import annotations

import pytest

import modelkit
from modelkit import FilteredRelation, Q
from modelkit.contrib.contenttypes import ContentType, GenericForeignKey, GenericPrefetch, GenericRelation
from modelkit.database import capture_statements, use_store
from modelkit.errors import FieldError
from modelkit.prefetch import Prefetch, prefetch_related_objects
from modelkit.stores.memory.store import MemoryStore
from tests.contrib.models import Animal, Carrot, Gem, Mineral, Note, Plant, Tag


@pytest.fixture
def zoo():
    """An animal and a plant with the same key, with a tag each."""
    lion, oak = Animal.objects.create(name="lion"), Plant.objects.create(name="oak")
    assert lion.pk == oak.pk
    lion.tags.create(name="wild")
    oak.tags.create(name="tall")
    return lion, oak


class TestKey:
    def test_leads_to_the_row(self, zoo):
        lion, oak = zoo
        assert [tag.thing for tag in Tag.objects.all()] == [lion, oak]

    def test_is_fetched_once(self, zoo):
        tag = Tag.objects.get(name="wild")
        assert tag.thing is tag.thing

    def test_follows_its_two_fields(self, zoo):
        lion, oak = zoo
        tag = Tag.objects.get(name="wild")
        assert tag.thing == lion
        tag.content_type = ContentType.objects.get_for_model(Plant)
        assert tag.thing == oak
        tag.object_id = 99
        assert tag.thing is None
        tag.object_id = oak.pk
        assert tag.thing == oak

    def test_takes_none_and_no_other_value(self):
        assert Note(subject=None).subject is None
        with pytest.raises(ValueError, match=r"Tag\.thing"):
            Tag(thing=3)

    def test_a_row_is_not_written_before_the_one_it_leads_to(self):
        tag = Tag(name="x", thing=Mineral(name="quartz"))
        with pytest.raises(ValueError, match="thing"):
            tag.save()
        with pytest.raises(ValueError, match="thing"):
            Tag.objects.bulk_create([tag])
        tag.thing.save()
        tag.save()
        assert Tag.objects.get().thing.name == "quartz"

    def test_tells_proxies_apart_where_asked_to(self):
        gem = Gem.objects.create(name="ruby")
        assert type(Note.objects.create(text="n", subject=gem).subject) is Gem
        Note.objects.create(text="m", subject=gem)
        assert {type(note.subject) for note in Note.objects.all()} == {Gem}
        Tag.objects.create(name="t", thing=gem)
        assert type(Tag.objects.get().thing) is Mineral

    def test_is_no_name_in_queries(self):
        with pytest.raises(FieldError, match="thing"):
            Tag.objects.filter(thing=1)

    def test_is_a_default_of_get_or_create(self, zoo):
        made, new = Tag.objects.get_or_create(name="old", defaults={"thing": zoo[0]})
        assert new
        assert made.thing == zoo[0]


class TestManager:
    def test_has_the_rows_of_its_own_model_alone(self, zoo):
        assert [[tag.name for tag in each.tags.all()] for each in zoo] == [["wild"], ["tall"]]

    def test_adds_in_one_statement(self, zoo):
        lion, oak = zoo
        tags = list(oak.tags.all())
        with capture_statements() as log:
            lion.tags.add(*tags)
        assert len(log.statements) == 1
        assert lion.tags.count() == 2
        assert tags[0].thing == lion

    def test_add_refuses_what_is_not_saved_or_of_another_model(self, zoo):
        lion, oak = zoo
        with pytest.raises(ValueError, match="bulk=False"):
            lion.tags.add(Tag(name="new"))
        with pytest.raises(TypeError, match="Tag"):
            lion.tags.add(oak)
        lion.tags.add(Tag(name="new"), bulk=False)
        assert lion.tags.count() == 2

    def test_remove_and_clear_delete(self, zoo):
        lion, oak = zoo
        lion.tags.remove(*Tag.objects.all())
        assert [tag.name for tag in Tag.objects.all()] == ["tall"]
        oak.tags.clear(bulk=False)
        assert not Tag.objects.exists()

    def test_set_keeps_adds_and_deletes(self, zoo):
        lion, _ = zoo
        kept = lion.tags.get()
        gone = lion.tags.create(name="gone")
        new = Tag.objects.create(name="new", thing=Mineral.objects.create(name="m"))
        lion.tags.set([kept, new])
        assert list(lion.tags.all()) == [kept, new]
        assert not Tag.objects.filter(pk=gone.pk).exists()

    def test_gets_or_makes_a_row_of_its_own(self, zoo):
        lion, _ = zoo
        assert lion.tags.get_or_create(name="wild")[1] is False
        assert lion.tags.get_or_create(name="tall")[1] is True
        assert lion.tags.update_or_create(name="wild", defaults={"name": "tame"})[0].name == "tame"
        assert sorted(lion.tags.values_list("name", flat=True)) == ["tall", "tame"]

    def test_needs_a_key(self):
        assert list(Animal(name="new").tags.all()) == []
        with pytest.raises(ValueError, match="save it first"):
            Animal(name="new").tags.create(name="x")

    def test_is_not_assigned(self, zoo):
        with pytest.raises(TypeError, match="tags"):
            zoo[0].tags = []

    def test_converts_keys_to_the_type_that_holds_them(self, zoo):
        lion, _ = zoo
        note = lion.notes.create(text="roars")
        assert Note.objects.get().key == str(lion.pk)
        assert Note.objects.get().subject == lion
        assert list(lion.notes.all()) == [note]


class TestQueries:
    def test_joins_count_the_content_type(self, zoo):
        lion, oak = zoo
        assert list(Animal.objects.filter(tags__name="wild")) == [lion]
        assert not Animal.objects.filter(tags__name="tall").exists()
        assert list(Plant.objects.exclude(tags__name="wild")) == [oak]
        assert list(Animal.objects.exclude(tags__name="wild")) == []

    def test_has_none(self, zoo):
        cat = Animal.objects.create(name="cat")
        Tag.objects.create(name="x", content_type=ContentType.objects.get_for_model(Plant), object_id=cat.pk)
        assert list(Animal.objects.filter(tags__isnull=True)) == [cat]
        assert list(Animal.objects.filter(tags=None)) == [cat]

    def test_nothing_matches_before_there_is_a_content_type(self):
        Animal.objects.create(name="lion")
        assert not Animal.objects.filter(tags__isnull=False).exists()
        assert ContentType.objects.count() == 0

    def test_leads_back_by_its_query_name(self, zoo):
        assert [tag.name for tag in Tag.objects.filter(animal__name="lion")] == ["wild"]
        assert [tag.name for tag in Tag.objects.filter(animal__isnull=True)] == ["tall"]
        assert [tag.name for tag in Tag.objects.filter(animal=zoo[0])] == ["wild"]
        assert list(Tag.objects.order_by("name").values_list("name", "animal__name")) == [
            ("tall", None),
            ("wild", "lion"),
        ]
        with pytest.raises(FieldError, match="plant"):
            Tag.objects.filter(plant__name="oak")

    def test_combine(self, zoo):
        lion, _ = zoo
        cat = Animal.objects.create(name="cat")
        cat.tags.create(name="soft")
        either = Animal.objects.filter(tags__name="wild") | Animal.objects.filter(tags__name="soft")
        assert set(either) == {lion, cat}
        both = Animal.objects.filter(tags__name="wild") & Animal.objects.filter(tags__name="soft")
        assert list(both) == []

    def test_stands_inside_another_query(self, zoo):
        wild = Animal.objects.filter(tags__name="wild")
        assert [tag.name for tag in Tag.objects.filter(animal__in=wild)] == ["wild"]

    def test_a_child_has_its_own(self):
        carrot = Carrot.objects.create(name="carrot")
        carrot.tags.create(name="orange")
        assert [tag.name for tag in carrot.tags.all()] == ["orange"]
        assert list(Carrot.objects.filter(tags__name="orange")) == [carrot]
        assert not Plant.objects.filter(tags__name="orange").exists()

    def test_is_filtered_under_a_name(self, zoo):
        lion, oak = zoo
        oak.tags.create(name="wild")
        animals = Animal.objects.annotate(wild=FilteredRelation("tags", condition=Q(tags__name="wild")))
        lion.tags.create(name="big")
        assert list(animals.values_list("name", "wild__name")) == [("lion", "wild")]
        assert not animals.exclude(wild__isnull=True).exclude(wild__name="wild").exists()

    def test_means_the_same_on_each_store(self, zoo):
        query = Animal.objects.filter(tags__name="wild")
        with use_store(MemoryStore()):
            Plant.objects.create(name="p").tags.create(name="wild")
            lion = Animal.objects.create(name="lion")
            assert not query.all().exists()
            lion.tags.create(name="wild")
            assert list(query.all()) == [lion]

    def test_a_text_leads_to_the_row_whose_key_it_is_the_text_of(self, zoo):
        lion, _ = zoo
        Animal.objects.create(name="cat")
        lion.notes.create(text="x")
        assert list(Animal.objects.filter(notes__text="x")) == [lion]
        assert list(Animal.objects.filter(notes__isnull=True).values_list("name", flat=True)) == ["cat"]


def test_a_redefined_model_takes_over():
    def define() -> type:
        class Bird(modelkit.Model):
            name = modelkit.CharField(max_length=50)
            tags = GenericRelation(Tag, related_query_name="bird")

            class Meta:
                app_label = "tagged"

        return Bird

    define()
    bird = define().objects.create(name="owl")
    tag = bird.tags.create(name="quiet")
    assert list(Tag.objects.filter(bird=bird)) == [tag]
    assert [field.model for field in Tag._meta.incoming if field.model.__name__ == "Bird"] == [type(bird)]


class TestPrefetch:
    def test_reads_the_rows_of_all_in_one_statement(self, zoo):
        Animal.objects.create(name="cat")
        with capture_statements() as log:
            found = [[tag.name for tag in each.tags.all()] for each in Animal.objects.prefetch_related("tags")]
        assert found == [["wild"], []]
        assert len(log.statements) == 2

    def test_takes_a_queryset(self, zoo):
        lion, _ = zoo
        lion.tags.create(name="big")
        big = Prefetch("tags", Tag.objects.filter(name="big"), to_attr="big")
        assert [tag.name for tag in Animal.objects.prefetch_related(big)[0].big] == ["big"]

    def test_converts_keys(self, zoo):
        lion, _ = zoo
        note = lion.notes.create(text="roars")
        assert list(Animal.objects.prefetch_related("notes").get().notes.all()) == [note]

    def test_through_the_key_one_statement_for_each_model(self, zoo):
        with capture_statements() as log:
            tags = list(Tag.objects.prefetch_related("thing"))
            assert [tag.thing for tag in tags] == list(zoo)
        assert len(log.statements) == 3

    def test_goes_on_from_rows_of_several_models(self, zoo):
        with capture_statements() as log:
            tags = list(Tag.objects.prefetch_related("thing__tags"))
            assert [list(tag.thing.tags.all()) for tag in tags] == [[tag] for tag in tags]
        assert len(log.statements) == 4

    def test_with_a_queryset_for_each_model(self, zoo):
        tags = list(Tag.objects.all())
        prefetch_related_objects(tags, GenericPrefetch("thing", [Animal.objects.only("id"), Plant.objects.none()]))
        assert tags[0].thing.get_deferred_fields() == {"name"}
        assert tags[1].thing is None
        with pytest.raises(ValueError, match="Animal"):
            prefetch_related_objects(
                list(Tag.objects.all()), GenericPrefetch("thing", [Animal.objects.all(), Animal.objects.all()])
            )
        with pytest.raises(ValueError, match="values"):
            GenericPrefetch("thing", [Animal.objects.values("name")])

    def test_one_queryset_is_refused(self, zoo):
        with pytest.raises(ValueError, match="GenericPrefetch"):
            list(Tag.objects.prefetch_related(Prefetch("thing", Animal.objects.all())))


class TestDeletion:
    def test_takes_the_rows_along(self, zoo):
        lion, _ = zoo
        assert lion.delete() == (2, {"tagged.Tag": 1, "tagged.Animal": 1})
        assert [tag.name for tag in Tag.objects.all()] == ["tall"]
        assert Plant.objects.all().delete() == (2, {"tagged.Tag": 1, "tagged.Plant": 1})

    def test_converts_keys(self, zoo):
        lion, _ = zoo
        lion.notes.create(text="roars")
        lion.delete()
        assert not Note.objects.exists()

    def test_leaves_rows_without_a_declared_relation(self):
        quartz = Mineral.objects.create(name="quartz")
        Tag.objects.create(name="clear", thing=quartz)
        quartz.delete()
        assert Tag.objects.get().thing is None

    def test_of_a_content_type_takes_its_rows(self, zoo):
        ContentType.objects.get_for_model(Plant).delete()
        assert [tag.name for tag in Tag.objects.all()] == ["wild"]


def test_limit_choices_to_limits_what_may_be_chosen_and_not_what_is_related():
    class Shop(modelkit.Model):
        labels = GenericRelation(Tag, limit_choices_to=lambda: {"name__startswith": "a"})

        class Meta:
            app_label = "tagged"

    shop = Shop.objects.create()
    apple, pear = (shop.labels.create(name=name) for name in ("apple", "pear"))
    assert list(shop.labels.all()) == [apple, pear]
    assert Shop.objects.filter(labels__name="pear").exists()
    field = Shop._meta.get_field("labels")
    assert field.get_limit_choices_to() == {"name__startswith": "a"}
    assert field.get_choices(include_blank=False) == [(apple.pk, str(apple))]


@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        ({}, "content_type"),
        ({"content_type": modelkit.ForeignKey(ContentType, modelkit.CASCADE, related_name="+")}, "object_id"),
    ],
)
def test_a_generic_foreign_key_names_a_field_that_is_missing(fields, missing):
    meta = type("Meta", (), {"app_label": "tagged", "registry": modelkit.Registry()})
    body = {"__module__": __name__, "Meta": meta, "thing": GenericForeignKey(), **fields}
    loose = type(modelkit.Model)("Loose", (modelkit.Model,), body)
    with pytest.raises(
        modelkit.FieldDoesNotExist, match=rf"Loose\.thing goes by content_type and object_id: .* no field '{missing}'"
    ):
        loose(thing=Animal.objects.create(name="lion"))
