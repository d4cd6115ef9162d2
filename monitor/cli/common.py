"""What several commands share: options, reading JSON Lines, opening state, tables."""

from __future__ import annotations

import gzip
import json
import math
import os
import re
import select
import stat
import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain, count, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar, cast

import click

from monitor.errors import LongarmError

if TYPE_CHECKING:
    from monitor.config import Settings
    from monitor.store import Store

T = TypeVar("T")

config_option = click.option(
    "--config",
    "config",
    type=click.Path(path_type=Path),
    default=Path("feeds.toml"),
    show_default=True,
    help="The file with feeds and channels.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")


def settings(config: Path) -> Settings:
    """Load `config` and the environment.

    Raises:
        ConfigError: with every problem.
    """
    from monitor import config as configuration  # noqa: PLC0415

    return configuration.load(config, os.environ)


def read_store(loaded: Settings) -> Store:
    """Open the state for reading: works beside a running daemon and changes nothing.

    Raises:
        StateError: there is no usable state yet.
    """
    from monitor.store import Store  # noqa: PLC0415

    url = loaded.database_url.reveal() if loaded.database_url else None
    return Store.open(loaded.state_dir, url=url, now=now(), read_only=True)


def write_store(loaded: Settings) -> Store:
    """Open the state for writing; needs the daemon to be stopped.

    Raises:
        StateError: the state can't be used, or another process holds it.
    """
    from monitor.store import Store  # noqa: PLC0415

    url = loaded.database_url.reveal() if loaded.database_url else None
    return Store.open(loaded.state_dir, url=url, now=now())


def now() -> datetime:
    """The wall clock, aware UTC."""
    return datetime.now(UTC)


_SPAN = re.compile(r"^(\d+)([mhdw])$")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Since(click.ParamType[datetime]):
    """A point in time: a span back from now ("30d", "12h") or a date ("2026-11-01"); converts to aware UTC."""

    name = "30d|2026-11-01"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Parse `value`, or fail with what would be understood."""
        if isinstance(value, datetime):
            return value
        try:
            if match := _SPAN.match(value):
                return now() - timedelta(**{_UNITS[match[2]]: int(match[1])})
            moment = datetime.fromisoformat(value)
        except OverflowError:
            self.fail(f"{value!r} lies before the beginning of the calendar", param, ctx)
        except ValueError:
            self.fail(f"{value!r} is neither a span like 30d, 12h nor a date like 2026-11-01", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Threshold(click.FloatRange):
    """A score from 0 to 1. "nan" is a number to Python, and below and above nothing."""

    def __init__(self) -> None:
        super().__init__(0, 1)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Parse `value`, or fail."""
        number = float(super().convert(value, param, ctx))
        return self.fail(f"{value} is no score from 0 to 1", param, ctx) if math.isnan(number) else number


def json_lines(file: Path | None) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line number, object) of `file` or standard input; blank lines are passed over.

    Raises:
        LongarmError: a line that is no JSON object, or not UTF-8; the text names the line. Or a damaged gzip file.
    """
    name = str(file) if file and str(file) != "-" else "standard input"
    with _opened(file) as stream:
        for number, line in enumerate(_unpacked(stream, name), 1):
            if line.strip():
                yield number, _parsed(line, number, name)


def json_chunks(
    file: Path | None, most: int, pause_seconds: float
) -> Iterator[tuple[Iterator[tuple[int, dict[str, Any]]], bool]]:
    """Yield as `json_lines`, those together that wait already, at most `most`, and whether more is waiting.

    Nothing, with nothing waiting, whenever whoever writes to standard input makes a pause of `pause_seconds`. Files
    make none, also as standard input. The rows of a chunk must be taken before the next.
    """
    descriptor = None if file and str(file) != "-" else _live_input()
    if descriptor is None:
        rows = json_lines(file)
        for first in rows:
            yield chain((first,), islice(rows, most - 1)), True
        return
    numbers = count(1)
    for lines, is_more in _arriving(descriptor, most, pause_seconds):
        numbered = [(number, line) for line, number in zip(lines, numbers, strict=False) if line.strip()]
        if numbered or not lines:
            yield ((number, _parsed(line, number, "standard input")) for number, line in numbered), is_more


def _live_input() -> int | None:
    """The descriptor of standard input, None where it is a file or stands in for one."""
    try:
        descriptor = sys.stdin.buffer.fileno()
    except (OSError, ValueError, AttributeError):
        return None
    return None if stat.S_ISREG(os.fstat(descriptor).st_mode) else descriptor


def _arriving(descriptor: int, most: int, pause_seconds: float) -> Iterator[tuple[list[bytes], bool]]:
    """Yield whole lines that wait together, about `most`, and whether more does; and once nothing in every pause."""
    begun = b""
    lines: list[bytes] = []
    patience: float | None = pause_seconds
    while True:
        if not _waits(descriptor, 0 if lines else patience):
            patience = pause_seconds if lines else None  # a pause is said once; then there is nothing to do but wait
            yield lines, False
            lines = []
            continue
        patience = pause_seconds
        arrived = os.read(descriptor, 1 << 16)
        if not arrived:
            break
        *whole, begun = (begun + arrived).split(b"\n")
        lines += whole
        if len(lines) >= most:
            yield lines, _waits(descriptor, 0)
            lines = []
    yield [*lines, begun] if begun else lines, True


def _waits(descriptor: int, seconds: float | None) -> bool:
    return bool(select.select([descriptor], [], [], seconds)[0])


def _parsed(line: bytes, number: int, name: str) -> dict[str, Any]:
    try:
        value = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
    except RecursionError as error:
        raise LongarmError(f"{name}:{number}: nested too deeply; an object with id and title is expected") from error
    except ValueError as error:
        raise LongarmError(f"{name}:{number}: not JSON in UTF-8 ({error}); one object a line is expected") from error
    if not isinstance(value, dict):
        raise LongarmError(f"{name}:{number}: {type(value).__name__} found; an object with id and title is expected")
    return value


def _unpacked(stream: IO[bytes], name: str) -> Iterator[bytes]:
    try:
        yield from stream
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise LongarmError(f"{name}: no whole gzip file; pack it again") from error


def _opened(file: Path | None) -> IO[bytes]:
    if not file or str(file) == "-":
        return sys.stdin.buffer
    return cast("IO[bytes]", gzip.open(file)) if file.suffix == ".gz" else file.open("rb")


def field(item: dict[str, Any], key: str, where: str, *, needed: bool = False) -> str:
    """A text field of an input object; missing or null is "".

    Raises:
        LongarmError: it is no text, or it is `needed` and missing.
    """
    value = item.get(key)
    if value is None:
        if needed:
            raise LongarmError(f'{where}: no "{key}"; every item needs "id" and "title"')
        return ""
    if isinstance(value, int | float) and key == "id":
        return str(value)
    if not isinstance(value, str):
        raise LongarmError(f'{where}: "{key}" is {type(value).__name__}; a text is expected')
    return value


def batches(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    """Cut `rows` into lists of `size`."""
    iterator = iter(rows)
    while batch := list(islice(iterator, size)):
        yield batch


_JSON = json.JSONEncoder(ensure_ascii=False, default=str)
_DRIVING = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def say(text: str) -> None:
    """Write a line for people to standard output; what strangers wrote in it drives no terminal.

    Further lines of it stand behind a bar, so that none of them passes for another message.
    """
    from monitor.log import escaped  # noqa: PLC0415

    click.echo("\n     | ".join(map(escaped, text.split("\n"))))


def emit(value: object) -> None:
    """Write one JSON line to standard output; what its encoding has no letters for, as JSON's own escapes.

    So are characters that would drive a terminal or turn the line around: to a program they are the same.
    """
    line = _JSON.encode(value)
    line = _DRIVING.sub(lambda found: f"\\u{ord(found.group()):04x}", line)
    try:
        line.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # half a surrogate pair of the input's, or a terminal that speaks no UTF-8
        line = json.dumps(value, default=str)
    sys.stdout.write(line + "\n")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table for people."""
    from rich.console import Console  # noqa: PLC0415
    from rich.markup import escape  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    from monitor.text import clean_line  # noqa: PLC0415

    drawn = Table(title=title, title_justify="left", show_edge=False, pad_edge=False)
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        # What feeds wrote is shown without overrides and control characters: a title must not repaint the terminal.
        drawn.add_row(*(escape("" if cell is None else clean_line(str(cell), 500)) for cell in row))
    Console().print(drawn)


def ago(moment: datetime | None, at: datetime) -> str:
    """How long ago, in words: "5 min", "3 h", "12 d"; "never" for None."""
    if moment is None:
        return "never"
    seconds = (at - moment).total_seconds()
    size = abs(seconds)
    text = (
        f"{size / 60:.0f} min" if size < 5400 else f"{size / 3600:.0f} h" if size < 172_800 else f"{size / 86400:.0f} d"
    )
    return text if seconds >= 0 else f"in {text}"
