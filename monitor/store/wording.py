"""What an article is found by, and how the index is asked. Pure: values come in, words go out; nothing is decided here.

A text is folded as for matching (case, accents, Arabic letters, Traditional to Simplified) and cut into words. Writing
without spaces is cut into pairs of neighbouring characters, so that any part of it is found; Korean too, where several
words are written as one. Every word is found by its beginning, a long one also by what stands at its end
(Auslandspolizeistation), an Arabic or Hebrew one also without the letters that are written onto its front.

What is kept stands in the index of every stored state: a change here, or of `normalize`, needs a migration that calls
`indexing.forget_all`. A test holds what is made of a text in every script.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_DENSE = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3041-\u30ff"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
)
_MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0900-\u0dff\u0f71-\u0fbc"
)
_PIECE = re.compile(rf"[{_DENSE}]+|(?:[^\W_{_DENSE}]|[{_MARKS}])+")
_IS_DENSE = re.compile(f"[{_DENSE}]")
_IS_PREFIXED = re.compile("[\u0590-\u08ff]")
_STROKES = str.maketrans("ıłđøħŧ", "ildoht")  # letters that are not taken for one with an accent
_TAG = re.compile(r"[^a-z0-9-]+")

MAX_WORDS = 16
"""So many words of a wish are asked for, and so many pieces of each; what is behind them would find less, not other."""
_MAX_CHARS = 1_000
_MAX_PIECE = 64
_PREFIX = 3
"""Shorter words are found whole: "EU" is not Europe."""
_LONG, _LONG_TAIL = 9, 5
_CLITICS, _CLITIC_TAIL = 3, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the index keeps of an article: its `words` in order, and `more` words without one."""

    words: tuple[str, ...]
    more: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """Words that must stand one after another; of the last only the beginning where `is_begun`."""

    words: tuple[str, ...]
    is_begun: bool = False


def pieces(text: str) -> list[str]:
    """Cut `text` into words and stretches of dense writing, folded to one spelling."""
    from classifiers.normalize import normalize  # noqa: PLC0415 - its tables load with the first text

    return _PIECE.findall(normalize(text).translate(_STROKES))


def entry(
    text: str, *, language: str = "", decision: str = "", codes: Sequence[str] = (), feed: str = "", story: str = ""
) -> Entry:
    """What an article with this text and these properties is found by."""
    words: list[str] = []
    more: dict[str, None] = {}
    for piece in pieces(text):
        if _IS_DENSE.match(piece):
            words += _pairs(piece)
            more.update({piece[-1]: None} if len(piece) > 1 else {})
        else:
            words.append(piece[:_MAX_PIECE])
            for tail in _tails(words[-1]):
                more[tail] = None
    marks = [*_languages(language), mark("d", decision), *(mark("c", code) for code in codes), feed_mark(feed)]
    return Entry(words=tuple(words), more=(*more, *filter(None, marks), *((IN_A_STORY,) if story else ())))


IN_A_STORY = "s:yes"


def mark(kind: str, value: str) -> str:
    """The word that stands for a property; "" for none."""
    plain = _TAG.sub("-", value.lower())[:_MAX_PIECE]
    return f"{kind}:{plain}" if plain else ""


@functools.lru_cache(maxsize=1_000)
def feed_mark(feed: str) -> str:
    """The word that stands for a feed; "" for none."""
    return f"f:{hashlib.sha256(feed.encode(errors='replace')).hexdigest()[:16]}" if feed else ""


def _languages(tag: str) -> tuple[str, ...]:
    """Who asks for "zh" means "zh-Hant" too."""
    whole = mark("l", tag.replace("_", "-"))
    return tuple(dict.fromkeys((whole.partition("-")[0], whole)))


def _pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(max(1, len(run) - 1))]


@functools.lru_cache(maxsize=10_000)
def _tails(word: str) -> tuple[str, ...]:
    if _IS_PREFIXED.match(word):
        return tuple(word[at:] for at in range(1, min(_CLITICS, len(word) - _CLITIC_TAIL) + 1))
    return tuple(word[at:] for at in range(1, len(word) - _LONG_TAIL + 1)) if len(word) >= _LONG else ()


# ── what is asked ─────────────────────────────────────────────────────────────────────────────────


def terms(wished: Sequence[str]) -> tuple[Term, ...] | None:
    """What must all be found for the words `wished`; None where they hold no letter and no digit.

    A word of several pieces ("G20峰會", "covid-19", "police station") is looked for as it stands. Nothing in a word is
    a command: all that is no letter and no digit is a gap.
    """
    found: dict[Term, None] = {}
    left = _MAX_CHARS
    wanted = [word for word in wished[: MAX_WORDS * 4] if word.strip()]
    for word in wanted:
        cut = pieces(word[:left])
        left -= min(len(word), left)
        found.update(dict.fromkeys(_terms(cut[:MAX_WORDS])))
    return tuple(found)[:MAX_WORDS] or (None if wanted else ())


def _terms(cut: Sequence[str]) -> Iterator[Term]:
    run: list[str] = []
    for place, piece in enumerate(cut):
        is_last = place == len(cut) - 1
        if not _IS_DENSE.match(piece):
            run.append(piece[:_MAX_PIECE])
            is_begun = len(piece) >= _PREFIX
        elif len(piece) > 1:
            run += _pairs(piece)
            is_begun = False
        elif is_last:
            run.append(piece)
            is_begun = True
        else:  # one character before other writing: in a text it may be the end of a pair
            if run:
                yield Term(words=tuple(run))
            run = []
            yield Term(words=(piece,), is_begun=True)
            continue
        if is_last:
            yield Term(words=tuple(run), is_begun=is_begun)
