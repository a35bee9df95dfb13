"""Expressions that choose among others: Case. Their results are of one type.

Knows scopes, expressions and terms. The invariant: results of several types are an error that names them, unless the
expression says which type it gives.
"""

from __future__ import annotations

from collections.abc import Sequence

from modelkit.errors import FieldError
from modelkit.expressions.base import Node, Value
from modelkit.expressions.conditional import Case
from modelkit.ir import expr as ir
from modelkit.ir.expr import Const, Expr
from modelkit.ir.types import AnyType, ScalarType
from modelkit.resolve import operands
from modelkit.resolve.casts import cast
from modelkit.resolve.expressions import leaf_of, resolve, resolver
from modelkit.resolve.functions import field_of, type_of
from modelkit.resolve.joins import Context, Scope
from modelkit.resolve.query import Term

__all__ = ["common_type", "field_name"]


@resolver(Case)
def _case(scope: Scope, node: Case, context: Context) -> Term:
    conditions = [resolve(scope, case.condition, context).expr for case in node.cases]
    results = [case.result for case in node.cases]
    *chosen, default = _results(scope, [*results, node.default], node.declared, context)
    type_ = type_of(node.declared) or common_type([*chosen, default], repr(node))
    values = [_valued(term.expr, type_) for term in chosen]
    otherwise = _valued(default.expr, type_)
    known = [term.field for term in (*chosen, default) if term.field is not None]
    field = field_of(node.declared) or (known[0] if known and node.declared is None else None)
    if not values:
        return Term(otherwise, field)
    nullable = any(value.nullable for value in (*values, otherwise))
    return Term(ir.Case(type_, nullable, tuple(zip(conditions, values, strict=True)), otherwise), field)


def _results(scope: Scope, nodes: Sequence[Node], output: object, context: Context) -> list[Term]:
    """The terms of results; constants are read as the output's field does, where there is one."""
    field = field_of(output)
    return [
        resolve(scope, Value(node.value, output), context)
        if field is not None
        and isinstance(node, Value)
        and node.declared is None
        and leaf_of(node.value).value is not None
        else resolve(scope, node, context)
        for node in nodes
    ]


def _valued(expr: Expr, type_: ScalarType) -> Expr:
    """A result as a value of the common type."""
    if isinstance(expr, Const) and expr.value is None:
        return Const(type_, True, None)
    return cast(expr, type_)


def common_type(terms: Sequence[Term], shown: str) -> ScalarType:
    """The one type of `terms`, those apart that have none of their own; FieldError where there are several."""
    kinds = {type(term.expr.type): term for term in terms if not isinstance(term.expr.type, AnyType)}
    if len(kinds) > 1:
        names = ", ".join(map(field_name, kinds.values()))
        raise FieldError(f"Expression contains mixed types: {names}. You must set output_field. (in {shown})")
    return next(iter(kinds.values())).expr.type if kinds else AnyType()


def field_name(term: Term) -> str:
    """The class of the field that a term's values are of."""
    field = term.field if term.field is not None else operands.standard_field(term.expr.type)
    return type(field).__name__.removeprefix("Big") if field is not None else term.expr.type.name
