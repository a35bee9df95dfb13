"""From names to IR: the only place that knows what `team__name__icontains` means.

Importing this package registers what resolves each kind of node.
"""

from modelkit.resolve import aggregation, choices, conditions, standalone, windows

__all__ = ["aggregation", "choices", "conditions", "standalone", "windows"]
