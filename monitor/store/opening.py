"""Opening the stored state: is it ours, whole, of this version, and free? Only then is anything written.

    directory   made 0700 when new; must be writable
    lock        one process at a time
    look        database present, ours, no newer than we are, not damaged: through a connection that can't write
    migrate     a backup first, then all of it in one transaction
    index       what search does not know yet, a batch a transaction: cut off, it goes on at the next start
    marker      says from then on that an empty or missing database is a loss, not a beginning

Every refusal is one StateError and has changed nothing.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url
from sqlalchemy import text as sql
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import StaticPool

from monitor.errors import NoStateYet, StateError
from monitor.store import indexing
from monitor.store.lock import Lock, ServerLock
from monitor.store.tables import APPLICATION_ID, SCHEMA
from monitor.store.trouble import told_in_one_line

DATABASE = "longarm.db"
MARKER = "initialised"
BACKUPS = "backups"
MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_SECONDS = 5.0

_MARKER_TEXT = f"""This directory holds Longarm's memory ({DATABASE}). If that file is lost, put a backup in its place.
To begin with an empty memory, delete this file as well: every article still in a feed is then new again.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An open database. `path` and `inode` are those of its file (None, 0: a server); `where` names it in errors."""

    engine: Engine
    where: str
    path: Path | None = None
    inode: int = 0
    locks: tuple[Lock | ServerLock, ...] = ()
    warnings: tuple[str, ...] = ()


def opened(state_dir: Path, *, url: str | None, read_only: bool, now: datetime) -> Opened:
    """Open the state of `state_dir`, or the database of `url`.

    Raises:
        AlreadyRunning: another process holds the directory.
        StateError: it can't be used as it is; nothing was changed.
    """
    address = _address(url) if url else None
    if address is not None and address.get_backend_name() != "sqlite":
        return _opened_server(state_dir, address, read_only=read_only)
    path = _path(state_dir, address)
    if read_only:
        return _opened_to_read(state_dir, path)
    _make_directory(state_dir)
    lock = Lock.take(state_dir)
    try:
        engine = _opened_to_write(state_dir, path, now)
    except BaseException:
        lock.release(forget=True)
        raise
    inode = path.stat().st_ino
    return Opened(
        engine=engine, where=str(path), path=path, inode=inode, locks=(lock,), warnings=_wide_open(state_dir, path)
    )


def _address(url: str) -> URL:
    try:
        return make_url(url)
    except ArgumentError:  # its text may hold the password
        raise StateError(
            "LONGARM_DATABASE_URL: not a database address; expected postgresql+psycopg://user:password@host/name"
        ) from None


def _path(state_dir: Path, address: URL | None) -> Path:
    if address is None:
        return state_dir / DATABASE
    if not address.database or address.database == ":memory:":
        raise StateError("LONGARM_DATABASE_URL: a database in memory forgets; name a file, sqlite:////path/longarm.db")
    return Path(address.database)


# ── SQLite ────────────────────────────────────────────────────────────────────────────────────────


def _make_directory(state_dir: Path) -> None:
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StateError(
            f"{state_dir}: user {os.getuid()} can't make this directory ({error.strerror}); set monitor.state"
        ) from error
    _must_be_writable(state_dir, os.R_OK | os.W_OK | os.X_OK)


def _must_be_writable(path: Path, wanted: int) -> None:
    if os.access(path, wanted):
        return
    state = path.stat()
    raise StateError(
        f"{path}: user {os.getuid()} may not write it (owner {state.st_uid}, mode {stat.S_IMODE(state.st_mode):04o}, "
        f"or a read-only mount); run: chown -R {os.getuid()} {path}"
    )


def _opened_to_write(state_dir: Path, path: Path, now: datetime) -> Engine:
    schema = _looked_at(path, state_dir / MARKER, alone=True)
    if path.exists():
        _must_be_writable(path, os.R_OK | os.W_OK)
    else:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    engine = _engine(path, "mode=rw")
    try:
        with told_in_one_line(str(path)):
            if 0 < schema < SCHEMA:
                name = f"schema-{schema:04d}-{now:%Y%m%dT%H%M%S}.db"
                back_up(engine, state_dir / BACKUPS / name)
            if schema < SCHEMA:
                migrate(engine)
            indexing.catch_up(engine)
        _write_marker(state_dir / MARKER)
    except BaseException:
        engine.dispose()
        raise
    return engine


def _opened_to_read(state_dir: Path, path: Path) -> Opened:
    schema = _looked_at(path, state_dir / MARKER, alone=False)  # first: a lost database is no fresh start
    if not path.exists():
        raise NoStateYet(f"{path}: there is no stored state yet; `longarm run` makes it")
    if schema < SCHEMA:
        raise StateError(
            f"{path}: of an older version (schema {schema}, this is {SCHEMA}); `longarm run` brings it up to date"
        )
    return Opened(engine=_engine(path, _reading(path, alone=False)), where=str(path), path=path)


def _looked_at(path: Path, marker: Path, *, alone: bool) -> int:
    """The schema number of the file, 0 for one to begin with; refuses everything else."""
    if not path.exists() or path.stat().st_size == 0:
        if marker.exists():
            raise StateError(
                f"{path}: is {'empty' if path.exists() else 'gone'}, though {marker.name} says that there was one; "
                f"put a backup in its place, or delete {marker} to begin with an empty memory"
            )
        return 0
    with (
        told_in_one_line(str(path)),
        contextlib.closing(
            sqlite3.connect(_uri(path, _reading(path, alone=alone)), uri=True, timeout=BUSY_SECONDS)
        ) as look,
    ):
        (application,) = look.execute("PRAGMA application_id").fetchone()
        (schema,) = look.execute("PRAGMA user_version").fetchone()
        (tables,) = look.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if application == 0 and tables == 0 and not marker.exists():
            return 0  # a first start was cut off before its tables were there
        if application != APPLICATION_ID or schema < 1:
            raise StateError(f"{path}: is no database of Longarm; set monitor.state to another directory")
        if schema > SCHEMA:
            raise StateError(
                f"{path}: was written by a newer version (schema {schema}, this is {SCHEMA}); install that version"
            )
        must_be_whole(look, str(path))
    return int(schema)


def must_be_whole(connection: sqlite3.Connection, where: str) -> None:
    """Look for damage on every page.

    Raises:
        StateError: there is some.
    """
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise StateError(f"{where}: the database is malformed; stop, keep the file aside and put a backup in its place")


def _uri(path: Path, options: str) -> str:
    return f"{path.resolve().as_uri()}?{options}"


def _reading(path: Path, *, alone: bool) -> str:
    """How to open without leaving a trace: immutable when nothing waits in the log and nobody can write."""
    log = path.with_name(path.name + "-wal")
    waits = log.exists() and log.stat().st_size > 0
    frozen = not waits and (alone or not os.access(path.parent, os.W_OK))
    return "mode=ro&immutable=1" if frozen else "mode=ro"


def _engine(path: Path, options: str) -> Engine:
    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            _uri(path, options), uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.create_function("lower", 1, _lower, deterministic=True)  # SQLite's own knows only A to Z
        if options == "mode=rw":
            _make_durable(connection, path)
        return connection

    # One connection for everything: it alone writes and checkpoints (SQLite before 3.51.3 can corrupt a WAL otherwise).
    engine = create_engine("sqlite://", creator=connect, poolclass=StaticPool, hide_parameters=True)
    event.listen(engine, "begin", _begin)
    return engine


def _lower(text: str | None) -> str | None:
    return text if text is None else text.lower()


def _make_durable(connection: sqlite3.Connection, path: Path) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise StateError(f"{path}: this disk takes no write-ahead log (a network share?); set monitor.state")
    connection.execute("PRAGMA synchronous = FULL")


def _begin(connection: Connection) -> None:
    # IMMEDIATE: one that reads first and writes later fails at once, without waiting, when another came in between
    reading = connection.get_execution_options().get("reading")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _write_marker(marker: Path) -> None:
    if marker.exists():
        return
    with os.fdopen(os.open(marker, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600), "w", encoding="utf-8") as file:
        file.write(_MARKER_TEXT)
        file.flush()
        os.fsync(file.fileno())
    directory = os.open(marker.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _wide_open(*paths: Path) -> tuple[str, ...]:
    modes = ((path, stat.S_IMODE(path.stat().st_mode)) for path in paths)
    return tuple(
        f"{path}: others on this machine can read it (mode {mode:04o}); run: chmod go-rwx {path}"
        for path, mode in modes
        if mode & 0o077
    )


# ── servers ───────────────────────────────────────────────────────────────────────────────────────


def _opened_server(state_dir: Path, address: URL, *, read_only: bool) -> Opened:
    where = f"{address.get_backend_name()}://{address.host or ''}/{address.database or ''}"
    try:
        engine = create_engine(address, hide_parameters=True, pool_pre_ping=True)
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise StateError(
            f"{where}: the driver is not installed ({error}); run: pip install 'longarm[postgres]'"
        ) from error
    locks: list[Lock | ServerLock] = []
    try:
        with told_in_one_line(where):
            if not read_only:
                _make_directory(state_dir)
                locks.append(Lock.take(state_dir))
                locks += filter(None, (ServerLock.take(engine, where),))
            _prepare_server(engine, where, read_only=read_only)
    except BaseException:
        engine.dispose()
        for lock in locks:
            lock.release(forget=True)
        raise
    return Opened(engine=engine, where=where, locks=tuple(locks))


def _prepare_server(engine: Engine, where: str, *, read_only: bool) -> None:
    schema = _server_schema(engine)
    if schema > SCHEMA:
        raise StateError(
            f"{where}: was written by a newer version (schema {schema}, this is {SCHEMA}); install that version"
        )
    if schema < SCHEMA and read_only:
        refusal = StateError if schema else NoStateYet
        raise refusal(f"{where}: has no tables of this version yet; `longarm run` makes them")
    if schema < SCHEMA:
        migrate(engine)
    if not read_only:
        indexing.catch_up(engine)


def _server_schema(engine: Engine) -> int:
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return 0
        return int(connection.execute(sql("SELECT version_num FROM alembic_version")).scalar() or 0)


# ── migrations and backups ────────────────────────────────────────────────────────────────────────


def migrate(engine: Engine) -> None:
    """Bring the tables up to date in one transaction: all of it or nothing."""
    from alembic import command  # noqa: PLC0415 - 0.2 s, needed once a version
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    is_file = engine.dialect.name == "sqlite"
    if is_file:
        # A table is altered by copying it; its children must not go with the old one.
        _set_foreign_keys(engine, on=False)
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            if is_file:
                _seal(connection)
    finally:
        if is_file:
            _set_foreign_keys(engine, on=True)


def _set_foreign_keys(engine: Engine, *, on: bool) -> None:
    raw_connection(engine).execute(f"PRAGMA foreign_keys = {'ON' if on else 'OFF'}")


def _seal(connection: Connection) -> None:
    if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
        raise StateError("the migration left rows without their parents; nothing was changed, please report this")
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA}")


def raw_connection(engine: Engine) -> sqlite3.Connection:
    """The one sqlite3 connection under a file's engine."""
    with contextlib.closing(engine.raw_connection()) as pooled:
        driver = pooled.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


def back_up(engine: Engine, path: Path) -> None:
    """Copy the database to the new file `path` (0600), as of one moment and checked. It appears whole or not at all.

    Raises:
        StateError: `path` exists, can't be written, or the copy is damaged.
    """
    unfinished = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists():
            raise StateError(f"{path}: exists already; name a new file")
        unfinished.unlink(missing_ok=True)
        os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        with told_in_one_line(str(path)), contextlib.closing(sqlite3.connect(unfinished)) as copy:
            raw_connection(engine).backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
            must_be_whole(copy, str(path))
        unfinished.rename(path)
    except OSError as error:
        raise StateError(f"{path}: can't be written ({error.strerror}); name another place") from error
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
