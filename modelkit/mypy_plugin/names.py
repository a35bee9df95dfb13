"""The full names by which mypy knows this package's classes: where each is defined.

Read off the classes themselves, so that a class may move.
"""

from __future__ import annotations

from typing import Final

from modelkit.constraints import CheckConstraint, Index, UniqueConstraint
from modelkit.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from modelkit.expressions.aggregates import Aggregate
from modelkit.expressions.base import ExpressionWrapper, F, Node, Value
from modelkit.expressions.conditional import Case, Exists, OuterRef, Subquery, When
from modelkit.expressions.conditions import Q
from modelkit.expressions.faces import BoolExpr, Cond, Expr
from modelkit.expressions.filtered import FilteredRelation
from modelkit.expressions.functions import Func
from modelkit.expressions.references import ManyRef, OptRef, Ref
from modelkit.expressions.windows import Window
from modelkit.fields.base import Field
from modelkit.fields.composite import CompositePrimaryKey
from modelkit.fields.generated import GeneratedField
from modelkit.model.base import BareModel, Model, TypedModel
from modelkit.model.metaclass import ModelMeta
from modelkit.prefetch import Prefetch
from modelkit.queryset.queries import Queries, QuerySet
from modelkit.queryset.queryset import RelatedSet
from modelkit.relations.base import RelationField
from modelkit.relations.foreign_key import ForeignKey, OneToOne
from modelkit.relations.foreign_object import ForeignObject
from modelkit.relations.many_to_many import ManyToMany
from modelkit.relations.reverse import Reverse, ReverseOne
from modelkit.resolve.query import Query


def fullname(kind: type) -> str:
    """Where a class is defined, as mypy writes it."""
    return f"{kind.__module__}.{kind.__qualname__}"


BARE_MODEL: Final = fullname(BareModel)
MODEL_META: Final = fullname(ModelMeta)
ROOTS: Final = frozenset({BARE_MODEL, fullname(Model), fullname(TypedModel)})
"""The classes that all models derive from, and that are none themselves."""

FIELD: Final = fullname(Field)
COMPOSITE_KEY: Final = fullname(CompositePrimaryKey)
GENERATED: Final = fullname(GeneratedField)
RELATION_FIELD: Final = fullname(RelationField)
FOREIGN_KEY: Final = fullname(ForeignKey)
FOREIGN_OBJECT: Final = fullname(ForeignObject)
ONE_TO_ONE: Final = fullname(OneToOne)
MANY_TO_MANY: Final = fullname(ManyToMany)
REVERSE: Final = fullname(Reverse)
REVERSE_ONE: Final = fullname(ReverseOne)
GENERIC_FOREIGN_KEY: Final = fullname(GenericForeignKey)
GENERIC_RELATION: Final = fullname(GenericRelation)

QUERIES: Final = fullname(Queries)
QUERYSET: Final = fullname(QuerySet)
QUERY: Final = fullname(Query)
RELATED_SET: Final = fullname(RelatedSet)

NODE: Final = fullname(Node)
FACE: Final = fullname(Expr)
BOOLEAN: Final = fullname(BoolExpr)
CONDITION: Final = fullname(Cond)
REFERENCE: Final = fullname(Ref)
OPTIONAL_REFERENCE: Final = fullname(OptRef)
MANY_REFERENCE: Final = fullname(ManyRef)
NAMED_FIELD: Final = fullname(F)
CONDITIONS: Final = fullname(Q)
CONSTANT: Final = fullname(Value)
WRAPPER: Final = fullname(ExpressionWrapper)
CASE: Final = fullname(Case)
WHEN: Final = fullname(When)
EXISTS: Final = fullname(Exists)
OUTER: Final = fullname(OuterRef)
SUBQUERY: Final = fullname(Subquery)
WINDOW: Final = fullname(Window)
FUNCTION: Final = fullname(Func)
AGGREGATE: Final = fullname(Aggregate)
FILTERED: Final = fullname(FilteredRelation)
PREFETCH: Final = fullname(Prefetch)

RULES: Final = (fullname(UniqueConstraint), fullname(CheckConstraint), fullname(Index))
"""What class Meta declares of rows."""
