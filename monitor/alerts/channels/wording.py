"""What channels and the outbox do to a message's text: mark it, cut it, write it out without formatting.

Pure. The meaning of a message is never touched: what is added stands in front of it, what is cut ends in "…".
"""

from __future__ import annotations

import unicodedata
from dataclasses import replace

from monitor.model import Message, Span, SpanKind
from monitor.text import cut_utf16, utf16_length

POSSIBLE_REPEAT = "(possible repeat)"


def marked(message: Message, mark: str) -> Message:
    """Put `mark` in front of the text.

    In front of a text that runs from right to left it gets a line of its own, or it would turn that line around.
    """
    lead = mark + ("\n" if _runs_right_to_left(message.text) else " ")
    spans = tuple(replace(span, start=span.start + len(lead)) for span in message.spans)
    return replace(message, text=lead + message.text, spans=spans)


def cut(message: Message, units: int) -> Message:
    """Cut the text to `units` UTF-16 units, "…" included, and the spans with it."""
    if utf16_length(message.text) <= units:
        return message
    kept = cut_utf16(message.text, units - 1).rstrip()
    return replace(message, text=kept + "…", spans=_within(message.spans, len(kept)))


def bare(message: Message) -> Message:
    """Return the message without its formatting; addresses that stood behind words are written out."""
    return replace(message, text=written_out(message), spans=())


def written_out(message: Message) -> str:
    """Return the text with the address of each link behind it, unless it is what the text shows anyway."""
    text = message.text
    for span in sorted(message.spans, key=lambda span: span.start + span.length, reverse=True):
        end = span.start + span.length
        if span.kind is SpanKind.LINK and span.url and span.url not in text:
            text = f"{text[:end]} {span.url}{_break_after(text[end:])}{text[end:]}"
    return text


def _break_after(rest: str) -> str:
    """A space, where what follows an address would be read as a part of it."""
    return " " if rest and not rest[0].isspace() else ""


def _within(spans: tuple[Span, ...], end: int) -> tuple[Span, ...]:
    return tuple(replace(span, length=min(span.length, end - span.start)) for span in spans if span.start < end)


def _runs_right_to_left(text: str) -> bool:
    for char in text:
        direction = unicodedata.bidirectional(char)
        if direction in {"L", "R", "AL"}:
            return direction != "L"
    return False
