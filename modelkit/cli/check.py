"""`python -m modelkit check MODULE ...`: what may be wrong with the models that modules define, and the way out."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from modelkit import registry

__all__ = ["run"]


def run(arguments: Sequence[str]) -> int:
    """Import the modules and say what is found; 0 where nothing fails once it is used, 1 where something does, 2 for no module."""
    parser = argparse.ArgumentParser(prog="python -m modelkit check", description="Look through the models of modules.")
    parser.add_argument("modules", nargs="+", metavar="MODULE", help="what defines models, such as shop.models")
    parser.add_argument("--strict", action="store_true", help="warnings are errors")
    given = parser.parse_args(arguments)
    if "" not in sys.path:
        sys.path.insert(0, "")
    for module in given.modules:
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as missing:
            if missing.name is None or not module.startswith(missing.name):
                raise
            print(f"There is no module '{missing.name}' (looked for from here: {module}).", file=sys.stderr)
            return 2
    found = registry.check()
    for finding in found:
        print(finding)
    print(f"{len(registry.models())} models, {len(found)} findings")
    return 1 if any(finding.is_error or given.strict for finding in found) else 0
