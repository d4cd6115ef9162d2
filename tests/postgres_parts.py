"""A PostgreSQL server of our own, in a folder that goes when the tests are over; nobody listens on the network.

It is skipped, with the reason, where the server's programs or the driver are missing. The server refuses to run as root,
so root starts it as `nobody`.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from monitor.store.tables import metadata
from tests.store_parts import opened

PROGRAMS = ("initdb", "pg_ctl")


@dataclass(slots=True)
class Server:
    """A running server. `folder` holds its socket."""

    folder: Path
    programs: Path
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://longarm@/{database}?host={self.folder}"

    def run(self, program: str, *arguments: str) -> None:
        as_whom = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.getuid() == 0 else []
        done = subprocess.run(
            [*as_whom, str(self.programs / program), *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False, cwd="/",
        )  # fmt: skip
        assert done.returncode == 0, f"{program}: {done.stderr}"

    def start(self) -> None:
        options = f"-k {self.folder} -c listen_addresses='' -c fsync=off -c full_page_writes=off -c max_connections=40"
        self.run("pg_ctl", "-D", f"{self.folder}/data", "-l", f"{self.folder}/log", "-w", "-o", options, "start")

    def stop(self, how: str = "fast") -> None:
        self.run("pg_ctl", "-D", f"{self.folder}/data", "-w", "-m", how, "stop")

    def statement(self, words: str) -> None:
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(words))
        engine.dispose()

    @contextmanager
    def database(self) -> Iterator[str]:
        """The address of a database that is dropped afterwards."""
        name = f"longarm_{next(self.numbers)}"
        self.statement(f"CREATE DATABASE {name} TEMPLATE template0")
        try:
            yield self.url(name)
        finally:
            self.statement(f"DROP DATABASE {name} WITH (FORCE)")


def _programs() -> Path | None:
    found = shutil.which("pg_ctl")
    places = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((one for one in places if all((one / name).exists() for name in PROGRAMS)), None)


@contextmanager
def running() -> Iterator[Server]:
    """A server; skips, and says why, where there can be none."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL's initdb and pg_ctl are not on this machine")
    if importlib.util.find_spec("psycopg") is None:
        pytest.skip("psycopg is not installed (the extra `postgres`)")
    if os.getuid() == 0 and not shutil.which("setpriv"):
        pytest.skip("root can't run PostgreSQL, and there is no setpriv to become somebody else")
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # short: a socket's path has 107 characters
    if os.getuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    server = Server(folder, programs)
    try:
        server.run("initdb", "-D", f"{folder}/data", "-U", "longarm", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with running() as one:
        yield one


@pytest.fixture(scope="session")
def tables(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a database that has our tables."""
    with server.database() as address:
        opened(tmp_path_factory.mktemp("server"), url=address).close()
        yield address


@pytest.fixture
def database(tables: str) -> Iterator[str]:
    """The address of a database with our tables and no row."""
    yield tables
    engine = create_engine(tables)
    with engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):  # TRUNCATE takes ten times as long where there is little
            connection.execute(table.delete())
        connection.execute(text("DELETE FROM article_search"))
        connection.execute(text("SELECT setval(quote_ident(sequencename)::regclass, 1, false) FROM pg_sequences"))
    engine.dispose()
