"""Declare models the Django way; every query is compiled into the Python loop you would have written by hand.

`import modelkit as models` gives the names that Django users expect of `django.db.models`. They are those of `modelkit.public`, which
is loaded when one of them is asked for: a tool that needs a room or two, as the plugin for mypy does, loads no more than these.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from modelkit.errors import did_you_mean, not_a_goal
from modelkit.version import __version__ as __version__

if TYPE_CHECKING:
    from modelkit.public import *  # noqa: F403 - what its __all__ lists
    from modelkit.public import __all__ as __all__
else:  # checkers are told of no other name: to them it is absent

    def __getattr__(name: str) -> object:
        """A name of the package, or a module of it that was not loaded yet.

        Raises NotSupportedError for what is another library's work, AttributeError for any other name that is not here.
        """
        if find_spec(f"{__name__}.{name}") is not None:
            return import_module(f"{__name__}.{name}")
        public = import_module(f"{__name__}.public")
        known = globals()
        known.update({each: getattr(public, each) for each in ("__all__", *public.__all__)})
        if name in known:
            return known[name]
        not_a_goal(name)
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'.{did_you_mean(name, known['__all__'])}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__getattr__("__all__")})
