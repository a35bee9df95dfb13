"""What a store's file keeps, over every type and every way to write."""

from __future__ import annotations

import ast
import datetime
import decimal
import gc
import json
import os
import subprocess
import sys
import uuid
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modelkit import (
    CASCADE,
    BinaryField,
    CharField,
    CheckConstraint,
    DateField,
    DateTimeField,
    DecimalField,
    DurationField,
    FloatField,
    ForeignKey,
    IntegerField,
    IntegrityError,
    JSONField,
    ManyToMany,
    MemoryStore,
    Model,
    NotSupportedError,
    Q,
    Registry,
    SchemaMismatch,
    StoreClosed,
    TimeField,
    UniqueConstraint,
    UUIDField,
    Value,
    atomic,
    connect,
    stores,
)
from modelkit.database import disconnect, use_store
from modelkit.ir.codec import JSON_NULL
from modelkit.ir.schema import Column, Table
from modelkit.ir.types import BooleanType, IntegerType, TextType
from modelkit.registry import default
from tests.faults.disks import TEAM, USER, abandon, dump, opened, user
from tests.stores.samples import ID, NAME, add_to_all, delete_where, every, set_where


class Tag(Model):
    name = CharField(max_length=20, unique=True)

    class Meta:
        app_label = "files"


class Everything(Model):
    key = UUIDField(primary_key=True, default=uuid.uuid4)
    text = CharField(max_length=50)
    number = IntegerField(null=True, db_index=True)
    real = FloatField(default=0.1)
    money = DecimalField(max_digits=10, decimal_places=2, default=decimal.Decimal("1.50"))
    day = DateField(default=datetime.date(2024, 2, 29))
    time = TimeField(default=datetime.time(23, 59, 59, 999999))
    moment = DateTimeField(default=datetime.datetime(2024, 2, 29, 12, 0, 0, 1, tzinfo=datetime.UTC))
    length = DurationField(default=datetime.timedelta(days=-1, microseconds=1))
    raw = BinaryField(default=b"\x00\xff")
    data = JSONField(default=dict, null=True)
    tags = ManyToMany(Tag)

    class Meta:
        app_label = "files"
        constraints = [
            CheckConstraint(condition=Q(number__gte=0), name="number_is_positive"),
            UniqueConstraint(fields=["text"], condition=Q(number__gt=5), name="text_of_large_numbers"),
        ]


class Child(Everything):
    extra = CharField(max_length=10, default="x")
    friend = ForeignKey(Tag, CASCADE, null=True)

    class Meta:
        app_label = "files"


def everything() -> list[Any]:
    return [list(model.objects.values_list()) for model in (Tag, Everything, Child, Everything.tags.through)]


@pytest.mark.parametrize("how", ["snapshot", "log"])
def test_every_type_comes_back_as_it_was(tmp_path: Path, how: str) -> None:
    store = MemoryStore(file=tmp_path / "db.json")
    with use_store(store):
        tag = Tag.objects.create(name='quote " é 日本 \u2028 \\')
        for number, data in enumerate([{"a": [1, 2.5, None, {"b": "é"}]}, [], "text", 3, True, None, Value(JSON_NULL)]):
            one = Everything.objects.create(text=f"t{number}", number=number, data=data)
        one.tags.add(tag)
        Everything.objects.create(
            text="extremes", number=None, real=float("inf"), money=decimal.Decimal("-99999999.99")
        )
        Everything.objects.create(text="more", real=-0.0, moment=datetime.datetime(1, 1, 1, tzinfo=datetime.UTC))
        Child.objects.create(text="child", friend=tag)
        before = everything()
    if how == "snapshot":
        store.close()
        assert (tmp_path / "db.json.log").read_bytes() == b""
    else:
        abandon(store)
    again = MemoryStore(file=tmp_path / "db.json")
    with use_store(again):
        assert everything() == before
        assert [row["data"] for row in Everything.objects.values("data")][:6] == [row[10] for row in before[1]][:6]
    again._check()
    again.close()


def test_the_snapshot_is_readable_json_and_the_same_in_every_run(tmp_path: Path) -> None:
    for run in ("a", "b"):
        store = opened(tmp_path / f"{run}.json")
        store.insert(TEAM, [(1, "red")])
        store.insert(USER, [(5, "ann", 3, 1, None)])
        store.close()
    data = (tmp_path / "a.json").read_bytes()
    assert data == (tmp_path / "b.json").read_bytes()
    document = json.loads(data)
    assert list(document)[-1] == "crc32"
    assert document["tables"]["user"]["rows"] == [[5, "ann", 3, 1, None]]


def test_the_log_holds_a_checksummed_record_for_each_commit_numbered_without_a_gap(tmp_path: Path) -> None:
    store = opened(tmp_path / "db.json")
    store.insert(TEAM, [(1, "a"), (2, "é日本")])
    store.update(set_where(TEAM, 1), (1, "b"))
    with pytest.raises(IntegrityError):
        store.insert(TEAM, [(1, "again")])
    store.delete(delete_where(TEAM), (2,))
    abandon(store)
    rest = (tmp_path / "db.json.log").read_bytes()
    payloads = []
    while rest:
        header, rest = rest[:24], rest[24:]
        assert int(header[16:], 16) == zlib.crc32(header[:16])
        assert rest[:1] == b" "
        payload, end, rest = rest[1 : (size := int(header[8:16], 16)) + 1], rest[size + 1 : size + 2], rest[size + 2 :]
        assert (end, int(header[:8], 16)) == (b"\n", zlib.crc32(payload))
        payloads.append(json.loads(payload))
    assert [payload["sequence"] for payload in payloads] == [1, 2, 3]
    assert payloads[1]["tables"] == {"team": {"changed": [[[1], [1, "b"]]]}}
    assert payloads[2]["tables"] == {"team": {"deleted": [[2]]}}


def test_files_do_not_depend_on_the_hash_seed(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from tests.faults.disks import TEAM, USER, opened, user\n"
        "store = opened(Path(sys.argv[1])); store.insert(TEAM, [(n, f't{n}') for n in range(1, 9)])\n"
        "store.insert(USER, [user(f'u{n}', team=n) for n in range(1, 9)]); log = Path(sys.argv[1] + '.log').read_bytes()\n"
        "store.close(); sys.stdout.buffer.write(log + Path(sys.argv[1]).read_bytes())"
    )
    written = [
        subprocess.run(
            [sys.executable, "-c", program, str(tmp_path / f"{seed}.json")],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert len(written[0]) > 1000
    assert written[0] == written[1]


def test_a_file_opens_with_a_field_that_was_added_with_a_default(tmp_path: Path) -> None:
    def thing(**fields: Any) -> Any:
        meta = type("Meta", (), {"app_label": "files", "db_table": "files_thing"})
        return type(
            "Thing", (Model,), {"__module__": __name__, "Meta": meta, "name": CharField(max_length=9), **fields}
        )

    def stored(model: Any, **values: Any) -> list[Any]:
        store = MemoryStore(file=tmp_path / "db.json")
        with use_store(store):
            if values:
                model.objects.create(**values)
            rows = list(model.objects.values())
        store.close()
        return rows

    try:
        assert stored(thing(), name="a") == [{"id": 1, "name": "a"}]
        assert stored(thing(size=IntegerField(default=7))) == [{"id": 1, "name": "a", "size": 7}]
        assert stored(thing(size=IntegerField()), name="b", size=8)[0]["size"] == 7
        with pytest.raises(SchemaMismatch, match="place"):
            stored(thing(size=IntegerField(), place=IntegerField()))
    finally:
        default.forget(default.get("files.Thing"))


def test_no_store_reads_or_writes_pickles() -> None:
    for path in Path(stores.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, (ast.Import, ast.ImportFrom)) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert {name.partition(".")[0] for name in names}.isdisjoint({"pickle", "marshal", "shelve"}), path


def test_rows_keep_their_order_and_keys_may_be_swapped(tmp_path: Path) -> None:
    store = opened(tmp_path / "db.json")
    store.insert(USER, [user(name) for name in "abcde"])
    store.delete(delete_where(USER), (2,))
    store.update(set_where(USER, NAME), (1, "z"))
    store.update(add_to_all(USER, ID), (1,))
    store.insert(USER, [(1, "first", None, None, None)])
    before = dump(store)
    assert [row[:2] for row in before[1]] == [(2, "z"), (4, "c"), (5, "d"), (6, "e"), (1, "first")]
    abandon(store)
    again = opened(tmp_path / "db.json")
    assert dump(again) == before
    again.close()


@pytest.mark.parametrize("how", ["close", "kill"])
def test_a_used_key_is_not_used_again_after_a_restart(tmp_path: Path, how: str) -> None:
    store = opened(tmp_path / "db.json")
    store.insert(TEAM, [(None, "x")] and [user_team("a"), user_team("b")])
    store.delete(delete_where(TEAM), (2,))
    store.close() if how == "close" else abandon(store)
    again = opened(tmp_path / "db.json")
    assert again.insert(TEAM, [user_team("c")]) == [(3, "c")]
    again.close()


def user_team(name: str) -> tuple[Any, str]:
    return (user("")[0], name)


def test_clear_and_restore_reach_the_file(tmp_path: Path) -> None:
    store = opened(tmp_path / "db.json")
    store.insert(TEAM, [(1, "a")])
    snapshot = store.snapshot()
    store.insert(TEAM, [(2, "b")])
    store.restore(snapshot)
    snapshot.close()
    abandon(store)
    store = opened(tmp_path / "db.json")
    assert dump(store)[0] == [(1, "a")]
    store.clear()
    abandon(store)
    store = opened(tmp_path / "db.json")
    assert dump(store)[0] == []
    store.close()


def test_the_log_does_not_outgrow_the_snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelkit.stores.memory.files.journal.SHORTEST_LOG", 2000)
    store = opened(tmp_path / "db.json", sync="off")
    for number in range(300):
        store.insert(USER, [user(f"u{number}")])
        store.update(set_where(USER, NAME), (1, f"n{number}"))
        log = (tmp_path / "db.json.log").stat().st_size
        assert log <= max(2000, (tmp_path / "db.json").stat().st_size) + 200
    rows = dump(store)
    abandon(store)
    store = opened(tmp_path / "db.json")
    assert dump(store) == rows
    store.close()


def test_tables_whose_models_are_not_imported_survive_and_are_enforced(tmp_path: Path) -> None:
    store = opened(tmp_path / "db.json")
    store.insert(TEAM, [(1, "a"), (2, "b")])
    store.insert(USER, [(7, "ann", 3, 1, None)])
    store.close()
    before = (tmp_path / "db.json").read_bytes()

    partly = MemoryStore(file=tmp_path / "db.json")
    partly.define([TEAM])
    with pytest.raises(IntegrityError, match=r"User 7 refers to it"):
        partly.delete(delete_where(TEAM), (1,))
    partly.delete(delete_where(TEAM), (2,))
    partly.insert(TEAM, [(2, "b")])
    partly.close()
    assert [line for line in (tmp_path / "db.json").read_bytes().splitlines() if b"sequence" not in line][:-2] == [
        line for line in before.splitlines() if b"sequence" not in line
    ][:-2]
    whole = opened(tmp_path / "db.json")
    assert dump(whole)[1] == [(7, "ann", 3, 1, None)]
    whole._check()
    whole.close()


def changed(*columns: Column) -> Table:
    return Table("team", columns, (0,), label="Team")


NUMBER, TEXT = Column("id", IntegerType(), auto=True), Column("name", TextType(20))


def stored_teams(file: Path) -> None:
    store = opened(file)
    store.insert(TEAM, [(1, "a"), (2, "b")])
    store.close()


def test_additive_changes_open(tmp_path: Path) -> None:
    stored_teams(tmp_path / "db.json")
    more = changed(NUMBER, TEXT, Column("size", IntegerType(), nullable=True))
    store = MemoryStore(file=tmp_path / "db.json")
    store.define([more])
    assert store.select(every(more), ()) == [(1, "a", None), (2, "b", None)]
    store.insert(more, [(3, "c", 5)])
    abandon(store)
    store = MemoryStore(file=tmp_path / "db.json")
    store.define([more])
    assert store.select(every(more), ()) == [(1, "a", None), (2, "b", None), (3, "c", 5)]
    store.close()


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ((NUMBER, TEXT, Column("size", IntegerType())), "size"),
        ((NUMBER,), "name"),
        ((NUMBER, Column("name", BooleanType())), "name"),
    ],
)
def test_other_changes_name_the_fields_and_are_migrated(tmp_path: Path, columns: tuple[Column, ...], why: str) -> None:
    stored_teams(tmp_path / "db.json")
    before = (tmp_path / "db.json").read_bytes()
    new = changed(*columns)
    store = MemoryStore(file=tmp_path / "db.json")
    with pytest.raises(SchemaMismatch, match=why):
        store.define([new])
    store.close()
    assert (tmp_path / "db.json").read_bytes() == before

    seen: list[Any] = []

    def migrate(label: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        seen.append((label, rows))
        fill = {"id": 0, "name": True, "size": 9} if len(columns) != 3 else {"id": 0, "name": "x", "size": 9}
        names = [column.name for column in columns]
        return [{**{name: fill[name] for name in names}, "id": row["id"] + 10} for row in rows]

    store = MemoryStore(file=tmp_path / "db.json", migrate=migrate)
    store.define([new])
    assert seen == [("Team", [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}])]
    assert [row[0] for row in store.select(every(new), ())] == [11, 12]
    store.insert(
        new,
        [
            (
                13,
                *[
                    {"name": "n", "size": 1}[column.name] if not isinstance(column.type, BooleanType) else True
                    for column in columns[1:]
                ],
            )
        ],
    )
    abandon(store)
    store = MemoryStore(file=tmp_path / "db.json")
    store.define([new])
    assert [row[0] for row in store.select(every(new), ())] == [11, 12, 13]
    store.close()


def test_a_url_opens_a_file(tmp_path: Path) -> None:
    store = connect(f"memory:{tmp_path / 'db.json'}", alias="filed")
    Tag.objects.using("filed").create(name="t")
    disconnect("filed")
    with pytest.raises(StoreClosed):
        store.stats()
    again = MemoryStore(file=tmp_path / "db.json")
    assert again.stats()["rows"] == {"files.Tag": 1}
    again.close()


def test_models_of_an_isolated_registry_are_refused(tmp_path: Path) -> None:
    class Apart(Model):
        class Meta:
            app_label = "files"
            registry = Registry()

    store = MemoryStore(file=tmp_path / "db.json")
    with use_store(store), pytest.raises(NotSupportedError, match="isolated registry"):
        Apart.objects.create()
    with use_store(store), atomic():
        Tag.objects.create(name="still works")
    store.close()


def test_options_are_checked(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="sync"):
        MemoryStore(file=tmp_path / "db.json", sync="sometimes")  # type: ignore[arg-type]


def test_a_store_in_a_file_that_is_dropped_lets_go_of_it(tmp_path: Path) -> None:
    store = opened(tmp_path / "db.json")
    store.insert(TEAM, [(1, "a")])
    del store
    gc.collect()
    again = opened(tmp_path / "db.json")
    assert dump(again)[0] == [(1, "a")]
    again.close()


def test_references_follow_a_parent_whose_columns_moved(tmp_path: Path) -> None:
    store = opened(tmp_path / "db.json")
    store.insert(TEAM, [(1, "a")])
    store.insert(USER, [(1, "ann", 3, 1, None)])
    store.close()
    moved = changed(Column("rank", IntegerType(), nullable=True), NUMBER, TEXT)
    moved = replace(moved, key=(1,))
    store = MemoryStore(file=tmp_path / "db.json")
    store.define([moved])
    store.insert(moved, [(7, 2, "b")])
    abandon(store)
    store = MemoryStore(file=tmp_path / "db.json")
    store.define([moved])
    with pytest.raises(IntegrityError):
        store.delete(delete_where(moved, 1), (1,))
    store._check()
    store.close()
