"""Opening the state: honest about what it finds, and harmless when it refuses."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import NoSuchModuleError

from monitor.errors import AlreadyRunning, StateError
from monitor.model import EPOCH
from monitor.store import Store, opening
from monitor.store.tables import APPLICATION_ID, SCHEMA, metadata
from tests.store_parts import NOW, an_outcome, as_nobody, everything, footprint, in_a_child, judged, opened, record


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state directory with a few rows, closed."""
    folder = tmp_path / "state"
    with opened(folder) as store:
        record(store, 1, 2)
    return folder


def refuses(folder: Path, *words: str, **options: object) -> str:
    """Opening must fail in one line that holds `words`, and leave every byte as it was."""
    before = footprint(folder)
    with pytest.raises(StateError) as caught:
        opened(folder, **options)
    said = str(caught.value)
    assert "\n" not in said
    for word in words:
        assert word in said
    assert footprint(folder) == before
    return said


def pragma(path: Path, name: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def test_a_new_directory_and_its_files_are_closed_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "state"
    old = os.umask(0)
    try:
        with opened(folder) as store:
            record(store, 1)
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
            assert store.warnings == ()
    finally:
        os.umask(old)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {"lock", "initialised", "longarm.db", "longarm.db-wal", "longarm.db-shm"} == set(modes)
    assert set(modes.values()) == {0o600}


def test_a_directory_that_others_can_read_is_warned_of(state: Path) -> None:
    state.chmod(0o755)
    (state / "longarm.db").chmod(0o644)
    with opened(state) as store:
        assert len(store.warnings) == 2
        assert "chmod go-rwx" in store.warnings[0]


def test_what_was_recorded_is_there_after_reopening(state: Path) -> None:
    with opened(state) as store:
        assert store.counts()["articles"] == 2


def test_the_file_bears_our_mark_and_the_schema_number(state: Path) -> None:
    assert pragma(state / "longarm.db", "application_id") == APPLICATION_ID
    assert pragma(state / "longarm.db", "user_version") == SCHEMA


def test_the_connection_is_as_durable_as_sqlite_gets(state: Path) -> None:
    with opened(state) as store, store._reading() as connection:
        asked = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert asked == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}


def test_migrations_end_in_the_tables_that_the_code_knows(state: Path) -> None:
    with opened(state) as store, store._reading() as connection:
        # The index of words is a table that its own migration alone knows how to make.
        is_ours = lambda name, kind, parents: kind != "table" or not name.startswith("article_search")  # noqa: E731
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_name": is_ours})
        assert compare_metadata(context, metadata) == []


def test_the_newest_migration_is_the_schema_number() -> None:
    scripts = ScriptDirectory(str(opening.MIGRATIONS))
    assert scripts.get_heads() == [f"{SCHEMA:04d}"]


@pytest.mark.parametrize("name", ["with space", "100%", "a#b", "was?", "état"])
def test_any_directory_name_will_do(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    with opened(folder) as store:
        record(store, 1)
    with opened(folder, read_only=True) as store:
        assert store.counts()["articles"] == 1


# ── one at a time ─────────────────────────────────────────────────────────────────────────────────


def test_a_second_process_is_told_who_holds_the_state(state: Path) -> None:
    with opened(state):
        for _ in range(20):
            with pytest.raises(AlreadyRunning, match=rf"already running \(pid {os.getpid()}\)"):
                opened(state)
    with opened(state) as store:
        store.close()
        store.close()


def test_looking_is_possible_while_another_process_runs(state: Path) -> None:
    with opened(state) as store, opened(state, read_only=True) as looking:
        record(store, 3)
        assert looking.counts()["articles"] == 3
        with pytest.raises(StateError, match="read only"):
            record(looking, 4)


def test_a_killed_process_leaves_no_lock(state: Path) -> None:
    ready, told = os.pipe()

    def hold() -> int:
        store = opened(state)
        os.write(told, b"x")
        signal.pause()
        store.close()
        return 0

    child = os.fork()
    if child == 0:
        try:
            hold()
        finally:
            os._exit(1)
    assert os.read(ready, 1) == b"x"
    with pytest.raises(AlreadyRunning, match=f"pid {child}"):
        opened(state)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(ready)
    os.close(told)
    with opened(state) as store:
        assert store.counts()["articles"] == 2


def test_a_child_that_outlives_its_killed_parent_does_not_keep_the_lock(state: Path) -> None:
    ready, told = os.pipe()
    gate, open_gate = os.pipe()
    parent = os.fork()
    if parent == 0:
        store = opened(state)
        if os.fork() == 0:  # such as a parser at work
            os.close(open_gate)
            os.write(told, b"x")
            os.read(gate, 1)
            os._exit(0)
        signal.pause()
        store.close()
    assert os.read(ready, 1) == b"x"
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    with opened(state) as again:
        assert again.counts()["articles"] == 2
    for end in (ready, told, gate, open_gate):
        os.close(end)


def test_a_lock_file_swapped_while_it_is_taken_is_noticed(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from monitor.store import lock

    real, calls = lock._is_still, []

    def gone_first(path: Path, descriptor: int) -> bool:
        calls.append(path)
        if len(calls) == 1:
            path.unlink()
        return real(path, descriptor)

    monkeypatch.setattr(lock, "_is_still", gone_first)
    with opened(state):
        assert len(calls) == 2
        with pytest.raises(AlreadyRunning):
            opened(state)


# ── what is refused ───────────────────────────────────────────────────────────────────────────────


def test_a_newer_schema_is_refused_with_both_numbers(state: Path) -> None:
    with closing(sqlite3.connect(state / "longarm.db")) as connection:
        connection.execute("PRAGMA user_version = 7")
    refuses(state, "newer version", "schema 7", f"this is {SCHEMA}")
    with pytest.raises(StateError, match="schema 7"):
        opened(state, read_only=True)


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "longarm.db")) as connection:
        connection.execute("CREATE TABLE sonata (id)")
    refuses(tmp_path, "no database of Longarm")
    assert not (tmp_path / "lock").exists()


@pytest.mark.parametrize("empty", [True, False], ids=["empty", "gone"])
def test_a_lost_database_is_not_begun_anew(state: Path, empty: bool) -> None:
    if empty:
        (state / "longarm.db").write_bytes(b"")
    else:
        (state / "longarm.db").unlink()
    refuses(state, "is empty" if empty else "is gone", "backup", "initialised")


def test_a_database_without_tables_is_a_loss_too(state: Path) -> None:
    (state / "longarm.db").unlink()
    with closing(sqlite3.connect(state / "longarm.db")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    refuses(state, "no database of Longarm")


def test_without_the_marker_a_lost_database_is_a_beginning(state: Path) -> None:
    (state / "longarm.db").unlink()
    (state / "initialised").unlink()
    with opened(state) as store:
        assert store.counts()["articles"] == 0
    assert (state / "initialised").exists()


def test_a_first_start_that_was_cut_off_is_begun_again(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "longarm.db")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    with opened(tmp_path) as store:
        assert store.counts()["articles"] == 0


@pytest.mark.parametrize("damage", ["text", "header", "half", "page"])
def test_a_damaged_database_is_refused(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "state"
    with opened(folder) as store:
        record(store, *range(200))
    path = folder / "longarm.db"
    whole = path.read_bytes()
    path.write_bytes(
        {
            "text": b"Dear diary, this is no database.\n" * 40,
            "header": b"\xff" * 100 + whole[100:],
            "half": whole[: len(whole) // 2],
            "page": whole[: 4096 * 5] + b"\xa5" * 4096 * 3 + whole[4096 * 8 :],
        }[damage]
    )
    refuses(folder, "longarm.db", "backup")


def test_damage_that_comes_while_running_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    with opened(folder) as store:
        record(store, *range(200))
        store.check()
    path = folder / "longarm.db"
    with opened(folder) as store:
        with path.open("r+b") as file:
            file.seek(4096 * 5)
            file.write(b"\xa5" * 4096 * 3)
        with pytest.raises(StateError, match="malformed"):
            store.check()


@pytest.mark.parametrize("what", ["directory", "database", "missing"])
def test_what_this_user_may_not_write_is_refused_with_the_mend(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "state"
    with opened(folder):
        pass
    for path in tmp_path.parents:
        if path.stat().st_uid == os.getuid() and path != Path("/tmp"):
            path.chmod(0o755)
        if path == Path("/tmp"):
            break
    tmp_path.chmod(0o755)
    folder.chmod({"directory": 0o755, "database": 0o777, "missing": 0o755}[what])
    (folder / "lock").chmod(0o666)
    (folder / "longarm.db").chmod(0o444)
    said = tmp_path / "said"
    said.touch()
    said.chmod(0o666)
    target = tmp_path / "new" / "state" if what == "missing" else folder

    def attempt() -> int:
        with as_nobody():
            if what == "missing" and os.geteuid() != 65534:
                tmp_path.chmod(0o555)
            try:
                opened(target)
            except StateError as error:
                said.write_text(str(error))
                return 7
        return 0

    assert in_a_child(attempt) == 7
    assert "user " in said.read_text()
    assert {"directory": "chown", "database": "longarm.db", "missing": "monitor.state"}[what] in said.read_text()


def test_a_file_in_the_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("hello")
    with pytest.raises(StateError, match="can't make this directory"):
        opened(tmp_path / "state")


def test_a_lock_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    with pytest.raises(StateError, match="can't write it"):
        opened(tmp_path)


def test_looking_at_nothing_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="no stored state yet"):
        opened(tmp_path / "state", read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_write_ahead_log_is_refused(tmp_path: Path) -> None:
    class Deaf:
        def execute(self, statement: str) -> Deaf:
            return self

        def fetchone(self) -> tuple[str]:
            return ("delete",)

    with pytest.raises(StateError, match="network share"):
        opening._make_durable(Deaf(), tmp_path / "longarm.db")  # type: ignore[arg-type]


def test_a_database_removed_while_in_use_stops_the_writing(state: Path) -> None:
    with opened(state) as store:
        (state / "longarm.db").rename(state / "aside.db")
        with pytest.raises(StateError, match="removed or replaced"):
            record(store, 3)
        shutil.copy(state / "aside.db", state / "longarm.db")
        with pytest.raises(StateError, match="removed or replaced"):
            store.check()


# ── addresses ─────────────────────────────────────────────────────────────────────────────────────


def test_an_sqlite_address_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "elsewhere.db"
    with opened(tmp_path / "state", url=f"sqlite:///{path}") as store:
        record(store, 1)
    assert pragma(path, "application_id") == APPLICATION_ID


def test_a_database_in_memory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="in memory forgets"):
        opened(tmp_path, url="sqlite://")


def test_a_broken_address_does_not_show_its_password(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="LONGARM_DATABASE_URL") as caught:
        opened(tmp_path, url="postgresql:user:hunter2@@host")
    assert "hunter2" not in str(caught.value)


def test_a_server_without_its_driver_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*args: object, **options: object) -> None:
        raise NoSuchModuleError("no psycopg here")

    monkeypatch.setattr(opening, "create_engine", missing)
    with pytest.raises(StateError, match="pip install") as caught:
        opened(tmp_path, url="postgresql+psycopg://ana:hunter2@db.example/longarm")
    assert "hunter2" not in str(caught.value)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The way of a server's address, ending in an SQLite file: everything but the dialect is the same."""
    path, real = tmp_path / "server.db", opening.create_engine
    monkeypatch.setattr(opening, "create_engine", lambda *_, **__: real(f"sqlite:///{path}"))
    return path


ADDRESS = "postgresql+psycopg://ana:hunter2@db.example/longarm"


def test_a_server_is_given_its_tables_and_locks_the_directory(tmp_path: Path, server: Path) -> None:
    folder = tmp_path / "state"
    with pytest.raises(StateError, match="no tables of this version"):
        opened(folder, url=ADDRESS, read_only=True)
    with opened(folder, url=ADDRESS) as store:
        record(store, 1)
        store.check()
        assert store.counts()["articles"] == 1
        assert store.counts()["database_bytes"] == 0
        with pytest.raises(StateError, match="pg_dump"):
            store.backup(tmp_path / "copy.db")
        with pytest.raises(AlreadyRunning):
            opened(folder, url=ADDRESS)
    with opened(folder, url=ADDRESS, read_only=True) as store, pytest.raises(StateError, match="read only"):
        record(store, 2)


def test_a_newer_server_is_refused(tmp_path: Path, server: Path) -> None:
    with opened(tmp_path / "state", url=ADDRESS):
        pass
    with closing(sqlite3.connect(server)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0009'")
    with pytest.raises(StateError, match="schema 9") as caught:
        opened(tmp_path / "state", url=ADDRESS)
    assert "hunter2" not in str(caught.value)


# ── migrations ────────────────────────────────────────────────────────────────────────────────────

_NEXT = """
import sqlalchemy as sa
from alembic import op

revision = "{number:04d}"
down_revision = "{before:04d}"


def upgrade():
    op.add_column("feeds", sa.Column("colour", sa.Text))
    with op.batch_alter_table("articles") as batch:
        batch.alter_column("author", existing_type=sa.Text, nullable=True)
    {then}
"""


def _next(then: str) -> str:
    return _NEXT.format(then=then, number=SCHEMA + 1, before=SCHEMA)


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The code as a later version has it: one more migration."""
    folder = tmp_path / "migrations"
    shutil.copytree(opening.MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(opening, "MIGRATIONS", folder)
    monkeypatch.setattr(opening, "SCHEMA", SCHEMA + 1)
    return folder / "versions" / "9999_colour.py"


def test_an_older_state_is_copied_aside_then_migrated(state: Path, next_version: Path) -> None:
    next_version.write_text(_next(then="pass"))
    with pytest.raises(StateError, match="older version"):
        opened(state, read_only=True)
    with opened(state) as store:
        assert store.counts()["articles"] == 2
        assert everything(store)["seen_keys"]
    assert pragma(state / "longarm.db", "user_version") == SCHEMA + 1
    (copy,) = (state / "backups").iterdir()
    assert copy.name == f"schema-{SCHEMA:04d}-{NOW:%Y%m%dT%H%M%S}.db"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert pragma(copy, "user_version") == SCHEMA


@pytest.mark.parametrize(
    "then",
    [
        "raise sa.exc.OperationalError('x', {}, Exception('cut off'))",
        "import os; os._exit(9)",
        "op.execute('INSERT INTO labels SELECT 1, \\'nobody\\', \\'\\', \\'\\', \\'\\', \\'\\', 0')",
    ],
    ids=["error", "kill", "orphans"],
)
def test_a_migration_that_fails_has_changed_nothing_and_can_be_repeated(
    state: Path, next_version: Path, then: str
) -> None:
    before = _rows(state)
    next_version.write_text(_next(then=then))

    def attempt() -> int:
        try:
            opened(state)
        except StateError:
            return 7
        return 0

    assert in_a_child(attempt) in {7, 9}
    assert _rows(state) == before
    assert pragma(state / "longarm.db", "user_version") == SCHEMA
    next_version.write_text(_next(then="pass"))
    shutil.rmtree(state / "backups")
    with opened(state) as store:
        assert store.counts()["articles"] == 2


def _rows(state: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(state / "longarm.db")) as connection:
        tables = connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
        return tables + connection.execute("SELECT * FROM articles ORDER BY id").fetchall()


# ── backups ───────────────────────────────────────────────────────────────────────────────────────


def test_a_backup_is_whole_closed_to_others_and_opens(tmp_path: Path, state: Path) -> None:
    target = tmp_path / "copies" / "monday.db"
    with opened(state) as store:
        record(store, 3)
        store.backup(target)
        record(store, 4)
        with pytest.raises(StateError, match="exists already"):
            store.backup(target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [path.name for path in target.parent.iterdir()] == ["monday.db"]
    restored = tmp_path / "restored"
    restored.mkdir(mode=0o700)
    target.rename(restored / "longarm.db")
    with opened(restored) as store:
        assert store.counts()["articles"] == 3


def test_a_backup_to_an_impossible_place_says_so(tmp_path: Path, state: Path) -> None:
    (tmp_path / "file").write_text("")
    with opened(state) as store, pytest.raises(StateError, match="can't be written"):
        store.backup(tmp_path / "file" / "copy.db")


def test_reading_leaves_no_trace(state: Path) -> None:
    before = footprint(state)
    with opened(state) as store:
        store.check()
        list(store.export("articles"))
    after = footprint(state)
    before.pop("lock"), after.pop("lock")
    assert after == before


def test_open_is_all_that_a_store_is_made_by(state: Path) -> None:
    store = Store.open(state, now=NOW)
    store.record(an_outcome(judged(9)), [], now=NOW)
    assert store.counts()["articles"] == 3
    store.close()


def test_who_only_looks_is_told_that_the_database_is_lost_not_that_there_was_none(tmp_path: Path) -> None:
    state = tmp_path / "state"
    opened(state).close()
    (state / opening.DATABASE).unlink()
    with pytest.raises(StateError, match="is gone, though initialised says that there was one"):
        opened(state, read_only=True)


_FIRST_ROWS = """
INSERT INTO feeds VALUES (1, 'https://a.example/rss', 'A', '', '', '', 5, 5, 5, 5, 5, 5, 5, 0, NULL, '', '', 0, '', 0);
INSERT INTO stories VALUES ('s1', 'en', 5, 6, 7, '{"stage":"trial"}', 1);
INSERT INTO stories VALUES ('s2', 'fa', 5, 6, 7, '{}', 0);
INSERT INTO articles VALUES ('s1', 'https://a.example/rss', 'g', 'https://a.example/1', 'T', 'S', 'X', '', 'en', 5, 6,
 'h', 1, 1, 0.9, '[]', '[]', 'm', 0, 'alert', 'r', 's1', 1, '', 0);
INSERT INTO seen_keys VALUES (x'01', 1, 's1', 5);
INSERT INTO incidents VALUES (1, 'feed-fails:x', 't', 5, NULL);
INSERT INTO deliveries VALUES (1, 'story:s1', 'main', '{"text":"hi","spans":[],"silent":false}', 'sent', 's1', NULL,
 1, 0, NULL, '7', '', 5, 6);
INSERT INTO deliveries VALUES (2, 'story:s1', 'second', '{"text":"hi","spans":[],"silent":false}', 'pending', 's1', NULL,
 0, 0, NULL, '', '', 5, NULL);
INSERT INTO deliveries VALUES (3, 'notice:feed-fails:x:1', 'ops', '{"text":"no","spans":[],"silent":false}', 'dead', '', 1,
 2, 1, NULL, '', 'refused', 5, NULL);
INSERT INTO attempts VALUES (1, 1, 'main', 5, 'sent', '');
INSERT INTO channels VALUES ('main', '', '@x', NULL, NULL, '');
INSERT INTO labels VALUES (1, 's1', 'ana', 'relevant', '[]', '', 5);
"""


def test_a_state_of_the_first_schema_comes_over_with_every_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    older = tmp_path / "migrations"
    shutil.copytree(opening.MIGRATIONS, older, ignore=shutil.ignore_patterns("__pycache__", "000[2-9]*"))
    with monkeypatch.context() as patch:
        patch.setattr(opening, "MIGRATIONS", older)
        patch.setattr(opening, "SCHEMA", 1)
        patch.setattr(opening.indexing, "catch_up", lambda engine: 0)  # there was no index then
        opened(tmp_path / "state").close()
    with closing(sqlite3.connect(tmp_path / "state" / "longarm.db")) as connection:
        connection.executescript(_FIRST_ROWS)
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = {name: [row[1] for row in connection.execute(f"PRAGMA table_info({name})")] for name in names}
        before = {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in names}
    with opened(tmp_path / "state") as store, store._reading() as connection:
        for name in set(names) - {"alembic_version", "sqlite_sequence"}:
            chosen = ", ".join(columns[name])
            rows = connection.exec_driver_sql(f"SELECT {chosen} FROM {name}").fetchall()
            assert [tuple(row) for row in rows] == before[name], name
        assert [
            tuple(row) for row in connection.exec_driver_sql("SELECT kind, about, cause, chat FROM deliveries")
        ] == [("send", "", "", "")] * 3
        assert [tuple(row) for row in connection.exec_driver_sql("SELECT told, case_id FROM stories")] == [
            (None, None)
        ] * 2
    with opened(tmp_path / "state") as store:
        assert [(row.key, row.channel) for row in store.pending(NOW)] == [("story:s1", "second")]
        assert store.recent_stories(EPOCH)[0].told is None
