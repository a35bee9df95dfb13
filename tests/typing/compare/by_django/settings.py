"""What django-stubs reads of a project."""

from __future__ import annotations

SECRET_KEY = "unused"
INSTALLED_APPS = ["tests.typing.compare.by_django"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
