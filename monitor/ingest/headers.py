"""Reads what an answer's headers say, believing none of it: everything is clamped, cut or dropped.

Pure. Times come from the answer itself; nothing here reads a clock.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

RETRY_LIMITS = (timedelta(minutes=1), timedelta(hours=24))
FRESH_LIMIT = timedelta(hours=24)

_MAX_LENGTH = 1024
_SECONDS = re.compile(r"[0-9]{1,12}")
_MAX_AGE = re.compile(r'(?:^|[,\s])max-age\s*=\s*"?([0-9]{1,12})', re.IGNORECASE)
_UNCACHED = re.compile(r"(?:^|[,\s])no-(?:cache|store)", re.IGNORECASE)
_COOKIE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)=([\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*)\s*(?:;|$)")
_LINK = re.compile(r"<([^<>]{1,1024})>([^<]{0,512})")
_REL = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]+))', re.IGNORECASE)
_MAX_COOKIES = 20
# https://www.rfc-editor.org/rfc/rfc6265#section-5.2: Max-Age goes before Expires.
_COOKIE_AGE = re.compile(r";\s*max-age\s*=\s*\"?(-?[0-9]{1,12})", re.IGNORECASE)
_COOKIE_EXPIRES = re.compile(r";\s*expires\s*=\s*([^;]{1,64})", re.IGNORECASE)


def plain(value: str) -> str:
    """Keep a header's value only if it is short printable ASCII, so that it can be stored and sent back as it is."""
    usable = len(value) <= _MAX_LENGTH and value.isascii() and value.isprintable()
    return value.strip() if usable else ""


def retry_after(headers: Mapping[str, str], now: datetime | None) -> timedelta | None:
    """Read Retry-After (seconds or date), clamped to 1 minute..24 hours; None where it is past, negative or garbage.

    A date is measured from the answer's own Date, else from `now`.
    """
    value = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(value):
        wait = timedelta(seconds=min(int(value), RETRY_LIMITS[1].total_seconds()))
    else:
        wait = _until(value, headers, now)
    return min(max(wait, RETRY_LIMITS[0]), RETRY_LIMITS[1]) if wait > timedelta(0) else None


def fresh_for(headers: Mapping[str, str], now: datetime | None) -> timedelta | None:
    """Read for how long the answer calls itself fresh (max-age, else Expires), clamped to 0..24 hours."""
    control = headers.get("cache-control", "")
    if _UNCACHED.search(control):
        return None
    age = _MAX_AGE.search(control)
    if age:
        return timedelta(seconds=min(int(age[1]), FRESH_LIMIT.total_seconds()))
    if "expires" not in headers:
        return None
    wait = _until(headers["expires"], headers, now)
    return min(wait, FRESH_LIMIT) if wait > timedelta(0) else None


def cookies(lines: list[str], before: Mapping[str, str], now: datetime | None = None) -> dict[str, str]:
    """Add what Set-Cookie `lines` name to `before`, at most 20, and take out what they say is over.

    Of the attributes only an end that has come already is read, at `now`: the jar knows the origin, and is short-lived.
    """
    jar = dict(before)
    for line in lines:
        found = _COOKIE.match(line) if len(line) <= 4 * _MAX_LENGTH else None
        if found and _is_over(line, now):
            jar.pop(found[1], None)
        elif found and (found[1] in jar or len(jar) < _MAX_COOKIES):
            jar[found[1]] = found[2]
    return jar


def link(value: str, rel: str) -> str:
    """The first target that a Link header names by the relation `rel`, as it stands there; empty for none."""
    for target, parameters in _LINK.findall(value[: 16 * _MAX_LENGTH]):
        found = _REL.search(parameters)
        if found and rel in (found[1] or found[2]).lower().split():
            return plain(target)
    return ""


def _is_over(line: str, now: datetime | None) -> bool:
    age = _COOKIE_AGE.search(line)
    if age:
        return int(age[1]) <= 0
    expires = _COOKIE_EXPIRES.search(line)
    at = _date(expires[1].strip()) if expires else None
    return at is not None and now is not None and at <= now


def _until(value: str, headers: Mapping[str, str], now: datetime | None) -> timedelta:
    at = _date(value)
    since = _date(headers.get("date", "")) or now
    return at - since if at and since else timedelta(0)


def _date(value: str) -> datetime | None:
    if len(value) > 64:
        return None
    try:
        at = parsedate_to_datetime(value)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
