"""The console channel, and what channels do to texts."""

from __future__ import annotations

import io
from unicodedata import bidirectional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts.channels.base import Channel
from monitor.alerts.channels.console import ConsoleChannel
from monitor.alerts.channels.wording import bare, cut, marked, written_out
from monitor.model import Message, Span, SpanKind
from monitor.text import utf16_length
from tests.deliver_parts import linked, raises_send_error

HELLO = Message(text="hello")


# ── wording ───────────────────────────────────────────────────────────────────────────────────────


@st.composite
def messages(draw: st.DrawFn) -> Message:
    text = draw(st.text(min_size=1, max_size=80))
    spans = []
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(text) - 1))
        length = draw(st.integers(1, len(text) - start))
        spans.append(Span(kind=SpanKind.BOLD, start=start, length=length))
    return Message(text=text, spans=tuple(spans))


@given(messages(), st.integers(2, 100))
def test_a_cut_message_fits_and_keeps_its_spans_inside(message: Message, units: int) -> None:
    shorter = cut(message, units)
    assert utf16_length(shorter.text) <= units
    assert shorter is message or shorter.text.endswith("…")
    for span in shorter.spans:
        assert 0 <= span.start < span.start + span.length <= len(shorter.text)


@given(messages())
def test_a_mark_stands_in_front_and_every_span_still_covers_its_words(message: Message) -> None:
    found = marked(message, "(mark)")
    assert found.text.startswith("(mark)")
    assert found.text.endswith(message.text)
    for before, after in zip(message.spans, found.spans, strict=True):
        words = message.text[before.start : before.start + before.length]
        assert found.text[after.start : after.start + after.length] == words


def test_the_mark_gets_a_line_of_its_own_before_right_to_left_text_only() -> None:
    assert marked(Message(text="12: خبر"), "(mark)").text == "(mark)\n12: خبر"
    assert marked(Message(text="12: news"), "(mark)").text == "(mark) 12: news"
    assert marked(Message(text="12"), "(mark)").text == "(mark) 12"
    assert bidirectional("خ") == "AL"


def test_addresses_behind_words_are_written_out_and_visible_ones_are_not_doubled() -> None:
    hidden = linked("read this.", "this", "https://example.org/a")
    assert written_out(hidden) == "read this https://example.org/a ."
    shown = linked("read https://example.org/a", "https://example.org/a", "https://example.org/a")
    assert written_out(shown) == shown.text
    assert bare(hidden).spans == ()


# ── console ───────────────────────────────────────────────────────────────────────────────────────


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


async def printed(message: Message, *, stream: io.StringIO | None = None, possible_repeat: bool = False) -> str:
    stream = stream or io.StringIO()
    await ConsoleChannel(name="desk", stream=stream).send(message, possible_repeat=possible_repeat)
    return stream.getvalue()


async def test_the_console_shows_a_message_as_one_would_read_it_and_counts() -> None:
    stream = io.StringIO()
    channel: Channel = ConsoleChannel(name="desk", stream=stream)
    message = linked("Exiled editor stabbed", "Exiled editor", "https://news.example/a")
    assert [await channel.send(message, possible_repeat=False) for _ in range(2)] == ["1", "2"]
    await channel.edit("1", HELLO)
    assert "desk · 1 ─" in stream.getvalue()
    assert "Exiled editor (news.example) stabbed\n" in stream.getvalue()
    assert "desk · 1, edited" in stream.getvalue()
    assert (channel.pace, channel.account, channel.chat) == (None, channel.chat, "console:desk")
    channel.move("x")
    await channel.aclose()
    assert not stream.closed


async def test_the_console_marks_a_possible_repeat() -> None:
    assert "(possible repeat) hello" in await printed(HELLO, possible_repeat=True)


async def test_a_host_that_is_shown_is_not_shown_twice_and_an_unsafe_link_is_none() -> None:
    shown = await printed(linked("at news.example", "news.example", "https://news.example/a"))
    assert "(news.example)" not in shown
    for url in ("javascript:alert(1)", "https://a.example/\x1b]8;;", "http://[::1", "ftp://a.example"):
        assert "a.example)" not in await printed(linked("see this", "this", url))


async def test_a_terminal_gets_bold_and_a_link_and_no_control_character_of_the_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    message = linked("evil \x1b[2J\x07\x9b text\r", "evil", "https://news.example/a")
    shown = await printed(message, stream=Terminal())
    assert "https://news.example/a" in shown
    assert "\x1b[1;4m" in shown or "\x1b[1m" in shown
    assert "\x1b[2J" not in shown
    assert "\x07" not in shown
    assert "\x9b" not in shown
    assert "[bold]x[/bold] :smile:" in await printed(Message(text="[bold]x[/bold] :smile:"), stream=Terminal())


async def test_right_to_left_text_is_printed_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    text = "اعتداء على صحفي في المنفى"
    assert f"\n{text}\n" in await printed(Message(text=text))


async def test_a_narrow_console_folds_lines_and_loses_no_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "24")
    shown = await printed(Message(text="one two three four five six seven eight " + "x" * 40))
    assert all(len(line) <= 24 for line in shown.splitlines())
    assert "".join(shown.split())[-40:] == "x" * 40


async def test_a_stream_of_a_poor_encoding_gets_question_marks() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    await ConsoleChannel(name="desk", stream=stream).send(Message(text="跨國鎮壓"), possible_repeat=False)
    assert b"????" in raw.getvalue()


async def test_a_closed_console_is_a_failure_that_may_pass_and_check_tells() -> None:
    stream = io.StringIO()
    channel = ConsoleChannel(name="desk", stream=stream)
    assert await channel.check() == ()
    stream.close()
    assert "closed" in (await channel.check())[0]
    with raises_send_error():
        await channel.send(HELLO, possible_repeat=False)
    assert repr(channel) == "ConsoleChannel('desk')"
