"""Texts under a collation: whichever side of a comparison names one, both are compared under it."""

from __future__ import annotations

import pytest

from modelkit import CharField, F, GeneratedField, Model, NotSupportedError, Q, Registry, TextField, Value
from modelkit.functions import Collate


class Word(Model):
    text = CharField(max_length=20, null=True)
    other = CharField(max_length=20, default="")


@pytest.fixture(autouse=True)
def words(store) -> None:
    for text, other in (("a", "B"), ("A", "a"), ("ß", "SS"), (None, "")):
        Word.objects.create(text=text, other=other)


def found(*conditions, **lookups) -> list[str | None]:
    rows = Word.objects.annotate(folded=Collate("text", "nocase"), exact=Collate("text", "binary"))
    return list(rows.filter(*conditions, **lookups).order_by("pk").values_list("text", flat=True))


NOCASE = [
    {"text": Collate(Value("a"), "nocase")},
    {"folded": "A"},
    {"folded": "a"},
    {"folded__in": ["A", "x", None]},
    {"folded__in": [Value("A"), "x"]},
    {"folded__range": ("A", "A")},
    {"folded__iexact": "A"},
]


@pytest.mark.parametrize("lookups", NOCASE, ids=str)
def test_either_side_folds_both(lookups):
    assert found(**lookups) == ["a", "A"]


def test_two_columns_are_compared_under_the_collation_of_one():
    assert found(text=Collate("other", "nocase")) == ["A", "ß"]
    assert found(folded=F("other")) == ["A", "ß"]
    assert found(folded__lt=F("other")) == ["a"]


def test_what_is_not_equal_stays_out_and_null_is_unknown():
    assert found(~Q(folded="A")) == ["ß"]
    assert found(folded__gt="B") == ["ß"]


def test_the_left_sides_collation_goes_first():
    assert found(exact=Collate(Value("A"), "nocase")) == ["A"]
    assert found(exact=Value("A")) == ["A"]


def test_a_list_of_texts_may_change_from_query_to_query():
    assert [found(folded__in=[text]) for text in ("A", "SS", "a", "x")] == [["a", "A"], ["ß"], ["a", "A"], []]


def test_orders_follow_the_collation():
    rows = Word.objects.filter(text__isnull=False)
    assert list(rows.order_by(Collate("text", "nocase"), "-pk").values_list("text", flat=True)) == ["A", "a", "ß"]
    assert list(rows.order_by(Collate("text", "binary")).values_list("text", flat=True)) == ["A", "a", "ß"]


OUTPUT = CharField(max_length=9, db_collation="nocase")


@pytest.mark.parametrize(
    "field",
    [
        CharField(max_length=9, db_collation="nocase"),
        TextField(db_collation="de-x-icu"),
        GeneratedField(expression=F("plain"), output_field=OUTPUT, db_persist=True),
    ],
    ids=str,
)
def test_a_column_under_a_collation_that_the_store_lacks_is_refused_before_anything_runs(field):
    body = {"__module__": __name__, "plain": CharField(max_length=9), "held": field}
    model = type(Model)("Held", (Model,), {**body, "Meta": type("Meta", (), {"registry": Registry()})})
    with pytest.raises(
        NotSupportedError, match=r"Held\.held has the collation '(nocase|de-x-icu)'.*Collate\('held', 'NOCASE'\)"
    ):
        model.objects.count()
    with pytest.raises(NotSupportedError, match="held"):
        model.objects.create(plain="a")


def test_a_column_under_the_order_of_code_points_is_any_column():
    class Binary(Model):
        text = CharField(max_length=9, db_collation="binary")

        class Meta:
            registry = Registry()

    Binary.objects.create(text="b")
    Binary.objects.create(text="B")
    assert list(Binary.objects.order_by("text").values_list("text", flat=True)) == ["B", "b"]
    assert Binary.objects.filter(text="b").count() == 1
