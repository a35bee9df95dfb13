"""Programs that ask the same without what Django stumbles over, so that a reason can be put to the proof.

A rewriting takes a step and gives texts that mean the same and avoid one thing. Where Django gives for such a text what
modelkit gave for the step as it was, that thing is the cause of the difference, and modelkit is right by Django itself.
Knows the syntax of steps, and nothing of how they run.
"""

from __future__ import annotations

import ast
import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Final

from tests.properties.differential.models import COMPOSITE, MODELS

__all__ = [
    "compared_as_values",
    "in_lists",
    "joined_outer",
    "not_known_empty",
    "read_joins",
    "selected",
    "swapped",
    "values_named",
    "without_model_order",
]

_NO_ROWS: Final = "Tag.objects.filter(pk__lt=0).values('pk')"
_NOWHERE: Final = (
    "-77",
    "'nowhere'",
    "date(1900, 1, 1)",
    "datetime(1900, 1, 1, tzinfo=UTC)",
    "Decimal('-77')",
    "timedelta(9999)",
)
"""A value of each kind that no row has."""
_OPTIONS: Final = frozenset({"default", "distinct", "filter", "output_field", "then", "tzinfo"})
"""Keywords that are no lookups."""
_LINKED: Final = {
    "Tag.objects.get.books": "Book.objects.filter(Q(tags",
    "Book.objects.get.tags": "Tag.objects.filter(Q(books",
}
"""The managers of the many-to-many relation, and how the rows that they find are asked for without them."""
_LOOKUPS: Final = frozenset({"Exact", "GreaterThan", "LessThanOrEqual", "IsNull", "Contains"})


def not_known_empty(step: str) -> Iterator[str]:
    """Each constant with a name as a function of it, and each empty list behind `__in`, and none(), as an inner query without
    rows, or as a list of one value that no row has.

    The list is for windows, beside which Django takes an inner query for one value; it is not empty where NULL is looked for.
    """
    for text in (_NO_ROWS, *(f"[{value}]" for value in _NOWHERE)):
        yield from _rewritten(step, functools.partial(_emptied, text=text))


def _emptied(node: ast.AST, text: str) -> ast.AST | None:
    match node:
        case ast.Call(func=ast.Attribute(value=query, attr="none"), args=[]):
            return _expression(f"{ast.unparse(query)}.filter(pk__in={text})")
        case ast.keyword(arg=name, value=ast.Call(func=ast.Name(id="Value")) as value) if name not in _OPTIONS:
            return ast.keyword(name, _expression(f"Coalesce({ast.unparse(value)}, {ast.unparse(value)})"))
    return _behind_in(node, _is_empty_list, text)


def in_lists(step: str) -> Iterator[str]:
    """Each inner query behind `__in` as the list of its keys; never an empty one, of which Django knows that it is."""

    def keys(node: ast.AST) -> ast.AST | None:
        return _behind_in(node, _is_query, "[*{}.values_list('pk', flat=True), -77]")

    return _rewritten(step, keys)


def swapped(step: str) -> Iterator[str]:
    """The conditions beside each `|` and `&` in the other order."""

    def swap(node: ast.AST) -> ast.AST | None:
        match node:
            case ast.BinOp(left=left, op=ast.BitOr() | ast.BitAnd() as op, right=right) if not _is_query(left):
                return ast.BinOp(right, op, left)
        return None

    return _rewritten(step, swap)


def values_named(step: str) -> Iterator[str]:
    """Each value computed inside filter() and exclude() as an alias() of its own before it."""
    names = map("z{}".format, itertools.count())

    def named(node: ast.AST) -> ast.AST | None:
        match node:
            case ast.Call(
                func=ast.Attribute(value=query, attr="filter" | "exclude" as verb), args=args, keywords=keywords
            ):
                namer = _Namer(names)
                given = [namer.visit(arg) for arg in args], [namer.visit(keyword) for keyword in keywords]
                if namer.found:
                    aliases = list(itertools.starmap(ast.keyword, namer.found.items()))
                    return ast.Call(ast.Attribute(ast.Call(ast.Attribute(query, "alias"), [], aliases), verb), *given)
        return None

    return _rewritten(step, named)


class _Namer(ast.NodeTransformer):
    """Puts a name in place of the computed value of each lookup of one call, and keeps what it names; leaves queries inside alone."""

    def __init__(self, names: Iterator[str]) -> None:
        self.names = names
        self.found: dict[str, ast.expr] = {}

    def visit_Call(self, node: ast.Call) -> ast.AST:
        return node if isinstance(node.func, ast.Attribute) else self.generic_visit(node)

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        if node.arg in _OPTIONS or not _is_computed(node.value):
            return self.generic_visit(node)
        name = next(self.names)
        self.found[name] = node.value
        return ast.keyword(node.arg, _expression(f"F({name!r})"))


def joined_outer(step: str) -> Iterator[str]:
    """What filter() and the managers of a many-to-many relation ask beside what never holds, so that no row must be joined."""

    def beside(node: ast.AST) -> ast.AST | None:
        match node:
            case ast.Call(func=ast.Attribute(attr="filter") as func, args=args, keywords=keywords) if args or keywords:
                whole = ast.Call(ast.Name("Q"), args, keywords)
                return ast.Call(func, [ast.BinOp(whole, ast.BitOr(), _expression("Q(pk__lt=-1)"))], [])
            case ast.Attribute(value=ast.Call(func=get, keywords=[ast.keyword(arg="pk", value=key)]), attr=name):
                found = _LINKED.get(f"{ast.unparse(get)}.{name}")
                return _expression(f"{found}={ast.unparse(key)}) | Q(pk__lt=-1))") if found else None
        return None

    return _rewritten(step, beside)


def selected(step: str) -> Iterator[str]:
    """annotate() for each alias()."""

    def annotate(node: ast.AST) -> ast.AST | None:
        match node:
            case ast.Attribute(value=value, attr="alias", ctx=ctx):
                return ast.Attribute(value, "annotate", ctx)
        return None

    return _rewritten(step, annotate)


def without_model_order(step: str) -> Iterator[str]:
    """What is read without an order, or as a whole, without the order of its model."""
    match _expression(step):
        case ast.Call(func=ast.Name(id="unordered"), args=[query]):
            yield f"unordered({ast.unparse(query)}.order_by())"
        case ast.Call(func=ast.Attribute(value=query, attr="count" | "exists" as ending)):
            yield f"{ast.unparse(query)}.order_by().{ending}()"


def compared_as_values(step: str) -> Iterator[str]:
    """Each lookup that is a value as a function that gives the same, so that rows are grouped by its truth."""

    def value(node: ast.AST) -> ast.AST | None:
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in _LOOKUPS:
                return _expression(f"NullIf({ast.unparse(node)}, Value(None, output_field=BooleanField()))")
        return None

    return _rewritten(step, value)


def read_joins(step: str) -> Iterator[str]:
    """For each FilteredRelation, the query up to it with a condition that reads it."""
    for node in ast.walk(_expression(step)):
        match node:
            case ast.Call(keywords=[ast.keyword(arg=str(name), value=ast.Call(func=ast.Name(id="FilteredRelation")))]):
                yield f"unordered({ast.unparse(node)}.exclude({name}__pk=-1).values('pk'))"


def _rewritten(step: str, change: Callable[[ast.AST], ast.AST | None]) -> Iterator[str]:
    """`step` with what `change` gives in place of each node for which it gives something, if there is one."""
    rewriter = _Rewriter(change)
    changed = rewriter.visit(_expression(step))
    if rewriter.changes:
        yield ast.unparse(changed)


class _Rewriter(ast.NodeTransformer):
    def __init__(self, change: Callable[[ast.AST], ast.AST | None]) -> None:
        self.change = change
        self.changes = 0

    def visit(self, node: ast.AST) -> ast.AST:
        node = self.generic_visit(node)
        changed = self.change(node)
        if changed is None:
            return node
        self.changes += 1
        return changed


def _behind_in(node: ast.AST, holds: Callable[[ast.expr], bool], text: str) -> ast.AST | None:
    """A keyword for `__in` with `text`, formatted with its value, in place of the value, if that `holds`."""
    match node:
        case ast.keyword(arg=str(name), value=value) if name.endswith("__in") and holds(value):
            return ast.keyword(name, _expression(text.format(ast.unparse(value))))
    return None


def _is_computed(node: ast.expr) -> bool:
    """Whether `node` is an expression with a name in it, and not a name alone or an inner query."""
    alone = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("F", "OuterRef")
    named = any(isinstance(part, ast.Name) and part.id in ("F", "OuterRef", "Q") for part in ast.walk(node))
    return named and not alone and not isinstance(node, (ast.List, ast.Tuple)) and not _is_query(node)


def _expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _is_empty_list(node: ast.expr) -> bool:
    return isinstance(node, ast.List) and all(
        isinstance(item, ast.Constant) and item.value is None for item in node.elts
    )


def _is_query(node: ast.expr) -> bool:
    """Whether `node` is a queryset: a chain of calls that begins at a model, or several combined."""
    match node:
        case ast.Call(func=inner) | ast.Attribute(value=inner) | ast.Subscript(value=inner) | ast.BinOp(left=inner):
            return _is_query(inner)
        case _:
            return isinstance(node, ast.Name) and node.id in (*MODELS, *COMPOSITE)
