"""The closed, immutable language between queries and stores. It knows tables, never models."""
