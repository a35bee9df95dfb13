"""What the plugin knows of queries that are put together step by step: own classes, methods on self, variables, inner queries.

Exactly the marked lines are errors.
"""
# ruff: noqa: B018, PYI019 - the lines are for checkers

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any, Self, TypeVar, assert_type

from modelkit import (
    CASCADE,
    CharField,
    Count,
    Exists,
    F,
    ForeignKey,
    IntegerField,
    Manager,
    Max,
    Model,
    ModelQuerySet,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
)
from tests.typing.shop.orders import Line, Order
from tests.typing.shop.people import Account, Company, Person, PersonQuerySet

T = TypeVar("T", bound="BookQuerySet")


class BookQuerySet(ModelQuerySet["Book"]):
    def long(self) -> Self:
        return self.filter(size__gt=100).exclude(title="x").order_by("title")

    def thick(self: T) -> T:
        return self.filter(Book.size > 3).filter(pages__number__gt=100)

    def counted(self) -> Self:
        return self.annotate(n=Count("pages"), last=Max("pages__number"))

    def hidden(self) -> Self:
        return self.alias(half=F("size")).counted().filter(n__gt=3, half=4)

    def in_parts(self, *, deep: bool) -> BookQuerySet:
        found = self.all()
        found = found.annotate(depth=Count("pages")) if deep else found.filter(size=3)
        return found.filter(depth=3)

    def titles(self) -> list[str]:
        assert_type(self.values_list("title", flat=True).first(), str | None)
        assert_type(self.counted().get().n, int)
        assert_type(self.annotate(m=Count("pages")).get().m, int)
        assert_type(self.aggregate(most=Max("size"))["most"], int | None)
        return list(self.counted().filter(n=3).values_list("title", flat=True))

    def computed(self, **named: Any) -> Self:
        assert_type(self.counted().get().n, Any)
        return self.annotate(**named).filter(whatever=3).computed(**named).filter(more=3)

    async def first_of(self) -> Self:
        await self.aget(title="x")
        await self.aget(titel="x")  # E01
        return self

    def wrong(self) -> Self:
        self.filter(titel="x")  # E02
        self.filter(size="x")  # E03
        self.exclude(pages__numbr=3).order_by("title")  # E04
        self.filter(size=3).order_by("titel")  # E05
        self.annotate(n=Count("pagse"))  # E06
        self.annotate(n=Count("pages")).filter(n="x")  # E07
        self.values("titel")  # E08
        self.values("title").get()["size"]  # E09
        self.update(titel="x")  # E10
        self.create(titel="x")  # E11
        self.get_or_create(title="x", defaults={"sise": 3})  # E12
        self.filter(Q(titel="x") | Q(size=3))  # E13
        self.all().select_related("pages")  # E14
        self.filter(Person.age > 3)  # E15
        return self

    def wrong_too(self: T) -> T:
        return self.filter(titel="x")  # E16


class ThickQuerySet(BookQuerySet):
    def filter(self, *conditions: Any, **lookups: Any) -> Self:
        return super().filter(*conditions, **lookups)

    def huge(self) -> Self:
        return self.exclude(sise=3)  # E17


class BookManager(Manager["Book"]):
    def get_queryset(self) -> BookQuerySet:
        return BookQuerySet(self.model).annotate(total=Count("pages"))

    def short(self) -> Self:
        return self.filter(sise=3)  # E18

    def popular(self) -> QuerySet[Book]:
        return self.filter(total__gt=3).annotate(rank=F("size"))


class Book(Model):
    title = CharField(max_length=50)
    size = IntegerField(default=1)

    objects = BookQuerySet.as_manager()
    thick = ThickQuerySet.as_manager()
    known = BookManager()
    mixed = BookManager.from_queryset(BookQuerySet)()


class Page(Model):
    book = ForeignKey(Book, CASCADE, related_name="pages")
    number = IntegerField()


def own_classes(book: Book) -> None:
    assert_type(Book.objects.annotate(m=Count("pages")).long().get().m, int)
    assert_type(Book.objects.annotate(m=Count("pages")).long().filter(m=3).titles(), list[str])
    assert_type(Book.objects.annotate(m=Count("pages")).in_parts(deep=True).get().m, int)
    Book.objects.annotate(m=Count("pages")).annotate(k=F("m")).thick().get().j  # E19
    assert_type(Book.objects.annotate(m=Count("pages")).annotate(k=F("m")).thick().get().k, int)
    assert_type(Book.objects.counted().get().n, int)
    assert_type(Book.objects.filter(size=3).hidden().get().last, int | None)
    assert_type(Book.known.annotate(m=Count("pages")).short().get().m, int)
    assert_type(Book.known.popular().get().title, str)
    assert_type(Book.mixed.annotate(m=Count("pages")).long().get().m, int)
    assert_type([found.m for found in Book.objects.annotate(m=Count("pages"))[:3]], list[int])
    assert_type(Person.objects.annotate(n=Count("orders")).adults().get().n, int)
    assert_type(Book.objects.annotate(Count("pages")).filter(pages__count=3).get().pages__count, int)
    Book.known.filter(total=3).get().total
    Book.objects.computed(a=3).filter(a=4).order_by("a").get().a
    Book.objects.hidden().filter(half=3)
    book.n
    of_plain(Book.objects.annotate(m=Count("pages")))
    of_own(Book.objects.annotate(m=Count("pages")))
    Book.objects.annotate(m=Count("pages")).long().get().k  # E20
    Book.objects.annotate(m=Count("pages")).long().filter(m="x")  # E21
    Book.objects.annotate(m=Count("pages")).longg()  # E22
    Book.objects.annotate(m=Count("pages")).long().order_by("titel")  # E23
    Book.objects.counted().filter(n="x")  # E24
    Book.objects.hidden().get().half  # E25
    Book.objects.alias(z=Count("pages")).long().get().z  # E26
    Book.thick.exclude(titel="x").huge()  # E27
    Person.objects.annotate(n=Count("orders")).adults().filter(m=3)  # E28


def of_plain(books: QuerySet[Book]) -> QuerySet[Book]:
    return books.annotate(m=Count("pages")).filter(m=3)


def of_own(books: BookQuerySet) -> BookQuerySet:
    books = books.annotate(m=Count("pages"))
    return books.filter(m=3).long()


def steps(orders: ModelQuerySet[Order], people: QuerySet[Person], flag: bool, named: dict[str, Any]) -> None:
    orders = orders.annotate(n=Count("lines"))
    assert_type(orders.filter(n__gt=3).get().n, int)
    found = Person.objects.all()
    found = found.annotate(n=Count("orders"))
    found = found.adults().order_by("n")
    assert_type([person.n for person in found], list[int])
    hidden = Order.objects.all()
    hidden = hidden.alias(n=Count("lines"))
    hidden.filter(n=3).order_by("-n")
    people = people.annotate(m=Count("orders")) if flag else people.alias(k=Count("orders"))
    if flag:
        people = people.annotate(q=Count("orders"))
    people.filter(m=3, k=4, q=5)
    for _ in range(3):
        people = people.annotate(o=Count("orders"))
    people.filter(o=3)
    fetched = Person.objects.all()
    fetched = fetched.prefetch_related(Prefetch("orders", to_attr="mine"))
    assert_type(fetched.get().mine, list[Order])
    Order.objects.annotate(**named).filter(anything=3).order_by("more").get().anything
    orders.filter(n="x")  # E29
    found.filter(nn=3)  # E30
    people.filter(p=3)  # E31
    hidden.get().n  # E32


PAID = Q(paid__gt=3)
PAYED = Q(payed__gt=3)  # E33
TWICE = Q(payed=3)
TWICE = Q(paid=3)


def variables(flag: bool, given: Q, price: Decimal | None) -> None:
    Order.objects.filter(PAID).exclude(PAYED)
    Order.objects.filter(TWICE)
    Order.objects.filter(given)
    both = Q(name="x")
    Person.objects.filter(both)
    both = Q(title="x")
    Company.objects.filter(both)
    if price is not None:
        dear = Q(paid__gt=price)
        Order.objects.filter(dear)
    for each in [Q(a=3), Q(b=4)]:
        Person.objects.filter(each)
    doubled = F("age") + F("age")
    assert_type(Person.objects.annotate(twice=doubled).get().twice, int)
    number = Count("lines")
    assert_type(Order.objects.annotate(number).filter(lines__count=3).get().lines__count, int)
    simple = Q(nmae="x")  # E34
    Person.objects.filter(simple)
    joined = Q(name="x")
    joined |= Q(agee=3)  # E35
    Person.objects.filter(~joined)
    chosen = Q(name="x") if flag else Q(mial="x")  # E36
    Person.objects.filter(chosen & Q(age=3))
    grown = Q()
    if flag:
        grown = grown & Q(age="x")  # E37
    else:
        grown &= ~Q(account__tokn=3)  # E38
    Person.objects.exclude(grown)
    age = F("aeg")  # E39
    Person.objects.filter(rank__gt=age)
    first, second = Q(naem="x"), Q(name="x")
    Person.objects.filter(first, second)

    def later() -> None:
        Person.objects.filter(closed)

    closed = Q(nmae=4)  # E40


def inner() -> None:
    Person.objects.filter(Exists(Order.objects.filter(buyer=OuterRef("pk"), paid__gt=OuterRef("boss__age"))))
    Person.objects.annotate(n=Count("orders")).filter(Exists(Order.objects.filter(paid=OuterRef("n"))))
    nested = Line.objects.filter(order=OuterRef("pk"), number=OuterRef(OuterRef("age")))
    Person.objects.filter(Exists(Order.objects.filter(Exists(nested))))
    newest = Order.objects.filter(buyer=OuterRef("pk")).order_by("-at")
    Person.objects.annotate(last=Subquery(newest.values("at")[:1]))
    Person.objects.filter(Exists(Order.objects.filter(buyer=OuterRef("pkk"))))  # E41
    Person.objects.filter(~Exists(Order.objects.filter(buyer=OuterRef("bos__id"))) | Q(age=3))  # E42
    Person.objects.annotate(last=Subquery(Order.objects.filter(buyer=OuterRef("ky")).values("at")[:1]))  # E43
    Person.objects.filter(pk__in=Order.objects.filter(buyer=OuterRef("pkk")).values("buyer"))  # E44
    Person.objects.filter(Exists(Order.objects.filter(Exists(Line.objects.filter(order=OuterRef("payd"))))))  # E45
    oldest = Order.objects.filter(buyer=OuterRef("pkk")).order_by("at")  # E46
    Person.objects.annotate(last=Subquery(oldest.values("at")[:1]))
    deep = Line.objects.filter(number=OuterRef(OuterRef("aeg")))  # E47
    Person.objects.filter(Exists(Order.objects.filter(Exists(deep))))
    assert_type(datetime.date.today(), datetime.date)
    Account.objects.filter(person__in=PersonQuerySet(Person).adults())
