"""ForeignObject: relations that go by several fields, to rows with composite keys and to rows that are unique otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import modelkit as models
from modelkit import (
    CASCADE,
    PROTECT,
    RESTRICT,
    SET_DEFAULT,
    SET_NULL,
    CharField,
    CompositePrimaryKey,
    Count,
    F,
    FieldError,
    ForeignKey,
    ForeignObject,
    IntegerField,
    ManyToMany,
    Model,
    OneToOne,
    OuterRef,
    Prefetch,
    ProtectedError,
    Q,
    Registry,
    RestrictedError,
    Subquery,
    UniqueConstraint,
    ValidationError,
)
from modelkit.contrib.contenttypes import ContentType, GenericForeignKey, GenericRelation


class Shop(Model):
    name = CharField(max_length=20)

    class Meta:
        app_label = "foreign_object"


class Item(Model):
    pk = CompositePrimaryKey("shop_id", "number")
    shop = ForeignKey(Shop, CASCADE)
    number = IntegerField()
    name = CharField(max_length=20, default="")
    hosts = ManyToMany(
        "self", through="Visit", through_fields=("guest", "host"), symmetrical=False, related_name="guests"
    )

    class Meta:
        app_label = "foreign_object"
        constraints = [UniqueConstraint(fields=["shop", "name"], name="item_name")]


class Sale(Model):
    shop = ForeignKey(Shop, CASCADE)
    number = IntegerField(null=True, blank=True)
    text = CharField(max_length=20, default="")
    item = ForeignObject(
        Item, CASCADE, ["shop_id", "number"], ["shop_id", "number"], related_name="sales", null=True, blank=True
    )

    class Meta:
        app_label = "foreign_object"


class Label(Model):
    shop_number = IntegerField()
    item_name = CharField(max_length=20)
    item = ForeignObject(Item, CASCADE, ["shop_number", "item_name"], ["shop", "name"], related_name="labels")

    class Meta:
        app_label = "foreign_object"


class Part(Model):
    pk = CompositePrimaryKey("item_shop", "item_number", "place")
    item_shop = IntegerField()
    item_number = IntegerField()
    place = IntegerField()
    around = IntegerField(null=True)
    item = ForeignObject(Item, PROTECT, ["item_shop", "item_number"], ["shop", "number"], related_name="parts")
    whole = ForeignObject(
        "self",
        RESTRICT,
        ["item_shop", "item_number", "around"],
        ["item_shop", "item_number", "place"],
        related_name="parts",
        null=True,
    )

    class Meta:
        app_label = "foreign_object"


class Note(Model):
    shop = ForeignKey(Shop, CASCADE)
    number = IntegerField(null=True)
    item = ForeignObject(Item, SET_NULL, ["shop", "number"], ["shop", "number"], related_name="notes", null=True)

    class Meta:
        app_label = "foreign_object"


class Club(Model):
    name = CharField(max_length=20, default="")
    items = ManyToMany(Item, through="Entry", related_name="clubs")

    class Meta:
        app_label = "foreign_object"


class Entry(Model):
    club = ForeignKey(Club, CASCADE)
    shop = ForeignKey(Shop, CASCADE)
    number = IntegerField()
    weight = IntegerField(default=1)
    item = ForeignObject(Item, CASCADE, ["shop", "number"], ["shop", "number"], related_name="entries")

    class Meta:
        app_label = "foreign_object"


class Visit(Model):
    """Pairs whose two ends share a field: an item visits items of its own shop."""

    shop = ForeignKey(Shop, CASCADE)
    guest_number = IntegerField()
    host_number = IntegerField()
    guest = ForeignObject(Item, CASCADE, ["shop", "guest_number"], ["shop", "number"], related_name="+")
    host = ForeignObject(Item, CASCADE, ["shop", "host_number"], ["shop", "number"], related_name="+")

    class Meta:
        app_label = "foreign_object"


class Tag(Model):
    content_type = ForeignKey(ContentType, CASCADE, related_name="+")
    object_id = CharField(max_length=20)
    of = GenericForeignKey()

    class Meta:
        app_label = "foreign_object"


@pytest.fixture
def items() -> list[Item]:
    """Two shops with two items each, numbered alike."""
    shops = [Shop.objects.create(name=name) for name in ("east", "west")]
    return [
        Item.objects.create(shop=shop, number=number, name=f"{shop.name}{number}")
        for shop in shops
        for number in (1, 2)
    ]


@pytest.fixture
def sales(items: list[Item]) -> dict[str, Sale]:
    """Sales by their text: two of items, one of none, one whose fields name an item that is not there."""
    made = [
        Sale.objects.create(item=items[0], text="one"),
        Sale.objects.create(item=items[2], text="two"),
        Sale.objects.create(shop=items[0].shop, text="none"),
        Sale.objects.create(shop=items[2].shop, number=77, text="dangling"),
    ]
    return {sale.text: sale for sale in made}


def texts(queryset: models.QuerySet[Sale]) -> list[str]:
    return [sale.text for sale in queryset.order_by("pk")]


# -- on instances


def test_assigning_sets_all_fields_and_assigning_none_empties_them(items: list[Item]) -> None:
    sale = Sale(item=items[3])
    assert (sale.shop_id, sale.number) == items[3].pk
    sale.item = None
    assert (sale.shop_id, sale.number) == (None, None)


@pytest.mark.parametrize("value", [(1, 1), 5, Shop(name="x")])
def test_what_is_no_instance_of_the_target_cannot_be_assigned(value: Any) -> None:
    with pytest.raises(ValueError, match=r"Sale\.item must be a 'Item' instance or None"):
        Sale().item = value


def test_a_changed_field_leads_to_another_row(items: list[Item], sales: dict[str, Sale]) -> None:
    sale = sales["one"]
    assert sale.item == items[0]
    sale.number = 2
    assert sale.item == items[1]


def test_an_instance_that_gets_its_key_later_is_followed_when_saving(items: list[Item]) -> None:
    item = Item(shop=items[0].shop, name="new")
    sale = Sale(item=item)
    with pytest.raises(ValueError, match="unsaved related object 'item'"):
        sale.save()
    item.number = 50
    item.save()
    sale.save()
    assert sale.number == 50


def test_fields_that_name_no_row_raise_when_read_and_are_named_by_validation(sales: dict[str, Sale]) -> None:
    sale = sales["dangling"]
    with pytest.raises(Item.DoesNotExist, match=r"Sale.item points to the Item whose shop_id, number is \(2, 77\)"):
        _ = sale.item
    with pytest.raises(ValidationError) as caught:
        sale.full_clean()
    assert caught.value.message_dict == {"item": ["There is no item whose shop_id, number is (2, 77)."]}


def test_validation_passes_over_a_relation_that_may_be_empty_and_asks_for_one_that_may_not(
    sales: dict[str, Sale],
) -> None:
    sales["none"].full_clean()
    with pytest.raises(ValidationError) as caught:
        Label(item_name="x").full_clean()
    assert set(caught.value.message_dict) == {"shop_number", "item"}


def test_managers_of_the_many_side_write_all_fields(items: list[Item], sales: dict[str, Sale]) -> None:
    item = items[1]
    item.sales.add(sales["two"])
    item.sales.create(text="made")
    assert texts(item.sales.all()) == ["two", "made"]
    assert {(sale.shop_id, sale.number) for sale in item.sales.all()} == {item.pk}
    items[0].sales.set([sales["two"]])
    assert texts(items[0].sales.all()) == ["two"]
    with pytest.raises(ValueError, match="needs to have a primary key"):
        Item(shop=items[0].shop).sales.count()


def test_an_update_takes_an_instance_a_tuple_or_none(items: list[Item], sales: dict[str, Sale]) -> None:
    assert Sale.objects.filter(text="one").update(item=items[3]) == 1
    assert Sale.objects.filter(item=items[3]).count() == 1
    Sale.objects.filter(text="one").update(item=(1, 2))
    assert Sale.objects.get(text="one").item == items[1]
    Note.objects.create(item=items[0])
    with pytest.raises(FieldError, match="a composite key is several values"):
        Sale.objects.update(number=F("item"))


def test_refresh_from_db_forgets_what_the_old_fields_led_to(items: list[Item], sales: dict[str, Sale]) -> None:
    sale = Sale.objects.select_related("item").get(text="one")
    Sale.objects.filter(pk=sale.pk).update(item=items[1])
    sale.refresh_from_db()
    assert sale.item == items[1]


def test_columns_are_written_by_name_and_not_by_the_relation(sales: dict[str, Sale]) -> None:
    with pytest.raises(ValueError, match="Sale cannot update item"):
        sales["one"].save(update_fields=["item"])
    with pytest.raises(ValueError, match=r"Sale\.item has none"):
        Sale.objects.bulk_update([sales["one"]], ["item"])


# -- in queries


@pytest.mark.parametrize(
    ("lookups", "found", "others"),
    [
        ({"item": (1, 1)}, ["one"], ["two", "none", "dangling"]),
        ({"item__in": [(1, 1), (2, 1)]}, ["one", "two"], ["none", "dangling"]),
        ({"item__isnull": True}, ["none"], ["one", "two", "dangling"]),
        ({"item": None}, ["none"], ["one", "two", "dangling"]),
        ({"item__gt": (1, 0)}, ["one", "two", "dangling"], ["none"]),
        ({"item__number": 77}, ["dangling"], ["one", "two", "none"]),
        ({"item__pk": (2, 77)}, [], ["one", "two", "none", "dangling"]),
        ({"item__pk__isnull": True}, ["none", "dangling"], ["one", "two"]),
        ({"item__name": "west1"}, ["two"], ["one", "none", "dangling"]),
        ({"item__shop__name": "east"}, ["one"], ["two", "none", "dangling"]),
    ],
)
def test_lookups_go_by_all_fields(
    sales: dict[str, Sale], lookups: dict[str, Any], found: list[str], others: list[str]
) -> None:
    assert texts(Sale.objects.filter(**lookups)) == found
    assert texts(Sale.objects.exclude(**lookups)) == others


def test_instances_and_querysets_stand_for_their_keys(items: list[Item], sales: dict[str, Sale]) -> None:
    assert texts(Sale.objects.filter(item=items[0])) == ["one"]
    assert texts(Sale.objects.filter(item__in=items)) == ["one", "two"]
    assert texts(Sale.objects.filter(item__in=Item.objects.filter(number=1))) == ["one", "two"]
    assert texts(Sale.objects.filter(item__in=Item.objects.filter(number=1).union(Item.objects.filter(number=2)))) == [
        "one",
        "two",
    ]
    assert list(Item.objects.filter(pk__in=Sale.objects.values("item"))) == [items[0], items[2]]


@pytest.mark.parametrize(
    ("lookups", "kind", "message"),
    [
        ({"item": 1}, ValueError, "Sale.item: the 'exact' lookup takes tuples or lists of 2 values, not 1"),
        ({"item": (1,)}, ValueError, "Sale.item: the 'exact' lookup takes 2 values side by side"),
        ({"item": Shop(name="x")}, ValueError, "Sale.item leads to Item: .* is a Shop"),
        ({"item": Item(number=1)}, ValueError, "Sale.item: .* has no shop_id yet"),
        ({"item__in": [1]}, ValueError, "the 'in' lookup takes tuples or lists, each of 2 values"),
        ({"item__range": [(1, 1), (2, 2)]}, FieldError, "Sale.item is a relation to Item, which has no lookup 'range'"),
        ({"item__nmae": 1}, FieldError, "Item has no field 'nmae'.*Did you mean 'name'"),
        ({"item_id": 1}, FieldError, "Sale has no field 'item_id'"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(
    sales: dict[str, Sale], lookups: dict[str, Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        Sale.objects.filter(**lookups)
    with pytest.raises(kind, match=message):
        Sale.objects.exclude(**lookups)


def test_queries_come_back_over_all_fields(items: list[Item], sales: dict[str, Sale]) -> None:
    assert list(Item.objects.filter(sales__text="two")) == [items[2]]
    assert list(Item.objects.filter(sales=sales["one"])) == [items[0]]
    assert list(Item.objects.filter(sales__isnull=True).order_by("pk")) == [items[1], items[3]]
    assert list(Item.objects.exclude(sales__text="one").order_by("pk")) == items[1:]
    assert list(Item.objects.filter(Q(sales__text="one") | Q(number=2)).order_by("pk")) == [
        items[0],
        items[1],
        items[3],
    ]


def test_values_hold_a_tuple_of_the_fields(sales: dict[str, Sale]) -> None:
    values = Sale.objects.order_by("pk").values_list("item", "item__pk", "item__number")
    assert list(values) == [
        ((1, 1), (1, 1), 1),
        ((2, 1), (2, 1), 1),
        ((1, None), (None, None), None),
        ((2, 77), (None, None), 77),
    ]


def test_counts_are_of_rows_whose_fields_are_all_filled(items: list[Item], sales: dict[str, Sale]) -> None:
    assert Sale.objects.aggregate(n=Count("item"), rows=Count("item__pk")) == {"n": 3, "rows": 2}
    counted = Item.objects.annotate(n=Count("sales"), m=Count("sales", filter=Q(sales__text="one"))).order_by("pk")
    assert [(item.n, item.m) for item in counted] == [(1, 1), (0, 0), (1, 0), (0, 0)]
    assert [row["n"] for row in Sale.objects.values("item__pk").annotate(n=Count("pk")).order_by("item__pk")] == [
        2,
        1,
        1,
    ]


def test_inner_queries_go_by_all_fields(items: list[Item], sales: dict[str, Sale]) -> None:
    own = Sale.objects.filter(item=OuterRef("pk")).values("text")[:1]
    assert list(Item.objects.order_by("pk").values_list(Subquery(own), flat=True)) == ["one", None, "two", None]
    name = Item.objects.filter(pk=OuterRef("item")).values("name")[:1]
    assert list(Sale.objects.order_by("pk").values_list(Subquery(name), flat=True)) == ["east1", "west1", None, None]


def test_expressions_of_the_class_go_by_all_fields(items: list[Item], sales: dict[str, Sale]) -> None:
    assert texts(Sale.objects.filter(Sale.item == items[0])) == ["one"]
    assert texts(Sale.objects.filter(Sale.item[Item.name] == "west1")) == ["two"]
    assert texts(Sale.objects.filter(Sale.item[Item.pk].in_([(1, 1), (9, 9)]))) == ["one"]
    assert texts(Sale.objects.order_by(Sale.item[Item.name].desc())) == ["one", "two", "none", "dangling"]


def test_what_is_loaded_along_is_what_the_fields_name(items: list[Item], sales: dict[str, Sale]) -> None:
    expected = {"one": items[0], "two": items[2], "none": None, "dangling": None}
    assert {sale.text: sale.item for sale in Sale.objects.select_related("item")} == expected
    back = Item.objects.prefetch_related("sales").order_by("pk")
    assert [[sale.text for sale in item.sales.all()] for item in back] == [["one"], [], ["two"], []]
    assert all(sale.item is item for item in back for sale in item.sales.all())
    some = Prefetch("sales", Sale.objects.filter(text="two"), to_attr="found")
    assert [len(item.found) for item in Item.objects.prefetch_related(some).order_by("pk")] == [0, 0, 1, 0]
    ahead = Sale.objects.filter(number=1).prefetch_related("item__shop").order_by("pk")
    assert [sale.item.shop.name for sale in ahead if sale.item is not None] == ["east", "west"]


def test_fields_left_out_are_loaded_when_the_relation_is_read(items: list[Item], sales: dict[str, Sale]) -> None:
    sale = Sale.objects.only("text").get(text="one")
    assert sale.get_deferred_fields() == {"shop_id", "number"}
    assert sale.item == items[0]
    assert Sale.objects.only("item").get(text="one").get_deferred_fields() == {"text"}


def test_a_target_may_be_unique_by_a_constraint(items: list[Item]) -> None:
    label = Label.objects.create(item=items[3])
    assert (label.shop_number, label.item_name) == (items[3].shop_id, "west2")
    assert Label.objects.get(item__number=2).item == items[3]
    assert list(items[3].labels.all()) == [label]


def test_a_relation_to_the_same_model_shares_its_fields_with_the_key(items: list[Item]) -> None:
    whole = Part.objects.create(item=items[0], place=1)
    inner = Part.objects.create(whole=whole, place=2)
    assert inner.pk == (*items[0].pk, 2)
    assert inner.item == items[0]
    assert list(whole.parts.all()) == [inner]
    assert list(Part.objects.filter(parts__place=2)) == [whole]


# -- many-to-many


def test_a_many_to_many_relation_leads_over_pairs_to_composite_keys(items: list[Item]) -> None:
    club = Club.objects.create(name="c")
    club.items.add(items[0], items[3].pk)
    club.items.add(items[0])
    assert list(club.items.order_by("pk")) == [items[0], items[3]]
    assert list(Entry.objects.order_by("pk").values_list("shop", "number")) == [(1, 1), (2, 2)]
    club.items.remove(items[0], (9, 9))
    assert list(club.items.all()) == [items[3]]
    club.items.set([items[1], items[3]], through_defaults={"weight": 5})
    assert sorted(Entry.objects.values_list("item", "weight")) == [((1, 2), 5), ((2, 2), 1)]
    made = club.items.create(shop=items[0].shop, number=7)
    assert made.pk in {item.pk for item in club.items.all()}
    club.items.clear()
    assert not Entry.objects.exists()


def test_a_many_to_many_relation_is_followed_from_composite_keys_too(items: list[Item]) -> None:
    first, second = (Club.objects.create(name=name) for name in "ab")
    items[2].clubs.add(first, second.pk)
    items[2].clubs.remove(second)
    assert list(items[2].clubs.all()) == [first]
    items[0].clubs.set([first, second])
    assert list(Club.objects.filter(items=items[0]).order_by("pk")) == [first, second]
    assert list(Club.objects.filter(items__in=[items[2].pk, items[3]])) == [first]
    assert list(Item.objects.filter(clubs__name="a").order_by("pk")) == [items[0], items[2]]
    assert list(Item.objects.exclude(clubs__name="b").order_by("pk")) == items[1:]
    assert list(Item.objects.filter(clubs__isnull=True).order_by("pk")) == [items[1], items[3]]
    assert [club.n for club in Club.objects.annotate(n=Count("items")).order_by("pk")] == [2, 1]
    with pytest.raises(ValueError, match="needs to have a value for field 'number'"):
        Item(shop=items[0].shop).clubs.all()


def test_a_many_to_many_relation_over_several_fields_is_prefetched_both_ways(items: list[Item]) -> None:
    first, second = (Club.objects.create(name=name) for name in "ab")
    first.items.add(items[0], items[2])
    second.items.add(items[2])
    clubs = Club.objects.prefetch_related("items").order_by("pk")
    assert [sorted(item.pk for item in club.items.all()) for club in clubs] == [[(1, 1), (2, 1)], [(2, 1)]]
    back = Item.objects.prefetch_related(Prefetch("clubs", Club.objects.order_by("-pk"))).order_by("pk")
    assert [[club.name for club in item.clubs.all()] for item in back] == [["a"], [], ["b", "a"], []]


def test_pairs_that_share_a_field_take_ends_that_agree_on_it(items: list[Item]) -> None:
    guest = items[0]
    guest.hosts.add(items[1])
    assert list(guest.hosts.all()) == [items[1]]
    assert list(items[1].guests.all()) == [guest]
    with pytest.raises(ValueError, match="cannot be related: 'shop_id' of Visit would be 1 and 2"):
        guest.hosts.add(items[2])


@pytest.mark.parametrize("key", [1, (1,), "ab", (1, 2, 3)])
def test_what_is_no_key_of_the_far_end_cannot_be_added(items: list[Item], key: Any) -> None:
    club = Club.objects.create()
    with pytest.raises(ValueError, match=r"'item' of Entry goes by 2 values|expected a whole number"):
        club.items.add(key)


# -- deletion


def test_deletion_follows_all_fields(items: list[Item], sales: dict[str, Sale]) -> None:
    assert items[0].delete() == (2, {"foreign_object.Item": 1, "foreign_object.Sale": 1})
    assert texts(Sale.objects.all()) == ["two", "none", "dangling"]
    assert Shop.objects.get(name="west").delete()[1] == {
        "foreign_object.Item": 2,
        "foreign_object.Sale": 2,
        "foreign_object.Shop": 1,
    }


def test_set_null_empties_the_fields_that_may_be_null(items: list[Item]) -> None:
    note = Note.objects.create(item=items[1])
    items[1].delete()
    note.refresh_from_db()
    assert (note.shop_id, note.number) == (items[0].shop_id, None)
    assert note.item is None


def test_protected_and_restricted_targets_stay(items: list[Item]) -> None:
    whole = Part.objects.create(item=items[0], place=1)
    inner = Part.objects.create(whole=whole, place=2)
    with pytest.raises(ProtectedError, match=r"Part\.item"):
        items[0].delete()
    with pytest.raises(RestrictedError, match=r"Part\.whole"):
        whole.delete()
    inner.delete()
    assert whole.delete()[0] == 1


def test_cascades_find_rows_by_an_index_over_the_fields() -> None:
    plan = Sale.objects.filter(item__in=[(1, 1), (2, 2)]).explain()
    assert "scan" not in plan
    assert "(shop_id, number) in $0" in plan


# -- declarations


def declared(fields: Callable[[Any], dict[str, Any]]) -> None:
    """Declare a model with these fields beside a shop and a number, in a registry where `fields` are told of a target."""

    class Meta:
        app_label = "foreign_object"
        registry = Registry()

    shop = type(Model)("Shop", (Model,), {"__module__": __name__, "Meta": Meta})
    columns = {"shop": ForeignKey(shop, CASCADE), "number": IntegerField()}
    body = {"__module__": __name__, "Meta": Meta, "pk": CompositePrimaryKey("shop", "number"), **columns}
    target = type(Model)("Target", (Model,), body)
    columns = {"shop": ForeignKey(shop, CASCADE), "number": IntegerField()}
    type(Model)("Declared", (Model,), {"__module__": __name__, "Meta": Meta, **columns, **fields(target)})


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: ForeignObject(Item, CASCADE, ["a"], ["b", "c"]), ValueError, "equally many"),
        (lambda: ForeignObject(Item, CASCADE, [], []), ValueError, "at least one"),
        (lambda: ForeignObject(Item, CASCADE, "a", ["b"]), TypeError, "lists of names"),
        (lambda: ForeignObject(Item, SET_DEFAULT, ["a"], ["b"]), FieldError, "no column of its own to set"),
        (lambda: ForeignObject(Item, CASCADE, ["a"], ["b"], unique=True), FieldError, "does not take unique"),
    ],
)
def test_options_that_make_no_sense_are_refused(make: Callable[[], Any], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        make()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            lambda target: {"item": ForeignObject(target, CASCADE, ["shop", "number"], ["shop", "nmuber"])},
            "to_fields: Target has no field 'nmuber'.*Did you mean 'number'",
        ),
        (
            lambda target: {"item": ForeignObject(target, CASCADE, ["number"], ["number"])},
            "goes by number of Target, which are not unique together",
        ),
        (
            lambda target: {"item": ForeignObject(target, SET_NULL, ["shop", "number"], ["shop", "number"], null=True)},
            "needs one of shop, number to be null=True",
        ),
    ],
)
def test_a_relation_whose_ends_do_not_fit_is_refused_when_the_class_is_defined(fields: Any, message: str) -> None:
    with pytest.raises(FieldError, match=message):
        declared(fields)


def test_a_field_of_its_own_that_is_missing_is_named_where_the_model_is_first_used() -> None:
    class Stray(Model):
        shop = ForeignKey(Shop, CASCADE, related_name="+")
        item = ForeignObject("StrayItem", CASCADE, ["shop", "nmuber"], ["shop", "number"], related_name="+")
        number = IntegerField()

        class Meta:
            app_label = "foreign_object"
            registry = Registry()

    class StrayItem(Model):
        pk = CompositePrimaryKey("shop", "number")
        shop = IntegerField()
        number = IntegerField()

        class Meta:
            app_label = "foreign_object"
            registry = Stray._meta.registry

    with pytest.raises(FieldError, match=r"Stray has no field 'nmuber'.*Did you mean 'number'"):
        Stray.objects.count()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            lambda target: {"item": ForeignKey(target, CASCADE)},
            "leads to Target, whose primary key is composite.*ForeignObject",
        ),
        (lambda target: {"item": OneToOne(target, CASCADE)}, "leads to Target, whose primary key is composite"),
        (
            lambda target: {"items": ManyToMany(target)},
            "whose primary key is composite.*through=.* ForeignObject",
        ),
        (
            lambda _: {"pk": CompositePrimaryKey("shop", "number"), "tags": GenericRelation(Tag)},
            "Declared.tags: the primary key of Declared is composite, and 'object_id' holds one value",
        ),
    ],
)
def test_relations_of_one_column_refuse_composite_keys(fields: Any, message: str) -> None:
    with pytest.raises(FieldError, match=message):
        declared(fields)


def test_a_generic_foreign_key_refuses_a_row_with_a_composite_key(items: list[Item]) -> None:
    with pytest.raises(ValueError, match="the primary key of Item is composite, and 'object_id' holds one value"):
        Tag(of=items[0])


def test_a_copy_is_made_of_what_it_was_declared_with() -> None:
    field = Sale._meta.get_field("item")
    name, path, args, options = field.deconstruct()
    assert (name, path, args) == ("item", "modelkit.ForeignObject", [])
    assert (options["from_fields"], options["to_fields"]) == (("shop_id", "number"), ("shop_id", "number"))
    assert field.clone().deconstruct()[1:] == (path, args, options)
