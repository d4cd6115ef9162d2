"""What a feed is usually like, and whether a look at it breaks that. Pure: nothing here reads a clock.

    silent      nothing new in the time in which ten articles would be usual, a day at least
    stale       of one that seldom brings anything: nothing for a month, and for ten of its usual gaps
    empty       no entries where there were some
    form        its entries lost their dates, their links or their titles
    validators  articles that its "not modified" hid came to light when it was asked for everything
    language    the last articles, five at least, are all in another language than those before
    no-hits     nothing for digest or alerts among so many articles that ten would be usual

A rule that has nothing to go by in a look says nothing (None), which is neither "fine" nor "wrong". Garbage instead of
what is remembered is a feed of which nothing is known. Decides nothing about telling: that is `health`'s.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from monitor.compose import language_name
from monitor.ingest import rhythm as rhythms
from monitor.ingest.rhythm import Rhythm
from monitor.model import EPOCH, Article, Entry
from monitor.scripts import language_of

TIMES_USUAL = 10.0
"""So many articles, gaps or hits that should have come and did not are no chance: once in e^10 (22,000) at random."""
SILENT_LEAST = timedelta(days=1)
SILENT_MOST = timedelta(days=365)
"""Whatever is usual: shorter is no silence, longer is one."""
STALE_LEAST = timedelta(days=30)
ITEMS_LEAST = 10.0
"""Articles of late from which on a feed has a rhythm that it can lose."""
LONGEST_TIMES = 2
"""A silence is longer than the longest gap of late by so much."""
LONGEST_HALF_LIFE = timedelta(days=56)
ENTRIES_LEAST = 3
FORM_LEAST = 5
USUALLY, HARDLY = 0.8, 0.2
"""What most entries had, and hardly any has now."""
HIDDEN_FOR = timedelta(hours=1)
"""Some articles show up in a feed later than they say; one that is hidden for longer was hidden by the answer."""
UNCHANGED_KEPT = 2
FULL_NEWS = 3
DISTRUST = timedelta(days=7)
DISTRUST_MOST = 3
"""Doublings of that time."""
FOREIGN_LEAST = 5
LANGUAGE_LETTERS = 60
"""Shorter texts are too often taken for a neighbouring language."""
LANGUAGE_KNOWN, LANGUAGE_MOST = 20, 40
ARTICLES_HEARD = 20
HITS_LEAST = 5.0
ARTICLES_LEAST = 50
ARTICLES_HALF_LIFE = 500
_WEEK, _HOUR = timedelta(days=7), timedelta(hours=1)
_GAPS_WITHIN = timedelta(days=60)
_WORDS = 120


class Trouble(StrEnum):
    """How a feed can be blind. The value is what tables show, and stands in the keys of incidents."""

    FAILS = "fails"
    SILENT = "silent"
    STALE = "stale"
    EMPTY = "empty"
    FORM = "form"
    VALIDATORS = "validators"
    LANGUAGE = "language"
    NO_HITS = "no-hits"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A trouble that is there. `told`: operators were told of it. `aloud`: by a notice of its own."""

    kind: Trouble
    since: datetime
    words: str = ""
    told: bool = False
    aloud: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What is remembered of a feed's ways.

    `new_at`: when it last brought something (EPOCH: never looked at). `rate`: articles an hour it had then; 0 while too
    few are known. `longest`: its longest gap of late, `gap` the mean one between the entries that it shows. `entries`:
    how many it showed; `dated`, `linked`, `titled`: which share of them. `language` is ahead of all others by
    `in_language` articles; the last `in_foreign` ones are all in `foreign`. `hits` of `articles` mattered, up to the
    last one that did; `dry` came since. `unchanged_at`: its last answers "not modified" in a row, `full_news` how many
    times in a row news came only by asking for everything, `late` how often of late an article was older than it can
    have been hidden. `caught`: how often it was found to hide some. `rested`: when an incident last ended.
    """

    new_at: datetime = EPOCH
    rate: float = 0.0
    longest: timedelta = timedelta()
    gap: timedelta = timedelta()
    entries: int = 0
    dated: float = 0.0
    linked: float = 0.0
    titled: float = 0.0
    language: str = ""
    in_language: int = 0
    foreign: str = ""
    in_foreign: int = 0
    hits: float = 0.0
    articles: float = 0.0
    dry: int = 0
    unchanged_at: tuple[datetime, ...] = ()
    full_news: int = 0
    late: int = 0
    distrusted_until: datetime = EPOCH
    caught: int = 0
    standing: tuple[Standing, ...] = ()
    rested: tuple[tuple[Trouble, datetime], ...] = ()

    def of(self, kind: Trouble) -> Standing | None:
        """The trouble of this kind, if it is there."""
        return next((one for one in self.standing if one.kind is kind), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a poll that went well gave. `entries` None: nothing had changed; `unchanged`: the site said so itself (304).

    `new` are the articles that nobody had brought before, `hits` how many of them matter. `brought`: the feed shows
    something that it did not show before. `full`: it was asked for everything. `unseen`: for how long before it could
    not be looked at. `newest_at` is the newest believable date it ever had, `full_at` when it was last seen whole.
    """

    at: datetime
    entries: tuple[Entry, ...] | None = None
    unchanged: bool = False
    new: tuple[Article, ...] = ()
    hits: int = 0
    brought: bool = False
    full: bool = False
    unseen: timedelta = timedelta()
    newest_at: datetime | None = None
    full_at: datetime | None = None
    rhythm: Rhythm = field(default_factory=Rhythm)


Found = Mapping[Trouble, str | None]
"""What is wrong in words, "" where all is fine, None where a look says nothing of it."""


def looked(habits: Habits, look: Look) -> tuple[Habits, Found]:
    """Take in a look: what is remembered from now on (all but `standing` and `rested`), and what is wrong."""
    after = _quiet(_listened(habits, look), look)
    found: dict[Trouble, str | None] = {Trouble.EMPTY: _empty(habits, look), Trouble.FORM: _form(habits, look)}
    after, found[Trouble.LANGUAGE] = _language(after, look)
    after, found[Trouble.VALIDATORS] = _validators(after, look)
    found[Trouble.SILENT] = None if found[Trouble.EMPTY] else _silent(after, look)
    found[Trouble.STALE] = None if found[Trouble.EMPTY] else "" if found[Trouble.SILENT] else _stale(after, look)
    found[Trouble.NO_HITS] = _no_hits(after)
    if look.entries and not found[Trouble.FORM]:
        dated, linked, titled = _shares(look.entries)
        after = replace(after, dated=dated, linked=linked, titled=titled)
    if look.entries:
        after = replace(after, entries=len(look.entries), gap=_mean_gap(_dates(look.entries)) or after.gap)
    return after, found


def accepted(habits: Habits, kind: Trouble) -> Habits:
    """Forget the habit that a trouble of this `kind` breaks: what is there now becomes usual."""
    if kind is Trouble.FORM:
        return replace(habits, dated=0.0, linked=0.0, titled=0.0)
    return replace(habits, language="", in_language=0, foreign="", in_foreign=0) if kind is Trouble.LANGUAGE else habits


# ── silence ───────────────────────────────────────────────────────────────────────────────────────


def _quiet(habits: Habits, look: Look) -> Habits:
    """When did it last bring something? Time in which nobody could look is no silence."""
    if habits.new_at == EPOCH:
        dates = _dates(look.entries or ())
        begun = min(look.newest_at or look.at, look.at)
        return replace(_at_rate(habits, look), new_at=begun, longest=_longest_gap(dates, look.at))
    before = min(habits.new_at + look.unseen, look.at)
    if not look.brought:
        return replace(habits, new_at=before)
    gap = look.at - before
    if any(one.told for one in habits.standing if one.kind in (Trouble.SILENT, Trouble.EMPTY)):
        gap /= LONGEST_TIMES  # or one blocked month would hide the next one
    longest = max(habits.longest * 0.5 ** ((look.at - before) / LONGEST_HALF_LIFE), gap)
    return replace(_at_rate(habits, look), new_at=look.at, longest=min(longest, SILENT_MOST))


def _at_rate(habits: Habits, look: Look) -> Habits:
    known = sum(look.rhythm.hours) >= ITEMS_LEAST
    return replace(habits, rate=rhythms.rate(look.rhythm) if known else habits.rate)


def _silent(habits: Habits, look: Look) -> str:
    quiet = look.at - habits.new_at
    if not habits.rate or quiet < SILENT_LEAST or quiet < LONGEST_TIMES * habits.longest:
        return ""
    usual = _expected(habits, look)
    if usual < TIMES_USUAL and quiet < SILENT_MOST:
        return ""
    return f"nothing new since {habits.new_at:%d %b %H:%M} UTC, where {usual:,.0f} articles would be usual"


def _expected(habits: Habits, look: Look) -> float:
    """Articles that would have come since `new_at`: at the rate of then, by the learned hours of the week."""
    week = rhythms.rates(look.rhythm, habits.new_at, rhythms.WEEK_HOURS)
    weeks, rest = divmod(look.at - habits.new_at, _WEEK)
    shape = weeks * sum(week) + sum(week[: int(rest / _HOUR)])
    return shape * habits.rate / rhythms.rate(look.rhythm)


def _stale(habits: Habits, look: Look) -> str:
    quiet = look.at - habits.new_at
    usual = min(max(STALE_LEAST, TIMES_USUAL * habits.gap), SILENT_MOST) if habits.gap else SILENT_MOST
    return f"only old articles: the newest is of {habits.new_at:%d %b %Y}" if quiet >= usual else ""


def _dates(entries: Sequence[Entry]) -> list[datetime]:
    return sorted(entry.published_at for entry in entries if entry.published_at)


def _mean_gap(dates: Sequence[datetime]) -> timedelta:
    return (dates[-1] - dates[0]) / (len(dates) - 1) if len(dates) > 1 else timedelta()


def _longest_gap(dates: Sequence[datetime], now: datetime) -> timedelta:
    recent = [at for at in dates if now - _GAPS_WITHIN <= at <= now]
    return max((later - sooner for sooner, later in itertools.pairwise(recent)), default=timedelta())


# ── form ──────────────────────────────────────────────────────────────────────────────────────────


def _empty(habits: Habits, look: Look) -> str | None:
    if look.entries is None:
        return _as_before(habits, Trouble.EMPTY)
    if look.entries or habits.entries < ENTRIES_LEAST:
        return ""
    return f"no entries at all, where there were {habits.entries}"


def _form(habits: Habits, look: Look) -> str | None:
    if look.entries is None:
        return _as_before(habits, Trouble.FORM)
    if len(look.entries) < FORM_LEAST:
        return None
    usual = (habits.dated, habits.linked, habits.titled)
    named = zip(("date", "link", "title"), usual, _shares(look.entries), strict=True)
    lost = [name for name, before, now in named if before >= USUALLY and now <= HARDLY]
    return f"its entries have no {' and no '.join(lost)} any more" if lost else ""


def _shares(entries: Sequence[Entry]) -> tuple[float, float, float]:
    return (
        _share(entry.published_at is not None for entry in entries),
        _share(bool(entry.url) for entry in entries),
        _share(bool(entry.title) for entry in entries),
    )


def _share(claims: Iterable[bool]) -> float:
    known = list(claims)
    return sum(known) / len(known)


def _as_before(habits: Habits, kind: Trouble) -> str:
    """The same answer as the last one: what was wrong with it is wrong still."""
    known = habits.of(kind)
    return known.words if known else ""


# ── "not modified" ────────────────────────────────────────────────────────────────────────────────


def _validators(habits: Habits, look: Look) -> tuple[Habits, str]:
    """Found out: an article that came after the feed was last seen whole, and an hour before two 304s or more."""
    if look.unchanged:
        kept = (*habits.unchanged_at, look.at)[-UNCHANGED_KEPT:]
        return replace(habits, unchanged_at=kept), _distrusted(habits, look)
    since_304 = habits.unchanged_at[0] if len(habits.unchanged_at) == UNCHANGED_KEPT else None
    # A site that had fallen silent or was emptied said "not modified" in good faith.
    quiet = any(one.kind in (Trouble.SILENT, Trouble.STALE, Trouble.EMPTY) for one in habits.standing)
    hidden = since_304 and not quiet and any(_came_before(one, since_304, look.full_at) for one in look.new)
    habits = replace(habits, unchanged_at=())
    if not look.full:  # a feed that dates its articles back proves nothing by its dates
        late = min(habits.late + 1, DISTRUST.days) if hidden else habits.late
        habits = replace(habits, late=late, full_news=0 if look.brought else habits.full_news)
        return habits, _distrusted(habits, look)
    full_news = habits.full_news + 1 if look.brought and since_304 else 0
    if (hidden and not habits.late) or full_news >= FULL_NEWS:
        until = look.at + DISTRUST * 2 ** min(habits.caught, DISTRUST_MOST)
        habits = replace(habits, full_news=0, caught=habits.caught + 1, distrusted_until=until)
    else:
        habits = replace(habits, full_news=full_news, late=max(habits.late - 1, 0))
    return habits, _distrusted(habits, look)


def _came_before(article: Article, since_304: datetime, full_at: datetime | None) -> bool:
    at = article.published_at
    return at is not None and full_at is not None and full_at < at <= since_304 - HIDDEN_FOR


def _distrusted(habits: Habits, look: Look) -> str:
    if look.at >= habits.distrusted_until:
        return ""
    return f"said “not modified” and hid articles; until {habits.distrusted_until:%d %b} it is asked for everything"


# ── what it speaks of ─────────────────────────────────────────────────────────────────────────────


def _language(habits: Habits, look: Look) -> tuple[Habits, str | None]:
    spoken = [language for article in look.new[-ARTICLES_HEARD:] if (language := _spoken_in(article))]
    for language in spoken:
        habits = _heard(habits, language)
    if not spoken or 0 < habits.in_foreign < FOREIGN_LEAST:
        return habits, None
    if not habits.in_foreign:
        return habits, ""
    was, now = language_name(habits.language), language_name(habits.foreign)
    return habits, f"its last {habits.in_foreign:,} articles are in {now}, where it was in {was}"


def _heard(habits: Habits, language: str) -> Habits:
    """A majority by counting up and down; what a feed has said in other languages counts down when it comes back."""
    if language == habits.language:
        ahead = min(max(habits.in_language - habits.in_foreign, 0) + 1, LANGUAGE_MOST)
        return replace(habits, in_language=ahead, foreign="", in_foreign=0)
    if habits.in_language >= LANGUAGE_KNOWN:
        before = habits.in_foreign if language == habits.foreign else 0
        return replace(habits, foreign=language, in_foreign=min(before + 1, 9_999))
    if habits.in_language > 0:
        return replace(habits, in_language=habits.in_language - 1)
    return replace(habits, language=language, in_language=1)


def _spoken_in(article: Article) -> str:
    text = f"{article.title} {article.summary[:400]}"
    return language_of(text) if sum(map(str.isalpha, text)) >= LANGUAGE_LETTERS else ""


def _listened(habits: Habits, look: Look) -> Habits:
    dry = habits.dry + len(look.new)
    if not look.hits:
        return replace(habits, dry=dry)
    fade = 0.5 ** (dry / ARTICLES_HALF_LIFE)
    return replace(habits, hits=habits.hits * fade + look.hits, articles=habits.articles * fade + dry, dry=0)


def hit_share(habits: Habits) -> float:
    """Which share of the feed's articles matters; 0 while too little is known."""
    return habits.hits / habits.articles if habits.hits >= HITS_LEAST else 0.0


def _no_hits(habits: Habits) -> str:
    usual = habits.dry * hit_share(habits)
    if habits.dry < ARTICLES_LEAST or usual < TIMES_USUAL:
        return ""
    return f"none of its last {habits.dry:,} articles matters, where {usual:.0f} would be usual"


# ── remembering ───────────────────────────────────────────────────────────────────────────────────

_TIMES = ("new_at", "distrusted_until")
_SPANS = ("longest", "gap")
_NUMBERS = ("rate", "dated", "linked", "titled", "hits", "articles")
_COUNTS = ("entries", "in_language", "in_foreign", "dry", "full_news", "late", "caught")
_MOST = 1e12


def encoded(habits: Habits) -> str:
    """Write habits as compact ASCII JSON, mostly under 1 kB and under 2 kB in any case."""
    values: dict[str, Any] = {name: _seconds(getattr(habits, name)) for name in _TIMES}
    values |= {name: int(getattr(habits, name).total_seconds()) for name in _SPANS}
    values |= {name: round(getattr(habits, name), 3) for name in _NUMBERS}
    values |= {name: getattr(habits, name) for name in _COUNTS}
    values |= {"language": habits.language[:20], "foreign": habits.foreign[:20]}
    values["unchanged_at"] = [_seconds(at) for at in habits.unchanged_at]
    values["standing"] = [
        [one.kind, _seconds(one.since), one.told + one.aloud, one.words[:_WORDS]] for one in habits.standing
    ]
    values["rested"] = [[kind, _seconds(at)] for kind, at in habits.rested]
    return json.dumps({name: value for name, value in values.items() if value}, separators=(",", ":"))


def decoded(text: str) -> Habits:
    """Read what `encoded` wrote. Anything else, the empty text too, is a feed of which nothing is known."""
    try:
        values = json.loads(text or "{}")
        known: dict[str, Any] = {name: _moment(values.get(name, 0)) for name in _TIMES}
        known |= {name: timedelta(seconds=_number(values.get(name, 0))) for name in _SPANS}
        known |= {name: _number(values.get(name, 0)) for name in _NUMBERS}
        known |= {name: int(_number(values.get(name, 0))) for name in _COUNTS}
        return Habits(
            **known,
            language=str(values.get("language", "")),
            foreign=str(values.get("foreign", "")),
            unchanged_at=tuple(map(_moment, values.get("unchanged_at", ()))),
            standing=tuple(
                Standing(kind=Trouble(kind), since=_moment(since), words=str(words), told=told > 0, aloud=told > 1)
                for kind, since, told, words in values.get("standing", ())
            ),
            rested=tuple((Trouble(kind), _moment(at)) for kind, at in values.get("rested", ())),
        )
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return Habits()


def _seconds(at: datetime) -> int:
    return int((at - EPOCH).total_seconds())


def _moment(seconds: object) -> datetime:
    return EPOCH + timedelta(seconds=_number(seconds))


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST:
        raise ValueError("no number that was written here")
    return value if math.isfinite(value) else 0.0
