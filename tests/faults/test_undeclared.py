"""A store's file opened by a process that declares some of its models: the others' rows are cascaded to, protected, kept."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelkit import (
    CASCADE,
    BigIntegerField,
    CharField,
    ForeignKey,
    IntegrityError,
    MemoryStore,
    Model,
    NotSupportedError,
    ProtectedError,
    RestrictedError,
    atomic,
)
from modelkit.database import use_store
from modelkit.signals import post_delete, pre_delete
from tests.stores.samples import every

ROOT = Path(__file__).resolve().parents[2]


class Base(Model):
    class Meta:
        abstract = True
        app_label = "partly"


class Owner(Base):
    name = CharField(max_length=20)


class Place(Base):
    name = CharField(max_length=20)


class Visit(Base):
    place = ForeignKey(Place, CASCADE)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("whole") / "db.json"
    subprocess.run([sys.executable, "-m", "tests.faults.whole", str(file)], cwd=ROOT, check=True)
    return file


@pytest.fixture
def partly(whole: Path, tmp_path: Path) -> Iterator[MemoryStore]:
    shutil.copy(whole, tmp_path / "db.json")
    store = MemoryStore(file=tmp_path / "db.json")
    with use_store(store):
        yield store
    before = rows(store)
    store._check()
    store.close()
    again = MemoryStore(file=tmp_path / "db.json")
    assert rows(again) == before, "the file differs"
    again.close()


def rows(store: MemoryStore) -> dict[str, list[Any]]:
    """The rows of tables that nobody declares here."""
    return {table.label: store.select(every(table), ()) for table in store.undeclared()}


def lost(before: dict[str, list[Any]], after: dict[str, list[Any]]) -> dict[str, int]:
    return {label: len(found) - len(after[label]) for label, found in before.items() if found != after[label]}


def test_only_what_no_model_declares_is_undeclared(partly: MemoryStore) -> None:
    labels = {table.label for table in partly.undeclared()}
    assert {"partly.Review", "partly.Restaurant", "partly.Rule"} <= labels
    assert not {"partly.Owner", "partly.Place", "partly.Visit"} & labels


@pytest.mark.parametrize("inside", [False, True], ids=["alone", "in a transaction"])
@pytest.mark.parametrize("how", ["instance", "queryset"])
@pytest.mark.parametrize(
    ("owner", "gone"),
    [
        (2, {"partly.Review": 1, "partly.Comment": 2}),
        (3, {"partly.Review": 1, "partly.Comment": 1}),
        (9, {"partly.Review": 1, "partly.Rope": 1}),
        (14, {"partly.Trace": 1}),
        (16, {}),
    ],
)
def test_a_deletion_cascades_over_them(
    partly: MemoryStore, owner: int, gone: dict[str, int], how: str, inside: bool
) -> None:
    before = rows(partly)
    found = Owner.objects.filter(pk=owner)

    def delete() -> Any:
        return found.get().delete() if how == "instance" else found.delete()

    if inside:
        with atomic():
            counted = delete()
    else:
        counted = delete()
    assert counted == (1 + sum(gone.values()), {**gone, "partly.Owner": 1})
    assert lost(before, rows(partly)) == gone
    assert not found.exists()


@pytest.mark.parametrize(
    ("owner", "label", "left"),
    [(4, "partly.Note", None), (5, "partly.Label", 1), (6, "partly.Badge", 1), (10, "partly.Ghost", 10)],
)
def test_their_keys_are_set_or_left(partly: MemoryStore, owner: int, label: str, left: int | None) -> None:
    assert Owner.objects.get(pk=owner).delete() == (1, {"partly.Owner": 1})
    assert [row[-1] for row in rows(partly)[label]] == [left]


@pytest.mark.parametrize(
    ("owner", "error", "why"),
    [
        (7, ProtectedError, r"through partly\.Guard\.owner \(of 1\)"),
        (8, RestrictedError, r"through partly\.Rope\.owner \(of 1\)"),
        (11, IntegrityError, r"partly\.Held 1 refers to it"),
        (12, NotSupportedError, r"partly\.Asked\.owner \(of 1\) .* import partly\.Asked first"),
    ],
)
def test_a_deletion_that_they_forbid_changes_nothing(
    partly: MemoryStore, owner: int, error: type[Exception], why: str
) -> None:
    before = rows(partly)
    with pytest.raises(error, match=why):
        Owner.objects.filter(pk__in=[2, 4, owner]).delete()
    assert rows(partly) == before
    assert Owner.objects.count() == 19


def test_what_they_are_held_to_holds_as_far_as_a_file_can_say_it(partly: MemoryStore) -> None:
    rule = next(table for table in partly.undeclared() if table.label == "partly.Rule")
    before = rows(partly)
    for row, why in [
        ((8, 7, "a", 17, None), "name_of_large_numbers"),
        ((8, -1, "b", 17, None), "number_from_0"),
        ((8, 2, "c", 99, None), "refers to no partly.Owner"),
        ((1, 2, "d", 17, None), "is taken already"),
        ((8, None, "e", 17, None), "number"),
    ]:
        with pytest.raises(IntegrityError, match=why):
            partly.insert(rule, [row])
    with pytest.raises(IntegrityError, match="large_numbers_are_owned"):
        Owner.objects.get(pk=18).delete()
    assert rows(partly) == before
    assert partly.insert(rule, [(8, 4, "f", None, None)]) == [(8, 4, "f", None, 8)]


def test_a_change_that_only_the_model_could_judge_is_refused(partly: MemoryStore) -> None:
    before = rows(partly)
    with pytest.raises(NotSupportedError, match=r"breaks shown only its model can tell.*import partly\.Called first"):
        Owner.objects.get(pk=17).delete()
    assert rows(partly) == before
    called = next(table for table in partly.undeclared() if table.label == "partly.Called")
    assert [part.name for part in called.withheld] == ["shown", "name_in_any_case", "named_with_another"]


def test_the_parent_of_a_row_goes_with_it_and_with_what_points_there(partly: MemoryStore) -> None:
    heard: list[Any] = []

    def note(sender: Any, instance: Any, **_: Any) -> None:
        heard.append((sender.__name__, instance.pk))

    pre_delete.connect(note, sender=Place)
    try:
        counted = Owner.objects.get(pk=13).delete()
    finally:
        pre_delete.disconnect(note, sender=Place)
    assert counted == (4, {"partly.Restaurant": 1, "partly.Visit": 1, "partly.Place": 1, "partly.Owner": 1})
    assert heard == [("Place", 2)]
    assert list(Place.objects.values_list("name", flat=True)) == ["square"]


def test_a_parent_takes_the_rest_of_its_row_along(partly: MemoryStore) -> None:
    assert Place.objects.get(name="tavern").delete() == (
        3,
        {"partly.Restaurant": 1, "partly.Visit": 1, "partly.Place": 1},
    )
    assert rows(partly)["partly.Restaurant"] == []


def test_rows_that_are_deleted_by_models_of_a_table_next_to_them_are_followed(partly: MemoryStore) -> None:
    assert Place.objects.get(name="square").delete() == (
        4,
        {"partly.Review": 1, "partly.Comment": 2, "partly.Place": 1},
    )


def test_signals_are_sent_for_declared_models_alone(partly: MemoryStore) -> None:
    heard: list[str] = []

    def note(sender: Any, **_: Any) -> None:
        heard.append(sender.__name__)

    for signal in (pre_delete, post_delete):
        signal.connect(note)
    try:
        Owner.objects.get(pk=2).delete()
    finally:
        for signal in (pre_delete, post_delete):
            signal.disconnect(note)
    assert heard == ["Owner", "Owner"]


def test_a_model_that_comes_later_takes_its_table_over(partly: MemoryStore) -> None:
    class Late(Base):
        owner = ForeignKey(Owner, CASCADE)

    assert Owner.objects.get(pk=15).delete() == (2, {"partly.Late": 1, "partly.Owner": 1})
    assert "partly.Late" not in rows(partly)
    assert Late.objects.count() == 0


def test_references_follow_columns_that_moved(partly: MemoryStore) -> None:
    class Owner(Base):
        rank = BigIntegerField(null=True)
        id = BigIntegerField(primary_key=True)
        name = CharField(max_length=20)

    assert Owner.objects.get(pk=14).delete() == (2, {"partly.Trace": 1, "partly.Owner": 1})
    assert Owner.objects.get(pk=3).delete()[0] == 3
