"""`python -m modelkit`."""

from __future__ import annotations

import sys

from modelkit.cli import main

if __name__ == "__main__":
    sys.exit(main())
