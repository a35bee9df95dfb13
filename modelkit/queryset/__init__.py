"""Querysets."""

from modelkit.queryset.queries import DefaultObjects, ManagerOf, ModelQuerySet, Queries, QuerySet
from modelkit.queryset.queryset import EmptyQuerySet, RelatedSet

__all__ = ["DefaultObjects", "EmptyQuerySet", "ManagerOf", "ModelQuerySet", "Queries", "QuerySet", "RelatedSet"]
