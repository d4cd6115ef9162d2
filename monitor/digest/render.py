"""A digest as text, Markdown, one HTML page, and messages. Pure: it marks up what `shown` has put into words.

The page is whole in itself: no script, no picture, nothing is loaded from anywhere, and its links tell the sites they
lead to nothing of where the reader came from.
"""

from __future__ import annotations

import functools
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.compose import Composer, harmless, isolated, shown_url
from monitor.digest.shown import ALERTED, EMPTY, ODD_HOST, Page, Row, page
from monitor.model import Digest, Message, SpanKind
from monitor.text import clean_line

if TYPE_CHECKING:
    from jinja2 import Template

_WIDTH = 88
_NO_URL = "no address that could be opened safely"
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~&!$])")
_HEADROOM = 200
"""Units kept free in each message for the heading that says which part it is."""


# ── text ──────────────────────────────────────────────────────────────────────────────────────────


def as_text(digest: Digest) -> str:
    """Write a digest as plain text for a terminal or a mail."""
    whole = page(digest, harmless)
    lines = [f"{whole.title.upper()}  {whole.span} ({whole.week})", whole.counts]
    if whole.late:
        lines.append(whole.late)
    for heading, rows in whole.sections:
        lines += ["", heading.upper()]
        for number, row in enumerate(rows, start=1):
            lines += _text_row(number, row)
    if not whole.sections:
        lines += ["", EMPTY]
    lines.append("")
    for name, line in whole.tallies:
        lines += _wrapped(f"{name.upper()}  {line}", "")
    return "\n".join(lines) + "\n"


def _text_row(number: int, row: Row) -> list[str]:
    lines = ["", *_wrapped(f"{number:>3}. {row.title}", "     ")]
    if row.reach:
        lines += _wrapped(f"     {row.reach}", "     ")
    if row.lead:
        lines += _wrapped(f"     {row.lead}", "     ")
    lines += _wrapped(f"     {' · '.join(_meta(row))}", "     ")
    if row.also:
        lines += _wrapped(f"     {_also(row)}", "     ")
    lines.append(f"     {row.url or _NO_URL}" + (f" ({ODD_HOST})" if row.odd_host else ""))
    return lines


def _wrapped(line: str, indent: str) -> list[str]:
    return textwrap.wrap(line, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _meta(row: Row) -> Iterator[str]:
    yield isolated(row.source) + (f" ({isolated(row.host)})" if row.host else "")
    yield row.when
    if row.language:
        yield row.language
    yield f"score {row.score}" + (f" for {_why(row)}" if row.why else "")


def _why(row: Row) -> str:
    return ", ".join(f"“{isolated(term)}”" for term in row.why)


def _also(row: Row) -> str:
    names = ", ".join(isolated(name) for name in row.also)
    return names and f"Also reported by: {names}" + (f" and {row.more} more" if row.more else "")


# ── Markdown ──────────────────────────────────────────────────────────────────────────────────────


def as_markdown(digest: Digest) -> str:
    """Write a digest as Markdown; strangers' text can't become markup in it."""
    whole = page(digest, harmless)
    lines = [f"# {whole.title}, {whole.span} ({whole.week})", "", whole.counts]
    if whole.late:
        lines += ["", f"*{whole.late}*"]
    for heading, rows in whole.sections:
        lines += ["", f"## {heading}", ""]
        for row in rows:
            lines += _markdown_row(row)
    if not whole.sections:
        lines += ["", EMPTY]
    lines += ["", *(f"- **{name}:** {_escaped(line)}" for name, line in whole.tallies)]
    return "\n".join(lines) + "\n"


def _markdown_row(row: Row) -> list[str]:
    title = _escaped(row.title)
    lines = [f"- **[{title}](<{row.url}>)**" if row.url else f"- **{title}** ({_NO_URL})"]
    if row.odd_host:
        lines[0] += f" ({ODD_HOST})"
    said = (row.reach, row.lead, " · ".join(_meta(row)), _also(row))
    # Two spaces at a line's end break the line; the indent keeps it in the item.
    return ["  \n  ".join([*lines, *(_escaped(line) for line in said if line)])]


def _escaped(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)


# ── HTML ──────────────────────────────────────────────────────────────────────────────────────────


def as_html(digest: Digest) -> str:
    """Write a digest as one page that needs nothing else: readable offline, in the dark and on paper."""
    return _template().render(page=page(digest, clean_line), empty=EMPTY, odd_host=ODD_HOST) + "\n"


@functools.cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - slow to import

    folder = Path(__file__).with_name("templates")
    environment = Environment(autoescape=True, undefined=StrictUndefined, loader=FileSystemLoader(folder))
    return environment.get_template("digest.html.jinja")


# ── messages ──────────────────────────────────────────────────────────────────────────────────────


def as_messages(digest: Digest) -> tuple[Message, ...]:
    """Write a digest as messages, split between items; only the first one rings."""
    whole = page(digest, harmless)
    parts = [Composer()]
    for block in _blocks(whole):
        if not _has_room(parts[-1], block):
            parts.append(Composer())
        parts[-1].extend(block)
    messages = []
    for number, part in enumerate(parts, start=1):
        composer = _heading(whole, number, len(parts)).extend(part)
        messages.append(composer.message(silent=number > 1))
    return tuple(messages)


def _has_room(part: Composer, block: Composer) -> bool:
    reserved = Composer().add("\n" * _HEADROOM, SpanKind.BOLD).extend(block)
    return part.units == 0 or part.fits(reserved)


def _heading(whole: Page, number: int, of: int) -> Composer:
    composer = Composer().add(f"{whole.title}, {whole.span}", SpanKind.BOLD)
    composer.add(f" ({number}/{of})\n" if of > 1 else "\n")
    if number > 1:
        return composer.add("\n")
    composer.add(f"{whole.counts}\n")
    return composer.add(f"{whole.late}\n").add("\n") if whole.late else composer.add("\n")


def _blocks(whole: Page) -> Iterator[Composer]:
    for heading, rows in whole.sections:
        for number, row in enumerate(rows):
            # A heading goes with its first item: it never ends a message.
            block = Composer().add(heading, SpanKind.BOLD).add("\n\n") if number == 0 else Composer()
            yield block.extend(_told(row) if heading == ALERTED else _named(row))
    if not whole.sections:
        yield Composer().add(f"{EMPTY}\n\n")
    for name, line in whole.tallies:
        yield Composer().add(f"{name}: {line}\n")


def _told(row: Row) -> Composer:
    """An alerted story: readers know it, so headline, source and link are enough."""
    composer = Composer().add(row.title, SpanKind.BOLD).add("\n")
    if row.reach:
        composer.add(f"{row.reach}\n")
    composer.add(f"{_source(row)} · {row.when}\n")
    if row.also:
        composer.add(f"{_also(row)}\n")
    return _linked(composer, row).add("\n\n")


def _named(row: Row) -> Composer:
    """A story below the threshold, short: there may be many."""
    composer = Composer().add(row.title).add(f"\n{_source(row)} · score {row.score}\n")
    return _linked(composer, row).add("\n\n")


def _source(row: Row) -> str:
    """Name the source; its host stands in the link below, where no chat makes a second link of it."""
    parts = (f"Source: {isolated(row.source)}", row.language)
    return " · ".join(part for part in parts if part)


def _linked(composer: Composer, row: Row) -> Composer:
    if not row.url:
        return composer.add(f"Link: {_NO_URL}")
    composer.link(row.url, shown_url(row.url))
    return composer.add(f" ({ODD_HOST})") if row.odd_host else composer
