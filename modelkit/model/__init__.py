"""The model classes."""
