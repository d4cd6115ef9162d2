"""One process at a time: the lock of a state directory, and that of a server's database.

The kernel frees it when the process ends, however it ends, so there is no stale lock and nothing to clean up by hand.
Forked children drop their copy at once; a child that outlives a killed parent must not hold the state.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
import weakref
from pathlib import Path

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from monitor.errors import AlreadyRunning, StateError
from monitor.store.tables import APPLICATION_ID


class Lock:
    """The held lock of a state directory."""

    def __init__(self, path: Path, descriptor: int, *, created: bool) -> None:
        self.path = path
        self.created = created
        self._descriptor = descriptor
        _HELD.add(self)

    @classmethod
    def take(cls, state_dir: Path) -> Lock:
        """Take the lock of `state_dir`, now or not at all.

        Raises:
            AlreadyRunning: another process has it; the text names its number.
            StateError: the lock file can't be written.
        """
        path = state_dir / "lock"
        while True:
            created = not path.exists()
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError as error:
                raise StateError(
                    f"{path}: user {os.getuid()} can't write it ({error.strerror}); check owner and rights"
                ) from error
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
                os.close(descriptor)
                raise AlreadyRunning(
                    f"{state_dir}: already running (pid {holder}); stop it first, or set another monitor.state"
                ) from error
            if _is_still(path, descriptor):
                break
            os.close(descriptor)  # somebody took the file away in between: this lock holds nobody off
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        return cls(path, descriptor, created=created)

    def release(self, *, forget: bool = False) -> None:
        """Let go; with `forget` a lock file that this process made goes too. Doing it twice changes nothing."""
        if self._descriptor < 0:
            return
        if forget and self.created:
            with contextlib.suppress(OSError):
                self.path.unlink()
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        self.drop()

    def drop(self) -> None:
        """Close this process's copy only; a parent's lock stays."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        _HELD.discard(self)


PATIENCE_SECONDS = 2.0
"""So long a server may take to notice that whoever held its lock was killed."""
_AGAIN_SECONDS = 0.05


class ServerLock:
    """The held lock of a server's database, so that two machines don't send the same.

    It hangs on a connection of its own and ends with the process, and with the server: after the server's restart it is
    not held again.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @classmethod
    def take(cls, engine: Engine, where: str) -> ServerLock | None:
        """Take the lock, within PATIENCE_SECONDS or not at all; None on a database that knows none.

        Raises:
            AlreadyRunning: another process has it.
        """
        if engine.dialect.name != "postgresql":
            return None
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()
        until = time.monotonic() + PATIENCE_SECONDS
        while not connection.execute(select(func.pg_try_advisory_lock(APPLICATION_ID))).scalar_one():
            if time.monotonic() >= until:
                connection.close()
                raise AlreadyRunning(f"{where}: already running, perhaps on another machine; stop it first")
            time.sleep(_AGAIN_SECONDS)
        return cls(connection)

    def release(self, *, forget: bool = False) -> None:  # noqa: ARG002 - there is nothing to forget
        """Let go. Doing it twice changes nothing."""
        # Said, for the server notices some time later that a connection was closed.
        with contextlib.suppress(SQLAlchemyError):
            self._connection.execute(select(func.pg_advisory_unlock(APPLICATION_ID)))
        with contextlib.suppress(SQLAlchemyError):
            self._connection.close()


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return path.stat().st_ino == os.fstat(descriptor).st_ino
    except OSError:
        return False


_HELD: weakref.WeakSet[Lock] = weakref.WeakSet()


def _drop_all() -> None:
    for lock in list(_HELD):
        lock.drop()


os.register_at_fork(after_in_child=_drop_all)
