"""A feed's raw values as the fields of an `Entry`: plain text, absolute addresses, believable dates.

Shared by every feed format. Decides what is cut, what is dropped and what an entry's hash is made of. It must not judge
an entry (a date in the future stays), and must not raise for any value.
"""

from __future__ import annotations

import email.utils
import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import urljoin, urlsplit

from monitor.model import Entry
from monitor.text import plain

MAX_TITLE_CHARS = 1_000
MAX_SUMMARY_CHARS = 4_000
MAX_TEXT_CHARS = 20_000
MAX_AUTHOR_CHARS = 320
MAX_ID_CHARS = 1_000
MAX_URL_CHARS = 4_000
# Markup beyond is not looked at; pictures written into a summary come to some 100,000 characters.
_MAX_MARKUP_CHARS = 500_000
# The HTML parser is quadratic in the depth of elements: 3,000 cost 40 ms, 100,000 cost 40 s.
_MAX_TAGS = 3_000

# A feed is from the time of feeds or mends old articles into it; what is beyond is a default value or a joke.
_FIRST_YEAR, _LAST_YEAR = 1900, 2199

_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,4}", re.ASCII)
_ISO_DATE = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})"
    r"(?:[T\s]+(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,]\d+)?)?\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?\s*(?:\(.*\))?",
    re.ASCII | re.IGNORECASE,
)
_MONTH_NAME = re.compile(r"jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec", re.IGNORECASE)
_DECIMAL_DIGIT = re.compile(r"\d")
# Names that RFC 822 does not know and feeds use; those that mean two zones (IST, BST, CST abroad) are left out.
_ZONE_HOURS = {"CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3, "HKT": 8, "SGT": 8, "JST": 9, "KST": 9, "AEST": 10}
_SEPTEMBER = re.compile(r"\bsept\b", re.IGNORECASE)
_AFTERNOON = re.compile(r"\d\s*p\.?m\b", re.IGNORECASE)
_ZONE_NAME = re.compile(r"\b([A-Z]{3,4})\s*$")
# 24 hours, each in a tag on a line of its own with room to spare.
_MAX_SKIPS = 2_000
_SKIP_HOUR = re.compile(r"<hour>\s*(\d{1,2})\s*</hour>", re.ASCII)
_SKIP_DAY = re.compile(r"<day>\s*([A-Za-z]{1,20})\s*</day>")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def entry(
    *,
    id: str,  # noqa: A002 - the field's name
    title: str,
    url: str,
    published_at: datetime | None,
    updated_at: datetime | None,
    summary: str,
    text: str,
    author: str,
    language: str,
) -> Entry:
    """Build an entry of raw values: markup to text, each cut to its length, and the hash over what a reader sees."""
    title = text_of(title, MAX_TITLE_CHARS)
    summary = text_of(summary, MAX_SUMMARY_CHARS)
    text = text_of(text, MAX_TEXT_CHARS)
    return Entry(
        id=identifier(id),
        title=title,
        url=url,
        published_at=published_at,
        updated_at=updated_at,
        summary=summary,
        text=text,
        author=text_of(author, MAX_AUTHOR_CHARS),
        language=language,
        raw_hash=hashlib.sha256("\0".join((title, url, summary, text)).encode()).hexdigest(),
    )


def text_of(raw: str, limit: int) -> str:
    """Plain text of at most `limit` characters out of text or HTML, whitespace folded."""
    raw = raw[:_MAX_MARKUP_CHARS]
    if raw.count("<") > _MAX_TAGS:
        raw = "<".join(raw.split("<", _MAX_TAGS)[:_MAX_TAGS])
    return plain(raw)[:limit].rstrip()


def identifier(raw: str) -> str:
    """A feed's identifier on one line; a very long one is shortened so that different ones stay different."""
    found = " ".join(printable(raw).split())
    if len(found) <= MAX_ID_CHARS:
        return found
    return f"{found[: MAX_ID_CHARS - 65]}#{hashlib.sha256(found.encode()).hexdigest()}"


def printable(raw: str) -> str:
    """`raw` without surrogates, which no encoding can carry."""
    return raw.encode("utf-8", "replace").decode()


def absolute(href: str, base: str = "") -> str:
    """`href` as an absolute http or https address, resolved against `base`; empty for everything else.

    Line breaks and tabs inside are taken out first, as browsers do, so that "java\\nscript:" is seen for what it is.
    """
    href = re.sub(r"[\x00-\x1f\x7f]", "", printable(href)).strip().replace(" ", "%20")
    if not href or len(href) > MAX_URL_CHARS:
        return ""
    try:
        url = urljoin(base, href)
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return ""
    return url if good else ""


def same_site(one: str, other: str) -> bool:
    """Whether two addresses have one host, or one's host lies under the other's."""
    try:
        hosts = [(urlsplit(url).hostname or "").removeprefix("www.") for url in (one, other)]
    except ValueError:
        return False
    first, second = hosts
    if not first or not second:
        return False
    return first == second or first.endswith(f".{second}") or second.endswith(f".{first}")


def language(raw: str) -> str:
    """A BCP 47 tag with hyphens, or empty when it is none."""
    tag = raw.strip().replace("_", "-")
    return tag if _LANGUAGE.fullmatch(tag) else ""


def moment(raw: str) -> datetime | None:
    """The aware UTC time that a feed's date says, None where it says none that can be.

    Reads ISO 8601 and RFC 822 dates with their usual misspellings. Without a zone it is UTC. Never looks at the clock,
    so a date without a year is none.
    """
    raw = raw.strip()[:100]
    if not raw or any(not digit.isascii() for digit in _DECIMAL_DIGIT.findall(raw)):
        return None
    iso = _ISO_DATE.fullmatch(raw)
    try:
        found = _iso_moment(iso) if iso else _mail_moment(raw) if _MONTH_NAME.search(raw) else None
    except (ValueError, OverflowError, TypeError, IndexError):
        return None  # 31 February, hour 27; the mail parser trips over some words, too
    return believable(found)


def believable(at: datetime | None) -> datetime | None:
    """`at` in UTC, or None when no article can be of that year."""
    if at is None or not _FIRST_YEAR <= at.year <= _LAST_YEAR:
        return None
    return at.astimezone(UTC)


def skip_hours(head: str) -> tuple[int, ...]:
    """The hours (0..23 UTC) in which a feed asks not to be polled, by RSS's skipHours; `head` is its text before items.

    https://www.rssboard.org/rss-specification#optionalChannelElements
    """
    hours = {int(hour) % 24 for hour in _SKIP_HOUR.findall(_inside(head, "skipHours")) if int(hour) <= 24}
    return tuple(sorted(hours))


def skip_days(head: str) -> tuple[int, ...]:
    """The days (0 is Monday) on which a feed asks not to be polled, by RSS's skipDays."""
    names = {name.lower() for name in _SKIP_DAY.findall(_inside(head, "skipDays"))}
    return tuple(number for number, name in enumerate(_WEEKDAYS) if name in names)


def _inside(head: str, tag: str) -> str:
    start = head.find(f"<{tag}>") + 1
    return head[start : start + _MAX_SKIPS].partition(f"</{tag}>")[0] if start else ""


def _iso_moment(match: re.Match[str]) -> datetime:
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    at = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    zone = match.group(7) or ""
    if zone[:1] not in {"+", "-"}:
        return at
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return at.replace(tzinfo=_zone(-offset if zone[0] == "-" else offset))


def _mail_moment(raw: str) -> datetime | None:
    raw = _SEPTEMBER.sub("Sep", raw)
    parts = email.utils.parsedate_tz(raw if ":" in raw else f"{raw} 00:00:00")
    if parts is None:
        return None
    year, month, day, hour, minute, second = parts[:6]
    if hour < 12 and _AFTERNOON.search(raw):
        hour += 12
    at = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    named = _ZONE_NAME.search(raw)
    offset = timedelta(hours=_ZONE_HOURS.get(named.group(1), 0)) if named else timedelta()
    return at.replace(tzinfo=_zone(offset or timedelta(seconds=parts[9] or 0)))


def _zone(offset: timedelta) -> timezone:
    """A zone that can be; "+3000" is a typing error in a date that is right within hours."""
    return timezone(offset) if abs(offset) < timedelta(hours=24) else UTC


def newest_last(dates: Sequence[datetime | None]) -> bool:
    """Whether dates in the order of a feed run from old to new: then its end is worth more than its beginning."""
    known = [at for at in dates if at]
    return len(known) > 1 and known[0] < known[-1]
