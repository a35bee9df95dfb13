"""What a model's Meta says about all of its rows: UniqueConstraint, CheckConstraint and Index, as users write them.

Knows expressions, no model: a model class is handed in where a name or a query is needed. Instances never change once made.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Self, overload

from typing_extensions import deprecated

from modelkit import deprecation
from modelkit.errors import ValidationError, shorten
from modelkit.expressions.base import Expression, F, Face, Node, OrderBy
from modelkit.expressions.conditions import Condition, NamedLookup, Q
from modelkit.ir.schema import DEFAULT

__all__ = ["NOT_UNIQUE_TOGETHER", "BaseConstraint", "CheckConstraint", "Deferrable", "Index", "UniqueConstraint"]

NON_FIELD = "__all__"

NOT_UNIQUE_TOGETHER = "Another %(model_name)s has this %(field_labels)s already."


class Deferrable(enum.Enum):
    """When a unique constraint is checked: at commit, or at the end of each statement."""

    DEFERRED = "deferred"
    IMMEDIATE = "immediate"

    def __repr__(self) -> str:
        return str(self)


def _node(expression: Any) -> Node:
    match expression:
        case str():
            return F(expression)
        case Face():
            return expression.node
        case Node():
            return expression
        case _:
            raise TypeError(f"Expected the name of a field or an expression, not {type(expression).__name__}.")


def _is_condition(node: Node) -> bool:
    """Whether `node` is true, false or NULL: a condition, or an expression that says so by its output_field."""
    return isinstance(node, (Condition, Expression)) and node.conditional


def _condition(condition: Any, what: str, error: type[Exception] = TypeError) -> Node | None:
    if condition is None:
        return None
    node = condition.node if isinstance(condition, Face) else condition
    if not isinstance(node, Node) or (node is condition and not _is_condition(node)):
        raise error(f"{what} is a Q or a condition on the model's fields, not {type(condition).__name__}.")
    return node


def _names(fields: Any, what: str) -> tuple[str, ...]:
    if not isinstance(fields, (list, tuple)) or not all(isinstance(name, str) for name in fields):
        raise TypeError(f"{what} is a list or tuple of names of fields, not {fields!r}.")
    return tuple(fields)


def path_of(kind: type) -> str:
    """Where `kind` is imported from: the package's face for its own classes, else the module that defines it."""
    return f"modelkit.{kind.__name__}" if kind.__module__ == __name__ else f"{kind.__module__}.{kind.__qualname__}"


class _Declared:
    """Compared and shown by what it was made with."""

    name: str

    def _arguments(self) -> dict[str, Any]:
        raise NotImplementedError

    def _expressions(self) -> tuple[Any, ...]:
        return ()

    def deconstruct(self) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        """Import path, positional and keyword arguments that make an equal one."""
        given = {name: value for name, value in self._arguments().items() if value not in (None, (), [], {}, "")}
        return path_of(type(self)), self._expressions(), given

    def clone(self) -> Self:
        """An equal one."""
        _, args, arguments = self.deconstruct()
        return type(self)(*args, **arguments)

    def named_for(self, model: Any) -> Self:
        """Itself, or a copy whose name has its placeholders %(app_label)s, %(class)s and %(model_name)s filled in."""
        if "%(" not in self.name:
            return self
        named = self.clone()
        label = {
            "app_label": model._meta.app_label.lower(),
            "class": model.__name__.lower(),
            "model_name": model.__name__.lower(),
        }
        named.name = self.name % label
        return named

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.deconstruct() == other.deconstruct()

    def __hash__(self) -> int:
        return hash((type(self), self.name))

    def __repr__(self) -> str:
        _, args, given = self.deconstruct()
        if args:
            given = {"expressions": args, **given}
        parts = [f"{name}={str(value) if isinstance(value, Q) else repr(value)}" for name, value in given.items()]
        return f"<{type(self).__name__}: {' '.join(parts)}>"


class BaseConstraint(_Declared):
    """What UniqueConstraint and CheckConstraint share: a name, and what a violation is called."""

    default_violation_error_message = "The constraint “%(name)s” is violated."
    violation_error_code: str | None = None
    violation_error_message: str
    contains_expressions: bool = False
    """Whether it stands on expressions."""

    def __init__(
        self,
        *positional: Any,
        name: str | None = None,
        violation_error_code: str | None = None,
        violation_error_message: str | None = None,
    ) -> None:
        if positional:
            options = {"name": None, "violation_error_message": None}
            name, violation_error_message = deprecation.by_name(
                type(self).__name__, options, (name, violation_error_message), positional
            )
        if name is None:
            raise TypeError(f"{type(self).__name__}() takes a name: pass name=....")
        if not name:
            raise ValueError(f"A {type(self).__name__} needs a name.")
        self.name = name
        if violation_error_code is not None:
            self.violation_error_code = violation_error_code
        self.violation_error_message = violation_error_message or self.default_violation_error_message
        self._given_message = violation_error_message

    def _violation(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "violation_error_code": self.violation_error_code,
            "violation_error_message": self._given_message,
        }

    def _arguments(self) -> dict[str, Any]:
        return self._violation()

    def get_violation_error_message(self) -> str:
        """The text of the ValidationError, the name filled in."""
        return self.violation_error_message % {"name": self.name}

    def violation(self) -> ValidationError:
        """The ValidationError for a violation that concerns no single field."""
        return ValidationError(self.get_violation_error_message(), code=self.violation_error_code)

    def validate(
        self, model: Any, instance: Any, exclude: Collection[str] | None = None, using: str | None = None
    ) -> None:
        """Raise ValidationError where `instance`, saved as it is, would violate this; fields in `exclude` are not looked at."""
        raise NotImplementedError


_CHECK_RENAMED = "The condition of a CheckConstraint is called condition, no longer check: write condition=...."


class CheckConstraint(BaseConstraint):
    """A condition on every row of a model; NULL passes."""

    @overload
    def __init__(
        self,
        *,
        condition: Any,
        name: str,
        violation_error_code: str | None = ...,
        violation_error_message: str | None = ...,
    ) -> None: ...
    @overload
    @deprecated("The condition is passed as condition=.")
    def __init__(
        self,
        *,
        check: Any,
        name: str,
        violation_error_code: str | None = ...,
        violation_error_message: str | None = ...,
    ) -> None: ...
    def __init__(
        self,
        *,
        name: str,
        condition: Any = None,
        check: Any = None,
        violation_error_code: str | None = None,
        violation_error_message: str | None = None,
    ) -> None:
        if check is not None:
            if condition is not None:
                raise TypeError("CheckConstraint() takes one condition: drop check=, the former name of condition=.")
            deprecation.warn(_CHECK_RENAMED)
            condition = check
        super().__init__(
            name=name, violation_error_code=violation_error_code, violation_error_message=violation_error_message
        )
        node = _condition(condition, "CheckConstraint.condition")
        if node is None:
            raise TypeError("CheckConstraint.condition is a Q or a condition on the model's fields, not None.")
        self.condition: Node = node

    @property
    def check(self) -> Node:
        """The condition, under its former name."""
        deprecation.warn(_CHECK_RENAMED)
        return self.condition

    @check.setter
    def check(self, condition: Node) -> None:
        deprecation.warn(_CHECK_RENAMED)
        self.condition = condition

    def _arguments(self) -> dict[str, Any]:
        return {"condition": self.condition, **self._violation()}

    def validate(
        self, model: Any, instance: Any, exclude: Collection[str] | None = None, using: str | None = None
    ) -> None:
        """Raise ValidationError where the condition is false for `instance`. Reads nothing from the store."""
        if exclude and not exclude_spares(self.condition, _left_out(model, exclude)):
            return
        if not instance._meets(self.condition, model):
            raise self.violation()


def exclude_spares(condition: Node | None, exclude: Collection[str]) -> bool:
    """Whether `condition` reads none of the fields in `exclude`."""
    if condition is None:
        return True
    names = condition.referenced_base_fields if isinstance(condition, Q) else Q(condition).referenced_base_fields
    return not any(name in exclude for name in names)


def _left_out(model: Any, exclude: Collection[str]) -> Collection[str]:
    """`exclude`, and what follows from one of these: generated fields, a composite key."""
    if not exclude:
        return exclude
    meta = model._meta
    made = [field.name for field in meta.fields if field.generated and not exclude_spares(field.expression, exclude)]
    key = ("pk",) if meta.is_composite_pk and any(part.name in exclude for part in meta.pk_fields) else ()
    return {*exclude, *made, *key}


class UniqueConstraint(BaseConstraint):
    """No two rows (that meet `condition`) agree in `fields`, or in `expressions`."""

    def __init__(
        self,
        *expressions: Any,
        fields: Sequence[str] = (),
        name: str | None = None,
        condition: Any = None,
        deferrable: Deferrable | None = None,
        include: Sequence[str] | None = None,
        opclasses: Sequence[str] = (),
        nulls_distinct: bool | None = None,
        violation_error_code: str | None = None,
        violation_error_message: str | None = None,
    ) -> None:
        if not name:
            raise ValueError("A unique constraint must be named.")
        super().__init__(
            name=name, violation_error_code=violation_error_code, violation_error_message=violation_error_message
        )
        if bool(expressions) == bool(fields):
            raise ValueError("A unique constraint takes either the names of fields or expressions.")
        if deferrable is not None and not isinstance(deferrable, Deferrable):
            raise TypeError(f"UniqueConstraint.deferrable is a Deferrable, not {type(deferrable).__name__}.")
        if deferrable is not None and (condition is not None or expressions or include or opclasses):
            raise ValueError(
                "A unique constraint with a condition, expressions, include or opclasses cannot be deferred."
            )
        if nulls_distinct is not None and not isinstance(nulls_distinct, bool):
            raise TypeError(f"UniqueConstraint.nulls_distinct is True, False or None, not {shorten(nulls_distinct)}.")
        self.fields = _names(fields, "UniqueConstraint.fields")
        self.expressions = tuple(map(_node, expressions))
        self.contains_expressions = bool(expressions)
        self.condition = _condition(condition, "UniqueConstraint.condition", ValueError)
        self.deferrable = deferrable
        self.include = _names(include or (), "UniqueConstraint.include")
        self.opclasses = _names(opclasses, "UniqueConstraint.opclasses")
        if self.opclasses and expressions:
            raise ValueError("UniqueConstraint.opclasses belong to fields: a constraint over expressions has none.")
        if self.opclasses and len(self.opclasses) != len(self.fields):
            raise ValueError("UniqueConstraint.fields and UniqueConstraint.opclasses are equally many.")
        self.nulls_distinct = nulls_distinct

    def _expressions(self) -> tuple[Any, ...]:
        return self.expressions

    def _arguments(self) -> dict[str, Any]:
        named = self._violation()
        options = {
            "fields": self.fields,
            "name": named.pop("name"),
            "condition": self.condition,
            "deferrable": self.deferrable,
            "include": self.include,
            "opclasses": list(self.opclasses),
            **named,
        }
        given = {name: value for name, value in options.items() if value}
        return given if self.nulls_distinct is None else {**given, "nulls_distinct": self.nulls_distinct}

    def deconstruct(self) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        """Import path, positional and keyword arguments that make an equal one."""
        return f"modelkit.{type(self).__name__}", self.expressions, self._arguments()

    def validate(
        self, model: Any, instance: Any, exclude: Collection[str] | None = None, using: str | None = None
    ) -> None:
        """Raise ValidationError where another row has the same values. One statement, none where a value is NULL."""
        exclude = _left_out(model, exclude or ())
        lookups = self._lookups(instance, exclude)
        if lookups is None or (exclude and not exclude_spares(self.condition, exclude)):
            return
        if self.condition is not None and not instance._meets(self.condition, model):
            return
        queryset = model._default_manager.using(using).filter(*lookups)
        if self.condition is not None:
            queryset = queryset.filter(self.condition)
        if not instance._state.adding and instance._is_pk_set(model._meta):
            queryset = queryset.exclude(pk=instance._get_pk_val(model._meta))
        if queryset.exists():
            raise self._unique_violation(model, instance)

    def _lookups(self, instance: Any, exclude: Collection[str]) -> list[Q] | None:
        """What finds rows with the same values; None where the constraint cannot be judged or does not apply."""
        lookups = []
        for name in self.fields:
            if name in exclude:
                return None
            field = instance._meta.get_field(name)
            value = DEFAULT if field.generated else getattr(instance, field.attname)
            if value is DEFAULT:
                value = instance._evaluated(F(field.name))
            if value is None:
                if self.nulls_distinct is not False:
                    return None
                lookups.append(Q((f"{field.name}__isnull", True)))
            else:
                lookups.append(Q((field.attname, value)))
        for expression in self.expressions:
            node = expression.expression if isinstance(expression, OrderBy) else expression
            if not exclude_spares(node, exclude):
                return None
            value = instance._evaluated(node)
            if value is None and self.nulls_distinct is not False:
                return None
            lookups.append(Q(equality(node, value)))
        return lookups

    def _unique_violation(self, model: Any, instance: Any) -> ValidationError:
        if self._given_message or self.condition is not None or self.expressions:
            return self.violation()
        return unique_error(model, instance, self.fields, code=self.violation_error_code)


def equality(node: Node, value: Any) -> Node:
    """`node` equals `value`, or is NULL where that is None."""
    return NamedLookup(node, "isnull", True) if value is None else NamedLookup(node, "exact", value)


def unique_error(model: Any, instance: Any, fields: Sequence[str], code: str | None = None) -> ValidationError:
    """The ValidationError that says which other row stands in the way."""
    meta = model._meta
    params: dict[str, Any] = {
        "model": instance,
        "model_class": model,
        "model_name": str(meta.verbose_name),
        "unique_check": tuple(fields),
    }
    if len(fields) == 1:
        field = meta.get_field(fields[0])
        params["field_label"] = str(field.verbose_name)
        return ValidationError(field.error_messages["unique"], code=code or "unique", params=params)
    labels = [str(meta.get_field(name).verbose_name) for name in fields]
    params["field_labels"] = f"{', '.join(labels[:-1])} and {labels[-1]}"
    return ValidationError(NOT_UNIQUE_TOGETHER, code=code or "unique_together", params=params)


class Index(_Declared):
    """An access path over `fields` (a leading "-" is allowed and changes nothing in memory) or `expressions`."""

    suffix = "idx"
    max_name_length = 30

    def __init__(
        self,
        *expressions: Any,
        fields: Sequence[str] = (),
        name: str | None = None,
        db_tablespace: str | None = None,
        opclasses: Sequence[str] = (),
        condition: Any = None,
        include: Sequence[str] | None = None,
    ) -> None:
        if opclasses and not name:
            raise ValueError("An index with opclasses must be named.")
        if condition is not None and not name:
            raise ValueError("An index with a condition must be named.")
        if expressions and not name:
            raise ValueError("An index over expressions must be named.")
        self.fields = _names(fields, "Index.fields")
        if not expressions and not fields:
            raise ValueError("An index takes the names of fields or expressions: at least one.")
        if expressions and fields:
            raise ValueError("An index takes either the names of fields or expressions.")
        self.expressions = tuple(map(_node, expressions))
        self.name = name or ""
        self.db_tablespace = db_tablespace
        self.opclasses = tuple(opclasses)
        self.condition = _condition(condition, "Index.condition")
        self.include = _names(include or (), "Index.include")
        self.fields_orders = [(name.lstrip("-"), "DESC" if name.startswith("-") else "") for name in self.fields]

    def _expressions(self) -> tuple[Any, ...]:
        return self.expressions

    def _arguments(self) -> dict[str, Any]:
        return {
            "fields": self.fields,
            "name": self.name,
            "db_tablespace": self.db_tablespace,
            "opclasses": list(self.opclasses),
            "condition": self.condition,
            "include": self.include,
        }

    def named_for(self, model: Any) -> Self:
        """Itself, or a copy with its placeholders filled in, or named after the model's table and the columns."""
        if self.name:
            return super().named_for(model)
        named = self.clone()
        named.name = index_name(model._meta.db_table, [name for name, _ in self.fields_orders], self.suffix)
        return named


def index_name(table: str, columns: Iterable[str], suffix: str) -> str:
    """A name for an index: the table, the first column, a digest of it all; at most 30 characters."""
    parts = [table, *columns, suffix]
    digest = hashlib.md5("|".join(parts).encode(), usedforsecurity=False).hexdigest()[:6]
    return f"{table[:11].lstrip('_0123456789')}_{parts[1][:7]}_{digest}_{suffix}"


def check_options(options: Mapping[str, Any], model_name: str) -> None:
    """TypeError where Meta.constraints or Meta.indexes hold anything else."""
    for option, kind in (("constraints", BaseConstraint), ("indexes", Index)):
        for item in options.get(option, ()):
            if not isinstance(item, kind):
                raise TypeError(f"{model_name}.Meta.{option} holds {kind.__name__} objects, not {type(item).__name__}.")
