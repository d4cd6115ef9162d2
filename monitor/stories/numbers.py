"""Numbers of a text, whatever they are written with: "30,000", "30.000", "3万", "٣٠" and "thirty" are comparable.

Pure but for one table of number words, read when a text is first read. Vietnamese five is also "year" and Farsi nine
also "no": a number of one digit proves little, and whoever compares has to weigh it so.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator
from importlib import resources

_LETTER_WORD = re.compile(r"[^\W\d_]+(?:['’ʼ`][^\W\d_]+)*")
_NUMBER = re.compile(r"\d+(?:[.,'’ \u00a0\u202f]\d{3})+(?!\d)|\d+(?:[.,]\d+)?")
_HANZI_NUMBER = re.compile(r"[〇零一二三四五六七八九十百千万萬億亿兩两廿卅]+|(?<=\d)[万萬億亿千百]")
_HANZI_DIGITS = {char: value for value, char in enumerate("〇一二三四五六七八九")} | {"零": 0, "两": 2, "兩": 2}
_HANZI_UNITS = {"十": 10, "百": 100, "千": 1_000, "万": 10_000, "萬": 10_000, "亿": 100_000_000, "億": 100_000_000}
_MILLIONS = re.compile(
    r"^\s?(?:million|millones|milhões|milion|miljoen|miljoner|млн|миллион|мільйон|مليون|میلیون|milyon|juta|triệu)",
    re.IGNORECASE,
)


def read(original: str, language: str) -> frozenset[str]:
    """Give the numbers of a text as plain digits; years, nought and one are left out. `language`: ISO 639 code."""
    return frozenset(_numbers(original, language))


def _numbers(original: str, language: str) -> Iterator[str]:
    text = unicodedata.normalize("NFKC", original)
    for match in _NUMBER.finditer(text):
        digits = re.sub(r"[.,'’ \u00a0\u202f](?=\d{3}(?:\D|$))", "", match.group())
        if _MILLIONS.match(text[match.end() : match.end() + 12]):
            digits = _scaled(digits, 1_000_000)
        unit = text[match.end() : match.end() + 1]
        digits = _scaled(digits, _HANZI_UNITS[unit]) if unit in _HANZI_UNITS else digits
        # str(int()) also turns the digits of other scripts into 0-9.
        plain = str(int(digits)) if digits.isdigit() else digits
        if plain not in ("0", "1") and not (len(plain) == 4 and plain[:2] in ("19", "20")):
            yield plain
    for match in _HANZI_NUMBER.finditer(text):
        value = _hanzi(match.group())
        if value > 1 and not text[max(0, match.start() - 1) : match.start()].isdigit():
            yield str(value)
    words = _numerals().get(language, {})
    for match in _LETTER_WORD.finditer(original.casefold()):
        if match.group() in words:
            yield words[match.group()]


def _scaled(digits: str, unit: int) -> str:
    return str(round(float(digits.replace(",", ".")) * unit))


def _hanzi(text: str) -> int:
    """Read a Chinese number; 0 for what is none, like a lone unit."""
    text = text.replace("廿", "二十").replace("卅", "三十")
    if all(char in _HANZI_DIGITS for char in text):
        return int("".join(str(_HANZI_DIGITS[char]) for char in text)) if len(text) < 9 else 0
    total, section, digit = 0, 0, -1
    for char in text:
        if char in _HANZI_DIGITS:
            digit = _HANZI_DIGITS[char]
            continue
        unit = _HANZI_UNITS[char]
        if digit < 0 and unit > 10 and not section:
            return 0
        if unit >= 10_000:
            total, section = (total + section + max(digit, 0)) * unit, 0
        else:
            section += (digit if digit >= 0 else 1) * unit
        digit = -1
    return total + section + max(digit, 0)


@functools.cache
def _numerals() -> dict[str, dict[str, str]]:
    table = (resources.files("monitor.stories") / "numerals.tsv").read_text(encoding="utf-8")
    found: dict[str, dict[str, str]] = {}
    for line in table.splitlines():
        if line and not line.startswith("#"):
            language, number, words = line.split("\t")
            found.setdefault(language, {}).update(dict.fromkeys(words.split(), number))
    return found
