"""Keys of JSON values as expressions: in annotations, conditions, orders, groups and updates."""

from __future__ import annotations

import pytest

from modelkit import (
    KT,
    Cast,
    CharField,
    Count,
    F,
    FieldError,
    JSONField,
    KeyTextTransform,
    KeyTransform,
    Model,
    Q,
    Value,
)


class Note(Model):
    title = CharField(max_length=20)
    data = JSONField(null=True)

    class Meta:
        app_label = "json_keys"


@pytest.fixture(autouse=True)
def notes() -> None:
    for title, data in [
        ("a", {"owner": {"name": "ann", "age": 3}, "tags": ["x", {"y": 1}]}),
        ("b", {"owner": {"name": "bob", "age": 20}, "tags": []}),
        ("c", {"owner": None, "1": "one"}),
        ("d", ["first", "second"]),
        ("e", None),
    ]:
        Note.objects.create(title=title, data=data)


def values(expression: object) -> list[object]:
    return list(Note.objects.order_by("title").annotate(value=expression).values_list("value", flat=True))


def test_a_key_transform_reads_what_the_same_names_read() -> None:
    assert values(KeyTransform("name", KeyTransform("owner", "data"))) == values(F("data__owner__name"))
    assert values(KeyTransform("1", "data")) == values(F("data__1")) == [None, None, "one", "second", None]
    assert values(KeyTransform(1, "data")) == values(F("data__1"))


def test_text_of_keys() -> None:
    texts = ["3", "20", None, None, None]
    assert values(KT("data__owner__age")) == texts
    assert values(KeyTextTransform("age", KeyTransform("owner", "data"))) == texts
    assert values(KeyTextTransform("age", KeyTextTransform("owner", "data"))) == texts
    assert values(KeyTextTransform("tags", "data"))[0] == '["x", {"y": 1}]'


@pytest.mark.parametrize("path", ["data", "", "__"])
def test_a_path_without_keys_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="keys"):
        KT(path)


def test_keys_of_what_was_computed() -> None:
    whole = Cast(KeyTransform("owner", "data"), JSONField())
    assert values(KeyTransform("name", whole))[:2] == ["ann", "bob"]
    assert values(KeyTransform("k", Value({"k": [1]}, JSONField())))[0] == [1]


def test_conditions_orders_and_groups_by_keys() -> None:
    named = Note.objects.annotate(name=KT("data__owner__name"))
    assert [note.title for note in named.filter(name__startswith="b")] == ["b"]
    assert [note.title for note in named.exclude(name=None).order_by("-name")] == ["b", "a"]
    grouped = Note.objects.values(key=KT("data__owner__name")).annotate(n=Count("pk")).order_by("key")
    assert [(row["key"], row["n"]) for row in grouped] == [(None, 3), ("ann", 1), ("bob", 1)]


@pytest.mark.parametrize(
    ("path", "titles"),
    [
        (F("data__owner__name"), ["a", "b"]),
        (KeyTransform("owner", "data"), ["a", "b", "c"]),
        (KeyTextTransform("owner", "data"), ["a", "b", "c"]),
        (KeyTransform("y", KeyTransform("1", KeyTransform("tags", "data"))), ["a"]),
    ],
)
def test_the_right_side_of_has_key_may_be_a_path(path: object, titles: list[str]) -> None:
    assert [note.title for note in Note.objects.filter(data__has_key=path).order_by("title")] == titles


def test_an_update_from_a_key() -> None:
    Note.objects.filter(title="a").update(title=KT("data__owner__name"))
    assert Note.objects.filter(title="ann").exists()


def test_no_value_has_a_key() -> None:
    condition = Q(data__has_key="owner") | Q(data__has_any_keys=["1", "2"])
    assert values(condition) == [True, True, True, False, False]
    assert values(~Q(data__has_keys=["owner", "1"])) == [True, True, False, True, True]


def test_a_key_of_what_is_no_json_is_refused() -> None:
    with pytest.raises(FieldError, match="JSON"):
        Note.objects.annotate(value=KeyTransform("a", F("title")))
