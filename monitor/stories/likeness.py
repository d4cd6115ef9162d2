"""What of an article speaks for an event, and how alike two articles are.

Pure. Decides nothing about stories: `stories.grouping` does, with the numbers from here.

A text becomes stems with weights: a stem of the title counts three times one of the summary, names and
numbers count more than other words, words that only hold a sentence together not at all. Stems are the first
five letters: crude, but the same for every language that writes with an alphabet, and enough for "arrests"
and "arrested".
"""

from __future__ import annotations

import functools
import math
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from monitor.stories.wordlists import FUNCTION_WORDS, ROUNDUP
from monitor.text import language_of, normalized, tokens, tokens_of

TITLE_WEIGHT = 3
NAME_WEIGHT = 1.6
NUMBER_WEIGHT = 1.5
BIGRAM_WEIGHT = 0.7
LEAD_CHARS = 400

COPY_CHARS = 1_200
SKETCH_SIZE = 64
"""Texts of fewer shingles are compared whole, longer ones by their smallest hashes."""

TOLD = 80
"""Stems of a text that are compared in their order."""

_MOST = TITLE_WEIGHT + 2
"""A stem counts no further."""
_ROOTS = tuple(map(math.sqrt, range(_MOST + 1)))
_STEM_CHARS = 5
_LANGUAGE_CHARS = 160
_ENGLISH = frozenset("the and with from his after who that for their been says said to will have".split())
_LEAST_SHINGLES = 8
_TELLING_WORDS = 2
_SAYS_NOTHING_MORE = 2
_SAME_START = 60
_ALL = 1 << 32
_FOREIGN = re.compile(r"[^\x00-\x7f\W\d_]")
_WORD = re.compile(r"[^\W\d_][\w'’-]*")
_CAPITALISED = re.compile(r"(?<![\w'’-])[A-ZÀ-ÖØ-ÞĀ-ſЀ-ЯҐΑ-ΩԱ-Ֆ][\w'’-]*")
_ABBREVIATION = re.compile(r"\b[A-Z]{2}\b")
_SENTENCE_START = re.compile(r"(?:^|[.!?:;…«»“”\"„(|–—]\s*)$")
_OUTLET = re.compile(r"\s+[-–—|｜]\s+[^-–—|｜]{2,40}$|[｜|_][^｜|_]{2,20}$")
_SEPARATORS = re.compile(r"\s[|•·/]\s|;\s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """An article as grouping reads it.

    `title` are the stems of the headline in order, `stems` the weights of all stems before rarity is known, `names` and
    `numbers` those of the whole text that could be told. `cased`: small and capital letters tell names from other words
    in the headline. `headline`: the headline's one spelling without the outlet's name, `shown`: as it was written.
    `is_bare`: below the headline stands nothing that says more. `capitals`: the stems of the headline's words that
    begin with a capital. `title_weights`: the stems of the headline, each once, weighed. `marks`: names and numbers
    below the headline, in order; `told`: all stems there in order, the first TOLD. `sketch`: the smallest hashes of the
    text's shingles, in order of size.
    """

    language: str
    headline: str
    title: tuple[str, ...]
    body: frozenset[str]
    words: frozenset[str]
    stems: tuple[tuple[str, float], ...]
    names: frozenset[str]
    numbers: frozenset[str]
    title_numbers: frozenset[str]
    cased: bool
    is_roundup: bool
    is_bare: bool
    capitals: frozenset[str]
    title_weights: tuple[tuple[str, float], ...]
    marks: tuple[str, ...]
    told: tuple[str, ...]
    sketch: tuple[int, ...]
    shown: str


@functools.lru_cache(maxsize=16_384)
def read(title: str, summary: str, text: str, language: str) -> Document:
    """Read an article. Remembers the last 16,384, so that the members of recent stories are read once."""
    return read_once(title, summary, text, language)


def read_once(title: str, summary: str, text: str, language: str) -> Document:
    """Read an article that will not be asked for again."""
    whole, bare = title, _OUTLET.sub("", title)
    is_roundup = ROUNDUP.search(title) is not None or len(_SEPARATORS.findall(title)) >= 2
    title = bare if len(bare) >= 12 else title
    outlet = () if bare == whole else tuple(token[:_STEM_CHARS] for token in tokens(whole[len(bare) :]))
    body = (summary if len(summary) >= 80 else f"{summary} {text[:LEAD_CHARS]}")[: LEAD_CHARS * 2]
    cased = _is_sentence_case(title)
    short = frozenset(word.lower() for word in _ABBREVIATION.findall(f"{title} {body}"))
    names = frozenset(_names(title, short) if cased else ()) | frozenset(_names(body, short))
    headline = normalized(title)
    title_tokens, body_tokens = tokens_of(headline), tokens(body)
    title_stems, body_stems = tuple(_stems(title_tokens, short)), _stems(body_tokens, short)
    counts = _counted(title_stems, body_stems)
    return Document(
        language=_language(f"{title} {body}", (*title_tokens, *body_tokens), language),
        headline=headline,
        title=title_stems,
        body=frozenset(body_stems),
        words=frozenset(counts),
        stems=tuple([(stem, _ROOTS[count] * _weight(stem, names)) for stem, count in sorted(counts.items())]),
        names=names,
        numbers=frozenset(_that_count(counts)),
        title_numbers=frozenset(_that_count(title_stems)),
        cased=cased,
        is_roundup=is_roundup,
        # News search engines repeat the headline and the outlet's name where others write a summary.
        is_bare=len(set(body_stems).difference(title_stems, outlet)) <= _SAYS_NOTHING_MORE,
        title_weights=tuple([(stem, _weight(stem, names)) for stem in sorted(set(title_stems))]),
        marks=tuple([stem for stem in body_stems if stem in names or stem[0].isdigit()]),
        told=tuple(body_stems[:TOLD]),
        sketch=_sketch(_copied_words(summary, text) if text else body_tokens),
        shown=title,
        capitals=frozenset([stem_of(word.lower()) for word in _CAPITALISED.findall(title)]),
    )


def _counted(title: Sequence[str], body: Sequence[str]) -> dict[str, int]:
    counts = dict.fromkeys(title, TITLE_WEIGHT)
    for stem, times in Counter(body).items():
        counts[stem] = min(counts.get(stem, 0) + times, _MOST)
    return counts


def _that_count(stems: Iterable[str]) -> list[str]:
    return [stem for stem in stems if stem[0].isdigit()]


def _language(text: str, words: tuple[str, ...], hint: str) -> str:
    """The language of an article. The commonest is told without the model, which costs more than all the rest."""
    if not hint and not _FOREIGN.search(text) and len(_ENGLISH.intersection(words)) >= _TELLING_WORDS:
        return "en"
    return language_of(text if hint else text[:_LANGUAGE_CHARS], hint)


def contained(one: Document, other: Document) -> float:
    """Estimate how much of the shorter text stands in the longer one word for word: 0..1; 0 for very short texts."""
    a, b = one.sketch, other.sketch
    if not a or not b:
        return 0.0
    # Below the smaller of the two largest kept hashes nothing of either text was left out.
    limit = min(a[-1] if len(a) == SKETCH_SIZE else _ALL, b[-1] if len(b) == SKETCH_SIZE else _ALL)
    left, right = {value for value in a if value <= limit}, {value for value in b if value <= limit}
    least = min(len(left), len(right))
    return len(left & right) / least if least >= _LEAST_SHINGLES else 0.0


def _copied_words(summary: str, text: str) -> tuple[str, ...]:
    whole = text if summary and text.startswith(summary[:_SAME_START]) else f"{summary} {text}"
    return tokens(whole[:COPY_CHARS])


def _sketch(words: tuple[str, ...]) -> tuple[int, ...]:
    # Not Python's own hash: which shingles are kept must not change from run to run.
    hashes = set(map(zlib.crc32, _shingles([word.encode() for word in words])))
    return tuple(sorted(hashes)[:SKETCH_SIZE]) if len(hashes) >= _LEAST_SHINGLES else ()


def _shingles(words: Sequence[bytes]) -> Iterator[bytes]:
    return map(b" ".join, zip(words, words[1:], words[2:], strict=False))


def vector(document: Document, frequency: Mapping[str, int], total: float) -> dict[str, float]:
    """Weigh the stems by how rare they are and scale them to length one.

    `frequency`: in how many articles a stem stands, of `total` (smoothed).
    """
    log, count = math.log, frequency.get
    weighed = [weight * log(1.0 + total / (count(stem, 0) + 1.0)) for stem, weight in document.stems]
    length = math.sqrt(sum([weight * weight for weight in weighed]))
    return {stem: weight / length for (stem, _), weight in zip(document.stems, weighed, strict=True)} if length else {}


def is_bigram(stem: str) -> bool:
    """Say whether a stem is a piece of writing without spaces."""
    return len(stem) <= 2 and unicodedata.category(stem[0]) == "Lo" and not "\u0590" <= stem[0] <= "\u0dff"


def _weight(stem: str, names: frozenset[str]) -> float:
    return NAME_WEIGHT if stem in names else _usual_weight(stem)


@functools.lru_cache(maxsize=65_536)
def _usual_weight(stem: str) -> float:
    if stem[0].isdigit():
        return NUMBER_WEIGHT
    return BIGRAM_WEIGHT if is_bigram(stem) else 1.0


def _stems(words: Sequence[str], short: frozenset[str]) -> list[str]:
    if short:
        return [stem for token in words if (stem := _stem(token, short))]
    return [stem for token in words if (stem := _usual_stem(token))]


def _stem(token: str, short: frozenset[str]) -> str:
    """The part of a token that is compared, "" for one that says nothing. `short`: abbreviations of two letters."""
    return token if token in short and len(token) == 2 else _usual_stem(token)


@functools.lru_cache(maxsize=65_536)
def _usual_stem(token: str) -> str:
    if token[0].isdigit():
        return token
    if is_bigram(token):
        return token if len(token) == 2 else ""
    if len(token) < 3 or token in FUNCTION_WORDS:
        return ""
    if token.startswith("ال") and len(token) > 4:
        token = token[2:]
    return token[:_STEM_CHARS]


def stem_of(token: str) -> str:
    """Cut a token as the stems of a document are cut, abbreviations of two letters kept."""
    return _stem(token, frozenset((token,)))


def _is_sentence_case(title: str) -> bool:
    """Say whether capitals mean something in `title`: not in Title Case, CAPITALS or scripts without case."""
    words = [word for word in _WORD.findall(title)[1:] if len(word) > 3]
    lower = sum(1 for word in words if word[0].islower())
    return bool(words) and lower * 5 >= len(words) * 2


def _names(text: str, short: frozenset[str]) -> list[str]:
    """The stems of words that begin with a capital inside a sentence, and of abbreviations."""
    found: list[str] = []
    for match in _CAPITALISED.finditer(text):
        word = match.group()
        is_abbreviation = len(word) > 1 and word.isupper()
        if not is_abbreviation and _SENTENCE_START.search(text, max(0, match.start() - 4), match.start()):
            continue
        parts = (word.lower(),) if word.isascii() and word.isalpha() else tokens(word)
        found.extend(stem for part in parts if (stem := _stem(part, short)))
    return found
