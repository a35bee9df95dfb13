"""Mistakes in typed expressions over the shop's models: every checker is to find them without a plugin."""
# ruff: noqa: B018 - the lines are for checkers

from __future__ import annotations

import datetime

from modelkit import exists, outer, subquery
from modelkit.expressions import Cond
from tests.typing.shop.catalog import Category, Product, Tag
from tests.typing.shop.orders import Line, Order, Review
from tests.typing.shop.people import Account, Company, Person
from tests.typing.shop.places import Country, Place, Store


def fields(person: Person, product: Product, order: Order, place: Place, store: Store) -> None:
    person.name = 3  # E01
    person.name = None  # E02
    person.age = "x"  # E03
    person.born = "2024-01-01"  # E04
    person.active = "yes"  # E05
    person.nick.upper()  # E06
    product.price = 1.5  # E07
    product.price = "1.50"  # E08
    product.category = None  # E09
    product.category = person  # E10
    order.buyer = None  # E11
    order.buyer = order  # E12
    order.at = datetime.date(2024, 1, 1)  # E13
    order.store.name  # E14
    place.height + 1  # E15
    store.company.chief.name  # E16
    store.country.nmae  # E17
    person.objects  # E18
    order.lines.add(person)  # E19


def conditions(person: Person, order: Order) -> None:
    Person.objects.filter(Person.age == "x")  # E20
    Person.objects.filter(Person.age >= "x")  # E21
    Person.objects.filter(Person.aeg >= 3)  # E22
    Person.objects.filter(Person.age.icontains("x"))  # E23
    Person.objects.filter(Person.name == None)  # noqa: E711  # E24
    Person.objects.filter(Person.name.startswith(3))  # E25
    Person.objects.filter(Company.size > 3)  # E26
    Person.objects.filter((Person.age > 3) & (Company.size > 3))  # E27
    Person.objects.filter(Person.age > 3, Order.paid > 3)  # E28
    Person.objects.filter(Person.age.in_(["a"]))  # E29
    Person.objects.filter(Person.born.yaer == 3)  # E30
    Person.objects.filter(Person.born.year == "x")  # E31
    Person.objects.filter(Person.active.icontains("x"))  # E32
    Person.objects.filter(Person.name.length() > "x")  # E33
    Person.objects.exclude(Person.age.between(1, "b"))  # E34
    Person.objects.get(Company.title == "x")  # E35
    Order.objects.filter(Order.buyer == order)  # E36
    Order.objects.filter(Order.buyer == None)  # noqa: E711  # E37
    Order.objects.filter(Order.buyer[Company.title] == "x")  # E38
    Order.objects.filter(Order.buyer[Person.age] == "x")  # E39
    Order.objects.filter(Order.buyer[Person.age].lower() == "x")  # E40
    Order.objects.filter(Order.store[Company.title] == "x")  # E41
    Order.objects.filter(Order.buyer.has(Company.size > 3))  # E42
    Order.objects.filter(Order.lines.any(Order.paid > 3))  # E43
    Order.objects.filter(Order.lines.any(Line.number > "x"))  # E44
    Order.objects.filter(Order.at > 3)  # E45
    Product.objects.filter(Product.price > 1.5)  # E46
    Product.objects.filter(Product.tags.any(Category.title == "x"))  # E47
    Store.objects.filter(Store.company[Company.chief] == order)  # E48
    Country.objects.filter(Country.code == 3)  # E49
    Account.objects.filter(Account.token == 3)  # E50
    Place.objects.filter(Place.height > "x")  # E51


def rows() -> None:
    Person.objects.order_by(Company.title)  # E52
    Person.objects.order_by(Company.size.desc())  # E53
    Person.objects.values_list(Company.title)  # E54
    Person.objects.values_list(Person.name, flat=True).get().foo  # E55
    Person.objects.values_list(Person.name, Person.age).get()[2]  # E56
    Person.objects.aggregate(Person.name.sum())  # E57
    Person.objects.aggregate(Person.age)  # E58
    Person.objects.aggregate(Company.size.max())  # E59
    Order.objects.annotate(Order.lines.count(Person.age > 3))  # E60
    Order.objects.annotate(Person.age)  # E61
    Person.objects.update(Person.age.set("x"))  # E62
    Person.objects.update(Company.size.set(3))  # E63
    Person.objects.update(Person.age.set(None))  # E64
    Order.objects.update(Order.buyer.set(None))  # E65
    Person.objects.first().name  # E66
    Order.objects.filter(exists(Line.objects.filter(Line.number > outer(Order.nmae))))  # E67
    Order.objects.filter(exists(3))  # E68
    Order.objects.filter(subquery(Line.objects.all()))  # E69
    Review.objects.filter(Review.stars.coalesce("x") > 3)  # E70
    Tag.objects.values_list(Tag.label[0:1], flat=True).get() + 3  # E71
    Person.age + "x"  # E72
    Person.name.trim(3, 4, 5)  # E73
    Order.at - "x"  # E74
    Person.objects.filter(Person.id.in_(Person.objects.values_list(Person.name, flat=True)))  # E75


def truth(person: Person, adult: Cond[Person], chosen: Cond[Person] | None) -> None:
    if Person.age > 3:  # E76: mypy+plugin, pyright
        person.save()
    grown = Person.age >= 18
    while person.active and not grown:  # E77: mypy+plugin, pyright
        person.save()
    print("old" if Person.active else "young")  # E78: mypy+plugin, pyright
    if chosen:  # E79: mypy+plugin, pyright
        Person.objects.filter(chosen)
    Order.objects.filter(Order.buyer.has(adult and Person.age < 65))  # E80: mypy+plugin
    Person.objects.filter(18 <= Person.age < 65)  # E81: mypy+plugin
