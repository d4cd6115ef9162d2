"""The frame of a digest in a reader's language: its own words, numbers, days, names of states and languages.

Pure but for tables that are read once: the phrases of `frames/` (one file a language, a key and a phrase a line) and
CLDR's names. What a digest tells of, headlines above all, stays in its own language and is no business of this module.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from monitor import compose
from monitor.model import DIGEST_LANGUAGES

if TYPE_CHECKING:
    from babel import Locale

ENGLISH = "en"
_FOLDER = Path(__file__).with_name("frames")
_RIGHT_TO_LEFT = frozenset({"ar", "fa"})
_TRADITIONAL = frozenset({"tw", "hk", "mo", "hant"})
_COMMAS = {"zh-Hans": "、", "zh-Hant": "、", "ar": "، ", "fa": "، "}
ISOLATE, END_ISOLATE = "\u2068", "\u2069"


def language_for(tag: str) -> str:
    """Choose the language of `DIGEST_LANGUAGES` that a BCP 47 tag means, English where none fits."""
    parts = tag.lower().replace("_", "-").split("-")
    if parts[0] == "zh":
        return "zh-Hant" if _TRADITIONAL.intersection(parts[1:]) else "zh-Hans"
    return parts[0] if parts[0] in DIGEST_LANGUAGES else ENGLISH


@dataclass(frozen=True, slots=True)
class Frame:
    """What a digest says for itself in one of `DIGEST_LANGUAGES`."""

    language: str = ENGLISH

    @property
    def direction(self) -> str:
        """Its direction as HTML has it: "ltr" or "rtl"."""
        return "rtl" if self.language in _RIGHT_TO_LEFT else "ltr"

    def say(self, key: str, **values: object) -> str:
        """Give a phrase with its gaps filled; `n` is a number, and one of something has a form of its own."""
        phrases = _phrases(self.language)
        one = f"{key}.one" if values.get("n") == 1 and f"{key}.one" in phrases else key
        shown = {name: self.number(value) if isinstance(value, int) else value for name, value in values.items()}
        return phrases[one].format(**shown)

    def stage(self, stage: str) -> str:
        """Name a `Stage`; what is none stands for itself."""
        return _phrases(self.language).get(f"stage.{stage}", stage)

    def number(self, number: int) -> str:
        """Write a whole number."""
        if self.language == ENGLISH:
            return f"{number:,}"
        from babel.numbers import format_decimal  # noqa: PLC0415 - slow to import

        return str(format_decimal(number, locale=_locale(self.language)))

    def day(self, day: date) -> str:
        """Write a day: "4 Mar 2027"."""
        if self.language == ENGLISH:
            return f"{day.day} {day:%b %Y}"
        from babel.dates import format_skeleton  # noqa: PLC0415 - slow to import

        return str(format_skeleton("yMMMd", day, locale=_locale(self.language)))

    def short_day(self, day: date) -> str:
        """Write a day of a known year: "4 Mar"."""
        if self.language == ENGLISH:
            return f"{day.day} {day:%b}"
        from babel.dates import format_skeleton  # noqa: PLC0415 - slow to import

        return str(format_skeleton("MMMd", day, locale=_locale(self.language)))

    def moment(self, at: datetime, tz: ZoneInfo) -> str:
        """Write a moment: "11 Feb 2026 09:14 CET"."""
        english = compose.moment(at, tz)
        if self.language == ENGLISH:
            return english
        local, clock = at.astimezone(tz), english.split(" ", 3)[3]
        return f"{self.day(local.date())} {self.isolated(clock)}"

    def span(self, first: date, last: date) -> str:
        """Write two days and what lies between them: "16-22 Nov 2026"."""
        if self.language != ENGLISH:
            from babel.dates import format_interval  # noqa: PLC0415 - slow to import

            return str(format_interval(first, last, "yMMMd", locale=_locale(self.language)))
        if first.year != last.year:
            return f"{self.day(first)} – {self.day(last)}"
        return (
            f"{self.short_day(first)} – {self.day(last)}"
            if first.month != last.month
            else (f"{first.day}–{self.day(last)}")
        )

    def length(self, span: timedelta) -> str:
        """Write how long something took, in its largest unit: "6 hours"."""
        from babel.dates import format_timedelta  # noqa: PLC0415 - slow to import

        return str(format_timedelta(span, granularity="minute", threshold=1.0, locale=_locale(self.language)))

    def state(self, code: str) -> str:
        """Name a state by its ISO 3166 code; an unknown one stands for itself."""
        return _phrases(self.language).get(code) or _locale(self.language).territories.get(code) or code

    def tongue(self, tag: str) -> str:
        """Name a language by its BCP 47 tag."""
        english = compose.language_name(tag)
        if self.language == ENGLISH:
            return english
        base = tag.replace("_", "-").partition("-")[0].lower()
        return _locale(self.language).languages.get(base) or english

    def is_own(self, tag: str) -> bool:
        """Say whether a text in that language needs no word on its language."""
        return tag.lower().replace("_", "-").partition("-")[0] == self.language.partition("-")[0]

    def listed(self, names: Sequence[str]) -> str:
        """Write several names after each other."""
        return _COMMAS.get(self.language, ", ").join(names)

    def upper(self, text: str) -> str:
        """Write a heading in capitals, for forms that know no other mark."""
        return (text.replace("i", "İ") if self.language == "tr" else text).upper()

    def isolated(self, text: str) -> str:
        """Keep a stranger's text from reordering ours."""
        if self.direction == "rtl" and text:
            return f"{ISOLATE}{text}{END_ISOLATE}"
        return compose.isolated(text)


@functools.cache
def _phrases(language: str) -> dict[str, str]:
    lines = (_FOLDER / f"{language}.tsv").read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t") for line in lines)


@functools.cache
def _locale(language: str) -> Locale:
    from babel import Locale  # noqa: PLC0415 - reads locale files

    return Locale.parse(language.replace("-", "_"))
