"""Foreign errors become ours here, each with its mend. No statement and no value of one is ever in the text."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError, StatementError

from monitor.errors import StateError

_MENDS = (
    ("SQLITE_FULL", "the disk is full; free some space, then it goes on by itself: nothing was half written"),
    ("SQLITE_BUSY", "the database is locked by another program; close it (an open sqlite3 shell?), then try again"),
    ("SQLITE_LOCKED", "the database is locked by another program; close it, then try again"),
    ("SQLITE_CORRUPT", "the database is malformed; stop, keep the file aside and put a backup in its place"),
    ("SQLITE_NOTADB", "this is not a database; keep the file aside and put a backup in its place"),
    ("SQLITE_READONLY", "the database can't be written; check owner and rights of the file and its directory"),
    ("SQLITE_PERM", "the database can't be read; check owner and rights of the file and its directory"),
    ("SQLITE_CANTOPEN", "the database can't be opened; check that it exists and who may read it"),
    ("SQLITE_IOERR", "the disk could not be read or written; check its space and health (dmesg)"),
)


@contextmanager
def told_in_one_line(where: str) -> Iterator[None]:
    """Translate what SQLAlchemy and sqlite3 raise into StateError; `where` names the database."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise StateError(f"{where}: {_mend(error)}") from error


def _mend(error: Exception) -> str:
    cause = error.orig if isinstance(error, StatementError) else error
    name = getattr(cause, "sqlite_errorname", None) or ""
    for prefix, mend in _MENDS:
        if name.startswith(prefix):
            return mend
    said = " ".join(str(cause or error).split("[SQL", 1)[0].split())
    return f"the database refused: {said[:200] or type(error).__name__}; please report this"
