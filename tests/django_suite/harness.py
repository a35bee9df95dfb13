# mypy: disable-error-code="import-untyped"
"""Django's test cases fitted to a modelkit store: flushing, counting statements, comparing messages, time zones.

Imported after the overlay is installed; it changes Django's own classes, and nothing of modelkit.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import re
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from asgiref.sync import AsyncToSync, SyncToAsync
from django.apps.registry import Apps, apps
from django.conf import settings
from django.core.checks import CheckMessage
from django.core.signals import setting_changed
from django.db.models.options import USUAL, Options, registry_of, under_our_name
from django.test import testcases
from django.utils import choices
from django.utils import timezone as of_django

from modelkit import timezone
from modelkit.constraints import NOT_UNIQUE_TOGETHER, BaseConstraint, Index, UniqueConstraint
from modelkit.database import connect, use_store
from modelkit.errors import NotYetSupported, ValidationError
from modelkit.expressions import F, Q, Value
from modelkit.fields import Field, validators
from modelkit.fields.choices import CalledChoices
from modelkit.managers import Manager
from modelkit.model import metaclass
from modelkit.options import Options as ModelOptions
from modelkit.relations.foreign_key import ForeignKey
from modelkit.signals import class_prepared
from modelkit.stores.memory.store import MemoryStore
from modelkit.transaction import Atomic, Block, datetime_policies, present_owner, running, store_of
from tests.django_suite.shim.statements import statements
from tests.django_suite.wording import Worded, missing_names

__all__ = ["COUNTS", "Counts", "install", "refused"]

ALIASES = ("default", "other")


@dataclass
class Counts:
    """How often assertNumQueries was asked, and how often the number was exactly Django's."""

    asked: int = 0
    exact: int = 0


COUNTS = Counts()

AROUND: Counter[str] = Counter()
"""Alias -> how many blocks of test cases are open around the present test."""

refused: list[str] = []
"""The messages of NotYetSupported since the list was cleared: a test must not mistake one for the error it expects."""


def install(installed_apps: list[str]) -> None:
    """Configure settings, stores and hooks. Once per process."""
    settings.configure(
        DATABASES={alias: {"ENGINE": "modelkit"} for alias in ALIASES},
        INSTALLED_APPS=installed_apps,
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        USE_TZ=False,
        TIME_ZONE="UTC",
        SECRET_KEY="tests",
        ROOT_URLCONF="urls",
        SITE_ID=1,
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    )
    for alias in ALIASES:
        connect(MemoryStore(tz="naive"), alias=alias)
    class_prepared.connect(_register)
    ModelOptions._expire_cache = _expire  # type: ignore[attr-defined]
    ModelOptions.app_config = property(_app_config)  # type: ignore[attr-defined]
    USUAL.set_default_auto_field(under_our_name(settings.DEFAULT_AUTO_FIELD))
    Apps.__getattr__ = _of_registry
    Field.formfield = _no_form_field  # type: ignore[attr-defined]
    declared: tuple[Any, ...] = (Field, ForeignKey, BaseConstraint, UniqueConstraint, Index, Manager, Q, F, Value)
    for kind in declared:
        kind.deconstruct = _under_djangos_name(kind.deconstruct)
    Field.__repr__ = _under_djangos_name(Field.__repr__)  # type: ignore[method-assign]
    ModelOptions.apps = property(_apps)  # type: ignore[method-assign,assignment]
    ModelOptions._relation_tree = property(_incoming)  # type: ignore[attr-defined]
    Apps._pending_operations = property(_pending, _left_alone)
    choices.CallableChoiceIterator = CalledChoices
    CheckMessage.__eq__ = _same_finding
    metaclass._app_of = _app_of
    setting_changed.connect(_follow_settings)
    _share_time_zones()
    _record_refusals()
    logging.getLogger("modelkit.transaction").addHandler(_UnderDjangosName())
    _compare_messages_by_names()
    _fit_test_cases()


def _register(sender: Any, **_: Any) -> None:
    """Let Django's registry know a model, for what of Django asks it (serializers, checks, `apps.get_model`)."""
    options = sender._meta
    present = options.registry if isinstance(options.registry, Apps) else Options.default_apps
    present.all_models[options.app_label][options.model_name] = sender
    present.get_models.cache_clear()


def _share_time_zones() -> None:
    """One current time zone for both."""
    for name in ("activate", "deactivate", "get_current_timezone", "get_current_timezone_name", "override"):
        setattr(of_django, name, getattr(timezone, name))


def _app_of(module: str) -> str:
    """The label of the app that Django takes a module's models for; for a module of no app its top-level package."""
    config = apps.get_containing_app_config(module) if apps.apps_ready else None
    return module.partition(".")[0] if config is None else config.label


def _follow_settings(*, setting: str, value: Any, enter: bool, **_: Any) -> None:
    """USE_TZ decides whether the stores hold aware datetimes, TIME_ZONE which zone is the default; DEFAULT_AUTO_FIELD goes on."""
    if setting == "DEFAULT_AUTO_FIELD":
        for present in (USUAL, registry_of(Options.default_apps)):
            present.set_default_auto_field(under_our_name(value))
    if setting == "TIME_ZONE":
        timezone.set_default_timezone(value)
    if setting == "USE_TZ":
        _use_time_zones("aware" if value else "naive", enter=enter)


def _use_time_zones(policy: Literal["aware", "naive"], *, enter: bool) -> None:
    """Connect stores that keep moments so; inside a test case's transaction only for as long as the setting holds."""
    if not enter and _in_place:
        _in_place.pop().close()
    elif enter and any(AROUND.values()) and policy not in datetime_policies():
        _in_place.append(ExitStack())
        for alias in ALIASES:
            _in_place[-1].enter_context(use_store(MemoryStore(tz=policy), alias))
    else:
        for alias in ALIASES:
            connect(MemoryStore(tz=policy), alias=alias)


_in_place: list[ExitStack] = []
"""What puts back the stores of the transactions around the present test."""


class _UnderDjangosName(logging.Handler):
    """Hands records of transactions to the logger that Django's tests listen to."""

    def emit(self, record: logging.LogRecord) -> None:
        worded = Worded(record.getMessage())
        record.getMessage = lambda: worded  # type: ignore[method-assign]
        logging.getLogger("django.db.backends.base").handle(record)


def _app_config(options: Any) -> Any:
    """The configuration of a model's app, where it is one of INSTALLED_APPS: `loaddata` asks whether to leave it out."""
    return apps.app_configs.get(options.app_label)


def _expire(options: Any, **_: Any) -> None:
    """Under its name in Django, whose registry calls it where the installed apps change."""
    options.expire()


def _apps(options: Any) -> Any:
    """The registry of a model, in the place of which one of Django's stands."""
    return next(
        (known for known in (apps, Options.default_apps) if registry_of(known) is options.registry), options.registry
    )


def _same_finding(theirs: Any, ours: Any) -> bool:
    """Whether two findings are of one kind and about one object: their wording is each side's own."""
    return (theirs.level, theirs.id, theirs.obj) == (ours.level, ours.id, ours.obj)


def _incoming(options: Any) -> Any:
    """The relation fields that lead to a model, under their name in Django."""
    return options.concrete_model._meta.incoming


def _pending(of_django: Any) -> Any:
    """What waits for models that are not defined yet, under its name in Django."""
    return registry_of(of_django)._pending


def _left_alone(_of_django: Any, _value: Any) -> None:
    """Django's registries make a list of their own, which stays empty."""


def _of_registry(of_django: Any, name: str) -> Any:
    """What modelkit asks of the registry of a model whose Meta.apps is one of Django's."""
    if name.startswith("__") or name == "find":
        raise AttributeError(name)
    return getattr(registry_of(of_django), name)


def _under_djangos_name(method: Callable[..., Any]) -> Callable[..., Any]:
    """`method`, a deconstruct() or __repr__(), with the import path that the same class has in Django."""

    def renamed(part: Any) -> Any:
        if isinstance(part, str):
            for ours, theirs in _PLACES.items():
                part = re.sub(rf"^(<?){ours}", rf"\1{theirs}", part)
        return part

    @functools.wraps(method)
    def named(declared: Any) -> Any:
        found = method(declared)
        return renamed(found) if isinstance(found, str) else tuple(map(renamed, found))

    return named


_PLACES = {
    r"modelkit\.fields\.\w+\.": "django.db.models.fields.",
    r"modelkit\.managers\.": "django.db.models.manager.",
    r"modelkit\.": "django.db.models.",
}
"""Where modelkit's classes are imported from -> where Django's of the same names are."""


def _no_form_field(_field: Any, **_: Any) -> None:
    """What Django's forms ask of a model's field: forms leave those out that have none."""


def _record_refusals() -> None:
    original = NotYetSupported.__init__

    def recording(self: NotYetSupported, *args: Any) -> None:
        refused.append(str(args[0]) if args else "")
        original(self, *args)

    NotYetSupported.__init__ = recording  # type: ignore[method-assign,assignment]


def _compare_messages_by_names() -> None:
    """Let texts of ValidationErrors equal those that tests expect where the wording is modelkit's own, not the test's."""
    text, of_constraint = ValidationError._text, BaseConstraint.get_violation_error_message
    own = _own_messages()

    def _text(error: ValidationError) -> str:
        ours = isinstance(error.message, Worded) or error.message in own
        return Worded(text(error)) if ours else text(error)

    def get_violation_error_message(constraint: BaseConstraint) -> str:
        usual = constraint.violation_error_message is BaseConstraint.default_violation_error_message
        return Worded(of_constraint(constraint)) if usual else of_constraint(constraint)

    def message(error: ValidationError) -> str:
        try:
            template: str = error.__dict__["message"]
        except KeyError:
            raise AttributeError("message") from None
        return Worded(template) if template in own else template

    ValidationError._text = _text  # type: ignore[method-assign]
    ValidationError.message = property(message, _keep_message)  # type: ignore[assignment]
    BaseConstraint.get_violation_error_message = get_violation_error_message  # type: ignore[method-assign]


def _keep_message(error: ValidationError, message: str) -> None:
    error.__dict__["message"] = message


def _own_messages() -> frozenset[str]:
    """The texts that modelkit's fields and validators bring along."""
    found = {NOT_UNIQUE_TOGETHER}
    waiting: list[Any] = [Field]
    while waiting:
        kind = waiting.pop()
        waiting.extend(kind.__subclasses__())
        found.update(vars(kind).get("default_error_messages", {}).values())
    for kind in vars(validators).values():
        if isinstance(kind, type) and kind.__module__ == validators.__name__:
            message = vars(kind).get("message")
            found.update([message] if isinstance(message, str) else vars(kind).get("messages", {}).values())
    return frozenset(found)


def _fit_test_cases() -> None:
    testcases.TransactionTestCase.assertNumQueries = _assert_num_queries
    testcases.TransactionTestCase._fixture_teardown = _clear_stores
    testcases.TransactionTestCase._reset_sequences = staticmethod(_reset_sequences)
    testcases.TestCase._enter_atomics = classmethod(_enter_atomics)
    testcases.TestCase._rollback_atomics = classmethod(_rollback_atomics)
    Atomic.begin = Atomic.__enter__ = _outermost_for_tests(Block.begin)  # type: ignore[method-assign]
    testcases.SimpleTestCase._assert_raises_or_warns_cm = _names_in_message
    testcases.async_to_sync = _run_here
    AsyncToSync.__init__ = _handing_over(AsyncToSync.__init__, _awaited_as_owner)
    SyncToAsync.__init__ = _handing_over(SyncToAsync.__init__, _called_as_owner)


def _enter_atomics(case: Any) -> dict[str, Any]:
    """Django's own marks the block with an attribute, for which ours has no room."""
    atomics = {}
    for alias in case._databases_names():
        atomics[alias] = testcases.transaction.atomic(using=alias)
        atomics[alias].__enter__()
        AROUND[alias] += 1
    return atomics


def _rollback_atomics(case: Any, atomics: dict[str, Any]) -> None:
    for alias in reversed(case._databases_names()):
        testcases.transaction.set_rollback(True, using=alias)
        atomics[alias].__exit__(None, None, None)
        AROUND[alias] -= 1


def _outermost_for_tests(begin: Callable[..., Any]) -> Callable[..., Any]:
    """Block.begin(), to which the blocks that test cases open are none: a durable block may stand directly inside them."""

    @functools.wraps(begin)
    def fitted(block: Atomic) -> Any:
        current = running(block.using)
        if current is not None and len(current.blocks) < AROUND[block.using]:
            block._durable = False
        return begin(block)

    return fitted


def _run_here(method: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    """An async test in an event loop of this thread, its task the owner of the transactions that the case began."""
    owned = _awaited_as_owner(method)

    @functools.wraps(method)
    def here(*args: Any) -> Any:
        return asyncio.run(owned(*args))

    return here


@contextmanager
def _owner() -> Iterator[None]:
    """Make this thread and task the owner of the transactions that run here, as Django's connections follow asgiref."""
    handed = [(current, current.owner) for current in map(running, ALIASES) if current is not None]
    for current, _ in handed:
        current.owner = present_owner()
    try:
        yield
    finally:
        for current, owner in handed:
            current.owner = owner


def _awaited_as_owner(method: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Coroutine[Any, Any, Any]]:
    @functools.wraps(method)
    async def owned(*args: Any, **kwargs: Any) -> Any:
        with _owner():
            return await method(*args, **kwargs)

    return owned


def _called_as_owner(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def owned(*args: Any, **kwargs: Any) -> Any:
        with _owner():
            return function(*args, **kwargs)

    return owned


def _handing_over(construct: Callable[..., None], owning: Callable[..., Any]) -> Callable[..., None]:
    """The constructor of one of asgiref's bridges, which then hands the running transactions to the side it calls."""

    @functools.wraps(construct)
    def fitted(bridge: Any, function: Any, *args: Any, **options: Any) -> None:
        construct(bridge, owning(function), *args, **options)

    return fitted


def _clear_stores(case: Any) -> None:
    for alias in case._databases_names(include_mirrors=False):
        store_of(alias).clear()


def _reset_sequences(alias: str) -> None:
    store_of(alias).clear()


@contextmanager
def _names_in_message(case: Any, check: Callable[..., Any], attribute: str, kind: Any, message: str) -> Iterator[Any]:
    """The type is the contract; of the text, the names it quotes."""
    with check(kind) as context:
        yield context
    text = str(getattr(context, attribute))
    if message in text:
        return
    missing = missing_names(str(message), text)
    if missing:
        case.fail(f"The message does not name {', '.join(missing)}: {text!r} instead of {message!r}.")


class _AtMost:
    """A context in which at most `allowed` statements run on alias `using`, and at least one where any is allowed."""

    def __init__(self, case: Any, allowed: int, using: str) -> None:
        self.case, self.allowed, self.using = case, allowed, using
        self.statements: list[str] = []

    def __enter__(self) -> _AtMost:
        self._before = len(statements)
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if kind is not None:
            return
        self.statements = [text for alias, text in statements[self._before :] if alias == self.using]
        ran = len(self.statements)
        COUNTS.asked += 1
        COUNTS.exact += ran == self.allowed
        listed = "".join(f"\n  {text}" for text in self.statements)
        if ran > self.allowed:
            self.case.fail(f"{ran} statements ran, {self.allowed} are allowed.{listed}")
        if self.allowed and not ran:
            self.case.fail(f"No statement ran where Django needs {self.allowed}.")

    def __len__(self) -> int:
        return len(self.statements)

    def __iter__(self) -> Iterator[dict[str, str]]:
        return iter(self.captured_queries)

    def __getitem__(self, index: int) -> dict[str, str]:
        return self.captured_queries[index]

    @property
    def captured_queries(self) -> list[dict[str, str]]:
        return [{"sql": text, "time": "0"} for text in self.statements]


def _assert_num_queries(
    case: Any, num: int, func: Callable[..., Any] | None = None, *args: Any, using: str = "default", **kwargs: Any
) -> Any:
    context = _AtMost(case, num, using)
    if func is None:
        return context
    with context:
        func(*args, **kwargs)
    return None
