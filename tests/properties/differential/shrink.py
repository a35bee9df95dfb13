"""Makes a difference small: drops steps, calls, arguments and rows as long as it stays a difference of the same kind.

Works on the syntax tree of a program, so it knows nothing of how programs are drawn. An order_by() stays whole, and so
does unordered(): without them two right answers may differ.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator, Sequence

from tests.properties.differential.models import Rows

__all__ = ["smaller_rows", "smaller_steps"]

_ENDINGS = frozenset(
    "aggregate contains count dates datetimes earliest exists first get in_bulk iterator last latest".split()
)
"""What stands at the end of a query. Without it, and without an order, two right answers may differ."""


def smaller_steps(steps: Sequence[str], differs: Callable[[Sequence[str]], bool]) -> list[str]:
    """The smallest program found that still `differs`."""
    kept = list(steps)
    progress = True
    while progress:
        progress = False
        for candidate in _candidates(kept):
            if differs(candidate):
                kept, progress = candidate, True
                break
    return kept


def smaller_rows(rows: Rows, differs: Callable[[Rows], bool]) -> Rows:
    """The fewest rows found over which there still is a difference."""
    for number in reversed(range(len(rows.links))):
        fewer = Rows(rows.rows, rows.links[:number] + rows.links[number + 1 :])
        rows = fewer if differs(fewer) else rows
    for number in reversed(range(len(rows.rows))):
        fewer = Rows(rows.rows[:number] + rows.rows[number + 1 :], rows.links)
        rows = fewer if differs(fewer) else rows
    return rows


def _candidates(steps: list[str]) -> Iterator[list[str]]:
    for number in range(len(steps) - 1):
        yield steps[:number] + steps[number + 1 :]
    for number, step in enumerate(steps):
        for text in _smaller(step):
            yield [*steps[:number], text, *steps[number + 1 :]]


def _smaller(step: str) -> Iterator[str]:
    """All programs that are one cut smaller, the deepest cuts first."""
    tree = ast.parse(step, mode="eval")
    places = [node for node in ast.walk(tree) if isinstance(node, ast.expr)]
    orders = [node.value for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "order_by"]
    for number, place in enumerate(places):
        if place in orders:
            continue
        for cut in range(len(list(_cuts(place)))):
            smaller = copy.deepcopy(tree)
            target = [node for node in ast.walk(smaller) if isinstance(node, ast.expr)][number]
            replaced = _Replace(target, list(_cuts(target))[cut]).visit(smaller)
            yield ast.unparse(ast.fix_missing_locations(replaced))


def _cuts(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.Call(func=ast.Attribute(attr="order_by")) | ast.Call(func=ast.Name(id="unordered")):
            return
        case ast.Call(func=func, args=args, keywords=keywords):
            if isinstance(func, ast.Attribute) and _leaves_a_query(func):
                yield func.value
            if not isinstance(func, ast.Attribute):
                yield from (arg for arg in args if isinstance(arg, ast.Call))
            yield from (keyword.value for keyword in keywords if isinstance(keyword.value, ast.Call))
            if len(args) + len(keywords) == 1 and isinstance(func, ast.Name):
                return
            for number in range(len(args)):
                yield ast.Call(func, args[:number] + args[number + 1 :], keywords)
            for number in range(len(keywords)):
                if keywords[number].arg != "order_by":
                    yield ast.Call(func, args, keywords[:number] + keywords[number + 1 :])
        case ast.BinOp(left=left, right=right):
            yield left
            yield right
        case ast.UnaryOp(operand=operand):
            yield operand
        case ast.Subscript(value=value) if isinstance(value, ast.Call):
            yield value
        case ast.List(elts=elts, ctx=ctx):
            for number in range(len(elts)):
                yield ast.List(elts[:number] + elts[number + 1 :], ctx)


def _leaves_a_query(call: ast.Attribute) -> bool:
    """Whether a query remains without the call that ends in `call`, and its order, if it had to have one."""
    if not isinstance(call.value, (ast.Call, ast.Subscript, ast.Attribute)):
        return False
    return call.attr not in _ENDINGS or ".order_by(" in ast.unparse(call.value)


class _Replace(ast.NodeTransformer):
    def __init__(self, target: ast.expr, by: ast.expr) -> None:
        self.target = target
        self.by = by

    def visit(self, node: ast.AST) -> ast.AST:
        return self.by if node is self.target else super().generic_visit(node)
