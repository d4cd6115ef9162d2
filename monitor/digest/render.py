"""A digest as text, Markdown, one HTML page, and messages. Pure: it marks up what `shown` has put into words.

The page is whole in itself: no script, nothing is loaded from anywhere, its pictures are drawn in it, and its links
tell the sites they lead to nothing of where the reader came from.
"""

from __future__ import annotations

import functools
import re
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.compose import Composer, harmless, shown_url
from monitor.digest.charts import DARK, LIGHT, charts
from monitor.digest.frame import END_ISOLATE, ISOLATE, Frame
from monitor.digest.shown import Note, Notes, Page, Row, page
from monitor.model import Digest, Message, SpanKind
from monitor.text import clean_line

if TYPE_CHECKING:
    from jinja2 import Template
    from jinja2.environment import TemplateModule

_WIDTH = 88
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~&!$])")
_LINE_START = re.compile(r"^(\d{0,9})([-+=.)])")
_DRAWN = 2
"""So many pictures stand in the one that is sent."""
_HEADROOM = 200
"""Units kept free in each message for the heading that says which part it is."""


# ── text ──────────────────────────────────────────────────────────────────────────────────────────


def as_text(digest: Digest) -> str:
    """Write a digest as plain text for a terminal or a mail."""
    whole = page(digest, harmless)
    frame = whole.frame
    lines = [f"{frame.upper(whole.title)}  {whole.span} ({whole.week})", *_wrapped(whole.counts, "")]
    if whole.late:
        lines.append(whole.late)
    if whole.note:
        lines += ["", frame.upper(frame.say("note"))]
        lines += (wrapped for line in whole.note for wrapped in _wrapped(line, ""))
    for notes in whole.before:
        lines += _text_notes(notes, frame)
    for heading, rows in whole.sections:
        lines += ["", frame.upper(heading)]
        for number, row in enumerate(rows, start=1):
            lines += _text_row(number, row, frame)
    if not whole.sections:
        lines += ["", *_wrapped(frame.say("empty"), "")]
    for notes in whole.after:
        lines += _text_notes(notes, frame)
    lines.append("")
    for name, line in whole.tallies:
        lines += _wrapped(f"{frame.upper(name)}  {line}", "")
    return "\n".join(lines) + "\n"


def _text_notes(notes: Notes, frame: Frame) -> list[str]:
    lines = ["", frame.upper(notes.heading)]
    if notes.hint:
        lines += _wrapped(notes.hint, "")
    for note in notes.notes:
        lines += _wrapped(f"   {note.lead or note.title}", "     ")
        lines += _wrapped(f"     {note.title}", "     ") if note.lead and note.title else []
        lines += _wrapped(f"     {note.tail}", "     ") if note.tail else []
        lines += [f"     {note.url}{_odd(note, frame)}"] if note.url else []
    return lines


def _text_row(number: int, row: Row, frame: Frame) -> list[str]:
    lines = ["", *_wrapped(f"{number:>3}. {row.title}", "     ")]
    for line in (row.reach, row.lead, " · ".join(_meta(row)), row.also):
        lines += _wrapped(f"     {line}", "     ") if line else []
    lines.append(f"     {row.url or frame.say('no_url')}{_odd(row, frame)}")
    return lines


def _wrapped(line: str, indent: str) -> list[str]:
    lines = textwrap.wrap(line, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return list(_closed(lines))


def _closed(lines: list[str]) -> Iterator[str]:
    """Close on each line the isolates that are open at its end, and open them anew on the next one."""
    is_open = False
    for line in lines:
        whole = (ISOLATE + line.lstrip() if is_open else line.lstrip()) if line else line
        is_open = whole.count(ISOLATE) > whole.count(END_ISOLATE)
        yield line[: len(line) - len(line.lstrip())] + whole + (END_ISOLATE if is_open else "")


def _meta(row: Row) -> Iterator[str]:
    yield row.origin
    yield row.when
    if row.language:
        yield row.language
    yield row.judged


def _odd(entry: Row | Note, frame: Frame) -> str:
    return f" ({frame.say('odd_host')})" if entry.odd_host else ""


# ── Markdown ──────────────────────────────────────────────────────────────────────────────────────


def as_markdown(digest: Digest) -> str:
    """Write a digest as Markdown; strangers' text can't become markup in it."""
    whole = page(digest, harmless)
    frame = whole.frame
    lines = [f"# {whole.heading} ({whole.week})", "", whole.counts]
    if whole.late:
        lines += ["", f"*{whole.late}*"]
    if whole.note:
        lines += ["", f"## {frame.say('note')}", "", "  \n".join(map(_escaped_line, whole.note))]
    for notes in whole.before:
        lines += _markdown_notes(notes, frame)
    for heading, rows in whole.sections:
        lines += ["", f"## {heading}", ""]
        for row in rows:
            lines += _markdown_row(row, frame)
    if not whole.sections:
        lines += ["", frame.say("empty")]
    for notes in whole.after:
        lines += _markdown_notes(notes, frame)
    lines += ["", *(f"- **{name}:** {_escaped(line)}" for name, line in whole.tallies)]
    return "\n".join(lines) + "\n"


def _markdown_notes(notes: Notes, frame: Frame) -> list[str]:
    lines = ["", f"## {notes.heading}", ""]
    if notes.hint:
        lines += [f"*{notes.hint}*", ""]
    for note in notes.notes:
        said = [_escaped(note.lead)] if note.lead else []
        said += [_markdown_title(note) + _odd(note, frame)] if note.title else []
        said += [_escaped(note.tail)] if note.tail else []
        lines.append("- " + "  \n  ".join(said))
    return lines


def _markdown_row(row: Row, frame: Frame) -> list[str]:
    named = f"**{_markdown_title(row)}**" + ("" if row.url else f" ({frame.say('no_url')})")
    said = (row.reach, row.lead, " · ".join(_meta(row)), row.also)
    # Two spaces at a line's end break the line; the indent keeps it in the item.
    return ["  \n  ".join([f"- {named}{_odd(row, frame)}", *(_escaped(line) for line in said if line)])]


def _markdown_title(entry: Row | Note) -> str:
    title = _escaped(entry.title)
    return f"[{title}](<{entry.url}>)" if entry.url else title


def _escaped(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)


def _escaped_line(text: str) -> str:
    """Text that begins a line, where "-" or "1." would begin a list."""
    return _LINE_START.sub(r"\1\\\2", _escaped(text))


# ── HTML ──────────────────────────────────────────────────────────────────────────────────────────


def as_html(digest: Digest, *, pictures: bool = True) -> str:
    """Write a digest as one page that needs nothing else: readable offline, in the dark and on paper.

    `pictures`: with those of the half year, and their numbers as tables.
    """
    whole = page(digest, clean_line)
    drawn = charts(digest.trends, whole.frame) if pictures and digest.trends else ()
    return (
        _template("digest.html.jinja").render(page=whole, frame=whole.frame, charts=drawn, light=LIGHT, dark=DARK)
        + "\n"
    )


def as_figures(digest: Digest) -> TemplateModule:
    """Draw the pictures of a digest as figures for another page: its template shows them as they were drawn here."""
    frame = Frame(digest.language)
    drawn = charts(digest.trends, frame) if digest.trends else ()
    return _template("figures.html.jinja").make_module({"charts": drawn, "frame": frame})


def as_svg(digest: Digest) -> str:
    """Draw the first pictures of a digest as one, in the light palette, for those who turn it into pixels."""
    whole = page(digest, clean_line)
    drawn = charts(digest.trends, whole.frame)[:_DRAWN] if digest.trends else ()
    return _template("picture.svg.jinja").render(page=whole, charts=drawn, palette=LIGHT)


def as_caption(digest: Digest, picture: str) -> Message:
    """Say in words what the picture of a digest shows, and where the picture is: its path. It makes no sound."""
    whole = page(digest, harmless)
    composer = Composer().add(whole.heading, SpanKind.BOLD).add("\n")
    for chart in charts(digest.trends, whole.frame)[:_DRAWN] if digest.trends else ():
        composer.add(f"\n{harmless(chart.title, 100)}: {harmless(chart.desc, 300)}\n")
    return replace(composer.message(silent=True), picture=picture)


@functools.cache
def _template(name: str) -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - slow to import

    folder = Path(__file__).with_name("templates")
    environment = Environment(autoescape=True, undefined=StrictUndefined, loader=FileSystemLoader(folder))
    return environment.get_template(name)


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
    composer = Composer().add(whole.heading, SpanKind.BOLD)
    composer.add(f" ({number}/{of})\n" if of > 1 else "\n")
    if number > 1:
        return composer.add("\n")
    composer.add(f"{whole.counts}\n")
    return composer.add(f"{whole.late}\n").add("\n") if whole.late else composer.add("\n")


def _blocks(whole: Page) -> Iterator[Composer]:
    frame = whole.frame
    if whole.note:
        said = "".join(f"{line}\n" for line in whole.note)
        yield Composer().add(frame.say("note"), SpanKind.BOLD).add(f"\n{said}\n")
    for notes in whole.before:
        yield from _note_blocks(notes, frame)
    for heading, rows in whole.sections:
        for number, row in enumerate(rows):
            # A heading goes with its first item: it never ends a message.
            block = Composer().add(heading, SpanKind.BOLD).add("\n\n") if number == 0 else Composer()
            yield block.extend(_told(row, frame) if rows is whole.alerted else _named(row, frame))
    if not whole.sections:
        yield Composer().add(f"{frame.say('empty')}\n\n")
    for notes in whole.after:
        yield from _note_blocks(notes, frame)
    for name, line in whole.tallies:
        yield Composer().add(f"{name}: {line}\n")


def _note_blocks(notes: Notes, frame: Frame) -> Iterator[Composer]:
    for number, note in enumerate(notes.notes):
        block = Composer()
        if number == 0:
            block.add(notes.heading, SpanKind.BOLD).add("\n")
            block.add(f"{notes.hint}\n" if notes.hint else "").add("\n")
        for line in (note.lead, note.title, note.tail):
            block.add(f"{line}\n" if line else "")
        if note.url:
            block.link(note.url, shown_url(note.url)).add(f"{_odd(note, frame)}\n")
        yield block.add("\n")


def _told(row: Row, frame: Frame) -> Composer:
    """An alerted story: readers know it, so headline, source and link are enough."""
    composer = Composer().add(row.title, SpanKind.BOLD).add("\n")
    if row.reach:
        composer.add(f"{row.reach}\n")
    composer.add(f"{_source(row, frame)} · {row.when}\n")
    if row.also:
        composer.add(f"{row.also}\n")
    return _linked(composer, row, frame).add("\n\n")


def _named(row: Row, frame: Frame) -> Composer:
    """A story below the threshold, short: there may be many."""
    composer = Composer().add(row.title).add(f"\n{_source(row, frame)} · {row.scored}\n")
    return _linked(composer, row, frame).add("\n\n")


def _source(row: Row, frame: Frame) -> str:
    """Name the source; its host stands in the link below, where no chat makes a second link of it."""
    parts = (frame.say("source", name=frame.isolated(row.source)), row.language)
    return " · ".join(part for part in parts if part)


def _linked(composer: Composer, row: Row, frame: Frame) -> Composer:
    if not row.url:
        return composer.add(frame.say("link", link=frame.say("no_url")))
    composer.link(row.url, shown_url(row.url))
    return composer.add(_odd(row, frame))
