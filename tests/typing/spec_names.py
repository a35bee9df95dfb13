"""What mypy is told of names in text by the plugin. Exactly the marked lines are errors."""
# ruff: noqa: B018, PIE804, RUF015 - the lines are for checkers

from __future__ import annotations

import datetime
import uuid
from decimal import Decimal
from typing import assert_type

from modelkit import (
    Avg,
    Case,
    CharField,
    Count,
    ExpressionWrapper,
    F,
    IntegerField,
    Max,
    Prefetch,
    Q,
    QuerySet,
    RelatedSet,
    Sum,
    Value,
    When,
    Window,
)
from modelkit.expressions import ManyRef, NumExpr
from modelkit.functions import Cast, Coalesce, Lag, Length, Lower, RowNumber
from tests.typing.shop.catalog import Category, Product, Tag
from tests.typing.shop.orders import Line, Order, Review
from tests.typing.shop.people import Account, Company, Person, PersonQuerySet
from tests.typing.shop.places import Country, Place, Store


def keys_and_targets(order: Order, product: Product, review: Review, place: Place, category: Category) -> None:
    assert_type(order.buyer_id, int)
    assert_type(order.store_id, int | None)
    assert_type(product.owner_id, int)
    assert_type(place.country_id, str)
    assert_type(product.owner, Person)
    assert_type(review.author, Person | None)
    assert_type(review.author_id, int | None)
    assert_type(category.parent, Category | None)
    assert_type(Person().boss, Person | None)
    assert_type(Order.buyer_id, NumExpr[Order, int])
    order.buyer_id = 3
    order.store_id = None
    order.buyer_id = "x"  # E01
    order.buyer_id = None  # E02
    place.country_id = 3  # E03
    review.author = product  # E04


def far_sides(person: Person, product: Product, order: Order, place: Place, country: Country, company: Company) -> None:
    assert_type(person.team, RelatedSet[Person])
    assert_type(person.account, Account)
    assert_type(person.orders, RelatedSet[Order])
    assert_type(person.owned_products, RelatedSet[Product])
    assert_type(person.review_set, RelatedSet[Review])
    assert_type(person.companies.first(), Company | None)
    assert_type(country.place_set.get(), Place)
    assert_type(product.lines, RelatedSet[Line])
    assert_type(product.tags, RelatedSet[Tag])
    assert_type(Tag().products, RelatedSet[Product])
    assert_type(order.lines, RelatedSet[Line])
    assert_type(company.stores, RelatedSet[Store])
    assert_type(place.store, Store)
    assert_type(place.store.company.chief, Person | None)
    assert_type(Country.place_set, ManyRef[Country, Place])
    assert_type(Person.objects.filter(Person.orders.any(Order.paid > 3)).first(), Person | None)
    person.teem  # E05
    person.account.persn  # E06
    person.reviews  # E07
    product.line  # E08
    Country.places  # E09
    person.orders.filter(payd=3)  # E10
    person.orders.create(at=datetime.datetime.now())
    person.orders.create(at="now")  # E11
    assert_type(person.get_rank_display(), str)
    person.get_name_display()  # E12
    person.get_next_by_born()


def lookups(person: Person, store: Store, token: uuid.UUID) -> None:
    Person.objects.filter(owned_products__line__order__store__company__title="x")
    Person.objects.filter(team__boss__name__startswith="x", born__year__gte=2000, account__token=token)
    Person.objects.filter(born__gt=datetime.date.max, boss=None, boss__name=None, orders=None, review__stars=3)
    Person.objects.filter(born__year__in=[1, 2], nick__isnull=True, pk=3, pk__in=[1], id=3, boss_id=3, boss_id__in={3})
    Person.objects.filter(orders__in=Order.objects.all(), account__limit__range=[1, 2])
    Store.objects.filter(place_ptr=3, name="x", country="de", country__in=["de"], country_id="de", company__chief=person)
    Place.objects.filter(store__open_late=True, store__company__size=3)
    Product.objects.filter(data__a__b=3, data__has_key="x", tags__label__in=["a"], owner__orders__paid__gt=3)
    Product.objects.filter(price=3, price__lt=Decimal(3), price__gt=F("weight"), created__date=datetime.date.max)
    Company.objects.filter(size=3).filter(title__iexact="x")
    Company.objects.large().filter(stores__name="x")
    Person.objects.filter(Q(name="x") | ~Q(age__lt=3, boss__age=F("age")) & Q(("name", "x")))
    Person.objects.get(name="x", age=Length("name"))
    Person.objects.filter(boss__neme="x")  # E13
    Person.objects.filter(born__yeer=3)  # E14
    Person.objects.filter(born__year="x")  # E15
    Person.objects.filter(orders__store__company__titel="x")  # E16
    Person.objects.filter(Q(nmae="x"))  # E17
    Person.objects.filter(~Q(name="x") & Q(age="x"))  # E18
    Person.objects.filter(age=F("aeg"))  # E19
    Person.objects.filter(age__gt=Length("nmae"))  # E20
    Person.objects.exclude(Q(("nmae", "x")))  # E21
    Person.objects.filter(orders=store)  # E22
    Store.objects.filter(country=3)  # E23
    Place.objects.filter(store__open_late="x")  # E24
    Product.objects.filter(lines=3)  # E25
    Product.objects.filter(created__date="x")  # E26
    Company.objects.filter(sise=3)  # E27
    Company.objects.large().filter(stores__nmae="x")  # E28
    Person.objects.filter(age__range=(1, 2, 3))  # E29
    Person.objects.filter(account__token="x")  # E30
    Person.objects.get(nmae="x")  # E31
    Person.objects.filter(age__in=3)  # E32
    Person.objects.filter(name__startswith=3)  # E33


def names() -> None:
    Person.objects.order_by("-age", "boss__name", "?", F("name").desc(), "orders__paid", "pk")
    Person.objects.only("name", "boss__name").defer("age").distinct("name")
    Person.objects.select_related("boss__boss", "account").prefetch_related("orders__lines", "account", "team__companies")
    Person.objects.prefetch_related(Prefetch("orders", queryset=Order.objects.order_by("at"), to_attr="mine"))
    Person.objects.earliest("born")
    Person.objects.dates("born", "month")
    Person.objects.in_bulk(["x"], field_name="mail")
    Person().save(update_fields=["name"])
    Person.objects.order_by("nmae")  # E34
    Person.objects.order_by("-boss__nmae")  # E35
    Person.objects.order_by(F("nmae").desc())  # E36
    Person.objects.only("nmae")  # E37
    Person.objects.select_related("bos")  # E38
    Person.objects.select_related("orders")  # E39
    Person.objects.select_related("name")  # E40
    Person.objects.prefetch_related("order")  # E41
    Person.objects.prefetch_related("orders__linse")  # E42
    Person.objects.prefetch_related(Prefetch("ordres"))  # E43
    Person.objects.latest("brn")  # E44
    Person.objects.dates("bron", "month")  # E45
    Person().save(update_fields=["nmae"])  # E46
    Person.objects.bulk_update([], ["nmae"])  # E47
    Person.objects.in_bulk(["x"], field_name="mial")  # E48


def writes(person: Person, category: Category) -> None:
    Person(name="x", mail="y", age=3)
    Person(name="x", age=3, boss=person, boss_id=3)
    Person.objects.create(name="x", age=3, rank=2)
    Person.objects.update(age=3, boss=person, nick=None)
    Person.objects.update(age=F("age") + 1, boss=3)
    Person.objects.get_or_create(name="x", defaults={"age": 3})
    Person.objects.update_or_create(name="x", defaults={"age": 3}, create_defaults={"rank": 2})
    Product.objects.create(title="x", price=Decimal(3), category=category, owner=person)
    Person.objects.update(aeg=3)  # E49
    Person.objects.update(age="x")  # E50
    Person.objects.update(age=F("aeg") + 1)  # E51
    Person.objects.update(age=None)  # E52
    Person.objects.update(boss=category)  # E53
    Person.objects.get_or_create(nmae="x")  # E54
    Person.objects.get_or_create(name="x", defaults={"aeg": 3})  # E55
    Person.objects.update_or_create(name="x", defaults={"age": "x"})  # E56
    Person.objects.create(nmae="x", age=3)  # E57
    Product.objects.create(title="x", price=Decimal(3), owner=person)  # E58
    Product(title="x", tags=[])  # E59
    Order(buyer=person, at=datetime.datetime.now(), store=category)  # E60


def rows() -> None:
    assert_type(Person.objects.values("name", "boss__age").get()["boss__age"], int | None)
    assert_type(Person.objects.values("name").get()["name"], str)
    assert_type(Person.objects.values(low=Lower("name")).get()["low"], str)
    assert_type(Person.objects.values().get()["boss_id"], int | None)
    assert_type(Person.objects.values_list("name", "orders__paid"), QuerySet[Person, tuple[str, Decimal | None]])
    assert_type(Person.objects.values_list("pk", flat=True).first(), int | None)
    assert_type(Person.objects.values_list("name", Length("nick")).get(), tuple[str, int | None])
    assert_type(Store.objects.values_list("country", "country__name", "place_ptr").get(), tuple[str, str, int])
    assert_type(Person.objects.values_list("born__year", flat=True).get(), int | None)
    Person.objects.values("nmae")  # E61
    Person.objects.values("name").get()["nmae"]  # E62
    Person.objects.values(low=Lower("nmae"))  # E63
    Person.objects.values_list("name", "boss__nmae")  # E64
    Person.objects.values_list("name", flat=True).get().upper().foo  # E65
    Person.objects.values().get()["nmae"]  # E66


def named(people: PersonQuerySet) -> None:
    counted = Product.objects.annotate(n=Count("line"), top=Max("review__stars"))
    assert_type(counted.get().n, int)
    assert_type([each.top for each in counted.filter(n__gt=3).order_by("-n")], list[int | None])
    assert_type(list(counted)[0].n, int)
    assert_type(counted.values("title", "n").get()["n"], int)
    assert_type(counted.values_list("n", flat=True).first(), int | None)
    assert_type(Person.objects.aggregate(a=Avg("age"), n=Count("*"))["a"], float | None)
    assert_type(Person.objects.aggregate(Avg("age"))["age__avg"], float | None)
    assert_type(Order.objects.aggregate(s=Sum("paid"))["s"], Decimal | None)
    assert_type(Person.objects.annotate(twice=F("age") + F("age")).get().twice, int)
    assert_type(Person.objects.annotate(known=Coalesce("nick", "name")).get().known, str)
    assert_type(Person.objects.values("rank").annotate(n=Count("id")).get()["n"], int)
    Person.objects.alias(n=Count("orders")).filter(n=3).order_by("n")
    Person.objects.annotate(n=Count("orders")).annotate(m=F("n") + 1).filter(m__gt=F("n"))
    Person.objects.annotate(n=Count("orders", filter=Q(orders__paid__gt=3)))
    Product.objects.annotate(n=Count("lnies"))  # E67
    Person.objects.annotate(n=Count("orders")).get().m  # E68
    Person.objects.annotate(n=Count("orders")).filter(m=3)  # E69
    Person.objects.annotate(n=Count("orders")).filter(n="x")  # E70
    Person.objects.annotate(n=Count("orders")).order_by("m")  # E71
    Person.objects.aggregate(a=Avg("aeg"))  # E72
    Person.objects.aggregate(a=Avg("age"))["b"]  # E73
    Person.objects.annotate(n=Count("orders", filter=Q(orders__payd__gt=3)))  # E74
    Person.objects.alias(n=Count("orders")).get().n  # E75
    Person.objects.values("rank").annotate(n=Count("id")).get()["m"]  # E76
    Person.objects.filter(age__gt=Avg("aeg"))  # E77
    assert_type(people.adults().filter(name="x"), PersonQuerySet)


def alike(number: int) -> None:
    Person.objects.filter(age=F("rank"), name=Lower("nick"), boss=F("id"), boss_id=F("boss"), age__in=[F("rank"), number])
    Order.objects.filter(paid=F("buyer__age"), at=F("buyer__born"), paid__range=(F("buyer__age"), F("paid") + 3))
    Product.objects.filter(data=F("title"), title=F("data__x"), title__contains=F("owner__name"), pk=F("owner"))
    Product.objects.filter(title=Cast("price", CharField()), price=Coalesce("weight", "price"))
    Person.objects.filter(age=F("name"))  # E78
    Person.objects.exclude(name=F("boss__age"))  # E79
    Person.objects.filter(Q(born=F("age")) | Q(name="x"))  # E80
    Person.objects.filter(age__in=[3, F("name")])  # E81
    Person.objects.filter(boss=F("name"))  # E82
    Person.objects.filter(boss__name=F("boss"))  # E83
    Person.objects.filter(name__startswith=F("age"))  # E84
    Person.objects.filter(born__year=Lower("name"))  # E85
    Person.objects.get(age__range=(F("name"), 3))  # E86
    text = F("name")
    Person.objects.filter(age=text)  # E87


def relations_by_name(person: Person, order: Order, product: Product) -> None:
    bought = Order.objects.annotate(who=F("buyer"), shop=F("store"))
    assert_type(bought.get().who, int)
    assert_type(bought.get().shop, int | None)
    assert_type(bought.values("who").get()["who"], int)
    bought.filter(who=person, shop=None).exclude(who__in=[person, 3], who__gt=person).order_by("-who")
    bought.filter(Q(who=person.pk) | Q(shop__isnull=True), who=F("buyer"), buyer=F("who"))
    bought.annotate(again=F("who")).get(again=person)
    Order.objects.values(who=F("buyer")).filter(who=person)
    Person.objects.alias(order=F("orders"), above=F("boss__boss")).filter(order=order, above=person)
    Product.objects.annotate(tag=F("tags")).filter(tag=Tag.objects.get())
    bought.filter(who=order)  # E88
    bought.filter(who="x")  # E89
    bought.filter(who__in=[order])  # E90
    bought.filter(who__range=(1, 3))  # E91
    bought.filter(who__mail="x")  # E92
    bought.order_by("who__mail")  # E93
    bought.filter(who=F("buyer__name"))  # E94
    bought.annotate(again=F("who")).filter(again=product)  # E95
    Order.objects.annotate(who=Max("buyer")).filter(who=person)  # E96


def spread(person: Person, name: str, others: dict[str, str]) -> None:
    Person.objects.filter(**{"age__gte": 3, "boss__name": "x", f"{name}__in": [3], "born": "2024-01-01"})
    Person.objects.filter(Q(**{"age": 3}) | Q(name="x", **others), **others)
    Person.objects.create(**{"name": "x", "boss": person})
    Person.objects.update(**{"age": F("age") + 1, "nick": Lower("name")})
    Person.objects.get_or_create(name="x", **{"age": 3}, defaults={"rank": 3})
    chosen = {"age": 3, "toked": 4}
    chosen.pop("toked")
    Person.objects.filter(**chosen)
    assert_type(Person.objects.annotate(**{"n": Count("orders")}).get().n, int)
    Person.objects.filter(**{"aeg__gte": 3})  # E97
    Person.objects.exclude(**{"age__gte": "x"})  # E98
    Person.objects.filter(Q(**{"nmae": "x"}))  # E99
    Person.objects.create(**{"nmae": "x"})  # E100
    Person(**{"age": "x"})  # E101
    Person.objects.update(**{"aeg": 3})  # E102
    Person.objects.get_or_create(**{"nmae": "x"})  # E103
    wrong = {"nmae": "x"}  # E104
    Person.objects.get(**wrong)
    defaults = {"aeg": 3}  # E105
    Person.objects.update_or_create(name="x", defaults=defaults)
    Person.objects.annotate(**{"n": Count("ordres")})  # E106


def computed(days: datetime.timedelta) -> None:
    assert_type(Order.objects.annotate(x=F("paid") * 2 + F("store")).get().x, Decimal | None)
    assert_type(Order.objects.annotate(x=F("at") - F("at")).get().x, datetime.timedelta)
    assert_type(Order.objects.annotate(x=F("at") + days).get().x, datetime.datetime)
    assert_type(Product.objects.annotate(x=F("price") * 1.5).get().x, Decimal)
    assert_type(Person.objects.annotate(x=Case(When(age=3, then=1), default=0)).get().x, int)
    assert_type(Person.objects.annotate(x=Case(When(age=3, then="name"), default=Value("x"))).get().x, str)
    assert_type(Person.objects.annotate(x=Case(When(age=3, then=Value("x")))).get().x, str | None)
    assert_type(Person.objects.annotate(x=Window(RowNumber(), order_by="age")).get().x, int)
    assert_type(Person.objects.annotate(x=Window(Lag("name"), order_by="age")).get().x, str | None)
    assert_type(Person.objects.annotate(x=Cast("nick", IntegerField())).get().x, int | None)
    assert_type(Person.objects.annotate(
        x=F("age") + F("age") + F("age") + F("age") + F("age") + F("age") + F("age") + F("age")
        + F("age") + F("age") + F("age") + F("age") + F("age") + F("age") + F("age") + F("age")
        + F("age") + F("age") + F("age") + F("age") + F("age") + F("age") + F("age") + F("age")
        + F("age") + F("age") + F("age") + F("age") + F("age") + F("age") + F("age") + F("age")
    ).get().x, int)
    Person.objects.annotate(x=ExpressionWrapper(F("name") + F("age"), output_field=CharField()))
    Person.objects.update(age=F("rank") * 2, boss=F("id"), nick=F("name"))
    Person.objects.annotate(x=F("name") + F("age"))  # E107
    Person.objects.filter(name=F("name") + "x")  # E108
    Person.objects.order_by(F("born") - 1)  # E109
    Order.objects.aggregate(x=Sum(F("at") * F("paid")))  # E110
    Person.objects.annotate(x=Case(When(age=3, then=1), default=0)).filter(x="x")  # E111
    Person.objects.annotate(x=Window(RowNumber(), order_by="age")).get().x.upper()  # E112
    Person.objects.update(age=F("name"))  # E113
    Person.objects.update(name=F("age") + 1)  # E114


SHOWN = ("name", "age")
MISSPELT = ["name", "aeg"]  # E115


def listed(person: Person, names: list[str]) -> None:
    assert_type(Person.objects.values(*SHOWN).get()["age"], int)
    assert_type(Person.objects.values_list(*SHOWN).get(), tuple[str, int])
    Person.objects.values("name", *names).get()["nmae"]
    person.save(update_fields=SHOWN)
    changed = ["nmae"]
    changed.remove("nmae")
    Person.objects.only(*changed)
    Person.objects.only(*MISSPELT)
    Person.objects.values(*["nmae"])  # E116
    ordering = ["nmae"]  # E117
    Person.objects.order_by(*ordering)
    Person.objects.select_related(*("age",))  # E118
    Person.objects.prefetch_related(*["ordres"])  # E119
    Person.objects.distinct(*["nmae"])  # E120
    Person.objects.values(*SHOWN).get()["mail"]  # E121
    Person.objects.values_list(*SHOWN).get()[2]  # E122
    fields = ("nmae",)  # E123
    Person.objects.bulk_update([], fields)
    updated = ["nmae"]  # E124
    person.save(update_fields=updated)
    person.refresh_from_db(fields=["nmae"])  # E125


def conditions() -> None:
    Person.objects.filter(F("active"), ~F("active"), Q(F("active")) | Q(age=3), Coalesce("active", Value(True)))
    Person.objects.exclude(Case(When(F("active"), then=F("boss__active")), default=False)).get(Value(True))
    Person.objects.annotate(x=Case(When(Q(age=3), F("age")), default=0))
    Person.objects.filter(F("age"))  # E126
    Person.objects.exclude(Q(F("boss")))  # E127
    Person.objects.get(Lower("name"))  # E128
    Person.objects.annotate(x=Case(When(F("age"), then=1)))  # E129
    Person.objects.filter(F("age").desc())  # E130


def of_either(placed: Place | Line, kept: Review | Order, owner: Person | None) -> None:
    either: Product | Person = Product()
    if owner is not None:
        either = owner
    assert_type(either.review_set, RelatedSet[Review])
    either.review_set.filter(star=3)  # E131
    placed.place_set  # E132
    kept.author_id  # E133
    Person.objects.annotate(n=Count("orders")).first().n.upper()  # E134
