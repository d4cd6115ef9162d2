"""A digest in words: what every form of it says, cleaned once. Pure.

The forms (text, Markdown, HTML, messages) differ in marks and in nothing else, so none of them can tell another story.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from monitor.compose import (
    NO_TITLE,
    is_odd_host,
    language_name,
    moment,
    shown_host,
)
from monitor.model import Digest, DigestItem, FeedTrouble
from monitor.text import normalized, safe_url

Clean = Callable[[str, int], str]
"""`clean_line` for pages, `compose.harmless` for what may end in a chat. Takes a text and a limit."""

NAME = "Overseas policing week"
ALERTED = "Alerted"
BELOW = "Below the threshold: please look through"
EMPTY = "No story this week. Are the feeds blind? See how they stand below."
ODD_HOST = "careful: unusual letters in this address"
_TITLE_CHARS = 300
_LEAD_CHARS = 300
_SOURCES_NAMED = 6
_FEEDS_NAMED = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One story, ready to be marked up. Empty: nothing to say. `url` is safe to open or empty.

    `also` names other sources, `more` counts those that are not named.
    """

    title: str
    lead: str
    source: str
    host: str
    when: str
    language: str
    tag: str
    score: str
    also: tuple[str, ...]
    more: int
    why: tuple[str, ...]
    reach: str
    url: str
    odd_host: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A whole digest, ready to be marked up. `late` and `feeds` are sentences, `counts` one line."""

    title: str
    week: str
    span: str
    counts: str
    late: str
    alerted: tuple[Row, ...]
    below: tuple[Row, ...]
    codes: str
    languages: str
    feeds: str

    @property
    def sections(self) -> tuple[tuple[str, tuple[Row, ...]], ...]:
        """Headings with their stories; none without."""
        both = ((ALERTED, self.alerted), (BELOW, self.below))
        return tuple((heading, rows) for heading, rows in both if rows)

    @property
    def tallies(self) -> tuple[tuple[str, str], ...]:
        """What is counted at the end, by name."""
        named = (("By method", self.codes), ("By language", self.languages), ("Feeds", self.feeds))
        return tuple((name, line) for name, line in named if line)


def page(digest: Digest, clean: Clean) -> Page:
    """Put a digest into words; everything that strangers wrote goes through `clean`."""
    tz = ZoneInfo(digest.timezone)
    read = digest.articles_alerted + digest.articles_digest + digest.articles_dropped
    return Page(
        title=NAME,
        week=digest.week,
        span=_span(digest),
        counts=(
            f"{_number(len(digest.alerted), 'story', 'stories')} alerted · {len(digest.below):,} below the threshold · "
            f"{_number(read, 'article', 'articles')} read"
        ),
        late=f"Sent late: it was due on {moment(digest.due_at, tz)}." if digest.due_at else "",
        alerted=tuple(_row(item, tz, clean) for item in digest.alerted),
        below=tuple(_row(item, tz, clean) for item in digest.below),
        codes=_tally((clean(code, 40), count) for code, count in digest.by_code),
        languages=_tally((language_name(code), count) for code, count in digest.by_language),
        feeds=_feeds(digest, tz, clean),
    )


def _span(digest: Digest) -> str:
    first, last = digest.first_day, digest.first_day + timedelta(days=6)
    if first.year != last.year:
        return f"{first.day} {first:%b %Y} – {last.day} {last:%b %Y}"
    if first.month != last.month:
        return f"{first.day} {first:%b} – {last.day} {last:%b %Y}"
    return f"{first.day}–{last.day} {last:%b %Y}"


def _row(item: DigestItem, tz: ZoneInfo, clean: Clean) -> Row:
    url, host = safe_url(item.url), shown_host(item.url)
    language = language_name(item.language)
    source = clean(item.source, 60)
    return Row(
        title=clean(item.title, _TITLE_CHARS) or (f"{NO_TITLE} – {host}" if host else NO_TITLE),
        lead=_lead(item, clean),
        source=source,
        host="" if host == source else host,
        when=("" if item.dated else "first seen ") + moment(item.at, tz),
        language="" if language == "English" else language,
        tag=_tag(item.language),
        score=f"{item.score:.2f}",
        also=tuple(clean(name, 60) for name in item.also[:_SOURCES_NAMED]),
        more=max(0, len(item.also) - _SOURCES_NAMED),
        why=tuple(term for term in dict.fromkeys(clean(term, 40) for term in item.reasons) if term),
        reach=_reach(item, clean),
        url=url,
        odd_host=bool(url) and is_odd_host(url),
    )


def _lead(item: DigestItem, clean: Clean) -> str:
    title, summary = normalized(item.title), normalized(item.summary)
    repeats = bool(title) and summary.startswith(title) and len(summary) <= len(title) + 40
    return "" if repeats else clean(item.summary, _LEAD_CHARS)


def _tag(language: str) -> str:
    """A language tag fit for an attribute, or nothing."""
    bare = language.replace("_", "-")
    return bare if bare.replace("-", "").isalnum() and bare.isascii() else ""


def _reach(item: DigestItem, clean: Clean) -> str:
    origin, host = ", ".join(item.facts.origin_states), ", ".join(item.facts.host_states)
    reach = f"{origin or '?'} → {host or '?'}" if origin or host else ""
    parts = (item.facts.stage, reach, ", ".join(item.codes))
    return clean(" · ".join(part for part in parts if part), 200)


def _tally(pairs: Iterable[tuple[str, int]]) -> str:
    return " · ".join(f"{name} {count:,}" for name, count in pairs if name)


def _feeds(digest: Digest, tz: ZoneInfo, clean: Clean) -> str:
    if not digest.feeds:
        return "none is watched"
    well = digest.feeds - len(digest.trouble)
    told = "; ".join(_silent(feed, tz, clean) for feed in digest.trouble[:_FEEDS_NAMED])
    more = len(digest.trouble) - _FEEDS_NAMED
    tail = f" and {more} more" if more > 0 else ""
    return f"{well} of {digest.feeds} answering" + (f". Silent: {told}{tail}" if told else "")


def _silent(feed: FeedTrouble, tz: ZoneInfo, clean: Clean) -> str:
    since = f" since {moment(feed.since, tz)}" if feed.since else ""
    return f"{clean(feed.name, 60)} ({clean(feed.kind, 40)}{since})"


def _number(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
