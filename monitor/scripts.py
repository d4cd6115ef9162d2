"""Which script and which language a text is written in, and which letters pass for Latin ones.

Pure; the language model is loaded only for Latin-script text that comes without a believable hint.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections import Counter

_LOOKALIKES = str.maketrans(
    "аеорсухіјѕԁһӏԛԝвкмнтгпзαορτυνκχγηωιεβμ",
    "aeopcyxijsdhlqwbkmhtrn3aoptuvkxynwiebu",
)
LATIN_LOOKALIKES = frozenset(map(chr, _LOOKALIKES)) - frozenset("вмнтгпзβμωηκ")
_LATIN_LETTER = re.compile(r"[a-z]")
_CYRILLIC_OR_GREEK = re.compile("[\u0370-\u03ff\u0400-\u052f]")
_WORD_OF_LETTERS = re.compile(r"[^\W\d_]+")


@functools.lru_cache(maxsize=8_192)
def script_of(char: str) -> str:
    """Name the script of one character as Unicode names it ("LATIN"); "" for an unnamed one."""
    return unicodedata.name(char, "").partition(" ")[0].partition("-")[0]


def scripts_of(label: str) -> frozenset[str]:
    """Name the scripts of the letters in `label`."""
    return frozenset(script_of(char) for char in label if char.isalpha())


def unmixed(text: str) -> str:
    """Make look-alike letters Latin in words that mix Latin with Cyrillic or Greek. Takes casefolded text."""
    if not (_LATIN_LETTER.search(text) and _CYRILLIC_OR_GREEK.search(text)):
        return text
    return _WORD_OF_LETTERS.sub(_unmixed_word, text)


def _unmixed_word(match: re.Match[str]) -> str:
    word = match.group()
    mixed = _LATIN_LETTER.search(word) and _CYRILLIC_OR_GREEK.search(word)
    return word.translate(_LOOKALIKES) if mixed else word


_SCRIPT_LANGUAGES = {
    "HANGUL": "ko", "HIRAGANA": "ja", "KATAKANA": "ja", "THAI": "th", "LAO": "lo", "KHMER": "km",
    "MYANMAR": "my",
    "GREEK": "el", "HEBREW": "he", "ARMENIAN": "hy", "GEORGIAN": "ka", "TIBETAN": "bo", "CJK": "zh",
    "ETHIOPIC": "am", "TAMIL": "ta", "TELUGU": "te", "KANNADA": "kn", "MALAYALAM": "ml", "GUJARATI": "gu",
    "GURMUKHI": "pa", "SINHALA": "si", "BENGALI": "bn", "MONGOLIAN": "mn",
}  # fmt: skip
# Scripts of several languages: letters that only some of them write decide, in this order; the last is the
# commonest.
_SHARED_SCRIPTS = {
    "ARABIC": (
        ("ug", "ۇۈې"), ("ckb", "ڕڵێ"), ("ps", "ټډړښځڼ"), ("ur", "ٹڈڑںے"), ("fa", "پچژگکی"), ("ar", ""),
    ),
    "CYRILLIC": (
        ("kk", "әқғұ"), ("sr", "јњљћђџ"), ("be", "ў"), ("uk", "іїєґ"), ("ru", "ыэё"), ("bg", "ъ"), ("ru", ""),
    ),
    "DEVANAGARI": (("hi", ""),),
}  # fmt: skip
_WRITTEN_IN = {
    "ARABIC": frozenset(("ar", "fa", "ur", "ug", "ps", "ku", "ckb", "sd")),
    "CYRILLIC": frozenset(("ru", "uk", "be", "bg", "sr", "mk", "kk", "ky", "tg", "mn", "tt", "uz", "ce", "os")),
    "DEVANAGARI": frozenset(("hi", "mr", "ne", "sa")),
}
_NOT_LATIN = frozenset(_SCRIPT_LANGUAGES.values()).union(*_WRITTEN_IN.values()) - {"ku", "sr", "uz"}
_HEAD_CHARS = 400
_SCRIPT_CHARS = 160


def language_of(text: str, hint: str = "") -> str:
    """Name the language of `text` by its ISO 639 code; "" where nobody can tell.

    `hint` is what the feed says. It is believed unless the script speaks against it: many feeds say "en-us"
    whatever they carry.
    """
    base = hint.replace("_", "-").partition("-")[0].lower()
    letters = "".join(filter(str.isalpha, text[:_SCRIPT_CHARS]))
    script = "LATIN" if letters and letters.isascii() else _main_script(letters)
    if not script:
        return base
    if script in _SCRIPT_LANGUAGES:
        return _SCRIPT_LANGUAGES[script]
    if script in _SHARED_SCRIPTS:
        return base if base in _WRITTEN_IN[script] else _by_letters(script, letters)
    return base if base and base not in _NOT_LATIN else _detected(text[:_HEAD_CHARS])


def _main_script(letters: str) -> str:
    """The script of most letters; a tenth of kana make it Japanese, a tenth of Hangul Korean."""
    counts: dict[str, int] = {}
    for char, times in Counter(letters).items():
        script = script_of(char)
        counts[script] = counts.get(script, 0) + times
    for script in ("HIRAGANA", "KATAKANA", "HANGUL"):
        if counts.get(script, 0) * 10 >= max(1, len(letters)):
            return script
    return max(counts, key=lambda script: (counts[script], script), default="")


def _by_letters(script: str, letters: str) -> str:
    seen = frozenset(letters.lower())
    return next(code for code, own in _SHARED_SCRIPTS[script] if not own or not seen.isdisjoint(own))


def _detected(text: str) -> str:
    import py3langid  # noqa: PLC0415 - a model of some megabytes, only where a feed names no language

    code: str = py3langid.classify(text)[0]
    return code
