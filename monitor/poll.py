"""The way of an article, start to end.

    due       which feeds want to be asked now                     store
    fetch     conditional GET, any order                           ingest.fetch
    parse     bytes -> entries, in a child process                 ingest.parse
    known     which of them were seen before: the one read         store
    fresh     new and edited articles                              stories.identity
    score     one batch                                            classifiers
    look      unsure articles again, with their page's text          second_look
    read      what they say: who, where, how far                   telling, stories.facts
    place     articles that matter join stories                    stories.grouping, stories.crosslingual
    decide    verdicts and what to announce                        alerts.policy
    recall    which cases their stories belong to                  recalling, stories.cases
    tell      messages for channels, and what is too much          telling, alerts.render
    record    everything in ONE transaction                        store

A 304, an empty answer and an error take the same way with an emptier Outcome. Between fetch and record nothing touches
the database but the reads. Feeds are recorded one after another, in the order in which they answer.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from classifiers import Classifier, Score, Text
from monitor import health, log, recalling, telling
from monitor.alerts import policy
from monitor.alerts.sources import Tiers
from monitor.errors import FetchError, FetchFailure, LongarmError, ParseError
from monitor.health import MOVES_NEEDED, wants_full_fetch
from monitor.ingest import schedule
from monitor.ingest.fetch import Fetcher
from monitor.ingest.fulltext import FullText
from monitor.ingest.parse import Parser
from monitor.model import (
    Article,
    ChannelRules,
    Decision,
    Facts,
    Feed,
    FeedState,
    Fetched,
    Judged,
    Limits,
    NotModified,
    Outcome,
    ParsedFeed,
    Placed,
    Story,
    Verdict,
)
from monitor.pulse import Pulse
from monitor.second_look import second_look
from monitor.store import Store
from monitor.stories import grouping, identity
from monitor.websub.subscribing import Subscriptions

_log = log.get(__name__)

STORY_WINDOW = timedelta(days=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Everything that a poll needs, built once by the app. `feeds` is keyed by `Feed.url`.

    `tiers` is the reader's own list of sources. `editable`: names of channels that can edit what was sent. `full_text`
    None: no page is read. `price` is what a request must be worth (`schedule.price_within`); None: `every` says it.
    `push` None: no hub is asked for. `turn` is held from the look at what is known until what was found is recorded.
    """

    store: Store
    fetcher: Fetcher
    parser: Parser
    classifier: Classifier
    feeds: Mapping[str, Feed]
    rules: policy.Rules
    channels: Sequence[ChannelRules]
    timezone: ZoneInfo
    every: timedelta = timedelta(minutes=15)
    first_poll_window: timedelta = timedelta(hours=24)
    limits: Limits = field(default_factory=Limits)
    tiers: Tiers = field(default_factory=Tiers)
    editable: frozenset[str] = frozenset()
    rng: random.Random = field(default_factory=random.Random)
    clock: Callable[[], datetime] | None = None
    in_flight: set[str] = field(default_factory=set)
    full_text: FullText | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    price: float | None = None
    pulse: Pulse = field(default_factory=Pulse)
    push: Subscriptions | None = None


@dataclass(slots=True, kw_only=True)
class PollReport:
    """What one pass did, for logs and `run --once`."""

    polled: int = 0
    failed: int = 0
    new: int = 0
    announced: int = 0

    def count(self, outcome: Outcome) -> None:
        """Add one feed's outcome."""
        self.polled += 1
        self.failed += outcome.state.failures > 0
        self.new += sum(1 for judged in outcome.judged if not judged.edited)
        self.announced += len(outcome.announce)


Answer = Fetched | NotModified | FetchError


async def poll_due(watch: Watch, now: datetime, *, limit: int | None = None) -> PollReport:
    """Poll every feed that is due at `now`; record each as its answer comes. One feed's trouble never stops another."""
    report = PollReport()
    wanted = [url for url, feed in watch.feeds.items() if feed.enabled and url not in watch.in_flight]
    due = watch.store.due_feeds(now, wanted, limit=limit)
    if due:
        watch.store.must_have_room()  # before a site is asked for what could not be recorded
        _prime(watch, now)
    asked = {state.url for state in due}
    watch.in_flight.update(asked)  # a later pass must not ask again while a slow site is still being waited for
    try:
        pairs = [(watch.feeds[state.url], state, wants_full_fetch(state, now)) for state in due]
        async for feed, state, answer in watch.fetcher.many(pairs):
            moment = watch.clock() if watch.clock else now
            try:
                outcome = await take(watch, feed, state, answer, moment)
            except LongarmError:
                raise  # the store: no other feed could be recorded either
            except Exception as error:  # noqa: BLE001 - the top of one feed's way: a bug met here must stop no other
                outcome = await given_up(watch, feed, state, answer, error, moment)
            watch.in_flight.discard(feed.url)
            report.count(outcome)
    finally:
        watch.in_flight.difference_update(asked)
    return report


def _prime(watch: Watch, now: datetime) -> None:
    """Once after a start: how all feeds answered before it."""
    if not watch.pulse.primed:
        known = [state for state in watch.store.feed_states() if state.url in watch.feeds]
        health.primed(watch.pulse, known, watch.store.flow("", now=now).incidents)


async def take(watch: Watch, feed: Feed, state: FeedState, answer: Answer, now: datetime) -> Outcome:
    """Take one feed's answer the whole way and record it."""
    parsed = await _parsed(watch.parser, feed, answer)
    if watch.push and isinstance(answer, Fetched) and isinstance(parsed, ParsedFeed):
        watch.push.learn(feed, answer, parsed)
    return await _taken(watch, feed, state, answer, parsed, now)


async def given_up(
    watch: Watch, feed: Feed, state: FeedState, answer: Answer, error: Exception, now: datetime
) -> Outcome:
    """Record that Longarm itself failed on a feed: it is tried again later and told like any feed that fails."""
    _log.error("a bug in Longarm stopped a feed", feed=log.redacted_url(feed.url), exc_info=error)
    said = ParseError(f"Longarm itself failed on it ({type(error).__name__}); please report this")
    return await _taken(watch, feed, state, answer, said, now)


async def _taken(
    watch: Watch,
    feed: Feed,
    state: FeedState,
    answer: Answer,
    parsed: ParsedFeed | ParseError | None,
    now: datetime,
) -> Outcome:
    # Reading pages takes seconds. Nobody may look at what is known and record what it found in between.
    async with watch.turn:
        # While everything fails a failure says nothing of a feed: it is not counted, and the feed is asked again soon.
        counted = replace(state, failures=0) if watch.pulse.is_victim(state) else state
        after = remembered(counted, feed, answer, parsed, now, every=watch.every, rng=watch.rng, price=watch.price)
        if isinstance(parsed, ParsedFeed):
            outcome = await judged_outcome(watch, feed, state, after, parsed, now)
        else:
            outcome = Outcome(state=after)
        shown = parsed if isinstance(parsed, ParsedFeed) else None
        unchanged = isinstance(answer, NotModified) and not answer.by_hash
        outcome = health.examined(feed, state, outcome, parsed=shown, unchanged=unchanged, pulse=watch.pulse, now=now)
        outcome, mail = telling.told(watch, feed, state, outcome, now)
        watch.store.record(outcome, mail, now=now)
    _told(feed, state, outcome)
    return outcome


async def _parsed(parser: Parser, feed: Feed, answer: Answer) -> ParsedFeed | ParseError | None:
    if not isinstance(answer, Fetched):
        return None
    try:
        return await parser.parse(answer.body, url=answer.url or feed.url, content_type=answer.content_type)
    except ParseError as error:
        return health.page_instead(error, answer.url or feed.url)


async def judged_outcome(
    watch: Watch, feed: Feed, before: FeedState, after: FeedState, parsed: ParsedFeed, now: datetime
) -> Outcome:
    """Everything that a parsed feed changes: known, fresh, score, place, decide, recall."""
    known = watch.store.known(identity.entry_keys(parsed, feed))
    fresh = identity.fresh(parsed, feed, known, before, now=now, first_poll_window=watch.first_poll_window)
    new = await second_look(watch, feed, scored(watch, feed, fresh.new), now)
    edited = await second_look(watch, feed, scored(watch, feed, fresh.edited), now)
    stories = watch.store.recent_stories(now - STORY_WINDOW) if any(_matters(row) for row in (*new, *edited)) else ()
    reading = telling.reading((*new, *edited))
    placed = placements(new, edited, stories, now, facts=reading.of)
    gap = telling.gap(feed, before, parsed, knows_any=bool(fresh.seen_keys or edited), now=now)
    at_hand = {story.id: story for story in stories}
    outcome = policy.outcome(
        feed,
        after,
        new=new,
        edited=edited,
        placed=placed,
        stories=at_hand,
        seen_keys=fresh.seen_keys,
        notices=(*fresh.notices, *gap),
        now=now,
        reading=reading,
        tiers=watch.tiers,
    )
    return recalling.recalled(watch.store, outcome, at_hand)


Ruled = tuple[Article, Score, Verdict]


def scored(watch: Watch, feed: Feed, articles: Sequence[Article]) -> list[Ruled]:
    """Score `articles` in one batch and rule on each."""
    texts = [Text(title=a.title, summary=a.summary, text=a.text, language=a.language) for a in articles]
    scores = watch.classifier.score(texts) if texts else []
    return [
        (article, score, policy.verdict(score, article, feed, watch.rules))
        for article, score in zip(articles, scores, strict=True)
    ]


def _matters(row: Ruled) -> bool:
    return row[2].decision is not Decision.DROP


def placements(
    new: Sequence[Ruled],
    edited: Sequence[Ruled],
    stories: Sequence[Story],
    now: datetime,
    *,
    facts: Mapping[str, Facts] | None = None,
) -> tuple[Placed, ...]:
    """Place the articles that matter; one that is dropped stays outside of every story. `facts` are by article id."""
    wanted = [row[0] for row in (*new, *edited) if _matters(row)]
    return tuple(grouping.place(wanted, stories, now=now, window=STORY_WINDOW, facts=facts)) if wanted else ()


# ── what is remembered of the feed ────────────────────────────────────────────────────────────────


def remembered(
    state: FeedState,
    feed: Feed,
    answer: Answer,
    parsed: ParsedFeed | ParseError | None,
    now: datetime,
    *,
    every: timedelta,
    rng: random.Random,
    price: float | None = None,
) -> FeedState:
    """The feed's state after this poll, next poll included."""
    error = answer if isinstance(answer, FetchError) else parsed if isinstance(parsed, ParseError) else None
    if error is not None:
        return _after_failure(state, feed, error, now, every=every, rng=rng)
    assert not isinstance(answer, FetchError)
    after = _after_answer(replace(state, polled_at=now), answer, parsed, now)
    after = replace(after, failures=0, failing_since=None, error="", error_kind="", gone_seen=0, succeeded_at=now)
    shown = parsed if isinstance(parsed, ParsedFeed) else None
    after = replace(after, rhythm=schedule.rhythm_after(after, shown, now))
    at = schedule.next_poll_at(feed, after, now=now, default=every, wish=answer.fresh_for, rng=rng, price=price)
    return replace(after, next_poll_at=at)


def _after_answer(
    state: FeedState, answer: Fetched | NotModified, parsed: ParsedFeed | ParseError | None, now: datetime
) -> FeedState:
    moved = answer.permanent_url
    if moved and moved == state.moved_to:
        state = replace(state, moved_seen=state.moved_seen + 1)
    elif moved or state.moved_seen < MOVES_NEEDED:
        state = replace(state, moved_to=moved, moved_seen=1 if moved else 0)
    if isinstance(answer, NotModified):
        if not answer.by_hash:
            return state
        # The whole body came and is the one we know: that was a full look, and its validators are the newest.
        return replace(state, full_fetch_at=now, etag=answer.etag, last_modified=answer.last_modified)
    if not isinstance(parsed, ParsedFeed):
        return state
    newest = max((entry.published_at for entry in parsed.entries if entry.published_at), default=None)
    believable = newest if newest and newest <= now + timedelta(hours=1) else None
    state = replace(
        state,
        title=parsed.title or state.title,
        changed_at=now,
        baselined_at=state.baselined_at or now,
        newest_at=max((at for at in (believable, state.newest_at) if at), default=None),
        full_fetch_at=now,
    )
    if parsed.truncated:
        return state  # validators of half an answer would hide the other half
    return replace(state, etag=answer.etag, last_modified=answer.last_modified, body_hash=answer.body_hash)


def _after_failure(
    state: FeedState,
    feed: Feed,
    error: FetchError | ParseError,
    now: datetime,
    *,
    every: timedelta,
    rng: random.Random,
) -> FeedState:
    kind = error.kind.value if isinstance(error, FetchError) else "parser-killed" if error.killed else "not-a-feed"
    gone = isinstance(error, FetchError) and error.kind is FetchFailure.GONE
    after = replace(
        state,
        polled_at=now,
        failures=state.failures + 1,
        failing_since=state.failing_since or now,
        error=str(error),
        error_kind=kind,
        gone_seen=state.gone_seen + 1 if gone else 0,
    )
    retry_after = error.retry_after if isinstance(error, FetchError) else None
    at = schedule.next_poll_at(feed, after, now=now, default=every, retry_after=retry_after, rng=rng)
    return replace(after, next_poll_at=at)


def _told(feed: Feed, before: FeedState, outcome: Outcome) -> None:
    after = outcome.state
    if after.failures:
        _log.warning("feed failed", feed=log.redacted_url(feed.url), error=after.error, failures=after.failures)
    elif before.failures:
        _log.info("feed answers again", feed=log.redacted_url(feed.url))
    for judged in outcome.judged:
        _log.info("article judged", **_as_event(judged))


def _as_event(judged: Judged) -> dict[str, object]:
    return {
        "article": judged.article.id,
        "feed": log.redacted_url(judged.article.feed),
        "score": judged.score.value,
        "verdict": judged.verdict.decision.value,
        "rule": judged.verdict.rule,
        "story": judged.story_id,
    }
