"""Modules that stand in for `django.db`: names that are modelkit's, a connection object, feature flags."""
