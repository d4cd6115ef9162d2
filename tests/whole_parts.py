"""Parts for tests of the whole: the command line, a site on loopback that serves feeds, and news that is invented."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest

from monitor.cli import exit_code, longarm

ROOT = Path(__file__).resolve().parents[1]
REPEAT = "(possible repeat)"
SECRETS = ("LONGARM_", "COLUMNS", "NO_COLOR", "FORCE_COLOR")


# ── the doors ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Standard output as JSON Lines."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def said(self) -> list[str]:
        """The lines of standard error."""
        return self.err.splitlines()


def environment(**variables: str) -> dict[str, str]:
    """This process's environment without anything of Longarm's, and with `variables`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(SECRETS)}
    return {**kept, "PYTHONPATH": str(ROOT), "COLUMNS": "200", **variables}


def command(*arguments: object) -> list[str]:
    """A command line that starts `longarm` as its console script does."""
    start = "import sys; from monitor.cli import main; main(sys.argv[1:])"
    return [sys.executable, "-c", start, *map(str, arguments)]


def process(*arguments: object, given: str = "", timeout: float = 60, **variables: str) -> Ran:
    """Run `longarm` in a process of its own."""
    done = subprocess.run(
        command(*arguments), input=given.encode(), capture_output=True, timeout=timeout, env=environment(**variables),
        cwd="/", check=False,
    )  # fmt: skip
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


class _Out(io.TextIOWrapper):
    def text(self) -> str:
        self.flush()
        raw = self.buffer
        assert isinstance(raw, io.BytesIO)
        return raw.getvalue().decode()


def door(*arguments: object, given: str | bytes = "", **variables: str) -> Ran:
    """Run a command in this process: quicker, and it counts for coverage. Not for commands that set up logging."""
    given_bytes = given.encode() if isinstance(given, str) else given
    out, err = _Out(io.BytesIO(), encoding="utf-8"), _Out(io.BytesIO(), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        for name in [name for name in os.environ if name.startswith(SECRETS)]:
            patch.delenv(name)
        for name, value in {"COLUMNS": "200", **variables}.items():
            patch.setenv(name, value)
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given_bytes), encoding="utf-8"))
        code = exit_code(lambda: longarm.main(args=[str(one) for one in arguments], standalone_mode=False))
    return Ran(code, out.text(), err.text())


# ── news ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class News:
    """One item of a feed. `slug` is its id and the end of its address."""

    slug: str
    title: str
    summary: str
    hours_old: float = 1.0

    @property
    def link(self) -> str:
        return f"https://wire.example/{self.slug}"


EDITOR = News(
    "editor-stabbed",
    "Exiled Varenian editor stabbed outside his home in London, police suspect foreign agents",
    "Counter-terrorism officers investigate an attack on a dissident journalist who had been threatened by the "
    "intelligence service of the state that he fled.",
)
PASSPORTS = News(
    "passports-cancelled",
    "Consulate in Toronto cancels passports of Tashmir activists abroad and detains their parents at home",
    "Relatives of campaigners were questioned for weeks to force the activists in exile into silence, "
    "a human rights group says of the transnational repression.",
)
NOTICE = News(
    "red-notice",
    "Interpol deletes red notice against refugee opposition politician held in Lisbon awaiting extradition",
    "The court in Portugal refuses to extradite the dissident, whose government abused Interpol to hunt critics.",
)
STATION = News(
    "police-station",
    "Two men convicted of running a secret overseas police station in Rotterdam to intimidate the diaspora",
    "Prosecutors said the illegal station monitored, harassed and threatened dissidents on orders from abroad.",
)
SPYWARE = News(
    "spyware-phones",
    "Pegasus spyware found on phones of exiled Qorvani human rights defenders in Berlin, Citizen Lab reports",
    "Researchers say the hacking of the dissidents abroad was run by the secret police of the regime that they fled.",
)
ABDUCTED = News(
    "abducted",
    "Dissident blogger abducted in Nairobi by agents of his home country and forcibly flown back",
    "His lawyer calls it a rendition: masked men dragged the exiled government critic from a taxi.",
)
CUP = News("cup", "Rovers win the cup final after extra time", "A late goal by the captain decides the match.")
CAKE = News("cake", "Five recipes for lemon cake", "Butter, sugar, lemons and a little patience are all it takes.")
RAIN = News("rain", "Heavy rain expected at the weekend", "The weather service warns of floods along the river.")


def rss(title: str, news: Sequence[News], now: datetime | None = None) -> bytes:
    """A feed of `news`, dated back from `now` (the wall clock)."""
    at = now or datetime.now(UTC)
    items = "".join(
        f"<item><title>{escape(one.title)}</title><link>{one.link}</link><guid isPermaLink='false'>{one.slug}</guid>"
        f"<pubDate>{format_datetime(at - timedelta(hours=one.hours_old))}</pubDate>"
        f"<description>{escape(one.summary)}</description></item>"
        for one in news
    )
    head = f"<title>{escape(title)}</title><link>https://wire.example/</link><language>en</language>"
    return f'<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel>{head}{items}</channel></rss>'.encode()


@dataclass
class Site:
    """Feeds on loopback, with ETags. `pages`: path -> bytes, may be changed at any time. `asked`: paths, in order.

    `hanging` paths get no answer until the site is closed.
    """

    pages: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    hanging: set[str] = field(default_factory=set)
    url: str = ""
    closed: threading.Event = field(default_factory=threading.Event)

    def feed(self, name: str) -> str:
        return f"{self.url}/{name}"


@contextlib.contextmanager
def serving(pages: Mapping[str, bytes] | None = None) -> Iterator[Site]:
    """A running `Site`."""
    site = Site(pages=dict(pages or {}))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            name = self.path.partition("?")[0].strip("/")
            site.asked.append(name)
            if name in site.hanging:
                site.closed.wait()
                self.close_connection = True
                return
            body = site.pages.get(name)
            tag = f'"{hashlib.sha256(body or b"").hexdigest()[:16]}"'
            known = body is not None and self.headers.get("If-None-Match") == tag
            self.send_response(404 if body is None else 304 if known else 200)
            if body is not None:
                self.send_header("ETag", tag)
                kind = "text/html" if body.startswith(b"<!doctype html>") else "application/xml"
                self.send_header("Content-Type", kind)
            sent = b"" if known else body or b""
            if not known:
                self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *_: object) -> None:
            """Quietly."""

        def handle(self) -> None:
            with contextlib.suppress(ConnectionError):  # askers are killed in the middle of it
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.closed.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


# ── settings ──────────────────────────────────────────────────────────────────────────────────────


def table(kind: str, /, **values: object) -> str:
    """One `[[kind]]` of feeds.toml."""
    return "\n".join([f"[[{kind}]]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]) + "\n"


def write_toml(folder: Path, *tables: str, relevance: str = "") -> Path:
    """Write a feeds.toml that may ask this machine; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "feeds.toml"
    head = f'[monitor]\nstate = "state"\n[network]\nallow = ["127.0.0.1/32"]\n[relevance]\nread_pages = false\n{relevance}\n'
    path.write_text(head + "".join(tables), encoding="utf-8")
    return path


ALL = {"alert_at": 0.0, "digest_at": 0.0}
"""For a feed whose every article is an alert, so that a test does not depend on what the model says."""
