"""The log of statements that modelkit ran, one list for the whole run: the alias and the text of each."""

from __future__ import annotations

__all__ = ["statements"]

statements: list[tuple[str, str]] = []
