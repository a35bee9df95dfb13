"""The full names by which mypy knows this package's classes: where each is defined.

Written out, so that a run of mypy loads none of the rooms that define them; a test holds each to its class.
"""

from __future__ import annotations

from typing import Final

BARE_MODEL: Final = "modelkit.model.base.BareModel"
MODEL_META: Final = "modelkit.model.metaclass.ModelMeta"
ROOTS: Final = frozenset({BARE_MODEL, "modelkit.model.base.Model", "modelkit.model.base.TypedModel"})
"""The classes that all models derive from, and that are none themselves."""

FIELD: Final = "modelkit.fields.base.Field"
COMPOSITE_KEY: Final = "modelkit.fields.composite.CompositePrimaryKey"
GENERATED: Final = "modelkit.fields.generated.GeneratedField"
RELATION_FIELD: Final = "modelkit.relations.base.RelationField"
FOREIGN_KEY: Final = "modelkit.relations.foreign_key.ForeignKey"
FOREIGN_OBJECT: Final = "modelkit.relations.foreign_object.ForeignObject"
ONE_TO_ONE: Final = "modelkit.relations.foreign_key.OneToOne"
MANY_TO_MANY: Final = "modelkit.relations.many_to_many.ManyToMany"
REVERSE: Final = "modelkit.relations.reverse.Reverse"
REVERSE_ONE: Final = "modelkit.relations.reverse.ReverseOne"
GENERIC_FOREIGN_KEY: Final = "modelkit.contrib.contenttypes.fields.GenericForeignKey"
GENERIC_RELATION: Final = "modelkit.contrib.contenttypes.fields.GenericRelation"

QUERIES: Final = "modelkit.queryset.queries.Queries"
QUERYSET: Final = "modelkit.queryset.queries.QuerySet"
QUERY: Final = "modelkit.resolve.query.Query"
DEFAULT_OBJECTS: Final = "modelkit.queryset.queries.DefaultObjects"
MANAGER_OF: Final = "modelkit.queryset.queries.ManagerOf"
RELATED_SET: Final = "modelkit.queryset.queryset.RelatedSet"

NODE: Final = "modelkit.expressions.base.Node"
FACE: Final = "modelkit.expressions.faces.Expr"
BOOLEAN: Final = "modelkit.expressions.faces.BoolExpr"
CONDITION: Final = "modelkit.expressions.faces.Cond"
REFERENCE: Final = "modelkit.expressions.references.Ref"
OPTIONAL_REFERENCE: Final = "modelkit.expressions.references.OptRef"
MANY_REFERENCE: Final = "modelkit.expressions.references.ManyRef"
NAMED_FIELD: Final = "modelkit.expressions.base.F"
CONDITIONS: Final = "modelkit.expressions.conditions.Q"
CONSTANT: Final = "modelkit.expressions.base.Value"
WRAPPER: Final = "modelkit.expressions.base.ExpressionWrapper"
CASE: Final = "modelkit.expressions.conditional.Case"
WHEN: Final = "modelkit.expressions.conditional.When"
EXISTS: Final = "modelkit.expressions.conditional.Exists"
OUTER: Final = "modelkit.expressions.conditional.OuterRef"
SUBQUERY: Final = "modelkit.expressions.conditional.Subquery"
WINDOW: Final = "modelkit.expressions.windows.Window"
FUNCTION: Final = "modelkit.expressions.functions.Func"
AGGREGATE: Final = "modelkit.expressions.aggregates.Aggregate"
KEY_TRANSFORM: Final = "modelkit.functions.json.KeyTransform"
KEY_TEXT: Final = "modelkit.functions.json.KeyTextTransform"
FILTERED: Final = "modelkit.expressions.filtered.FilteredRelation"
PREFETCH: Final = "modelkit.prefetch.Prefetch"

RULES: Final = (
    "modelkit.constraints.UniqueConstraint",
    "modelkit.constraints.CheckConstraint",
    "modelkit.constraints.Index",
)
"""What class Meta declares of rows."""
