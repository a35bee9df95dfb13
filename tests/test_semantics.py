"""What results mean and what bad input meets, on the memory store: a test for each promise."""

from __future__ import annotations

import datetime
import pickle
from decimal import Decimal
from typing import Any, cast

import pytest

from modelkit import (
    CASCADE,
    CharField,
    DataError,
    DateTimeField,
    DecimalField,
    DurationField,
    F,
    FieldDoesNotExist,
    FieldError,
    FloatField,
    ForeignKey,
    ImproperlyConfigured,
    IntegerField,
    IntegrityError,
    JSONField,
    ManyToMany,
    MemoryStore,
    Model,
    NotYetSupported,
    Prefetch,
    Q,
    QueryTooComplex,
    Registry,
    TransactionManagementError,
    UniqueConstraint,
    ValidationError,
    Value,
    atomic,
    connect,
    signals,
    timezone,
    use_store,
)
from modelkit.queryset import rows


class Shelf(Model):
    name = CharField(max_length=20)
    position = IntegerField(null=True, unique=True)


class Item(Model):
    name = CharField(max_length=20)
    price = DecimalField(max_digits=8, decimal_places=2, null=True)
    data = JSONField(null=True)
    weight = FloatField(null=True)
    bought = DateTimeField(null=True)
    kept = DurationField(null=True)
    shelf = ForeignKey(Shelf, CASCADE, null=True, related_name="items")
    tags = ManyToMany(Shelf, related_name="tagged")


def positions(*values: int | None) -> None:
    Shelf.objects.bulk_create(Shelf(name=str(value), position=value) for value in values)


# -- what results mean


def test_nulls_come_first_ascending_unless_the_store_or_the_order_says_otherwise() -> None:
    positions(2, None, 1)
    found = Shelf.objects.values_list("position", flat=True)
    assert list(found.order_by("position")) == [None, 1, 2]
    assert list(found.order_by("-position")) == [2, 1, None]
    assert list(found.order_by(F("position").asc(nulls_last=True))) == [1, 2, None]
    with use_store(MemoryStore(nulls="last")):
        positions(2, None, 1)
        assert list(found.order_by("position")) == [1, 2, None]
        assert list(found.order_by(F("position").asc(nulls_first=True))) == [None, 1, 2]


def test_equality_is_exact_in_case_and_trailing_space() -> None:
    Shelf.objects.create(name="Oak")
    assert Shelf.objects.filter(name="Oak").exists()
    assert not Shelf.objects.filter(name__in=["oak", "Oak "]).exists()


def test_contains_is_sensitive_and_icontains_follows_unicode() -> None:
    Shelf.objects.create(name="ÄPFEL")
    assert not Shelf.objects.filter(name__contains="äpfel").exists()
    assert Shelf.objects.filter(name__icontains="äpfel").exists()


def test_text_is_ordered_by_code_point() -> None:
    for name in ("b", "a", "B", "ä"):
        Shelf.objects.create(name=name)
    assert list(Shelf.objects.order_by("name").values_list("name", flat=True)) == ["B", "a", "b", "ä"]


def test_nulls_are_distinct_to_unique_unless_the_constraint_says_otherwise() -> None:
    positions(None, None)

    class Single(Model):
        code = IntegerField(null=True)

        class Meta:
            registry = Registry()
            constraints = (UniqueConstraint(fields=["code"], name="one_code", nulls_distinct=False),)

    Single.objects.create(code=None)
    with pytest.raises(IntegrityError):
        Single.objects.create(code=None)


def test_a_shifting_update_of_a_unique_column_is_checked_at_its_end() -> None:
    positions(1, 2, 3)
    assert Shelf.objects.update(position=F("position") + 1) == 3
    assert list(Shelf.objects.order_by("pk").values_list("position", flat=True)) == [2, 3, 4]


def test_references_are_checked_when_the_outermost_block_ends() -> None:
    with atomic():
        Item.objects.create(name="i", shelf_id=77)
        Shelf.objects.create(id=77, name="late")
    with pytest.raises(IntegrityError), atomic():
        Item.objects.create(name="j", shelf_id=78)
    assert Item.objects.count() == 1


def test_after_an_error_the_block_must_be_left_first() -> None:
    positions(1)
    with atomic():
        with pytest.raises(IntegrityError), atomic():
            positions(1)
        assert Shelf.objects.count() == 1
    with pytest.raises(TransactionManagementError), atomic():
        with pytest.raises(IntegrityError):
            positions(1)
        Shelf.objects.count()


@pytest.mark.parametrize(
    "change",
    [{"name": "x" * 21}, {"position": 2**31}, {"position": F("position") + 1}, {"position": F("position") / 0}],
)
def test_what_does_not_fit_its_column_is_an_error_and_changes_nothing(change: dict[str, Any]) -> None:
    positions(2**31 - 1)
    with pytest.raises(DataError):
        Shelf.objects.update(**change)
    assert Shelf.objects.get().position == 2**31 - 1


def test_decimals_are_rounded_half_up() -> None:
    item = Item.objects.create(name="i", price=Decimal("1.005"))
    assert Item.objects.get(pk=item.pk).price == Decimal("1.01")


def test_integers_divide_as_sql_does() -> None:
    positions(1)
    row = Shelf.objects.annotate(q=Value(7) / 2, m=Value(-7) % 3).values_list("q", "m").get()
    assert row == (3, -1)


def test_exclude_keeps_rows_without_a_value_and_in_drops_none() -> None:
    positions(1, 2, None)
    found = Shelf.objects.order_by("pk").values_list("position", flat=True)
    assert list(found.exclude(position=1)) == [2, None]
    assert list(found.filter(position__in=[None, 1])) == [1]


def test_exclude_of_an_annotation_drops_rows_without_a_value() -> None:
    positions(1, 2, None)
    found = Shelf.objects.annotate(p=F("position")).exclude(p=1)
    assert [shelf.position for shelf in found] == [2]


def test_nan_is_refused_on_save() -> None:
    with pytest.raises(ValidationError, match=r"Item\.weight: nan"):
        Item.objects.create(name="i", weight=float("nan"))


@pytest.mark.parametrize("option", [{"unique": True}, {"primary_key": True}])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_floats_that_tell_rows_apart_are_finite(option: dict[str, Any], value: float) -> None:
    meta = type("Meta", (), {"registry": Registry(), "app_label": "t"})
    body = {"__module__": __name__, "weight": FloatField(**option), "Meta": meta}
    stone: Any = type(Model)("Stone", (Model,), body)
    for save in (lambda: stone.objects.create(weight=value), lambda: stone.objects.bulk_create([stone(weight=value)])):
        with pytest.raises(ValidationError, match=r"Stone\.weight: -?(nan|inf)"):
            save()
    with pytest.raises(ValidationError, match=r"Stone\.weight: -?(nan|inf)"):
        stone(weight=value).full_clean()
    stone.objects.create(weight=1.5)
    with pytest.raises(ValidationError, match=r"Stone\.weight"):
        stone.objects.update(weight=value)
    assert [row.weight for row in stone.objects.filter(weight__lt=float("inf"))] == [1.5]


def test_floats_unique_together_are_finite() -> None:
    class Stone(Model):
        weight = FloatField()
        age = IntegerField()

        class Meta:
            registry = Registry()
            constraints = (UniqueConstraint(fields=["weight", "age"], name="one_stone"),)

    with pytest.raises(ValidationError, match=r"Stone\.weight: inf"):
        Stone.objects.create(weight=float("inf"), age=1)


@pytest.mark.parametrize("value", [[], {}, set()])
def test_what_has_no_hash_is_no_number(value: Any) -> None:
    with pytest.raises(ValidationError, match=r"Shelf\.position"):
        Shelf.objects.create(name="x", position=value)


@pytest.mark.parametrize("text", ["a\0", "a\ud800"])
def test_text_that_no_database_stores_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match=r"Item\.name"):
        Item.objects.create(name=text)
    for data in (text, [text], {text: 1}):
        with pytest.raises(ValidationError, match=r"Item\.data"):
            Item.objects.create(name="i", data=data)
    assert not Item.objects.exists()


def test_an_invalid_regular_expression_is_an_error_when_the_query_is_built() -> None:
    for pattern in ("(", "(" * 5000):
        with pytest.raises(ValueError, match="name__regex"):
            Item.objects.filter(name__regex=pattern)


def test_json_equality_ignores_the_order_of_keys() -> None:
    Item.objects.create(name="i", data={"a": 1, "b": [2.0]})
    assert Item.objects.filter(data={"b": [2], "a": 1}).exists()


def test_the_sequence_moves_past_explicit_keys_and_reuses_no_rolled_back_one() -> None:
    Shelf.objects.create(id=50, name="explicit")
    assert Shelf.objects.create(name="next").pk == 51
    with pytest.raises(ZeroDivisionError), atomic():
        lost = Shelf.objects.create(name="lost").pk
        raise ZeroDivisionError
    assert Shelf.objects.create(name="after").pk > lost


def test_portable_says_that_it_is_not_built_yet() -> None:
    with pytest.raises(NotYetSupported):
        MemoryStore(portable="error")


# -- names from outside


@pytest.mark.parametrize(
    "name",
    ["__class__", "_meta", "_connector", "_negated", "toString", "na\0me", 'na"me\n', "name____class__", "", "\ud800"],
)
def test_names_that_are_no_fields_are_refused_in_one_printable_line(name: str) -> None:
    with pytest.raises((FieldError, TypeError)) as caught:
        Item.objects.filter(**{name: 1})
    assert str(caught.value).isprintable()


def test_a_long_name_is_cut_in_the_message() -> None:
    with pytest.raises(FieldError) as caught:
        Item.objects.filter(**{"x" * 100_000: 1})
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("name", ['x y";', "__class__", "class", "_x", "\ufb01eld"])
def test_aliases_are_identifiers(name: str) -> None:
    with pytest.raises(ValueError, match="cannot name an expression"):
        Item.objects.annotate(**{name: F("name")})


def test_filter_untrusted_takes_the_allowed_lookups_alone() -> None:
    positions(1, 2)
    allow = ["position__gte", "name"]
    assert Shelf.objects.filter_untrusted({"position__gte": 2}, allow=allow).get().position == 2
    assert Shelf.objects.all().filter_untrusted({}, allow=allow).count() == 2
    for data in ({"position": 1}, {"name__regex": "a"}, {"__class__": 1}, {"naem": "x"}):
        with pytest.raises(FieldError, match="not allowed"):
            Shelf.objects.filter_untrusted(data, allow=allow)
    with pytest.raises(FieldError, match="Did you mean 'name'"):
        Shelf.objects.filter_untrusted({"naem": "x"}, allow=allow)
    with pytest.raises(TypeError, match="takes data"):
        Shelf.objects.filter_untrusted({"name": F("id")}, allow=allow)


def test_from_untrusted_sets_the_allowed_fields_alone() -> None:
    made = Item.from_untrusted({"name": "i", "price": "1.005", "shelf": "3"}, fields=["name", "price", "shelf"])
    assert (made.pk, made.name, made.price, made.shelf_id) == (None, "i", Decimal("1.01"), 3)
    assert not Item.objects.exists()
    for data in ({"id": 1}, {"pk": 1}, {"_state": 1}, {"data": 1}):
        with pytest.raises(FieldError, match="not allowed"):
            Item.from_untrusted(data, fields=["name"])
    for key in ("pk", "id"):
        with pytest.raises(ValueError, match="primary key"):
            Item.from_untrusted({}, fields=[key])
    with pytest.raises(ValidationError) as caught:
        Item.from_untrusted({"name": "x" * 21, "price": "much"}, fields=["name", "price"])
    assert set(caught.value.message_dict) == {"name", "price"}


# -- values from outside


@pytest.mark.parametrize("levels", [300, 10_000])
def test_nesting_past_the_cap_is_too_complex(levels: int) -> None:
    condition = Q(name="a")
    for number in range(levels):
        condition = ~(condition & Q(name=str(number))) if number % 2 else condition | Q(name=str(number))
    with pytest.raises(QueryTooComplex):
        Item.objects.filter(condition)


def test_slices_take_whole_numbers_from_the_start() -> None:
    positions(1, 2)
    for index in (-1, slice(-1, None), slice(None, -1)):
        with pytest.raises(ValueError, match="negative"):
            Shelf.objects.all()[index]
    for index in ("a", 1.0, slice(1.0, 2), slice("a", None)):
        with pytest.raises(TypeError, match="whole numbers"):
            Shelf.objects.all()[index]  # type: ignore[index]
    assert list(Shelf.objects.all()[10**30 : 10**31]) == []
    assert len(Shelf.objects.all()[: 10**30]) == 2


def test_hundreds_of_thousands_of_choices_work() -> None:
    positions(1, 2)
    assert Shelf.objects.filter(position__in=range(2, 300_000)).count() == 1


@pytest.mark.parametrize("value", [True, float("nan"), float("inf"), 1.5])
def test_a_key_is_a_whole_number(value: Any) -> None:
    for call in (Shelf.objects.filter, lambda pk: Shelf.objects.create(pk=pk, name="x")):
        with pytest.raises(ValidationError, match=r"Shelf\.id"):
            call(pk=value)


@pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", Decimal("NaN"), Decimal("-Infinity")])
def test_decimals_are_finite(value: Any) -> None:
    with pytest.raises(ValidationError, match=r"Item\.price"):
        Item.objects.create(name="i", price=value)


def test_json_is_finite_not_cyclic_and_not_endlessly_deep() -> None:
    cyclic: list[Any] = []
    cyclic.append(cyclic)
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    for value in (float("nan"), [float("inf")], cyclic, deep):
        with pytest.raises(ValidationError, match=r"Item\.data"):
            Item.objects.create(name="i", data=value)
    assert not Item.objects.exists()


class HostileText(str):
    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        raise RuntimeError

    __hash__ = str.__hash__


class HostileNumber(int):
    def __eq__(self, other: object) -> bool:
        raise RuntimeError

    def __hash__(self) -> int:
        raise RuntimeError


def test_subclasses_of_plain_types_are_made_plain() -> None:
    Shelf.objects.create(name=HostileText("x"), position=HostileNumber(5))
    found = Shelf.objects.get(name=HostileText("x"), position=HostileNumber(5))
    assert (type(found.name), type(found.position)) == (str, int)


def test_moments_follow_the_policy_of_their_store() -> None:
    naive = datetime.datetime(2020, 1, 1)
    aware = naive.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=2)))
    Item.objects.create(name="i", bought=aware)
    found = Item.objects.get().bought
    assert found == aware
    assert found is not None
    assert found.tzinfo is datetime.UTC
    with pytest.raises(ValidationError, match="bought"):
        Item.objects.create(name="i", bought=naive)
    with use_store(MemoryStore(tz="naive")):
        Item.objects.create(name="i", bought=naive)
        with pytest.raises(ValidationError, match="bought"):
            Item.objects.create(name="i", bought=aware)


def test_moments_and_durations_past_what_python_holds_name_their_field() -> None:
    late = datetime.datetime.max.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=-5)))
    with pytest.raises(ValidationError, match=r"Item\.bought"):
        Item.objects.filter(bought__lt=late)
    with pytest.raises(ValidationError, match=r"Item\.kept"):
        Item.objects.filter(kept="999999999999999 00:00:00")


def test_expressions_without_a_common_order_are_refused_when_the_query_is_built() -> None:
    with pytest.raises(FieldError, match="no common order"):
        Shelf.objects.filter(position__gt=F("name"))
    assert not Shelf.objects.filter(position=F("name")).exists()


# -- classes


@pytest.mark.parametrize("name", ["class", "A__b", "_A", "A_", "a b"])
def test_model_names_are_plain_identifiers(name: str) -> None:
    with pytest.raises(FieldError, match="cannot be named"):
        type(Model)(name, (Model,), {"__module__": __name__})


@pytest.mark.parametrize("name", ["class", "a__b", "a_", "__x__", "\ufb01", "pk", "_meta", "save"])
def test_field_names_are_plain_identifiers(name: str) -> None:
    with pytest.raises(FieldError, match="cannot have a field"):
        type(Model)("Named", (Model,), {"__module__": __name__, name: IntegerField()})


def test_mutable_defaults_are_refused_with_the_class() -> None:
    with pytest.raises(ImproperlyConfigured, match="callable"):
        type(Model)("Shared", (Model,), {"__module__": __name__, "data": JSONField(default={})})


def test_a_field_that_is_not_called_is_warned_of_and_one_used_twice_refused() -> None:
    one = IntegerField()
    with pytest.warns(RuntimeWarning, match=r"write IntegerField\(\)"):
        type(Model)("Uncalled", (Model,), {"__module__": __name__, "a": IntegerField})
    with pytest.raises(TypeError, match="the same object"):
        type(Model)("Twice", (Model,), {"__module__": __name__, "a": one, "b": one})


@pytest.mark.parametrize("option", [{"ordering": ["naem"]}, {"get_latest_by": "-naem"}])
def test_names_in_meta_are_fields(option: dict[str, Any]) -> None:
    body = {"__module__": __name__, "name": CharField(), "Meta": type("Meta", (), option)}
    with pytest.raises(FieldError, match="Did you mean 'name'"):
        type(Model)("Ordered", (Model,), body)


def test_a_refused_class_leaves_no_trace_on_the_models_it_refers_to() -> None:
    registry = Registry()

    def define(name: str, **body: Any) -> Any:
        options = {"registry": registry, **body.pop("meta", {})}
        return type(Model)(name, (Model,), {"__module__": __name__, "Meta": type("Meta", (), options), **body})

    owner = define("Owner")
    former = define("Thing", owner=ForeignKey(owner, CASCADE, related_name="things"))
    before = [field.name for field in owner._meta.get_fields()]
    for name, related_name in (("Thing", "things"), ("Other", "others")):
        with pytest.raises(FieldError):
            define(name, owner=ForeignKey(owner, CASCADE, related_name=related_name), meta={"ordering": ["nothing"]})
    assert [field.name for field in owner._meta.get_fields()] == before
    one = owner.objects.create()
    former.objects.create(owner=one)
    assert one.things.count() == 1
    assert not hasattr(owner, "others")
    assert one.delete()[0] == 2


def test_related_names_hold_no_separator() -> None:
    with pytest.raises(FieldError, match="related_name"):
        type(Model)("Far", (Model,), {"__module__": __name__, "a": ForeignKey(Shelf, CASCADE, related_name="a__b")})
    with pytest.raises(TypeError, match="leads to a model class"):
        ForeignKey(Shelf(), CASCADE)


# -- other slips


def test_stores_and_aliases_are_not_mixed_up() -> None:
    for wrong in (3, MemoryStore):
        with pytest.raises(TypeError, match="store object"):
            connect(wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="using"):
        Shelf.objects.using(MemoryStore())  # type: ignore[arg-type]


def test_update_or_create_loses_no_mistyped_default() -> None:
    Shelf.objects.create(name="a")
    with pytest.raises(FieldError, match="Did you mean 'position'"):
        Shelf.objects.update_or_create(name="a", defaults={"positoin": 3})


def test_prefetches_say_what_they_cannot_lead_to() -> None:
    Shelf.objects.create(name="a")
    with pytest.raises(TypeError, match="by name or as a Prefetch"):
        list(Shelf.objects.prefetch_related(3))
    with pytest.raises(ValueError, match="leads to Item"):
        list(Shelf.objects.prefetch_related(Prefetch("items", Shelf.objects.all())))


def test_a_query_is_pickled_by_itself() -> None:
    positions(1, 2)
    again = Shelf.objects.all()
    again.query = pickle.loads(pickle.dumps(Shelf.objects.filter(position__gt=1).query))
    assert [shelf.position for shelf in again] == [2]


def test_an_attribute_of_a_relation_is_pointed_to_where_it_is() -> None:
    with pytest.raises(AttributeError, match=r"Item\.shelf is a relation.*Item\.shelf\[Model\.name\]"):
        _ = cast("Any", Item.shelf).name
    assert not hasattr(Item.shelf, "_private")
    many: Any = getattr(Shelf, Item._meta.get_field("shelf").remote_field.get_accessor_name())
    with pytest.raises(AttributeError, match=r"Shelf\.\w+ is a relation.*\.any\(Model\.name == \.\.\.\)"):
        many.name  # noqa: B018


def test_rows_are_not_taken_off_a_key_that_cannot_be_null() -> None:
    class Box(Model):
        shelf = ForeignKey(Shelf, CASCADE)

    try:
        boxes = cast("Any", Shelf.objects.create(name="s")).box_set
        for name in ("remove", "clear"):
            with pytest.raises(AttributeError, match=rf"Box\.shelf cannot be NULL, so there is no {name}\(\)"):
                getattr(boxes, name)
        with pytest.raises(AttributeError, match="remvoe"):
            boxes.remvoe  # noqa: B018
    finally:
        Box._meta.registry.forget(Box)


def test_moments_are_dated_by_the_current_time_zone() -> None:
    late = datetime.datetime(2024, 5, 1, 23, 30, tzinfo=datetime.UTC)
    Item.objects.create(name="i", bought=late)
    for zone, day in ((datetime.UTC, 1), (datetime.timezone(datetime.timedelta(hours=2)), 2)):
        with timezone.override(zone):
            assert [d for d in (1, 2) if Item.objects.filter(bought__date=datetime.date(2024, 5, d)).exists()] == [day]


def test_messages_mask_sensitive_fields() -> None:
    class Login(Model):
        code = IntegerField(unique=True, sensitive=True)

        class Meta:
            registry = Registry()

    Login.objects.create(code=4711)
    for value, error in ((4711, IntegrityError), (2**40 + 4711, DataError), (47.11, ValidationError)):
        with pytest.raises(error) as caught:
            Login.objects.create(code=value)
        assert "4711" not in str(caught.value)
        assert "***" in str(caught.value)


def test_mutating_a_default_or_a_signals_argument_leaves_the_store_alone() -> None:
    shared: list[int] = [1]

    class Box(Model):
        data = JSONField(default=lambda: shared)

        class Meta:
            registry = Registry()

    box = Box.objects.create()
    shared.append(2)

    def spoil(sender: Any, instance: Any, **named: Any) -> None:
        instance.data.append(3)

    signals.post_save.connect(spoil, sender=Box)
    try:
        box.save()
    finally:
        signals.post_save.disconnect(spoil, sender=Box)
    assert Box.objects.get().data == [1, 2]
    box.data.append(4)
    assert Box.objects.get().data == [1, 2]


def test_get_by_a_unique_field_is_a_probe_without_a_limit() -> None:
    class Login(Model):
        email = CharField(max_length=20, unique=True, null=True)

        class Meta:
            registry = Registry()

    Login.objects.create(email="a")
    Login.objects.create(email=None)
    assert Login.objects.get(email="a").email == "a"
    with pytest.raises(Login.DoesNotExist):
        Login.objects.get(email="b")
    query = Login.objects.filter(email="a").query
    assert rows._One(query).select.limit is None
    assert rows._One(Login.objects.filter(email__gt="a").query).select.limit is not None


def test_a_mistyped_field_to_refresh_is_named_with_refresh_from_db() -> None:
    shelf = Shelf.objects.create(name="s")
    with pytest.raises(FieldDoesNotExist, match=r"'nmae' \(in refresh_from_db\(fields='nmae'\)\).*'name'"):
        shelf.refresh_from_db(fields=["nmae"])
