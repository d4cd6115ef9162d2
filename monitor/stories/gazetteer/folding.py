"""One key for the spellings of a name in several scripts. Pure.

Letters of Cyrillic, Greek, Arabic, Hebrew, kana and Hangul become Latin ones; of these the consonants stay, by classes
that transcriptions mix up (b and p, d and t, g, k and q, s, z, sh and ch). Names too short for that keep their vowels.
Chinese names stay as they are, in simplified letters: nothing in them says how they sound. Persons who are widely
reported stand in a table and meet in every script.
"""

from __future__ import annotations

import functools
import re
import unicodedata

from monitor.stories.gazetteer.tables import rows

_SHORTEST_SKELETON = 4
_CHINESE = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
_BREAKS = re.compile(r"[\s\-–·・.,'’\"()_]+")
_KANA_HANGUL = re.compile("[\u3041-\u30ff\uac00-\ud7a3]")
_PARTICLES = frozenset("al el ul bin ben ibn bint abu van von der de del di da la le".split())
_KOREAN_NAME = re.compile("(?<![\uac00-\ud7a3])[\uac00-\ud7a3]{2,4}(?![\uac00-\ud7a3])")
_LETTERS = {
    **dict(
        zip(
            "абвгґдеёєжзиіїйклмнопрстуўфхцчшщъыьэюяәғқңөұүһӯҳҷў",
            "a b v g g d e e e zh z i i i i k l m n o p r s t u u f h ts ch sh sh _ y _ e u a "
            "a g k n o u u h u h j u".split(),
            strict=True,
        )
    ),
    **dict(
        zip(
            "αβγδεζηθικλμνξοπρσςτυφχψω",
            "a v g d e z i t i k l m n ks o p r s s t i f h ps o".split(),
            strict=True,
        )
    ),
    **dict(
        zip(
            "ابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهیءئؤ",
            "a b p t s j ch h h d z r z zh s sh s z t z _ g f k k g l m n u h i _ i u".split(),
            strict=True,
        )
    ),
    **dict(
        zip(
            "אבגדהוזחטיכךלמםנןסעפףצץקרשת",
            "a b g d h u z h t i k k l m m n n s _ p p ts ts k r sh t".split(),
            strict=True,
        )
    ),
}
# Spellings of one sound, the longer ones first, and the class they fall into.
_SOUNDS = tuple(
    (spelling, sound)
    for sound, spellings in (
        ("ks", ["(?<=.)x"]),
        ("s", "tsch sch dzh tch dsch shch sh ch zh dj ts tz cz sz rz ss c(?=[eiy]) j z x s".split()),
        ("", ["kh"]),
        ("k", "gh qu ck g k q c".split()),
        ("t", "th dh t d".split()),
        ("b", "ph(?!$) b p".split()),
    )
    for spelling in spellings
)
_SOUND = re.compile("|".join(f"({spelling})" for spelling, _ in _SOUNDS))
_SILENT = re.compile("[aeiouyhvw_]")
_DOUBLE = re.compile(r"(.)\1+")


def folded(name: str) -> str:
    """Key of a name, under which its transcriptions meet where that can be told; "" for one without letters.

    The order of its words says nothing. Keys of different persons may agree: they are for finding, not for proof.
    """
    known = _known().get(_plain(name))
    return _key(known or name)


@functools.lru_cache(maxsize=4_096)
def _key(name: str) -> str:
    plain = _plain(name)
    if _CHINESE.search(plain):
        return plain.replace(" ", "")
    words = [_latin(word) for word in _KOREAN_NAME.sub(_apart, plain).split()]
    words = [word.removeprefix("al") if len(word) > 5 else word for word in words if word not in _PARTICLES]
    skeleton = sorted(filter(None, map(_skeleton, words)))
    if sum(map(len, skeleton)) < _SHORTEST_SKELETON:
        return " ".join(sorted(filter(None, words)))
    return " ".join(skeleton)


def _apart(match: re.Match[str]) -> str:
    """A Korean name as it is transcribed: each syllable a word."""
    return " ".join(match.group())


def _skeleton(word: str) -> str:
    sounds = _SOUND.sub(lambda match: _SOUNDS[(match.lastindex or 1) - 1][1], word)
    return _DOUBLE.sub(r"\1", _SILENT.sub("", sounds))


def _plain(name: str) -> str:
    from classifiers.normalize import normalize  # noqa: PLC0415 - loads NumPy

    return " ".join(_BREAKS.sub(" ", normalize(name)).split())


def _latin(word: str) -> str:
    return "".join(_LETTERS.get(char) or _syllable(char) for char in word)


@functools.lru_cache(maxsize=2_048)
def _syllable(char: str) -> str:
    """Kana and Hangul by the names that Unicode gives them ("KATAKANA LETTER KA", "HANGUL SYLLABLE GIM")."""
    if not _KANA_HANGUL.match(char):
        return char if char.isalnum() else ""
    sound = unicodedata.name(char, "").rpartition(" ")[2].lower()
    return "" if sound in ("mark", "dot") else sound


@functools.cache
def _known() -> dict[str, str]:
    """Spellings in the table, to the name a person is known by."""
    return {
        _plain(spelling): name
        for name, _, spellings in rows("names")
        for spelling in (name, *spellings.split(";"))
        if spelling.strip()
    }
