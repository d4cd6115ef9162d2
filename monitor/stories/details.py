"""What of a text can be compared with a text in another language: how its names sound, numbers, what is done, states.

Pure. Decides nothing about stories: `stories.crosslingual` does.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

from monitor.scripts import script_of
from monitor.stories import likeness, numbers, sounds
from monitor.stories.gazetteer.finding import found
from monitor.stories.gazetteer.tables import Kind
from monitor.stories.gazetteer.texts import Prepared, prepared
from monitor.text import language_of

MAX_CHARS = 700
LEAST_SOUND = 3
"""Consonants from which a sound is kept at all."""
LEAST_LETTERS = 4
"""Letters from which a word that two languages spell alike is kept, whatever it sounds like: "Ojeda"."""
_LONGEST_SOUND = 12
_PAIR_KEYS = 8
_DENSE_CHARS = 9
_CHINESE_NAME_CHARS = 4

# "Seo-yun" is one word, "al-Ghamdi" and "Vidal-Quadras" are two.
_LETTER_WORD = re.compile(r"[^\W\d_]+(?:['’ʼ`][^\W\d_]+|(?<=[a-z]{2})-(?=[a-z]{2,5}\b)[^\W\d_]+)*")
_SUFFIX = re.compile(r"['’ʼ`]\w+$")
_SUFFIXED = frozenset(("tr", "az", "uz", "fi", "en"))
_LATIN_WORD = re.compile(r"[A-Za-z]{3,}")
_NAME_DOTS = "·・•‧"
_DENSE = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
_PARTICLES = frozenset("al el bin ibn ben von van der de da di le la bint abu ould".split())
_PLACES = (Kind.STATE, Kind.NAME, Kind.CITY)
# Named in stories of all kinds, so that sharing them says nothing.
WIDELY_NAMED = frozenset(
    (
        "Youtube Facebook Telegram Twitter Whatsapp Instagram Tiktok Google Signal Iphone Android Internet TATP "
        "Reuters Interpol Europol Amnesty Bloomberg Guardian Times Post News Daily Watch House The "
        "Putin Kremlin Navalny Gülen Kadyrov Lukashenko Erdogan Khamenei Trump Biden Macron Starmer Merz Scholz "
        "Zelensky Modi Maduro Ortega Kagame Museveni Salman Sisi "
        "Путин Путина Кремль Навальный Навального Кадыров Кадырова Лукашенко Эрдоган Трамп Телеграм Ютуб "
        "January Januar February Februar March März April June Juni July Juli August September October Oktober "
        "November December Dezember "
        "Monday Montag Tuesday Dienstag Wednesday Mittwoch Thursday Donnerstag Friday Freitag Saturday Samstag "
        "Sunday Sonntag "
        "President Präsident Minister Ministry Ministerium Police Polizei Group Gruppe Groupe Court "
        "Chamber Cámara Câmara Camera Senate Senado Senato Senat Sénat Сенат Сенату Congress Congreso Congresso "
        "Parliament Parlament Parlement Parlamento Parlamentu Bundestag Sejm Сейм Duma Дума Magnitsky Магнитского "
        "Security Sicherheit Interior Conseil Council Consejo Conselho "
        "Vladimir Vladímir Wladimir Владимир Владимира"
    )
    .casefold()
    .split()
)
_CITY_STATES = frozenset(("HK", "MO", "SG", "MC", "VA"))
_NO_NAMES = (Kind.CONCEPT, Kind.AGENCY)
_OUTLET = re.compile(r"\s+[-–—|｜]\s+[^-–—|｜]{2,40}$|[｜|_][^｜|_]{2,20}$")
_SHORTEST_TITLE = 12
_CASED_SCRIPTS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN")


class Writing(StrEnum):
    """How names stand out in a text: by capitals, only as words, or not even as words."""

    CASED = "cased"
    SPACED = "spaced"
    DENSE = "dense"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sounding:
    """A name, or a word that may be one. `words` stand in the text; `first` and `last` are the numbers of its tokens.

    `run`: number of the run of capitalised words it belongs to, -1 where capitals tell nothing; `of_run`: words in that
    run. `is_place`: it is the name of a state, its people or a city. `is_word`: the lexicon knows it for
    another word ("زهر", poison, in "زهرا", Zahra).
    """

    words: str
    first: int
    last: int
    writing: Writing
    run: int = -1
    of_run: int = 0
    is_place: bool = False
    is_city: bool = False
    is_word: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """One text as it is compared across languages. `sounds` maps consonants to the words that sound so."""

    language: str
    writing: Writing
    sounds: dict[str, Sounding]
    numbers: frozenset[str]
    deeds: frozenset[str]
    organisations: frozenset[str]
    states: frozenset[str]
    is_roundup: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Word:
    text: str
    start: int
    stop: int
    is_name: bool
    is_place: bool
    is_city: bool
    is_word: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A stretch of the original text that the gazetteer knows."""

    kind: Kind
    value: str
    states: tuple[str, ...]
    start: int
    stop: int

    @property
    def is_place(self) -> bool:
        return self.kind in _PLACES


@functools.lru_cache(maxsize=8_192)
def read(title: str, summary: str, language: str) -> Details:
    """Read a text. Remembers the last 8,192."""
    title = _bare_title(title)
    summary = summary[: max(0, MAX_CHARS - len(title))]
    whole = prepared(title[:MAX_CHARS], summary)
    original = whole.original
    language = language_of(original, language)
    known = _known(whole)
    dense = len(_DENSE.findall(original))
    if dense * 3 >= sum(map(str.isalpha, original)):
        writing, heard = Writing.DENSE, _dense_sounds(original, known)
    else:
        writing = Writing.CASED if _is_cased(original) else Writing.SPACED
        heard = _word_sounds(original, title, known, writing, language)
    return Details(
        language=language,
        writing=writing,
        sounds=heard,
        numbers=numbers.read(original, language),
        deeds=frozenset(one.value for one in known if one.kind is Kind.CONCEPT),
        organisations=frozenset(one.value for one in known if one.kind is Kind.AGENCY),
        states=frozenset(state for one in known if one.is_place or one.kind is Kind.AGENCY for state in one.states),
        is_roundup=likeness.read(title, "", "", language).is_roundup,
    )


def _bare_title(title: str) -> str:
    bare = _OUTLET.sub("", title)
    return bare if len(bare) >= _SHORTEST_TITLE else title


def _known(whole: Prepared) -> list[_Known]:
    findings = found(whole)
    rows = []
    for one in (*findings.named, *findings.concepts):
        stop = one.stop if one.kind is Kind.CONCEPT else one.end
        if whole.offsets:
            span = whole.offsets[one.start], whole.offsets[stop - 1] + 1
        else:
            span = max(0, one.start - 1), max(0, stop - 1)
        rows.append(_Known(kind=one.kind, value=one.value, states=one.states, start=span[0], stop=span[1]))
    return rows


def _is_cased(text: str) -> bool:
    first = next((char for char in text if char.isalpha()), "")
    return script_of(first) in _CASED_SCRIPTS if first else False


# ── names ─────────────────────────────────────────────────────────────────────────────────────────


def _word_sounds(
    original: str, title: str, known: list[_Known], writing: Writing, language: str
) -> dict[str, Sounding]:
    """Sounds of single words and of two words in a row, where they may be names."""
    words = list(_words(original, known))
    title_tells = writing is Writing.CASED and _tells_names(title)
    heard: dict[str, Sounding] = {}
    for number, run in enumerate(_runs(original, words, writing)):
        tells = writing is Writing.CASED and (title_tells or words[run[0]].start > len(title))
        names = [at for at in run if len(words[at].text) > 1 and not _is_particle(words[at].text)]
        common = functools.partial(Sounding, writing=writing, run=number if tells else -1, of_run=len(names))
        for at in names:
            word = words[at]
            sounding = replace(
                common(words=word.text, first=at, last=at),
                is_place=word.is_place,
                is_city=word.is_city,
                is_word=word.is_word,
            )
            for key in _keys(word.text, language):
                heard.setdefault(key, sounding)
        for one, other in pairwise(names):
            places = words[one].is_place + words[other].is_place
            if places < (1 if writing is Writing.SPACED else 2):
                is_word = words[one].is_word and words[other].is_word
                stretch = original[words[one].start : words[other].stop]
                both = common(words=stretch, first=one, last=other, is_word=is_word)
                for key in _joined(words[one].text, words[other].text, language):
                    heard.setdefault(key, both)
    return heard


def _keys(word: str, language: str) -> list[str]:
    if language in _SUFFIXED:
        word = _SUFFIX.sub("", word)  # "Ankara'da"
    found = [key for key in sounds.keys(word, language) if _is_kept(key)]
    bare = _bare(word)
    return [*found, f"={bare}"] if bare.isascii() and len(bare) >= LEAST_LETTERS else found


def _is_kept(key: str) -> bool:
    return LEAST_SOUND <= len(key) <= _LONGEST_SOUND


def _joined(one: str, other: str, language: str) -> list[str]:
    """Keys of a name of two words, in both orders: some languages put the family name first."""
    if language in _SUFFIXED:
        one, other = _SUFFIX.sub("", one), _SUFFIX.sub("", other)
    left, right = sounds.keys(one, language)[:3], sounds.keys(other, language)[:3]
    keys = [a + b for a in left for b in right]
    keys += [a + b[1:] for a in left for b in right if a[-1:] == b[:1]]  # "Abdul Rahman" is "Abdurrahman"
    keys = keys[:_PAIR_KEYS]
    found = [key for key in (*keys, *(b + a for a in left[:1] for b in right[:1])) if _is_kept(key)]
    bare = _bare(one + other).replace("-", "")
    return [*found, f"={bare}"] if bare.isascii() and bare.isalpha() else found


def _words(original: str, known: list[_Known]) -> Iterator[_Word]:
    """The words of a text; those the lexicon knows are no names, those of states are places."""
    for match in _LETTER_WORD.finditer(original):
        start, stop = match.span()
        covering = [
            one
            for one in known
            if one.start < stop and start < one.stop and (one.stop - one.start) * 3 >= (stop - start) * 2
        ]
        yield _Word(
            text=match.group(),
            start=start,
            stop=stop,
            is_name=match.group().casefold() not in WIDELY_NAMED
            and not any(one.kind is Kind.AGENCY for one in covering),
            # Somebody the gazetteer knows by name stands there for a state too.
            is_place=any(one.is_place for one in covering) and not any(one.kind is Kind.PERSON for one in covering),
            is_city=any(one.kind is Kind.CITY and one.value not in _CITY_STATES for one in covering),
            is_word=any(one.kind is Kind.CONCEPT for one in covering),
        )


def _runs(original: str, words: list[_Word], writing: Writing) -> Iterator[list[int]]:
    """Numbers of words that may make a name together: capitalised ones with nothing but a space or hyphen between."""
    run: list[int] = []
    for at, word in enumerate(words):
        between = original[words[at - 1].stop : word.start] if at else ""
        if run and (run[-1] != at - 1 or between.strip("-‐‑ \u00a0\u200c")):
            yield run
            run = []
        is_capital = word.text[0].isupper() or (bool(run) and _is_particle(word.text))
        if word.is_name and (writing is Writing.SPACED or is_capital):
            run.append(at)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _is_particle(word: str) -> bool:
    return len(word) <= 5 and _bare(word) in _PARTICLES


def _bare(word: str) -> str:
    decomposed = unicodedata.normalize("NFD", word.casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def _tells_names(title: str) -> bool:
    """Say whether capitals mean something in a headline: not every long word has one."""
    words = [word for word in _LETTER_WORD.findall(title)[1:] if len(word) > 3]
    return sum(1 for word in words if word[0].islower()) * 4 >= len(words)


def _dense_sounds(original: str, known: list[_Known]) -> dict[str, Sounding]:
    """Sounds of every stretch of characters that can be read and that the gazetteer knows no word in."""
    taken, places, cities = (
        {at for one in known if one.kind in kinds for at in range(one.start, one.stop)}
        for kinds in (_NO_NAMES, _PLACES, (Kind.CITY,))
    )
    text = sounds.simplified(original)
    heard: dict[str, Sounding] = {}
    for start in range(len(text)):
        for stop, key in _stretches(text, start, taken):
            stretch = range(start, stop)
            sounding = Sounding(
                words=original[start:stop],
                first=start,
                last=stop - 1,
                writing=Writing.DENSE,
                is_place=places.issuperset(stretch),
                is_city=cities.issuperset(stretch),
            )
            heard.setdefault(key, sounding)
        for stop, spelled in _spelled(text, start, taken):
            sounding = Sounding(words=original[start:stop], first=start, last=stop - 1, writing=Writing.DENSE)
            heard.setdefault(f"={spelled}", sounding)
    for word in _LATIN_WORD.finditer(original):
        sounding = Sounding(words=word.group(), first=word.start(), last=word.end() - 1, writing=Writing.CASED)
        for key in _keys(word.group(), ""):
            heard.setdefault(key, sounding)
    return heard


def _stretches(text: str, start: int, taken: set[int]) -> Iterator[tuple[int, str]]:
    """(end, consonants) of the stretches of characters from `start` on that can be read."""
    if start in taken or not any(sounds.character(text[start])):
        return
    begun = [""]
    for at in range(start, min(len(text), start + _DENSE_CHARS)):
        if text[at] in _NAME_DOTS:
            continue
        readings = sounds.character(text[at])
        if not readings or at in taken:
            return
        begun = [key + reading for key in begun for reading in readings][:_PAIR_KEYS]
        yield from ((at + 1, key) for key in begun if _is_kept(key))


def _spelled(text: str, start: int, taken: set[int]) -> Iterator[tuple[int, str]]:
    """(end, Latin letters) of what may be a Chinese name: two to four characters from `start` on."""
    begun = [""]
    for at in range(start, min(len(text), start + _CHINESE_NAME_CHARS)):
        readings = sounds.syllables(text[at])
        if not readings or at in taken:
            return
        begun = [letters + reading for letters in begun for reading in readings][:_PAIR_KEYS]
        if at > start:
            yield from ((at + 1, letters) for letters in begun if len(letters) >= LEAST_LETTERS)
