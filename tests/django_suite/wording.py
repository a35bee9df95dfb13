"""When an exception's text counts as the one that Django's test expects: its wording is ours, the names it must carry are not."""

from __future__ import annotations

import re

__all__ = ["missing_names"]

_QUOTED = re.compile(r"""(?<!\w)['"`]([A-Za-z_][\w.]*)['"`]""")


def missing_names(expected: str, actual: str) -> list[str]:
    """The names that `expected` quotes and `actual` does not carry.

    A dotted name is carried by its last part too: "app.Model" by "Model", "Model.field" by "field".
    """
    wanted = dict.fromkeys(_QUOTED.findall(expected))
    return [name for name in wanted if name not in actual and name.rpartition(".")[2] not in actual]
