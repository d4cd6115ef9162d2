"""Text from strangers made safe to compare and to show: cleaning, canonical addresses, tokens, language.

Decides what a reader sees of a title (no hidden direction changes, nothing invisible, never half a
character), which two addresses are one, and how text is cut into comparable pieces. Pure: no network, no disk
but the bundled language model, no clock. It never decides whether something is relevant.

Everything shown to people goes through `clean_line`, everything compared through `normalized` or `tokens`; a
cleaned line is not a matching key, and a normalized text is never shown.
"""

from __future__ import annotations

import html as html_entities
import re
import unicodedata

import nh3

from monitor.links import canonical_url, display_host, registrable, safe_url
from monitor.scripts import language_of, unmixed

__all__ = [
    "canonical_url",
    "clean_line",
    "cut_utf16",
    "display_host",
    "formula_safe",
    "language_of",
    "normalized",
    "plain",
    "registrable",
    "safe_url",
    "tokens",
    "tokens_of",
    "utf16_length",
]

MAX_MARKS = 4
"""Combining marks kept on one base: Hebrew with vowels and accents and Tibetan stacks need no more."""
MAX_WORD_CHARS = 60
ELLIPSIS = "…"

# ── HTML and display ──────────────────────────────────────────────────────────────────────────────

_BLOCK_TAG = re.compile(
    r"<(?=/?(?:p|div|br|hr|li|ul|ol|dl|dt|dd|tr|td|th|table|h[1-6]|blockquote|pre|section|article|figure|figcaption|"
    r"header|footer|option|img)\b)",
    re.IGNORECASE,
)
_DROPPED_CONTENT = {"script", "style", "iframe", "noscript", "template", "svg", "math", "object", "title"}
_SURROGATE = re.compile("[\ud800-\udfff]")
_SPACES = re.compile(r"\s+")
_ZWNJ, _ZWJ, _ZWSP = "\u200c", "\u200d", "\u200b"
_OVERRIDES = "\u202d\u202e"
_EMBEDDINGS = "\u202a\u202b"
_ISOLATES = "\u2066\u2067\u2068"
_POP_EMBEDDING, _POP_ISOLATE = "\u202c", "\u2069"
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_DIRECTION_MARKS = "\u200e\u200f\u061c"
# Format characters that are drawn: Arabic number signs and the like.
_DRAWN_FORMATS = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
# Letters and marks that show nothing: Hangul fillers, grapheme joiner, Khmer inherent vowels, Mongolian
# separators.
_INVISIBLE_LETTERS = "\u115f\u1160\u3164\uffa0\u034f\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800"
_KEPT_SPACES = ("\u00a0", "\u202f", "\u3000")
_SPACELESS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3041-\u30ff"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
_LONG_WORD = re.compile(rf"[^\s\u3000-\u303f\uac00-\ud7a3\uff00-\uffef{_SPACELESS}]{{{MAX_WORD_CHARS + 1},}}")
# Joiners carry meaning after letters of these: Arabic to N'Ko, the Indic scripts, Tibetan, Myanmar, Khmer,
# Mongolian.
_JOINING = re.compile("[\u0600-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u18af\ufb50-\ufdff\ufe70-\ufefc]")
_VIRAMAS = "\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0dca\u1039\u17d2"


def plain(html: str) -> str:
    """Turn HTML, or text that may be HTML, into plain text on one line.

    Tags go, and so does the content of scripts and styles; entities are decoded once; whitespace is folded to
    single spaces. The result may hold `<` and `&` as characters: it is text, to be escaped by whoever writes
    markup.
    """
    text = _SURROGATE.sub("\ufffd", html)
    if "<" in text:
        spaced = _BLOCK_TAG.sub(" <", text)
        text = nh3.clean(spaced, tags=set(), clean_content_tags=_DROPPED_CONTENT, strip_comments=True)
    if "&" in text:
        text = html_entities.unescape(text)
    return " ".join(_SURROGATE.sub("\ufffd", text).split())


def clean_line(text: str, limit: int) -> str:
    """Make `text` one line that shows what it says, of at most `limit` code points.

    Controls, direction overrides, unclosed embeddings and isolates, invisible and tag characters go; joiners
    stay where the script or an emoji needs them; at most four marks stay on a letter; words over 60
    characters get an invisible break. A cut falls between whole characters as people see them and ends in
    "…". Empty where nothing visible is left.
    """
    if limit <= 0:
        return ""
    text = text[: limit * 20 + 1_000]  # megabytes of invisible characters are not walked through
    if not (text.isascii() and text.isprintable()):
        text = _balanced(_visible(_SURROGATE.sub("\ufffd", text)))
    text = _SPACES.sub(_folded_space, text).strip()
    text = _LONG_WORD.sub(_breakable, text)
    if not any(map(_is_seen, text)):
        return ""
    if len(text) <= limit:
        return text
    return _balanced(text[: _boundary(text, limit - 1)].rstrip() + ELLIPSIS)


def _visible(text: str) -> str:
    """Drop what shows nothing or hides something; replace control whitespace; cap marks."""
    kept: list[str] = []
    marks = MAX_MARKS  # a mark needs a letter to stand on
    for index, char in enumerate(text):
        category = unicodedata.category(char)
        if char.isspace() or category in ("Zl", "Zp"):
            kept.append(char if category == "Zs" else " ")
            marks = MAX_MARKS
        elif category == "Cf":
            kept.append(char if _format_stays(char, kept, text[index + 1 : index + 2]) else "")
        elif category in ("Cc", "Cs", "Cn", "Co") or char in _INVISIBLE_LETTERS:
            continue
        elif category[0] == "M":
            marks += 1
            kept.append(char if marks <= MAX_MARKS else "")
        else:
            marks = 0
            kept.append(char)
    return "".join(kept)


def _format_stays(char: str, before: list[str], after: str) -> bool:
    if char in _DIRECTION_MARKS or char in _DRAWN_FORMATS or _BIDI.match(char):
        return True  # overrides too: `_balanced` takes them away with what closes them
    if char not in (_ZWJ, _ZWNJ):
        return False
    previous = next((c for c in reversed(before) if c), "")
    if _JOINING.match(previous):
        return True
    return char == _ZWJ and _is_emoji(previous) and _is_emoji(after)


def _is_emoji(char: str) -> bool:
    return bool(char) and (char == "\ufe0f" or unicodedata.category(char) in ("So", "Sk"))


def _is_seen(char: str) -> bool:
    return char != " " and unicodedata.category(char)[0] not in ("C", "Z", "M")


def _balanced(text: str) -> str:
    """Drop overrides with what closes them, and embeddings and isolates without their other half."""
    if not _BIDI.search(text):
        return text
    dropped: set[int] = set()
    opened: list[tuple[int, str]] = []
    for match in _BIDI.finditer(text):
        at, char = match.start(), match.group()
        if char in _OVERRIDES or char in _EMBEDDINGS or char in _ISOLATES:
            opened.append((at, char))
            continue
        if char == _POP_EMBEDDING and opened and opened[-1][1] not in _ISOLATES:
            start, opener = opened.pop()
            dropped.update((start, at) if opener in _OVERRIDES else ())
        elif char == _POP_ISOLATE and any(opener in _ISOLATES for _, opener in opened):
            # A closed isolate closes the embeddings inside it, too; without their own closer they are
            # dropped.
            while opened[-1][1] not in _ISOLATES:
                dropped.add(opened.pop()[0])
            opened.pop()
        else:
            dropped.add(at)
    dropped.update(at for at, _ in opened)
    return "".join(char for at, char in enumerate(text) if at not in dropped)


def _folded_space(match: re.Match[str]) -> str:
    space = match.group()
    return space if space in _KEPT_SPACES else " "


def _breakable(match: re.Match[str]) -> str:
    word, pieces = match.group(), []
    while len(word) > MAX_WORD_CHARS:
        end = _boundary(word, MAX_WORD_CHARS)
        pieces.append(word[:end])
        word = word[end:]
    return _ZWSP.join([*pieces, word])


def _boundary(text: str, end: int) -> int:
    """Move `end` back to the nearest edge between characters as people see them (at most 32 back)."""
    for at in range(end, max(0, end - 32), -1):
        if at >= len(text) or not _joins(text, at):
            return at
    return end


def _joins(text: str, at: int) -> bool:
    """Say whether `text[at]` belongs to the character that `text[at - 1]` is part of."""
    before, char = text[at - 1], text[at]
    if char.isascii() and before.isascii():
        return False
    if unicodedata.category(char)[0] == "M" or char in (_ZWJ, _ZWNJ) or "\U0001f3fb" <= char <= "\U0001f3ff":
        return True
    if before == _ZWJ or (before in _VIRAMAS and unicodedata.category(char) == "Lo"):
        return True
    if "\U0001f1e6" <= char <= "\U0001f1ff":
        flags = re.search("[\U0001f1e6-\U0001f1ff]*$", text[:at])
        return flags is not None and len(flags.group()) % 2 == 1
    return "\u1160" <= char <= "\u11ff" and "\u1100" <= before <= "\ud7a3"


_FORMULA = re.compile("[\x00-\x20\x7f-\xa0\u200b\ufeff]*[-=+@|%－＝＋＠]|[\t\r\n]")
"""How a cell begins that some spreadsheet calculates; full-width signs are formulas to a few."""


def formula_safe(text: str) -> str:
    """Make `text` a cell that no spreadsheet takes for a formula: an apostrophe goes before what begins like one."""
    return f"'{text}" if _FORMULA.match(text) else text


def utf16_length(text: str) -> int:
    """Count UTF-16 units, as Telegram does."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut_utf16(text: str, units: int) -> str:
    """Cut `text` to at most `units` UTF-16 units, between whole characters. Adds no "…"."""
    if len(text) * 2 <= units or utf16_length(text) <= units:
        return text
    used, end = 0, 0
    for char in text:
        used += 2 if char > "\uffff" else 1
        if used > units:
            break
        end += 1
    return text[: _boundary(text, end)]


# ── matching ──────────────────────────────────────────────────────────────────────────────────────

# What a word may hold beside letters and digits: marks of scripts that write vowels as marks.
_MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8"
    "\u0900-\u0963\u0971-\u0dff\u0f71-\u0fbc"
)
_TOKEN = re.compile(rf"[{_SPACELESS}]+|\d+(?:[.,]\d+)+|(?:[^\W_{_SPACELESS}]+|[{_MARKS}]+)+")
_ASCII_TOKEN = re.compile(r"\d+(?:[.,]\d+)+|[a-z0-9]+", re.ASCII)
_SPACELESS_CHAR = re.compile(f"[{_SPACELESS}]")
_POSSESSIVE = re.compile(r"(?<=\w)['’]s\b")
_THOUSANDS = re.compile(r"[.,](?=\d{3}(?:\D|$))")


class _Folds(dict[int, "int | str | None"]):
    """A translation table filled as characters are met: one look-up a character afterwards."""

    def __missing__(self, codepoint: int) -> int | str | None:
        folded = self[codepoint] = self._fold(chr(codepoint))
        return folded

    @staticmethod
    def _fold(char: str) -> int | str | None:
        if char.isspace():
            return " "
        category = unicodedata.category(char)
        if category in ("Cf", "Cs", "Cc", "Me") or char in _INVISIBLE_LETTERS:
            return None
        stray = "\u0300" <= char <= "\u036f" or "\u20d0" <= char <= "\u20ff" or "\ufe00" <= char <= "\ufe0f"
        return None if stray else ord(char)


_FOLDS = _Folds()
# What of printable text folding changes: invisible letters, stray and enclosing marks. All else that it changes is not
# printable to Python.
_FOLDED = re.compile(f"[{_INVISIBLE_LETTERS}\u0300-\u036f\u0488\u0489\u1abe\u20d0-\u20ff\ua670-\ua672\ufe00-\ufe0f]")


def _folded(text: str) -> str:
    return text if text.isprintable() and not _FOLDED.search(text) else text.translate(_FOLDS)


def normalized(text: str) -> str:
    """Fold `text` to its one spelling for matching: NFKC, nothing invisible, case and whitespace folded.

    Look-alike letters inside a word that mixes scripts become Latin ones. Never shown.
    """
    if text.isascii() and text.isprintable():
        return " ".join(text.lower().split())
    text = _folded(unicodedata.normalize("NFKC", _folded(text)).casefold())
    return " ".join(unmixed(text).split())


def tokens(text: str) -> tuple[str, ...]:
    """Cut `text` into comparable words, in order; writing without spaces into character bigrams.

    Chinese, Japanese, Thai, Lao, Khmer and Burmese are written so. Thousands separators and English
    possessives are dropped; "2.5" stays one token.
    """
    return tokens_of(normalized(text))


def tokens_of(text: str) -> tuple[str, ...]:
    """Cut what `normalized` gave, as `tokens` does."""
    if "'s" in text or "’s" in text:
        text = _POSSESSIVE.sub("", text)
    if text.isascii() or not _SPACELESS_CHAR.search(text):
        found = (_ASCII_TOKEN if text.isascii() else _TOKEN).findall(text)
        return tuple([_one_spelling(token) if "." in token or "," in token else token for token in found])
    found = []
    for token in _TOKEN.findall(text):
        if _SPACELESS_CHAR.match(token):
            found.extend(token[at : at + 2] for at in range(max(1, len(token) - 1)))
        else:
            found.append(_one_spelling(token))
    return tuple(found)


def _one_spelling(token: str) -> str:
    return _THOUSANDS.sub("", token) if token[0].isdigit() else token
