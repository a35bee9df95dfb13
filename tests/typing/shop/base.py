"""What all models of the shop share."""

from __future__ import annotations

from modelkit import CASCADE, CharField, DateTimeField, ForeignKey, Model


class Stamped(Model):
    created = DateTimeField(auto_now_add=True)
    changed = DateTimeField(auto_now=True)

    class Meta:
        abstract = True
        app_label = "shop"


class Owned(Stamped):
    owner = ForeignKey("people.Person", CASCADE, related_name="owned_%(class)ss")

    class Meta(Stamped.Meta):
        abstract = True


class Note(Stamped):
    text = CharField(max_length=200)

    class Meta(Stamped.Meta):
        app_label = "shop"
