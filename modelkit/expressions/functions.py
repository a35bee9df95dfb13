"""Scalar functions as users write and declare them: `Func`, and `Transform` for those that names may apply.

Knows FunctionDefs and scalar types, no field. The invariant: all that a function does is its FunctionDef; a class only says which
arguments it takes and what its result is.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal, TypeAlias

from modelkit.errors import NotSupportedError, shorten
from modelkit.expressions.base import Expression, F, node_of
from modelkit.expressions.registration import Registrable, Written
from modelkit.ir.expr import FunctionDef
from modelkit.ir.types import ScalarType
from modelkit.records import dataclass

__all__ = ["Coalesce", "Func", "Result", "Transform", "known_to_sql"]

Result: TypeAlias = ScalarType | Literal["first", "common", "real"]
"""What type a function gives: a fixed one; that of its first argument; the one that all its arguments fit in and are converted
to; or a fractional number (Decimal where an argument is one, else float)."""


@dataclass(frozen=True, slots=True, eq=False, init=False)
class Func(Written, Expression):
    """A scalar function applied to `args`: text names a field, other constants are values.

    What it does is a FunctionDef: `function`, passed or declared by the class, or the one that a class's `python` makes (a
    callable of canonical values; `strict`: it is never called with None, and NULL gives NULL). Declared as text, `function` is the
    name that SQL knows it by. `takes` are the types that its arguments are converted to, the last one for all that follow (None:
    as they are). `output_field`, a field or scalar type, passed or declared, says what it gives; else `result` does.
    Raises TypeError where `arity` says another number of arguments.
    """

    definition: FunctionDef | str | None
    args: tuple[Any, ...]

    function: ClassVar[FunctionDef | str | None] = None
    strict: ClassVar[bool] = True
    pure: ClassVar[bool] = True
    inline: ClassVar[str | None] = None
    arity: ClassVar[int | None] = None
    takes: ClassVar[tuple[ScalarType | None, ...]] = ()
    result: ClassVar[Result] = "first"

    def __init__(self, *args: object, function: FunctionDef | str | None = None, output_field: Any = None) -> None:
        if self.arity is not None and len(args) != self.arity:
            plural = "argument" if self.arity == 1 else "arguments"
            raise TypeError(f"'{type(self).__name__}' takes exactly {self.arity} {plural} ({len(args)} given).")
        nodes = tuple(F(item) if isinstance(item, str) else node_of(item) for item in args)
        object.__setattr__(self, "definition", function)
        object.__setattr__(self, "args", nodes)
        object.__setattr__(self, "given", output_field)

    def __init_subclass__(cls, **options: Any) -> None:
        """Make the FunctionDef that the body of `cls` declares."""
        body = cls.__dict__
        written = body.get("python")
        if written is not None:
            name = cls.function if isinstance(cls.function, str) else None
            cls.function = FunctionDef(
                cls.__name__.lower(),
                written.__func__ if isinstance(written, staticmethod) else written,
                strict=cls.strict,
                sql=name,
                pure=cls.pure,
                inline=cls.inline,
            )

    @property
    def called(self) -> FunctionDef:
        """What the function does; NotSupportedError where only a name for SQL is known."""
        found = self.definition if self.definition is not None else type(self).function
        if isinstance(found, FunctionDef):
            return found
        if isinstance(found, str) and found.upper() in _BY_SQL_NAME:
            return _BY_SQL_NAME[found.upper()]
        shown = type(self).__name__ if found is None else f"{type(self).__name__}(function={shorten(found)})"
        raise NotSupportedError(
            f"{shown} does not say what it computes: declare `python`, a callable of its arguments' values, or pass a "
            "FunctionDef as `function`."
        )

    def __repr__(self) -> str:
        definition = self.definition
        named = definition.name if isinstance(definition, FunctionDef) else definition
        name = type(self).__name__ if type(self) is not Func or named is None else named
        return f"{name}({', '.join(map(repr, self.args))})"


class Coalesce(Func):
    """The first of its arguments (two or more) that is not NULL."""

    __slots__ = ()
    result = "common"

    def __init__(self, *expressions: object, output_field: Any = None) -> None:
        if len(expressions) < 2:
            raise ValueError("Coalesce must take at least two expressions")
        Func.__init__(self, *expressions, output_field=output_field)


_BY_SQL_NAME: dict[str, FunctionDef] = {}


def known_to_sql(*functions: FunctionDef) -> None:
    """Let `Func(..., function="NAME")` find these by their SQL names."""
    _BY_SQL_NAME.update({function.sql.upper(): function for function in functions if function.sql is not None})


class Transform(Registrable, Func):
    """A function of one value that names can apply once it is registered: `name__lower__startswith="x"`.

    `bilateral`: a lookup after it applies it to both of its sides.
    """

    __slots__ = ()

    arity: ClassVar[int | None] = 1
    lookup_name: ClassVar[str | None] = None
    bilateral: ClassVar[bool] = False

    @property
    def lhs(self) -> Any:
        """What it is applied to."""
        return self.args[0]
