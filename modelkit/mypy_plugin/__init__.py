"""The plugin for mypy: `plugins = modelkit.mypy_plugin` in its configuration.

It tells mypy what only text says: the lookups of filter(), names in order_by() and F(), rows of values(), attributes that other models'
relations make. It reads mypy's own tables and the text of files; it never imports a project's code. On a version of mypy that it does
not know it does nothing, and says so.
"""

from __future__ import annotations

import hashlib
import importlib
from pathlib import Path

from mypy.plugin import Plugin

from modelkit.mypy_plugin.guard import KNOWN, is_known, say_once
from modelkit.version import __version__ as _version

__all__ = ["__version__", "plugin"]


def _digest() -> str:
    """A digest of the plugin's own text."""
    made = hashlib.sha1(usedforsecurity=False)
    for path in sorted(Path(__file__).parent.glob("*.py")):
        made.update(path.read_bytes())
    return made.hexdigest()[:12]


__version__ = f"{_version}+{_digest()}"
"""What mypy compares to know whether its cache was written under this very plugin."""


def plugin(version: str) -> type[Plugin]:
    """What mypy calls to get the plugin; `version` is mypy's."""
    if is_known(version):
        # What leans on mypy's insides is imported here, for a version that has them as they are known.
        checking: type[Plugin] = importlib.import_module(f"{__name__}.hooks").ModelkitPlugin
        return checking
    known = f"{KNOWN[0][0]}.{KNOWN[0][1]} to below {KNOWN[1][0]}.{KNOWN[1][1]}"
    say_once(
        "version",
        f"mypy {version} is not among the versions it was tested under ({known}): queries by name are not checked.",
    )
    return Plugin
