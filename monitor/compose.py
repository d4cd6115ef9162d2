"""What every message is made of: text that pings nobody, marked stretches, names of states and languages, dates.

Shared by alerts and digests, pure but for names that CLDR gives. Strangers' text is made harmless here and nowhere
else: chats turn "@name", "/command", "#tag" and "evil.example" inside a message into something to tap, so an invisible
word joiner is put where they would begin. It reads as before, keeps its typeface and survives in chats without
formatting, where a code span would not. A message therefore holds only the links that Longarm made. Nothing here
decides what is worth telling.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from monitor.model import Message, Span, SpanKind
from monitor.text import clean_line, cut_utf16, display_host, registrable, safe_url, utf16_length

MAX_UNITS = 4_000
"""Telegram takes 4,096 UTF-16 units (https://core.telegram.org/bots/api#sendmessage); a repeat has a mark before it."""
MAX_SPANS = 100
NO_TITLE = "(no title)"
ALSO = "Also:"
"""How the line of the other sources begins."""
_MAX_URL_SHOWN = 100
_MAX_HOST_SHOWN = 60

WORD_JOINER = "\u2060"
_FIRST_STRONG_ISOLATE, _POP_ISOLATE = "\u2068", "\u2069"
_TAPPABLE = re.compile(
    r"(?<=[@＠#＃])(?=[^\s\u2060])"  # mentions, tags, e-mail addresses
    r"|(?<=\$)(?=[A-Za-z])"  # cashtags
    r"|(?<=(?<![A-Za-z0-9_])/)(?=[A-Za-z0-9_])"  # commands
    r"|(?<=<)(?=[!@#&])"  # Slack's and Discord's spelling of mentions
    r"|(?<=:)(?=//)"  # addresses of any scheme
    r"|(?<=[^\W_]\.)(?=[^\W\d_]{2})"  # bare host names
)
_SHOWABLE_URL = re.compile(r"https?://[\w\-.~:/?&=%+,;!*'()\[\]]+")


def harmless(text: str, limit: int) -> str:
    """Make a stranger's text one clean line of at most `limit` characters that no chat turns into a ping or a link.

    Word joiners come on top of `limit`: in the worst case the line is twice as long. Empty where nothing is visible.
    """
    return _TAPPABLE.sub(WORD_JOINER, clean_line(text, limit))


def isolated(text: str) -> str:
    """Keep right-to-left text from reordering what stands around it; other text stays as it is."""
    if any(unicodedata.bidirectional(char) in ("R", "AL") for char in text):
        return f"{_FIRST_STRONG_ISOLATE}{text}{_POP_ISOLATE}"
    return text


def shown_host(url: str) -> str:
    """Name the host that `url` leads to, "" where there is none; of a very long one its end, which is what counts."""
    host = display_host(url)
    return host if len(host) <= _MAX_HOST_SHOWN else "…" + host[1 - _MAX_HOST_SHOWN :]


def is_odd_host(url: str) -> bool:
    """Say whether the host's letters could pass for another name's, or are no ordinary writing."""
    return any(label.startswith("xn--") for label in display_host(url).split("."))


def shown_url(url: str) -> str:
    """Give the visible text of a link to `url` (from `safe_url`): the whole address, or host and "/…" of a long one."""
    if len(url) <= _MAX_URL_SHOWN and _SHOWABLE_URL.fullmatch(url):
        return url
    return f"{shown_host(url)}/…"


def moment(at: datetime, tz: ZoneInfo) -> str:
    """Write a moment for people: "11 Feb 2026 09:14 CET"."""
    local = at.astimezone(tz)
    zone = local.strftime("%Z")
    return f"{local.day} {local:%b %Y %H:%M} {'UTC' + zone if zone[:1] in ('+', '-') else zone}"


def source_name(*names: str, url: str = "") -> str:
    """Choose the first name that shows anything, else the host of `url`, else "unknown source"; not harmless yet."""
    shown = (clean_line(name, 60) for name in names)
    return next((name for name in shown if name), "") or shown_host(url) or "unknown source"


class Composer:
    """Builds a `Message` piece by piece; positions are counted as pieces are added."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self.units = 0
        self.spans: list[Span] = []

    def add(self, text: str, kind: SpanKind | None = None, *, url: str = "") -> Composer:
        """Append `text`, marked as `kind`. The text must be harmless already."""
        if kind is not None and text:
            self.spans.append(Span(kind=kind, start=self._length, length=len(text), url=url))
        self._pieces.append(text)
        self._length += len(text)
        self.units += utf16_length(text)
        return self

    def link(self, url: str, text: str = "") -> Composer:
        """Append a link to `url` under `text`, or under the address itself. `url` must come from `safe_url`.

        Of an address whose host begins with what others may choose, or has odd letters, the part that is registered is
        bold: it says whose site it is.
        """
        shown = text or shown_url(url)
        start = self._length
        self.add(shown, SpanKind.LINK, url=url)
        host, owner = shown_host(url), registrable(display_host(url))
        says_more = is_odd_host(url) or host not in (owner, f"www.{owner}")
        if shown == shown_url(url) and host.endswith(owner) and says_more:
            at = start + shown.index(host) + len(host) - len(owner)
            self.spans.append(Span(kind=SpanKind.BOLD, start=at, length=len(owner)))
        return self

    def extend(self, other: Composer) -> Composer:
        """Append everything of `other`."""
        shift = self._length
        moved = (
            Span(kind=span.kind, start=span.start + shift, length=span.length, url=span.url) for span in other.spans
        )
        self.spans.extend(moved)
        self._pieces.extend(other._pieces)
        self._length += other._length
        self.units += other.units
        return self

    def fits(self, other: Composer) -> bool:
        """Say whether `other` can be appended within a message's limits."""
        return self.units + other.units <= MAX_UNITS and len(self.spans) + len(other.spans) <= MAX_SPANS

    def message(self, *, silent: bool = False) -> Message:
        """Give the message, cut at its limits; a stretch that the cut meets is shortened with it."""
        text = "".join(self._pieces).rstrip("\n")
        if utf16_length(text) > MAX_UNITS:
            text = cut_utf16(text, MAX_UNITS - 1) + "…"
        clipped = (
            Span(
                kind=span.kind,
                start=span.start,
                length=min(span.length, len(text) - span.start),
                url=span.url,
            )
            for span in self.spans
        )
        spans = tuple(span for span in clipped if span.length > 0)
        return Message(text=text, spans=spans[:MAX_SPANS], silent=silent)


def stretches(message: Message) -> Iterator[tuple[int, int, tuple[Span, ...]]]:
    """Cut a text where spans and lines begin and end: (start, end, spans over it), each line break by itself."""
    text = message.text
    edges = {0, len(text)}
    for span in message.spans:
        edges |= {span.start, min(span.start + span.length, len(text))}
    for at, char in enumerate(text):
        edges |= {at, at + 1} if char == "\n" else set()
    for start, end in pairwise(sorted(edges)):
        over = (span for span in message.spans if span.start <= start and end <= span.start + span.length)
        yield start, end, tuple(over)


def headline_of(message: Message) -> str:
    """Give the line that says what a message is about: the first that holds bold words, else its first."""
    at = next((span.start for span in message.spans if span.kind is SpanKind.BOLD), 0)
    return message.text[message.text.rfind("\n", 0, at) + 1 :].partition("\n")[0]


def from_own_words(text: str) -> Composer:
    """Compose a text of ours in which names and addresses of strangers may stand; lines stay lines.

    An address is set as code: it can be copied whole and is not tapped by mistake.
    """
    composer = Composer()
    for number, line in enumerate(text.splitlines()):
        composer.add("\n" if number else "")
        for piece in re.split(r"(https?://[^\s“”]*[^\s“”.,;:)])", line):
            if _is_showable(piece):
                composer.add(safe_url(piece), SpanKind.CODE)
            else:
                composer.add(_joined(piece))
    return composer


def _joined(piece: str) -> str:
    """Make a piece harmless without eating the spaces at its edges."""
    cleaned = harmless(piece, 1_500)
    if not cleaned:
        return piece if piece.isspace() and piece.isprintable() else ""
    return f"{' ' if piece[0] == ' ' else ''}{cleaned}{' ' if piece[-1] == ' ' else ''}"


def _is_showable(piece: str) -> bool:
    return piece.startswith(("http://", "https://")) and bool(safe_url(piece))


_LANGUAGES = {
    "am": "Amharic", "ar": "Arabic", "az": "Azerbaijani", "be": "Belarusian", "bg": "Bulgarian", "bn": "Bengali",
    "bo": "Tibetan", "bs": "Bosnian", "ca": "Catalan", "ckb": "Central Kurdish", "cs": "Czech", "da": "Danish",
    "de": "German", "dv": "Dhivehi", "el": "Greek", "en": "English", "es": "Spanish", "et": "Estonian",
    "fa": "Persian", "fi": "Finnish", "fil": "Filipino", "fr": "French", "gu": "Gujarati", "he": "Hebrew",
    "hi": "Hindi", "hr": "Croatian", "hu": "Hungarian", "hy": "Armenian", "id": "Indonesian", "it": "Italian",
    "ja": "Japanese", "ka": "Georgian", "kk": "Kazakh", "km": "Khmer", "ko": "Korean", "ku": "Kurdish",
    "ky": "Kyrgyz", "lo": "Lao", "lt": "Lithuanian", "lv": "Latvian", "mk": "Macedonian", "ml": "Malayalam",
    "mn": "Mongolian", "mr": "Marathi", "ms": "Malay", "my": "Burmese", "nb": "Norwegian", "ne": "Nepali",
    "nl": "Dutch", "no": "Norwegian", "pa": "Punjabi", "pl": "Polish", "ps": "Pashto", "pt": "Portuguese",
    "rn": "Kirundi", "ro": "Romanian", "ru": "Russian", "rw": "Kinyarwanda", "si": "Sinhala", "sk": "Slovak",
    "sl": "Slovenian", "so": "Somali", "sq": "Albanian", "sr": "Serbian", "sv": "Swedish", "sw": "Swahili",
    "ta": "Tamil", "te": "Telugu", "tg": "Tajik", "th": "Thai", "ti": "Tigrinya", "tk": "Turkmen", "tr": "Turkish",
    "tt": "Tatar", "ug": "Uyghur", "uk": "Ukrainian", "ur": "Urdu", "uz": "Uzbek", "vi": "Vietnamese",
    "zh": "Chinese",
}  # fmt: skip


def language_name(code: str) -> str:
    """Name a language in English by its BCP 47 tag; an unknown tag stands for itself, an empty one for nothing."""
    base = code.replace("_", "-").partition("-")[0].lower()
    return _LANGUAGES.get(base) or harmless(code, 20)


# Where CLDR's English name is not the one that readers of news know, or says more than the code does.
_STATES = {
    "CD": "DR Congo", "CG": "Congo", "HK": "Hong Kong", "MM": "Myanmar", "MO": "Macau", "PS": "Palestine",
}  # fmt: skip


def state_name(code: str) -> str:
    """Name a state in English by its ISO 3166 code; an unknown code stands for itself."""
    return _STATES.get(code) or _territories().get(code) or harmless(code, 20)


@functools.cache
def _territories() -> Mapping[str, str]:
    from babel import Locale  # noqa: PLC0415 - reads locale files

    return dict(Locale("en").territories)
