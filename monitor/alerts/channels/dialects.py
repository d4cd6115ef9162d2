"""How a service wants text written, so that a stranger's words stay words: nothing is formatted, called or linked.

Pure. Most services take plain text. Some read Markdown whether it is meant or not: there each mark gets a backslash,
and addresses stand in angle brackets, where they are links and nothing in them is a mark. What is longer than a service
takes is cut between lines into parts; a line is cut only where it is longer than a part by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from monitor.alerts.channels.wording import written_out
from monitor.compose import MAX_UNITS, headline_of, shown_url, stretches
from monitor.model import Message, Span, SpanKind
from monitor.text import cut_utf16, utf16_length

MAX_PARTS = 4
"""Of a message that needs more, as in SMS, the rest is left out, which "…" shows."""
NO_LIMIT = 4 * MAX_UNITS
"""For services that know none: more than any message has, with all its backslashes."""
_NUMBER_UNITS = len("(4/4)\n")
_BRIEF_UNITS = 200
_LIST_BEGINS = re.compile(r"^(\s*)([-+])|^(\s*\d+)([.)])", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How a service reads text. `marks`: the characters that need a backslash; none, and text is taken as it is."""

    marks: str = ""

    def written(self, message: Message, units: int) -> str:
        """Write a message out, each address once; one that no part of `units` could hold is only named."""
        kept = tuple(span for span in message.spans if utf16_length(span.url) + 2 <= units - _NUMBER_UNITS)
        message = replace(message, spans=kept)
        if not self.marks:
            return written_out(message)
        return "".join(self._piece(message, *piece) for piece in stretches(message))

    def _piece(self, message: Message, start: int, end: int, spans: tuple[Span, ...]) -> str:
        text = message.text[start:end]
        link = next((span for span in spans if span.kind is SpanKind.LINK and span.url), None)
        if link is not None and text in (link.url, shown_url(link.url)):
            return f"<{link.url}>"
        if any(span.kind is SpanKind.CODE for span in spans) and not set(text) & {"`", "\n"}:
            return f"`{text}`"
        if link is None or link.start + link.length != end or link.url in message.text:
            return self.escaped(text)
        rest = message.text[end : end + 1]
        return f"{self.escaped(text)} <{link.url}>{' ' if rest and not rest.isspace() else ''}"

    def escaped(self, text: str) -> str:
        """Write text so that nothing in it is a mark."""
        if not self.marks:
            return text
        text = re.sub(f"([{re.escape(self.marks)}])", r"\\\1", text)
        return _LIST_BEGINS.sub(lambda found: f"{found[1] or found[3] or ''}\\{found[2] or found[4]}", text)


PLAIN = Dialect()
_MARKDOWN = "\\`*_[]#~|>"
_BY_SCHEMA = {
    # Discord drops a backslash before any sign; a "<" begins its mentions and moments.
    "discord": Dialect(marks=_MARKDOWN + "<"),
    # Mattermost shows the backslash before "<", and nothing begins with that but the addresses that are ours.
    "mmost": Dialect(marks=_MARKDOWN),
    "mmosts": Dialect(marks=_MARKDOWN),
}


def dialect(schema: str) -> Dialect:
    """Choose by the beginning of a target's address, "discord"."""
    return _BY_SCHEMA.get(schema, PLAIN)


def brief(message: Message) -> Message:
    """Give of a message its headline, cut, and the address of its last link: what no service should refuse."""
    line = cut_utf16(headline_of(message), _BRIEF_UNITS)
    links = [span.url for span in message.spans if span.kind is SpanKind.LINK and span.url]
    if not links:
        return Message(text=line)
    span = Span(kind=SpanKind.LINK, start=len(line) + 1, length=len(links[-1]), url=links[-1])
    return Message(text=f"{line}\n{links[-1]}", spans=(span,))


def parts(text: str, units: int) -> tuple[str, ...]:
    """Cut a written text into parts of at most `units` UTF-16 units, numbered where there are several."""
    if utf16_length(text) <= units:
        return (text,)
    room = max(units - _NUMBER_UNITS, 1)
    packed = list(_packed(text, room))
    if len(packed) > MAX_PARTS:
        packed = [*packed[: MAX_PARTS - 1], _cut(packed[MAX_PARTS - 1], room - 1) + "…"]
    return tuple(f"({number}/{len(packed)})\n{part}" for number, part in enumerate(packed, start=1))


def _packed(text: str, room: int) -> Iterator[str]:
    """Fill parts with whole paragraphs, of one that is too long with lines, of a line that is too long with words."""
    held = ""
    for piece in _pieces(text, room):
        if held and utf16_length((held + piece).rstrip()) > room:
            yield held.rstrip()
            held = ""
        held += piece
    if held.strip():
        yield held.rstrip()


def _pieces(text: str, room: int) -> Iterator[str]:
    for paragraph in re.findall(r"(?s).+?(?:\n\n+|\Z)", text):
        if utf16_length(paragraph.rstrip()) <= room:
            yield paragraph
            continue
        for line in paragraph.splitlines(keepends=True):
            yield from _cut_line(line, room)


def _cut_line(line: str, room: int) -> Iterator[str]:
    while utf16_length(line.rstrip()) > room:
        head = _cut(line, room)
        yield head
        line = line[len(head) :]
    yield line


def _cut(text: str, room: int) -> str:
    """Cut at the last space that fits, else between characters; never between a backslash and its mark."""
    if utf16_length(text) <= room:
        return text
    head = cut_utf16(text, room)
    space = head.rfind(" ") + 1
    if space:
        return head[:space]
    backslashes = len(head) - len(head.rstrip("\\"))
    return head[: len(head) - backslashes % 2] or text[:1]
