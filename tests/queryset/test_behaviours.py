"""What a program may rely on whatever the models are: keys, ties, errors, defaults, filters of managers, all or nothing."""

from __future__ import annotations

import datetime
import threading
from typing import Any

import pytest

import modelkit as models
from modelkit import (
    FieldError,
    IntegrityError,
    MemoryStore,
    Prefetch,
    UniqueConstraint,
    atomic,
    capture_statements,
)
from modelkit.database import use_store


class Shelf(models.Model):
    name = models.CharField(max_length=20)

    class Meta:
        app_label = "behaviours"


class Volume(models.Model):
    shelf = models.ForeignKey(Shelf, models.CASCADE, related_name="volumes")
    title = models.CharField(max_length=20)
    year = models.IntegerField(null=True)
    printed = models.DateTimeField(null=True)
    data = models.JSONField(null=True)

    class Meta:
        app_label = "behaviours"


class Chapter(models.Model):
    volume = models.ForeignKey(Volume, models.CASCADE, related_name="chapters")
    number = models.IntegerField()
    title = models.CharField(max_length=20, default="untitled", null=True)

    class Meta:
        app_label = "behaviours"
        constraints = [UniqueConstraint(fields=["volume", "number"], name="one_of_each_number")]


class Slug(models.Model):
    word = models.CharField(max_length=20, primary_key=True)
    target = models.CharField(max_length=20, null=True)

    class Meta:
        app_label = "behaviours"


class LiveManager(models.Manager):
    def get_queryset(self):
        return super().get_queryset().filter(archived=False)


class Note(models.Model):
    archived = models.BooleanField(default=False)
    text = models.CharField(max_length=20, default="")

    objects = LiveManager()
    everything = models.Manager()

    class Meta:
        app_label = "behaviours"


@pytest.fixture
def shelf() -> Shelf:
    return Shelf.objects.create(name="top")


def titles(queryset: Any) -> list[str]:
    return list(queryset.values_list("title", flat=True))


def test_automatic_keys_count_from_one() -> None:
    assert [Shelf.objects.create(name=name).pk for name in "ab"] == [1, 2]


def test_a_deleted_key_is_not_given_again() -> None:
    Shelf.objects.create(name="a")
    Shelf.objects.create(name="b").delete()
    assert Shelf.objects.create(name="c").pk == 3


def test_filter_order_and_slice_hold_at_every_depth_of_a_prefetch() -> None:
    for name in "ab":
        shelf = Shelf.objects.create(name=name)
        for year in (3, 1, 4, 2):
            volume = Volume.objects.create(shelf=shelf, title=f"{name}{year}", year=year)
            Chapter.objects.bulk_create(Chapter(volume=volume, number=number) for number in (2, 3, 1))
    chapters = Chapter.objects.filter(number__gt=1).order_by("number")[:1]
    volumes = Volume.objects.filter(year__gt=1).order_by("-year")[:2]
    found = Shelf.objects.order_by("name").prefetch_related(
        Prefetch("volumes", volumes.prefetch_related(Prefetch("chapters", chapters, to_attr="next")), to_attr="latest")
    )
    assert [[volume.title for volume in shelf.latest] for shelf in found] == [["a4", "a3"], ["b4", "b3"]]
    assert {tuple(chapter.number for chapter in volume.next) for shelf in found for volume in shelf.latest} == {(2,)}


@pytest.mark.parametrize("count", [1, 5, 40])
def test_including_to_many_relations_takes_as_many_statements_for_many_rows_as_for_one(count: int) -> None:
    for number in range(count):
        shelf = Shelf.objects.create(name=str(number))
        volume = Volume.objects.create(shelf=shelf, title="x")
        Chapter.objects.create(volume=volume, number=number)
    with capture_statements() as statements:
        found = list(Shelf.objects.prefetch_related("volumes__chapters"))
        assert sum(len(volume.chapters.all()) for shelf in found for volume in shelf.volumes.all()) == count
    assert len(statements) == 3


def test_update_or_create_finds_its_row_by_several_unique_columns_together(shelf: Shelf) -> None:
    one, other = (Volume.objects.create(shelf=shelf, title=title) for title in "ab")
    made, created = Chapter.objects.update_or_create(volume=one, number=1, defaults={"title": "first"})
    assert created
    assert Chapter.objects.update_or_create(volume=other, number=1, defaults={"title": "elsewhere"})[1]
    assert Chapter.objects.update_or_create(volume=one, number=1, defaults={"title": "again"}) == (made, False)
    assert titles(Chapter.objects.order_by("volume")) == ["again", "elsewhere"]


def test_bulk_create_updates_the_row_that_several_columns_together_name(shelf: Shelf) -> None:
    volume = Volume.objects.create(shelf=shelf, title="a")
    Chapter.objects.create(volume=volume, number=1, title="first")
    Chapter.objects.bulk_create(
        [Chapter(volume=volume, number=number, title="new") for number in (1, 2)],
        update_conflicts=True,
        unique_fields=["volume", "number"],
        update_fields=["title"],
    )
    assert list(Chapter.objects.order_by("number").values_list("number", "title")) == [(1, "new"), (2, "new")]


def test_an_error_leaves_a_block_as_the_same_object_and_no_row_behind(shelf: Shelf) -> None:
    error = RuntimeError("no")
    with pytest.raises(RuntimeError) as caught, atomic():
        Shelf.objects.create(name="lost")
        Volume.objects.create(shelf=shelf, title="lost")
        shelf.delete()
        raise error
    assert caught.value is error
    assert list(Shelf.objects.values_list("name", flat=True)) == ["top"]
    assert not Volume.objects.exists()


def test_moments_are_compared_by_the_instant_they_are(shelf: Shelf) -> None:
    noon = datetime.datetime(2024, 2, 29, 12, 30, tzinfo=datetime.UTC)
    elsewhere = noon.astimezone(datetime.timezone(datetime.timedelta(hours=5, minutes=45)))
    made = Volume.objects.create(shelf=shelf, title="a", printed=noon)
    for same in (datetime.datetime.fromisoformat("2024-02-29T12:30:00+00:00"), elsewhere):
        assert Volume.objects.get(printed=same) == made
        assert Volume.objects.get(printed__in=[same]) == made
    assert not Volume.objects.filter(printed=noon + datetime.timedelta(microseconds=1)).exists()


def test_json_is_compared_by_value_at_every_depth(shelf: Shelf) -> None:
    made = Volume.objects.create(shelf=shelf, title="a", data={"a": [1, {"b": None, "c": [True]}], "d": "x"})
    assert Volume.objects.get(data={"d": "x", "a": [1, {"c": [True], "b": None}]}) == made
    for other in (
        {"d": "x", "a": [1, {"c": [False], "b": None}]},
        {"d": "x", "a": [{"c": [True], "b": None}, 1]},
        {"d": "x", "a": [1, {"c": [True]}]},
        {"a": [1, {"b": None, "c": [True]}]},
    ):
        assert not Volume.objects.filter(data=other).exists()


def test_a_hundred_threads_that_get_or_create_one_row_make_it_once(store: MemoryStore) -> None:
    results: list[tuple[Any, bool]] = []
    start = threading.Barrier(100)

    def work() -> None:
        with use_store(store):
            start.wait()
            made, created = Slug.objects.get_or_create(word="one", defaults={"target": "x"})
            results.append((made.pk, created))

    threads = [threading.Thread(target=work) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [("one", False)] * 99 + [("one", True)]
    assert Slug.objects.count() == 1


def test_a_key_that_is_taken_is_refused_and_its_row_left_alone() -> None:
    Slug.objects.create(word="one", target="x")
    for make in (
        lambda: Slug.objects.create(word="one", target="y"),
        lambda: Slug(word="one", target="y").save(force_insert=True),
        lambda: Slug.objects.bulk_create([Slug(word="two"), Slug(word="one", target="y")]),
        lambda: Slug.objects.bulk_create([Slug(word="two"), Slug(word="two")]),
    ):
        with pytest.raises(IntegrityError):
            make()
    assert list(Slug.objects.values_list("word", "target")) == [("one", "x")]


def test_saving_a_given_key_twice_keeps_one_row_of_the_last_values() -> None:
    Slug(word="one", target="x").save()
    Slug(word="one", target="y").save()
    assert list(Slug.objects.values_list("word", "target")) == [("one", "y")]


@pytest.mark.parametrize("mark", ["[", "]", "(", "*", ".", "%", "_", "\\", "?", "^", "$", "{", "|"])
@pytest.mark.parametrize(
    "lookup", ["contains", "icontains", "startswith", "istartswith", "endswith", "iendswith", "iexact", "exact"]
)
def test_marks_of_patterns_are_literal_in_lookups_of_text(shelf: Shelf, lookup: str, mark: str) -> None:
    Volume.objects.create(shelf=shelf, title=mark)
    Volume.objects.create(shelf=shelf, title="a")
    assert titles(Volume.objects.filter(**{f"title__{lookup}": mark})) == [mark]


@pytest.mark.parametrize("ends", [(), (1, 2, 3), [[1, 2]], 5, "12", None])
def test_a_range_takes_two_values(ends: Any) -> None:
    with pytest.raises(ValueError, match=r"Volume\.year__range takes"):
        list(Volume.objects.filter(year__range=ends))


@pytest.mark.parametrize(
    "name", ["toString", "constructor", "__class__", "__proto__", "__init__", "_meta", "as_sql", ""]
)
@pytest.mark.parametrize("before", ["title__", "shelf__", "year__gt__", "printed__year__"])
def test_names_of_attributes_are_no_lookups_behind_a_field_relation_or_transform(before: str, name: str) -> None:
    for verb in (Volume.objects.filter, Volume.objects.exclude):
        with pytest.raises(FieldError):
            verb(**{before + name: 1})


def test_null_and_text_sort_the_same_way_whatever_order_they_came_in(shelf: Shelf) -> None:
    volume = Volume.objects.create(shelf=shelf, title="a")
    for number, title in enumerate(["b", None, "", "a", None]):
        Chapter.objects.create(volume=volume, number=number, title=title)
    assert titles(Chapter.objects.order_by("title", "pk")) == [None, None, "", "a", "b"]
    assert titles(Chapter.objects.order_by("-title", "-pk")) == ["b", "a", "", None, None]
    assert titles(Chapter.objects.order_by(models.F("title").asc(nulls_last=True))) == ["", "a", "b", None, None]


@pytest.mark.parametrize(("order", "expected"), [("target", "dfcbae"), ("-target", "baedfc")])
def test_rows_equal_in_an_order_keep_the_order_they_came_in_whole_and_in_slices(order: str, expected: str) -> None:
    Slug.objects.bulk_create(Slug(word=word, target=target) for word, target in zip("dbface", "xyxyxy", strict=True))
    ordered = Slug.objects.order_by(order)
    assert "".join(slug.word for slug in ordered) == expected
    assert "".join(slug.word for at in range(0, 6, 2) for slug in ordered[at : at + 2]) == expected


def test_a_filter_of_the_manager_holds_for_counting_updating_and_deleting() -> None:
    Note.everything.bulk_create(Note(archived=archived) for archived in (True, False, False))
    assert (Note.objects.count(), Note.everything.count()) == (2, 3)
    assert Note.objects.update(text="seen") == 2
    assert Note.everything.get(archived=True).text == ""
    assert Note.objects.all().delete() == (2, {"behaviours.Note": 2})
    assert [note.archived for note in Note.everything.all()] == [True]


def test_defaults_fill_what_is_made_and_never_what_is_read(shelf: Shelf) -> None:
    volume = Volume.objects.create(shelf=shelf, title="a")
    assert Chapter.objects.create(volume=volume, number=1).title == "untitled"
    made = Chapter.objects.create(volume=volume, number=2, title=None)
    assert Chapter.objects.get(pk=made.pk).title is None
    assert titles(Chapter.objects.order_by("number")) == ["untitled", None]
