"""Logs: one line an event, and no secret in any of them.

`get` gives a structlog logger over the standard library's `logging`, so that events of libraries take the
same way as ours. On that way stands one filter: it removes every secret that was registered with `hide`,
everything shaped like a bot token and every password in an address, from the message, its fields, exception
texts and tracebacks. Control characters, line breaks and direction overrides are escaped, so that no headline
can forge a line or drive a terminal.

Importing this module sets nothing up; `configure` does, once, at the start of a process. It must not decide
what is worth logging, and it reads no clock of its own: the time is that of the log record.
"""

from __future__ import annotations

import contextlib
import html
import json as json_format
import logging
import math
import re
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TextIO, cast
from urllib.parse import quote, quote_plus, unquote

import structlog

__all__ = ["configure", "escaped", "get", "hide", "redacted", "redacted_url"]

HIDDEN = "[hidden]"
MIN_SECRET_CHARS = 4
"""Shorter texts are not hidden: they would punch holes into every line, and holes give a short text away."""
MAX_VALUE_CHARS = 2_000

# Libraries that log addresses, headers or every run of a job below WARNING.
_QUIET = ("alembic", "apprise", "apscheduler", "httpcore", "httpx", "requests", "telegram", "urllib3")

# The colon may stand percent-encoded. https://core.telegram.org/bots/api#authorizing-your-bot
_BOT_TOKEN = re.compile(r"(?<![0-9])[0-9]{6,}+(?::|%3[Aa])[A-Za-z0-9_-]{30,}")
_USERINFO = re.compile(r"(?<=://)[^/\s@\"'<>]{1,500}@")
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


# ── secrets ───────────────────────────────────────────────────────────────────────────────────────


class _Secrets:
    """The registered secrets as one pattern, longest first, in every spelling in which they come back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spellings: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def add(self, secret: str) -> None:
        with self._lock:
            self._spellings |= {spelling for part in _parts(secret) for spelling in _spellings(part)}
            if self._spellings:
                longest_first = sorted(self._spellings, key=lambda text: (-len(text), text))
                self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def removed_from(self, text: str) -> str:
        return self._pattern.sub(HIDDEN, text) if self._pattern else text


def _parts(secret: str) -> Iterator[str]:
    """Yield the secret and, where it is an address, the pieces of it that libraries log one by one."""
    yield secret
    scheme, separator, rest = secret.partition("://")
    if not separator:
        return
    authority, _, path = rest.partition("/")
    userinfo, _, host = authority.rpartition("@")
    yield userinfo.partition(":")[2]
    pieces = re.split(r"[/?&=#,]", path)
    if not scheme.lower().startswith(("http", "socks")):
        pieces += [host, userinfo.partition(":")[0]]  # slack://TokenA/TokenB, tgram://TOKEN/CHAT
    for piece in pieces:
        if len(piece) >= 16 or (len(piece) >= 8 and re.search(r"\d", piece)):
            yield piece


def _spellings(secret: str) -> Iterator[str]:
    for text in {secret, unquote(secret)}:
        if len(text) < MIN_SECRET_CHARS:
            continue
        yield text
        yield quote(text, safe="")
        yield quote(text)
        yield quote_plus(text)
        yield html.escape(text)
        yield json_format.dumps(text)[1:-1]
        yield repr(text)[1:-1]


_secrets = _Secrets()


def hide(secret: str) -> None:
    """Remove `secret` from every log line from now on, in its usual spellings.

    Of an address its password and its long parts are hidden too. Texts under four characters are left alone.
    """
    _secrets.add(secret)


def redacted(text: str) -> str:
    """Return `text` without registered secrets, bot tokens and passwords in addresses."""
    return _USERINFO.sub(f"{HIDDEN}@", _BOT_TOKEN.sub(HIDDEN, _secrets.removed_from(text)))


def redacted_url(url: str) -> str:
    """Return an address fit for logs and tables: no user, no password, query values as "…". Never raises."""
    address, hash_mark, _ = url.partition("#")
    place, question_mark, query = address.partition("?")
    head = re.match(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?[/\\]{2}", place)
    start = head.end() if head else 0
    end = re.compile(r"[/\\]|$").search(place, start)
    stop = end.start() if end else len(place)
    host = place[start:stop].rpartition("@")[2]
    if re.search(r":[^0-9\]]*[^0-9:\]][^\]]*$", host) and not host.startswith("["):
        host = "…"  # what stands after the colon is no port: most likely a password that was cut off
    shown = place[:start] + host + place[stop:]
    if question_mark:
        names = (part.partition("=") for part in query.split("&"))
        shown += "?" + "&".join(f"{name}=…" if equals else "…" for name, equals, _ in names)
    return escaped(redacted(shown + ("#…" if hash_mark else "")))


# ── lines ─────────────────────────────────────────────────────────────────────────────────────────


def escaped(text: str) -> str:
    """Return `text` with line breaks, control characters and direction overrides written out (`\\n`)."""
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


class _SecretFilter(logging.Filter):
    """Rewrites a record before it is formatted; handlers that come after this one get it clean too."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redacted(_message(record)), None
        if record.exc_info:
            record.exc_text = _traceback(record.exc_info[1])
            record.exc_info = None
        if record.exc_text:
            record.exc_text = redacted(record.exc_text)
        if record.stack_info:
            record.stack_info = redacted(record.stack_info)
        fields = getattr(record, "fields", None)
        record.fields = (
            {escaped(redacted(str(key))): _plain(value) for key, value in fields.items()}
            if isinstance(fields, Mapping)
            else {}
        )
        return True


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError, IndexError):  # a library's message and its arguments don't fit
        return f"{record.msg} {record.args}"


def _traceback(error: BaseException | None) -> str:
    """The traceback without the values of variables: they are where tokens leak from."""
    if error is None:
        return ""
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=False).format()).rstrip("\n")


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {redacted(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    text = redacted(str(value))
    return text if len(text) <= MAX_VALUE_CHARS else text[:MAX_VALUE_CHARS] + "…"


class _Lines(logging.Formatter):
    """For people: time, level, logger, event, fields; a traceback follows, indented behind a bar."""

    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(f" {key}={_shown(value)}" for key, value in _fields(record).items())
        event = record.getMessage()
        line = f"{_time(record)} {record.levelname:<7} {record.name}: {escaped(_cut(event))}{fields}"
        trace = "\n".join(text for text in (record.exc_text, record.stack_info) if text)
        # The bar tells a line of a traceback from an event, whatever an exception's text holds.
        return line + "".join(f"\n    | {escaped(_cut(row))}" for row in trace.splitlines())


class _JsonLines(logging.Formatter):
    """For programs: one JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        event: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": _cut(record.getMessage()),
        }
        if record.exc_text:
            event["exception"] = record.exc_text
        if record.stack_info:
            event["stack"] = record.stack_info
        for key, value in _fields(record).items():
            event[f"{key}_" if key in event else key] = value
        text = json_format.dumps(event, ensure_ascii=False, allow_nan=False)
        return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    return cast(dict[str, object], getattr(record, "fields", {}))


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _cut(text: str) -> str:
    return text if len(text) <= MAX_VALUE_CHARS else text[:MAX_VALUE_CHARS] + "…"


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json_format.dumps(value, ensure_ascii=False)
    bare = isinstance(value, bool | int | float) or value is None or re.fullmatch(r"[^\s\"'=]+", text)
    if bare or not isinstance(value, str):
        return escaped(text)
    return '"' + escaped(text.replace("\\", "\\\\").replace('"', '\\"')) + '"'


class _Handler(logging.Handler):
    """Writes lines to a stream of any encoding, and never lets a line that fails show what was in it."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self.stream = stream
        self.addFilter(_SecretFilter())

    def handle(self, record: logging.LogRecord) -> bool:
        try:
            return bool(super().handle(record))
        except Exception:  # noqa: BLE001 - an object that can't be turned into text must not stop the caller
            self.handleError(record)
            return False

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._write(self.format(record))
        except Exception:  # noqa: BLE001 - as in every logging handler: logging never breaks what it reports on
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        error = type(sys.exc_info()[1]).__name__
        with contextlib.suppress(OSError, ValueError):
            self._write(f"{_time(record)} ERROR   monitor.log: a line of {escaped(record.name)} was lost ({error})")

    def _write(self, line: str) -> None:
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        self.stream.write(line.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        self.stream.flush()


# ── loggers ───────────────────────────────────────────────────────────────────────────────────────


def _as_record(_: object, __: str, event: structlog.typing.EventDict) -> tuple[tuple[object, ...], dict[str, Any]]:
    """Hand an event to `logging`: its text as the message, everything else as `record.fields`."""
    kept = {key: event.pop(key) for key in ("exc_info", "stack_info", "stacklevel") if key in event}
    text = event.pop("event", "")
    # A message without arguments is not %-formatted, so a "%" in a headline is only a character.
    return (str(text),), {**kept, "extra": {"fields": dict(event)}}


def get(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of a module: `_log = log.get(__name__)`, then `_log.info("polled", feeds=3)`."""
    logger = structlog.wrap_logger(
        logging.getLogger(name),
        processors=[structlog.stdlib.filter_by_level, _as_record],
        wrapper_class=structlog.stdlib.BoundLogger,
        context_class=dict,
    )
    return cast(structlog.stdlib.BoundLogger, logger)


def configure(level: str = "INFO", json: bool = False, stream: TextIO | None = None) -> None:
    """Set up logging for this process: lines for people, or JSON, to `stream` (standard error).

    Replaces earlier handlers of the root logger. Libraries that log addresses stay at WARNING whatever `level`
    says. Uncaught exceptions and warnings take the same way.

    Raises:
        ValueError: `level` is no level.
    """
    known = logging.getLevelNamesMapping()
    if level.upper() not in known:
        raise ValueError(f"log level {escaped(level)!r} is unknown; expected debug, info, warning or error")
    handler = _Handler(stream or sys.stderr)
    handler.setFormatter(_JsonLines() if json else _Lines())
    root = logging.getLogger()
    for old in tuple(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(known[level.upper()])
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, known[level.upper()]))
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread


def _log_uncaught(_: type[BaseException], error: BaseException, __: TracebackType | None) -> None:
    logging.getLogger("monitor").critical("stopped by an error", exc_info=error)


def _log_uncaught_in_thread(found: threading.ExceptHookArgs) -> None:
    if found.exc_value is not None and not isinstance(found.exc_value, SystemExit):
        logging.getLogger("monitor").critical("a thread was stopped by an error", exc_info=found.exc_value)
