"""The exception tree, under Django's names, and the near miss that a message offers.

Knows nothing of models or stores: whoever raises passes names and values in.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

__all__ = [
    "CommitOutcomeUnknown",
    "ConcurrentIntegrityError",
    "DataError",
    "DatabaseError",
    "FieldDoesNotExist",
    "FieldError",
    "ImproperlyConfigured",
    "IntegrityError",
    "InternalError",
    "MultipleObjectsReturned",
    "NotSupportedError",
    "NotYetSupported",
    "ObjectDoesNotExist",
    "ObjectNotUpdated",
    "OperationalError",
    "OptimisticLockError",
    "ProgrammingError",
    "ProtectedError",
    "QueryTooComplex",
    "RestrictedError",
    "SchemaMismatch",
    "StoreClosed",
    "StoreCorrupt",
    "StoreError",
    "StoreLocked",
    "TransactionConflict",
    "TransactionError",
    "TransactionManagementError",
    "UnresolvedRelation",
    "ValidationError",
    "WrongType",
    "did_you_mean",
    "not_yet",
    "shorten",
    "spelled",
]


class ObjectDoesNotExist(Exception):
    """The requested object does not exist; each model has its own subclass `DoesNotExist`."""

    silent_variable_failure = True


class MultipleObjectsReturned(Exception):
    """A query that must find one object found several; each model has its own subclass."""


class FieldError(Exception):
    """A query or a model names a field in a way that does not fit."""


class FieldDoesNotExist(Exception):
    """A model has no field of the requested name."""


class ImproperlyConfigured(Exception):
    """modelkit is set up in a way that cannot work."""


class UnresolvedRelation(ImproperlyConfigured):
    """A relation names a model that has not been defined (yet)."""


class QueryTooComplex(FieldError):
    """A condition is nested deeper than a query may be."""


class Error(Exception):
    """The base of everything a store raises."""


class InterfaceError(Error):
    """The store's interface was used wrongly."""


class DatabaseError(Error):
    """A store could not do what it was asked."""


class ObjectNotUpdated(DatabaseError):
    """save(force_update=True) or save(update_fields=...) found no row to update."""


class DataError(DatabaseError):
    """A value does not fit its column, or an expression has no value (division by zero, overflow).

    Attributes, where a column is to blame: `model` (label), `fields` (names), `values` (as written).
    """

    def __init__(
        self, message: str = "", *, model: str = "", fields: Sequence[str] = (), values: Sequence[Any] = ()
    ) -> None:
        super().__init__(message)
        self.model = model
        self.fields = tuple(fields)
        self.values = tuple(values)


class OperationalError(DatabaseError):
    """The store's surroundings failed."""


class InternalError(DatabaseError):
    """The store found itself inconsistent."""


class ProgrammingError(DatabaseError):
    """A statement cannot be meant as written."""


class NotSupportedError(DatabaseError):
    """The store cannot do this, and says so before anything runs."""


class NotYetSupported(NotSupportedError):
    """Declared and planned, but not built yet. Raised only through `not_yet`."""


class IntegrityError(DatabaseError):
    """A constraint would be broken; nothing was written.

    Attributes: `model` (label), `kind` ("unique" | "not_null" | "check" | "reference"), `constraint` (name),
    `fields` (names), `values` (as written), `conflicting_pk` (or None).
    """

    def __init__(
        self,
        message: str = "",
        *,
        model: str = "",
        kind: str = "",
        constraint: str = "",
        fields: Sequence[str] = (),
        values: Sequence[Any] = (),
        conflicting_pk: Any = None,
    ) -> None:
        super().__init__(message)
        self.model = model
        self.kind = kind
        self.constraint = constraint
        self.fields = tuple(fields)
        self.values = tuple(values)
        self.conflicting_pk = conflicting_pk


class ProtectedError(IntegrityError):
    """Deleting is refused: a PROTECT reference still points here."""

    def __init__(self, message: str, protected_objects: Iterable[Any]) -> None:
        super().__init__(message, kind="reference")
        self.protected_objects = set(protected_objects)


class RestrictedError(IntegrityError):
    """Deleting is refused: a RESTRICT reference still points here."""

    def __init__(self, message: str, restricted_objects: Iterable[Any]) -> None:
        super().__init__(message, kind="reference")
        self.restricted_objects = set(restricted_objects)


class TransactionError(ProgrammingError):
    """A transaction is used by a thread or task that does not own it, or after its end."""


class TransactionManagementError(ProgrammingError):
    """Transaction control is used out of place, or after an error that the block must first be left for."""


class TransactionConflict(DatabaseError):
    """Another transaction committed first; nothing of this one was saved.

    Attributes: `model` (label), `pk`, `kind` ("write" | "read" | "version").
    """

    def __init__(self, message: str = "", *, model: str = "", pk: Any = None, kind: str = "") -> None:
        super().__init__(message)
        self.model = model
        self.pk = pk
        self.kind = kind


class OptimisticLockError(TransactionConflict):
    """An instance is older than its row: somebody else saved or deleted that since. Nothing was written.

    Attributes: `expected` (the instance's version) and `found` (the row's, None where there is none).
    """

    def __init__(
        self,
        message: str = "",
        *,
        model: str = "",
        pk: Any = None,
        expected: int | None = None,
        found: int | None = None,
    ) -> None:
        super().__init__(message, model=model, pk=pk, kind="version")
        self.expected = expected
        self.found = found


class ConcurrentIntegrityError(IntegrityError, TransactionConflict):
    """A unique or reference failure that a concurrent commit caused."""

    def __init__(self, message: str = "", *, pk: Any = None, **details: Any) -> None:
        IntegrityError.__init__(self, message, **details)
        self.pk = pk


class StoreError(OperationalError):
    """The store could not save; nothing was applied."""


class StoreClosed(StoreError):
    """The store was used after close()."""


class StoreCorrupt(StoreError):
    """A store's file is damaged, or is not one; it was left as it is. `python -m modelkit fsck FILE` tells more.

    Attributes: `file` and `offset`, the byte where what is wrong begins.
    """

    def __init__(self, file: str, offset: int, why: str) -> None:
        super().__init__(f"{file}, byte {offset}: {why}.")
        self.file = file
        self.offset = offset
        self.why = why

    def __reduce__(self) -> Any:
        return type(self), (self.file, self.offset, self.why)


class StoreLocked(StoreError):
    """Another process (or another store of this one) has the file open.

    Attributes: `file` and `pid`, the process that holds it, None where it did not say.
    """

    def __init__(self, file: str, pid: int | None) -> None:
        who = "another process" if pid is None else f"process {pid}"
        super().__init__(f"{file} is open already, in {who}: a store's file is used by one process at a time.")
        self.file = file
        self.pid = pid

    def __reduce__(self) -> Any:
        return type(self), (self.file, self.pid)


class CommitOutcomeUnknown(StoreError):
    """The system could not say whether a commit reached the disk; the store takes no more writes. Open it anew to see."""


class SchemaMismatch(StoreError):
    """A table's stored columns and its model's fields do not agree."""


class ValidationError(Exception):
    """A value, or several by field, did not validate.

    `message` is a text, another ValidationError, a list of these, or a dict of field name to these.
    `code` names the kind of failure, `params` fill `%(name)s` in the text.
    """

    message: str
    code: str | None
    params: Mapping[str, Any] | None
    error_dict: dict[str, list[ValidationError]]
    error_list: list[ValidationError]

    def __init__(self, message: Any, code: str | None = None, params: Mapping[str, Any] | None = None) -> None:
        super().__init__(message, code, params)
        if isinstance(message, ValidationError):
            if hasattr(message, "error_dict"):
                message = message.error_dict
            elif not hasattr(message, "message"):
                message = message.error_list
            else:
                message, code, params = message.message, message.code, message.params
        if isinstance(message, dict):
            self.error_dict = {
                field: (part if isinstance(part, ValidationError) else ValidationError(part)).error_list
                for field, part in message.items()
            }
        elif isinstance(message, list):
            self.error_list = []
            for part in message:
                nested = part if isinstance(part, ValidationError) else ValidationError(part)
                if hasattr(nested, "error_dict"):
                    for errors in nested.error_dict.values():
                        self.error_list.extend(errors)
                else:
                    self.error_list.extend(nested.error_list)
        else:
            self.message, self.code, self.params = message, code, params
            self.error_list = [self]

    @property
    def message_dict(self) -> dict[str, list[str]]:
        """Field name -> texts; AttributeError where the error is not by field."""
        return {field: ValidationError(errors).messages for field, errors in self.error_dict.items()}

    @property
    def messages(self) -> list[str]:
        """All texts, filled in."""
        if hasattr(self, "error_dict"):
            return [text for errors in self.error_dict.values() for text in ValidationError(errors).messages]
        return [error._text() for error in self.error_list]

    def update_error_dict(self, error_dict: dict[str, list[ValidationError]]) -> dict[str, list[ValidationError]]:
        """Add this error's parts to `error_dict`, those without a field under "__all__"; return it."""
        if hasattr(self, "error_dict"):
            for field, errors in self.error_dict.items():
                error_dict.setdefault(field, []).extend(errors)
        else:
            error_dict.setdefault("__all__", []).extend(self.error_list)
        return error_dict

    def _text(self) -> str:
        text = str(self.message)
        return text % self.params if self.params else text

    def __iter__(self) -> Any:
        if hasattr(self, "error_dict"):
            for field, errors in self.error_dict.items():
                yield field, ValidationError(errors).messages
        else:
            yield from self.messages

    def __str__(self) -> str:
        if hasattr(self, "error_dict"):
            return repr(dict(self))
        return repr(list(self))

    def __repr__(self) -> str:
        return f"ValidationError({self})"

    def _identity(self) -> Any:
        if hasattr(self, "message"):
            params = tuple(sorted((name, repr(value)) for name, value in (self.params or {}).items()))
            return (str(self.message), self.code, params)
        if hasattr(self, "error_dict"):
            return frozenset((field, _identities(errors)) for field, errors in self.error_dict.items())
        return _identities(self.error_list)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ValidationError):
            return NotImplemented
        return bool(self._identity() == other._identity())

    def __hash__(self) -> int:
        return hash(self._identity())


class WrongType(ValidationError, TypeError):
    """A value of a class that its field cannot read at all: a TypeError too, as Django raises there."""


def _identities(errors: Iterable[ValidationError]) -> tuple[Any, ...]:
    return tuple(sorted((error._identity() for error in errors), key=repr))


_LONGEST = 200
"""Longer names resemble nothing: comparing them would cost more than it could tell."""


def did_you_mean(name: str, choices: Iterable[str], *, limit: int = 12) -> str:
    """The end of a message about an unknown `name`: " Did you mean 'x'?", or the choices, or nothing.

    Complexity: linear in the choices.
    """
    known = list(dict.fromkeys(choices))
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6) if len(name) <= _LONGEST else []
    if near:
        return f" Did you mean '{near[0]}'?"
    if not known:
        return ""
    listed = ", ".join(sorted(known)[:limit])
    return f" Choices are: {listed}{', ...' if len(known) > limit else ''}."


def described(value: object) -> str:
    """`repr(value)`, but of a queryset by what its class says of it without running it."""
    describe = getattr(type(value), "_described", None)
    return str(describe(value)) if describe is not None else repr(value)


def shorten(value: object, limit: int = 80) -> str:
    """`repr(value)` cut to `limit` characters, for error messages; never raises, whatever the repr does, and runs no query."""
    try:
        text = described(value)
    except Exception as error:  # noqa: BLE001 - a hostile repr must not hide the error being reported
        text = f"<{type(value).__name__} whose repr raises {type(error).__name__}>"
    return text if len(text) <= limit else text[: limit - 3] + "..."


def spelled(name: str, limit: int = 80) -> str:
    """`name` for a message: as it is where it prints on one line, else escaped; cut to `limit` characters."""
    text = name if name.isprintable() else repr(name)[1:-1]
    return text if len(text) <= limit else text[: limit - 3] + "..."


_NOT_GOALS: dict[str, str] = {
    "FileField": "modelkit keeps no files: keep the file where your application does, and its path in a CharField",
    "ImageField": "modelkit keeps no files: keep the image where your application does, and its path in a CharField",
    "RawSQL": "modelkit runs no SQL: Func and Transform declare functions of your own in Python",
    "connection": "modelkit has no cursors: queries go through managers, transactions through atomic()",
    "connections": "modelkit has no cursors: queries go through managers; connect() and use_store() choose the store",
    "raw": "modelkit runs no SQL: say it with filter(), annotate() and the functions, or in Python over the rows",
    "extra": "modelkit runs no SQL: say it with annotate(), alias(), Subquery and Func",
}
"""What other libraries are for, by the name that Django's users ask for it, and the way out."""


def not_a_goal(name: str) -> None:
    """Raise NotSupportedError where `name` is what modelkit leaves to other libraries; nothing for any other name."""
    if name in _NOT_GOALS:
        raise NotSupportedError(f"{name} is not supported: {_NOT_GOALS[name]}.")


_NOT_YET: dict[str, str] = {
    "SQL stores": "A store on a SQL database",
    "portable": "MemoryStore(portable=...)",
}


def not_yet(feature: str) -> NoReturn:
    """Raise NotYetSupported for a `feature` of the one list; KeyError for one that is not on it."""
    raise NotYetSupported(f"{_NOT_YET[feature]} is not supported yet.")
