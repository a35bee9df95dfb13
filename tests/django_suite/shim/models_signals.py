# mypy: disable-error-code="import-untyped"
"""`django.db.models.signals`: modelkit's, and Django's two around migrations, which tests only send."""

from __future__ import annotations

from django.dispatch import Signal

from modelkit.signals import (
    ModelSignal,
    class_prepared,
    m2m_changed,
    post_delete,
    post_init,
    post_save,
    pre_delete,
    pre_init,
    pre_save,
)

__all__ = [
    "ModelSignal",
    "class_prepared",
    "m2m_changed",
    "post_delete",
    "post_init",
    "post_migrate",
    "post_save",
    "pre_delete",
    "pre_init",
    "pre_migrate",
    "pre_save",
]

pre_migrate = Signal()
post_migrate = Signal()
