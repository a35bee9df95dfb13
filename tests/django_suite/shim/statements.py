"""The log of statements that modelkit ran, one list for the whole run: what `connection.queries` reads."""

from __future__ import annotations

__all__ = ["statements"]

statements: list[str] = []
