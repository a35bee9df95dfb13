"""What checkers are told of primary keys, and of relations by several fields. Each line marked `# Enn` must be an error, every other line none.

What only text says is Any without the plugin, and the model with it.
"""
# ruff: noqa: F403, F405 - the lines are for checkers, the names are the package's own

from __future__ import annotations

from typing import Any, assert_type

from modelkit import *
from modelkit.expressions import Cond, Expr, NumExpr
from modelkit.expressions.references import OptRef, Ref


class Shop(Model):
    name = CharField(max_length=9)

    class Meta:
        app_label = "spec_keys"


class Item(Model):
    pk = CompositePrimaryKey("shop_id", "number")
    shop = ForeignKey(Shop, CASCADE)
    number = IntegerField()

    class Meta:
        app_label = "spec_keys"


class Sale(Model):
    shop = ForeignKey(Shop, CASCADE)
    number = IntegerField(null=True)
    item = ForeignObject(Item, CASCADE, ["shop_id", "number"], ["shop_id", "number"], related_name="sales", null=True)
    sure = ForeignObject(Item, CASCADE, ["shop_id", "number"], to_fields=["shop_id", "number"], related_name="+")
    named = ForeignObject("Item", CASCADE, ["shop_id", "number"], to_fields=["shop_id", "number"], related_name="+")

    class Meta:
        app_label = "spec_keys"


def keys(shop: Shop, item: Item) -> None:
    assert_type(shop.pk, Any)
    assert_type(Shop.pk, Expr[Shop, Any])
    assert_type(Shop.pk == 3, Cond[Shop])
    assert_type(item.pk, tuple[Any, ...])
    assert_type(Item.pk, Expr[Item, tuple[Any, ...]])
    assert_type(Item.pk == (1, 2), Cond[Item])
    item.pk = (1, 2)
    item.pk = [1, 2]
    item.pk = None
    assert_type(Item.objects.values_list(Item.pk, Item.number).get(), tuple[tuple[Any, ...], int])
    assert_type(Item.objects.in_bulk([(1, 2)]), dict[Any, Item])
    Item.objects.filter(Item.pk.in_([(1, 2), (1, 3)]), Item.pk > (1, 2)).order_by(Item.pk.desc())
    Item.objects.get(pk=(1, 2))


def relations(sale: Sale, item: Item) -> None:
    assert_type(sale.item, Item | None)
    assert_type(sale.sure, Item)
    assert_type(sale.named, Item)  # E: mypy, pyright, ty, pyrefly
    assert_type(sale.named, Any)  # E: mypy+plugin
    assert_type(Sale.item, OptRef[Sale, Item])
    assert_type(Sale.sure, Ref[Sale, Item])
    assert_type(Sale.sure[Item.number], NumExpr[Sale, int])
    assert_type(Sale.item[Item.number], NumExpr[Sale, int | None])
    sale.item = item
    sale.item = None
    Sale.objects.filter(Sale.item == item, Sale.sure[Item.shop][Shop.name] == "x")


def bad(sale: Sale, item: Item) -> None:
    item.pk = 5  # E01
    Item.objects.filter(Item.pk == 5)  # E02
    Item.objects.filter(Item.pk.in_([5]))  # E03
    CompositePrimaryKey(1)  # E04
    CompositePrimaryKey("a", "b", max_length=3)  # E05
    sale.sure = None  # E06
    sale.item = Shop()  # E07
    ForeignObject(Item, CASCADE)  # E08
    ForeignObject(Item, CASCADE, [1], ["number"])  # E09
    Sale.item[Shop.name]  # E10
    Shop.objects.filter(Item.pk == (1, 2))  # E11
