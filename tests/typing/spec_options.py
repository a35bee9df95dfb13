"""What the plugin knows of rows that have names, of the async methods, of class Meta and of limits on relations.

Exactly the marked lines are errors.
"""
# ruff: noqa: B018 - the lines are for checkers

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any, Self, assert_type

from modelkit import (
    CASCADE,
    Avg,
    BinaryField,
    CharField,
    CheckConstraint,
    Count,
    DateField,
    DecimalField,
    F,
    FilteredRelation,
    ForeignKey,
    Index,
    IntegerField,
    JSONField,
    Manager,
    ManyToMany,
    Max,
    Model,
    ModelQuerySet,
    OuterRef,
    Q,
    Subquery,
    UniqueConstraint,
    Value,
)
from modelkit.functions import Length, Lower, Now
from tests.typing.shop.catalog import Category, Product, Tag
from tests.typing.shop.orders import Line, Order, Review
from tests.typing.shop.people import Person


def named_rows(flag: bool) -> None:
    row = Person.objects.values_list("name", "boss__age", named=True).get()
    assert_type(row.name, str)
    assert_type(row.boss__age, int | None)
    assert_type(row[0], str)
    _, age = row
    assert_type(age, int | None)
    assert_type(row._asdict(), dict[str, Any])
    assert_type([each.age for each in Person.objects.values_list("age", named=True)], list[int])
    counted = Person.objects.annotate(n=Count("orders"))
    assert_type(counted.values_list("n", Length("nick"), F("age"), named=True).get().length1, int | None)
    assert_type(counted.values_list("n", Length("nick"), F("age"), named=True).get().age, int)
    assert_type(Person.objects.values_list("name", named=True).annotate(n=Count("orders")).get().n, int)
    assert_type(Person.objects.values_list("name", flat=True, named=False).first(), str | None)
    assert_type(Person.objects.values_list("name", flat=False).get(), tuple[str])
    Person.objects.values_list("name", named=flag).get().whatever
    assert_type(Person.objects.in_bulk(), dict[int, Person])
    assert_type(Person.objects.in_bulk(["x"], field_name="mail"), dict[str, Person])
    row.age  # E01
    row.name.foo  # E02
    Person.objects.values_list("nmae", named=True)  # E03
    Person.objects.values_list("name", "age", named=True).get().nmae  # E04
    Person.objects.in_bulk(["x"], field_name="mail")[3]  # E05


def selected() -> None:
    newest = Order.objects.filter(buyer=OuterRef("pk")).order_by("-at")
    assert_type(Person.objects.annotate(at=Subquery(newest.values("at")[:1])).get().at, datetime.datetime | None)
    paid = Subquery(newest.values_list("paid", flat=True)[:1])
    assert_type(Person.objects.annotate(paid=paid).get().paid, Decimal | None)
    Person.objects.annotate(at=Subquery(newest.values("at")[:1])).filter(at="x")  # E06


async def awaited() -> None:
    assert_type(await Person.objects.aaggregate(mean=Avg("age"), n=Count("*")), Any)  # E07
    found = await Person.objects.aaggregate(mean=Avg("age"), n=Count("*"))
    assert_type(found["mean"], float | None)
    assert_type(await Person.objects.aaggregate(Person.age.avg(), Person.age.max()), tuple[float | None, int | None])
    assert_type(await Person.objects.ain_bulk(["x"], field_name="mail"), dict[str, Person])
    assert_type((await Person.objects.annotate(n=Count("orders")).aget(n=3)).n, int)
    assert_type([person.n async for person in Person.objects.annotate(n=Count("orders"))], list[int])
    assert_type([each.n async for each in Person.objects.annotate(n=Count("orders")).aiterator()], list[int])
    assert_type(await Person.objects.values_list("name", flat=True).afirst(), str | None)
    assert_type(await Person.objects.aget_or_create(name="x", defaults={"age": 3}), tuple[Person, bool])
    found["median"]  # E08
    await Person.objects.aaggregate(a=Avg("aeg"))  # E09
    await Person.objects.aget(nmae="x")  # E10
    await Person.objects.acreate(nmae="x", age=3)  # E11
    await Person.objects.aupdate(aeg=3)  # E12
    await Person.objects.aget_or_create(nmae="x")  # E13
    await Person.objects.aget_or_create({"aeg": 3}, name="x")  # E14
    await Person.objects.aupdate_or_create(name="x", defaults={"age": "x"})  # E15
    await Person.objects.aearliest("brn")  # E16
    await Person.objects.alatest("-brn")  # E17
    await Person.objects.ain_bulk(["x"], field_name="mial")  # E18
    await Person.objects.abulk_update([], ["nmae"])  # E19
    await Person.objects.abulk_create([], update_conflicts=True, update_fields=["nmae"], unique_fields=["id"])  # E20
    await Person().asave(update_fields=["nmae"])  # E21
    await Person().arefresh_from_db(fields=["nmae"])  # E22
    (await Person.objects.annotate(n=Count("orders")).aget()).m  # E23
    (await Person.objects.aaggregate(Person.age.avg())).foo  # E24


def conditions(given: dict[str, Any]) -> None:
    Person.objects.complex_filter({"name": "x", "boss__age__gt": 3}).complex_filter(Q(name="x"))
    Person.objects.complex_filter(Person.age > 3).complex_filter(given).complex_filter({"name": "x", **given})
    Person.objects.complex_filter({"nmae": "x"})  # E25
    Person.objects.complex_filter({"age__gt": "x"})  # E26
    Person.objects.complex_filter(Q(boss__nmae="x"))  # E27
    Person.objects.complex_filter(Tag.label == "x")  # E28


def made(product: Product, sale: Order, category: Category, person: Person) -> Product:
    later = Product(title="x")
    later.category = category
    later.save()
    elsewhere = Product(title="x")
    filled(elsewhere)
    sale.lines.add(Line(product=product), bulk=False)
    Product.objects.create(title=Lower(Value("X")), price=3, category=category, owner=person)
    Product.objects.update(price=7, title=Category.objects.values("title")[:1])
    Product.objects.filter(category__in=Category.objects.values_list("pk"))
    Product.objects.get_or_create(title="x", defaults={"price": 3})
    Order(buyer=person, at=Now()).save()
    Person.objects.annotate(big=FilteredRelation("orders", condition=Q(orders__paid__gt=3))).defer("big__paid")
    Person.objects.annotate(big=FilteredRelation("orders", condition=Q(orders__paid__gt=3))).select_related("big__store")
    Product.objects.create(title=Lower("titel"), price=3, category=category, owner=person)  # E52
    Product.objects.create(title="x", price=3.5, category=category, owner=person)  # E53
    Product.objects.update(title=3)  # E54
    stored = Product(title="x")  # E55
    stored.save()
    Product(title="x").save()  # E56
    Product.objects.bulk_create([Product(title="x")])  # E57
    return Product(title="x")


def filled(product: Product) -> None:
    product.title = "y"


class Dated(Model):
    made = DateField()

    class Meta:
        abstract = True
        ordering = ["what_a_model_has"]


class Article(Dated):
    title = CharField(max_length=50)
    size = IntegerField(default=1)
    author = ForeignKey(Person, CASCADE, limit_choices_to={"age__gte": 18, "boss__name": "x"}, related_name="articles")
    editor = ForeignKey(Person, CASCADE, limit_choices_to=Person.age > 18, related_name="+")
    tags = ManyToMany(Tag, limit_choices_to=Q(label__startswith="x"), related_name="+")

    class Meta:
        ordering = ["-made", "author__name", F("size").desc(), Lower("title"), "remarks__rank", "?"]
        get_latest_by = ["made", "-author__born"]
        unique_together = [("title", "author"), ("made", "pk")]
        constraints = [
            UniqueConstraint(fields=["title", "author_id"], name="a", condition=Q(size__gt=3)),
            UniqueConstraint(Lower("title"), F("made").desc(), name="b"),
            CheckConstraint(condition=Q(size__gt=3) | ~Q(title="x"), name="c"),
        ]
        indexes = [Index(fields=["-made", "title"], name="d", include=["size"]), Index(Lower("title"), name="e")]


class Remark(Model):
    article = ForeignKey(Article, CASCADE, related_name="remarks")
    rank = IntegerField()

    class Meta:
        order_with_respect_to = "article"
        unique_together = ("article", "rank")


class Wrong(Dated):
    title = CharField(max_length=50)
    size = IntegerField(default=1)
    author = ForeignKey(Person, CASCADE, limit_choices_to={"nmae": "x"}, related_name="+")  # E29
    editor = ForeignKey(Person, CASCADE, limit_choices_to={"age__gte": "x"}, related_name="+")  # E30
    reader = ForeignKey(Person, CASCADE, limit_choices_to=Q(boss__nmae="x"), related_name="+")  # E31
    tags = ManyToMany(Tag, limit_choices_to=~Q(labl="x"), related_name="+")  # E32
    first = ForeignKey("Article", CASCADE, limit_choices_to={"titel": "x"}, related_name="+")  # E33

    class Meta:
        ordering = [
            "-maed",  # E34
            "author__nmae",  # E35
            F("siez").desc(),  # E36
            Lower("titel"),  # E37
        ]
        get_latest_by = "mad"  # E38
        unique_together = [
            ("title", "author"),
            ("title", "auhtor"),  # E39
        ]
        constraints = [
            UniqueConstraint(fields=["title", "siez"], name="a"),  # E40
            UniqueConstraint(fields=["title"], condition=Q(siez__gt=3), name="b"),  # E41
            UniqueConstraint(Lower("titel"), name="c"),  # E42
            CheckConstraint(condition=Q(size__gt=3) | Q(nmae=3), name="d"),  # E43
            CheckConstraint(condition=Q(size__gt="x"), name="e"),  # E44
        ]
        indexes = [
            Index(fields=["-mad"], name="f"),  # E45
            Index(F("titel").desc(), name="g"),  # E46
            Index(fields=["title"], include=["siez"], name="h"),  # E47
            Index(fields=["title"], condition=Q(siez=3), name="i"),  # E48
        ]


class WrongOrder(Dated):
    article = ForeignKey(Article, CASCADE, related_name="+")

    class Meta:
        order_with_respect_to = "artikle"  # E49
        get_latest_by = ("made", "-article__mad")  # E50


class WrongProxy(Review):
    class Meta:
        proxy = True
        ordering = ("stars", "author__nmae")  # E51


def maximal() -> None:
    assert_type(Person.objects.aggregate(most=Max("age"))["most"], int | None)


class Shelved(Model):
    name = CharField(max_length=9)
    scan = BinaryField(default=b"")
    objects = Manager()

    class Meta:
        abstract = True


class RareQuerySet(ModelQuerySet["RareScroll"]):
    def long(self) -> Self:
        return self.filter(name__startswith="x")


class Scroll(Shelved):
    data = JSONField(default=dict)


class OldScroll(Scroll):
    class Meta:
        proxy = True


class RareScroll(Model):
    name = CharField(max_length=9)
    scan = BinaryField(default=b"")
    price = DecimalField(max_digits=5, decimal_places=2, default=Decimal(1))
    objects = RareQuerySet.as_manager()


class Loan(Model):
    scroll = ForeignKey(OldScroll, CASCADE, related_name="loans")


class RarerScroll(RareScroll):
    age = IntegerField(default=0)


def heirs(scroll: Scroll) -> None:
    assert_type(Scroll.objects.get(), Scroll)
    assert_type(Scroll.objects.create(name="x", scan=bytearray(b"x"), id=None), Scroll)
    assert_type(RarerScroll.objects.long().get().age, int)
    Scroll.objects.filter(loans=3).distinct("data__a__b")
    OldScroll.objects.filter(loans__scroll=scroll, loans__in=Loan.objects.filter(scroll=scroll).query)
    Loan.objects.create(scroll=scroll)
    RareScroll.objects.create(pk=3, name="x", price=3)
    Scroll.objects.filter(price=3)  # E58
    RarerScroll.objects.filter(agee=3)  # E59
    RarerScroll.objects.create(name="x", scan=3)  # E60
    Scroll.objects.distinct("data__a", "nme")  # E61
    Scroll.objects.create(name="x", id="x")  # E62
