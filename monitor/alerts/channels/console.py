"""Alerts on a terminal or in a file, as a person would read them in a chat.

Writes to the stream it is given and touches nothing else. Text is never interpreted: no markup, no control characters.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TextIO
from urllib.parse import urlsplit

from rich.console import Console
from rich.style import Style
from rich.text import Text

from monitor.alerts.channels.base import Pace
from monitor.alerts.channels.wording import POSSIBLE_REPEAT, marked
from monitor.compose import ALSO, headline_of
from monitor.errors import SendError
from monitor.model import Message, Span, SpanKind
from monitor.text import clean_line

_STYLES = {
    SpanKind.BOLD: Style(bold=True),
    SpanKind.ITALIC: Style(italic=True),
    SpanKind.CODE: Style(dim=True),
    SpanKind.QUOTE: Style(italic=True, dim=True),
}
_WIDEST = 100
_TITLE_CHARS = 50
_ADDRESS_CHARS = frozenset(map(chr, range(0x21, 0x7F)))


class ConsoleChannel:
    """Prints messages to `stream`; the remote id is a counter."""

    def __init__(self, *, name: str, stream: TextIO) -> None:
        self.name = name
        self._stream = stream
        self._numbers = itertools.count(1)

    def __repr__(self) -> str:
        return f"ConsoleChannel({self.name!r})"

    @property
    def chat(self) -> str:
        """The stream itself: one for all channels that print to it would mix their order, so one a channel."""
        return f"console:{self.name}"

    @property
    def account(self) -> str:
        """As `chat`: a stream has no account."""
        return self.chat

    @property
    def pace(self) -> Pace | None:
        """No limits."""
        return None

    @property
    def can_edit(self) -> bool:
        """It prints a line that says so."""
        return True

    @property
    def shows_pictures(self) -> bool:
        """It says where the picture is."""
        return True

    async def send(self, message: Message, *, possible_repeat: bool, reply_to: str = "") -> str:
        """Print `message`; return its number. An answer names the number of what it answers.

        Raises:
            SendError: the stream is closed or can't be written to.
        """
        number = str(next(self._numbers))
        title = f"{number}, to {reply_to}" if reply_to else number
        self._print(title, marked(message, POSSIBLE_REPEAT) if possible_repeat else message)
        return number

    async def edit(self, remote_id: str, message: Message) -> None:
        """Print one line of what reads otherwise now: what is printed can't be taken back.

        Raises:
            SendError: the stream is closed or can't be written to.
        """
        also = next((line for line in message.text.splitlines() if line.startswith(ALSO)), "")
        title = clean_line(headline_of(message), _TITLE_CHARS)
        said = _without_controls(" · ".join(line for line in (title, also) if line))
        self._write(lambda console: console.print(Text(f"{self.name} · {remote_id}, edited: {said}\n", style="dim")))

    async def check(self) -> tuple[str, ...]:
        """Tell whether the stream is open."""
        return (f"channel “{self.name}”: its stream is closed",) if self._stream.closed else ()

    def move(self, chat: str) -> None:
        """Do nothing: a stream has no other id."""

    async def aclose(self) -> None:
        """Leave the stream open: it is not ours."""

    def _print(self, number: str, message: Message) -> None:
        def draw(console: Console) -> None:
            # No box around it: its right edge would tear on text that runs from right to left.
            console.rule(f"{self.name} · {number}", align="left", style="dim", characters="─")
            console.print(_as_rich(message), width=min(console.width, _WIDEST), overflow="fold")
            if message.picture:
                console.print(Text(f"\nPicture: {_without_controls(message.picture)}", style="dim"), soft_wrap=True)
            console.print()

        self._write(draw)

    def _write(self, draw: Callable[[Console], None]) -> None:
        try:
            console = Console(file=self._stream, highlight=False, markup=False, emoji=False)
            with console.capture() as capture:
                draw(console)
            self._stream.write(_encodable(capture.get(), self._stream))
            self._stream.flush()
        except (OSError, ValueError) as error:  # ValueError: the stream is closed
            reason = type(error).__name__
            raise SendError(
                f"channel “{self.name}”: the console can't be written to ({reason}); is its reader gone?"
            ) from error


def _as_rich(message: Message) -> Text:
    text = Text(_without_controls(message.text))
    for span in message.spans:
        text.stylize(_style(span), span.start, span.start + span.length)
    for span in sorted(message.spans, key=lambda span: span.start + span.length, reverse=True):
        host = _host(span)
        if host and host not in message.text:
            end = span.start + span.length
            text = Text.assemble(text[:end], (f" ({host})", "dim"), text[end:])
    return text


def _style(span: Span) -> Style:
    if span.kind is not SpanKind.LINK:
        return _STYLES[span.kind]
    return Style(underline=True, link=span.url if _host(span) else None)


def _host(span: Span) -> str:
    """The host of a link that may be put into a terminal's escape sequence; empty for any other."""
    if span.kind is not SpanKind.LINK or not set(span.url) <= _ADDRESS_CHARS:
        return ""
    try:
        parts = urlsplit(span.url)
        return (parts.hostname or "") if parts.scheme in {"http", "https"} else ""
    except ValueError:
        return ""


def _without_controls(text: str) -> str:
    """Replace what drives terminals, one for one, so that spans stay where they are."""
    return "".join(
        char if char == "\n" or char.isprintable() or ord(char) > 0x9F else "\N{REPLACEMENT CHARACTER}" for char in text
    )


def _encodable(text: str, stream: TextIO) -> str:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)
