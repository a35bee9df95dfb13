"""The feed of changes, seeds, and commits that fail on purpose."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from modelkit import (
    CASCADE,
    CharField,
    F,
    ForeignKey,
    IntegerField,
    IntegrityError,
    MemoryStore,
    Model,
    Registry,
    StoreError,
    TransactionConflict,
    atomic,
    connect,
    retry,
)
from modelkit.database import disconnect
from modelkit.retrying import pauses
from modelkit.stores.base import Change
from modelkit.testing import buggify

REGISTRY = Registry()


class Shelf(Model):
    name = CharField(max_length=10, unique=True)

    class Meta:
        app_label = "feed"
        registry = REGISTRY


class Book(Model):
    title = CharField(max_length=10)
    pages = IntegerField(default=0)
    shelf = ForeignKey(Shelf, CASCADE, null=True)

    class Meta:
        app_label = "feed"
        registry = REGISTRY


def test_a_feed_tells_of_what_is_committed_and_of_nothing_else(store: MemoryStore) -> None:
    Shelf.objects.create(name="before")
    feed = store.changes()
    shelf = Shelf.objects.create(name="a")
    with atomic():
        shelf.name = "b"
        shelf.save()
        Book.objects.create(title="t", shelf=shelf)
    with pytest.raises(ZeroDivisionError), atomic():
        Book.objects.create(title="never")
        raise ZeroDivisionError
    Book.objects.update(pages=F("pages") + 1)
    shelf.delete()
    found = list(feed)
    assert [(change.model, change.pk, change.before, change.after) for change in found] == [
        ("feed.Shelf", (2,), None, (2, "a")),
        ("feed.Shelf", (2,), (2, "a"), (2, "b")),
        ("feed.Book", (1,), None, (1, "t", 0, 2)),
        ("feed.Book", (1,), (1, "t", 0, 2), (1, "t", 1, 2)),
        *sorted(
            [("feed.Book", (1,), (1, "t", 1, 2), None), ("feed.Shelf", (2,), (2, "b"), None)],
            key=lambda change: [other.model for other in found[4:]].index(change[0]),
        ),
    ]
    sequences = [change.sequence for change in found]
    assert sequences == sorted(sequences)
    assert sequences[1] == sequences[2], "one commit, one number"
    assert len(set(sequences)) == 4
    assert list(feed) == []


def test_feeds_are_independent_and_end(store: MemoryStore) -> None:
    first = store.changes()
    Shelf.objects.create(name="a")
    with store.changes() as second:
        Shelf.objects.create(name="b")
        assert [change.after for change in second] == [(2, "b")]
    Shelf.objects.create(name="c")
    assert len(second) == 0
    assert [change.after for change in first] == [(1, "a"), (2, "b"), (3, "c")]
    del first
    Shelf.objects.create(name="d")
    assert not store._committer.feeds


def test_a_feed_is_waited_for(store: MemoryStore) -> None:
    feed = store.changes()
    assert not feed.wait(0)
    seen: list[Change] = []

    def listen() -> None:
        assert feed.wait(60)
        seen.extend(feed)

    thread = threading.Thread(target=listen)
    thread.start()
    Shelf.objects.create(name="a")
    thread.join()
    assert [change.after for change in seen] == [(1, "a")]
    feed.close()
    assert not feed.wait()


def test_a_restore_is_told_too(store: MemoryStore) -> None:
    Shelf.objects.create(name="a")
    snapshot = store.snapshot()
    Shelf.objects.create(name="b")
    feed = store.changes()
    store.restore(snapshot)
    snapshot.close()
    assert [(change.before, change.after) for change in feed] == [((2, "b"), None)]


def test_a_seed_is_sown_once_and_whole(tmp_path: Path) -> None:
    seed = {Shelf: [{"id": 1, "name": "a"}, Shelf(name="b")], Book: [{"title": "t", "shelf_id": 1}]}
    try:
        store = connect("memory:", "seeded", seed=seed)
        assert store.stats()["rows"] == {"feed.Shelf": 2, "feed.Book": 1}
        assert connect(store, "seeded", seed=seed).stats()["rows"] == {"feed.Shelf": 2, "feed.Book": 1}
        with pytest.raises(IntegrityError):
            connect("memory:", "unsown", seed={Book: [{"title": "t", "shelf_id": 5}]})
        with pytest.raises(Exception, match="unsown"):
            Shelf.objects.using("unsown").count()
    finally:
        disconnect("seeded")


def test_buggified_commits_fail_and_retry_gets_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pauses, "sleep", lambda _: None)
    Book.objects.create(title="t")

    @retry(attempts=100)
    def read_on() -> None:
        book = Book.objects.get()
        book.pages += 1
        book.save()

    with buggify(7, conflicts=0.5, errors=0) as trouble:
        for _ in range(50):
            read_on()
    assert Book.objects.get().pages == 50
    assert trouble.conflicts > 10
    assert trouble.errors == 0
    read_on()


def test_buggify_is_reproduced_by_its_seed_and_leaves_all_or_nothing() -> None:
    outcomes = []
    for _ in range(2):
        Shelf.objects.all().delete()
        outcome = ""
        with buggify(3, conflicts=0.3, errors=0.3):
            for number in range(40):
                before = Shelf.objects.count()
                try:
                    with atomic():
                        Shelf.objects.create(name=f"a{number}")
                        Shelf.objects.create(name=f"b{number}")
                    outcome += "."
                    assert Shelf.objects.count() == before + 2
                except TransactionConflict:
                    outcome += "c"
                    assert Shelf.objects.count() == before
                except StoreError:
                    outcome += "e"
                    assert Shelf.objects.count() == before
        outcomes.append(outcome)
    assert outcomes[0] == outcomes[1]
    assert set(outcomes[0]) == {".", "c", "e"}


def test_shares_are_shares() -> None:
    with pytest.raises(ValueError, match="shares"), buggify(1, conflicts=0.9, errors=0.2):
        pass
