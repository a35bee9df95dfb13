"""Content types and generic relations: rows that belong to a row of any model."""

from modelkit.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from modelkit.contrib.contenttypes.models import ContentType, ContentTypeManager
from modelkit.contrib.contenttypes.prefetch import GenericPrefetch

__all__ = ["ContentType", "ContentTypeManager", "GenericForeignKey", "GenericPrefetch", "GenericRelation"]
