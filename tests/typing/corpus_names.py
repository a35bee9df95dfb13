"""Mistakes in names and keywords over the shop's models, beside those of spec_names: mypy with the plugin is to find them all."""

from __future__ import annotations

from decimal import Decimal
from typing import assert_type

from modelkit import Avg, Case, Count, Exists, F, FilteredRelation, Max, Min, OuterRef, Q, Sum, Value, When, Window
from modelkit.functions import Cast, Coalesce, Concat, ExtractYear, Lower, RowNumber, Trunc, Upper
from tests.typing.shop.catalog import Category, Product, Tag
from tests.typing.shop.orders import Line, Order, Review
from tests.typing.shop.people import Account, Company, Person
from tests.typing.shop.places import BigStore, Country, Place, Store


def lookups(person: Person, product: Product, order: Order) -> None:
    Tag.objects.filter(labl="x")  # E01
    Tag.objects.filter(products__titel="x")  # E02
    Tag.objects.filter(products__price__gt="dear")  # E03
    Category.objects.filter(children__children__parent__titl="x")  # E04
    Category.objects.filter(product__category__title=3)  # E05
    Category.objects.filter(product__owned="x")  # E06
    Product.objects.filter(owner__account__limit="x")  # E07
    Product.objects.filter(owner__acount__limit=3)  # E08
    Product.objects.filter(created__yeer=3)  # E09
    Product.objects.filter(created__lt=3)  # E10
    Product.objects.filter(tags=order)  # E11
    Product.objects.filter(tags__in=["x"])  # E12
    Product.objects.filter(stock__startswith="1")  # E13
    Product.objects.filter(line__number__in=["x"])  # E14
    Product.objects.filter(review__author__boss__name__contains=3)  # E15
    Order.objects.filter(lines__product__category__parent__titel="x")  # E16
    Order.objects.filter(at__date="tomorrow")  # E17
    Order.objects.filter(buyer__name__isnull="no")  # E18
    Order.objects.filter(store__place_ptr__nme="x")  # E19
    Order.objects.filter(lines=person)  # E20
    Order.objects.exclude(Q(buyer__age__gt="x") | Q(paid=None))  # E21
    Order.objects.get(Q(buyr=person))  # E22
    Line.objects.filter(order__buyer__orders__lines__product__tags__lable="x")  # E23
    Line.objects.filter(order_id="x")  # E24
    Review.objects.filter(stars__range=(1, 2, 3))  # E25
    Review.objects.filter(author__in=[product])  # E26
    Account.objects.filter(person__account__person__nme="x")  # E27
    Account.objects.filter(limit__isnul=True)  # E28
    Company.objects.filter(stores__country__code=3)  # E29
    Company.objects.exclude(chief__companies__sise=3)  # E30
    Country.objects.filter(place__heigth=3)  # E31
    Place.objects.filter(height="tall")  # E32
    Store.objects.filter(nam="x")  # E33
    BigStore.objects.filter(company__titel="x")  # E34
    BigStore.objects.filter(open_late="x")  # E35
    person.orders.filter(lines__numbr=3)  # E36
    person.owned_products.exclude(categry=3)  # E37
    order.lines.get(product__price="x")  # E38
    product.tags.filter(labell="x")  # E39


def expressions(person: Person) -> None:
    Person.objects.annotate(x=Sum("orders__payd"))  # E40
    Person.objects.annotate(x=Case(When(aeg=3, then=Value(1))))  # E41
    Person.objects.annotate(x=Case(When(age=3, then="nmae"), default="name"))  # E42
    Person.objects.annotate(x=Case(When(age=3, then="name"), default="nmae"))  # E43
    Person.objects.annotate(x=Coalesce("nick", "nmae"))  # E44
    Person.objects.annotate(x=Concat("nmae", Value("x")))  # E45
    Person.objects.annotate(x=Lower(Upper("nmae")))  # E46
    Person.objects.annotate(x=ExtractYear("bron"))  # E47
    Person.objects.annotate(x=Trunc("bron", "month"))  # E48
    Person.objects.annotate(x=F("age") * F("rnk"))  # E49
    Person.objects.annotate(x=Window(RowNumber(), partition_by="rnk", order_by="age"))  # E50
    Person.objects.annotate(x=Window(RowNumber(), order_by=[F("aeg").desc()]))  # E51
    Person.objects.annotate(mine=FilteredRelation("ordrs", condition=Q(orders__paid__gt=3)))  # E52
    Person.objects.annotate(x=Count("orders", filter=Q(orders__lnes=3)))  # E53
    Person.objects.annotate(x=Max(F("aeg") + 1)).filter(x=3)  # E54
    Person.objects.filter(Exists(Order.objects.filter(byer=OuterRef("pk"))))  # E55
    Person.objects.filter(pk__in=Order.objects.values("byer"))  # E56
    Person.objects.order_by(Coalesce("nick", "nmae").desc())  # E57
    Person.objects.order_by("orders__lines__nmber")  # E58
    Person.objects.values("orders__lines__nmber")  # E59
    Person.objects.values_list("account__tokn", flat=True)  # E60
    Person.objects.update(boss=F("bos"))  # E61
    Person.objects.update(nick=Lower("nmae"))  # E62
    Product.objects.update(title=3)  # E63
    Product.objects.update(tags=[])  # E64
    Product.objects.update(category__title="x")  # E65
    Product.objects.aggregate(total=Sum("prise"))  # E66
    Product.objects.aggregate(total=Sum(F("price") * F("stok")))  # E67
    Product.objects.aggregate(least=Min("price"))["lest"]  # E68
    Product.objects.annotate(n=Count("line")).values("title", "m")  # E69
    Product.objects.values("category").annotate(n=Avg("prise"))  # E70
    Product.objects.values("category").annotate(n=Avg("price")).order_by("m")  # E71
    Product.objects.annotate(x=Cast("prise", Product.price))  # E72
    Product.objects.create(title="x", price=Decimal(3), category=person, owner=person)  # E73
    Product.objects.create(title="x", price="dear", category_id=3, owner=person)  # E74
    Account.objects.create(person=person)  # E75
    Account(person=person, tokn="x", token="0" * 32)  # E76
    Company.objects.update_or_create(title="x", defaults={"sise": 3})  # E77
    Store(name="x", country_id="de", company=person)  # E78
    Store.objects.create(name="x", country_id="de")  # E79
    Tag.objects.get_or_create(label=3)  # E80
    Review.objects.bulk_update([], fields=["star"])  # E81
    Review.objects.bulk_create([], update_conflicts=True, update_fields=["star"], unique_fields=["id"])  # E82
    Review.objects.select_related("product__categry")  # E83
    Review.objects.select_related("product__tags")  # E84
    Review.objects.prefetch_related("product__tagz")  # E85
    Review.objects.only("star").defer("text")  # E86


def comparisons() -> None:
    Person.objects.aggregate(x=Avg("name"))  # E87
    Order.objects.annotate(x=Sum(F("at")))  # E88
    Order.objects.filter(paid__gt=F("buyer__name"))  # E89
    Person.objects.exclude(Q(born__gte=F("age")) | Q(name__lt=Lower("nick")))  # E90
    Person.objects.filter(age__gt=F("rank"), name__lte=Lower("nick"), born__gt=F("orders__at"), boss__gt=F("id"))
    Order.objects.aggregate(x=Sum(F("paid") * 2), y=Avg("lines__number", filter=Q(buyer__name__gt="x")))
    Person.objects.filter(age=F("name"))  # E91
    Order.objects.exclude(paid=F("buyer__name"))  # E92
    Order.objects.filter(Q(buyer__born=F("paid")))  # E93
    Order.objects.annotate(who=F("buyer")).filter(who=Order())  # E94
    Order.objects.annotate(who=F("buyer")).filter(who__mail="x")  # E95
    Order.objects.annotate(who=F("buyer")).filter(who=Person(), buyer__age=F("who"))


def related(person: Person, product: Product, account: Account, store: Store) -> None:
    person.team.adlts()  # E96
    person.team.adults().adlts()  # E97
    person.team.adults(18)  # E98
    person.companies.larg().filter(size=3)  # E99
    person.companies.large().filter(siez=3)  # E100
    product.owner.team.adults().filter(nmae="x")  # E101
    account.person.team.order_by("age").adult()  # E102
    store.company.stores.large()  # E103
    assert_type(person.team.adults().adults().first(), Person | None)
    assert_type(product.owner.companies.large().get().title, str)
