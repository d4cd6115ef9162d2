"""Which week, and what of it. Pure: it decides what a digest holds and when one is due; it writes nothing.

A digest covers the last whole ISO week (Monday to Sunday in the configured time zone) before its moment: one sent on
Monday or Wednesday of week 48 covers week 47, one sent on Sunday of week 48 too. Its key is that week's, so a repeated
hour, a restart or a clock that jumps can't send it twice; a machine that slept over the moment sends it late, and of
several moments slept over only the last one counts.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from monitor import health
from monitor.compose import source_name
from monitor.digest import news, reviewed
from monitor.digest.corrections import corrections
from monitor.digest.frame import ENGLISH, language_for
from monitor.digest.missed import Missed
from monitor.digest.quiet import quiet
from monitor.digest.trends import trends
from monitor.model import (
    EPOCH,
    ChannelRules,
    Decision,
    Digest,
    DigestItem,
    Edition,
    Estimate,
    Feed,
    FeedState,
    FeedTrouble,
    Judged,
    Member,
    Quiet,
    Story,
    WeekData,
)
from monitor.wishes import wants

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEK = re.compile(r"(\d{4})-W(\d{2})")
_REASONS = 3


@dataclass(frozen=True, slots=True, order=True)
class Week:
    """An ISO week, "2026-W47"."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Week:
        """Read "2026-W47".

        Raises:
            ValueError: it is no ISO week; the text says what is expected.
        """
        match = _WEEK.fullmatch(text.strip())
        if match:
            year, number = int(match.group(1)), int(match.group(2))
            try:
                date.fromisocalendar(year, number, 1)
            except ValueError:
                pass
            else:
                return cls(year, number)
        raise ValueError(f"{text!r} is no week; expected one like 2026-W47")

    @classmethod
    def of(cls, day: date) -> Week:
        """Give the week that `day` is in."""
        return cls(*day.isocalendar()[:2])

    @property
    def next(self) -> Week:
        """The week after it."""
        return Week.of(self.first_day + timedelta(days=7))

    @property
    def first_day(self) -> date:
        """Its Monday."""
        return date.fromisocalendar(self.year, self.number, 1)

    def span(self, tz: ZoneInfo) -> tuple[datetime, datetime]:
        """Give its first moment and the first of the next week, aware UTC."""
        monday = self.first_day
        start, end = (datetime.combine(day, time(), tz).astimezone(UTC) for day in (monday, monday + timedelta(days=7)))
        return start, end

    def __str__(self) -> str:
        return f"{self.year:04}-W{self.number:02}"


@dataclass(frozen=True, slots=True)
class Due:
    """A digest whose moment has come: the week it covers, and when it was due (aware UTC)."""

    week: Week
    at: datetime

    @property
    def key(self) -> str:
        """The digest's key, "digest:2026-W47"."""
        return f"digest:{self.week}"


def last_whole_week(now: datetime, tz: ZoneInfo) -> Week:
    """Give the last week that is over at `now`."""
    return Week.of(now.astimezone(tz).date() - timedelta(days=7))


def last_week_out(now: datetime, tz: ZoneInfo, review: str) -> Week:
    """Give the last week that is over and that people had their time for, where there is a `review` ("tue 12:00")."""
    week = last_whole_week(now, tz)
    is_held = bool(review) and goes_at(week, review, tz=tz) > now
    return Week.of(week.first_day - timedelta(days=7)) if is_held else week


def due(
    rules: ChannelRules, *, tz: ZoneInfo, now: datetime, not_before: datetime = EPOCH, review: str = ""
) -> Due | None:
    """Say which digest is the channel's latest due one; None where it wants none.

    `not_before` is when the watch began: of a week that was over by then there is nothing to say, and None is due.
    `review`: the weekly moment until which people may look at it, "tue 12:00"; "": it goes without.

    Whether it was sent already is the store's to say. A moment that a change to summer time skips comes an hour later;
    of one that is repeated in autumn the first counts.
    """
    if not rules.digest:
        return None
    week = last_whole_week(now, tz)
    at = goes_at(week, rules.digest, tz=tz, review=review)
    if at > now:
        week = Week.of(week.first_day - timedelta(days=7))
        at = goes_at(week, rules.digest, tz=tz, review=review)
    return Due(week, at) if week.span(tz)[1] > not_before else None


def goes_at(week: Week, weekly: str, *, tz: ZoneInfo, review: str = "") -> datetime:
    """Say when the digest of `week` goes to those who want it at `weekly`, "mon 08:00": in the week after it.

    Not before people had their time for it, where there is a `review`. Aware UTC.
    """
    return max(_moment(each, week.next.first_day, tz) for each in (weekly, review) if each)


def _moment(weekly: str, monday: date, tz: ZoneInfo) -> datetime:
    day_name, _, clock = weekly.lower().partition(" ")
    day = monday + timedelta(days=_DAYS.index(day_name[:3]))
    return datetime.combine(day, time.fromisoformat(clock.strip().zfill(5)), tz).astimezone(UTC)


# ── what is in it ─────────────────────────────────────────────────────────────────────────────────


def select(
    data: WeekData,
    rules: ChannelRules,
    week: Week,
    *,
    feeds: Mapping[str, Feed] | None = None,
    tz: ZoneInfo | None = None,
    due_at: datetime | None = None,
    missed: Missed | None = None,
) -> Digest:
    """Choose and order what the digest of `week` tells this channel, in its `rules.language`.

    `feeds` (by `Feed.url`) gives names and tags; a feed that is not in it passes a filter by tags. `due_at`: set where
    the digest is late. `missed`: what a random sample says, where there is one. Reviewers' edits in `data` hold.
    """
    feeds = feeds or {}
    tz = tz or ZoneInfo("UTC")
    rows = _by_story(data.judged)
    edits = reviewed.counting(data.edits, rules.name)
    gone = reviewed.left_out(edits)
    stories = [story for story in (*data.stories, *_strays(data)) if story.id not in gone]
    chosen = [story for story in stories if wants(rules, story, codes=_codes(rows, story), feeds=feeds)]
    items = {story.id: _item(story, rows.get(story.id, ()), feeds) for story in chosen}
    alerted = [items[story.id] for story in chosen if story.alerted]
    below = [items[story.id] for story in chosen if not story.alerted]
    opened = {story.id for story in chosen if any(row.opens_story for row in rows.get(story.id, ()))}
    new = [story for story in chosen if story.id in opened]
    week_end = news.last_day(week.first_day)
    return Digest(
        week=str(week),
        first_day=week.first_day,
        alerted=reviewed.ordered(sorted(alerted, key=lambda item: (item.at, item.story_id)), edits),
        below=reviewed.ordered(sorted(below, key=lambda item: (-item.score, item.at, item.story_id)), edits),
        articles_alerted=data.alerted,
        articles_digest=data.digest,
        articles_dropped=data.dropped,
        feeds=len(data.feeds),
        trouble=_trouble(data.feeds, feeds),
        by_code=_counted(code for item in items.values() for code in item.codes),
        by_language=_counted(item.language for item in items.values()),
        timezone=tz.key,
        due_at=due_at,
        language=language_for(rules.language or ENGLISH),
        new=len(new),
        moved=news.moved(data, chosen, items, opened),
        routes=news.new_routes(new),
        report=news.report(chosen, items),
        ahead=news.ahead(data, chosen, items, rows=rows, week_end=week_end, tz=tz),
        quiet=tuple(
            one for one in _quiet(data, feeds, week.span(tz)[1]) if not rules.states or one.state in rules.states
        ),
        corrections=corrections(
            [one for one in data.editions if one.story_id not in gone and _is_wanted(one, rules, feeds)], feeds
        ),
        withdrawn=data.withdrawn,
        held=sum(count for channel, count in data.held if channel == rules.name or not rules.name),
        missed=estimate(missed),
        note=reviewed.note(edits, rules.name),
        trends=trends(data.past, data.judged, first_day=week.first_day, tz=tz),
    )


def for_readers(digest: Digest) -> Digest:
    """The digest without what is said of single feeds: that is for those who run the watch."""
    return replace(digest, names_feeds=False)


def _is_wanted(edition: Edition, rules: ChannelRules, feeds: Mapping[str, Feed]) -> bool:
    """Whether an edited article passes a channel's filters, as far as the edit itself tells."""
    member = Member(
        article_id=edition.article_id, title=edition.title, feed=edition.feed, language=edition.language, score=1.0
    )
    at = edition.replaced_at
    story = Story(id=edition.story_id, language=edition.language, members=(member,), first_at=at, last_at=at)
    return wants(rules, story, codes=(), feeds=feeds)


def estimate(missed: Missed | None) -> Estimate | None:
    """Round what a sample says to whole articles, outwards; None where nothing can be said yet."""
    if missed is None or missed.estimate is None:
        return None
    return Estimate(
        likely=round(missed.estimate),
        least=math.floor(missed.low),
        most=math.ceil(missed.high),
        labelled=missed.labelled,
    )


def _quiet(data: WeekData, feeds: Mapping[str, Feed], end: datetime) -> tuple[Quiet, ...]:
    watched = {state.url for state in data.feeds if not feeds or (state.url in feeds and feeds[state.url].enabled)}
    blind = {state.url for state in data.feeds if any(_wrong_with(state))}
    return quiet(data.past, end=end, blind=blind, watched=watched)


Rows = dict[str, list[Judged]]


def _by_story(judged: Sequence[Judged]) -> Rows:
    rows: Rows = {}
    for row in judged:
        if row.verdict.decision is not Decision.DROP:
            rows.setdefault(row.story_id or row.article.id, []).append(row)
    return rows


def _strays(data: WeekData) -> list[Story]:
    """Articles that matter and stand in no story that is given: each is told by itself rather than left out."""
    given = {story.id for story in data.stories}
    strays = []
    for story_id, rows in _by_story(data.judged).items():
        if story_id not in given:
            members = tuple(member_of(row) for row in rows)
            times = [member.at for member in members]
            strays.append(
                Story(
                    id=story_id,
                    language=members[0].language,
                    members=members,
                    first_at=min(times),
                    last_at=max(times),
                    alerted=any(member.decision is Decision.ALERT for member in members),
                )
            )
    return strays


def member_of(row: Judged) -> Member:
    """An article as a member of a story, of which nothing else is known."""
    article = row.article
    return Member(
        article_id=article.id,
        title=article.title,
        summary=article.summary,
        url=article.url,
        feed=article.feed,
        language=article.language,
        at=article.at,
        score=row.score.value,
        decision=row.verdict.decision,
    )


def _codes(rows: Rows, story: Story) -> tuple[str, ...]:
    named = (code for row in rows.get(story.id, ()) for code in row.score.codes)
    return tuple(dict.fromkeys((*story.facts.codes, *named)))


def _item(story: Story, rows: Sequence[Judged], feeds: Mapping[str, Feed]) -> DigestItem:
    member = _voice(story)
    row = next((row for row in rows if row.article.id == member.article_id), None)
    names = dict.fromkeys(_name(other, feeds) for other in story.members)
    source = _name(member, feeds)
    reasons = row.score.reasons if row else ()
    return DigestItem(
        story_id=story.id,
        title=member.title,
        summary=member.summary,
        url=member.url,
        source=source,
        also=tuple(name for name in names if name != source),
        language=member.language or story.language,
        at=member.at,
        dated=row is None or row.article.published_at is not None,
        score=max(member.score for member in story.members),
        codes=_codes({story.id: list(rows)}, story),
        facts=story.facts,
        reasons=tuple(reason.term for reason in reasons if reason.weight > 0)[:_REASONS],
    )


def _voice(story: Story) -> Member:
    """Choose who tells the story: its lead if that was worth an alert, else its best article."""
    lead = story.members[0]
    if lead.decision is Decision.ALERT:
        return lead
    return max(story.members, key=lambda member: (member.decision is Decision.ALERT, member.score))


def _name(member: Member, feeds: Mapping[str, Feed]) -> str:
    configured = feeds[member.feed].name if member.feed in feeds else ""
    return source_name(configured, member.feed_name, url=member.feed)


def _trouble(states: Sequence[FeedState], feeds: Mapping[str, Feed]) -> tuple[FeedTrouble, ...]:
    found = [
        FeedTrouble(
            # An address may bear a key in its query: only its host is ever shown.
            name=source_name(feeds[state.url].name if state.url in feeds else "", state.title, url=state.url),
            since=since,
            kind=kind,
        )
        for state in states
        for kind, since in _wrong_with(state)
    ]
    return tuple(sorted(found, key=lambda feed: (feed.name, feed.kind)))


def _wrong_with(state: FeedState) -> Iterator[tuple[str, datetime | None]]:
    """What is the worst about a feed, if anything is: each is named once."""
    if state.failures:
        yield state.error_kind, state.failing_since
    elif state.polled_at is None:
        yield "never asked", None
    else:
        yield from ((f"{one.kind}", one.since) for one in health.standing(state)[:1])


def _counted(names: Iterable[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(Counter(filter(None, names)).items(), key=lambda pair: (-pair[1], pair[0])))
