"""A week with something of everything in it, and builders of what a digest is made of."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from monitor.digest.select import Week, select
from monitor.model import (
    Case,
    ChannelRules,
    Chapter,
    Decision,
    Digest,
    DigestItem,
    Edition,
    Facts,
    FeedState,
    Judged,
    PastStory,
    Story,
    Turn,
    WeekData,
)
from tests.render_parts import FEED, HEADLINES, MADRID, NOW, STATE, story_in

W47 = Week(2026, 47)
START, END = W47.span(MADRID)
FEEDS = {FEED.url: FEED}
ELSEWHERE = "https://elsewhere.example/rss"
DEAF = FeedState(url=ELSEWHERE, polled_at=NOW, failures=3, failing_since=NOW, error_kind="tls")


def told(number: int, language: str = "en", *, alerted: bool = True, **facts: object) -> tuple[Story, Judged]:
    """A story of one article, with the facts that a test cares about."""
    story, row = story_in(language, number, 0.93 if alerted else 0.6)
    return replace(story, alerted=alerted, facts=Facts(**facts)), row  # type: ignore[arg-type]


def past(number: int, at: datetime, **changes: object) -> PastStory:
    values: dict[str, object] = {"story_id": f"past-{number}", "first_at": at, "last_at": at, "feeds": (FEED.url,)}
    return PastStory(**{**values, **changes})  # type: ignore[arg-type]


def half_year() -> tuple[PastStory, ...]:
    """A story a day for 26 weeks from China to the United States, and two from Belarus long ago."""
    days = [
        past(
            n,
            END - timedelta(days=n, hours=3),
            alerted=n % 3 == 0,
            language=("en", "zh")[n % 2],
            origin_states=("CN",),
            host_states=("US",),
            codes=("response",),
        )
        for n in range(180)
    ]
    gone = [
        past(
            900 + n,
            END - timedelta(weeks=6 + n),
            origin_states=("BY",),
            host_states=("PL",),
            language="be",
            feeds=(FEED.url, ELSEWHERE),
        )
        for n in range(2)
    ]
    return tuple(sorted((*days, *gone), key=lambda one: one.first_at))


def case(story_id: str, stage: str, *before: tuple[datetime, str]) -> Case:
    known = tuple(Chapter(story_id=f"old-{n}", at=at, stage=said) for n, (at, said) in enumerate(before))
    return Case(id="case", chapters=(*known, Chapter(story_id=story_id, at=NOW, stage=stage)))


def edition(**changes: object) -> Edition:
    values: dict[str, object] = {
        "article_id": "e",
        "replaced_at": NOW,
        "feed": FEED.url,
        "url": "https://harbour-wire.example/e",
        "language": "en",
        "title_before": "Chinese police station found in London",
        "title": "Chinese police station found in Paris",
        "decision_before": Decision.ALERT,
        "decision": Decision.ALERT,
    }
    return Edition(**{**values, **changes})  # type: ignore[arg-type]


def full_week() -> WeekData:
    """Stories in five languages with facts, a case, a turn, days to come, a correction, a withdrawal, a quiet origin."""
    routes = [("CN", "US"), ("IR", "GB"), ("RU", "DE"), ("CN", "GB"), ("TR", "KE")]
    pairs = [
        told(n, language, alerted=n % 2 == 1, origin_states=(origin,), host_states=(host,), stage="report" if n == 5 else "")
        for n, (language, (origin, host)) in enumerate(zip(HEADLINES, routes, strict=True), start=1)
    ]  # fmt: skip
    known, later = told(77, "en", origin_states=("IN",), host_states=("US",))
    later = replace(later, opens_story=False)
    return WeekData(
        stories=(*(story for story, _ in pairs), known),
        judged=(*(row for _, row in pairs), later),
        alerted=4,
        digest=2,
        dropped=1_211,
        feeds=(STATE, DEAF),
        turns=(Turn(story_id=known.id, stage="sentence", at=NOW, before="verdict"),),
        cases=(case(pairs[0][0].id, "verdict", (datetime(2023, 4, 17, tzinfo=UTC), "charge")),),
        editions=(edition(),),
        past=half_year(),
        passages=((pairs[0][1].article.id, "Sentencing is set for 29 January, a judge said."),),
        held=(("main", 2), ("other", 3)),
        withdrawn=1,
    )


def full_digest(language: str = "en", **changes: object) -> Digest:
    rules = ChannelRules(name="", language=language)
    feeds = {**FEEDS, ELSEWHERE: replace(FEED, url=ELSEWHERE, name="Elsewhere")}
    return replace(select(full_week(), rules, W47, feeds=feeds, tz=MADRID), **changes)  # type: ignore[arg-type]


def item(number: int = 1, **changes: object) -> DigestItem:
    values: dict[str, object] = {
        "story_id": str(number),
        "title": f"Headline {number}",
        "url": f"https://a.example/{number}",
    }
    return DigestItem(**{"source": "Wire", "at": NOW, "language": "en", **values, **changes})  # type: ignore[arg-type]


def digest_of(*below: DigestItem, **changes: object) -> Digest:
    return Digest(week="2026-W47", first_day=W47.first_day, below=below, **changes)  # type: ignore[arg-type]


MONDAY = date(2026, 11, 23)
