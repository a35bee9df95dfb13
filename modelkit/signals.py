"""Signals: calls to whoever asked to be told.

Knows nothing of models: a sender is any object. The invariant: a signal without receivers is falsy in `receivers`, so
that whoever sends asks `if pre_save.receivers:` first and pays for nothing else.
"""

from __future__ import annotations

import inspect
import logging
import threading
import weakref
from collections.abc import Callable, Hashable, Iterable
from typing import Any, NamedTuple, TypeVar

__all__ = [
    "ModelSignal",
    "Signal",
    "class_prepared",
    "m2m_changed",
    "post_delete",
    "post_init",
    "post_save",
    "pre_delete",
    "pre_init",
    "pre_save",
    "receiver",
]

Receiver = Callable[..., Any]
F = TypeVar("F", bound=Receiver)

logger = logging.getLogger("modelkit.signals")


class _Connection(NamedTuple):
    """One receiver: `key` tells connections apart; `call` gives the receiver, or None where it was collected."""

    key: tuple[Hashable, int | None]
    call: Callable[[], Receiver | None]
    sender: Callable[[], object] | None


def _identity(receiver: Receiver) -> Hashable:
    """Two looks at one bound method are different objects, but one receiver."""
    if inspect.ismethod(receiver):
        return (id(receiver.__self__), id(receiver.__func__))
    return id(receiver)


def _reference(target: Any, gone: Callable[[Any], object]) -> Callable[[], Any]:
    """A weak reference where `target` can have one, else a strong one."""
    try:
        return weakref.ref(target, gone)
    except TypeError:
        return lambda: target


class Signal:
    """A list of receivers, each told of every sending, or of one sender's only.

    Receivers are held weakly unless connected with `weak=False`; senders are held weakly. They are called in the order
    they were connected in. Connecting and disconnecting are thread-safe; sending reads one list that never changes.
    """

    receivers: list[_Connection]
    """Never changed in place."""

    def __init__(self) -> None:
        self.receivers = []
        self.lock = threading.RLock()

    def connect(
        self, receiver: Receiver, sender: object = None, weak: bool = True, dispatch_uid: Hashable | None = None
    ) -> None:
        """Call `receiver(sender=..., signal=..., **arguments)` from now on.

        `sender` limits it to that sender. The same receiver (or `dispatch_uid`) is connected once per sender.
        Raises TypeError for a receiver that cannot be called or that takes no **kwargs.
        """
        if not callable(receiver):
            raise TypeError(f"A signal's receiver is called: {type(receiver).__name__} is not callable.")
        if not _takes_keywords(receiver):
            raise ValueError(f"The receiver {getattr(receiver, '__qualname__', receiver)!s} must accept **kwargs.")
        key = (_identity(receiver) if dispatch_uid is None else dispatch_uid, None if sender is None else id(sender))
        connection = _Connection(
            key,
            self._held(receiver, key) if weak else (lambda: receiver),
            None if sender is None else _reference(sender, lambda _gone: self._drop(key)),
        )
        with self.lock:
            if all(known.key != key for known in self.receivers):
                self.receivers = [*self.receivers, connection]

    def _held(self, receiver: Receiver, key: Any) -> Callable[[], Receiver | None]:
        if inspect.ismethod(receiver):
            return weakref.WeakMethod(receiver, lambda _gone: self._drop(key))
        return _reference(receiver, lambda _gone: self._drop(key))

    def _drop(self, key: Any) -> bool:
        with self.lock:
            left = [connection for connection in self.receivers if connection.key != key]
            dropped = len(left) != len(self.receivers)
            self.receivers = left
        return dropped

    def disconnect(
        self, receiver: Receiver | None = None, sender: object = None, dispatch_uid: Hashable | None = None
    ) -> bool | None:
        """Stop calling `receiver` (or who was connected as `dispatch_uid`) for `sender`; whether it was connected."""
        name = _identity(receiver) if dispatch_uid is None and receiver is not None else dispatch_uid
        return self._drop((name, None if sender is None else id(sender)))

    def _clear_dead_receivers(self) -> None:
        """Nothing: a receiver that is collected leaves by itself. Django's name, for those who make sure."""

    def has_listeners(self, sender: object = None) -> bool:
        """Whether a sending by `sender` would reach anyone."""
        return bool(self.receivers) and bool(self._live(sender))

    def _live(self, sender: object) -> list[Receiver]:
        found = []
        for connection in self.receivers:
            if connection.sender is None or (sender is not None and connection.sender() is sender):
                receiver = connection.call()
                if receiver is not None:
                    found.append(receiver)
        return found

    def send(self, sender: object, **named: Any) -> list[tuple[Receiver, Any]]:
        """Call everyone; (receiver, what it returned) for each. The first exception ends it."""
        if not self.receivers:
            return []
        return [(receiver, receiver(signal=self, sender=sender, **named)) for receiver in self._live(sender)]

    def send_robust(self, sender: object, **named: Any) -> list[tuple[Receiver, Any]]:
        """Call everyone; where a receiver raises, its exception (logged) stands in place of what it returned."""
        responses: list[tuple[Receiver, Any]] = []
        for receiver in self._live(sender):
            try:
                response = receiver(signal=self, sender=sender, **named)
            except Exception as error:
                logger.exception("A receiver of a signal failed: %s", getattr(receiver, "__qualname__", receiver))
                response = error
            responses.append((receiver, response))
        return responses


def _takes_keywords(receiver: Receiver) -> bool:
    try:
        parameters = inspect.signature(receiver).parameters.values()
    except (TypeError, ValueError):
        return True
    return any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters)


class ModelSignal(Signal):
    """A signal whose senders are model classes; `sender` may be the name of one that is defined later, as "app.Model".

    Names are looked up in the registry `apps`; without one, in `home`, which whoever defines classes sets. For each class
    that it defines it calls `named_sender`.
    """

    home: Any = None

    def __init__(self) -> None:
        super().__init__()
        self._waiting: dict[str, list[tuple[Any, Hashable, Callable[[object], None]]]] = {}

    def _find(self, name: str, apps: Any) -> object | None:
        registry = apps if hasattr(apps, "find") else self.home
        found: object | None = None if registry is None else registry.find(name)
        return found

    def connect(
        self,
        receiver: Receiver,
        sender: object = None,
        weak: bool = True,
        dispatch_uid: Hashable | None = None,
        apps: Any = None,
    ) -> None:
        """As Signal.connect; a `sender` given by name is looked up, or waited for."""
        if not isinstance(sender, str):
            super().connect(receiver, sender, weak, dispatch_uid)
            return
        if sender.count(".") != 1:
            raise ValueError(f"A sender's name has the form 'app_label.ModelName', not {sender!r}.")
        found = self._find(sender, apps)
        if found is not None:
            super().connect(receiver, found, weak, dispatch_uid)
            return
        base = super().connect
        registry = apps if hasattr(apps, "find") else self.home
        waiting = self._waiting.setdefault(sender.lower(), [])
        name = _identity(receiver) if dispatch_uid is None else dispatch_uid
        waiting.append((registry, name, lambda model: base(receiver, model, weak, dispatch_uid)))

    def disconnect(
        self,
        receiver: Receiver | None = None,
        sender: object = None,
        dispatch_uid: Hashable | None = None,
        apps: Any = None,
    ) -> bool | None:
        """As Signal.disconnect; a `sender` given by name is looked up, or no longer waited for, and the answer is None."""
        if not isinstance(sender, str):
            return super().disconnect(receiver, sender, dispatch_uid)
        found = self._find(sender, apps)
        if found is not None:
            super().disconnect(receiver, found, dispatch_uid)
            return None
        name = _identity(receiver) if dispatch_uid is None and receiver is not None else dispatch_uid
        waiting = self._waiting.get(sender.lower(), [])
        self._waiting[sender.lower()] = [entry for entry in waiting if entry[1] != name]
        return None

    def named_sender(self, label: str, model: object, registry: Any = None) -> None:
        """Tell that `model` of `registry` now goes by `label` ("app.Model")."""
        waiting = self._waiting.get(label.lower()) if self._waiting else None
        if waiting:
            for entry in [entry for entry in waiting if entry[0] is registry]:
                waiting.remove(entry)
                entry[2](model)


def receiver(signal: Signal | Iterable[Signal], **options: Any) -> Callable[[F], F]:
    """Decorate a function that is to receive `signal`, or each of several; `options` are those of connect()."""

    def connect(function: F) -> F:
        for each in (signal,) if isinstance(signal, Signal) else signal:
            each.connect(function, **options)
        return function

    return connect


class_prepared = Signal()
"""A model class has been defined. Sender: the class."""

pre_init = ModelSignal()
"""An instance is about to be made. Arguments: args, kwargs."""

post_init = ModelSignal()
"""An instance has been made. Arguments: instance."""

pre_save = ModelSignal()
"""An instance is about to be saved. Arguments: instance, raw, using, update_fields."""

post_save = ModelSignal()
"""An instance has been saved. Arguments: instance, created, raw, using, update_fields."""

pre_delete = ModelSignal()
"""An instance is about to be deleted. Arguments: instance, using, origin.

Sent inside the transaction that deletes: what a receiver writes goes with it. A delete() outside of atomic() that another commit
outran is done again, and so is this call: what must happen once belongs into `on_commit()`. So it is for `post_delete` and
`m2m_changed`.
"""

post_delete = ModelSignal()
"""An instance has been deleted. Arguments: instance, using, origin."""

m2m_changed = ModelSignal()
"""A many-to-many relation of an instance changes. Sender: the through model.

Arguments: action, instance, reverse, model, pk_set, using.
"""
