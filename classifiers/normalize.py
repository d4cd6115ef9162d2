"""One spelling for what reads the same: what a text is before features are taken from it.

Adversaries dodge filters with look-alike letters, invisible characters and odd spacing; writers spell one word in
several ways (accents, Traditional and Simplified characters, Arabic letter variants). Both are folded here, in
training and in scoring alike. The result is for matching only and is never shown to a person.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from importlib import resources

MAX_CHARS = 20_000
"""Text behind this is not read: character n-grams of megabytes would stall a poll."""

# Letters of other scripts that read as Latin ones; applied only inside a word that mixes scripts.
_LOOKALIKES = str.maketrans(
    "аеорсухіјѕԁһӏԛԝвкмнтзбгιαοερτυνκχγηωσμβ",
    "aeopcyxijsdhlqwbkmht3brlaoeptuvkxynwomb",
)
_MARK_FREE = ("LATIN", "GREEK", "CYRILLIC", "ARABIC", "HEBREW", "COMBINING")
_ARABIC = {
    "ي": "ی", "ى": "ی", "ئ": "ی", "ك": "ک", "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا",
    "ة": "ه", "ۀ": "ه", "ؤ": "و", "ـ": None,
}  # fmt: skip
_MIXED_WORD = re.compile(r"[^\W\d_]+")
_LATIN = re.compile(r"[a-z]")
_CYRILLIC_GREEK = re.compile(r"[Ͱ-ӿԀ-ԯ]")


class _Folds(dict[int, "int | str | None"]):
    """A translation table filled as characters are met: one dictionary look-up a character afterwards."""

    def __missing__(self, codepoint: int) -> int | str | None:
        folded = self[codepoint] = _fold(chr(codepoint))
        return folded


def _fold(char: str) -> int | str | None:
    if char in "\n\t\r":
        return " "
    if char in _ARABIC:
        return _ARABIC[char]
    category = unicodedata.category(char)
    if category in ("Cf", "Cs", "Co", "Cn"):
        return None
    if category == "Cc":
        return " "
    name = unicodedata.name(char, "")
    if category == "Mn":
        return None if name.startswith(_MARK_FREE) else char
    if name.startswith(_MARK_FREE):
        base = unicodedata.normalize("NFD", char)[0]
        return base if base != char else ord(char)
    return _simplified().get(ord(char), ord(char))


@functools.cache
def _simplified() -> dict[int, str]:
    """Traditional Chinese characters to Simplified ones, from the OpenCC tables (about 3,000 pairs)."""
    table = resources.files("opencc") / "dictionary" / "TSCharacters.txt"
    pairs = (line.split("\t") for line in table.read_text(encoding="utf-8").splitlines() if "\t" in line)
    return {ord(pair[0]): pair[1].split(" ")[0] for pair in pairs if len(pair[0]) == 1}


_FOLDS = _Folds()


def normalize(text: str) -> str:
    """Fold `text` (at most 20,000 characters of it) to its one spelling: NFKC, case, marks, variants, look-alikes."""
    text = text[:MAX_CHARS]
    if text.isascii():
        return text.lower().translate(_FOLDS) if not text.isprintable() else text.lower()
    text = unicodedata.normalize("NFKC", text).casefold().translate(_FOLDS)
    if _LATIN.search(text) and _CYRILLIC_GREEK.search(text):
        text = _MIXED_WORD.sub(_unmix, text)
    return text


def _unmix(match: re.Match[str]) -> str:
    word = match.group()
    mixed = _LATIN.search(word) and _CYRILLIC_GREEK.search(word)
    return word.translate(_LOOKALIKES) if mixed else word
