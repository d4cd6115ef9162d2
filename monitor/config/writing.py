"""feeds.toml edited by a program: new feeds go in, every byte that a person wrote stays.

New tables are written at the file's end, after all that stands there: TOML lets an array of tables go on at any place,
so nothing has to be moved or written anew (docs/design/how-is-feeds-toml-edited-by-a-program.md). The new text is
loaded like any configuration before it takes the file's place, whole or not at all. This module decides neither what
is added nor whether it is wanted.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from monitor import log
from monitor.config.checks import same_feed
from monitor.config.loading import load
from monitor.errors import ConfigError
from monitor.model import Feed

HEADING = "# ── added by “longarm feeds” ─────────────────────────────────────────────────────────────────────"


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What went into the file, and what stood there already: (feed, name of the one with its address)."""

    new: tuple[Feed, ...] = ()
    known: tuple[tuple[Feed, str], ...] = ()


def sorted_out(present: Sequence[Feed], wanted: Sequence[Feed]) -> Added:
    """Tell which of `wanted` are new beside `present`; of two with one address the first counts."""
    names = {same_feed(feed.url): feed.name or feed.url for feed in present}
    new, known = [], []
    for feed in wanted:
        spelled = same_feed(feed.url)
        if spelled in names:
            known.append((feed, names[spelled]))
        else:
            names[spelled] = feed.name or feed.url
            new.append(feed)
    return Added(new=tuple(new), known=tuple(known))


def add_feeds(path: Path, environ: Mapping[str, str], feeds: Sequence[Feed]) -> Added:
    """Write those of `feeds` that are new into the configuration `path`; nothing is written where none is.

    Raises:
        ConfigError: the file can't be used as it is, would not load with the new feeds, was changed meanwhile by
            somebody else, or can't be written. The file is as it was then.
    """
    before = load(path, environ)
    content = path.read_bytes()
    added = sorted_out(before.feeds, feeds)
    if added.new:
        _replace(path, content, _encoded(content, added.new), environ)
    return added


def set_alert_at(path: Path, environ: Mapping[str, str], value: float) -> None:
    """Write `relevance.alert_at = value` into the configuration `path`; nothing else of it changes.

    Raises:
        ConfigError: the file can't be used as it is, or would not load with the new value, was changed meanwhile by
            somebody else, or can't be written. The file is as it was then.
    """
    import tomlkit  # noqa: PLC0415 - only what writes needs it

    load(path, environ)
    content = path.read_bytes()
    mark, text = content[:3] if content.startswith(b"\xef\xbb\xbf") else b"", content.decode("utf-8-sig")
    windows = "\r\n" in text
    document = tomlkit.parse(text.replace("\r\n", "\n"))
    if "relevance" not in document:
        document["relevance"] = tomlkit.table()
    document["relevance"]["alert_at"] = value
    changed = tomlkit.dumps(document)
    _replace(path, content, mark + (changed.replace("\n", "\r\n") if windows else changed).encode("utf-8"), environ)


def _encoded(content: bytes, feeds: Sequence[Feed]) -> bytes:
    """The file's bytes with `feeds`, in its own spelling: byte order mark and line ends as they were."""
    mark, text = content[:3] if content.startswith(b"\xef\xbb\xbf") else b"", content.decode("utf-8-sig")
    windows = "\r\n" in text
    changed = with_feeds(text.replace("\r\n", "\n"), feeds)
    return mark + (changed.replace("\n", "\r\n") if windows else changed).encode("utf-8")


def with_feeds(text: str, feeds: Sequence[Feed]) -> str:
    """Add `feeds` to the TOML `text`, which must be valid and end its lines in "\\n"."""
    import tomlkit  # noqa: PLC0415 - only what writes needs it

    if isinstance(tomllib.loads(text).get("feeds"), list) and "[[feeds]]" not in text:
        return _with_inline(text, feeds)
    blocks = []
    for feed in feeds:
        table = tomlkit.table()
        for key, value in _written(feed).items():
            table[key] = value
        document = tomlkit.document()
        document["feeds"] = tomlkit.aot()
        document["feeds"].append(table)
        blocks.append(tomlkit.dumps(document))
    heading = "" if HEADING in text else f"\n{HEADING}\n\n"
    before = text if text.endswith("\n") or not text else f"{text}\n"
    return f"{before}{heading or chr(10)}{chr(10).join(blocks)}"


def _with_inline(text: str, feeds: Sequence[Feed]) -> str:
    """Add to `feeds = [{…}, …]`: such a list can't go on elsewhere, so tomlkit edits it in its place."""
    import tomlkit  # noqa: PLC0415

    document = tomlkit.parse(text)
    for feed in feeds:
        item = tomlkit.inline_table()
        item.update(_written(feed))
        document["feeds"].append(item)
    return tomlkit.dumps(document)


def _written(feed: Feed) -> dict[str, object]:
    """The keys of a feed that say something."""
    keys: dict[str, object] = {
        "url": feed.url,
        "name": feed.name,
        "language": feed.language,
        "tags": list(feed.tags),
        "note": feed.note,
    }
    return {key: value for key, value in keys.items() if value} | ({} if feed.enabled else {"enabled": False})


# ── whole or not at all ───────────────────────────────────────────────────────────────────────────


def _replace(path: Path, before: bytes, after: bytes, environ: Mapping[str, str]) -> None:
    name = log.escaped(str(path))
    target = path.resolve()  # a link stays a link: what it leads to is replaced
    try:
        mode = target.stat().st_mode
        handle, draft_name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".new", dir=target.parent)
    except OSError as error:
        raise ConfigError(f"{name}: can't be written ({error.strerror}); see to it that this user may") from None
    draft = Path(draft_name)
    try:
        with os.fdopen(handle, "wb") as stream:
            os.fchmod(stream.fileno(), mode & 0o7777)
            stream.write(after)
            stream.flush()
            os.fsync(stream.fileno())
        _must_load(draft, name, environ)
        if target.read_bytes() != before:
            raise ConfigError(f"{name}: was changed by somebody else meanwhile; nothing was written, try again")
        draft.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        raise ConfigError(f"{name}: can't be written ({error.strerror}); nothing was changed") from None
    finally:
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()


def _must_load(draft: Path, name: str, environ: Mapping[str, str]) -> None:
    try:
        load(draft, environ)
    except ConfigError as error:
        lines = [problem.replace(log.escaped(str(draft)), name) for problem in error.problems]
        raise ConfigError(f"{name}: would not load with the change, nothing was written", *lines) from None


def _sync_folder(folder: Path) -> None:
    """Make the new name last through a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
