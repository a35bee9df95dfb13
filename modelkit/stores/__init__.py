"""Stores: they speak IR and tuples, and know nothing of models."""
