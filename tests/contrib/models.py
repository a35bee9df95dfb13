"""Models whose rows can be tagged, of several kinds."""

from __future__ import annotations

import modelkit
from modelkit.contrib.contenttypes import ContentType, GenericForeignKey, GenericRelation


class Tag(modelkit.Model):
    name = modelkit.CharField(max_length=50)
    content_type = modelkit.ForeignKey(ContentType, modelkit.CASCADE)
    object_id = modelkit.PositiveIntegerField()
    thing = GenericForeignKey()

    class Meta:
        app_label = "tagged"
        ordering = ("id",)


class Note(modelkit.Model):
    text = modelkit.CharField(max_length=50)
    kind = modelkit.ForeignKey(ContentType, modelkit.CASCADE, null=True)
    key = modelkit.CharField(max_length=50, null=True)
    subject = GenericForeignKey("kind", "key", for_concrete_model=False)

    class Meta:
        app_label = "tagged"


class Animal(modelkit.Model):
    name = modelkit.CharField(max_length=50)
    tags = GenericRelation(Tag, related_query_name="animal")
    notes = GenericRelation(Note, "key", "kind")

    class Meta:
        app_label = "tagged"


class Plant(modelkit.Model):
    name = modelkit.CharField(max_length=50)
    tags = GenericRelation(Tag)

    class Meta:
        app_label = "tagged"


class Carrot(Plant):
    length = modelkit.IntegerField(default=10)

    class Meta:
        app_label = "tagged"


class Mineral(modelkit.Model):
    """Has no GenericRelation, and can be tagged all the same."""

    name = modelkit.CharField(max_length=50)

    class Meta:
        app_label = "tagged"


class Gem(Mineral):
    class Meta:
        app_label = "tagged"
        proxy = True
