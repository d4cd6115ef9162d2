"""Killed, out of space, locked out: afterwards there is all of it or nothing, and it goes on."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event

from monitor.errors import StateError
from monitor.model import Notice
from monitor.store import Store, opening
from monitor.store.trouble import told_in_one_line
from tests.store_parts import (
    MINUTE,
    NOW,
    a_delivery,
    an_outcome,
    article_id,
    everything,
    in_a_child,
    judged,
    key,
    opened,
    record,
)

EDIT = judged(1, edited=True, version=2, title="Corrected")
NEW = judged(2)
OUTCOME = an_outcome(
    NEW,
    EDIT,
    announce=(NEW,),
    seen_keys=((key("more"), article_id(1)),),
    notices=(Notice(key="feed-moved:x", text="x moved"),),
)
MAIL = [a_delivery("story:2"), a_delivery("story:2", "second"), a_delivery("notice:feed-moved:x:202611170800", "ops")]


def poll(store: Store) -> None:
    store.record(OUTCOME, MAIL, now=NOW)


def deliver(store: Store) -> None:
    for row in store.pending(NOW):
        store.mark_sending(row.id, NOW)
        store.settle_sent(row.id, "1", NOW)


def _killed_at(folder: Path, point: int, work: Callable[[Store], None], *, after: bool) -> int:
    """Do `work` in a child that dies without a word at its `point`-th statement or commit."""

    def child() -> int:
        store = opened(folder)
        passed = 0

        def die(*_: object) -> None:
            nonlocal passed
            passed += 1
            if passed == point:
                os.kill(os.getpid(), signal.SIGKILL)

        event.listen(store._engine, "after_cursor_execute" if after else "before_cursor_execute", die)
        event.listen(store._engine, "commit", die)
        work(store)
        return 0

    return in_a_child(child)


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    folder = tmp_path / "prepared"
    with opened(folder) as store:
        record(store, 1)
    return folder


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_poll_killed_at_any_statement_is_recorded_whole_or_not_at_all(
    tmp_path: Path, prepared: Path, after: bool
) -> None:
    with opened(prepared) as store:
        untouched = everything(store)
    seen: list[bool] = []
    for point in range(1, 60):
        folder = tmp_path / f"at-{point}"
        shutil.copytree(prepared, folder)
        ended = _killed_at(folder, point, poll, after=after)
        with opened(folder) as store:
            found = everything(store)
            assert found == untouched or store.counts()["pending"] == 4
            poll(store)
            assert store.counts()["pending"] == 4
            assert store.known(EDIT.article.keys)[EDIT.article.keys[0]].version == 2
        shutil.rmtree(folder)
        seen.append(found == untouched)
        if ended == 0:
            break
        assert ended == -signal.SIGKILL
    assert seen.count(True) >= 12
    assert seen[-1] is False


def test_a_delivery_killed_at_any_statement_is_marked_or_taken_back(tmp_path: Path, prepared: Path) -> None:
    states: set[str] = set()
    for point in range(1, 60):
        folder = tmp_path / f"at-{point}"
        shutil.copytree(prepared, folder)
        ended = _killed_at(folder, point, deliver, after=True)
        with opened(folder) as store:
            back = store.recover_sending(NOW)
            (line,) = store.export("deliveries")
            states.add(line["state"] if not back else "taken back")
            assert line["unknown"] == len(back)
            assert line["attempts"] == len(store.recent_sends(NOW))
            deliver(store)
            assert store.counts()["sent"] == 1
        shutil.rmtree(folder)
        if ended == 0:
            break
    assert ended == 0
    assert states == {"pending", "taken back", "sent"}


def test_what_is_committed_is_there_after_a_kill(tmp_path: Path) -> None:
    folder = tmp_path / "state"

    def child() -> int:
        store = opened(folder)
        for number in range(20):
            record(store, number)
        os.kill(os.getpid(), signal.SIGKILL)
        return 0

    assert in_a_child(child) == -signal.SIGKILL
    with opened(folder, read_only=True) as store:
        assert store.counts()["articles"] == 20
    with opened(folder) as store:
        store.check()
        assert len(store.pending(NOW)) == 20


# ── a full disk ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A volume of 2 MB of its own; skips, and says so, where this user may not mount one."""
    place = tmp_path / "volume"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("needs the right to mount a small tmpfs")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def _fill(filler: Path) -> None:
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 65_536)


def _take_in_until_refused(store: Store) -> int:
    taken = 0

    def take_in() -> None:
        nonlocal taken
        while taken < 1000:
            record(store, taken, text="y" * 20_000)
            taken += 1

    with pytest.raises(StateError, match="nothing new is taken in"):
        take_in()
    return taken


def test_a_full_disk_leaves_nothing_half_written_and_goes_on_when_there_is_space(small_disk: Path) -> None:
    with opened(small_disk / "state", free_bytes_floor=0) as store:
        record(store, 1)
        filler = small_disk / "filler"
        _fill(filler)
        before = everything(store)
        with pytest.raises(StateError, match=r"disk is full|could not be read or written"):
            record(store, *range(2, 60), text="y" * 50_000)
        assert everything(store) == before
        filler.unlink()
        record(store, 2)
        assert store.counts()["articles"] == 2
        store.check()


def test_the_floor_leaves_room_for_marks_before_the_disk_is_full(small_disk: Path) -> None:
    with opened(small_disk / "state", free_bytes_floor=700_000) as store:
        taken = _take_in_until_refused(store)
        assert taken > 3
        rows = store.pending(NOW, limit=1000)
        deliver(store)
        deliver(store)
        assert store.counts()["sent"] == len(rows) == taken


# ── other troubles ────────────────────────────────────────────────────────────────────────────────


def test_a_database_locked_by_another_program_is_an_error_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "BUSY_SECONDS", 0.05)
    with opened(tmp_path) as store, closing(sqlite3.connect(tmp_path / "longarm.db")) as other:
        other.isolation_level = None
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StateError, match="locked by another program"):
            poll(store)
        assert store.known(NEW.article.keys) == {}
        other.execute("ROLLBACK")
        record(store, 1)
        poll(store)
        assert store.counts()["pending"] == 4


def test_a_short_lock_is_waited_for(tmp_path: Path) -> None:
    with opened(tmp_path) as store, closing(sqlite3.connect(tmp_path / "longarm.db", check_same_thread=False)) as other:
        other.isolation_level = None
        other.execute("BEGIN IMMEDIATE")
        timer = threading.Timer(0.1, other.execute, ["COMMIT"])
        timer.start()
        record(store, 1)
        timer.join()
        assert store.counts()["articles"] == 1


def test_an_error_of_the_lookup_is_never_read_as_nothing_seen(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        record(store, 1)
        with store._writing() as connection:
            connection.exec_driver_sql("ALTER TABLE seen_keys RENAME TO elsewhere")
        with pytest.raises(StateError, match="the database refused"):
            store.known(NEW.article.keys)
        with pytest.raises(StateError):
            store.digest_sent("digest:2026-W47", "main") or store.known([b"x"])


def test_many_threads_may_use_one_store(tmp_path: Path) -> None:
    with opened(tmp_path) as store:

        def work(first: int) -> None:
            for number in range(first, first + 10):
                record(store, number, now=NOW + number * MINUTE)
                assert store.known([key(f"id {number}")])

        threads = [threading.Thread(target=work, args=(number * 10,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert store.counts()["articles"] == 40


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("SQLITE_FULL", "disk is full"),
        ("SQLITE_IOERR_WRITE", "space and health"),
        ("SQLITE_BUSY_SNAPSHOT", "locked"),
        ("SQLITE_LOCKED", "locked"),
        ("SQLITE_CORRUPT", "malformed"),
        ("SQLITE_NOTADB", "not a database"),
        ("SQLITE_READONLY_DBMOVED", "can't be written"),
        ("SQLITE_PERM", "rights"),
        ("SQLITE_CANTOPEN", "can't be opened"),
        ("SQLITE_SCHEMA", "please report this"),
    ],
)
def test_every_trouble_has_its_own_mend(code: str, word: str) -> None:
    error = sqlite3.OperationalError("secret\nvalue")
    error.sqlite_errorname = code
    with pytest.raises(StateError, match=word) as caught, told_in_one_line("state/longarm.db"):
        raise error
    assert str(caught.value).startswith("state/longarm.db: ")
    assert "\n" not in str(caught.value)
