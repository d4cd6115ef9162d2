"""Which days to come does a text name? Pure; precision before recall: a day that is told wrongly is worse than none.

Only whole dates count: a day and a month, in the words of the text's language, or figures that can be read one way
only. What is read is never checked, and whoever shows it says so.

- A date with a year counts if it lies ahead, at most `WITH_YEAR` from publication.
- A date without one counts if it lies at most `WITHOUT_YEAR` ahead, and its sentence speaks of what is to come
  ("is set for", "will"): "on 4 March" may as well be last year's.
- 4/3/2027 is read only in languages whose writers all put the day first; English is none of them.
- "Tuesday", "next month", "in May" are left out, and so are other calendars but Iran's.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from monitor.scripts import language_of

WITH_YEAR = timedelta(days=400)
WITHOUT_YEAR = timedelta(days=120)
_AROUND = 90
_HINT = 500

# The locales of CLDR whose names of months a language uses, the genitive where it has one.
_LOCALES = {
    "en": ("en",), "es": ("es",), "fr": ("fr",), "de": ("de", "de_AT"), "pt": ("pt",), "it": ("it",), "ru": ("ru",),
    "uk": ("uk",), "be": ("be",), "pl": ("pl",), "tr": ("tr",), "nl": ("nl",), "ar": ("ar", "ar_LB", "ar_DZ", "ar_MA"),
    "fa": ("fa",), "id": ("id",), "sv": ("sv",), "cs": ("cs",), "ro": ("ro",), "az": ("az",), "kk": ("kk",),
}  # fmt: skip
_DOTTED = frozenset("de ru uk be pl tr cs ro kk az fi nb no da".split())
_SLASHED = frozenset("es fr pt it id vi ar".split())
_EAST_ASIAN = re.compile(r"(?:(\d{4})\s?年\s?)?(?<!\d)(\d{1,2})\s?月\s?(\d{1,2})\s?[日號号]")
_KOREAN = re.compile(r"(?:(\d{4})\s?년\s?)?(?<!\d)(\d{1,2})\s?월\s?(\d{1,2})\s?일")
_VIETNAMESE = re.compile(r"(?<!\d)(\d{1,2}) tháng (\d{1,2})(?: năm (\d{4}))?", re.IGNORECASE)
_SOLAR_MONTHS = "فروردین اردیبهشت خرداد تیر مرداد شهریور مهر آبان آذر دی بهمن اسفند".split()
_SOLAR = re.compile(rf"(?<!\d)(\d{{1,2}})\s({'|'.join(_SOLAR_MONTHS)})(?:\sماه)?(?:\s(?:سال\s)?(1[34]\d\d))?(?!\w)")
_SOLAR_EPOCH = 622
_ISO = re.compile(r"(?<![\d-])(\d{4})-(\d{2})-(\d{2})(?![\d-])")
_FIGURES = re.compile(r"(?<![\d./-])(\d{1,2})([./])(\d{1,2})\2(\d{4})(?![\d/-])")
_SENTENCE_END = re.compile(r"[.!?؟۔]\s|[。！？\n]")
_SENTENCE_END_DOTTED = re.compile(r"(?<!\d)[.!?]\s|\n")
"""Where "4." is the fourth, a full stop after a figure ends nothing."""

_CUES = {
    "en": r"\b(?:will|shall|set (?:for|to)|scheduled|slated|due|expected|is to|are to|to be|until|adjourned|postponed|"
    r"deadline|next hearing|plans? to|about to)\b",
    "es": r"\b(?:será|serán|está previst[oa]|previst[oa] para|programad[oa]|tendrá|comenzará|se celebrará|comparecerá|"
    r"deberá|hasta el|aplazad[oa]|fijad[oa] para)\b",
    "fr": r"\b(?:sera|seront|est prévue?|prévue? (?:le|pour)|fixée? au|aura lieu|s['’]ouvrira|débutera|doit|devra|"
    r"jusqu['’]au|reportée? au|rendu[e]? le|comparaîtra)\b",
    "de": r"\b(?:wird|werden|soll|sollen|geplant|angesetzt|erwartet|vorgesehen|beginnt|bis zum|vertagt|terminiert)\b",
    "pt": r"\b(?:será|serão|está marcad[oa]|marcad[oa] para|previst[oa] para|terá|começará|deverá|até|adiad[oa])\b",
    "it": r"\b(?:sarà|saranno|è prevista?|previst[oa] (?:per|il)|fissat[oa]|si terrà|inizierà|dovrà|fino al|"
    r"rinviat[oa])\b",
    "ru": r"(?:назначен|состоится|пройд[её]т|запланирован|начн[её]тся|предстан|будет|будут|должн|отложен|"
    r"перенес|до \d)",
    "uk": r"(?:призначен|відбудеться|запланован|розпочнеться|почнеться|постане|буде|будуть|відкладен|перенес|до \d)",
    "be": r"(?:прызначан|адбудзецца|запланаван|пачнецца|будзе|будуць)",
    "pl": r"\b(?:będzie|odbędzie|zaplanowan\w+|wyznaczon\w+|rozpocznie|stanie|ma się|do dnia)\b",
    "tr": r"(?:görülecek|yapılacak|başlayacak|çıkacak|ertelendi|planlan|bekleniyor|tarihinde \w+[ae]ca[kğ])",
    "nl": r"\b(?:zal|zullen|gepland|staat|wordt|worden|verwacht|uiterlijk|uitgesteld)\b",
    "ar": r"(?:سوف|سي\w+|ستعقد|ستبدأ|ستنظر|موعد|المقرر|حتى|المقبل|المقبلة|أرجأت|تأجيل)",
    "fa": r"(?:خواهد|خواهند|قرار است|برگزار می|موکول|تا تاریخ|آینده)",
    "zh": r"(?:将|將|定于|定於|预定|預定|预计|預計|拟于|擬於|开庭|開庭|押后|押後|截止)",
    "ja": r"(?:予定|開かれる|始まる|行われる|言い渡される|控え|までに)",
    "ko": r"(?:예정|열린다|열릴|시작된다|예상|까지)",
    "id": r"\b(?:akan|dijadwalkan|direncanakan|hingga|ditunda)\b",
    "vi": r"(?:sẽ|dự kiến|vào lúc|hoãn)",
    "sv": r"\b(?:ska|skall|kommer|väntas|inleds|senast)\b",
    "cs": r"\b(?:bude|budou|začne|má se|naplánován\w*|odročen\w*)\b",
    "ro": r"\b(?:va|vor|programat\w*|stabilit\w* pentru|amânat\w*|până la)\b",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A day to come, and the words of the text that name it, at most about 200 of its characters."""

    day: date
    words: str


def upcoming(text: str, *, language: str = "", published: date, after: date) -> tuple[Found, ...]:
    """Find days after both `published` and `after` in `text`, each once, in order of time.

    `language`: a BCP 47 tag, a hint that the script may overrule.
    """
    plain = text.translate(_figures())
    spoken = language_of(plain[:_HINT], language).replace("_", "-").partition("-")[0].lower()
    found: dict[date, Found] = {}
    for start, end, day in _dates(plain, spoken, published):
        if day > max(published, after):
            found.setdefault(day, Found(day=day, words=_words(text, spoken, start, end)))
    return tuple(found[day] for day in sorted(found))


def _dates(text: str, language: str, published: date) -> Iterator[tuple[int, int, date]]:
    for match, year, month, day in _matches(text, language):
        made, this_year = (_solar_day, published.year - _SOLAR_EPOCH) if _is_solar(match) else (_day, published.year)
        if year:
            read = made(year, month, day)
            if read and read - published <= WITH_YEAR:
                yield match.start(), match.end(), read
        elif _speaks_of_the_future(text, language, match.start(), match.end()):
            # The first such day from publication on; 29 February may be years away.
            ahead = (read for more in range(2) if (read := made(this_year + more, month, day)) and read >= published)
            read = next(ahead, None)
            if read and read - published <= WITHOUT_YEAR:
                yield match.start(), match.end(), read


def _matches(text: str, language: str) -> Iterator[tuple[re.Match[str], int, int, int]]:
    """Yield (match, year or 0, month, day)."""
    for match in _ISO.finditer(text):
        yield match, int(match[1]), int(match[2]), int(match[3])
    for match in _FIGURES.finditer(text):
        if language in (_DOTTED if match[2] == "." else _SLASHED):
            yield match, int(match[4]), int(match[3]), int(match[1])
    spelled = {"zh": _EAST_ASIAN, "ja": _EAST_ASIAN, "ko": _KOREAN}
    if language in spelled:
        for match in spelled[language].finditer(text):
            yield match, int(match[1] or 0), int(match[2]), int(match[3])
    elif language == "vi":
        for match in _VIETNAMESE.finditer(text):
            yield match, int(match[3] or 0), int(match[2]), int(match[1])
    if language == "fa":
        for match in _SOLAR.finditer(text):
            yield match, int(match[3] or 0), _SOLAR_MONTHS.index(match[2]) + 1, int(match[1])
    if language in _LOCALES:
        months, pattern = _spelled(language)
        for match in pattern.finditer(text):
            name = match["month"] or match["first"]
            year = match["year"] or match["year_"] or 0
            yield match, int(year), months[_folded(name)], int(match["day"] or match["second"])


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _solar_day(year: int, month: int, day: int) -> date | None:
    """A day of Iran's calendar: the year begins about 21 March, its months have 31, then 30 days.

    Leap years by the cycle of 33 years, which holds from 1343 to 1472 (1964 to 2093):
    https://www.fourmilab.ch/documents/calendar/#persian
    """
    if not (1343 <= year <= 1472 and 1 <= month <= 12 and 1 <= day <= _solar_days(year, month)):
        return None
    whole = sum(365 + _is_solar_leap(one) for one in range(1343, year))
    return date(1964, 3, 21) + timedelta(days=whole + sum(_solar_days(year, one) for one in range(1, month)) + day - 1)


def _solar_days(year: int, month: int) -> int:
    return 31 if month < 7 else 30 if month < 12 or _is_solar_leap(year) else 29


def _is_solar_leap(year: int) -> bool:
    return year % 33 in (1, 5, 9, 13, 17, 22, 26, 30)


def _is_solar(match: re.Match[str]) -> bool:
    return match.re is _SOLAR


# ── words ─────────────────────────────────────────────────────────────────────────────────────────


@functools.cache
def _spelled(language: str) -> tuple[dict[str, int], re.Pattern[str]]:
    """The numbers of months by their names, and what a date looks like with them."""
    from babel import Locale  # noqa: PLC0415 - reads locale files

    months: dict[str, int] = {}
    for locale in _LOCALES[language]:
        forms = Locale.parse(locale).months["format"]
        for width in ("wide", "abbreviated") if language == "en" else ("wide",):
            for number, name in forms[width].items():
                months.setdefault(_folded(name), number)
    if language == "en":
        months["sept"] = 9
    # English months are capitalised, and "may", "march" are other words.
    names = sorted((name.capitalize() if language == "en" else name for name in months), key=len, reverse=True)
    month = "|".join(re.escape(name) for name in names)
    case = "" if language == "en" else "(?i)"
    dash = r"(?:\s?[-–]\s?\d{1,2}\.?)?"
    first = (
        rf"(?<![\d.,:/€$£-])(?P<day>\d{{1,2}})(?:st|nd|rd|th|er|º|\.)?{dash}\s+(?:de\s+|of\s+|di\s+)?"
        rf"(?P<month>{month})\u0654?\.?(?:,?\s+(?:de\s+|del\s+)?(?P<year>\d{{4}}))?(?![\w])"
    )
    other = (
        rf"|\b(?P<first>{month})\.?\s+(?P<second>\d{{1,2}})(?:st|nd|rd|th)?(?:\s?[-–]\s?\d{{1,2}})?"
        r"(?:,?\s+(?P<year_>\d{4}))?(?![\d:%]|[.,]\d|\w)"
    )
    return months, re.compile(case + first + (other if language == "en" else "|(?P<first>(?!))(?P<second>)(?P<year_>)"))


def _folded(name: str) -> str:
    return name.casefold().rstrip(".").rstrip("\u0654")


@functools.cache
def _figures() -> dict[int, str]:
    """Every script's figures as ours, one for one."""
    return {
        code: str(unicodedata.decimal(chr(code)))
        for code in range(0x80, 0xFFFF)
        if unicodedata.category(chr(code)) == "Nd"
    }


def _speaks_of_the_future(text: str, language: str, start: int, end: int) -> bool:
    cues = _cues(language)
    left, right = _sentence(text, language, start, end)
    return cues is not None and cues.search(text, left, right) is not None


@functools.cache
def _cues(language: str) -> re.Pattern[str] | None:
    return re.compile(_CUES[language], re.IGNORECASE) if language in _CUES else None


def _sentence(text: str, language: str, start: int, end: int) -> tuple[int, int]:
    ends = _SENTENCE_END_DOTTED if language in _DOTTED else _SENTENCE_END
    left = max((match.end() for match in ends.finditer(text, 0, start)), default=0)
    after = ends.search(text, end - 1)  # the full stop of an abbreviated month is the date's and may end it too
    return left, after.start() if after else len(text)


def _words(text: str, language: str, start: int, end: int) -> str:
    """The sentence, or as much of it as stands around the date."""
    left, right = _sentence(text, language, start, end)
    cut_left, cut_right = max(left, start - _AROUND), min(right, end + _AROUND)
    while left < cut_left < start and not text[cut_left - 1].isspace():
        cut_left += 1
    while end < cut_right < right and not text[cut_right].isspace():
        cut_right -= 1
    words = text[cut_left:cut_right].strip()
    return ("…" if cut_left > left else "") + words + ("…" if cut_right < right else "")
