"""Meta.order_with_respect_to: rows numbered among those that belong to the same row."""

from __future__ import annotations

from typing import Any

import pytest

from modelkit import (
    CASCADE,
    CharField,
    FieldError,
    ForeignKey,
    IntegerField,
    Model,
    OrderWrt,
    Registry,
    capture_statements,
    connect,
    disconnect,
)


@pytest.fixture
def local() -> Registry:
    return Registry()


@pytest.fixture
def models(local: Registry) -> tuple[Any, Any]:
    class Album(Model):
        class Meta:
            registry = local

    class Song(Model):
        name = CharField(max_length=10)
        album = ForeignKey(Album, on_delete=CASCADE, null=True)

        class Meta:
            registry = local
            order_with_respect_to = "album"

    return Album, Song


def names(rows: Any) -> list[str]:
    return [row.name for row in rows]


def test_rows_keep_the_order_they_were_made_in_and_any_other_they_are_given(models: tuple[Any, Any]) -> None:
    Album, Song = models
    first, second = Album.objects.create(), Album.objects.create()
    songs = [Song.objects.create(name=name, album=first) for name in "abc"]
    Song.objects.create(name="other", album=second)
    assert names(first.song_set.all()) == ["a", "b", "c"]
    assert [song._order for song in Song.objects.filter(album=second)] == [0]
    first.set_song_order([songs[2].pk, songs[0].pk, songs[1].pk])
    assert list(first.get_song_order()) == [songs[2].pk, songs[0].pk, songs[1].pk]
    Song.objects.bulk_create([Song(name="d", album=first), Song(name="e", album=first), Song(name="f", album=second)])
    assert names(first.song_set.all()) == ["c", "a", "b", "d", "e"]
    assert names(second.song_set.all()) == ["other", "f"]


def test_a_key_that_belongs_to_another_row_is_left_where_it_is(models: tuple[Any, Any]) -> None:
    Album, Song = models
    first, second = Album.objects.create(), Album.objects.create()
    mine, other = Song.objects.create(name="a", album=first), Song.objects.create(name="b", album=second)
    first.set_song_order([other.pk, mine.pk])
    assert (Song.objects.get(pk=mine.pk)._order, Song.objects.get(pk=other.pk)._order) == (1, 0)


def test_rows_know_their_neighbours_by_one_statement(models: tuple[Any, Any]) -> None:
    Album, Song = models
    album = Album.objects.create()
    first, second = (Song.objects.create(name=name, album=album) for name in "ab")
    with capture_statements() as captured:
        assert first.get_next_in_order() == second
        assert second.get_previous_in_order() == first
    assert len(captured.statements) == 2
    with pytest.raises(Song.DoesNotExist):
        second.get_next_in_order()
    lonely = [Song.objects.create(name=name) for name in "cd"]
    assert lonely[0].get_next_in_order() == lonely[1]


def test_an_update_keeps_the_place_and_another_store_counts_for_itself(models: tuple[Any, Any]) -> None:
    Album, Song = models
    album = Album.objects.create()
    first = Song.objects.create(name="a", album=album)
    Song.objects.create(name="b", album=album)
    first.name = "z"
    first.save()
    assert names(album.song_set.all()) == ["z", "b"]
    connect("memory:", alias="elsewhere")
    try:
        there = Album.objects.using("elsewhere").create(pk=album.pk)
        assert Song.objects.using("elsewhere").create(name="a", album=there)._order == 0
    finally:
        disconnect("elsewhere")


def test_what_cannot_be_an_order_is_refused(local: Registry) -> None:
    with pytest.raises(FieldError, match="'nothing'"):

        class Wrong(Model):
            number = IntegerField()

            class Meta:
                registry = local
                order_with_respect_to = "nothing"

    with pytest.raises(TypeError, match="ordering"):

        class Both(Model):
            parent = ForeignKey("self", on_delete=CASCADE, null=True)

            class Meta:
                registry = local
                ordering = ["pk"]
                order_with_respect_to = "parent"


def test_a_declared_place_is_taken(local: Registry) -> None:
    class Node(Model):
        parent = ForeignKey("self", on_delete=CASCADE, null=True)
        place = OrderWrt()

        class Meta:
            registry = local
            order_with_respect_to = "parent"

    assert [field.name for field in Node._meta.fields] == ["id", "parent", "_order"]
    root = Node.objects.create()
    assert [Node.objects.create(parent=root)._order for _ in range(2)] == [0, 1]
    assert len(root.get_node_order()) == 2
