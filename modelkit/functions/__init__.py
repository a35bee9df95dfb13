"""Scalar functions for queries, constraints and orders: `from modelkit.functions import Lower`."""

from modelkit.functions.comparison import Coalesce
from modelkit.functions.math import Abs, Sqrt
from modelkit.functions.text import Length, Lower, Upper

__all__ = ["Abs", "Coalesce", "Length", "Lower", "Sqrt", "Upper"]
