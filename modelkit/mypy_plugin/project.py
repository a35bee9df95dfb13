"""Which classes of a project may have relations to which, read off its files: no module is imported, nothing is run.

mypy sees the modules that others import, and checks a module as soon as those are ready: whoever points *to* a model may come later,
or never. So each module that declares a model depends on the modules that declare relations to it, and this index says which
these are. It goes by names alone; what a name means is decided when somebody asks (`reverse`). The invariant: the index names all
classes that may have a relation to a model, perhaps more.
"""

from __future__ import annotations

import ast
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from modelkit.mypy_plugin.guard import say_once

__all__ = ["Project", "Sketch"]

_RELATION: Final = re.compile(r"ForeignKey|OneToOne|ManyToMany|ForeignObject|GenericRelation")
_CLASS: Final = re.compile(r"^\s*class\s+\w+\s*\(", re.MULTILINE)
_LOOKUP: Final = re.compile(
    r"lookup_name\s*(?::[^=\n]*)?=\s*[\"'](\w+)[\"']|register_lookup\([^)]*[\"'](\w+)[\"']|register_lookup\(([^)]*)\)"
)
"""Names of lookups as they are registered: by text, or those of classes such as Length, whose lookups are called as they are."""
_MOST_FILES: Final = 20_000
_LABEL: Final = "~"
"""Before the text by which a relation names its target."""
_ITSELF: Final = "~self"


@dataclass(slots=True)
class Sketch:
    """A class as its file shows it. `bases` and `targets` are full names as far as imports tell them."""

    module: str
    name: str
    bases: tuple[str, ...]
    targets: frozenset[str]
    app_label: str
    abstract: bool = False
    proxy: bool = False

    @property
    def fullname(self) -> str:
        """As mypy writes it."""
        return f"{self.module}.{self.name}"


_Stamp: TypeAlias = tuple[int, int]
"""When a file was written, and how long it is."""


@dataclass(slots=True)
class _Root:
    """The classes in the files below one folder from which modules are imported."""

    stamps: dict[str, _Stamp | None] = field(default_factory=dict)
    """Module -> the file as it was read."""
    paths: dict[str, Path] = field(default_factory=dict)
    by_module: dict[str, list[Sketch]] = field(default_factory=dict)
    lookups: set[str] = field(default_factory=set)
    sketches: dict[str, Sketch] = field(default_factory=dict)
    """By full name."""
    by_name: dict[str, list[Sketch]] = field(default_factory=dict)
    pointing: dict[str, set[str]] = field(default_factory=dict)
    """Full name of a class -> those of the classes that have or inherit a relation to it."""
    deriving: dict[str, list[str]] = field(default_factory=dict)
    """Full name of a class -> those of the classes that have it as a base."""
    reached: dict[str, set[str]] = field(default_factory=dict)
    """Full name of a class -> the modules of the classes that it points to or derives from."""

    def read(self, module: str, path: Path) -> None:
        """Take in a file as it is now, in place of what was read of it before. What it says leads anywhere once `tie` was called."""
        self.stamps[module] = _stamp(path)
        self.paths[module] = path
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return
        for match in _LOOKUP.finditer(text) if "lookup" in text else ():
            self.lookups.update(re.findall(r"\w+", match[1] or match[2] or match[3].lower()))
        declares = "class" in text and _CLASS.search(text)
        self.by_module[module] = list(_sketches(module, text, is_package=path.stem == "__init__")) if declares else []

    def drop(self, module: str) -> None:
        """Take out a file that is no more."""
        for index in (self.stamps, self.paths, self.by_module):
            index.pop(module, None)

    def tie(self) -> None:
        """Find out what leads where, once all classes are known."""
        for index in (self.sketches, self.by_name, self.pointing, self.deriving, self.reached):
            index.clear()
        for sketch in (sketch for found in self.by_module.values() for sketch in found):
            self.sketches[sketch.fullname] = sketch
            self.by_name.setdefault(sketch.name, []).append(sketch)
        for sketch in self.sketches.values():
            reached = self.reached.setdefault(sketch.fullname, set())
            for base in self._parents(sketch):
                self.deriving.setdefault(base.fullname, []).append(sketch.fullname)
                reached.add(base.module)
            for each in (sketch, *self._ancestors(sketch)):
                for target in each.targets:
                    for found in [sketch] if target == _ITSELF else self.meant(target, each):
                        for known in (found, *(self._ancestors(found) if found.proxy else ())):
                            self.pointing.setdefault(known.fullname, set()).add(sketch.fullname)
                        reached.add(found.module)

    def meant(self, name: str, user: Sketch) -> list[Sketch]:
        """The classes that a full name may mean, or a label ("~User", "~shop.User") that class `user` uses."""
        last = name.rpartition(".")[2].removeprefix(_LABEL)
        known = self.by_name.get(last, [])
        if name.startswith(_LABEL):
            app = name.removeprefix(_LABEL).rpartition(".")[0] or user.app_label
            own = [each for each in known if each.module == user.module]
            return own or [each for each in known if each.app_label == app]
        exact = self.sketches.get(name)
        if exact is not None:
            return [exact]
        package = name.partition(".")[0]
        return [each for each in known if each.module.partition(".")[0] == package]

    def _parents(self, sketch: Sketch) -> list[Sketch]:
        return [found for base in sketch.bases for found in self.meant(base, sketch)]

    def _ancestors(self, sketch: Sketch) -> list[Sketch]:
        """The classes that `sketch` derives from."""
        found: dict[str, Sketch] = {}
        waiting = self._parents(sketch)
        while waiting:
            parent = waiting.pop()
            if parent.fullname not in found and parent is not sketch:
                found[parent.fullname] = parent
                waiting.extend(self._parents(parent))
        return list(found.values())


class Project:
    """The index of all folders that were asked about; a file is read again where it changed."""

    def __init__(self) -> None:
        self._roots: dict[Path, _Root] = {}
        self._root_of: dict[str, _Root] = {}
        self._lock = threading.Lock()

    def note(self, module: str, path: str) -> None:
        """Get to know a module."""
        if module in self._root_of or not _is_users(module, path):
            return
        folder = _root(module, Path(path))
        with self._lock:
            if folder not in self._roots:
                self._roots[folder] = _read(folder)
        self._root_of[module] = self._roots[folder]

    def renew(self, module: str, path: str) -> None:
        """Get to know a module that mypy reads now, which it may have read before: its daemon does."""
        self.note(module, path)
        root = self._root_of.get(module)
        if root is None:
            return
        file = Path(path)
        with self._lock:
            if root.stamps.get(module) != _stamp(file):
                root.read(module, file)
                root.tie()

    def drop_gone(self, module: str, name: str) -> None:
        """Look whether the files of what leads to class `name` of `module` are still there."""
        root = self._root_of.get(module)
        if root is None:
            return
        leading = {each.rpartition(".")[0] for each in (*self.incoming(module, name), *self.derived(module, name))}
        gone = [each for each in leading - {module} if not root.paths[each].exists()]
        with self._lock:
            for each in gone:
                root.drop(each)
            if gone:
                root.tie()

    def incoming(self, module: str, name: str) -> list[str]:
        """The full names of the classes that may have a relation to class `name` of `module`."""
        root = self._root_of.get(module)
        if root is None:
            return []
        return sorted(root.pointing.get(f"{module}.{name}", ()))

    def derived(self, module: str, name: str) -> list[str]:
        """The full names of the classes that may derive directly from class `name` of `module`."""
        root = self._root_of.get(module)
        return [] if root is None else root.deriving.get(f"{module}.{name}", [])

    def reached(self, module: str, name: str) -> list[str]:
        """The other modules whose classes have something of class `name` of `module`: a far side, rows that are its rows."""
        root = self._root_of.get(module)
        found = root.reached.get(f"{module}.{name}", set()) if root is not None else set()
        return sorted(found - {module})

    def dependencies(self, module: str) -> list[str]:
        """The modules that `module` needs beside those it imports: of relations to its classes, of targets that it names by text."""
        root = self._root_of.get(module)
        if root is None:
            return []
        found: set[str] = set()
        for sketch in root.by_module.get(module, ()):
            found.update(fullname.rpartition(".")[0] for fullname in self._around(module, sketch))
            for target in sketch.targets:
                if target.startswith(_LABEL):
                    found.update(each.module for each in root.meant(target, sketch))
        return sorted(found - {module})

    def digest(self, module: str) -> list[str]:
        """What `module` depends on that its own text does not say; where it changes, what mypy kept of the module is stale."""
        root = self._root_of.get(module)
        if root is None:
            return []
        own = root.by_module.get(module, ())
        pairs = {f"{sketch.name}<-{each}" for sketch in own for each in self._around(module, sketch)}
        return sorted(pairs | set(self.dependencies(module)))

    def _around(self, module: str, sketch: Sketch) -> list[str]:
        """The classes whose facts say what instances of this one have beside its own fields."""
        incoming = self.incoming(module, sketch.name)
        return incoming if sketch.abstract else [*incoming, *self.derived(module, sketch.name)]

    def named(self, module: str, label: str) -> list[str]:
        """The full names of the classes that text `label` ("User", "shop.User") may mean in `module`, the likeliest first."""
        root = self._root_of.get(module)
        if root is None:
            return []
        own = root.by_module.get(module)
        user = own[0] if own else Sketch(module, "", (), frozenset(), module.partition(".")[0])
        return [each.fullname for each in root.meant(f"{_LABEL}{label}", user)]

    def registers(self, module: str, lookup: str) -> bool:
        """Whether some file registers a lookup or transform of this name."""
        root = self._root_of.get(module)
        return root is None or lookup in root.lookups


def _is_users(module: str, path: str) -> bool:
    return (
        bool(path) and path.endswith(".py") and module.partition(".")[0] != "modelkit" and "site-packages" not in path
    )


def _root(module: str, path: Path) -> Path:
    """The folder from which `module`, which stands in `path`, is imported."""
    folder = path.resolve()
    if folder.name == "__init__.py":
        folder = folder.parent
    for _ in module.split("."):
        folder = folder.parent
    return folder


def _read(folder: Path) -> _Root:
    root = _Root()
    for number, path in enumerate(_files(folder)):
        if number == _MOST_FILES:
            say_once(
                f"files of {folder}",
                f"there are more than {_MOST_FILES:,} modules below {folder}; relations that the others declare are not all known.",
            )
            break
        parts = path.relative_to(folder).with_suffix("").parts
        root.read(".".join(parts[:-1] if parts[-1] == "__init__" else parts), path)
    root.tie()
    return root


def _stamp(path: Path) -> _Stamp | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _files(folder: Path) -> Iterator[Path]:
    """The modules of `folder` and of the packages in it."""
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return
    for entry in entries:
        if entry.suffix == ".py" and entry.stem.isidentifier():
            yield entry
        elif entry.name.isidentifier() and entry.is_dir() and (entry / "__init__.py").exists():
            yield from _files(entry)


def _sketches(module: str, text: str, *, is_package: bool) -> Iterator[Sketch]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    known = {
        **_imported(tree, module, is_package=is_package),
        **{node.name: f"{module}.{node.name}" for node in classes},
    }
    related = bool(_RELATION.search(text))
    for node in classes:
        if node.bases:
            bases = tuple(name for base in node.bases if (name := _full_name(base, known)))
            targets = frozenset(_targets(node, known)) if related else frozenset()
            meta = _meta(node)
            label = meta.get("app_label")
            own = label if isinstance(label, str) else module.partition(".")[0]
            yield Sketch(
                module, node.name, bases, targets, own, meta.get("abstract") is True, meta.get("proxy") is True
            )


def _imported(tree: ast.Module, module: str, *, is_package: bool) -> dict[str, str]:
    """The names that a module imports, with what they mean."""
    package = module if is_package else module.rpartition(".")[0]
    known: dict[str, str] = {}
    waiting: list[ast.stmt] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.If, ast.Try)):
            waiting.extend((*node.body, *node.orelse))
        elif isinstance(node, ast.Import):
            for alias in node.names:
                known[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                known[alias.asname or alias.name] = f"{source}.{alias.name}"
    return known


def _targets(node: ast.ClassDef, known: Mapping[str, str]) -> Iterator[str]:
    """What calls in the class's body are told first: the targets of its relations among them."""
    for statement in node.body:
        value = statement.value if isinstance(statement, (ast.Assign, ast.AnnAssign)) else None
        if isinstance(value, ast.Call):
            given = value.args[0] if value.args else None
            for keyword in value.keywords:
                given = keyword.value if keyword.arg == "to" else given
            if isinstance(given, ast.Constant) and isinstance(given.value, str):
                yield f"{_LABEL}{given.value}"
            elif (name := _full_name(given, known)) is not None:
                yield name


def _meta(node: ast.ClassDef) -> dict[str, object]:
    """The options of class Meta that are constants."""
    found: dict[str, object] = {}
    for inner in node.body:
        if isinstance(inner, ast.ClassDef) and inner.name == "Meta":
            for statement in inner.body:
                if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
                    for target in statement.targets:
                        if isinstance(target, ast.Name):
                            found[target.id] = statement.value.value
    return found


def _full_name(node: ast.expr | None, known: Mapping[str, str]) -> str | None:
    """What a dotted name means in a module that knows these names."""
    match node:
        case ast.Name(id=name):
            return known.get(name, name)
        case ast.Attribute(value=value, attr=name):
            owner = _full_name(value, known)
            return f"{owner}.{name}" if owner else name
        case ast.Subscript(value=value):
            return _full_name(value, known)
        case _:
            return None
