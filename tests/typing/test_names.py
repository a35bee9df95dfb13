"""The names by which the plugin knows the package's classes are those of the classes."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from modelkit.mypy_plugin import names


def listed() -> Iterator[str]:
    """Every name, those in groups too."""
    for name, value in vars(names).items():
        if name.isupper():
            yield from [value] if isinstance(value, str) else sorted(value)


@pytest.mark.parametrize("name", [*listed()])
def test_a_name_is_where_its_class_is_defined(name):
    kind = pkgutil.resolve_name(name)
    assert isinstance(kind, type)
    assert f"{kind.__module__}.{kind.__qualname__}" == name


def test_the_plugin_loads_no_rows_and_no_store():
    program = (
        "import sys, modelkit.mypy_plugin.hooks; print(*(name for name in sys.modules if name.startswith('modelkit.')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "modelkit.fields" in loaded
    assert not {
        "modelkit.public",
        "modelkit.model",
        "modelkit.queryset",
        "modelkit.relations",
        "modelkit.stores.memory",
    } & {*loaded}
